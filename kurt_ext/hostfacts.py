"""What a judge knows of the host: its version, the plugins that it knows, the names that it keeps.

A name is a forgery only beside the name that it forges. Which names those are
comes from the host: from what discovery has found, and from ``[validator]`` of
``kurt.toml``; or from a file, for a judge that runs elsewhere::

    {"runtime_version": "1.5.0", "known_plugin_ids": ["com.example.calculator"],
     "known_names": {"Advanced Calculator": "com.example.calculator"}}
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ConfigError
from .validator_settings import RESERVED_PREFIXES, settings

if TYPE_CHECKING:
    from .discovery import Discovery
    from .findings import Finding
    from .places import Places

__all__ = ["HOST_PACKAGE", "RESERVED_PREFIXES", "RUNTIME_VERSION", "HostFacts"]

#: The version of the host that skills mean by ``min_runtime_version``.
RUNTIME_VERSION = "1.0.0"
#: The package that hosts plugins: none may pass for a part of it.
HOST_PACKAGE = "kurt_ext"
#: How the file spells what the fields hold.
_KEYS = ("runtime_version", "host_package", "known_plugin_ids", "known_names", "reserved_prefixes")


class HostFacts(NamedTuple):
    """What is known of the host that a plugin is judged for.

    :param runtime_version: the SemVer version of the host.
    :param host_package: the package that hosts plugins.
    :param known_ids: the ids of plugins that a person could mistake another for.
    :param known_names: title → id of the plugin that bears it.
    :param reserved_prefixes: what begins an id that only the host's own plugins may have.
    :param security_config: the host's own rules: ``max_file_size_mb``, ``allowed_extensions``,
        ``blocked_imports``.
    """

    runtime_version: str = RUNTIME_VERSION
    host_package: str = HOST_PACKAGE
    known_ids: frozenset[str] = frozenset()
    known_names: Mapping[str, str] = {}
    reserved_prefixes: tuple[str, ...] = RESERVED_PREFIXES
    security_config: Mapping[str, Any] = {}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> HostFacts:
        """Read the facts from a JSON file: an object of them, or one with it as ``context``.

        Keys: ``runtime_version``, ``host_package``, ``known_plugin_ids``, ``known_names``,
        ``reserved_prefixes``; each may be missing, and every other is passed over.

        :raises ConfigError: with file, line and column, when it is no such file.
        """
        from .sources import Refused
        from .strictjson import load, locate

        name = os.fspath(path)
        try:
            with open(name, "rb") as stream:
                data = stream.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError("the host's facts cannot be read", cause=reason, at=name) from error
        findings: list[Finding] = []
        try:
            value = load(data, name, findings)
        except Refused as refused:
            raise ConfigError(
                "the host's facts cannot be read",
                cause=refused.finding.message,
                at=refused.finding.at,
            ) from None
        inner = isinstance(value, dict) and isinstance(value.get("context"), dict)
        facts = value["context"] if inner else value
        wrong = _wrong(facts)
        if wrong is None:
            return cls._of(facts)
        pointer, message = wrong
        if inner:
            pointer = ("context", *pointer)
        line, column = locate(data).get(pointer, (1, 1))
        raise ConfigError(
            f"the host's facts are not ones: {message}",
            at=f"{name}:{line}:{column}",
            hint="keys: " + ", ".join(_KEYS),
        )

    @classmethod
    def from_host(
        cls, places: Places | None = None, *, discovery: Discovery | None = None
    ) -> HostFacts:
        """Return the facts of this host: what discovery has found, and what ``kurt.toml`` adds.

        Of a project that nobody has trusted no name counts as known: a repository could
        make a forgery of every honest name by naming it first.

        :param places: where to look; the places of this process if None.
        :param discovery: what has been found there, where the caller has it.
        """
        if discovery is None:
            from .discovery import discover

            discovery = discover(places)
        chosen = settings(discovery.config)
        known: set[str] = set(chosen.known_ids)
        titles: dict[str, str] = {}
        for candidate in discovery.winners:
            if candidate.trusted and candidate.source != "entry_points.txt":
                known.add(candidate.name)
                if candidate.title and candidate.title != candidate.name:
                    titles.setdefault(candidate.title, candidate.name)
        return cls(
            known_ids=frozenset(known),
            known_names=titles,
            reserved_prefixes=chosen.reserved_prefixes,
            security_config=chosen.security_config,
        )

    @classmethod
    def _of(cls, facts: Mapping[str, Any]) -> HostFacts:
        names: Mapping[str, str] = facts.get("known_names", {})
        known = frozenset((*facts.get("known_plugin_ids", ()), *names.values()))
        return cls(
            runtime_version=facts.get("runtime_version", RUNTIME_VERSION),
            host_package=facts.get("host_package", HOST_PACKAGE),
            known_ids=known,
            known_names=dict(names),
            reserved_prefixes=tuple(facts.get("reserved_prefixes", RESERVED_PREFIXES)),
        )


def _wrong(facts: object) -> tuple[tuple[str | int, ...], str] | None:
    """Return where and why a value is no object of facts, or None."""
    if not isinstance(facts, dict):
        return (), "an object is wanted"
    from .versions import is_semver

    version = facts.get("runtime_version", RUNTIME_VERSION)
    if not isinstance(version, str) or not is_semver(version):
        return ("runtime_version",), "runtime_version must be a version such as 1.5.0"
    if not isinstance(facts.get("host_package", ""), str):
        return ("host_package",), "host_package must be a text"
    for key in ("known_plugin_ids", "reserved_prefixes"):
        listed = facts.get(key, [])
        if not isinstance(listed, list):
            return (key,), f"{key} must be a list of texts"
        for number, item in enumerate(listed):
            if not isinstance(item, str) or not item:
                return (key, number), f"{key} must be a list of texts"
    names = facts.get("known_names", {})
    if not isinstance(names, dict) or not all(isinstance(one, str) for one in names.values()):
        return ("known_names",), "known_names must map titles to ids"
    return None
