"""Judge a plugin before it is loaded, by the host's rules: what is wrong, and what it may do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .checks.subject import Subject
from .errors import ConfigError
from .findings import Finding
from .hostfacts import RUNTIME_VERSION, HostFacts
from .manifest import MANIFESTS, read
from .models import PluginMetadata, PluginValidationResult
from .names import suggest
from .sources import show
from .validator import Check, Report, installed_checks, judge

__all__ = ["PluginValidator", "result"]

_KEYS = ("max_file_size_mb", "allowed_extensions", "blocked_imports")
_NO_SUFFIX = ("LICENSE", "LICENCE", "NOTICE", "README", "COPYING", "AUTHORS", "CHANGELOG")


class PluginValidator:
    """Judge plugins by the host's rules.

    :param security_config: ``max_file_size_mb`` (of one file), ``allowed_extensions``
        (``[".py", …]``; everything if missing), ``blocked_imports`` (dotted names; what lies
        beneath one is blocked too, and no permission helps).
    :param runtime_version: the SemVer version of the host.
    :param facts: what is known of the host beside that.
    :raises ConfigError: when the rules are not of that form.
    """

    def __init__(
        self,
        security_config: Mapping[str, Any] | None = None,
        *,
        runtime_version: str = RUNTIME_VERSION,
        facts: HostFacts | None = None,
    ) -> None:
        config = dict(security_config or {})
        _check_config(config)
        self.security_config = config
        self.facts = facts or HostFacts(runtime_version=runtime_version)
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
        subject = Subject(read(folder), None, facts=self.facts)
        found = judge(subject, self._checks, folder)
        findings = [*found.findings, *self._forbidden(subject)]
        if metadata is not None and subject.record is not None:
            findings += _differing(subject, metadata)
        return found.but(findings=findings)

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
        blocked = tuple(config.get("blocked_imports") or ())
        for (name, path), (line, column) in subject.analysis.references.items() if blocked else ():
            plain = name.removeprefix("builtins.")
            for one in blocked:
                if plain == one or plain.startswith(f"{one}."):
                    message = f"{plain} is not allowed here: blocked_imports names {one}"
                    yield Finding(
                        *("blocked-import", "critical", message),
                        path=path,
                        line=line,
                        column=column,
                        category="code_execution",
                    )
                    break


def result(report: Report) -> PluginValidationResult:
    """Return a report in the form of the plugin document."""
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


def _allowed(path: str, extensions: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    if "." not in name.lstrip("."):
        return name in _NO_SUFFIX
    return name.lower().endswith(tuple([one.lower() for one in extensions]))


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
