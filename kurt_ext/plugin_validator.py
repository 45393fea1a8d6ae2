"""Judge a plugin before it is loaded, by the host's rules: what is wrong, and what it may do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .checks.subject import Subject
from .errors import ConfigError
from .findings import Finding
from .hostfacts import RUNTIME_VERSION, HostFacts
from .manifest import MANIFESTS, Reading, read
from .metadata import part_to_judge
from .names import slug, suggest
from .report import Report
from .sources import show
from .validator import Check, installed_checks, judge

if TYPE_CHECKING:
    # Whoever installs asks for reports alone, and the models take as long as all the rest.
    from .models import PluginMetadata, PluginPermissions, PluginValidationResult
    from .places import Places
    from .verdicts import Verdicts

__all__ = ["PluginValidator", "result"]

_KEYS = ("max_file_size_mb", "allowed_extensions", "blocked_imports")


class PluginValidator:
    """Judge plugins by the host's rules.

    :param security_config: ``max_file_size_mb`` (of one file), ``allowed_extensions``
        (``[".py", …]``; everything if missing), ``blocked_imports`` (dotted names; what lies
        beneath one is blocked too, and no permission helps).
    :param runtime_version: the SemVer version of the host.
    :param facts: what is known of the host beside that.
    :param places: where verdicts are remembered; nowhere if None.
    :raises ConfigError: when the rules are not of that form.
    """

    def __init__(
        self,
        security_config: Mapping[str, Any] | None = None,
        *,
        runtime_version: str = RUNTIME_VERSION,
        facts: HostFacts | None = None,
        places: Places | None = None,
    ) -> None:
        config = dict(security_config or {})
        _check_config(config)
        self.security_config = config
        known = facts or HostFacts(runtime_version=runtime_version)
        self.facts = known._replace(security_config={**known.security_config, **config})
        self._places = places
        self._verdicts: Verdicts | None = None
        self.runtime_version = self.facts.runtime_version
        self._checks: tuple[Check, ...] | None = None

    async def validate_plugin(
        self,
        plugin_path: str | os.PathLike[str],
        metadata: PluginMetadata | Mapping[str, Any] | None = None,
    ) -> PluginValidationResult:
        """Return the verdict on a plugin's folder; nothing of it is imported.

        :param metadata: the manifest as the caller knows it; one on the disk that differs in
            id, version or permissions is an error.
        """
        from anyio.to_thread import run_sync

        return result(await run_sync(self.report, plugin_path, metadata))

    def report(
        self,
        plugin_path: str | os.PathLike[str],
        metadata: PluginMetadata | Mapping[str, Any] | None = None,
    ) -> Report:
        """Return the findings that the verdict is made of; it reads files, and blocks."""
        if self._checks is None:
            self._checks = tuple(installed_checks())
        folder = os.path.abspath(os.fspath(plugin_path))
        if os.path.basename(folder) in MANIFESTS and not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        found = self._judged(folder, self._checks)
        if metadata is None:
            return found
        subject = Subject(read(folder), None, facts=self.facts)
        if subject.record is None:
            return found
        return found.but(findings=[*found.findings, *_differing(subject, metadata)])

    def wheel_report(self, dist_info: str, record: Mapping[str, Any]) -> Report:
        """Return the findings on an unpacked wheel.

        :param dist_info: its ``*.dist-info``, beside all else that was in it.
        :param record: its manifest.
        """
        root = part_to_judge(dist_info, str(record["id"]))
        if os.path.basename(root) == slug(str(record["id"])) and read(root).record is not None:
            return self.report(root)
        if self._checks is None:
            self._checks = tuple(installed_checks())
        reading = Reading(root, dict(record), (), (), True)
        return judge(Subject(reading, None, facts=self.facts), self._checks, root)

    async def _validate_structure(self, plugin_path: str | os.PathLike[str]) -> list[str]:
        """Return what is wrong with a plugin's folder: its files, their kinds and their sizes."""
        found = await self.validate_plugin(plugin_path)
        return _errors(found, _OF_FILES)

    async def _validate_metadata(
        self, metadata: PluginMetadata | Mapping[str, Any] | None
    ) -> list[str]:
        """Return what is wrong with a manifest, by the model of the document."""
        from pydantic import ValidationError

        from .models import PluginMetadata

        if metadata is None or isinstance(metadata, PluginMetadata):
            return [] if metadata is not None else ["there is no manifest"]
        try:
            PluginMetadata.model_validate(dict(metadata))
        except ValidationError as error:
            return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return []

    async def _scan_code(self, plugin_path: str | os.PathLike[str]) -> tuple[list[str], float]:
        """Return what the code does that it must not, and the score of the whole plugin."""
        found = await self.validate_plugin(plugin_path)
        return _errors(found, None), found.security_score

    async def _check_permissions(
        self, permissions: PluginPermissions | Mapping[str, Any]
    ) -> list[str]:
        """Return which permissions cover more than a plugin can need."""
        from .checks.permissions import check
        from .models import PluginPermissions

        if not isinstance(permissions, PluginPermissions):
            permissions = PluginPermissions.model_validate(dict(permissions))
        record = {"permissions": permissions.model_dump(), "source": "plugin.json"}
        reading = Reading("", record, (), (), False)
        return [str(finding) for finding in check(Subject(reading, None, facts=self.facts))]

    def _judged(self, folder: str, checks: tuple[Check, ...]) -> Report:
        """Return what the checks say, from memory where the same files were judged before."""

        def judged() -> Report:
            return judge(Subject(read(folder), None, facts=self.facts), checks, folder)

        if self._places is None:
            return judged()
        from .acceptance import Acceptances

        if self._verdicts is None:
            from .verdicts import Verdicts, rules_version

            self._verdicts = Verdicts(self._places, rules_version(checks), self.facts)
        return Acceptances.load(self._places).lifted(self._verdicts.report(folder, judged))


#: Categories of what is wrong with files rather than with what they say.
_OF_FILES = frozenset(("structure", "opaque_binary", "resource_exhaustion", "source_encoding"))
#: Categories of what no code has done.
_OF_TEXTS = _OF_FILES | {
    *("manifest_integrity", "permission_overbroad", "identity", "supply_chain"),
    *("prompt_injection", "style"),
}


def _errors(found: PluginValidationResult, wanted: frozenset[str] | None) -> list[str]:
    """Return the errors of some categories; of all that code can do if None."""
    return [
        f"{row['path']}:{row['line']}: {row['message']}" if row["path"] else row["message"]
        for row in found.findings
        if row["severity"] in ("error", "high", "critical")
        and (row["category"] in wanted if wanted is not None else row["category"] not in _OF_TEXTS)
    ]


def result(report: Report) -> PluginValidationResult:
    """Return a report in the form of the plugin document."""
    from .models import PluginValidationResult

    whole = report.breakdown
    points = float(whole["score"])
    return PluginValidationResult(
        risk_level=PluginValidationResult.risk(points),
        valid=report.valid,
        errors=[str(finding) for finding in report.findings if finding.fatal],
        warnings=[
            str(finding)
            for finding in report.findings
            if not finding.fatal and finding.severity != "info"
        ],
        security_score=points,
        findings=[finding.as_dict() for finding in report.findings],
        score_breakdown=whole,
        uses=list(report.uses),
        declared=report.declared,
        complete=report.complete,
        digests=report.digests,
    )


def _differing(subject: Subject, metadata: PluginMetadata | Mapping[str, Any]) -> Iterable[Finding]:
    """Yield where the manifest on the disk is not what the caller knows."""
    known = dict(metadata) if isinstance(metadata, Mapping) else metadata.model_dump()
    record = subject.record or {}
    for key, field in (("plugin_id", "id"), ("version", "version"), ("permissions", "permissions")):
        if key not in known or known[key] == record[field]:
            continue
        shown = "" if key == "permissions" else f": {show(str(record[field]))}"
        message = f"{key} is not that of the plugin that was asked for{shown}"
        yield subject.finding("metadata-differs", "error", message, subject.at((key,)))


def _check_config(config: Mapping[str, Any]) -> None:
    """Raise for rules that would be misunderstood."""
    for key, value in config.items():
        if key not in _KEYS:
            near = suggest(key, _KEYS)
            raise ConfigError(
                f"security_config has no key {key!r}",
                cause="the keys are " + ", ".join(_KEYS),
                hint=f"did you mean {near[0]}?" if near else None,
                problems=[(f"/{key}", "there is no such key")],
            )
        if key == "max_file_size_mb":
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
            wanted = "a number above 0"
        else:
            good = isinstance(value, (list, tuple, set, frozenset)) and all(
                isinstance(item, str) and item for item in value
            )
            wanted = "a list of texts"
        if not good:
            raise ConfigError(
                f"{key} of security_config must be {wanted}, not {value!r}",
                problems=[(f"/{key}", f"it must be {wanted}")],
            )
