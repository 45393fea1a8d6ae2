"""Put an attestation that was made elsewhere beside a release, once it is verified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import AttestationError, ConflictError, StorageError
from .attesting import subject
from .documents.publisher import PublisherDocument
from .documents.release import Release
from .identities import Identity, Wanted
from .times import stamp
from .trusting import LIMIT, Trust, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .books import Books

__all__ = ["attach", "named", "read_evidence"]


def read_evidence(path: str) -> bytes:
    """Return the bytes of an attestation that lies in a file here.

    :raises StorageError: when it cannot be read.
    :raises AttestationError: when it is too large to be one.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(LIMIT + 1)
    except OSError as error:
        raise StorageError(f"{path} cannot be read", cause=str(error), at=path) from error
    if len(data) > LIMIT:
        raise AttestationError(f"{path} has more than {LIMIT:,} bytes", at=path)
    return data


def attach(
    books: Books,
    publisher: str,
    name: str,
    release: Mapping[str, Any],
    data: bytes,
    trust: Trust,
) -> tuple[dict[str, Any], list[Identity]]:
    """Return a release with an attestation, and who has made that; the same where it had it.

    The first identity that somebody publishes with is listed as theirs; any other must be
    listed already.

    :param data: a Sigstore bundle, or an attestation or a provenance after PEP 740.
    :param trust: by which it is verified.
    :raises AttestationError: when it does not hold, or is about something else.
    :raises ConflictError: when it is by somebody whom the publisher does not name.
    :raises MissingExtraError: when it cannot be verified here.
    """
    kind = kind_of(data)
    known = Release.of(release, f"the release of {name}")
    wheels = known.source.wheels if known.source.type == "wheels" else []
    filename = wheels[0].filename if len(wheels) == 1 else None
    if kind != "sigstore" and filename is None:
        raise AttestationError(
            f"an attestation after PEP 740 is about a wheel, and {name} is none",
            hint=f"attest {subject(known, None)}, and give the Sigstore bundle",
            skill=name,
        )
    if kind == "pep740-attestation":
        kind, data = "pep740", _provenance(data, trust, subject(known, filename), filename or "")
    found = trust.identities(kind, data, subject(known, filename), filename or "")
    _name(books, publisher, found)
    row: dict[str, Any] = {"type": kind, "evidence": books.files.blob(data)}
    if filename is not None:
        row["filename"] = filename
    rows = list(release.get("attestations", ()))
    if row in rows:
        return dict(release), found
    return {**release, "attestations": [*rows, row]}, found


def _provenance(data: bytes, trust: Trust, digest: str, filename: str) -> bytes:
    """Return the provenance that has one attestation, its publisher as the certificate says.

    :raises AttestationError: when no publisher of PEP 740 is meant.
    """
    bundle = {"publisher": {"kind": "Google", "email": "?"}, "attestations": [json.loads(data)]}
    who = trust.alone(data, digest, filename)
    head, between, workflow = who.name.partition("/.github/workflows/")
    if between and head.startswith("https://github.com/"):
        slug = head.removeprefix("https://github.com/")
        bundle["publisher"] = {"kind": "GitHub", "repository": slug, "workflow": workflow}
    elif who.issuer == "https://gitlab.com":
        slug, _, workflow = who.name.removeprefix("https://gitlab.com/").partition("//")
        told = {"kind": "GitLab", "repository": slug, "workflow_filepath": workflow}
        bundle["publisher"] = told
    elif who.issuer == "https://accounts.google.com":
        bundle["publisher"] = {"kind": "Google", "email": who.name}
    else:
        raise AttestationError(
            f"PEP 740 knows no publisher like {who.text}",
            hint="give the provenance, or the Sigstore bundle",
        )
    return json.dumps({"version": 1, "attestation_bundles": [bundle]}).encode()


def _name(books: Books, publisher: str, found: list[Identity]) -> None:
    document = books.publisher(publisher)
    rows = document.get("identities", [])
    if not rows:
        books.put_publisher({**document, "identities": [named(one) for one in found]})
        return
    listed = PublisherDocument.of(document).identities
    for one in found:
        mine = [row for row in listed if one.is_named(row)]
        if any(row.revoked is None for row in mine):
            continue
        wanted = Wanted(one.issuer, one.name).text
        raise ConflictError(
            f"{one.text} is {'revoked' if mine else 'nobody'} among the identities of {publisher}",
            cause="it has " + ", ".join(row.subject or row.repository or "" for row in listed),
            hint=f"kurt market publisher {publisher} --add-identity '{wanted}'",
        )


def named(who: Identity | Wanted) -> dict[str, Any]:
    """Return an identity as a publisher's document lists it, from now on."""
    row = {"issuer": who.issuer, "subject": who.name}
    if isinstance(who, Identity):
        if who.repository:
            row["repository"] = who.repository
    elif _is_repository(who):
        row = {"issuer": who.issuer, "repository": who.name}
    return {**row, "since": stamp()}


def _is_repository(who: Wanted) -> bool:
    """Return whether a repository is meant, and not one workflow of it or an address of mail."""
    return (
        "://" in who.name
        and "/.github/workflows/" not in who.name
        and "//" not in (who.name.partition("://")[2])
    )
