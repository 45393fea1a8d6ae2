"""What the operator has decided: ``kurt.toml`` of the project over that of the user.

::

    skill_paths = ["../shared-skills"]      # further folders of skill folders

    [KIND]                                  # one table per kind
    enabled = ["archive", "hello:greet"]    # exact where it stands, and in this order
    disabled = ["web-archiver"]             # always wins
    run = "sequential"                      # the choice for a role of the kind
    [KIND.NAME]                             # options of one extension

    [skill.web-archiver]                    # settings of one skill
    wayback = "env:WAYBACK_KEY"

A name in ``enabled`` and ``disabled`` is an extension's, ``SKILL:EXTENSION``, a
skill's (all of it) or ``"*"``. Without ``enabled``, everything trusted is
enabled, but for kinds whose extensions run only when they are named.

Together: the project's ``enabled``, choices, settings and options replace the
user's key by key; ``disabled`` and ``skill_paths`` of both are united. A file
that is there and cannot be read enables nothing: a ``disabled`` in it must not
be lost to a slip of the pen.

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

__all__ = ["Config", "Verdict", "merge"]

_FORMAT = 1


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
    """

    __slots__ = ("_kinds", "_layers", "_merged", "findings", "project")

    def __init__(
        self,
        layers: Iterable[Table] = (),
        findings: Iterable[Finding] = (),
        project: str = "",
    ) -> None:
        self._layers = tuple(layers)
        self.findings = tuple(findings)
        self.project = project
        merged: Table = {}
        for layer in self._layers:
            merged = merge(merged, layer)
        self._merged = merged
        # Asked for every extension of every skill at a cold start.
        self._kinds = {
            kind: (frozenset(table["enabled"]) if "enabled" in table else None,
                   frozenset(table.get("disabled", ())))
            for kind, table in merged.get("kinds", {}).items()
        }  # fmt: skip

    @classmethod
    def load(cls, places: Places, kinds: Collection[str] | None = None) -> Config:
        """Read the files that there are; never raises, ``findings`` says what is wrong where.

        :param kinds: the words that may head a table; any word may if None.
        """
        layers: list[Table] = []
        findings: list[Finding] = []
        files = [("user", places.user_config), ("project", places.project_config)]
        if places.user_config == places.project_config:
            del files[0]
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
        return cls(layers, findings, places.project)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that were read, the one that yields first."""
        return tuple([layer["file"] for layer in self._layers])

    @property
    def layers(self) -> tuple[Table, ...]:
        """What each file holds; not to be changed."""
        return self._layers

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
            if name in refused:
                key = f"{kind}.disabled"
                return Verdict(False, key, self._file(key, name), (self, _names(name), name))
        key = f"{kind}.enabled"
        if chosen is not None:
            for name in names:
                if name in chosen:
                    return Verdict(True, key, self._file(key), (self, _names(name), name))
            return Verdict(False, key, self._file(key), (self, f"does not name {extension}", ""))
        if opt_in:
            return Verdict(False, key, None, (self, f"runs only where {key} names it", ""))
        return Verdict(True, key, None, (self, f"no {key}: everything trusted is enabled", ""))

    def order(self, kind: str) -> list[str]:
        """Return the ``enabled`` list that counts, as it is written; empty where there is none."""
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
        }

    @classmethod
    def from_data(cls, data: Table) -> Config:
        """Return the configuration that :meth:`as_data` was called on.

        :raises ValueError: when the snapshot is of another format.
        """
        if data.get("format") != _FORMAT:
            raise ValueError("a snapshot of another format")
        findings = [Finding.from_tuple(fields) for fields in data["findings"]]
        return cls(data["layers"], findings, data["project"])

    def _kind(self, kind: str) -> Table:
        table: Table = self._merged.get("kinds", {}).get(kind, {})
        return table

    def _file(self, key: str, name: str | None = None) -> str | None:
        """Return the file, the last word first, that has the key (and the name in its list)."""
        kind, _, word = key.rpartition(".")
        for layer in reversed(self._layers):
            names = layer["kinds"].get(kind, {}).get(word)
            if names is not None and (name is None or name in names):
                return str(layer["file"])
        return None


def merge(lower: Table, upper: Table) -> Table:
    """Return what two layers say together; ``upper`` has the last word. Associative.

    Lists called ``disabled`` and ``skill_paths`` are united, the upper's first;
    all else is replaced key by key.
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
            both["options"] = _by_key(below.get("options", {}), table.get("options", {}))
        kinds[kind] = both
    return {
        "skill_paths": _united(upper.get("skill_paths", ()), lower.get("skill_paths", ())),
        "kinds": kinds,
        "skills": _by_key(lower.get("skills", {}), upper.get("skills", {})),
    }


def _united(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))


def _by_key(lower: Table, upper: Table) -> Table:
    return {name: {**lower.get(name, {}), **upper.get(name, {})} for name in {**lower, **upper}}


def _names(name: str) -> str:
    return "names everything" if name == "*" else f"names {name}"
