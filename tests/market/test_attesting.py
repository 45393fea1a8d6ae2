"""An attestation is believed for one file, of one signer, by one root; and for nothing else."""

from __future__ import annotations

import base64
import copy
import json
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sigstore.errors import TUFError
from sigstore.models import ClientTrustConfig
from sigstores import GITHUB, GOOGLE, PYPI, Signer, Sigstore, person, workflow

from kurt_ext.errors import AttestationError, ConfigError, MissingExtraError
from kurt_ext.market.identities import Identity, Wanted, in_words, parse
from kurt_ext.market.trusting import LIMIT, Trust, kind_of

DIGEST = "sha256:" + sha256(b"hello").hexdigest()
OTHER = "sha256:" + sha256(b"hellp").hexdigest()
WHEEL = "hello-1.0-py3-none-any.whl"
ACME = "https://github.com/acme/skills"
RELEASE = f"{ACME}/.github/workflows/release.yml"
PUBLISHER = {"kind": "GitHub", "repository": "acme/skills", "workflow": "release.yml"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture(scope="module")
def trust(sigstore: Sigstore, tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(sigstore.trusted_root(tmp_path_factory.mktemp("roots") / "root.json"))


def dumped(row: Row) -> bytes:
    return json.dumps(row).encode()


def asked(trust: Trust, row: Row, digest: str = DIGEST) -> Identity:
    (found,) = trust.identities("sigstore", dumped(row), digest)
    return found


# -- what is believed ----------------------------------------------------------------


@pytest.mark.parametrize("others", [0, 1, 2, 3, 6, 7, 12])
def test_a_bundle_is_believed_wherever_its_entry_lies_in_the_log(
    others: int, tmp_path: Path
) -> None:
    own = Sigstore(others)
    trust = Trust(own.trusted_root(tmp_path / "root.json"))
    assert asked(trust, own.sign_digest(DIGEST, person())).name == "ada@example.org"
    assert asked(trust, own.attest({"hello": DIGEST}, workflow())).repository == ACME


def test_a_workflow_is_known_without_branch_and_tag(trust: Trust, sigstore: Sigstore) -> None:
    refs = ("refs/tags/v1.0.0", "refs/tags/v2.0.0", "refs/heads/a@b")
    found = {asked(trust, sigstore.attest({"a": DIGEST}, workflow(ref=ref))) for ref in refs}
    assert found == {Identity(GITHUB, RELEASE, ACME, "4711")}


def test_a_workflow_that_was_called_counts_as_the_one_that_called_it(
    trust: Trust, sigstore: Sigstore
) -> None:
    one = workflow()
    shared = "https://github.com/shared/flows/.github/workflows/sign.yml@refs/heads/main"
    found = asked(trust, sigstore.sign_digest(DIGEST, Signer(shared, GITHUB, one.claims)))
    assert found.name == RELEASE


def test_a_statement_may_be_about_several_files(trust: Trust, sigstore: Sigstore) -> None:
    row = sigstore.attest({"one": OTHER, "two": DIGEST}, workflow())
    assert asked(trust, row) == asked(trust, row, OTHER)


def test_a_provenance_as_pypi_serves_it_is_believed(trust: Trust, sigstore: Sigstore) -> None:
    row = sigstore.provenance(WHEEL, DIGEST, workflow(), PUBLISHER)
    assert trust.identities("pep740", dumped(row), DIGEST, WHEEL) == [
        Identity(GITHUB, RELEASE, ACME, "4711")
    ]
    google = {"kind": "Google", "email": "ada@example.org"}
    row = sigstore.provenance(WHEEL, DIGEST, person(), google)
    (found,) = trust.identities("pep740", dumped(row), DIGEST, WHEEL)
    assert found.name == "ada@example.org"


def configuration(sigstore: Sigstore) -> str:
    """Return a client's configuration, whose trusted root is that of an instance."""
    service = [
        {
            "url": "https://one.example",
            "majorApiVersion": 1,
            "validFor": {"start": "2026-01-01T00:00:00Z"},
            "operator": "one",
        }
    ]
    signing = {
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service,
        "oidcUrls": service,
        "rekorTlogUrls": service,
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [],
        "tsaConfig": {"selector": "ANY"},
    }
    row = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": sigstore.root(),
        "signingConfig": signing,
    }
    return json.dumps(row)


def test_the_root_may_be_a_clients_configuration(sigstore: Sigstore, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(configuration(sigstore))
    assert asked(Trust(str(path)), sigstore.sign_digest(DIGEST, person())).issuer == GOOGLE


def test_a_root_that_cannot_be_refreshed_is_the_one_that_was_kept(
    sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ClientTrustConfig.from_json(configuration(sigstore))
    asked_for = []

    def production(offline: bool = False) -> ClientTrustConfig:
        asked_for.append(offline)
        if not offline:
            raise TUFError("nobody answers")
        return kept

    monkeypatch.setattr(ClientTrustConfig, "production", production)
    row = sigstore.sign_digest(DIGEST, person())
    trust = Trust()
    for _ in range(2):
        assert asked(trust, row).issuer == GOOGLE
    assert asked_for == [False, True]
    assert [one.rule for one in trust.warnings] == ["sigstore-root"]
    quiet = Trust(offline=True)
    assert asked(quiet, row).issuer == GOOGLE and quiet.warnings == []
    assert asked_for[2:] == [True]


# -- what is not ---------------------------------------------------------------------


def _entry(row: Row) -> Row:
    entry: Row = row["verificationMaterial"]["tlogEntries"][0]
    return entry


def _swap(text: str) -> str:
    """Return Base64 of the same bytes but for the last one."""
    data = bytearray(base64.b64decode(text))
    data[-1] ^= 1
    return base64.b64encode(bytes(data)).decode()


def _proof(key: str, change: Callable[[Any], Any]) -> Callable[[Row], None]:
    def tamper(row: Row) -> None:
        proof = _entry(row)["inclusionProof"]
        proof[key] = change(proof[key])

    return tamper


def _checkpoint(row: Row) -> None:
    proof = _entry(row)["inclusionProof"]
    envelope = proof["checkpoint"]["envelope"]
    proof["checkpoint"]["envelope"] = envelope.replace("log.example - 1", "log.example - 2")


def _no_checkpoint(row: Row) -> None:
    del _entry(row)["inclusionProof"]["checkpoint"]


def _no_proof(row: Row) -> None:
    del _entry(row)["inclusionProof"]


def _no_promise(row: Row) -> None:
    del _entry(row)["inclusionPromise"]


def _promise(row: Row) -> None:
    promise = _entry(row)["inclusionPromise"]
    promise["signedEntryTimestamp"] = _swap(promise["signedEntryTimestamp"])


def _later(row: Row) -> None:
    entry = _entry(row)
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)


def _no_entry(row: Row) -> None:
    row["verificationMaterial"]["tlogEntries"] = []


def _two_entries(row: Row) -> None:
    row["verificationMaterial"]["tlogEntries"] *= 2


def _body(row: Row) -> None:
    entry = _entry(row)
    entry["canonicalizedBody"] = _swap(entry["canonicalizedBody"])


def _signature(row: Row) -> None:
    row["messageSignature"]["signature"] = _swap(row["messageSignature"]["signature"])


def _certificate(row: Row) -> None:
    one = row["verificationMaterial"]["certificate"]
    one["rawBytes"] = _swap(one["rawBytes"])


def _media_type(row: Row) -> None:
    row["mediaType"] = "application/vnd.dev.sigstore.bundle.v9.9+json"


@pytest.mark.parametrize(
    "tamper",
    [
        _proof("logIndex", lambda value: str(int(value) + 1)),
        _proof("treeSize", lambda value: str(int(value) + 1)),
        _proof("rootHash", _swap),
        _proof("hashes", lambda value: [_swap(value[0]), *value[1:]]),
        _proof("hashes", lambda value: value[:-1]),
        _proof("hashes", lambda value: [*value, value[0]]),
        *(_checkpoint, _no_checkpoint, _no_proof, _no_promise, _promise, _later),
        *(_no_entry, _two_entries, _body, _signature, _certificate, _media_type),
    ],
)
def test_a_bundle_that_was_tampered_with_is_refused(
    tamper: Callable[[Row], None], trust: Trust, sigstore: Sigstore
) -> None:
    row = sigstore.sign_digest(DIGEST, workflow())
    assert asked(trust, row)
    tamper(row)
    with pytest.raises(AttestationError):
        asked(trust, row)


def test_a_bundle_of_another_file_is_refused(trust: Trust, sigstore: Sigstore) -> None:
    for row in (sigstore.sign_digest(OTHER, workflow()), sigstore.attest({"a": OTHER}, workflow())):
        with pytest.raises(AttestationError):
            asked(trust, row)
    mixed = sigstore.sign_digest(DIGEST, workflow())
    mixed["messageSignature"] = sigstore.sign_digest(OTHER, workflow())["messageSignature"]
    for digest in (DIGEST, OTHER):
        with pytest.raises(AttestationError):
            asked(trust, mixed, digest)


def test_a_signature_in_the_name_of_an_expired_certificate_is_refused(
    trust: Trust, sigstore: Sigstore
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    long_ago, soon = now - timedelta(hours=2), now + timedelta(hours=2)
    certificate_at = {"expired": long_ago, "not yet": soon}
    for begin in certificate_at.values():
        own = copy.copy(sigstore)
        own.certificate = lambda *words, **more: Sigstore.certificate(  # type: ignore[method-assign]
            sigstore,
            *words,
            **{**more, "at": begin},  # noqa: B023
        )
        with pytest.raises(AttestationError):
            asked(trust, own.sign_digest(DIGEST, workflow()))
        # It was signed while the certificate counted: that it ended since is how it should be.
        assert asked(trust, own.sign_digest(DIGEST, workflow(), at=begin + timedelta(minutes=5)))


def test_a_certificate_that_no_log_has_is_refused(trust: Trust, sigstore: Sigstore) -> None:
    with pytest.raises(AttestationError, match="does not hold"):
        asked(trust, sigstore.sign_digest(DIGEST, workflow(), logged=False))


def test_another_instance_is_not_believed(trust: Trust, sigstore: Sigstore, tmp_path: Path) -> None:
    other = Sigstore()
    for row in (other.sign_digest(DIGEST, workflow()), other.attest({"a": DIGEST}, workflow())):
        with pytest.raises(AttestationError):
            asked(trust, row)
    # Nor one that has taken over the log, or the authority, alone.
    for part in ("tlogs", "ctlogs", "certificateAuthorities"):
        path = tmp_path / f"{part}.json"
        path.write_text(json.dumps({**sigstore.root(), part: other.root()[part]}))
        with pytest.raises(AttestationError):
            asked(Trust(str(path)), sigstore.sign_digest(DIGEST, workflow()))


def test_the_public_instance_believes_no_private_one(sigstore: Sigstore) -> None:
    # The library brings its root, so that this asks nobody.
    with pytest.raises(AttestationError):
        asked(Trust(offline=True), sigstore.sign_digest(DIGEST, workflow()))


@pytest.mark.parametrize(
    ("signer", "why"),
    [
        (Signer("ada@example.org", "https://a.example/ b"), "nobody whose name"),
        (Signer("https://a.example/\x1b[2J"), "nobody whose name"),
        (Signer("https://a.example/" + "x" * 300), "nobody whose name"),
        (Signer("a@b.example", claims={12: "x y"}), "nobody whose name"),
    ],
)
def test_a_name_that_nobody_can_read_is_refused(
    signer: Signer, why: str, trust: Trust, sigstore: Sigstore
) -> None:
    with pytest.raises(AttestationError, match=why):
        asked(trust, sigstore.sign_digest(DIGEST, signer))


def test_a_statement_that_says_something_else_of_a_file_is_refused(
    trust: Trust, sigstore: Sigstore
) -> None:
    for more in (
        {"predicate": "https://in-toto.io/attestation/vulns"},
        {"kind": "application/vnd.other+json"},
    ):
        with pytest.raises(AttestationError):
            asked(trust, sigstore.attest({"a": DIGEST}, workflow(), **more))


def _pep740(filename: str = WHEEL, digest: str = DIGEST, **more: Any) -> Callable[..., Row]:
    def make(sigstore: Sigstore) -> Row:
        publisher = more.get("publisher", PUBLISHER)
        return sigstore.provenance(filename, digest, more.get("signer", workflow()), publisher)

    return make


@pytest.mark.parametrize(
    "make",
    [
        _pep740("other-1.0-py3-none-any.whl"),
        _pep740(digest=OTHER),
        _pep740(publisher={**PUBLISHER, "repository": "evil/skills"}),
        _pep740(publisher={**PUBLISHER, "workflow": "other.yml"}),
        _pep740(publisher={"kind": "Google", "email": "ada@example.org"}),
        _pep740(
            publisher={"kind": "GitLab", "repository": "acme/skills", "workflow_filepath": "x"}
        ),
        _pep740(publisher={"kind": "Nobody"}),
        _pep740(signer=workflow("evil/skills")),
        lambda sigstore: {"version": 1, "attestation_bundles": []},
        lambda sigstore: {
            "version": 1,
            "attestation_bundles": [{"publisher": PUBLISHER, "attestations": []}],
        },
        lambda sigstore: sigstore.attest({WHEEL: DIGEST}, workflow(), predicate=PYPI),
    ],
)
def test_a_provenance_of_something_else_is_refused(
    make: Callable[[Sigstore], Row], trust: Trust, sigstore: Sigstore
) -> None:
    with pytest.raises(AttestationError):
        trust.identities("pep740", dumped(make(sigstore)), DIGEST, WHEEL)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"\xff\xfe",
        b'{"mediaType": 3}',
        b"[" * 200_000,
        b'{"dsseEnvelope": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b" " * (LIMIT + 1),
        b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
    ],
    ids=lambda data: f"{data[:20]!r} {len(data)}",
)
def test_what_is_no_attestation_is_refused(data: bytes, trust: Trust) -> None:
    for kind in ("sigstore", "pep740"):
        with pytest.raises(AttestationError):
            trust.identities(kind, data, DIGEST, WHEEL)


def test_a_bundle_that_was_cut_short_is_refused(trust: Trust, sigstore: Sigstore) -> None:
    data = dumped(sigstore.sign_digest(DIGEST, workflow()))
    for size in range(0, len(data), 97):
        with pytest.raises(AttestationError):
            trust.identities("sigstore", data[:size], DIGEST)


def test_no_changed_byte_makes_another_file_or_another_signer_believed(
    trust: Trust, sigstore: Sigstore
) -> None:
    """Some bytes mean nothing, as those of blanks; then who has signed what stays the same."""
    dice = random.Random(740)
    signed = dumped(sigstore.sign_digest(DIGEST, workflow()))
    stated = dumped(sigstore.attest({"hello": DIGEST}, workflow()))
    true = Identity(GITHUB, RELEASE, ACME, "4711")
    believed = 0
    for data in (signed, stated):
        for _ in range(150):
            changed = bytearray(data)
            changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            try:
                found = trust.identities("sigstore", bytes(changed), DIGEST)
            except AttestationError:
                pass
            else:
                believed += 1
                assert found == [true]
            with pytest.raises(AttestationError):
                trust.identities("sigstore", bytes(changed), OTHER)
    assert believed < 60


# -- words and roots -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "issuer", "name"),
    [
        (ACME, GITHUB, ACME),
        (RELEASE, GITHUB, RELEASE),
        ("https://gitlab.com/acme/skills", "https://gitlab.com", "https://gitlab.com/acme/skills"),
        (f"ada@example.org via {GOOGLE}", GOOGLE, "ada@example.org"),
        (f"{ACME} via https://git.example", "https://git.example", ACME),
    ],
)
def test_who_is_wanted_is_written_in_one_line(text: str, issuer: str, name: str) -> None:
    found = parse(text)
    assert found == Wanted(issuer, name)
    assert parse(found.text) == found


@pytest.mark.parametrize(
    "text", ["", "ada@example.org", "a b via https://c", "x via y", "via", f"é via {GOOGLE}"]
)
def test_what_is_no_identity_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="is no identity") as caught:
        parse(text)
    assert "write it like" in (caught.value.hint or "")


def test_an_identity_is_told_in_words() -> None:
    found = Identity(GITHUB, RELEASE, ACME, "4711")
    assert found.words == f"{ACME} workflow release.yml, via Sigstore"
    assert found.text == f"{RELEASE} via {GITHUB}, repository 4711"
    mail = Identity(GOOGLE, "ada@example.org")
    assert in_words(mail.text) == f"ada@example.org ({GOOGLE}), via Sigstore"


def test_another_repository_of_the_same_name_is_another_identity(
    trust: Trust, sigstore: Sigstore
) -> None:
    found = {
        asked(trust, sigstore.attest({"a": DIGEST}, workflow(repository_id=number))).text
        for number in ("4711", "4712")
    }
    assert len(found) == 2


def test_which_attestation_a_file_is_is_told(sigstore: Sigstore) -> None:
    provenance = sigstore.provenance(WHEEL, DIGEST, workflow(), PUBLISHER)
    (one,) = provenance["attestation_bundles"][0]["attestations"]
    assert kind_of(dumped(provenance)) == "pep740"
    assert kind_of(dumped(one)) == "pep740-attestation"
    assert kind_of(dumped(sigstore.sign_digest(DIGEST, person()))) == "sigstore"
    for data in (b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"version": 1}'):
        with pytest.raises(AttestationError, match="no attestation"):
            kind_of(data)


@pytest.mark.parametrize("text", [None, "", "{}", "[" * 100_000, '{"mediaType": "other"}'])
def test_a_root_that_cannot_be_used_is_told(
    text: str | None, tmp_path: Path, sigstore: Sigstore
) -> None:
    path = tmp_path / "root.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match="trusted root") as caught:
        asked(Trust(str(path)), sigstore.sign_digest(DIGEST, person()))
    assert caught.value.at == str(path)


@pytest.mark.parametrize("part", ["tlogs", "certificateAuthorities"])
def test_a_root_that_lacks_a_part_is_told(part: str, tmp_path: Path, sigstore: Sigstore) -> None:
    path = tmp_path / "root.json"
    path.write_text(json.dumps({**sigstore.root(), part: []}))
    with pytest.raises(ConfigError, match="cannot be used"):
        asked(Trust(str(path)), sigstore.sign_digest(DIGEST, person()))


@pytest.mark.parametrize("module", ["sigstore", "pypi_attestations", "sigstore.verify"])
def test_without_the_libraries_it_says_what_to_install(
    module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sigstore: Sigstore
) -> None:
    trust = Trust(sigstore.trusted_root(tmp_path / "root.json"))
    monkeypatch.setitem(sys.modules, module, None)
    assert Trust.is_there() == (module == "sigstore.verify")
    with pytest.raises(MissingExtraError) as caught:
        asked(trust, sigstore.sign_digest(DIGEST, person()))
    assert caught.value.hint == "pip install 'kurt-ext[sigstore]'"


def test_the_log_of_the_library_is_not_written_to_the_terminal(
    sigstore: Sigstore, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AttestationError):
        asked(Trust(offline=True), sigstore.sign_digest(DIGEST, person()))
    assert capfd.readouterr() == ("", "")
