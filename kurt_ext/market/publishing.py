"""Publish one skill into a marketplace that is a folder here, and change what is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import MarketError, NotFoundError, SkillNotFoundError
from ..names import suggest
from . import advisories, attaching, interop, proofs, releasing
from .books import Books
from .building import words
from .collecting import folder_files, of_folder, unpacked_wheel
from .holding import held, make
from .market_toml import FILE, write_settings
from .signing import PrivateKey
from .trusting import Trust

if TYPE_CHECKING:
    from ..places import Places
    from .judging import Judge

__all__ = ["Published", "commit", "publish", "set_status", "yank"]

_STATUSES = ("active", "archived", "deprecated", "quarantined")


class Published(NamedTuple):
    """What a publication has done.

    :param new: whether the release was not there before.
    :param score: of the validator.
    :param digest: of the tree of its files, or of its wheel.
    :param key: the id of a key that has signed it; None for none.
    :param identities: who has attested it by the evidence that was given.
    """

    name: str
    version: str
    publisher: str
    new: bool
    score: int | None
    digest: str
    key: str | None
    snapshot: int
    identities: tuple[str, ...] = ()


def publish(
    path: str,
    root: str,
    places: Places,
    *,
    publisher: str | None = None,
    key: PrivateKey | None = None,
    index_key: PrivateKey | None = None,
    proof: proofs.Proof | None = None,
    evidence: bytes | None = None,
    report: dict[str, Any] | None = None,
    ruleset: str = "",
    check: Callable[[int], None] | None = None,
) -> Published:
    """Judge a skill, and publish it as a release that stays as it is.

    :param path: the skill's folder, or a wheel.
    :param root: the folder of the marketplace; it is made where there is none.
    :param publisher: who publishes; the one of ``market.toml`` if None.
    :param key: signs the release, and is listed among the publisher's keys.
    :param index_key: signs the index.
    :param proof: the publisher's signature, where it was made elsewhere.
    :param evidence: an attestation that was made elsewhere: a Sigstore bundle, or what PEP 740
        calls an attestation or a provenance; its identity is listed as the publisher's.
    :param report: what the validator said of these bytes, where it was asked already.
    :param ruleset: the digest of the rules of that report.
    :param check: is given the number of the index that was read, and raises where nothing may
        be written.
    :raises PluginValidationError: when it is below the gate of the marketplace.
    :raises ReleaseExistsError: when the version is published with another content.
    :raises ConflictError: when the skill is somebody else's.
    :raises MarketError: when it cannot be published.
    """
    make(root)
    with held(root):
        _begin(root, publisher)
        books = Books(root)
        who = publisher or books.settings.publisher
        work = _Publication(books, places, who, key or proof, report, ruleset)
        if path.endswith(".whl") and os.path.isfile(path):
            release = work.wheel(path)
        elif os.path.isdir(path):
            release = work.folder(os.path.abspath(path))
        else:
            raise SkillNotFoundError(f"there is no skill in {path}", at=path, hint="kurt list")
        identities: tuple[str, ...] = ()
        if evidence is not None:
            release, identities = work.attest(release, evidence)
        if check is not None:
            check(books.snapshot)
        commit(books, index_key)
        scan = release.get("scan")
        signed = [row["key"] for row in release.get("attestations", ()) if "key" in row]
        return Published(
            work.name,
            release["version"],
            who,
            work.new,
            None if scan is None else scan["score"],
            release["source"]["digest"],
            work.signer or (signed[-1] if signed else None),
            books.snapshot,
            identities,
        )


def _begin(root: str, publisher: str | None) -> None:
    """Write the settings of a marketplace where there are none."""
    from .market_toml import read_settings

    if not os.path.lexists(os.path.join(root, FILE)):
        settings = read_settings(root)
        if publisher is not None:
            settings = settings._replace(publisher=publisher)
        write_settings(root, settings)


def commit(books: Books, index_key: PrivateKey | None, *, renew: bool = False) -> None:
    """Write what has changed in the books, with all that goes with it.

    :param index_key: signs the index.
    :param renew: write a new index in any case.
    :raises MarketError: when an advisory in the folder is none.
    """
    told = advisories.collect(books)
    if told.refused:
        raise told.refused[0]
    books.commit(advisories=told.document, key=index_key, renew=renew, also=interop.write)


class _Publication:
    """One publication: what is published, and whether it is new."""

    def __init__(
        self,
        books: Books,
        places: Places,
        publisher: str,
        key: PrivateKey | proofs.Proof | None,
        report: dict[str, Any] | None,
        ruleset: str,
    ) -> None:
        self.name = ""
        self.new = False
        self._books = books
        self._places = places
        self._publisher = publisher
        self._key = key
        #: The id of the key that signs it; None for none.
        self.signer = None if key is None else key.id
        self._report = report
        self._ruleset = ruleset

    def folder(self, folder: str) -> dict[str, Any]:
        settings = self._books.settings
        try:
            files = folder_files(folder, settings.max_files, settings.max_bytes)
        except OSError as error:
            raise MarketError(f"{folder} cannot be read", cause=str(error), at=folder) from error
        found = of_folder(folder, files, words())
        self.name = found.name
        if releasing.is_there(self._books, found, self._publisher):
            return self._again(found.version)
        report = self._judged(lambda judge: judge.folder(folder, files))
        releasing.gate(found, report, settings.minimum_score)
        release = releasing.folder_release(
            self._books, found, files, self._publisher, report, self._ruleset
        )
        return self._add(found, release)

    def wheel(self, path: str) -> dict[str, Any]:
        with unpacked_wheel([path]) as (found, dist_info):
            self.name = found.name
            if releasing.is_there(self._books, found, self._publisher):
                return self._again(found.version)
            report = self._judged(lambda judge: judge.wheel(dist_info, found.record))
            releasing.gate(found, report, self._books.settings.minimum_score)
        release = releasing.wheels_release(
            self._books, found, [path], self._publisher, report, self._ruleset
        )
        return self._add(found, release)

    def _judged(self, ask: Callable[[Judge], dict[str, Any]]) -> dict[str, Any]:
        if self._report is not None:
            return self._report
        from .judging import Judge

        settings = self._books.settings
        rows = self._books.rows.items()
        known = [name for name, row in rows if row["publisher"] != self._publisher]
        judge = Judge(self._places, settings.profile, known)
        self._ruleset = judge.ruleset
        return ask(judge)

    def _again(self, version: str) -> dict[str, Any]:
        """Return the release that is there; a signature may still be added to it."""
        document = self._books.document(self.name)
        assert document is not None
        release: dict[str, Any] = next(r for r in document["releases"] if r["version"] == version)
        signed = {row.get("key") for row in release.get("attestations", ())}
        if self._key is None or self._key.id in signed:
            return release
        return self._replaced(document, self._signed(release))

    def attest(
        self, release: dict[str, Any], evidence: bytes
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Put an attestation beside a release; return it, and who has attested."""
        root = self._books.settings.sigstore_root
        trust = Trust(os.path.join(self._books.root, root) if root else None)
        added, found = attaching.attach(
            self._books, self._publisher, self.name, release, evidence, trust
        )
        document = self._books.document(self.name)
        assert document is not None
        return self._replaced(document, added), tuple([one.text for one in found])

    def _replaced(self, document: dict[str, Any], release: dict[str, Any]) -> dict[str, Any]:
        version = release["version"]
        rows = [release if one["version"] == version else one for one in document["releases"]]
        self._books.put({**document, "releases": rows})
        return release

    def _add(self, found: Any, release: dict[str, Any]) -> dict[str, Any]:
        self.new = True
        if self._key is not None:
            release = self._signed(release)
        releasing.add(self._books, found, release)
        return release

    def _signed(self, release: dict[str, Any]) -> dict[str, Any]:
        assert self._key is not None
        if isinstance(self._key, PrivateKey):
            return proofs.signed(self._books, self._publisher, self.name, release, self._key)
        return proofs.attested(self._books, self._publisher, self.name, release, self._key)


def _change(
    root: str,
    name: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    index_key: PrivateKey | None,
    check: Callable[[int], None] | None = None,
) -> int:
    """Change the document of a skill; return the number of the index."""
    with held(root):
        books = Books(root)
        document = books.document(name)
        if document is None:
            near = suggest(name, books.rows)
            raise SkillNotFoundError(
                f"there is no skill {name} in {root}",
                hint=f"did you mean {near[0]}?" if near else None,
                candidates=near,
            )
        books.put(change(document))
        if check is not None:
            check(books.snapshot)
        commit(books, index_key)
        return books.snapshot


def yank(
    root: str,
    name: str,
    version: str,
    reason: str | None,
    *,
    index_key: PrivateKey | None = None,
    check: Callable[[int], None] | None = None,
) -> int:
    """Say that nobody should take a release any more, or take that back; return the snapshot.

    It stays where it is, for those who ask for exactly this version (PEP 592).

    :param reason: why; None takes it back.
    :param check: is given the number of the index that was read, and raises where nothing may
        be written.
    :raises NotFoundError: when there is no such skill or release.
    """

    def change(document: dict[str, Any]) -> dict[str, Any]:
        if version not in document["versions"]:
            raise NotFoundError(
                f"there is no {name} {version}",
                hint=f"there are {', '.join(document['versions'])}",
                candidates=document["versions"],
            )
        releases = [
            {**one, "yanked": reason or False} if one["version"] == version else one
            for one in document["releases"]
        ]
        return {**document, "releases": releases}

    return _change(root, name, change, index_key, check)


def set_status(
    root: str,
    name: str,
    status: str,
    reason: str | None = None,
    *,
    index_key: PrivateKey | None = None,
) -> int:
    """Say whether a skill is looked after (PEP 792); return the snapshot.

    :param status: ``active``, ``archived``, ``deprecated`` or ``quarantined``; of what is
        quarantined nothing is offered.
    :raises NotFoundError: when there is no such skill.
    """
    if status not in _STATUSES:
        raise MarketError(f"{status!r} is no status", hint=", ".join(_STATUSES))
    told = {"status": status, **({"reason": reason} if reason else {})}
    return _change(root, name, lambda document: {**document, "project-status": told}, index_key)
