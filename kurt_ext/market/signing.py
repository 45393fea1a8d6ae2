"""Ed25519 signatures over an index and over releases, and the keys that make them.

What is signed is the pre-authentication encoding of DSSE: a type and a body, each
with its length, so that a signature over one thing is never one over another.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtraError, SignatureError
from ..jsontext import dumps
from . import digests
from .documents.base import API_VERSION
from .documents.publisher import PublisherDocument
from .documents.release import Release
from .documents.signatures import SignaturesDocument
from .times import seconds

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519

__all__ = [
    "INDEX_TYPE",
    "RELEASE_TYPE",
    "PrivateKey",
    "envelope",
    "key_id",
    "parse_public",
    "release_body",
    "verify",
    "verify_index",
    "verify_release",
]

INDEX_TYPE = "application/vnd.kurt.index+json"
RELEASE_TYPE = "application/vnd.kurt.release+json"
_PREFIX = "ed25519:"


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtraError(
            "signatures need the sign extra",
            cause="the package 'cryptography' is not installed",
            hint="pip install 'kurt-ext[sign]'",
        ) from None
    return ed25519


def envelope(kind: str, body: bytes) -> bytes:
    """Return what is signed: the pre-authentication encoding of DSSE 1."""
    word = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(word), word, len(body), body)


def key_id(raw: bytes) -> str:
    """Return the id of a public key: 16 digits of the SHA-256 of its raw bytes."""
    return sha256(raw).hexdigest()[:16]


def parse_public(text: str) -> bytes:
    """Return the raw bytes of a public key.

    :param text: ``ed25519:`` and Base64, or Base64 alone.
    :raises SignatureError: when it is none.
    """
    try:
        raw = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise SignatureError(
            f"{text[:80]!r} is no public key", hint="write it like ed25519:BASE64, of 32 bytes"
        )
    return raw


class PrivateKey:
    """A key that signs.

    :param seed: its 32 bytes.
    :param name: what its owner calls it.
    """

    def __init__(self, seed: bytes, name: str = "") -> None:
        self._key: ed25519.Ed25519PrivateKey = _ed25519().Ed25519PrivateKey.from_private_bytes(seed)
        self.name = name
        self.raw = self._key.public_key().public_bytes_raw()
        self.id = key_id(self.raw)

    @property
    def library_key(self) -> ed25519.Ed25519PrivateKey:
        """The key as `cryptography` has it."""
        return self._key

    @property
    def public(self) -> str:
        """The public key, as it is given to others: ``ed25519:`` and Base64."""
        return _PREFIX + base64.b64encode(self.raw).decode()

    def sign(self, kind: str, body: bytes) -> str:
        """Return the signature over a body, in Base64."""
        return base64.b64encode(self._key.sign(envelope(kind, body))).decode()

    def sign_index(self, data: bytes) -> dict[str, Any]:
        """Return the document of the signatures of an index.

        :param data: the bytes of ``index.json``.
        """
        return {
            "meta": {"api-version": API_VERSION},
            "digest": digests.of_bytes(data),
            "signatures": [{"key": self.id, "signature": self.sign(INDEX_TYPE, data)}],
        }

    def sign_release(self, name: str, release: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attestation of a release.

        :param name: the skill's id.
        :param release: as the document has it.
        """
        signature = self.sign(RELEASE_TYPE, release_body(name, release))
        return {"type": "ed25519", "key": self.id, "signature": signature}

    def as_published(self, since: str) -> dict[str, Any]:
        """Return the key as a publisher's document lists it."""
        raw = base64.b64encode(self.raw).decode()
        return {"id": self.id, "type": "ed25519", "key": raw, "since": since}


def release_body(name: str, release: Mapping[str, Any]) -> bytes:
    """Return what a publisher signs of a release: name, version, files and permissions."""
    return dumps(
        {
            "digest": release["source"]["digest"],
            "id": name,
            "permissions-digest": release["permissions-digest"],
            "publisher": release["publisher"],
            "version": release["version"],
        }
    ).encode()


def verify(kind: str, body: bytes, raw: bytes, signature: str) -> bool:
    """Return whether a signature over a body is of a key.

    :param raw: the public key.
    :param signature: in Base64.
    :raises MissingExtraError: when `cryptography` is not installed.
    """
    module = _ed25519()
    from cryptography.exceptions import InvalidSignature

    try:
        decoded = base64.b64decode(signature, validate=True)
        module.Ed25519PublicKey.from_public_bytes(raw).verify(decoded, envelope(kind, body))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def verify_index(data: bytes, signatures: bytes | None, trusted: Iterable[bytes]) -> str:
    """Return the id of the trusted key that has signed an index.

    :param data: the bytes of ``index.json``.
    :param signatures: those of the document that it names; None where it names none.
    :param trusted: raw public keys.
    :raises SignatureError: when no trusted key has signed these bytes.
    """
    keys = {key_id(raw): raw for raw in trusted}
    if signatures is None:
        raise SignatureError("the index is not signed", cause="it names no signatures")
    document = SignaturesDocument.read(signatures, "the document of signatures")
    if document.digest != digests.of_bytes(data):
        raise SignatureError("the signatures are those of another index")
    named = [one for one in document.signatures if one.key in keys]
    for one in named:
        if verify(INDEX_TYPE, data, keys[one.key], one.signature):
            return one.key
    if named:
        raise SignatureError(
            "the index is not what was signed",
            cause=f"the signature by {named[0].key} is not over these bytes",
        )
    given = ", ".join(one.key for one in document.signatures) or "nobody"
    raise SignatureError(
        "the index is signed by nobody who is trusted",
        cause=f"it is signed by {given}",
        hint="kurt key trust NAME ed25519:…",
    )


def verify_release(name: str, release: Release, publisher: PublisherDocument) -> str | None:
    """Return the id of the publisher's key that has signed a release; None where none has.

    :param name: the skill's id.
    :param publisher: the document of the release's publisher.
    :raises SignatureError: when an attestation is there and wrong, of a key that is not the
        publisher's, or of one that was revoked before the release was published.
    """
    keys = {key.id: key for key in publisher.keys if key.type == "ed25519"}
    body = release_body(name, release.model_dump(by_alias=True))
    signed = None
    for attestation in release.attestations:
        if attestation.type != "ed25519" or attestation.key is None:
            continue  # of a type that only a later version knows
        key = keys.get(attestation.key)
        what = f"the signature of {publisher.name} over {name} {release.version}"
        if key is None or release.publisher != publisher.name:
            raise SignatureError(f"{what} is by a key that is not theirs", skill=name)
        raw = parse_public(key.key)
        if key_id(raw) != key.id:
            raise SignatureError(f"the key {key.id} of {publisher.name} is another one", skill=name)
        if key.revoked is not None and seconds(key.revoked) < seconds(release.published):
            raise SignatureError(f"{what} is by a key that was revoked before", skill=name)
        if not verify(RELEASE_TYPE, body, raw, attestation.signature or ""):
            raise SignatureError(f"{what} is not over this release", skill=name)
        signed = key.id
    return signed
