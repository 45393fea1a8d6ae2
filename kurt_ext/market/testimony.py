"""Attest a release that is published already."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from ..errors import ConflictError, NotFoundError, SkillNotFoundError
from ..names import suggest
from .attaching import attach
from .books import Books
from .holding import held
from .publishing import commit
from .signing import PrivateKey
from .trusting import Trust

__all__ = ["Testimony", "attest"]


class Testimony(NamedTuple):
    """What became of an attestation.

    :param identities: who has made it, in a line each.
    :param snapshot: the number of the index that has it.
    """

    identities: tuple[str, ...]
    snapshot: int


def attest(
    root: str,
    name: str,
    version: str,
    evidence: bytes,
    publisher: str,
    *,
    index_key: PrivateKey | None = None,
    check: Callable[[int], None] | None = None,
) -> Testimony:
    """Put an attestation beside a release, once it is verified; the same again changes nothing.

    :param root: the folder of the marketplace.
    :param evidence: a Sigstore bundle, or an attestation or a provenance after PEP 740.
    :param publisher: who publishes the skill.
    :param index_key: signs the index.
    :param check: is given the number of the index that was read, and raises where nothing may
        be written.
    :raises SkillNotFoundError: when there is no such skill.
    :raises NotFoundError: when there is no such release.
    :raises ConflictError: when the skill is somebody else's, or the identity is.
    :raises AttestationError: when it does not hold, or is about something else.
    """
    with held(root):
        books = Books(root)
        document = books.document(name)
        if document is None:
            raise SkillNotFoundError(
                f"there is no skill {name}", candidates=suggest(name, books.rows), skill=name
            )
        if document["publisher"] != publisher:
            raise ConflictError(f"{name} is published by {document['publisher']}", skill=name)
        rows = [row for row in document["releases"] if row["version"] == version]
        if not rows:
            raise NotFoundError(f"there is no {name} {version}", candidates=document["versions"])
        given = books.settings.sigstore_root
        trust = Trust(os.path.join(root, given) if given else None)
        added, found = attach(books, publisher, name, rows[0], evidence, trust)
        if added != rows[0]:
            releases = [added if one is rows[0] else one for one in document["releases"]]
            books.put({**document, "releases": releases})
        if check is not None:
            check(books.snapshot)
        commit(books, index_key)
        return Testimony(tuple([one.text for one in found]), books.snapshot)
