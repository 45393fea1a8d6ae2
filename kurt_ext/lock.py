"""Read and write ``kurt.lock``: exactly what is installed, to be had again anywhere.

::

    lock-version = "1.0"

    [[skill]]
    name = "web-archiver"
    version = "1.2.0"
    lane = "folder"
    digest = "sha256:…"
    market = "team"
    index = "https://skills.example.com/kurt/v1/"
    publisher = "example"
    permissions-digest = "sha256:…"
    score = 92
    ruleset = "…"
    approved-at = "2026-11-21T13:20:00Z"
    snapshot = 12
    requested = true

The project's lies beside its ``kurt.toml``, and is to be committed; the user's in the
folder of data. It says what is wanted and gives no rights: a market is asked only where
it is configured here, and what comes must have the digest.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .atomic import write_atomically
from .errors import ConfigError, KurtError, StorageError
from .market import digests
from .names import normalize, skill_name, slug
from .plainfiles import read_plain

if TYPE_CHECKING:
    from .places import Places

__all__ = ["LANES", "LOCK_NAME", "Locked", "lock_path", "read", "render", "write"]

LOCK_NAME = "kurt.lock"
LANES = ("folder", "distribution")
_VERSION = "1.0"
_MAX_BYTES = 8 << 20
_HEADER = """\
# What kurt has installed, exactly; written by kurt, and to be committed.
# `kurt sync --locked` installs this and nothing else.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One skill as it is locked.

    :param lane: ``folder``, or ``distribution`` for a wheel.
    :param digest: of the tree of files, or of the wheel.
    :param wheel: the name of its file, which has the distribution's name and version.
    :param source: where it came from, if from no market: a path or an URL with its scheme.
    :param market: the name of the market, or of the index of distributions, in ``kurt.toml``;
        ``index`` its URL.
    :param publisher: who published it there; ``key`` the id of the key that signed it, and
        ``identity`` who has attested it, as :mod:`.market.identities` writes that.
    :param permissions_digest: of what it may do, as it was agreed to.
    :param score: the security score, by the rules named ``ruleset``.
    :param approved_at: when that was agreed to, UTC, RFC 3339.
    :param snapshot: the number of the index that it was found in.
    :param requested: whether somebody asked for it; else another skill needs it.
    :param dependencies: ids of the skills that it needs.
    """

    name: str
    version: str
    lane: str
    digest: str
    source: str | None = None
    market: str | None = None
    index: str | None = None
    publisher: str | None = None
    key: str | None = None
    identity: str | None = None
    permissions_digest: str | None = None
    score: int | None = None
    ruleset: str | None = None
    approved_at: str | None = None
    snapshot: int | None = None
    requested: bool = True
    dependencies: tuple[str, ...] = ()
    wheel: str | None = None

    @property
    def distribution(self) -> str | None:
        """The distribution that its wheel is of, normalised; None for a folder."""
        return normalize(self.wheel.partition("-")[0]) if self.wheel else None

    @property
    def slug(self) -> str:
        """What two names of one skill share."""
        return slug(self.name)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        found: dict[str, Any] = {key: getattr(self, key) for key in _KEYS}
        found["dependencies"] = list(self.dependencies)
        return found

    def but(self, **changed: Any) -> Locked:
        """Return the same with other fields."""
        return replace(self, **changed)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Locked:
        """Return what a table ``[[skill]]``, or :meth:`as_dict`, says.

        :raises ValueError: with what is wrong; keys that nobody knows are passed over.
        """
        given: dict[str, Any] = {}
        for key in _KEYS:
            value = row.get(key.replace("_", "-"), row.get(key))
            if value is None:
                continue
            wanted = _TYPES.get(key, str)
            if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
                raise ValueError(f"{key.replace('_', '-')} is not {_WORDS[wanted]}")
            given[key] = value
        for key in ("name", "version", "lane", "digest"):
            if key not in given:
                raise ValueError(f"{key} is missing")
        try:
            given["name"] = skill_name(given["name"])
        except KurtError as error:
            raise ValueError(error.message) from None
        if given["lane"] not in LANES:
            raise ValueError(f"the lane {given['lane']!r} is none of {', '.join(LANES)}")
        for key in ("digest", "permissions_digest"):
            if key in given and not digests.is_digest(given[key]):
                raise ValueError(f"{key.replace('_', '-')} is no sha256 digest")
        if not _is_file(given.get("wheel", "x.whl")):
            raise ValueError("the wheel is no name of a file")
        names = given.get("dependencies", ())
        if not all(isinstance(name, str) for name in names):
            raise ValueError("dependencies are not texts")
        given["dependencies"] = tuple(names)
        return cls(**given)


#: The bytes of the lock that was read or written last, and what they say: whoever installs
#: asks before and after, for each skill.
_KNOWN: dict[bytes, Mapping[str, Locked]] = {}
#: `dataclasses.asdict` copies each value as deep as it goes, though none has any depth.
_KEYS = tuple([field.name for field in fields(Locked)])
_TYPES: dict[str, Any] = {
    "score": int,
    "snapshot": int,
    "requested": bool,
    "dependencies": (list, tuple),
}
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", (list, tuple): "a list"}


def _is_file(name: str) -> bool:
    return name.endswith(".whl") and name.isprintable() and not {"/", "\\"} & set(name)


def lock_path(places: Places, scope: str = "project") -> str:
    """Return where the lock of a scope lies.

    :param scope: ``project`` or ``user``; a host's own folder of skills has it inside.
    """
    if scope == "user":
        return os.path.join(places.data, LOCK_NAME)
    return os.path.join(places.own_skills or places.project, LOCK_NAME)


def read(path: str) -> dict[str, Locked]:
    """Return what a lock says, by slug; {} where there is none.

    :raises ConfigError: when it cannot be read, or is none.
    """
    try:
        # It may be a link: whose it is, is for the project to say.
        data = read_plain(path, _MAX_BYTES, follow=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    if len(data) > _MAX_BYTES:
        raise _refused(path, f"it has more than {_MAX_BYTES:,} bytes")
    try:
        return dict(_KNOWN.get(data) or _learn(data, _parsed(data)))
    except (ValueError, RecursionError) as error:
        raise _refused(path, str(error)) from error


def _learn(data: bytes, rows: Mapping[str, Locked]) -> Mapping[str, Locked]:
    _KNOWN.clear()
    _KNOWN[data] = rows
    return rows


def _parsed(data: bytes) -> Mapping[str, Locked]:
    """Return what the bytes of a lock say.

    :raises ValueError: with what is wrong.
    """
    raw = tomllib.loads(data.decode("utf-8"))
    version = raw.get("lock-version")
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise ValueError(f"its lock-version is {version!r}, and 1.0 can be read")
    rows = raw.get("skill", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("skill is no array of tables")
    found: dict[str, Locked] = {}
    for number, row in enumerate(rows, 1):
        locked = _row(row, number)
        if locked.slug in found:
            raise ValueError(f"{locked.name} is there twice")
        found[locked.slug] = locked
    return found


def _row(row: Mapping[str, Any], number: int) -> Locked:
    try:
        return Locked.from_row(row)
    except ValueError as error:
        raise ValueError(f"skill number {number}: {error}") from None


def _refused(path: str, reason: str) -> ConfigError:
    return ConfigError(
        "kurt.lock cannot be used",
        cause=reason,
        at=path,
        hint=f"git checkout {os.path.basename(path)}, or delete it and install anew",
    )


def render(rows: Iterable[Locked]) -> str:
    """Return the text of a lock; the same for the same rows."""
    parts = [_HEADER, f'lock-version = "{_VERSION}"\n']
    parts += [_table(row) for row in sorted(rows, key=lambda row: row.name)]
    return "".join(parts)


@lru_cache(maxsize=1024)
def _table(row: Locked) -> str:
    """Return the table of one skill; each but one is as it was when a lock is written again."""
    lines = ["\n[[skill]]\n"]
    for key, value in row.as_dict().items():
        if value is None or value == []:
            continue
        lines.append(f"{key.replace('_', '-')} = {_toml(value)}\n")
    return "".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join([_toml(one) for one in value])}]"
    if isinstance(value, int):
        return str(value)
    from .jsontext import dumps

    # A basic string of TOML is one of JSON, but for DEL, which JSON leaves as it is.
    return dumps(value).replace("\x7f", "\\u007f")


def write(path: str, change: Callable[[dict[str, Locked]], None]) -> bool:
    """Change a lock, and return whether that made a difference; the caller holds the scope.

    :param change: changes the rows, by slug, in place.
    :raises ConfigError: when what is there cannot be read.
    :raises StorageError: when it cannot be written.
    """
    before = read(path)
    after = dict(before)
    change(after)
    if after == before and (after or not os.path.lexists(path)):
        return False
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = render(after.values()).encode()
        # Whoever reads a torn one is told; waiting for the disk takes longer than all the rest.
        write_atomically(path, data, durable=False)
        _learn(data, after)
    except OSError as error:
        raise StorageError("kurt.lock cannot be written", cause=str(error), at=path) from error
    return True
