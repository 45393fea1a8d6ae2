"""Decide where the code of a plugin runs: in this process, or in one that is held to its manifest.

=========  ==================================================================
mode       what it means
=========  ==================================================================
none       in this process, with everything that it may do
auto       a plugin that declares its permissions is held to them, as far as
           this machine can; one that declares nothing, or cannot live
           elsewhere, runs in this process, and that is said
strict     isolated, with everything enforced that there is to be enforced;
           where that cannot be, it does not run
=========  ==================================================================

A plugin.json declares by its form (what it does not ask for is not allowed), a
SKILL.md by an entry of its ``permissions``. Where nobody says otherwise, what
came from a marketplace is strict, what pip installed and what lies in a
trusted folder is auto, and what came with the host is none.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from .config_keys import MODES
from .confinement import Confinement, check_understood
from .errors import ConfigError, IntegrityError, IsolationError
from .grants import LISTS, NATIVE
from .journal import is_begun
from .kinds import GROUP
from .settings import dotted

if TYPE_CHECKING:
    from .candidates import Candidate
    from .config import Config
    from .grants import Grants
    from .kinds import Kind
    from .life import Life
    from .manager import SkillManager
    from .places import Places
    from .sandbox.auditing import Audit
    from .sandbox.lending import Loans, Seen
    from .sandbox.spawning import Spawner

__all__ = ["Decision", "Isolation", "declares"]

#: Speaks last among those who say nothing of one plugin: a mode for everything.
VARIABLE = "KURT_ISOLATION"
#: What a worker needs to load a plugin, and what most plugins begin with.
_PRELOAD = ("kurt_ext.sandbox.inside", "kurt_ext.instances", "kurt_ext.models", "pydantic.main")


class Decision(NamedTuple):
    """Where the code of a plugin runs, and why.

    :param mode: ``none``, ``auto`` or ``strict``.
    :param source: who says so, for people.
    :param tier: what holds it: ``strong``, ``kernel``, ``process``; ``none`` = nothing does.
    :param reason: why nothing holds it, or not what was asked for; else "".
    """

    mode: str
    source: str
    tier: str
    reason: str = ""

    @property
    def isolated(self) -> bool:
        """Whether it runs in a process of its own."""
        return self.tier != "none"

    def sentence(self) -> str:
        """Return for people what holds it."""
        if not self.isolated:
            return f"nothing holds it to that: it runs in the host's own process, {self.reason}"
        by = {
            "strong": "the kernel and namespaces hold it to that",
            "kernel": "the kernel holds it to that",
            "process": "checks in Python alone hold it to that",
        }[self.tier]
        more = f"; {self.reason}" if self.reason else ""
        return f"{by}, in a process of its own ({self.mode}: {self.source}{more})"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {**self._asdict(), "isolated": self.isolated}


def declares(record: Mapping[str, Any]) -> bool:
    """Return whether a manifest says what its skill may do."""
    if "plugin.json" in str(record.get("source")):
        return True
    permissions = record.get("permissions") or {}
    return bool(permissions.get(NATIVE)) or any(permissions.get(key) for key in LISTS)


class Isolation:
    """What one manager's plugins are held by.

    :param skills: asked for the configuration, the kinds and the places.
    """

    def __init__(self, skills: SkillManager) -> None:
        self._skills = skills
        #: Says what an isolated plugin may do.
        self.confinement = Confinement(skills)
        self._asked: dict[str, str] = {}
        self._undeclared: set[str] = set()

    def ask(self, skill: str, mode: str, *, declared: bool = True) -> None:
        """Let a mode be what the caller asks for one skill.

        :param declared: whether ``auto`` leaves it here where it declares nothing.
        """
        self._asked[skill] = mode
        if not declared:
            self._undeclared.add(skill)

    @property
    def config(self) -> Config:
        """What the operator has decided."""
        return self._skills.config

    @property
    def places(self) -> Places:
        """Where everything of this host lies."""
        return self._skills.places

    @cached_property
    def spawner(self) -> Spawner:
        """What starts the workers."""
        from .sandbox.spawning import Spawner

        modules = [place.partition(":")[0] for place in self._kind_places.values()]
        kinds = [kind for kind in self._skills.kinds.values() if kind.isolates]
        return Spawner(
            preload=(*_PRELOAD, *modules, *[name for kind in kinds for name in kind.modules()]),
            packages=dict.fromkeys(module.partition(".")[0] for module in modules),
        )

    @cached_property
    def audit(self) -> Audit:
        """What is told of everything that was allowed and refused."""
        from .sandbox.auditing import Audit

        return Audit(self.places)

    def loans(self, grants: Grants, skill: str, seen: Seen) -> Loans:
        """Return what answers an isolated plugin for the host's services."""
        from .sandbox.lending import Loans

        return Loans(self._skills.services, grants, skill, seen)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what a coroutine gives, from where it cannot be awaited."""
        return self._skills.wait(coroutine)

    def veiled(self, life: Life, error: BaseException) -> BaseException:
        """Return an error without the secrets of a plugin."""
        return self._skills.loading.veiled(life, error)

    def decide(
        self, candidate: Candidate, record: Mapping[str, Any], asked: str | None = None
    ) -> Decision:
        """Return where a plugin's code is to run.

        :param asked: a mode that the caller names, before every other.
        :raises IsolationError: when it is to be strict, and cannot be.
        :raises ConfigError: when a mode is none of the three.
        """
        mode, source = self._mode(candidate, asked)
        if mode == "none":
            return Decision(mode, source, "none", f"since {source}")
        is_held = declares(record) or candidate.name in self._undeclared
        if mode == "auto" and not is_held:
            return Decision(mode, source, "none", "since its manifest declares no permissions")
        foreign = self._living_here(candidate)
        if foreign:
            reason = f"the kind {foreign} is part of the host's own process"
            if mode == "auto":
                return Decision(mode, source, "none", f"since {reason}")
            raise self._unenforced(candidate, source, [reason])
        from .sandbox.abilities import abilities

        able = abilities()
        wanted = str(self._skills.config.sandbox().get("tier", "kernel"))
        tier = next(one for one in (wanted, "kernel", "process") if able.reaches(one))
        reason = "" if tier == wanted else f"{wanted} cannot be had here: see kurt sandbox status"
        if mode == "strict":
            from .sandbox.policy import ENFORCED

            needed = (*ENFORCED, "metadata") if wanted == "strong" else ENFORCED
            missing = able.lacking(needed, tier)
            if missing:
                raise self._unenforced(candidate, source, missing)
        return Decision(mode, source, tier, reason)

    def _mode(self, candidate: Candidate, asked: str | None) -> tuple[str, str]:
        """Return the mode, and who says so."""
        asked = asked if asked is not None else self._asked.get(candidate.name)
        if asked is not None:
            if asked not in MODES:
                raise ConfigError(
                    f"{asked!r} is no mode of isolation",
                    hint="one of " + ", ".join(MODES),
                    skill=candidate.name,
                )
            return asked, "the caller asks for it"
        config = self._skills.config
        said = config.plugin(candidate.name).get("isolation")
        if said in MODES:
            return said, f"[{dotted(('plugin', candidate.name))}] says so"
        default, origin = self._default(candidate)
        check_understood(config, "isolation", "tier")
        said = config.sandbox().get("isolation")
        if said in MODES and default != "none":
            return said, "[sandbox] says so"
        said = os.environ.get(VARIABLE)
        if said in MODES and default != "none":
            return said, f"{VARIABLE} says so"
        return default, origin

    def _default(self, candidate: Candidate) -> tuple[str, str]:
        if candidate.scope == "builtin" or not candidate.location:
            return "none", "it came with the host"
        if self._is_from_elsewhere(candidate):
            return "strict", "it came from a marketplace"
        if candidate.is_folder:
            return "auto", "it lies in a trusted folder"
        return "auto", "it was installed with pip"

    def _is_from_elsewhere(self, candidate: Candidate) -> bool:
        """Return whether somebody else published it: it came by a market, or over a network."""
        from .intact import read_receipt, receipt_path
        from .intact_wheels import receipt_of

        places = self._skills.places
        path = receipt_path(places, candidate.scope, candidate.name)
        try:
            receipt = read_receipt(path, candidate.name)
            if candidate.scope == "installed":
                found = receipt_of(places, candidate.name, candidate.location)
                receipt = found[1] if found is not None else None
        except IntegrityError:
            return True  # nobody can say any more that it did not
        if receipt is None:
            # Between the folder and its receipt, or killed there: nobody can say it yet.
            folders = map(places.installs, ("project", "user"))
            return any(is_begun(folder, candidate.name) for folder in folders)
        source = receipt["locked"].get("source") or ""
        return receipt["locked"].get("market") is not None or "://" in source

    def _living_here(self, candidate: Candidate) -> str | None:
        """Return the word of a kind it offers that cannot live elsewhere; None for none."""
        kinds = self._skills.kinds
        for group, name, _ in candidate.offers:
            kind = kinds.of(group)
            if kind is None or kind.isolates:
                continue
            if self._skills.config.enabled(kind.name, candidate.name, name).enabled:
                return kind.name
        return None

    def _unenforced(
        self, candidate: Candidate, source: str, missing: Iterable[str]
    ) -> IsolationError:
        reasons = list(missing)
        return IsolationError(
            f"{candidate.name} is to run strictly isolated, and cannot",
            cause="\n".join([*reasons, f"strict, since {source}"]),
            at=candidate.location or None,
            hint=f"kurt config set '{dotted(('plugin', candidate.name, 'isolation'))}' auto",
            skill=candidate.name,
            missing=reasons,
        )

    def kind_place(self, kind: Kind[Any]) -> str:
        """Return where a kind is imported from, as ``module:attribute``.

        :raises IsolationError: when no distribution says so.
        """
        place = self._kind_places.get(kind.name)
        if place is None:
            raise IsolationError(f"the kind {kind.name} is not one of an installed distribution")
        return place

    @property
    def _kind_places(self) -> dict[str, str]:
        points = self._skills.discover().entry_points(GROUP)
        return {point.name: point.value for point in points}
