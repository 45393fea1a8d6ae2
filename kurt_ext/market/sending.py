"""Publish a skill to a server: packed and signed here, judged and written there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import IntegrityError, MarketError, SkillNotFoundError, UsageError
from . import digests
from .building import words
from .collecting import Found, archive, folder_files, of_folder, unpacked_wheel
from .extracting import WHEEL_BUDGET
from .proofs import Proof
from .publishing import Published
from .refusals import refusal
from .signing import PrivateKey

if TYPE_CHECKING:
    from .remote import Remote

__all__ = ["send"]

#: What a skill may have at most, here; what a marketplace takes, it says itself.
_MOST_FILES, _MOST_BYTES = 20_000, 512 << 20


def send(
    path: str,
    remote: Remote,
    *,
    publisher: str | None = None,
    key: PrivateKey | None = None,
    evidence: bytes | None = None,
) -> Published:
    """Send a skill to a server, as a release that stays as it is.

    :param path: the skill's folder, or a wheel.
    :param publisher: as whom; whoever holds the token if None.
    :param key: signs the release.
    :param evidence: an attestation that was made elsewhere, sent once the release is published.
    :raises UsageError: when the token is another publisher's.
    :raises ManifestError: when the manifest cannot be used.
    :raises IntegrityError: when the server has published something else.
    :raises KurtError: as :func:`refusals.refusal` has it.
    """
    holder = remote.holder()
    if publisher is not None and publisher != holder.publisher:
        raise UsageError(
            f"the token publishes as {holder.publisher}, not as {publisher}",
            hint="leave --publisher away, or take the token of that publisher",
        )
    wheel = path.endswith(".whl") and os.path.isfile(path)
    found, data = _wheel(path) if wheel else _folder(path)
    if len(data) > (holder.max_wheel_bytes if wheel else holder.max_bytes):
        raise refusal(413, {"message": f"it has {len(data):,} bytes"}, url=remote.url, path=path)
    proof = None
    if key is not None:
        proof = Proof.of(key, found.name, _signed_of(found, holder.publisher))
    receipt = remote.publish(data, path=path, wheel=wheel, proof=proof)
    ours = (found.name, found.version, found.digest, holder.publisher)
    if (receipt.plugin_id, receipt.version, receipt.digest, receipt.publisher) != ours:
        raise IntegrityError(
            f"{remote.url} says that it has published something else",
            cause=f"{receipt.publisher}/{receipt.plugin_id} {receipt.version}, {receipt.digest}",
            at=path,
        )
    if proof is not None and receipt.signed_by != proof.id:
        raise IntegrityError(f"{remote.url} has published it without the signature", at=path)
    snapshot = receipt.snapshot
    identities: tuple[str, ...] = ()
    if evidence is not None:
        told = remote.attest(found.name, found.version, evidence, path=path)
        identities, snapshot = told
    return Published(
        found.name,
        found.version,
        receipt.publisher,
        receipt.new,
        receipt.security_score,
        receipt.digest,
        receipt.signed_by,
        snapshot,
        identities,
    )


def _signed_of(found: Found, publisher: str) -> dict[str, Any]:
    """Return what is signed of a release, as the server will have it."""
    return {
        "source": {"digest": found.digest},
        "permissions-digest": digests.of_permissions(found.record["permissions"]),
        "publisher": publisher,
        "version": found.version,
    }


def _folder(path: str) -> tuple[Found, bytes]:
    if not os.path.isdir(path):
        raise SkillNotFoundError(f"there is no skill in {path}", at=path, hint="kurt list")
    try:
        files = folder_files(path, _MOST_FILES, _MOST_BYTES)
    except OSError as error:
        raise MarketError(f"{path} cannot be read", cause=str(error), at=path) from error
    return of_folder(path, files, words()), archive(files)


def _wheel(path: str) -> tuple[Found, bytes]:
    with unpacked_wheel([path]) as (found, _), open(path, "rb") as stream:
        return found, stream.read(WHEEL_BUDGET.size + 1)
