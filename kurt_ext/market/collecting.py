"""Collect what a release is made of: the files of a folder, or what is in a wheel."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..distinfo import offers, parse_entry_points
from ..errors import ManifestError, MarketError
from ..manifest import read
from ..names import normalize
from ..plainfiles import NotPlain, read_plain
from ..versions import from_pep440, is_semver
from . import digests
from .extracting import WHEEL_BUDGET, extract
from .paths import clash, fault

__all__ = ["Found", "archive", "folder_files", "of_folder", "unpacked_wheel"]

#: Files at the top of a folder that a build has left there.
_LEFT = frozenset(("build", "dist", "PKG-INFO"))
#: Modules that every process imports, and packages that a skill never brings.
_STARTING = frozenset(("sitecustomize", "usercustomize"))
_OTHERS = frozenset(
    ("kurt_ext", "pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel", "uv")
)
#: A zip knows no time before this one; with it, the same files are the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Found(NamedTuple):
    """A skill that may become a release.

    :param path: its folder, or its wheel.
    :param record: the normalised manifest, its version SemVer.
    :param digest: of the tree of its files, or of its wheels.
    :param kinds: the namespaces of what it offers.
    """

    path: str
    record: dict[str, Any]
    digest: str
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """The skill's id."""
        return str(self.record["id"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.record["version"])


def folder_files(folder: str, most_files: int, most_bytes: int) -> dict[str, bytes]:
    """Return path → bytes of the files of a skill's folder that are published, sorted.

    Not what begins with a dot, bytecode, virtual environments, and what a build left.

    :raises MarketError: for links, pipes, names that mean another place elsewhere, and more
        than the limits.
    :raises OSError: when one cannot be read.
    """
    found: dict[str, bytes] = {}
    left = most_bytes
    for path in _walk(folder, ""):
        wrong = fault(path)
        if wrong is not None:
            raise MarketError(f"{path!r} cannot be taken: {wrong[1]}", at=folder)
        if len(found) >= most_files:
            raise MarketError(f"there are more than {most_files:,} files", at=folder)
        found[path] = _read(folder, path, left)
        left -= len(found[path])
    collision = clash(found)
    if collision is not None:
        rule, path, other = collision
        raise MarketError(f"{path!r} and {other!r} cannot both be taken: {rule}", at=folder)
    return dict(sorted(found.items()))


def _walk(folder: str, prefix: str) -> Iterator[str]:
    with os.scandir(os.path.join(folder, prefix)) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        name, path = entry.name, prefix + entry.name
        if name.startswith(".") or name.endswith((".pyc", ".pyo", ".egg-info")):
            continue
        if name == "__pycache__" or (not prefix and name in _LEFT):
            continue
        if entry.is_dir(follow_symlinks=False):
            if not os.path.lexists(os.path.join(entry.path, "pyvenv.cfg")):
                yield from _walk(folder, path + "/")
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            word = "a link" if entry.is_symlink() else "no plain file"
            raise MarketError(f"{path!r} cannot be taken: it is {word}", at=entry.path)


def _read(folder: str, path: str, most: int) -> bytes:
    try:
        data = read_plain(os.path.join(folder, path), most)
    except NotPlain:
        raise MarketError(f"{path!r} cannot be taken: it is no plain file", at=folder) from None
    if len(data) > most:
        raise MarketError("the files together are too large", at=folder)
    return data


def of_folder(
    folder: str, files: Mapping[str, bytes], words: Mapping[str, tuple[str, str]]
) -> Found:
    """Return the skill that a folder is.

    :param files: of it, as :func:`folder_files` returns them.
    :param words: words of manifests that stand for another namespace.
    :raises ManifestError: when its manifest cannot be used.
    """
    reading = read(folder)
    record = reading.record
    if record is None or not reading.ok:
        errors = [finding for finding in reading.findings if finding.fatal]
        raise ManifestError(
            f"the manifest in {folder} cannot be used",
            cause="\n".join(str(finding) for finding in errors),
            at=os.path.join(folder, errors[0].at) if errors else folder,
            hint=f"kurt validate {folder}",
            findings=reading.findings,
        )
    kinds = {group for group, _, _ in offers(record, words, reading.code)}
    tree = digests.of_tree({path: digests.of_bytes(data) for path, data in files.items()})
    return Found(folder, record, tree, tuple(sorted(kinds)))


@contextmanager
def unpacked_wheel(wheels: Sequence[str]) -> Iterator[tuple[Found, str]]:
    """Unpack the first of the wheels of one distribution, and give what it is and where it lies.

    :param wheels: of one version, for one platform each.
    :returns: the skill, and the ``*.dist-info`` of the unpacked wheel.
    :raises ManifestError: when it is no wheel that brings an extension.
    :raises MarketError: when it would do more than to be there.
    :raises ArchiveError: when it cannot be unpacked.
    """
    tree = digests.of_tree(
        {os.path.basename(path): digests.of_file(path, WHEEL_BUDGET.size)[0] for path in wheels}
    )
    with tempfile.TemporaryDirectory(prefix="kurt-wheel-") as scratch:
        target = os.path.join(scratch, "wheel")
        extract(wheels[0], target, budget=WHEEL_BUDGET, skill=False)
        names = [name for name in os.listdir(target) if name.endswith(".dist-info")]
        if len(names) != 1:
            raise ManifestError(f"{wheels[0]} has no one *.dist-info", at=wheels[0])
        _refuse_reach(target, wheels[0])
        dist_info = os.path.join(target, names[0])
        record, kinds = _of_dist_info(dist_info, wheels)
        yield Found(wheels[0], record, tree, kinds), dist_info


def _refuse_reach(target: str, wheel: str) -> None:
    """Refuse a wheel that does more, once it is installed, than to be there to be imported.

    A ``.pth`` and a ``sitecustomize`` run in every process of the environment, ``*.data``
    leads out of its packages, and a file in the package of an installer or of kurt is theirs
    from then on.
    """
    for name in sorted(os.listdir(target)):
        lowered = name.lower()
        stem = lowered.partition(".")[0]
        if lowered.endswith((".pth", ".start", ".egg-link")) or stem in _STARTING:
            reason = f"{name} runs in every process of the environment"
        elif lowered.endswith(".data"):
            reason = f"{name} leads out of its packages"
        elif stem in _OTHERS:
            reason = f"{name} belongs to another distribution"
        else:
            continue
        raise MarketError(
            f"{os.path.basename(wheel)} does more than to be there to be imported",
            cause=reason,
            at=wheel,
        )


def _of_dist_info(dist_info: str, wheels: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    from ..metadata import headers_of, read_file, record_of
    from ..names import NAMESPACE_PREFIX

    record: dict[str, Any] = {}
    offered: Mapping[str, Any] = {}
    try:
        record = dict(record_of(dist_info))
        offered = parse_entry_points(read_file(os.path.join(dist_info, "entry_points.txt")))
    except FileNotFoundError:
        pass  # it has extensions, or it has none
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"{wheels[0]} cannot be read", cause=str(error), at=wheels[0]
        ) from error
    kinds = tuple(sorted(group for group in offered if group.startswith(NAMESPACE_PREFIX)))
    if not kinds and record["source"] == "entry_points.txt":
        raise ManifestError(
            f"{os.path.basename(wheels[0])} brings no extension",
            cause="it has neither a kurt.json nor entry points of a group kurt.…",
            at=wheels[0],
        )
    headers = headers_of(dist_info)
    said = normalize(headers.get("name", [""])[0]), headers.get("version", [""])[0]
    for wheel in wheels:
        if wheel_identity(wheel) != said:
            raise ManifestError(
                f"{os.path.basename(wheel)} is not what its name says",
                cause="in its METADATA it is " + " ".join(said),
                at=wheel,
            )
    if not is_semver(str(record["version"])):
        record["version"] = from_pep440(str(record["version"]))
    return record, kinds


def wheel_identity(path: str) -> tuple[str, str]:
    """Return the distribution and the version that a wheel's filename names.

    :raises ManifestError: when it is no such name.
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, _, _ = parse_wheel_filename(os.path.basename(path))
    except (InvalidWheelFilename, ValueError) as error:
        raise ManifestError(f"{path} is no wheel", cause=str(error), at=path) from None
    return str(name), str(version)


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return the zip of files; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made:
        for path, data in sorted(files.items()):
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            made.writestr(info, data)
    return out.getvalue()
