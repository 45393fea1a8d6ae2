"""A signature is over these bytes, of this key, for this use."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.errors import (
    ConflictError,
    MissingExtraError,
    NotFoundError,
    SignatureError,
    StorageError,
    UsageError,
)
from kurt_ext.market import signing
from kurt_ext.market.documents.publisher import PublisherDocument
from kurt_ext.market.documents.skill import SkillDocument
from kurt_ext.market.keys import Keyring
from kurt_ext.market.signing import INDEX_TYPE, RELEASE_TYPE, PrivateKey, verify, verify_index
from kurt_ext.places import Places

KEY = PrivateKey(bytes(range(32)), "test")
OTHER = PrivateKey(bytes(32), "other")
INDEX = b'{"meta": {}}\n'


def told(key: PrivateKey = KEY, data: bytes = INDEX) -> bytes:
    return json.dumps(key.sign_index(data)).encode()


def test_the_encoding_is_that_of_dsse() -> None:
    # The example of the DSSE specification.
    assert signing.envelope("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.text(), st.binary(), st.text(), st.binary())
def test_two_things_are_never_signed_by_one_text(
    kind: str, body: bytes, other_kind: str, other: bytes
) -> None:
    try:
        one, two = signing.envelope(kind, body), signing.envelope(other_kind, other)
    except UnicodeEncodeError:
        return
    assert (one == two) == ((kind, body) == (other_kind, other))


def test_the_signature_is_rfc_8032s() -> None:
    # RFC 8032, 7.1, test 1: the public key of this seed.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert PrivateKey(seed).raw == raw


def test_what_is_signed_is_verified() -> None:
    signature = KEY.sign(INDEX_TYPE, INDEX)
    assert verify(INDEX_TYPE, INDEX, KEY.raw, signature)
    assert not verify(RELEASE_TYPE, INDEX, KEY.raw, signature)
    assert not verify(INDEX_TYPE, INDEX + b" ", KEY.raw, signature)
    assert not verify(INDEX_TYPE, INDEX, OTHER.raw, signature)
    for odd in ("", "!", signature[:-4], base64.b64encode(bytes(64)).decode()):
        assert not verify(INDEX_TYPE, INDEX, KEY.raw, odd)


def test_an_index_is_signed_by_a_trusted_key() -> None:
    assert verify_index(INDEX, told(), [OTHER.raw, KEY.raw]) == KEY.id


def both() -> bytes:
    document = KEY.sign_index(INDEX)
    document["signatures"] = OTHER.sign_index(INDEX)["signatures"] + document["signatures"]
    return json.dumps(document).encode()


def test_one_of_several_signatures_is_enough() -> None:
    assert verify_index(INDEX, both(), [KEY.raw]) == KEY.id
    assert verify_index(INDEX, both(), [OTHER.raw]) == OTHER.id


def forged() -> bytes:
    document = OTHER.sign_index(INDEX)
    document["signatures"][0]["key"] = KEY.id
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("signatures", "words"),
    [
        (None, "is not signed"),
        (told(data=b"{}"), "those of another index"),
        (told(OTHER), "by nobody who is trusted"),
        (forged(), "is not what was signed"),
        (b'{"meta": {"api-version": "1.0"}, "digest": "x", "signatures": []}', "not what it"),
        (b"nonsense", "not what it should be"),
    ],
)
def test_any_other_signature_is_refused(signatures: bytes | None, words: str) -> None:
    from kurt_ext.errors import MarketError

    with pytest.raises(MarketError, match=words):
        verify_index(INDEX, signatures, [KEY.raw])


def test_no_key_trusts_nobody() -> None:
    with pytest.raises(SignatureError):
        verify_index(INDEX, told(), [])


@pytest.mark.parametrize("text", ["", "ed25519:", "rsa:" + "A" * 43 + "=", "ed25519:AAAA", "é"])
def test_a_public_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SignatureError):
        signing.parse_public(text)


def test_a_public_key_is_read_as_it_is_written() -> None:
    assert signing.parse_public(KEY.public) == KEY.raw
    assert signing.parse_public(KEY.public.removeprefix("ed25519:")) == KEY.raw


def test_without_the_extra_the_line_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(MissingExtraError) as caught:
        PrivateKey(bytes(32))
    assert caught.value.hint == "pip install 'kurt-ext[sign]'"


def test_a_signature_of_a_later_type_is_passed_over_and_believed_by_nobody() -> None:
    from .test_documents import EXAMPLES, changed

    later = [{"type": "later", "bundle": {"url": "x"}}]
    document = SkillDocument.of(changed(1, "releases/0/attestations", later))
    publisher = PublisherDocument.of(EXAMPLES[2])
    assert signing.verify_release("web-archiver", document.releases[0], publisher) is None
    odd = PublisherDocument.of(changed(2, "keys/0/type", "later"))
    with pytest.raises(SignatureError, match="by a key that is not theirs"):
        release = SkillDocument.of(EXAMPLES[1]).releases[0]
        signing.verify_release("web-archiver", release, odd)


# -- keys --------------------------------------------------------------------------------


def test_a_key_is_kept(places: Places) -> None:
    ring = Keyring(places)
    made = ring.new("acme")
    assert ring.names() == ["acme"]
    assert ring.private("acme").raw == made.raw
    assert ring.own() == [{"name": "acme", "id": made.id, "public": made.public}]
    assert ring.chosen(None) is None
    chosen = ring.chosen(None, "acme")
    assert chosen is not None and chosen.id == made.id
    assert ring.new("other").raw != made.raw


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_only_the_owner_can_read_a_key(places: Places) -> None:
    ring = Keyring(places)
    old = os.umask(0)
    try:
        ring.new("acme")
        ring.trust("other", OTHER.public)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(ring.folder).st_mode) == 0o700
    for name in ("acme.key", "trusted.json"):
        assert stat.S_IMODE(os.stat(os.path.join(ring.folder, name)).st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize("name", ["acme.key", "trusted.json"])
def test_keys_that_others_can_change_are_not_used(places: Places, name: str) -> None:
    ring = Keyring(places)
    ring.new("acme")
    ring.trust("other", OTHER.public)
    os.chmod(os.path.join(ring.folder, name), 0o644)
    with pytest.raises(StorageError, match="is not only yours"):
        ring.private("acme")
        ring.trusted()


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_link_in_the_place_of_a_key_is_not_followed(places: Places, tmp_path: Path) -> None:
    ring = Keyring(places)
    ring.new("acme")
    os.rename(os.path.join(ring.folder, "acme.key"), tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", os.path.join(ring.folder, "acme.key"))
    with pytest.raises(OSError):
        ring.private("acme")


def test_a_key_is_never_written_over(places: Places) -> None:
    ring = Keyring(places)
    made = ring.new("acme")
    with pytest.raises(ConflictError):
        ring.new("acme")
    assert ring.private("acme").raw == made.raw


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", "a" * 65, "a b", "-a", "a\0"])
def test_a_name_that_is_none_is_refused(places: Places, name: str) -> None:
    ring = Keyring(places)
    for ask in (ring.new, ring.private, lambda word: ring.trust(word, KEY.public)):
        with pytest.raises(UsageError):
            ask(name)


def test_a_key_that_is_not_there_is_told(places: Places) -> None:
    with pytest.raises(NotFoundError) as caught:
        Keyring(places).private("acme")
    assert caught.value.hint == "kurt key new acme"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"seed": 3}', '{"seed": "AAAA"}'])
def test_a_damaged_key_is_told(places: Places, text: str) -> None:
    ring = Keyring(places)
    ring.new("acme")
    path = Path(ring.folder, "acme.key")
    path.write_text(text)
    with pytest.raises(StorageError, match="damaged"):
        ring.private("acme")


def test_trust_is_given_and_taken_back(places: Places) -> None:
    ring = Keyring(places)
    given = ring.trust("acme", KEY.public)
    assert ring.trust("acme", KEY.public) == given
    assert ring.trusted() == [given] and given.id == KEY.id
    with pytest.raises(ConflictError):
        ring.trust("acme", OTHER.public)
    ring.new("mine")
    assert set(ring.everyone()) == {KEY.raw, ring.private("mine").raw}
    ring.distrust("acme")
    assert ring.trusted() == []
    with pytest.raises(NotFoundError):
        ring.distrust("acme")


@pytest.mark.parametrize("data", ["", "[]", '{"keys": []}', '{"keys": {"a": {}}}'])
def test_damaged_trust_is_told_and_not_taken_for_none(places: Places, data: Any) -> None:
    ring = Keyring(places)
    ring.trust("acme", KEY.public)
    Path(ring.folder, "trusted.json").write_text(data)
    with pytest.raises(StorageError):
        ring.trusted()
