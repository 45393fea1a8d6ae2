"""A release is attested through the server by its publisher alone, and only by what holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from market.conftest import write_skill
from sigstores import GITHUB, Sigstore, workflow
from starlette.testclient import TestClient

from kurt_ext.cli import run as run_here
from kurt_ext.market.reading import reader_of
from kurt_ext.market.subjects import subject_of
from kurt_ext.market.trusting import LIMIT, Trust
from kurt_ext.market.verifying import verify
from kurt_ext.places import Places
from kurt_ext.server.database import connect
from kurt_ext.server.tokens import Tokens

from .conftest import serving

PATH = "/api/v1/plugins"
TEXT = f"https://github.com/acme/skills/.github/workflows/release.yml via {GITHUB}, repository 4711"
Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def sigstore(root: Path) -> Sigstore:
    """Return an instance that the marketplace believes."""
    made = Sigstore()
    path = made.trusted_root(root / "trusted_root.json")
    with (root / "market.toml").open("a") as stream:
        stream.write(f"sigstore-root = {json.dumps(os.path.basename(path))}\n")
    return made


@pytest.fixture
def tokens(place: str) -> Iterator[Tokens]:
    database = connect(place, "market")
    yield Tokens(database)
    database.close()


@pytest.fixture
def bearer(tokens: Tokens) -> Bearer:
    return lambda name="market": {"Authorization": f"Bearer {tokens.new(name)[1]}"}


def evidence(sigstore: Sigstore, client: TestClient, version: str = "1.1.0") -> bytes:
    digest = client.get(f"{PATH}/greeter/versions/{version}").json()["digest"]
    return json.dumps(sigstore.sign_digest(digest, workflow())).encode()


def test_a_release_is_attested_by_its_publisher(
    sigstore: Sigstore, client: TestClient, bearer: Bearer, root: Path
) -> None:
    data = evidence(sigstore, client)
    where = f"{PATH}/greeter/versions/1.1.0/attestations"
    answer = client.post(where, content=data, headers=bearer())
    assert answer.status_code == 200 and answer.json()["identities"] == [TEXT]
    again = client.post(where, content=data, headers=bearer()).json()
    assert again["snapshot"] == answer.json()["snapshot"]
    told = client.get(f"{PATH}/greeter/versions/1.1.0").json()
    (row,) = told["attested"]
    assert row["type"] == "sigstore" and client.get(row["url"]).content == data
    page = client.get("/skills/greeter/1.1.0").text
    assert "not signed" in page and ">attested</a>" in page
    assert "attested" not in client.get("/skills/greeter/1.0.0").text
    whose = client.get("/publishers/market").text
    assert "https://github.com/acme/skills" in whose and "<bdi>None" not in whose
    trust = Trust(str(root / "trusted_root.json"))
    found = verify(reader_of(str(root)), trust=trust)
    assert not found.findings and sum(found.attested.values()) == 1


def test_nobody_else_attests_and_nothing_that_does_not_hold_counts(
    sigstore: Sigstore, client: TestClient, bearer: Bearer, root: Path
) -> None:
    before = (root / "kurt/v1/index.json").read_bytes()
    good, old = evidence(sigstore, client), evidence(sigstore, client, "1.0.0")
    where = f"{PATH}/greeter/versions/1.1.0/attestations"
    assert client.post(where, content=good).status_code == 401
    assert client.post(where, content=good, headers=bearer("eve")).status_code == 403
    for data in (old, good[:-9], b"", b"{}", b"[" * 50_000, b"\xff"):
        answer = client.post(where, content=data, headers=bearer())
        assert answer.status_code == 422, answer.text
        assert str(root) not in answer.text
    large = client.post(where, content=b" " * (LIMIT + 1), headers=bearer())
    assert large.status_code == 413
    for place in ("greeter/versions/9.9.9", "nobody/versions/1.1.0"):
        answer = client.post(f"{PATH}/{place}/attestations", content=good, headers=bearer())
        assert answer.status_code == 404
    assert (root / "kurt/v1/index.json").read_bytes() == before


@pytest.mark.slow
def test_the_command_sends_an_attestation_with_the_skill(
    sigstore: Sigstore,
    root: Path,
    places: Places,
    tokens: Tokens,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, bundle = write_skill(tmp_path / "caller"), tmp_path / "caller.sigstore.json"
    digest = subject_of(str(folder)).digest
    bundle.write_text(json.dumps(sigstore.attest({"caller": digest}, workflow())))
    monkeypatch.setenv("KURT_MARKET_TOKEN", tokens.new("ada")[1])
    with serving(root, places) as address:
        words = ["market", "publish", str(folder), "--to", address, "--attest", str(bundle)]
        assert run_here(words) == 0
        assert "attested by https://github.com/acme/skills workflow" in capfd.readouterr().out
        bundle.write_text(json.dumps(sigstore.sign_digest("0" * 64, workflow())))
        assert run_here([*words, "--json"]) == 5
        assert json.loads(capfd.readouterr().out)["error"]["code"] == "attestation"
