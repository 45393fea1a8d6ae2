"""What a publisher has signed elsewhere, and what a signature does to the books."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConflictError, MarketError, PublisherError
from .signing import RELEASE_TYPE, PrivateKey, key_id, release_body, verify
from .times import stamp

if TYPE_CHECKING:
    from .books import Books

__all__ = ["PATTERN", "Proof", "attested", "signed"]

#: A proof in one line: the public key and the signature, both in Base64.
PATTERN = r"^ed25519:[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{86}==$"


class Proof(NamedTuple):
    """A signature over a release by a publisher's key, which the publisher alone has.

    :param raw: the public key, 32 bytes.
    :param signature: in Base64.
    """

    raw: bytes
    signature: str

    @property
    def id(self) -> str:
        """The id of the key."""
        return key_id(self.raw)

    @classmethod
    def of(cls, key: PrivateKey, name: str, release: Mapping[str, Any]) -> Proof:
        """Return the proof that a key makes of a release; see :func:`signing.release_body`."""
        return cls(key.raw, key.sign(RELEASE_TYPE, release_body(name, release)))

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Return the proof that a line holds.

        :raises MarketError: when it is none.
        """
        try:
            if re.fullmatch(PATTERN, text) is None:
                raise ValueError
            _, public, signature = text.split(":")
            return cls(base64.b64decode(public, validate=True), signature)
        except (ValueError, binascii.Error):
            raise MarketError(
                "a signature is written as ed25519:KEY:SIGNATURE, both in Base64"
            ) from None

    def __str__(self) -> str:
        return f"ed25519:{base64.b64encode(self.raw).decode()}:{self.signature}"


def signed(
    books: Books, publisher: str, name: str, release: dict[str, Any], key: PrivateKey
) -> dict[str, Any]:
    """Return a release with the signature of a key, which is listed as the publisher's.

    :raises ConflictError: when the key is revoked.
    """
    document = books.publisher(publisher)
    known = _known(document, key.id)
    if known is None:
        keys = [*document.get("keys", []), key.as_published(stamp())]
        books.put_publisher({**document, "keys": keys})
    elif known.get("revoked"):
        raise _revoked(publisher, known)
    return _with(release, key.sign_release(name, release))


def attested(
    books: Books, publisher: str, name: str, release: dict[str, Any], proof: Proof
) -> dict[str, Any]:
    """Return a release with a signature that came with it.

    The first key that somebody publishes with is listed as theirs. Any other must be listed
    already: a token that was stolen is not enough to bring a new one.

    :raises PublisherError: when the key is not the publisher's.
    :raises ConflictError: when it is revoked.
    :raises MarketError: when the signature is not over this release.
    """
    document = books.publisher(publisher)
    known = _known(document, proof.id)
    if known is not None and known.get("revoked"):
        raise _revoked(publisher, known)
    if known is None and document.get("keys"):
        public = base64.b64encode(proof.raw).decode()
        raise PublisherError(
            f"the key {proof.id} is not one of {publisher}'s",
            cause=f"{publisher} has {', '.join(one['id'] for one in document['keys'])}",
            hint="whoever runs the marketplace lists another: "
            f"kurt market publisher {publisher} --add-key ed25519:{public}",
            skill=name,
        )
    if not verify(RELEASE_TYPE, release_body(name, release), proof.raw, proof.signature):
        raise MarketError(
            f"the signature is not over {name} {release['version']} as {publisher} publishes it",
            skill=name,
        )
    if known is None:
        key = base64.b64encode(proof.raw).decode()
        row = {"id": proof.id, "type": "ed25519", "key": key, "since": stamp()}
        books.put_publisher({**document, "keys": [row]})
    return _with(release, {"type": "ed25519", "key": proof.id, "signature": proof.signature})


def _known(document: Mapping[str, Any], id: str) -> dict[str, Any] | None:
    return next((one for one in document.get("keys", ()) if one["id"] == id), None)


def _revoked(publisher: str, key: Mapping[str, Any]) -> ConflictError:
    return ConflictError(
        f"the key {key['id']} of {publisher} is revoked since {key['revoked']}",
        hint="kurt key new NAME",
    )


def _with(release: dict[str, Any], attestation: dict[str, Any]) -> dict[str, Any]:
    return {**release, "attestations": [*release.get("attestations", ()), attestation]}
