"""What an isolated plugin may do: its manifest, narrowed by whoever configures it."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, NotFoundError
from .grants import LISTS, NATIVE, Grants, narrow
from .sandbox.limits import DEFAULTS, LIMITS, lowered, merged, problems
from .settings import dotted

if TYPE_CHECKING:
    from .candidates import Candidate
    from .config import Config
    from .isolation import Decision
    from .manager import SkillManager
    from .sandbox.policy import Policy

__all__ = ["Confinement", "check_understood", "python_path"]

_OVERRIDE = "sandbox_config_override"


class Confinement:
    """What the isolated plugins of one manager may do, and how much they may use.

    :param skills: asked for the configuration, the places and the other skills.
    """

    def __init__(self, skills: SkillManager) -> None:
        self._skills = skills

    def policy(
        self,
        candidate: Candidate,
        record: Mapping[str, Any],
        decision: Decision,
        given: Mapping[str, Any] | None = None,
        *,
        path: Iterable[str] | None = None,
    ) -> Policy:
        """Return what a plugin's worker may do: its manifest, narrowed by who configures it.

        :param given: a ``sandbox_config_override`` of the caller.
        :param path: where libraries come from; those of this Python if None.
        :raises IsolationError: when a permission may be granted to nobody.
        :raises ConfigError: when a limit is no number.
        """
        from .importer import code_folder
        from .sandbox.policy import compile_policy

        limits = self.limits(candidate, record, given)
        grants = Grants.of(record.get("permissions") or {})
        for table in self._overrides(candidate, record, given):
            grants = _narrowed(grants, table)
        places = self._skills.places
        return compile_policy(
            candidate.name,
            grants,
            folder=code_folder(candidate) or "",
            limits=limits,
            tier=decision.tier,
            path=python_path() if path is None else path,
            companions=[folder for one in self.companions(record) if (folder := code_folder(one))],
            strict=decision.mode == "strict",
            protected=[
                places.data,
                places.cache,
                os.path.dirname(places.user_config),
                places.project_config,
                *self._folders_of_others(candidate),
            ],
        )

    def limits(
        self,
        candidate: Candidate,
        record: Mapping[str, Any],
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """Return how much a plugin's worker may use, by the names of a policy.

        :raises ConfigError: when a limit is no number.
        """
        shipped, operator = self._overrides(candidate, record, given)
        for key, text in problems({**shipped, **operator}):
            raise ConfigError(
                f"{key} of the plugin {candidate.name} cannot be used: {text}",
                hint=f"kurt config explain '{dotted(('plugin', candidate.name, _OVERRIDE))}'",
                skill=candidate.name,
                problems=[(f"/{_OVERRIDE}/{key}", text)],
            )
        sandbox = self._skills.config.sandbox()
        check_understood(self._skills.config, *(limit.key for limit in LIMITS))
        return merged(merged(lowered(DEFAULTS, shipped), sandbox), operator)

    def _overrides(
        self, candidate: Candidate, record: Mapping[str, Any], given: Mapping[str, Any] | None
    ) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """Return what the plugin's own config.json says of its isolation, and what others say."""
        shipped = _table((record.get("config") or {}).get(_OVERRIDE))
        own = _table(self._skills.config.plugin(candidate.name).get(_OVERRIDE))
        return shipped, {**own, **_table(given)}

    def companions(self, record: Mapping[str, Any]) -> list[Candidate]:
        """Return the skills whose code a plugin may import: those that it declares to need.

        What they need is among them. One that is not there, or not trusted, is left out:
        the import of it says so.
        """
        discovery = self._skills.discover()
        found: dict[str, Candidate] = {}
        waiting = [dict(record)]
        while waiting:
            for needed in waiting.pop().get("dependencies") or ():
                try:
                    candidate = discovery.skill(needed["plugin_id"])
                except NotFoundError:
                    continue
                if candidate.name not in found and candidate.usable:
                    found[candidate.name] = candidate
                    waiting.append(self._skills.loading.record(candidate))
        return list(found.values())

    def _folders_of_others(self, candidate: Candidate) -> list[str]:
        """Return the folders of all other skills that were found."""
        found = self._skills.discover().candidates
        return [one.location for one in found if one.location and one.name != candidate.name]


def check_understood(config: Config, *keys: str) -> None:
    """Raise where the operator has said something of ``[sandbox]`` that nobody can read.

    A limit that was meant and is not kept is worse than none.
    """
    wrong = config.sandbox().get("wrong", ())
    for key in ("", *keys):
        if key in wrong:
            name = f"sandbox.{key}".rstrip(".")
            said = [one for one in config.findings if one.message.startswith(f"{name} must be")]
            raise ConfigError(
                f"{name} cannot be understood, and no plugin is isolated by it",
                cause=said[0].message if said else None,
                at=said[0].at if said else None,
                hint=f"kurt config explain {name}" if key else "write [sandbox]",
            )


def python_path() -> list[str]:
    """Return the folders that the packages of this Python are imported from.

    Those that another file put on ``sys.path``, a checkout's for instance, are not
    among them: what else lies there is nobody's business.
    """
    known = {os.path.realpath(one) for one in site.getsitepackages()}
    if site.ENABLE_USER_SITE:
        known.add(os.path.realpath(site.getusersitepackages()))
    found = [os.path.realpath(one) for one in sys.path if one]
    return list(dict.fromkeys(one for one in found if one in known))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _narrowed(grants: Grants, table: Mapping[str, Any]) -> Grants:
    """Return permissions that a table of the configuration narrows; a list it lacks stays whole."""
    said = {key: table[key] for key in LISTS if isinstance(table.get(key), (list, tuple))}
    native = grants.native and table.get(NATIVE) is not False
    if not said and native == grants.native:
        return grants
    lists = {key: said.get(key, grants.lists[key]) for key in LISTS}
    narrowed = narrow(grants, Grants(lists, native))
    return Grants(narrowed.lists, native)
