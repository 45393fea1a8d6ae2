"""Read what a distribution says of itself, without `importlib.metadata`.

`importlib.metadata` costs five times a bare start-up to import and 60 µs a
distribution to ask; the files are plain text (core metadata, PEP 566), and
only the first headers matter here.
"""

from __future__ import annotations

import os

from .fields import blank
from .names import PACKAGE, normalize, slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "headers_of",
    "package_of",
    "part_to_judge",
    "read_file",
    "read_headers",
    "record_of",
]

_READ_AT_MOST = 1 << 20


def read_file(path: str, dir_fd: int | None = None, limit: int = _READ_AT_MOST) -> bytes:
    """Return the content of a small file.

    :raises OSError: when it cannot be read, is a pipe or device, or exceeds ``limit`` bytes.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, dir_fd=dir_fd)
    try:
        data = os.read(descriptor, limit + 1)
        if len(data) > limit:
            raise OSError(f"{path} is larger than {limit} bytes")
        return data
    finally:
        os.close(descriptor)


def read_headers(data: bytes) -> dict[str, list[str]]:
    """Return the headers of a METADATA or PKG-INFO, names in lower case, in order of appearance.

    Folded lines are joined; the body is left out. What is not a header is passed over.
    """
    headers: dict[str, list[str]] = {}
    values: list[str] | None = None
    # The body may be a long read-me.
    head = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    for line in head.decode("utf-8", "replace").split("\n"):
        if not line:
            continue
        if line[0] in " \t":
            if values:
                values[-1] += "\n" + line.strip()
            continue
        name, colon, value = line.partition(":")
        if not colon:
            values = None
            continue
        values = headers.setdefault(name.lower(), [])
        values.append(value.strip())
    return headers


def headers_of(dist_info: str) -> dict[str, list[str]]:
    """Return the headers of a ``*.dist-info`` or ``*.egg-info`` folder; {} where it has none."""
    for name in ("METADATA", "PKG-INFO"):
        try:
            return read_headers(read_file(os.path.join(dist_info, name)))
        except OSError:
            continue
    return {}


def record_of(dist_info: str) -> dict[str, Any]:
    """Return the manifest of an installed distribution.

    It is the ``kurt.json`` that the build of a skill wrote; for a distribution
    that offers entry points and has none, it is made from the core metadata,
    with ``source`` ``entry_points.txt``.

    :raises ValueError: when ``kurt.json`` is not a JSON object.
    """
    try:
        data = read_file(os.path.join(dist_info, "kurt.json"))
    except FileNotFoundError:
        return _from_headers(dist_info)
    import json

    loaded = json.loads(data)
    if not isinstance(loaded, dict) or not isinstance(loaded.get("id"), str):
        raise ValueError("kurt.json is not a manifest")
    return {**blank("entry_points.txt"), **loaded}


def package_of(dist_info: str, skill: str) -> str:
    """Return the folder that the code of an installed skill lies in, if it has any."""
    return os.path.join(os.path.dirname(dist_info), PACKAGE, slug(skill))


def part_to_judge(dist_info: str, skill: str) -> str:
    """Return the folder of an unpacked wheel that the validator looks into.

    Of one that a skill's build made, that is its package, as the skill it is. Of any other
    it is all, since each file of it can be imported once it is installed.
    """
    root, package = os.path.dirname(dist_info), package_of(dist_info, skill)
    namespace = os.path.dirname(package)
    alone = sorted(os.listdir(root)) == sorted(map(os.path.basename, (dist_info, namespace)))
    return package if alone and os.listdir(namespace) == [os.path.basename(package)] else root


def _from_headers(dist_info: str) -> dict[str, Any]:
    headers = headers_of(dist_info)

    def first(name: str) -> str | None:
        return next(iter(headers.get(name, ())), None)

    stem = os.path.basename(dist_info).rpartition(".")[0]
    name = first("name") or stem.partition("-")[0]
    record = blank("entry_points.txt")
    keywords = (first("keywords") or "").replace(",", " ").split()
    record.update(
        id=normalize(name),
        name=name,
        version=first("version") or stem.partition("-")[2] or "0.0.0",
        description=first("summary"),
        author=first("author") or first("author-email"),
        license=first("license-expression") or first("license"),
        homepage=first("home-page"),
        tags=keywords,
        requires_python=first("requires-python"),
        requires=headers.get("requires-dist", []),
    )
    return record
