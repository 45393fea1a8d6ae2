"""Bring what is to be installed here, from a folder, an archive, a wheel, git or a market.

Whatever it comes from, it ends as the same: bytes by path, a manifest that bears the name
and version that were asked for, and where it came from. Nothing of it is run, and nothing
is written but to a temporary folder.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import IntegrityError, KurtError, ManifestError, NetworkError, StorageError
from .findings import Finding
from .manifest import read
from .market import digests
from .market.store import File, Store, Tree, read_folder
from .metadata import headers_of
from .names import normalize

if TYPE_CHECKING:
    from .market.clients import Market
    from .market.documents.index import Listing
    from .market.documents.release import Release
    from .market.documents.skill import SkillDocument
    from .market.identities import Identity
    from .market.simple_index import SimpleIndex
    from .specs import Spec

__all__ = ["Goods", "of_content", "of_folder", "of_git", "of_release", "of_wheel", "of_zip"]

_GIT_TIMEOUT = 120.0


@dataclass
class Goods:
    """What is to be installed, brought here.

    :param record: its manifest, normalised.
    :param content: path → bytes of a folder's files; {} for a wheel.
    :param tree: the same in the store, where it is there already.
    :param wheel: the name and the bytes of a wheel; None for a folder.
    :param requires: what a wheel's metadata says that it needs, as PEP 508 writes it.
    :param index: the index of distributions that it came from.
    :param origin: where it came from, as PEP 610's ``direct_url.json`` says it.
    :param source: the same as a person writes it; None where it is from a market.
    :param key: the id of the publisher's key that has signed it.
    :param identities: who has attested it, each verified.
    """

    record: dict[str, Any]
    content: Mapping[str, bytes]
    origin: dict[str, Any]
    source: str | None = None
    tree: Tree | None = None
    wheel: tuple[str, bytes] | None = None
    market: Market | None = None
    listing: Listing | None = None
    document: SkillDocument | None = None
    release: Release | None = None
    key: str | None = None
    identities: tuple[Identity, ...] = ()
    requires: tuple[str, ...] = ()
    index: SimpleIndex | None = None
    warnings: list[Finding] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The skill's name."""
        return str(self.record["id"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.record["version"])

    @property
    def lane(self) -> str:
        """``folder`` or ``distribution``."""
        return "folder" if self.wheel is None else "distribution"

    @contextmanager
    def unpacked(self) -> Iterator[str]:
        """Give the ``*.dist-info`` of a wheel, unpacked, to be judged with what is beside it."""
        from .market.collecting import unpacked_wheel

        assert self.wheel is not None
        with _temporary() as base:
            path = os.path.join(base, self.wheel[0])
            with open(path, "wb") as stream:
                stream.write(self.wheel[1])
            with unpacked_wheel([path]) as (_, dist_info):
                yield dist_info

    @cached_property
    def digest(self) -> str:
        """The digest of the tree of files, or of the wheel."""
        if self.wheel is not None:
            return digests.of_bytes(self.wheel[1])
        if self.tree is not None:
            return self.tree.digest
        return digests.of_tree(
            {path: digests.of_bytes(data) for path, data in self.content.items()}
        )


def _record(folder: str, shown: str) -> dict[str, Any]:
    """Return the manifest of a folder.

    :raises ManifestError: when it has none, or it cannot be used.
    """
    reading = read(folder)
    if reading.record is None or not reading.ok:
        fatal = [finding for finding in reading.findings if finding.fatal]
        raise ManifestError(
            f"{shown} cannot be installed: its manifest cannot be used",
            cause="\n".join([str(finding) for finding in fatal[:5]])
            or "there is no SKILL.md and no plugin.json in it",
            at=folder,
            hint=f"kurt validate {shown}",
            findings=reading.findings,
        )
    return reading.record


def of_folder(path: str) -> Goods:
    """Return what a folder holds.

    :raises MarketError: when it holds what is never installed, or too much.
    :raises ManifestError: when its manifest cannot be used.
    """
    content = read_folder(path)
    record = _record(path, path)
    return Goods(record, content, {"url": Path(path).as_uri(), "dir_info": {}}, source=path)


def of_content(folder: str, content: Mapping[str, bytes]) -> Goods:
    """Return what a folder of the store is, whose files were read and checked.

    :raises ManifestError: when its manifest cannot be used.
    """
    return Goods(_record(folder, os.path.basename(folder)), content, {})


def of_zip(path: str) -> Goods:
    """Return what an archive holds.

    :raises ArchiveError: when it holds what is never unpacked.
    """
    from .market.extracting import extract

    with _temporary() as base:
        target = os.path.join(base, "unpacked")
        extract(path, target)
        content = read_folder(target)
        record = _record(target, os.path.basename(path))
    digest, _ = digests.of_file(path)
    origin = {
        "url": Path(path).as_uri(),
        "archive_info": {"hashes": {"sha256": digests.to_hex(digest)}},
    }
    return Goods(record, content, origin, source=path)


def of_wheel(path: str, data: bytes | None = None, source: str | None = None) -> Goods:
    """Return what a wheel is; it is unpacked to a temporary folder to be read.

    :raises ArchiveError: when it holds what is never unpacked.
    :raises ManifestError: when it offers nothing to kurt.
    """
    from .market.collecting import unpacked_wheel

    if data is None:
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError as error:
            raise StorageError(f"{path} cannot be read", cause=str(error), at=path) from error
    name = os.path.basename(path)
    with _temporary() as base:
        kept = os.path.join(base, name)
        with open(kept, "wb") as stream:
            stream.write(data)
        try:
            with unpacked_wheel([kept]) as (found, dist_info):
                record = found.record
                requires = tuple(headers_of(dist_info).get("requires-dist", ()))
        except KurtError as error:
            if error.at == kept:
                error.at = path if os.path.isabs(path) else None
            raise
    hashes = {"sha256": digests.to_hex(digests.of_bytes(data))}
    origin = {
        "url": Path(path).as_uri() if os.path.isabs(path) else path,
        "archive_info": {"hashes": hashes},
        "distribution": normalize(name.partition("-")[0]),
    }
    return Goods(record, {}, origin, source=source or path, wheel=(name, data), requires=requires)


def of_git(spec: Spec) -> Goods:
    """Return a folder of a repository, at a branch, a tag or a commit.

    No hook of the repository runs, no submodule is fetched, and nobody is asked for a password.

    :raises NetworkError: when it cannot be had.
    """
    with _temporary() as base:
        target = os.path.join(base, "clone")
        os.mkdir(target)
        _git(["init", "--quiet", "."], target)
        _git(
            [
                "fetch",
                "--quiet",
                "--depth",
                "1",
                "--no-tags",
                "--no-recurse-submodules",
                "--",
                spec.url,
                spec.ref or "HEAD",
            ],
            target,
        )
        _git(["checkout", "--quiet", "--detach", "FETCH_HEAD"], target)
        commit = _git(["rev-parse", "HEAD"], target).strip()
        folder = os.path.realpath(os.path.join(target, spec.subdirectory))
        if not (folder + os.sep).startswith(os.path.realpath(target) + os.sep):
            raise IntegrityError(f"{spec.subdirectory} leads out of the repository")
        if not os.path.isdir(folder):
            raise ManifestError(
                f"{spec.url} has no folder {spec.subdirectory}", hint="#subdirectory=PATH"
            )
        content = read_folder(folder)
        record = _record(folder, spec.text)
    origin: dict[str, Any] = {
        "url": spec.url,
        "vcs_info": {"vcs": "git", "commit_id": commit},
    }
    if spec.ref:
        origin["vcs_info"]["requested_revision"] = spec.ref
    if spec.subdirectory:
        origin["subdirectory"] = spec.subdirectory
    below = f"#subdirectory={spec.subdirectory}" if spec.subdirectory else ""
    return Goods(record, content, origin, source=f"git+{spec.url}@{commit}{below}")


def _git(words: list[str], folder: str) -> str:
    environ = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environ.pop(variable, None)
    command = [
        "git",
        "-c",
        f"core.hooksPath={os.devnull}",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.symlinks=true",
        *words,
    ]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise KurtError(
            "git is not installed", hint="install git, or download the folder"
        ) from None
    except subprocess.TimeoutExpired:
        raise NetworkError(f"git did not end within {_GIT_TIMEOUT:g} seconds") from None
    if done.returncode:
        raise NetworkError(
            "the repository cannot be had", cause=done.stderr.strip()[-500:] or "git says nothing"
        )
    return done.stdout


def of_release(
    store: Store, market: Market, listing: Listing, document: SkillDocument, release: Release
) -> Goods:
    """Return a release of a market, every file of it checked, its manifest held to the document.

    :param store: where the files of a folder are kept.

    :raises IntegrityError: when something is not what was promised, the id or version too.
    :raises SignatureError: when a signature is there and wrong.
    :raises NetworkError: when it cannot be had.
    """
    from .market.documents.release import FilesSource

    key = market.signer(listing.id, release)
    origin: dict[str, Any] = {"url": market.url}
    if isinstance(release.source, FilesSource):
        files = {file.path: File(file.digest, file.size) for file in release.source.files}
        digest = release.source.digest
        kept = store.find(digest)
        content = store.content(kept) if kept is not None else None
        brought = market.content(listing.id, release) if content is None else content
        with store.used():  # somebody may have cleared it up since
            tree = store.find(digest) if content is not None else None
            tree = tree or store.put(listing.id, brought, digest, files=files)
            record = _record(tree.folder, f"{listing.id} {release.version}")
        goods = Goods(record, brought, {**origin, "dir_info": {}}, tree=tree)
    else:
        from .wheel_choice import fitting

        wheel = fitting(release.source.wheels, listing.id)
        goods = of_wheel(wheel.filename, market.wheel(wheel))
        goods.origin = {**goods.origin, **origin}
    goods.source = None
    goods.market, goods.listing, goods.document = market, listing, document
    goods.release, goods.key = release, key
    told = market.attested(listing.id, release, goods.wheel[0] if goods.wheel else None)
    goods.identities = told.identities
    goods.warnings += told.warnings
    _hold_to(goods, listing.id, release)
    return goods


def _hold_to(goods: Goods, name: str, release: Release) -> None:
    """Raise where the manifest that came is not the one that was advertised."""
    found = goods.record
    for word, mine, theirs in (
        ("id", found["id"], name),
        ("version", found["version"], release.version),
    ):
        if mine != theirs:
            raise IntegrityError(
                f"{name} {release.version} is not what it is said to be",
                cause=f"its manifest has the {word} {mine}, and the market says {theirs}",
                skill=name,
                files=["plugin.json" if "plugin.json" in goods.content else "SKILL.md"],
            )
    if digests.of_permissions(found["permissions"]) != release.permissions_digest:
        raise IntegrityError(
            f"{name} {release.version} asks for other permissions than the market says",
            skill=name,
        )


@contextmanager
def _temporary() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="kurt-") as base:
        yield base
