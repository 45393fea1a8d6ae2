"""Of a distribution from an index it is known who has attested it, as PyPI says that (PEP 740)."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sigstores import GITHUB, Signer, Sigstore, workflow
from simple_indexes import SimpleServer, serving

from kurt_ext.lock import Locked, lock_path, read
from kurt_ext.market.trusting import LIMIT
from kurt_ext.places import Places

from .shops import Kurt
from .sites import Site

NAME = "word-sayer"
ACME = "https://github.com/acme/skills"
TEXT = f"{ACME}/.github/workflows/release.yml via {GITHUB}, repository 4711"
WORDS = f"{ACME} workflow release.yml, via Sigstore"


class Index:
    """An index that has PyPI's place, and says who has attested what."""

    def __init__(self, server: SimpleServer, sigstore: Sigstore) -> None:
        self.server = server
        self.sigstore = sigstore

    def add(self, version: str, signer: Signer | None, **more: Any) -> None:
        path = self.server.add(NAME, version)
        if signer is not None:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            repository, _, rest = signer.subject.removeprefix("https://github.com/").partition("/.")
            file = rest.rpartition("/workflows/")[2].partition("@")[0]
            publisher = {"kind": "GitHub", "repository": repository, "workflow": file}
            row = self.sigstore.provenance(path.name, digest, signer, publisher)
            self.say(path.name, version, json.dumps(row).encode())

    def say(self, filename: str, version: str, data: bytes) -> None:
        """Say where the provenance of a file is, and what."""
        path = f"/integrity/{NAME}/{version}/{filename}/provenance"
        self.server.rows[filename] = {"provenance": path}
        headers = {"Content-Type": "application/vnd.pypi.integrity.v1+json"}
        self.server.instead[path] = (200, headers, data)


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture
def index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sigstore: Sigstore, kurt: Kurt
) -> Iterator[Index]:
    with serving(tmp_path / "wheels") as server:
        root = sigstore.trusted_root(tmp_path / "root.json")
        for key, value in {"url": server.url, "kind": "simple", "sigstore_root": root}.items():
            assert kurt("config", "set", "--scope", "user", f"market.pypi.{key}", value).code == 0
        yield Index(server, sigstore)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path / "site-packages", monkeypatch)


def locked() -> Locked:
    (row,) = [one for one in read(lock_path(Places())).values() if one.name == NAME]
    return row


def error(ran: Any) -> dict[str, Any]:
    assert not ran["ok"], ran
    found: dict[str, Any] = ran["error"]
    return found


@pytest.mark.parametrize("as_html", [False, True], ids=["json", "html"])
def test_who_has_attested_is_shown_and_remembered(
    index: Index, site: Site, kurt: Kurt, said: Callable[..., str], as_html: bool
) -> None:
    index.server.as_html = as_html
    index.add("1.0", workflow())
    assert f"attested by {WORDS}" in said("install", NAME, "--yes")
    assert locked().identity == TEXT
    assert f"attested by {WORDS}" in said("info", NAME)
    assert f"{NAME} 1.0.0: attested by {WORDS}" in said("audit", "--no-python")
    assert kurt("audit", "--no-python").data["attested"][0]["by"] == WORDS


@pytest.mark.parametrize("signer", [workflow("evil/skills"), None], ids=["another", "nobody"])
def test_another_identity_blocks_until_it_is_confirmed(
    index: Index, site: Site, kurt: Kurt, signer: Signer | None
) -> None:
    index.add("1.0", workflow())
    assert kurt("install", NAME, "--yes").code == 0
    index.add("2.0", signer)
    ran = kurt("install", f"{NAME}==2.0", "--yes")
    assert error(ran)["code"] == "publisher-changed" and TEXT in error(ran)["cause"]
    assert site.versions(NAME) == ["1.0"]
    ran = kurt("install", f"{NAME}==2.0", "--yes", "--new-publisher", NAME)
    assert ran.code == 0 and site.versions(NAME) == ["2.0"]


def test_one_of_those_who_are_asked_for_must_have_attested(
    index: Index, site: Site, kurt: Kurt
) -> None:
    index.add("1.0", workflow())
    key = ("config", "set", "--scope", "user", "market.pypi.identities")
    kurt(*key, '["https://github.com/other/skills"]')
    assert "attested by somebody else" in error(kurt("install", NAME, "--yes"))["message"]
    kurt(*key, f'["{ACME}"]')
    assert kurt("install", NAME, "--yes").code == 0
    index.add("2.0", None)
    ran = kurt("install", f"{NAME}==2.0", "--yes")
    assert "attested by nobody" in error(ran)["message"]
    assert error(ran)["hint"] == "kurt config explain market.pypi.identities"


def test_a_provenance_that_does_not_hold_is_refused(
    index: Index, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    index.add("1.0", workflow())
    index.add("2.0", workflow())
    one, two = "word_sayer-1.0-py3-none-any.whl", "word_sayer-2.0-py3-none-any.whl"
    good = index.server.instead[f"/integrity/{NAME}/2.0/{two}/provenance"][2]
    foreign = Sigstore().provenance(
        one, "0" * 64, workflow(), {"kind": "GitHub", "repository": "a/b", "workflow": "c"}
    )
    for data in (good, good[:-20], b"", b"[" * 100_000, json.dumps(foreign).encode()):
        index.say(one, "1.0", data)
        assert error(kurt("install", f"{NAME}==1.0", "--yes"))["code"] == "attestation"
    index.say(one, "1.0", b" " * (LIMIT + 1))
    assert error(kurt("install", f"{NAME}==1.0", "--yes"))["code"] == "integrity"
    assert site.files() == {}


def test_a_provenance_that_lies_where_nobody_may_go_is_not_asked_for(
    index: Index, site: Site, kurt: Kurt
) -> None:
    index.add("1.0", workflow())
    name = "word_sayer-1.0-py3-none-any.whl"
    for url in ("https://elsewhere.example/x", "file:///etc/passwd", "ftp://x/y"):
        index.server.rows[name] = {"provenance": url}
        assert kurt("install", NAME, "--yes").code != 0
    assert site.files() == {}


def test_without_the_libraries_it_is_said_that_nothing_was_checked(
    index: Index, site: Site, kurt: Kurt, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("1.0", workflow())
    monkeypatch.setitem(sys.modules, "sigstore", None)
    ran = kurt("install", NAME, "--yes")
    assert ran.warning("attestation-unchecked")["fix"] == "pip install 'kurt-ext[sigstore]'"
    assert locked().identity is None
    kurt("config", "set", "--scope", "user", "market.pypi.attested", "true")
    ran = kurt("install", f"{NAME}==1.0", "--yes")
    assert error(ran)["code"] == "missing-extra"
