"""Judge a plugin before it is loaded: what is wrong with it, and how much it may do.

The score is that of the plugin document, clipped by the worst finding: 100 less
the points of each factor that the code really uses, and never more than 39
where a finding is critical, 59 where one is high or an error, 79 where one is
medium, less 5 for each further rule that is broken as gravely. Where a file
could not be looked into it is at most 59.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .checks.subject import RUNTIME_VERSION, Subject
from .errors import ConfigError
from .exposure import FACTORS
from .findings import Finding
from .manifest import MANIFESTS, read
from .models import PluginMetadata, PluginValidationResult
from .names import suggest
from .references import references
from .sources import show
from .validator import Check, Report, installed_checks, validate

__all__ = ["PluginValidator", "score"]

_KEYS = ("max_file_size_mb", "allowed_extensions", "blocked_imports")
_OWN = Check(name="exposure", value="kurt_ext.exposure:check", distribution="kurt-ext")
#: What a check tells as a warning, and what stops a load that nobody looks at.
_GRAVER = {
    **dict.fromkeys(("compiled-file", "program-file", "path-file", "link-leads-out"), "high"),
    "check-failed": "high",
    **dict.fromkeys(
        (
            *("wide-read", "wide-write", "path-climbs", "wide-network", "wide-environment"),
            *("foreign-secret", "loader-variable", "wide-resources", "wide-processes"),
            "shell-process",
        ),
        "medium",
    ),
}
_CEILINGS = (("critical", 39), ("high", 59), ("medium", 79))
_NO_SUFFIX = ("LICENSE", "LICENCE", "NOTICE", "README", "COPYING", "AUTHORS", "CHANGELOG")


class PluginValidator:
    """Judge plugins by the host's rules.

    :param security_config: ``max_file_size_mb`` (of one file), ``allowed_extensions``
        (``[".py", …]``; everything if missing), ``blocked_imports`` (dotted names; what lies
        beneath one is blocked too, and no permission helps).
    :param runtime_version: the SemVer version of the host.
    :raises ConfigError: when the rules are not of that form.
    """

    def __init__(
        self,
        security_config: Mapping[str, Any] | None = None,
        *,
        runtime_version: str = RUNTIME_VERSION,
    ) -> None:
        config = dict(security_config or {})
        _check_config(config)
        self.security_config = config
        self.runtime_version = runtime_version
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

        report = await run_sync(self.report, plugin_path, metadata)
        points = score(report)
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
        )

    def report(
        self,
        plugin_path: str | os.PathLike[str],
        metadata: PluginMetadata | Mapping[str, Any] | None = None,
    ) -> Report:
        """Return the findings that the verdict is made of; it reads files, and blocks."""
        if self._checks is None:
            self._checks = (*installed_checks(), _OWN)
        found = validate(plugin_path, checks=self._checks, runtime_version=self.runtime_version)
        findings = [_graver(finding) for finding in found.findings]
        folder = found.path
        if os.path.basename(folder) in MANIFESTS:
            folder = os.path.dirname(folder)
        if self.security_config or metadata is not None:
            subject = Subject(read(folder), None, self.runtime_version)
            findings += self._forbidden(subject)
            if metadata is not None and subject.record is not None:
                findings += _differing(subject, metadata)
        return Report(found.path, found.name, found.profile, findings)

    def _forbidden(self, subject: Subject) -> Iterable[Finding]:
        """Yield what the host's own rules forbid."""
        config = self.security_config
        largest = config.get("max_file_size_mb")
        extensions = config.get("allowed_extensions")
        for path in subject.paths:
            status = subject.status(path)
            if status is None:
                continue
            if largest is not None and status.st_size > largest * (1 << 20):
                message = f"it has {status.st_size:,} bytes, more than {largest:g} MiB"
                yield subject.finding("file-too-large", "error", message, path)
            if extensions is not None and not _allowed(path, extensions):
                message = "the host allows only files of " + ", ".join(extensions)
                yield subject.finding("extension-not-allowed", "error", message, path)
        blocked = config.get("blocked_imports") or ()
        for path in subject.modules if blocked else ():
            yield from _blocked(subject, path, blocked)


def score(report: Report) -> float:
    """Return the score of what was found, from 100, harmless, down to 0."""
    if any(finding.rule in _NOTHING_KNOWN for finding in report.findings):
        return 0.0
    rules = {finding.rule for finding in report.findings}
    dangerous = {
        factor for factor, (points, *_) in FACTORS.items() if points == 30 and _used(factor, rules)
    }
    exposure = 100 - (30 if dangerous else 0)
    for factor, (points, *_) in FACTORS.items():
        if points != 30 and _used(factor, rules):
            exposure -= points
    ceiling = 100
    for severity, most in _CEILINGS:
        alike = {
            finding.rule
            for finding in report.findings
            if finding.severity == severity or (severity == "high" and finding.severity == "error")
        }
        if alike:
            # The lowest counts, so that one grave finding more never raises the score.
            ceiling = min(ceiling, most - 5 * (len(alike) - 1))
    if "not-analysed" in rules:
        ceiling = min(ceiling, 59)
    return float(max(0, min(exposure, ceiling)))


#: Without a manifest nobody knows what is judged.
_NOTHING_KNOWN = frozenset(("folder-unreadable", "manifest-missing"))


def _used(factor: str, rules: set[str]) -> bool:
    return f"declared-{factor}" in rules or f"undeclared-{factor}" in rules


def _graver(finding: Finding) -> Finding:
    severity = _GRAVER.get(finding.rule)
    if severity is None or finding.fatal:
        return finding
    rule, _, *rest = finding.as_tuple()
    return Finding.from_tuple((rule, severity, *rest))


def _allowed(path: str, extensions: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    if "." not in name.lstrip("."):
        return name in _NO_SUFFIX
    return name.lower().endswith(tuple([one.lower() for one in extensions]))


def _blocked(subject: Subject, path: str, blocked: Iterable[str]) -> Iterable[Finding]:
    """Yield each blocked name that a module imports or names."""
    tree = subject.tree(path)
    for name, node in references(tree) if tree is not None else ():
        for one in blocked:
            if name == one or name.startswith(f"{one}."):
                message = f"{name} is not allowed here: blocked_imports names {one}"
                yield subject.finding("blocked-import", "critical", message, node, path=path)
                break


def _differing(subject: Subject, metadata: PluginMetadata | Mapping[str, Any]) -> Iterable[Finding]:
    """Yield where the manifest on the disk is not what the caller knows."""
    known = metadata.model_dump() if isinstance(metadata, PluginMetadata) else dict(metadata)
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
