"""Who has attested a release is verified, shown and remembered; another one blocks."""

from __future__ import annotations

import json
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypi_attestations import Provenance
from sigstores import GITHUB, GOOGLE, Signer, Sigstore, person, workflow

from kurt_ext import distinfo, manifest
from kurt_ext.errors import AttestationError, ConflictError, PublisherError
from kurt_ext.lock import lock_path, read
from kurt_ext.market import digests
from kurt_ext.market.attesting import MOST
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.publishing import Published, publish
from kurt_ext.market.reading import reader_of
from kurt_ext.market.subjects import subject_of
from kurt_ext.market.trusting import LIMIT, Trust
from kurt_ext.places import Places
from kurt_ext.receipts import Receipts
from kurt_ext.staging import refuse_wider

from .conftest import write_skill
from .shops import Kurt, served

ACME = "https://github.com/acme/skills"
RELEASE = f"{ACME}/.github/workflows/release.yml"
TEXT = f"{RELEASE} via {GITHUB}, repository 4711"
WORDS = f"{ACME} workflow release.yml, via Sigstore"
Said = Callable[..., str]


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


class Stand:
    """A marketplace of greeters, attested or not, and whoever installs from it."""

    def __init__(self, base: Path, sigstore: Sigstore, kurt: Kurt) -> None:
        self.root = base / "market"
        self.base = base
        self.kurt = kurt
        self.sigstore = sigstore
        self.trusted_root = sigstore.trusted_root(base / "trusted_root.json")
        self.root.mkdir()
        settings = f'name = "team"\npublisher = "acme"\nsigstore-root = "{self.trusted_root}"\n'
        (self.root / "market.toml").write_text(settings)

    def folder(self, version: str, name: str = "greeter") -> Path:
        return write_skill(self.base / version / name, version)

    def evidence(self, folder: Path, signer: Signer | None, *, plain: bool = False) -> bytes | None:
        if signer is None:
            return None
        digest = subject_of(str(folder)).digest
        if plain:
            return json.dumps(self.sigstore.sign_digest(digest, signer)).encode()
        return json.dumps(self.sigstore.attest({folder.name: digest}, signer)).encode()

    def publish(self, version: str, signer: Signer | None = None, **more: Any) -> Published:
        folder = self.folder(version)
        evidence = more.pop("evidence", None) or self.evidence(folder, signer, **more)
        return publish(str(folder), str(self.root), Places(), evidence=evidence)

    def settle(self, **keys: str) -> None:
        """Name the market in the user's configuration."""
        given = {"url": str(self.root), "sigstore_root": self.trusted_root, **keys}
        for key, value in given.items():
            if value:
                ran = self.kurt("config", "set", "--scope", "user", f"market.team.{key}", value)
                assert ran.code == 0, ran

    def edit(self, change: Callable[[dict[str, Any]], None], kind: str = "skills") -> None:
        """Edit the document of the greeter, or of its publisher, as whoever runs the market."""
        path = self.root / "kurt/v1/index.json"
        index = json.loads(path.read_text())
        row = index["skills"][0]["detail"] if kind == "skills" else index["publishers"]["acme"]
        document = json.loads((self.root / row["url"]).read_text())
        change(document)
        data = json.dumps(document).encode()
        (self.root / row["url"]).write_bytes(data)
        row |= {"digest": digests.of_bytes(data), "size": len(data)}
        index["meta"]["snapshot"] += 1
        path.write_text(json.dumps(index))

    def locked(self) -> Any:
        return read(lock_path(Places()))["greeter"]


@pytest.fixture
def stand(tmp_path: Path, sigstore: Sigstore, kurt: Kurt) -> Stand:
    return Stand(tmp_path, sigstore, kurt)


def installed(stand: Stand, *words: str) -> Any:
    return stand.kurt("install", "greeter", "--yes", *words)


def error(ran: Any) -> dict[str, Any]:
    assert not ran["ok"], ran
    found: dict[str, Any] = ran["error"]
    return found


# -- installing ----------------------------------------------------------------------


@pytest.mark.parametrize("plain", [True, False], ids=["a signature", "a statement"])
def test_who_has_attested_is_shown_and_remembered(stand: Stand, said: Said, plain: bool) -> None:
    made = stand.publish("1.0.0", workflow(), plain=plain)
    assert made.identities == (TEXT,)
    stand.settle()
    assert f"attested by {WORDS}" in said("install", "greeter", "--yes")
    assert stand.locked().identity == TEXT
    assert Receipts(Places()).find("greeter").locked.identity == TEXT  # type: ignore[union-attr]
    assert f"attested by {WORDS}" in said("info", "greeter")
    told = stand.kurt("info", "greeter").data["published"]
    assert told["identity"] == TEXT and told["publisher"] == "acme"
    assert f"greeter 1.0.0: attested by {WORDS}" in said("audit", "--no-python")


def test_the_same_workflow_of_the_next_tag_is_the_same_publisher(stand: Stand) -> None:
    stand.publish("1.0.0", workflow(ref="refs/tags/v1.0.0"))
    stand.settle()
    assert installed(stand).code == 0
    stand.publish("1.1.0", workflow(ref="refs/tags/v1.1.0"))
    ran = stand.kurt("update", "greeter", "--no-cooldown", "--yes")
    assert ran.steps == [("update", "greeter", "1.1.0")]


@pytest.mark.parametrize(
    "signer",
    [
        workflow("evil/skills"),
        workflow(name="other.yml"),
        workflow(repository_id="4712"),
        workflow(issuer="https://token.actions.githubusercontent.com/evil"),
        person(),
        None,
    ],
    ids=["repository", "workflow", "another of its name", "issuer", "person", "nobody"],
)
def test_another_identity_blocks_until_it_is_confirmed(stand: Stand, signer: Signer | None) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    assert installed(stand).code == 0
    if signer is not None and signer != workflow(repository_id="4712"):
        name, _, _ = signer.subject.partition("@refs/")
        who = f"{name} via {signer.issuer}"
        ran = stand.kurt(
            "market", "publisher", "acme", "--from", str(stand.root), "--add-identity", who
        )
        assert ran.code == 0, ran
    stand.publish("1.1.0", signer)
    ran = stand.kurt("update", "greeter", "--no-cooldown", "--yes")
    assert error(ran)["code"] == "publisher-changed" and ran.code == 5
    assert TEXT in error(ran)["cause"]
    assert stand.locked().version == "1.0.0"
    ran = stand.kurt("update", "greeter", "--no-cooldown", "--yes", "--new-publisher", "greeter")
    assert ran.steps == [("update", "greeter", "1.1.0")]
    assert stand.locked().identity != TEXT


def test_a_release_of_several_identities_is_held_to_the_one_before(stand: Stand) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    assert installed(stand).code == 0
    where = ("--from", str(stand.root), "--add-identity")
    for who in (f"ada@example.org via {GOOGLE}",):
        assert stand.kurt("market", "publisher", "acme", *where, who).code == 0
    stand.publish("1.1.0", person())
    stand.publish("1.1.0", workflow())
    assert stand.kurt("update", "greeter", "--no-cooldown", "--yes").code == 0
    assert stand.locked().identity == TEXT


def test_what_is_locked_is_put_back_with_its_identity(stand: Stand, project: Path) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    assert installed(stand).code == 0
    assert stand.kurt("uninstall", "greeter").code == 0
    (project / "kurt.lock").unlink(missing_ok=True)
    assert installed(stand).code == 0
    lock = (project / "kurt.lock").read_text()
    assert f'identity = "{TEXT}"' in lock
    shutil.rmtree(project / "skills" / "greeter")
    assert stand.kurt("sync", "--yes").code == 0
    assert (project / "kurt.lock").read_text().count(TEXT) == 1


def test_a_server_is_asked_for_the_evidence_too(stand: Stand) -> None:
    stand.publish("1.0.0", workflow())
    with served(stand.root) as server:
        stand.settle(url=server.url)
        assert installed(stand).code == 0
        assert stand.locked().identity == TEXT
    # Once it was asked, nobody needs to be.
    ran = stand.kurt("audit", "--offline")
    assert [row["by"] for row in ran.data["attested"]] == [WORDS]


@pytest.mark.parametrize("later", [None, TEXT.replace("4711", "4712")])
def test_a_reload_takes_no_update_that_another_has_attested(
    stand: Stand, later: str | None
) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    assert installed(stand).code == 0
    before = Receipts(Places()).find("greeter")
    assert before is not None
    refuse_wider(before, before)
    with pytest.raises(PublisherError, match="comes from another publisher"):
        refuse_wider(before, replace(before, locked=before.locked.but(identity=later)))


# -- what is asked for ---------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [ACME, RELEASE, f"{ACME} via {GITHUB}", "https://other.example/x via https://y", None],
)
def test_one_of_those_who_are_asked_for_must_have_attested(
    stand: Stand, wanted: str | None
) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle(**({"identities": json.dumps([wanted])} if wanted else {"attested": "true"}))
    ran = installed(stand)
    if wanted and "other" in wanted:
        assert error(ran)["code"] == "attestation"
        assert "attested by somebody else" in error(ran)["message"]
        assert TEXT in error(ran)["cause"] and "other.example" in error(ran)["cause"]
        assert error(ran)["hint"] == "kurt config explain market.team.identities"
    else:
        assert ran.code == 0


@pytest.mark.parametrize("key", ["attested", "identities"])
def test_what_nobody_has_attested_is_refused_where_that_is_asked_for(
    stand: Stand, key: str
) -> None:
    stand.publish("1.0.0")
    stand.settle(**{key: "true" if key == "attested" else json.dumps([ACME])})
    ran = installed(stand)
    assert "attested by nobody" in error(ran)["message"]
    assert error(ran)["hint"] == f"kurt config explain market.team.{key}"


def test_an_identity_that_is_none_is_told_with_what_to_write(stand: Stand) -> None:
    stand.publish("1.0.0")
    stand.settle(identities='["acme"]')
    ran = installed(stand)
    assert "'acme' is no identity" in error(ran)["message"]


def test_without_the_libraries_it_is_said_that_nothing_was_checked(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.publish("1.0.0", workflow())
    stand.publish("1.1.0", workflow())
    stand.settle()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pypi_attestations", None)
        ran = installed(stand)
        warning = ran.warning("attestation-unchecked")
        assert warning["fix"] == "pip install 'kurt-ext[sigstore]'"
        assert stand.locked().identity is None
        told = stand.kurt("market", "verify", str(stand.root)).data
        assert told["attested"] == {"": 2}
        stand.settle(attested="true")
        ran = stand.kurt("install", "greeter@1.0.0", "--yes")
        assert error(ran)["code"] == "missing-extra"
        assert error(ran)["hint"] == "pip install 'kurt-ext[sigstore]'"


def test_without_the_libraries_nobody_takes_the_place_of_who_has_attested_before(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    assert installed(stand).code == 0
    stand.publish("1.1.0", workflow())
    monkeypatch.setitem(sys.modules, "sigstore", None)
    ran = stand.kurt("update", "greeter", "--no-cooldown", "--yes")
    assert error(ran)["code"] == "publisher-changed"
    assert error(ran)["hint"] == "pip install 'kurt-ext[sigstore]'"
    assert "was not checked" in error(ran)["cause"]


# -- what is wrong -------------------------------------------------------------------


def _other_evidence(stand: Stand, document: dict[str, Any]) -> None:
    """Give the newest release the evidence of the one before."""
    rows = document["releases"]
    rows[1]["attestations"] = rows[0]["attestations"]


def _damaged(stand: Stand, document: dict[str, Any]) -> None:
    pointer = document["releases"][-1]["attestations"][0]["evidence"]
    path = stand.root / pointer["url"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _truncated(stand: Stand, document: dict[str, Any]) -> None:
    pointer = document["releases"][-1]["attestations"][0]["evidence"]
    data = (stand.root / pointer["url"]).read_bytes()[:500]
    (stand.root / pointer["url"]).write_bytes(data)
    pointer |= {"digest": digests.of_bytes(data), "size": len(data)}


def _huge(stand: Stand, document: dict[str, Any]) -> None:
    pointer = document["releases"][-1]["attestations"][0]["evidence"]
    data = b" " * (LIMIT + 1)
    (stand.root / pointer["url"]).write_bytes(data)
    pointer |= {"digest": digests.of_bytes(data), "size": len(data)}


def _many(stand: Stand, document: dict[str, Any]) -> None:
    document["releases"][-1]["attestations"] *= MOST + 1


def _of_a_wheel(stand: Stand, document: dict[str, Any]) -> None:
    document["releases"][-1]["attestations"][0]["filename"] = "greeter-1.0-py3-none-any.whl"


@pytest.mark.parametrize("harm", [_other_evidence, _damaged, _truncated, _huge, _many, _of_a_wheel])
def test_an_attestation_that_does_not_hold_is_refused_and_found(
    stand: Stand, harm: Callable[[Stand, dict[str, Any]], None]
) -> None:
    stand.publish("1.0.0", workflow())
    stand.publish("1.1.0", workflow())
    stand.edit(lambda document: harm(stand, document))
    stand.settle()
    assert error(installed(stand))["code"] in ("attestation", "integrity")
    verified = stand.kurt(
        "market", "verify", str(stand.root), "--sigstore-root", stand.trusted_root
    )
    assert verified.code == 5
    assert [f for f in verified["data"]["findings"] if "greeter 1.1.0" in f["path"]], verified


def test_somebody_whom_the_publisher_does_not_name_is_refused(stand: Stand) -> None:
    stand.publish("1.0.0", workflow())
    stand.edit(lambda document: document.update(identities=[]), "publishers")
    stand.settle()
    ran = installed(stand)
    assert "whom acme does not name" in error(ran)["message"]
    assert f"--add-identity '{RELEASE} via {GITHUB}'" in error(ran)["hint"]


def test_another_root_does_not_believe_it(stand: Stand, tmp_path: Path) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle(sigstore_root=Sigstore().trusted_root(tmp_path / "other.json"))
    assert "does not hold" in error(installed(stand))["message"]


def test_a_root_that_is_not_there_is_told(stand: Stand, tmp_path: Path) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle(sigstore_root=str(tmp_path / "none.json"))
    assert "trusted root none.json cannot be used" in error(installed(stand))["message"]


def test_a_root_lies_beside_the_file_that_names_it(stand: Stand, project: Path) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle(sigstore_root="")
    user = Path(Places().user_config)
    text = user.read_text() + 'sigstore_root = "roots/own.json"\n'
    user.write_text(text)
    (user.parent / "roots").mkdir()
    shutil.copy(stand.trusted_root, user.parent / "roots" / "own.json")
    assert installed(stand).code == 0 and stand.locked().identity == TEXT


def test_who_was_revoked_counts_for_what_was_published_before(stand: Stand) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    words = ("market", "publisher", "acme", "--from", str(stand.root))
    assert stand.kurt(*words, "--revoke-identity", RELEASE).code == 0
    assert installed(stand).code == 0
    with pytest.raises(ConflictError, match="revoked among the identities of acme"):
        stand.publish("1.1.0", workflow())
    # And whoever runs the market cannot pass over that either.
    long_ago = "2026-01-01T00:00:00Z"

    def revoke(document: dict[str, Any]) -> None:
        document["identities"][0]["revoked"] = long_ago

    stand.edit(revoke, "publishers")
    assert stand.kurt("uninstall", "greeter").code == 0
    assert "who was revoked before" in error(installed(stand))["message"]


def test_an_audit_tells_who_counts_no_more(stand: Stand) -> None:
    stand.publish("1.0.0", workflow())
    stand.settle()
    assert installed(stand).code == 0
    assert stand.kurt("audit", "--no-python").code == 0
    stand.settle(identities='["https://github.com/somebody/else"]')
    ran = stand.kurt("audit", "--no-python")
    assert ran.code == 5
    assert [(row["name"], row["kind"]) for row in ran["data"]["faults"]] == [
        ("greeter", "attestation")
    ]
    stand.settle(identities=f'["{ACME}"]')
    stand.edit(lambda document: document["releases"][0].update(attestations=[]))
    ran = stand.kurt("audit", "--no-python")
    assert "attested by nobody" in ran["data"]["faults"][0]["summary"]


# -- publishing ----------------------------------------------------------------------


def test_the_first_who_attests_is_listed_and_another_is_not(stand: Stand) -> None:
    stand.publish("1.0.0", workflow())
    shown = stand.kurt("market", "publisher", "acme", "--from", str(stand.root)).data
    (row,) = shown["identities"]
    since = row.pop("since")
    assert row == {"issuer": GITHUB, "subject": RELEASE, "repository": ACME} and since
    with pytest.raises(ConflictError, match="nobody among the identities of acme"):
        stand.publish("1.1.0", person())
    index = json.loads((stand.root / "kurt/v1/index.json").read_text())
    assert index["skills"][0]["latest"] == "1.0.0"


def test_an_attestation_may_come_after_the_release(stand: Stand) -> None:
    stand.publish("1.0.0")
    late = stand.publish("1.0.0", workflow())
    assert not late.new and late.identities == (TEXT,)
    again = stand.publish("1.0.0", evidence=_evidence_of(stand))
    assert again.snapshot == late.snapshot


def _evidence_of(stand: Stand) -> bytes:
    index = json.loads((stand.root / "kurt/v1/index.json").read_text())
    document = json.loads((stand.root / index["skills"][0]["detail"]["url"]).read_text())
    (row,) = document["releases"][0]["attestations"]
    return (stand.root / row["evidence"]["url"]).read_bytes()


def test_an_attestation_is_published_by_its_file(stand: Stand, said: Said, tmp_path: Path) -> None:
    folder, bundle = stand.folder("1.0.0"), tmp_path / "greeter.sigstore.json"
    bundle.write_bytes(stand.evidence(folder, workflow()) or b"")
    words = ("market", "publish", str(folder), "--to", str(stand.root), "--attest", str(bundle))
    assert f"Published acme/greeter 1.0.0, score 100, attested by {WORDS}" in said(*words)
    assert f"{RELEASE} via {GITHUB}" in said(
        "market", "publisher", "acme", "--from", str(stand.root)
    )
    bundle.write_text("{}")
    assert error(stand.kurt(*words))["code"] == "attestation"
    bundle.write_bytes(b" " * (LIMIT + 1))
    assert error(stand.kurt(*words))["code"] == "attestation"
    bundle.unlink()
    assert error(stand.kurt(*words))["code"] == "storage"


# -- wheels --------------------------------------------------------------------------

WHEEL = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def skill_wheel(base: Path, folder: Path) -> str:
    """Write the wheel of a skill's folder, with what a build writes; return its path."""
    record = manifest.read(str(folder)).record
    assert record is not None
    info = distinfo.dist_info_name(record)
    offered = distinfo.offers(record, {"tool": ("kurt.tool", "")})
    made = distinfo.files(record, str(folder), offered)
    inside = {f"{info}/{name}": data for name, data in made.items()}
    inside |= {f"{info}/WHEEL": WHEEL.encode()}
    for path in folder.iterdir():
        inside[f"kurt_skills/{folder.name}/{path.name}"] = path.read_bytes()
    base.mkdir(parents=True, exist_ok=True)
    path = base / f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in inside.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return str(path)


class Dist:
    """A wheel of the greeter, and what PEP 740 says of it."""

    def __init__(self, base: Path, sigstore: Sigstore) -> None:
        folder = write_skill(base / "source" / "greeter")
        self.path = Path(skill_wheel(base / "dist", folder))
        self.digest = digests.of_bytes(self.path.read_bytes())
        self.sigstore = sigstore

    def evidence(self, kind: str) -> bytes:
        name, signer = self.path.name, workflow()
        if kind == "bundle":
            return json.dumps(self.sigstore.attest({name: self.digest}, signer)).encode()
        publisher = {"kind": "GitHub", "repository": "acme/skills", "workflow": "release.yml"}
        row = self.sigstore.provenance(name, self.digest, signer, publisher)
        if kind == "attestation":
            row = row["attestation_bundles"][0]["attestations"][0]
        return json.dumps(row).encode()


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory, sigstore: Sigstore) -> Dist:
    return Dist(tmp_path_factory.mktemp("wheels"), sigstore)


@pytest.mark.parametrize("kind", ["bundle", "provenance", "attestation"])
def test_a_wheel_is_attested_as_pypi_knows_it(stand: Stand, dist: Dist, kind: str) -> None:
    made = publish(str(dist.path), str(stand.root), Places(), evidence=dist.evidence(kind))
    assert made.identities == (TEXT,)
    stand.settle()
    ran = stand.kurt("install", "greeter", "--dry-run")
    assert [step["identity"] for step in ran.data["steps"]] == [TEXT]
    verified = stand.kurt(
        "market", "verify", str(stand.root), "--sigstore-root", stand.trusted_root
    )
    assert verified.data["attested"] == {WORDS: 1}
    page = json.loads((stand.root / "simple/kurt-skill-greeter/index.json").read_text())
    (file,) = page["files"]
    html = (stand.root / "simple/kurt-skill-greeter/index.html").read_text()
    if kind == "bundle":
        assert "provenance" not in file and "data-provenance" not in html
        return
    found = (stand.root / "simple/kurt-skill-greeter" / file["provenance"]).read_bytes()
    assert f'data-provenance="{file["provenance"]}"' in html
    told = Provenance.model_validate_json(found)
    assert told.attestation_bundles[0].publisher.kind == "GitHub"


def test_an_attestation_of_pep_740_is_about_a_wheel(stand: Stand, dist: Dist) -> None:
    with pytest.raises(AttestationError, match="is about a wheel"):
        stand.publish("1.0.0", evidence=dist.evidence("provenance"))


def test_a_provenance_of_another_wheel_is_refused(stand: Stand, dist: Dist, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / "source" / "greeter", "1.1.0")
    other = skill_wheel(tmp_path / "dist", folder)
    for kind in ("bundle", "provenance", "attestation"):
        with pytest.raises(AttestationError):
            publish(other, str(stand.root), Places(), evidence=dist.evidence(kind))


def test_what_does_not_hold_is_not_published(stand: Stand) -> None:
    other = json.dumps(stand.sigstore.sign_digest("sha256:" + "0" * 64, workflow())).encode()
    for evidence in (b"{}", other):
        with pytest.raises(AttestationError):
            stand.publish("1.0.0", evidence=evidence)
    assert not (stand.root / "kurt/v1/index.json").exists()


def test_no_changed_byte_of_a_skill_is_attested_by_what_was_over_another(
    stand: Stand, sigstore: Sigstore
) -> None:
    folder = stand.folder("1.0.0")
    evidence = stand.evidence(folder, workflow())
    assert evidence is not None
    trust, dice = Trust(stand.trusted_root), random.Random(6962)
    assert trust.identities("sigstore", evidence, subject_of(str(folder)).digest)
    for path in sorted(one for one in folder.iterdir() if one.stat().st_size):
        data = path.read_bytes()
        for _ in range(25):
            changed = bytearray(data)
            changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            path.write_bytes(changed)
            with pytest.raises(AttestationError):
                trust.identities("sigstore", evidence, subject_of(str(folder)).digest)
        path.write_bytes(data)
    (folder / "skill.py").rename(folder / "skill2.py")
    with pytest.raises(AttestationError):
        trust.identities("sigstore", evidence, subject_of(str(folder)).digest)


def test_a_market_is_verified_and_mirrored_with_its_attestations(
    stand: Stand, tmp_path: Path, said: Said
) -> None:
    stand.publish("1.0.0", workflow())
    stand.publish("1.1.0", workflow())
    copy = tmp_path / "copy"
    mirror(reader_of(str(stand.root)), str(copy))
    for root in (stand.root, copy):
        text = said("market", "verify", str(root), "--sigstore-root", stand.trusted_root)
        assert f"2 releases attested by {WORDS}" in text
        quick = stand.kurt("market", "verify", str(root), "--quick").data
        assert (quick["files"], quick["attested"]) == (0, {})
    stand.settle(url=str(copy))
    assert installed(stand).code == 0 and stand.locked().identity == TEXT


def test_the_digest_that_is_attested_is_that_of_a_file_that_can_be_signed(
    stand: Stand, said: Said, tmp_path: Path
) -> None:
    folder = stand.folder("1.0.0")
    tree = tmp_path / "greeter.tree"
    digest = said("market", "digest", str(folder), "--output", str(tree)).strip()
    assert digests.of_bytes(tree.read_bytes()) == digest
    assert stand.publish("1.0.0").digest == digest
    for wrong in (tmp_path / "none", tmp_path / "trusted_root.json"):
        assert stand.kurt("market", "digest", str(wrong)).code == 3
