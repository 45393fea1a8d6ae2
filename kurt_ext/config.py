"""What the operator has decided: ``kurt.toml`` of the project over that of the user.

::

    skill_paths = ["../team-skills"]      # further folders of skill folders

    [KIND]                                  # one table per kind
    enabled = ["archive", "hello:greet"]    # exact where it stands, and in this order
    disabled = ["web-archiver"]             # always wins
    run = "sequential"                      # the choice for a role of the kind
    [KIND.NAME]                             # options of one extension

    [skill.web-archiver]                    # settings of one skill
    wayback = "env:WAYBACK_KEY"

    [plugin.web-archiver]                   # how it is loaded, in place of its config.json
    auto_load = true

    [sandbox]                               # how plugins are held, and what they are made of
    offline = true

A name in ``enabled`` and ``disabled`` is an extension's, ``SKILL:EXTENSION``, a
skill's (all of it) or ``"*"``. Without ``enabled``, everything trusted is
enabled, but for kinds whose extensions run only when they are named.

Together: the project's ``enabled``, choices, settings and options replace the
user's key by key, in tables within tables too; ``disabled`` and ``skill_paths``
of both are united. A file that is there and cannot be read enables nothing: a
``disabled`` in it must not be lost to a slip of the pen.

While nobody has trusted the project, its file can only take away and show:
``skill_paths`` counts, ``disabled`` does, and ``enabled`` narrows what is enabled
without it; the last two not for kinds whose extensions run only when they are
named, since such a layer may be a guard. Of a plugin's table ``enabled = false`` and
``auto_load = false`` count, and of ``[sandbox]`` what takes away. A
repository that was merely cloned redirects no skill of the user's, turns
nothing on, and drops no guarding layer.

Reading is in `config_file`, lines and origins in `config_explain`, settings in
`settings`: a process whose index is current needs none of them.
"""

from __future__ import annotations

import os

from .findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from .config_explain import Origin
    from .places import Places
    from .settings import Need, Settings

    Table: TypeAlias = dict[str, Any]

__all__ = ["Config", "Verdict", "joined", "merge"]

_FORMAT = 7


class Verdict:
    """Whether an extension is enabled, by which key of which file, and the sentence that says so.

    :param enabled: the answer.
    :param key: the key that decided, as ``KIND.enabled``; the one that would, where none did.
    :param file: the file it stands in; None where no file decided.
    """

    __slots__ = ("_why", "enabled", "file", "key")

    def __init__(
        self, enabled: bool, key: str, file: str | None, why: tuple[Config, str, str]
    ) -> None:
        self.enabled = enabled
        self.key = key
        self.file = file
        self._why = why

    @property
    def reason(self) -> str:
        """The sentence, as ``kurt.toml:3 KIND.disabled names archive``."""
        config, what, name = self._why
        if self.file is None:
            return what
        path = self.key.rsplit(".", 1) if self.key else ()
        return " ".join(filter(None, (config.place(self.file, path, name), self.key, what)))

    @property
    def at(self) -> str | None:
        """The place that the reason names, as ``file:line:column``; None where no file decided."""
        if self.file is None:
            return None
        config, _, name = self._why
        return config.at(self.file, self.key.rsplit(".", 1) if self.key else (), name)

    def __bool__(self) -> bool:
        return self.enabled

    def __repr__(self) -> str:
        return f"<Verdict {self.enabled}: {self.reason}>"


class Config:
    """The two files as one, and what they say.

    :param layers: what each file holds, as `config_file.read` returns it, the one that
        yields first.
    :param findings: what is wrong in the files.
    :param project: the project's folder, which places are shown relative to.
    :param trusted: whether a person has trusted the project, so that its file counts in full.
    """

    __slots__ = (
        "_counted", "_kinds", "_layers", "_merged", "_narrowing", "findings", "project", "trusted"
    )  # fmt: skip

    def __init__(
        self,
        layers: Iterable[Table] = (),
        findings: Iterable[Finding] = (),
        project: str = "",
        *,
        trusted: bool = False,
    ) -> None:
        self._layers = tuple(layers)
        self.trusted = trusted
        doubted = [] if trusted else [one for one in self._layers if one["scope"] == "project"]
        self._counted = tuple([_harmless(one) if one in doubted else one for one in self._layers])
        self.findings = tuple(findings)
        self.project = project
        merged: Table = {}
        for layer in self._counted:
            merged = merge(merged, layer)
        self._merged = merged
        #: Kind → (file, names) of the lists that only narrow what is enabled without them.
        self._narrowing: dict[str, tuple[str, frozenset[str]]] = {
            kind: (layer["file"], frozenset(table["enabled"]))
            for layer in doubted
            for kind, table in layer["kinds"].items()
            if "enabled" in table
        }
        # Asked for every extension of every skill at a cold start.
        self._kinds = {
            kind: (frozenset(table["enabled"]) if "enabled" in table else None,
                   frozenset(table.get("disabled", ())))
            for kind, table in merged.get("kinds", {}).items()
        }  # fmt: skip

    @classmethod
    def load(
        cls,
        places: Places,
        kinds: Collection[str] | None = None,
        *,
        trusted: bool = False,
        opt_in: Collection[str] = (),
    ) -> Config:
        """Read the files that there are; never raises, ``findings`` says what is wrong where.

        :param kinds: the words that may head a table; any word may if None.
        :param trusted: whether a person has trusted the project; the user's own file is anyway.
        :param opt_in: the words of the kinds that run only what is named, so that a finding
            tells what of theirs is ignored in a project that is not trusted.
        """
        layers: list[Table] = []
        findings: list[Finding] = []
        files = [("user", places.user_config), ("project", places.project_config)]
        if places.user_config == places.project_config:
            del files[0]
            trusted = True
        for scope, file in files:
            try:
                os.stat(file)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                pass  # it may be there: the reader says what is the matter
            from .config_file import read

            layer, found = read(file, scope, kinds)
            layers.append(layer)
            findings += found
            if scope == "project" and not trusted:
                from .config_ignored import findings as ignored

                findings += ignored(layer, places.project, opt_in)
        return cls(layers, findings, places.project, trusted=trusted)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that were read, the one that yields first."""
        return tuple([layer["file"] for layer in self._layers])

    @property
    def layers(self) -> tuple[Table, ...]:
        """What each file holds, whether it counts or not; not to be changed."""
        return self._layers

    @property
    def counted(self) -> tuple[Table, ...]:
        """What of each file has a say: of a project that is not trusted, no more than is safe."""
        return self._counted

    def believed(self) -> Config:
        """Return what the files would say together, were the project trusted."""
        return Config(self._layers, self.findings, self.project, trusted=True)

    @property
    def broken(self) -> str | None:
        """The file that is there and cannot be read, so that nothing is enabled; or None."""
        for layer in self._layers:
            if layer.get("broken"):
                return str(layer["file"])
        return None

    @property
    def skill_paths(self) -> tuple[str, ...]:
        """Further folders of skill folders, absolute; the project's before the user's."""
        return tuple(self._merged.get("skill_paths", ()))

    def enabled(self, kind: str, skill: str, extension: str, opt_in: bool = False) -> Verdict:
        """Decide whether an extension may run.

        :param opt_in: whether the kind's extensions run only when they are named.
        """
        names = (extension, f"{skill}:{extension}", skill, "*")
        broken = self.broken
        if broken:
            return Verdict(False, "", broken, (self, "cannot be read: nothing is enabled", ""))
        chosen, refused = self._kinds.get(kind, (None, frozenset()))
        for name in names:
            if name in refused and not (opt_in and self._is_doubted(kind, name)):
                key = f"{kind}.disabled"
                return Verdict(False, key, self._file(key, name), (self, _names(name), name))
        key = f"{kind}.enabled"
        narrow = self._narrowing.get(kind)
        file, named = None, ""
        if chosen is not None:
            file = self._file(key)
            named = _first(names, chosen)
            if not named:
                what = f"does not name {extension}" + self._ignored(narrow, names)
                return Verdict(False, key, file, (self, what, ""))
        elif opt_in:
            what = f"runs only where {key} names it" + self._ignored(narrow, names)
            return Verdict(False, key, None, (self, what, ""))
        if narrow is not None and not opt_in:
            file, named = narrow[0], _first(names, narrow[1])
            if not named:
                return Verdict(False, key, file, (self, f"does not name {extension}", ""))
        elif chosen is None:
            return Verdict(True, key, None, (self, f"no {key}: everything trusted is enabled", ""))
        return Verdict(True, key, file, (self, _names(named), named))

    def order(self, kind: str) -> list[str]:
        """Return the ``enabled`` list that counts, as it is written; empty where there is none.

        The list of a project that is not trusted orders nothing.
        """
        return list(self._kind(kind).get("enabled", ()))

    def rank(self, kind: str, skill: str, extension: str) -> int:
        """Return the extension's position in :meth:`order`; behind all others if not named.

        Its own name counts before ``SKILL:EXTENSION``, the skill's and ``"*"``.
        """
        order = self._kind(kind).get("enabled", ())
        for name in (extension, f"{skill}:{extension}", skill, "*"):
            if name in order:
                return int(order.index(name))
        return len(order)

    def choice(self, kind: str, role: str) -> str | None:
        """Return the name that is chosen for a role of a kind, or None."""
        chosen = self._kind(kind).get("roles", {}).get(role)
        return None if chosen is None else str(chosen)

    def options(self, kind: str, extension: str) -> Table:
        """Return the table ``[KIND.EXTENSION]`` as it is written."""
        return dict(self._kind(kind).get("options", {}).get(extension, {}))

    def plugin(self, skill: str) -> Table:
        """Return the table ``[plugin.NAME]``: how the loader is to treat a skill."""
        return dict(self._merged.get("plugins", {}).get(skill, {}))

    def sandbox(self) -> Table:
        """Return the table ``[sandbox]``; ``wrong`` lists the keys that cannot be read."""
        return dict(self._merged.get("sandbox", {}))

    @property
    def markets(self) -> Table:
        """The tables ``[market.NAME]`` that count, by name: the user's, then a trusted project's.

        Each has what of ``url``, ``key``, ``allow_http``, ``hosts`` and ``tuf_root`` is
        written, and ``wrong``, the keys that could not be understood.
        """
        # What was unset leaves its header.
        return {name: table for name, table in self._merged.get("markets", {}).items() if table}

    def settings(self, skill: str) -> Table:
        """Return the table ``[skill.NAME]`` as it is written, references unresolved."""
        return dict(self._merged.get("skills", {}).get(skill, {}))

    def resolve(
        self,
        skill: str,
        environ: Mapping[str, str] | None = None,
        *,
        trusts: Callable[[str], bool] | None = None,
    ) -> Settings:
        """Return the settings of a skill with each ``env:VAR`` replaced by the variable's value.

        :param environ: the variables; ``os.environ`` if None.
        :param trusts: asked with the file of each reference that the project makes, so that a
            cloned project cannot hand the user's variables to a skill of the user's.
        :raises ConfigError: when a variable is not set.
        :raises UntrustedError: when ``trusts`` says no.
        """
        from .settings import resolve

        return resolve(self, ("skill", skill), self.settings(skill), environ, trusts)

    def resolve_options(
        self,
        kind: str,
        extension: str,
        environ: Mapping[str, str] | None = None,
        *,
        trusts: Callable[[str], bool] | None = None,
    ) -> Settings:
        """Return the options of an extension, resolved as :meth:`resolve` does.

        :raises ConfigError: when a variable is not set.
        :raises UntrustedError: when ``trusts`` says no.
        """
        from .settings import resolve

        return resolve(self, (kind, extension), self.options(kind, extension), environ, trusts)

    def needs(
        self, skill: str, requires_api: Iterable[str], environ: Mapping[str, str] | None = None
    ) -> tuple[Need, ...]:
        """Return what the services of a skill's ``requires_api`` need, and what is missing.

        Each service ``X`` needs the key ``X`` of ``[skill.NAME]``.
        """
        from .settings import needs

        return needs(self, skill, requires_api, environ)

    def explain(
        self, key: str, *, kinds: Collection[str] | None = None, opt_in: bool = False
    ) -> list[Origin]:
        """Return where a key's value comes from: default, files, environment, and which wins.

        :param key: as in the file, dotted: ``skill_paths``, ``KIND.enabled``,
            ``skill."com.example.calculator".precision``.
        :param kinds: the words of the kinds that there are; any word may be one if None.
        :param opt_in: whether the key's kind runs only what is named.
        :raises UsageError: when there can be no such key.
        """
        from .config_explain import explain

        return explain(self, key, kinds, opt_in)

    def check(
        self, kinds: Collection[str], skills: Collection[str] | None = None
    ) -> tuple[Finding, ...]:
        """Return findings for tables that no kind answers to, and no skill.

        :param kinds: the words of the kinds that there are.
        :param skills: the names of the skills that there are; not judged if None.
        """
        from .config_file import check

        return tuple([f for layer in self._layers for f in check(layer, kinds, skills)])

    def place(self, file: str, path: Sequence[str], name: str = "") -> str:
        """Return ``FILE:LINE`` of a key, the file as a person would write it.

        :param path: the key's parts; the file alone is named where there are none.
        :param name: a name in the key's list, whose line is meant where it has one.
        """
        from .config_explain import place

        return place(self, file, path, name)

    def at(self, file: str, path: Sequence[str], name: str = "") -> str:
        """Return ``file:line:column`` of what :meth:`place` shows to a person."""
        from .config_explain import whereabouts

        line, column = whereabouts(self, file, path, name)
        return f"{file}:{line}:{column}" if line else file

    def as_data(self) -> Table:
        """Return a snapshot of plain values that `marshal` can write."""
        return {
            "format": _FORMAT,
            "layers": list(self._layers),
            "findings": [finding.as_tuple() for finding in self.findings],
            "project": self.project,
            "trusted": self.trusted,
        }

    @classmethod
    def from_data(cls, data: Table) -> Config:
        """Return the configuration that :meth:`as_data` was called on.

        :raises ValueError: when the snapshot is of another format.
        """
        if data.get("format") != _FORMAT:
            raise ValueError("a snapshot of another format")
        findings = [Finding.from_tuple(fields) for fields in data["findings"]]
        return cls(data["layers"], findings, data["project"], trusted=data["trusted"])

    def _kind(self, kind: str) -> Table:
        table: Table = self._merged.get("kinds", {}).get(kind, {})
        return table

    def _file(self, key: str, name: str | None = None) -> str | None:
        """Return the file, the last word first, that has the key (and the name in its list)."""
        kind, _, word = key.rpartition(".")
        for layer in reversed(self._counted):
            names = layer["kinds"].get(kind, {}).get(word)
            if names is not None and (name is None or name in names):
                return str(layer["file"])
        return None

    def _is_doubted(self, kind: str, name: str) -> bool:
        """Return whether only a project that is not trusted disables a name."""
        return not self.trusted and all(
            layer["scope"] == "project"
            for layer in self._counted
            if name in layer["kinds"].get(kind, {}).get("disabled", ())
        )

    @staticmethod
    def _ignored(narrow: tuple[str, frozenset[str]] | None, names: Sequence[str]) -> str:
        """Return what to say where an untrusted project names something in vain."""
        in_vain = narrow is not None and _first(names, narrow[1])
        return "; the project's list is ignored, since it is not trusted" if in_vain else ""


def _harmless(layer: Table) -> Table:
    """Return what of a file counts that nobody has trusted: what it takes away and shows."""
    kinds = {
        kind: {"disabled": table["disabled"]}
        for kind, table in layer["kinds"].items()
        if "disabled" in table
    }
    plugins = {
        name: {key: False for key in ("enabled", "auto_load") if table.get(key) is False}
        for name, table in layer.get("plugins", {}).items()
    }
    sandbox = layer.get("sandbox", {})
    if sandbox:
        from .config_keys import TIGHTER

        sandbox = {key: value for key, value in sandbox.items() if TIGHTER.get(key) == value}
    return {
        **layer,
        "kinds": kinds,
        "skills": {},
        "plugins": plugins,
        "markets": {},
        "sandbox": sandbox,
        "audit": {},
    }


def _first(names: Iterable[str], listed: Collection[str]) -> str:
    """Return the first of the names that a list holds, or ""."""
    for name in names:
        if name in listed:
            return name
    return ""


def merge(lower: Table, upper: Table) -> Table:
    """Return what two layers say together; ``upper`` has the last word.

    Lists called ``disabled`` and ``skill_paths`` are united, the upper's first;
    all else is replaced key by key, in tables within tables too. Associative, unless one
    layer has a table where another has something else.
    """
    kinds: Table = dict(lower.get("kinds", {}))
    for kind, table in upper.get("kinds", {}).items():
        below = kinds.get(kind, {})
        both = {**below, **table}
        if "disabled" in below and "disabled" in table:
            both["disabled"] = _united(table["disabled"], below["disabled"])
        if "roles" in both:
            both["roles"] = {**below.get("roles", {}), **table.get("roles", {})}
        if "options" in both:
            both["options"] = joined(below.get("options", {}), table.get("options", {}))
        kinds[kind] = both
    return {
        "skill_paths": _united(upper.get("skill_paths", ()), lower.get("skill_paths", ())),
        "kinds": kinds,
        "skills": joined(lower.get("skills", {}), upper.get("skills", {})),
        "plugins": joined(lower.get("plugins", {}), upper.get("plugins", {})),
        # A project must not lead a name astray that the user has given to a market and its key.
        "markets": upper.get("markets", {})
        | {name: table for name, table in lower.get("markets", {}).items() if table},
        "sandbox": _sandbox(lower.get("sandbox", {}), upper.get("sandbox", {})),
    }


def _sandbox(lower: Table, upper: Table) -> Table:
    both = {**lower, **upper}
    if "wrong" in both:
        both["wrong"] = _united(upper.get("wrong", ()), lower.get("wrong", ()))
    return both


def _united(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))


def joined(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Table:
    """Return two tables as one, key by key at every depth; ``upper`` has the last word.

    Lists are replaced. Neither table is changed; what both do not have is shared with them.
    """
    made: Table = {**lower, **upper}
    for key in lower:
        below, above = lower[key], made[key]
        if above is not below and isinstance(below, dict) and isinstance(above, dict):
            made[key] = joined(below, above)
    return made


def _names(name: str) -> str:
    return "names everything" if name == "*" else f"names {name}"
