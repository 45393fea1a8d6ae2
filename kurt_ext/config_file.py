"""Read one ``kurt.toml``: every key that there is, and findings for every other."""

from __future__ import annotations

import datetime
import os
import re
import stat
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from .config_keys import (
    AUDIT_KEYS,
    FIXED,
    KEYS,
    LISTS,
    MARKET_KEYS,
    PLUGIN_KEYS,
    SANDBOX_KEYS,
    VALIDATOR_KEYS,
    Key,
    bounds,
    describe,
    fits,
    guards,
    sells,
)
from .findings import Finding
from .names import suggest
from .overlooked import fault, plain
from .toml_positions import Positions, scan

__all__ = ["KEYS", "Key", "check", "describe", "fits", "read", "read_text", "unreadable"]

_MAX_BYTES = 1 << 20  # thousands of times what a person writes
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read_text(file: str, *, keep_mark: bool = False) -> str:
    """Return the text of a configuration file.

    :param keep_mark: leave a byte order mark where there is one.
    :raises OSError: when it cannot be read, or is no regular file of at most 1 MiB.
    :raises UnicodeDecodeError: when it is not UTF-8.
    """
    # Not blocking: opening a pipe would wait for its writer.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise OSError(f"it is larger than {_MAX_BYTES} bytes")
    text = data.decode("utf-8")
    return text if keep_mark else text.removeprefix("\ufeff")


def read(
    file: str, scope: str, kinds: Collection[str] | None = None
) -> tuple[dict[str, Any], list[Finding]]:
    """Return what a file holds, as plain values that `marshal` can write, and what is wrong.

    :param scope: ``project`` or ``user``.
    :param kinds: the words that may head a table; any word may if None.
    :returns: a layer: ``file``, ``scope``, ``skill_paths`` (absolute), ``kinds`` (word →
        ``enabled``, ``disabled``, ``roles``, ``options``), ``skills`` (name → settings),
        ``plugins`` (name → how it is loaded), ``markets`` (name → where it lies),
        ``validator`` and ``sandbox`` (key → value), ``audit``, and ``broken`` where the file
        cannot be read. ``wrong`` in a market, ``validator`` or ``sandbox`` lists the keys that
        cannot be understood.
    """
    layer: dict[str, Any] = {
        "file": file,
        "scope": scope,
        "skill_paths": [],
        "kinds": {},
        "skills": {},
        "plugins": {},
        "markets": {},
        "validator": {},
        "sandbox": {},
        "audit": {},
    }
    text = ""
    try:
        text = read_text(file)
        raw = tomllib.loads(text)
        reader = _Reader(file, text)
        reader.document(raw, layer)
    except (OSError, ValueError, RecursionError) as error:
        tables = ("kinds", "skills", "plugins", "markets", "validator", "sandbox", "audit")
        empty: dict[str, Any] = {key: {} for key in tables}
        empty["skill_paths"] = []
        return {**layer, **empty, "broken": True}, [unreadable(file, text, error)]
    findings = reader.findings
    if kinds is not None:
        findings += check(layer, kinds)
    return layer, sorted(findings, key=lambda finding: (finding.line, finding.column))


def check(
    layer: dict[str, Any], kinds: Collection[str], skills: Collection[str] | None = None
) -> list[Finding]:
    """Return a finding for each table of a layer that no kind answers to, and no skill.

    :param kinds: the words of the kinds that there are.
    :param skills: the names of the skills that there are; not judged if None.
    """
    strange = [(word,) for word in layer["kinds"] if word not in kinds]
    unknown = [
        (table, name)
        for table in ("skill", "plugin")
        for name in layer.get(f"{table}s", ())
        if skills is not None and name not in skills
    ]
    if not strange and not unknown:
        return []
    try:
        positions = scan(read_text(layer["file"]))
    except (OSError, ValueError):
        positions = Positions()

    def finding(path: tuple[str, ...], message: str, fix: str) -> Finding:
        line, column = positions.find(path)
        return Finding(
            "config-unknown",
            "warning",
            message,
            path=layer["file"],
            line=line,
            column=column,
            fix=fix,
        )

    findings = [
        finding(path, f"no kind is called {path[0]!r}", _did_you_mean(path[0], [*kinds, *FIXED]))
        for path in strange
    ]
    for table, name in unknown:
        dotted = [known for known in skills or () if known.startswith(f"{name}.")]
        fix = f'write [{table}."{dotted[0]}"]' if dotted else _did_you_mean(name, skills or ())
        findings.append(finding((table, name), f"no skill is called {name!r}", fix))
    return findings


class _Reader:
    """Turn the raw document into a layer, and collect what does not fit."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._text = text
        self._positions: Positions | None = None

    def document(self, raw: dict[str, Any], layer: dict[str, Any]) -> None:
        for key, value in raw.items():
            if key == "skill_paths":
                layer[key] = [self._path(path) for path in self._strings((key,), value) or ()]
            elif key == "skill":
                layer["skills"] = {
                    name: self._table((key, name), table) for name, table in self._named(key, value)
                }
            elif key == "plugin":
                layer["plugins"] = {
                    name: self._plugin((key, name), table)
                    for name, table in self._named(key, value)
                }
            elif key == "validator":
                layer["validator"] = self._checked(key, value, VALIDATOR_KEYS, guards)
            elif key == "sandbox":
                table = self._checked(key, value, SANDBOX_KEYS, bounds)
                if "wheelhouse" in table:
                    table["wheelhouse"] = self._path(table["wheelhouse"])
                layer["sandbox"] = table
            elif key == "audit":
                layer["audit"] = self._audit(value)
            elif key == "market":
                layer["markets"] = {
                    name: self._market((key, name), table)
                    for name, table in self._named(key, value)
                }
            elif isinstance(value, dict):
                layer["kinds"][key] = self._kind(key, value)
            elif key in LISTS:
                fix = f"put it beneath the table of a kind: [KIND] {key} = […]"
                self._say("config-unknown", "warning", (key,), f"{key!r} heads no table", fix)
            else:
                fix = _did_you_mean(key, FIXED)
                self._say("config-unknown", "warning", (key,), f"there is no key {key!r}", fix)

    def _kind(self, kind: str, table: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in table.items():
            path = (kind, key)
            if key in LISTS:
                names = self._strings(path, value)
                # Of a list that cannot be read nothing is enabled, rather than everything.
                result[key] = [] if names is None else names
            elif isinstance(value, dict):
                result.setdefault("options", {})[key] = self._table(path, value)
            elif isinstance(value, str):
                similar = suggest(key, LISTS)
                if similar:
                    fix = f'did you mean {similar[0]} = ["{value}"]?'
                    self._say("config-unknown", "warning", path, f"there is no key {key!r}", fix)
                result.setdefault("roles", {})[key] = value
            elif suggest(key, LISTS) or isinstance(value, list):
                fix = _did_you_mean(key, LISTS)
                self._say("config-unknown", "warning", path, f"there is no key {key!r}", fix)
            else:
                self._wrong(path, value, "a string, the name that fills the role")
        return result

    def _named(self, word: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if not isinstance(value, dict):
            self._wrong((word,), value, "a table of tables", f"write [{word}.NAME]")
            return
        for name, table in value.items():
            if isinstance(table, dict):
                yield name, table
            else:
                fix = f"write [{word}.NAME] above {name} = …"
                self._wrong((word, name), table, "a table of settings", fix)

    def _plugin(self, path: tuple[str, str], table: dict[str, Any]) -> dict[str, Any]:
        result = {}
        for key, value in table.items():
            if key not in PLUGIN_KEYS:
                fix = _did_you_mean(key, PLUGIN_KEYS)
                if not suggest(key, PLUGIN_KEYS):
                    fix += f"; the plugin's own settings go below [skill.{path[1]}]"
                self._say(
                    "config-unknown", "warning", (*path, key), f"there is no key {key!r}", fix
                )
                continue
            wanted, instead = PLUGIN_KEYS[key]
            if fits(key, value):
                result[key] = self._plain((*path, key), value)
                continue
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            self._wrong((*path, key), value, wanted, what=str(value) if number else "")
            if instead is not None:
                # A slip of the pen switches nothing on.
                result[key] = instead
        return result

    def _market(self, path: tuple[str, str], table: dict[str, Any]) -> dict[str, Any]:
        """Return what of a marketplace fits; none of it where the rest could be misunderstood."""
        result: dict[str, Any] = {}
        for key, value in table.items():
            if key not in MARKET_KEYS:
                fix = _did_you_mean(key, MARKET_KEYS)
                self._say(
                    "config-unknown", "warning", (*path, key), f"there is no key {key!r}", fix
                )
            elif sells(key, value):
                result[key] = value
            else:
                # An address may hold a password, which is shown to nobody.
                shown = isinstance(value, str) and value != "" and "@" not in value
                what = repr(value)[:80] if shown else ""
                self._wrong((*path, key), value, MARKET_KEYS[key], what=what)
                result.setdefault("wrong", []).append(key)
        url = result.get("url", "")
        if url and "://" not in url:
            result["url"] = self._path(url)
        for key in ("tuf_root", "sigstore_root"):
            if key in result:
                result[key] = self._path(result[key])
        return result

    def _audit(self, table: Any) -> dict[str, Any]:
        """Return the advisories that do not count; each that cannot be understood does."""
        if not isinstance(table, dict):
            self._wrong(("audit",), table, "a table", "write [audit]")
            return {}
        for key in table:
            if key not in AUDIT_KEYS:
                fix = _did_you_mean(key, AUDIT_KEYS)
                self._say(
                    "config-unknown", "warning", ("audit", key), f"there is no key {key!r}", fix
                )
        rows = table.get("ignore", [])
        if not isinstance(rows, list):
            self._wrong(("audit", "ignore"), rows, AUDIT_KEYS["ignore"])
            return {}
        kept = []
        for number, row in enumerate(rows):
            wrong = fault(row)
            if wrong is None:
                kept.append(plain(row))
                continue
            message = f"number {number + 1} of audit.ignore {wrong}"
            self._say("config-type", "error", ("audit", "ignore", number), message, "")
        return {"ignore": kept} if kept else {}

    def _path(self, text: str) -> str:
        base = os.path.dirname(self.file)
        return os.path.normpath(os.path.join(base, os.path.expanduser(text)))

    def _checked(
        self, word: str, table: Any, known: dict[str, str], good: Callable[[str, Any], bool]
    ) -> dict[str, Any]:
        """Return what of a table of the host's own fits, and the keys whose values do not."""
        if not isinstance(table, dict):
            self._wrong((word,), table, "a table", f"write [{word}]")
            return {"wrong": [""]}
        result: dict[str, Any] = {}
        for key, value in table.items():
            path = (word, key)
            if key not in known:
                fix = _did_you_mean(key, known)
                self._say("config-unknown", "warning", path, f"there is no key {key!r}", fix)
            elif good(key, value):
                result[key] = value
            else:
                plain = isinstance(value, (int, float, str)) and not isinstance(value, bool)
                shown = repr(value)[:60] if plain else ""
                shown = shown or ("such an array" if isinstance(value, list) else "")
                self._wrong(path, value, known[key], what=shown)
                result.setdefault("wrong", []).append(key)
        return result

    def _table(self, path: tuple[str, ...], table: dict[str, Any]) -> dict[str, Any]:
        return {
            key: plain
            for key, value in table.items()
            if (plain := self._plain((*path, key), value)) is not None
        }

    def _plain(self, path: tuple[str | int, ...], value: Any) -> Any:
        """Return a value as JSON has it; None, with a finding, where JSON has none."""
        if isinstance(value, dict):
            return {key: self._plain((*path, key), inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._plain((*path, number), inner) for number, inner in enumerate(value)]
        if isinstance(value, (datetime.date, datetime.time)):
            return value.isoformat()
        if isinstance(value, float) and not (float("-inf") < value < float("inf")):
            self._wrong(path, value, "a finite number", what=str(value))
            return None
        return value

    def _strings(self, path: tuple[str, ...], value: Any) -> list[str] | None:
        key = path[-1]
        if isinstance(value, str) and value:
            self._wrong(path, value, "an array of strings", f'write {key} = ["{value}"]', "warning")
            return [value]
        if not isinstance(value, list):
            self._wrong(path, value, "an array of strings", f'write {key} = ["NAME"]')
            return None
        for number, item in enumerate(value):
            if not isinstance(item, str) or not item or "\0" in item:
                self._wrong((*path, number), item, "a name, as a string")
        names = [item for item in value if isinstance(item, str) and item and "\0" not in item]
        return list(dict.fromkeys(names))

    def _wrong(
        self,
        path: tuple[str | int, ...],
        value: Any,
        wanted: str,
        fix: str = "",
        severity: str = "error",
        what: str = "",
    ) -> None:
        key = ".".join([str(part) for part in path if isinstance(part, str)])
        message = f"{key} must be {wanted}, not {what or _type(value)}"
        self._say("config-type", severity, path, message, fix)

    def _say(
        self, rule: str, severity: str, path: tuple[str | int, ...], message: str, fix: str
    ) -> None:
        if self._positions is None:
            self._positions = scan(self._text)
        line, column = self._positions.find(path)
        self.findings.append(
            Finding(rule, severity, message, path=self.file, line=line, column=column, fix=fix)
        )


def _type(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        str: "an empty string" if value == "" else "a string",
        list: "an array",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    similar = suggest(word, known)
    if similar:
        return f"did you mean {similar[0]}?"
    return "there are: " + ", ".join(sorted(known))


def unreadable(file: str, text: str, error: Exception) -> Finding:
    """Return the finding for what :func:`read_text` or `tomllib` raised, at its place."""
    message, line, column = str(error), 0, 0
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
    elif isinstance(error, RecursionError):
        message = "its values are nested too deeply"
    elif isinstance(error, OSError):
        message = error.strerror or str(error)
    elif match := _AT.search(message):
        line, column = int(match[1]), int(match[2])
        message = message[: match.start()]
    elif message.endswith(" (at end of document)"):
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        message = message.replace("(at end of document)", "at its end")
    return Finding(
        "config-unreadable",
        "error",
        f"the configuration cannot be read, and nothing is enabled: {message}",
        path=file,
        line=line,
        column=column,
        fix="mend the line, or move the file away" if line else "mend the file, or move it away",
    )
