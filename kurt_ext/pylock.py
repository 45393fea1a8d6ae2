"""Lock the Python distributions that installed skills need, in ``pylock.kurt.toml`` (PEP 751).

uv or pip, a process of its own, chooses the versions: wheels only, so that nothing is built,
and from one source. The lock has each wheel's SHA-256; what is installed by it has these
bytes and no others. ``[tool.kurt]`` says which requirements it answers.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .atomic import write_atomically
from .errors import ConfigError, ConflictError, KurtError, MissingExtraError, StorageError
from .installing_distributions import compile_lock, install_locked, installed_version
from .jsontext import dumps

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock

    from .places import Places

__all__ = [
    "PYLOCK_NAME",
    "Group",
    "answers",
    "asked",
    "install",
    "lock",
    "lock_groups",
    "missing",
    "pylock_path",
    "read",
    "wanted",
]

PYLOCK_NAME = "pylock.kurt.toml"
_MAX_BYTES = 8 << 20
#: The group of what is looked for in PyPI's place.
_MAIN = "pypi"
_HEADER = "# Written by kurt; `kurt sync --python` installs this. The format is PEP 751's.\n"


class Group(NamedTuple):
    """Requirements that are looked for in one index.

    :param name: of the index.
    :param requirements: as PEP 508 has them, sorted.
    :param url: of the index; "" for PyPI, or what pip and uv have in its place.
    :param secret_url: the same, with the password that pip and uv need.
    """

    name: str
    requirements: tuple[str, ...]
    url: str = ""
    secret_url: str = ""


def pylock_path(places: Places) -> str:
    """Return where the project's lock of distributions lies: beside its ``kurt.lock``."""
    return os.path.join(places.own_skills or places.project, PYLOCK_NAME)


def wanted(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what manifests name in ``requires``, sorted and without repetitions."""
    return sorted({str(text) for record in records for text in record.get("requires", ())})


def lock(
    path: str, requirements: Sequence[str], *, index: str | None = None, wheelhouse: str = ""
) -> bool:
    """Choose versions for requirements, write the lock, and return whether it changed.

    :param index: the one index that is asked; PyPI, or what has its place here, if None.
    :param wheelhouse: a folder of wheels, in place of every index.
    :raises KurtError: when no versions satisfy all; with what the installer says.
    :raises StorageError: when it cannot be written.
    """
    group = Group(_MAIN, tuple(requirements), index or "", index or "")
    return lock_groups(path, [group], wheelhouse=wheelhouse)


def lock_groups(path: str, groups: Sequence[Group], *, wheelhouse: str = "") -> bool:
    """Choose versions for what is looked for in each index, write the lock, and return as `lock`.

    :param wheelhouse: a folder of wheels, in place of every index.
    :raises ConflictError: when two indexes give one distribution, and not the same files.
    :raises KurtError: when no versions satisfy all; with what the installer says.
    :raises StorageError: when it cannot be written.
    """
    rows: dict[str, _Row] = {}
    pythons = set()
    for group in groups:
        if not group.requirements:
            continue
        index = group.secret_url or None
        text = compile_lock(group.requirements, index=index, offline=wheelhouse)
        found = _parsed(text, "what the installer has locked")
        pythons.add(str(found.requires_python) if found.requires_python else "")
        for package in found.packages:
            if not package.wheels:
                raise KurtError(f"there is no wheel of {package.name} {package.version}")
            row = _Row(package, group.url or str(package.index or ""), group.name)
            _refuse_other(rows.setdefault(str(package.name), row), row)
    python = pythons.pop() if len(pythons) == 1 else ""
    data = _rendered([*rows.values()], groups, python).encode()
    try:
        with open(path, "rb") as stream:
            if stream.read(_MAX_BYTES) == data:
                return False
    except OSError:
        pass
    try:
        write_atomically(path, data)
    except OSError as error:
        raise StorageError(f"{PYLOCK_NAME} cannot be written", cause=str(error), at=path) from error
    return True


class _Row(NamedTuple):
    """A distribution that is locked, and the index that it is to come from."""

    package: Package
    url: str
    group: str


def _refuse_other(one: _Row, other: _Row) -> None:
    """Raise where two indexes have one name, and do not mean the same by it."""
    if one.group == other.group:
        return
    hashes = [{_hash(wheel) for wheel in row.package.wheels or ()} for row in (one, other)]
    if one.package.version == other.package.version and hashes[0] & hashes[1]:
        return
    raise ConflictError(
        f"{one.package.name} would come from two indexes",
        cause=f"{one.package.version} of {one.group}, {other.package.version} of {other.group}",
        hint="give the skill that needs it an environment of its own: "
        "kurt config set plugin.NAME.environment own",
    )


def _hash(wheel: Any) -> str | None:
    found: str | None = wheel.hashes.get("sha256")
    return found


def read(path: str) -> Pylock | None:
    """Return a lock; None where there is none.

    :raises ConfigError: when it cannot be read, or is none.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{PYLOCK_NAME} cannot be read", cause=str(error), at=path) from error
    try:
        return _parsed(data.decode("utf-8"), PYLOCK_NAME)
    except (UnicodeDecodeError, KurtError) as error:
        cause = error.cause if isinstance(error, KurtError) else str(error)
        raise ConfigError(f"{PYLOCK_NAME} cannot be used", cause=cause, at=path) from error


def asked(found: Pylock) -> list[str]:
    """Return the requirements that a lock answers from PyPI, or what has its place."""
    own = (found.tool or {}).get("kurt", {})
    listed = own.get("requirements", []) if isinstance(own, dict) else []
    return [str(text) for text in listed]


def answers(found: Pylock, groups: Sequence[Group]) -> bool:
    """Return whether a lock answers exactly these requirements, from these indexes."""
    own = (found.tool or {}).get("kurt", {})
    tables = own.get("index", []) if isinstance(own, dict) else []
    said: dict[str, list[str]] = {_MAIN: asked(found)}
    for table in tables if isinstance(tables, list) else ():
        if isinstance(table, dict):
            said[str(table.get("name"))] = [str(text) for text in table.get("requirements", ())]
    now: dict[str, list[str]] = {_MAIN: []}
    return said == now | {group.name: list(group.requirements) for group in groups}


def missing(found: Pylock) -> list[Package]:
    """Return what of a lock this environment does not have, in that version."""
    return [
        package
        for package in found.packages
        if (package.marker is None or package.marker.evaluate())
        and installed_version(str(package.name)) != str(package.version)
    ]


def install(
    found: Pylock,
    *,
    index: str | None = None,
    wheelhouse: str = "",
    groups: Sequence[Group] = (),
) -> list[str]:
    """Install what is locked and not there, and return it as ``NAME==VERSION``.

    :param index: where what is of no group comes from.
    :param groups: the indexes; what is locked of one of them comes from there alone.
    :raises ConflictError: when a wheel has no SHA-256.
    :raises KurtError: when that fails; with what the installer says.
    """
    lacking = missing(found)
    by_index: dict[str | None, list[str]] = {}
    known = {group.url: group.secret_url for group in groups if group.url}
    for package in lacking:
        where = known.get(str(package.index or ""), index)
        by_index.setdefault(where, []).append(_line(package))
    for where, lines in by_index.items():
        install_locked(lines, index=where, offline=wheelhouse)
    return [f"{package.name}=={package.version}" for package in lacking]


def _line(package: Package) -> str:
    hashes = [wheel.hashes.get("sha256") for wheel in package.wheels or ()]
    if not hashes or not all(hashes):
        raise ConflictError(
            f"{package.name} is locked without a SHA-256", hint="kurt sync --python"
        )
    return " ".join(
        [f"{package.name}=={package.version}", *[f"--hash=sha256:{one}" for one in hashes]]
    )


def _parsed(text: str, what: str) -> Pylock:
    try:
        from packaging.pylock import Pylock, PylockValidationError
    except ImportError:
        raise MissingExtraError(
            "locks of distributions need packaging 26",
            hint="pip install -U packaging",
        ) from None
    try:
        found = Pylock.from_dict(tomllib.loads(text))
        found.validate()
    except (tomllib.TOMLDecodeError, PylockValidationError, ValueError) as error:
        raise KurtError(f"{what} is no lock after PEP 751", cause=str(error)) from error
    return found


def _rendered(rows: Sequence[_Row], groups: Sequence[Group], python: str) -> str:
    """Return the text of a lock, the same for the same versions, and without paths of here."""
    lines = [_HEADER, 'lock-version = "1.0"', 'created-by = "kurt-ext"']
    if python:
        lines.append(f"requires-python = {dumps(python)}")
    for package, url, _ in sorted(rows, key=lambda row: str(row.package.name)):
        lines += ["", "[[packages]]", f"name = {dumps(str(package.name))}"]
        lines.append(f"version = {dumps(str(package.version))}")
        if package.marker is not None:
            lines.append(f"marker = {dumps(str(package.marker))}")
        if url:
            lines.append(f"index = {dumps(url)}")
        wheels = sorted(package.wheels or (), key=_filename)
        lines.append("wheels = [")
        for wheel in wheels:
            parts = [f"name = {dumps(_filename(wheel))}"]
            if wheel.url and not wheel.url.startswith("file:"):
                parts.append(f"url = {dumps(wheel.url)}")
            else:
                parts.append(f"path = {dumps(_filename(wheel))}")
            if wheel.size is not None:
                parts.append(f"size = {wheel.size}")
            hashes = ", ".join([f"{key} = {dumps(one)}" for key, one in wheel.hashes.items()])
            lines.append(f"    {{ {', '.join(parts)}, hashes = {{ {hashes} }} }},")
        lines.append("]")
    said = {group.name: group for group in groups}
    main = said.pop(_MAIN, Group(_MAIN, ()))
    lines += ["", "[tool.kurt]", f"requirements = [{_listed(main)}]"]
    for name, group in sorted(said.items()):
        lines += ["", "[[tool.kurt.index]]", f"name = {dumps(name)}", f"url = {dumps(group.url)}"]
        lines.append(f"requirements = [{_listed(group)}]")
    return "\n".join([*lines, ""])


def _listed(group: Group) -> str:
    return ", ".join([dumps(text) for text in group.requirements])


def _filename(wheel: Any) -> str:
    from urllib.parse import unquote

    given = wheel.name or wheel.url or wheel.path or ""
    return unquote(str(given).rpartition("/")[2])
