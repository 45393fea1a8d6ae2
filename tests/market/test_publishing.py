"""A release is published once, by one publisher, and stays; what is said of it may change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kurt_ext.errors import (
    ConflictError,
    MarketError,
    NotFoundError,
    PluginValidationError,
    ReleaseExistsError,
    SignatureError,
    SkillNotFoundError,
)
from kurt_ext.market import reading
from kurt_ext.market.keys import Keyring
from kurt_ext.market.publishers import change, show
from kurt_ext.market.publishing import publish, set_status, yank
from kurt_ext.market.verifying import verify
from kurt_ext.places import Places

from .conftest import CODE, Shop, write_skill


@pytest.fixture
def skill(project: Path) -> Path:
    return write_skill(project / "greeter")


@pytest.fixture
def root(project: Path) -> str:
    return str(project / "market")


def test_a_first_publication_makes_the_marketplace(skill: Path, root: str, places: Places) -> None:
    done = publish(str(skill), root, places, publisher="acme")
    assert (done.name, done.version, done.publisher, done.new) == (
        "greeter",
        "1.0.0",
        "acme",
        True,
    )
    shop = Shop(Path(root), places)
    assert shop.skill("greeter").publisher == "acme"
    assert not verify(shop.reader).findings


def test_the_same_again_is_no_second_release(skill: Path, root: str, places: Places) -> None:
    first = publish(str(skill), root, places)
    again = publish(str(skill), root, places)
    assert first.new and not again.new and again.snapshot == first.snapshot


def test_a_build_and_a_publication_make_the_same_release(
    skill: Path, root: str, places: Places, project: Path
) -> None:
    done = publish(str(skill), root, places)
    other = project / "other"
    shutil.copytree(skill, other / "skills" / "greeter")
    shop = Shop(other, places)
    shop.build()
    assert shop.skill("greeter").releases[0].source.digest == done.digest


def test_another_content_needs_another_version(skill: Path, root: str, places: Places) -> None:
    publish(str(skill), root, places)
    write_skill(skill, code=CODE + "# changed\n")
    with pytest.raises(ReleaseExistsError) as caught:
        publish(str(skill), root, places)
    assert caught.value.hint == "give it a new version, after 1.0.0"
    write_skill(skill, "1.0.1", code=CODE + "# changed\n")
    assert publish(str(skill), root, places).new


def test_a_skill_has_one_publisher(skill: Path, root: str, places: Places) -> None:
    publish(str(skill), root, places, publisher="acme")
    write_skill(skill, "9.0.0")
    with pytest.raises(ConflictError, match="published by acme, not by mallory"):
        publish(str(skill), root, places, publisher="mallory")


def test_what_is_below_the_gate_is_refused_with_its_findings(
    skill: Path, root: str, places: Places
) -> None:
    write_skill(skill, code=CODE + "\nimport os\nos.system('id')\n")
    with pytest.raises(PluginValidationError) as caught:
        publish(str(skill), root, places)
    assert caught.value.validation_result.findings
    assert not os.path.exists(os.path.join(root, "kurt"))
    assert not os.path.exists(os.path.join(root, "files"))


def test_a_name_like_another_publishers_is_told(root: str, places: Places, project: Path) -> None:
    publish(str(write_skill(project / "page-archiver")), root, places, publisher="acme")
    twin = write_skill(project / "page-archlver")
    own = publish(str(twin), str(project / "alone"), places, publisher="mallory")
    beside = publish(str(twin), root, places, publisher="mallory")
    assert own.score is not None and beside.score is not None and beside.score < own.score


@pytest.mark.parametrize("path", ["nowhere", "greeter/SKILL.md", "nowhere.whl"])
def test_what_is_no_skill_is_told(skill: Path, root: str, places: Places, path: str) -> None:
    with pytest.raises(SkillNotFoundError):
        publish(path, root, places)


def test_a_yanked_release_stays_and_is_not_offered(shop: Shop) -> None:
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    shop.build()
    before = shop.skill("greeter").releases
    yank(str(shop.root), "greeter", "1.1.0", "it forgets names")
    document = shop.skill("greeter")
    assert document.releases[1].yanked == "it forgets names"
    assert document.releases[1].source == before[1].source
    assert shop.index.skills[0].latest == "1.0.0"
    yank(str(shop.root), "greeter", "1.0.0", "it too")
    assert shop.index.skills[0].latest is None
    yank(str(shop.root), "greeter", "1.1.0", None)
    assert shop.index.skills[0].latest == "1.1.0"
    assert not verify(shop.reader).findings


@pytest.mark.parametrize(("name", "version"), [("greeted", "1.0.0"), ("greeter", "7.0.0")])
def test_only_what_is_there_is_yanked(shop: Shop, name: str, version: str) -> None:
    with pytest.raises(NotFoundError):
        yank(str(shop.root), name, version, "why")
    assert shop.index.meta.snapshot == 1


def test_a_status_is_listed(shop: Shop) -> None:
    set_status(str(shop.root), "greeter", "deprecated", "take waver")
    assert shop.index.skills[0].status == "deprecated"
    assert shop.skill("greeter").project_status.reason == "take waver"
    set_status(str(shop.root), "greeter", "quarantined")
    assert shop.index.skills[0].latest is None
    set_status(str(shop.root), "greeter", "active")
    assert shop.index.skills[0].latest == "1.0.0"
    with pytest.raises(MarketError):
        set_status(str(shop.root), "greeter", "gone")


def test_a_publishers_key_signs_a_release(skill: Path, root: str, places: Places) -> None:
    key = Keyring(places).new("acme")
    done = publish(str(skill), root, places, publisher="acme", key=key)
    assert done.key == key.id
    shop = Shop(Path(root), places)
    assert not verify(shop.reader).findings
    document = reading.publisher(shop.reader, shop.index, "acme")
    assert [one.id for one in document.keys] == [key.id]


def test_a_signature_may_be_added_later(skill: Path, root: str, places: Places) -> None:
    publish(str(skill), root, places)
    key = Keyring(places).new("mine")
    again = publish(str(skill), root, places, key=key)
    assert not again.new and again.key == key.id
    third = publish(str(skill), root, places, key=key)
    assert third.snapshot == again.snapshot


def test_a_revoked_key_signs_nothing_more(skill: Path, root: str, places: Places) -> None:
    key = Keyring(places).new("mine")
    publish(str(skill), root, places, publisher="acme", key=key)
    change(root, "acme", revoke_key=key.id)
    assert not verify(Shop(Path(root), places).reader).findings
    write_skill(skill, "1.1.0")
    with pytest.raises(ConflictError, match="is revoked"):
        publish(str(skill), root, places, publisher="acme", key=key)
    with pytest.raises(NotFoundError):
        change(root, "acme", revoke_key="0" * 16)


def test_what_is_known_of_a_publisher_is_said(shop: Shop, places: Places) -> None:
    root, key = str(shop.root), Keyring(places).new("other")
    change(root, "market", add_key=key.public, title="The market", homepage="https://x.example")
    assert show(root, "market")["keys"][0]["id"] == key.id
    change(root, "market", add_key=key.public, homepage="")
    document = reading.publisher(shop.reader, shop.index, "market")
    assert [one.id for one in document.keys] == [key.id]
    assert document.title == "The market" and document.homepage is None
    with pytest.raises(SignatureError):
        change(root, "market", add_key="ed25519:nothing")
    with pytest.raises(NotFoundError) as caught:
        show(root, "markt")
    assert caught.value.candidates == ("market",)
    with pytest.raises(MarketError):
        change(root, "../market", title="x")


def test_an_index_that_was_signed_stays_signed(skill: Path, root: str, places: Places) -> None:
    key = Keyring(places).new("market")
    publish(str(skill), root, places, index_key=key)
    shop = Shop(Path(root), places)
    write_skill(skill, "1.1.0")
    with pytest.raises(SignatureError, match="was signed, and the new one would not be"):
        publish(str(skill), root, places)
    assert publish(str(skill), root, places, index_key=key).new
    write_skill(Path(root) / "skills" / "more")
    with pytest.raises(SignatureError):
        shop.build()
    assert shop.build(unsigned=True).changed
    assert shop.index.meta.signatures is None


def test_an_index_is_signed_once_there_is_a_key(shop: Shop, places: Places) -> None:
    key = Keyring(places).new("market")
    assert shop.build(key=key).changed
    assert shop.index.meta.signatures == "kurt/v1/signatures/2.json"
    assert not shop.build(key=key).changed
