"""Decide whether a plugin may be imported: everything that is known before, in one place.

From what costs nothing to what costs most: is it trusted, has it code, does the
configuration let it, is it held back, is it for this host and this Python, is what it needs
installed, does its configuration fit, and what does the validator say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .environments import is_own
from .errors import (
    ContractError,
    DisabledError,
    HookError,
    KurtError,
    ManifestError,
    PluginLoadError,
    PluginValidationError,
    SkillLoadError,
)
from .hooks import unbroken
from .importer import JUDGED, code_folder, refuse
from .instances import check_python
from .loadorder import compatible
from .lookup import REGISTERING_GROUP
from .models import PluginMetadata
from .plugin_settings import Effective, effective
from .portal import in_thread
from .quarantine import Quarantine, fingerprint
from .requirements import check_requirements
from .versions import from_pep440, is_semver

if TYPE_CHECKING:
    from .candidates import Candidate
    from .manager import SkillManager
    from .models import PluginValidationResult
    from .plugin_validator import PluginValidator

__all__ = ["Admission", "plugin_metadata"]

#: What a plugin may have done wrong by itself; all else may be mended outside of it.
_ITS_OWN = (HookError, ContractError, SkillLoadError)


def plugin_metadata(
    candidate: Candidate, record: Mapping[str, Any] | None = None
) -> PluginMetadata:
    """Return a candidate's manifest as the model of the documents.

    :param record: the manifest, where it was read already.
    :raises ManifestError: when it cannot be read, or breaks a rule of the model.
    """
    from pydantic import ValidationError

    try:
        return PluginMetadata.from_record(_with_semver(record or candidate.record()))
    except ValidationError as error:
        first = error.errors()[0]
        raise ManifestError(
            f"the manifest of {candidate.name} cannot be used",
            cause=".".join(map(str, first["loc"])) + ": " + first["msg"],
            at=candidate.location,
            hint=f"kurt validate {candidate.name}",
            skill=candidate.name,
        ) from error


def _with_semver(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest whose version is SemVer: a distribution without kurt.json has PEP 440's."""
    if record["source"] != "entry_points.txt" or is_semver(record["version"]):
        return record
    try:
        return {**record, "version": from_pep440(record["version"])}
    except ValueError:
        return record  # the model says what is wrong


class Admission:
    """Let plugins in, and remember those that misbehaved.

    :param validator: judges a plugin; None = the default one.
    :param runtime_version: the host's version.
    :param quarantine: whether failures are counted, and plugins held back for them.
    """

    def __init__(
        self,
        skills: SkillManager,
        validator: PluginValidator | None,
        runtime_version: str,
        *,
        quarantine: bool = True,
    ) -> None:
        self._skills = skills
        self._validator = validator
        self._runtime_version = runtime_version
        self._quarantine = Quarantine(skills.places) if quarantine else None
        self._metadata: dict[str, tuple[dict[str, Any], PluginMetadata]] = {}

    async def admit(self, candidate: Candidate, wish: Any) -> Effective:
        """Return the configuration of a plugin that may be imported.

        :param wish: how it is to be loaded: ``config``, ``validate`` and ``force``.
        :raises KurtError: why it may not.
        """
        chosen = await unbroken(in_thread(self._checked, candidate, wish))
        folder = code_folder(candidate)
        if wish.validate:
            await self._validate(candidate)
        elif folder is not None:
            JUDGED.bind(folder, None)
        return chosen

    def _checked(self, candidate: Candidate, wish: Any) -> Effective:
        """Return its configuration, all but the validator asked; reads files."""
        refuse(candidate, self._skills.places)
        if not candidate.offers:
            raise PluginLoadError(
                f"the skill {candidate.name} has instructions and no code to load",
                at=candidate.location,
                hint=f"kurt info {candidate.name}",
                skill=candidate.name,
            )
        record = self._skills.loading.record(candidate)
        chosen = self.settings(candidate, record, wish.config)
        self._refuse_disabled(candidate, chosen)
        if not wish.force:
            self._refuse_held(candidate)
        error = compatible(self.metadata(candidate), self._runtime_version)
        if error is not None:
            raise error
        check_python(record, candidate.name)
        if not is_own(self._skills.config, candidate.name):
            check_requirements(candidate, record)
        return chosen

    def metadata(self, candidate: Candidate) -> PluginMetadata:
        """Return a candidate's manifest as a model, made once as long as it does not change.

        :raises ManifestError: when it breaks a rule of the model.
        """
        record = self._skills.loading.record(candidate)
        known = self._metadata.get(candidate.location)
        if known is None or known[0] is not record:
            known = (record, plugin_metadata(candidate, record))
            self._metadata[candidate.location] = known
        return known[1]

    def settings(
        self, candidate: Candidate, record: Mapping[str, Any], given: Any = None
    ) -> Effective:
        """Return the configuration of a plugin, all layers joined and checked.

        :raises ConfigError: when it does not fit; with the JSON pointers.
        """
        skills = self._skills
        return effective(
            record,
            skills.config,
            given,
            settings=skills.settings(candidate.name),
            skill=candidate.name,
            folder=candidate.location if candidate.is_folder else None,
        )

    def _refuse_disabled(self, candidate: Candidate, chosen: Effective) -> None:
        if not chosen.config.enabled:
            source = chosen.switches["enabled"]
            raise DisabledError(
                f"the plugin {candidate.name} is not enabled",
                cause=f"{source} says enabled = false",
                at=source.at,
                hint=f"kurt config set plugin.{_key(candidate.name)}.enabled true",
                skill=candidate.name,
            )
        lookup = self._skills.lookup
        registers = any(group == REGISTERING_GROUP for group, _, _ in candidate.offers)
        if not registers and not lookup.loadable(candidate):
            raise lookup.disabled(candidate)

    def _refuse_held(self, candidate: Candidate) -> None:
        quarantine = self._quarantine
        held = quarantine.held(*self._identity(candidate)) if quarantine is not None else None
        if held is not None:
            raise held.error()

    def _identity(self, candidate: Candidate) -> tuple[str, str, str, str]:
        mark = fingerprint(code_folder(candidate) or candidate.location)
        return candidate.name, candidate.version, self._runtime_version, mark

    def failed(self, candidate: Candidate, error: KurtError) -> None:
        """Count a failure that is the plugin's own."""
        if self._quarantine is None or isinstance(error.__cause__, ModuleNotFoundError):
            return
        if isinstance(error, _ITS_OWN):
            reason = f"{error.message}: {error.cause}" if error.cause else error.message
            self._quarantine.failed(*self._identity(candidate), reason=reason)

    def succeeded(self, candidate: Candidate) -> None:
        """Forget the failures of a plugin that loads."""
        if self._quarantine is not None:
            self._quarantine.succeeded(candidate.name)

    async def _validate(self, candidate: Candidate) -> None:
        folder = code_folder(candidate)
        if folder is None or not _has_manifest(folder):
            return
        if self._validator is None:
            self._validator = await unbroken(in_thread(self._default))
        metadata = self.metadata(candidate)
        result = await self._validator.validate_plugin(Path(folder), metadata)
        if not result.valid:
            raise PluginValidationError(
                f"{candidate.name} is not valid",
                cause="\n".join(result.errors[:10]),
                at=folder,
                hint=f"kurt validate {candidate.name}",
                skill=candidate.name,
                validation_result=result,
            )
        self._hold_to_gate(candidate, folder, result)
        # A validator of the host's own may not say what it has read.
        JUDGED.bind(folder, result.digests or None)

    def _hold_to_gate(
        self, candidate: Candidate, folder: str, result: PluginValidationResult
    ) -> None:
        """Raise where ``[validator]`` of kurt.toml asks for a better score, or for less risk.

        Where it does not say so, what is valid may be loaded: the default score is one for
        what is installed.
        """
        from .validator_settings import settings

        config = self._skills.config
        said = {key for layer in config.layers for key in layer.get("validator", {})}
        if said.isdisjoint(("min_score", "max_risk")):
            return
        wanted = settings(config)
        if "min_score" not in said:
            wanted = wanted._replace(min_score=0)
        if wanted.admits(result.security_score, result.risk_level):
            return
        raise PluginValidationError(
            f"{candidate.name} is not let in",
            cause=f"its score is {result.security_score:g} and its risk {result.risk_level}; "
            f"{wanted.min_score:g} and {wanted.max_risk} are asked for",
            at=folder,
            hint="kurt config explain validator",
            skill=candidate.name,
            validation_result=result,
        )

    def _default(self) -> PluginValidator:
        """Return the validator that knows what this host knows, and its rules."""
        from .hostfacts import HostFacts
        from .plugin_validator import PluginValidator

        places = self._skills.places
        facts = HostFacts.from_host(places, discovery=self._skills.discover())
        facts = facts._replace(runtime_version=self._runtime_version)
        return PluginValidator(facts=facts, places=places)


def _has_manifest(folder: str) -> bool:
    from .manifest import MANIFESTS

    return any(os.path.isfile(os.path.join(folder, name)) for name in MANIFESTS)


def _key(name: str) -> str:
    return f'"{name}"' if "." in name else name
