"""Lock the Python distributions that installed skills need, in ``pylock.kurt.toml`` (PEP 751).

uv or pip, a process of its own, chooses the versions: wheels only, so that nothing is built,
and from one source. The lock has each wheel's SHA-256; what is installed by it has these
bytes and no others. ``[tool.kurt]`` says which requirements it answers.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .atomic import write_atomically
from .errors import ConfigError, ConflictError, KurtError, MissingExtraError, StorageError
from .installing_distributions import compile_lock, install_locked, installed_version
from .jsontext import dumps

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock

    from .places import Places

__all__ = ["PYLOCK_NAME", "asked", "install", "lock", "pylock_path", "read", "wanted"]

PYLOCK_NAME = "pylock.kurt.toml"
_MAX_BYTES = 8 << 20
_HEADER = "# Written by kurt; `kurt sync --python` installs this. The format is PEP 751's.\n"


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
    text = compile_lock(requirements, index=index, offline=wheelhouse)
    found = _parsed(text, "what the installer has locked")
    for package in found.packages:
        if not package.wheels:
            raise KurtError(f"there is no wheel of {package.name} {package.version}")
    data = _rendered(found, requirements).encode()
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
    """Return the requirements that a lock answers."""
    own = (found.tool or {}).get("kurt", {})
    listed = own.get("requirements", []) if isinstance(own, dict) else []
    return [str(text) for text in listed]


def install(found: Pylock, *, index: str | None = None, wheelhouse: str = "") -> list[str]:
    """Install what is locked and not there, and return it as ``NAME==VERSION``.

    :raises ConflictError: when a wheel has no SHA-256.
    :raises KurtError: when that fails; with what the installer says.
    """
    missing = [
        package
        for package in found.packages
        if (package.marker is None or package.marker.evaluate())
        and installed_version(str(package.name)) != str(package.version)
    ]
    if missing:
        install_locked([_line(package) for package in missing], index=index, offline=wheelhouse)
    return [f"{package.name}=={package.version}" for package in missing]


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


def _rendered(found: Pylock, requirements: Sequence[str]) -> str:
    """Return the text of a lock, the same for the same versions, and without paths of here."""
    lines = [_HEADER, 'lock-version = "1.0"', 'created-by = "kurt-ext"']
    if found.requires_python:
        lines.append(f"requires-python = {dumps(str(found.requires_python))}")
    for package in sorted(found.packages, key=lambda package: str(package.name)):
        lines += ["", "[[packages]]", f"name = {dumps(str(package.name))}"]
        lines.append(f"version = {dumps(str(package.version))}")
        if package.marker is not None:
            lines.append(f"marker = {dumps(str(package.marker))}")
        if package.index:
            lines.append(f"index = {dumps(str(package.index))}")
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
    listed = ", ".join([dumps(text) for text in requirements])
    lines += ["", "[tool.kurt]", f"requirements = [{listed}]", ""]
    return "\n".join(lines)


def _filename(wheel: Any) -> str:
    from urllib.parse import unquote

    given = wheel.name or wheel.url or wheel.path or ""
    return unquote(str(given).rpartition("/")[2])
