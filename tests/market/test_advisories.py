"""An advisory is about the releases that it names, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import MarketError
from kurt_ext.market import reading
from kurt_ext.market.advisories import affects
from kurt_ext.market.documents.advisory import Advisory
from kurt_ext.market.verifying import verify

from .conftest import Shop, write_skill

DIGEST = "sha256:" + "a" * 64


def advisory(name: str = "greeter", ecosystem: str = "Kurt:market", **affected: Any) -> Advisory:
    package = {"ecosystem": ecosystem, "name": name}
    row = {"id": "KURT-1", "modified": "2026-11-21T00:00:00Z"}
    return Advisory.model_validate(row | {"affected": [{"package": package, **affected}]})


def semver(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "SEMVER", "events": list(events)}]}


FIXED = semver({"introduced": "0"}, {"fixed": "1.2.0"})
TWICE = semver({"introduced": "1.0.0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"})
LAST = semver({"introduced": "1.0.0"}, {"last_affected": "1.2.0"})


@pytest.mark.parametrize(
    ("fields", "hit", "missed"),
    [
        (FIXED, ["0.0.1", "1.1.9", "1.2.0-rc.1"], ["1.2.0", "1.2.1", "2.0.0"]),
        (TWICE, ["1.0.0", "1.1.0", "2.0.0", "9.0.0"], ["0.9.0", "1.2.0", "1.9.9"]),
        (LAST, ["1.0.0", "1.2.0"], ["0.9.9", "1.2.1"]),
        (semver(), [], ["1.0.0"]),
        (semver({"introduced": "0"}), ["0.0.0", "9.9.9"], []),
        (semver({"introduced": "odd"}), ["0.0.0"], []),
        (semver({"introduced": "0"}, {"fixed": "odd"}), ["9.9.9"], []),
        ({"versions": ["1.0.0"]}, ["1.0.0"], ["1.0.1"]),
        ({"versions": ["1.0.0"], **LAST}, ["1.0.0", "1.1.0"], ["2.0.0"]),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, [], ["1.0.0"]),
        ({"ranges": "all", "versions": 3}, [], ["1.0.0"]),
        ({}, [], ["1.0.0"]),
    ],
)
def test_versions_are_hit_by_their_range(
    fields: dict[str, Any], hit: list[str], missed: list[str]
) -> None:
    found = advisory(**fields)
    for version in hit:
        assert affects(found, "market", "greeter", version), version
    for version in missed:
        assert not affects(found, "market", "greeter", version), version


def test_digests_decide_alone() -> None:
    found = advisory(**FIXED, database_specific={"digests": [DIGEST]})
    assert affects(found, "market", "greeter", "9.9.9", DIGEST)
    assert not affects(found, "market", "greeter", "1.0.0", "sha256:" + "b" * 64)
    assert affects(found, "market", "greeter", "1.0.0")


def test_another_name_or_marketplace_is_not_blamed() -> None:
    assert not affects(advisory(**FIXED), "market", "waver", "1.0.0")
    assert not affects(advisory(**FIXED), "other", "greeter", "1.0.0")
    assert affects(advisory(ecosystem="Kurt", **FIXED), "other", "greeter", "1.0.0")
    assert not affects(advisory(ecosystem="PyPI", **FIXED), "market", "greeter", "1.0.0")


def test_what_is_withdrawn_counts_for_nothing() -> None:
    found = advisory(**FIXED).model_copy(update={"withdrawn": "2026-11-22T00:00:00Z"})
    assert not affects(found, "market", "greeter", "1.0.0")


def write(shop: Shop, name: str, data: object) -> None:
    folder = Path(shop.root, "kurt/v1/advisories")
    folder.mkdir(exist_ok=True)
    text = data if isinstance(data, str) else json.dumps(data)
    (folder / f"{name}.json").write_text(text)


def test_advisories_are_gathered_with_the_index(shop: Shop) -> None:
    whole = advisory(**FIXED).model_dump()
    write(shop, "KURT-1", whole)
    write(shop, "KURT-2", whole | {"id": "KURT-2", "modified": "2026-11-22T00:00:00Z"})
    assert shop.build().changed
    found = reading.advisories(shop.reader, shop.index)
    assert found is not None
    assert [one.id for one in found.advisories] == ["KURT-1", "KURT-2"]
    assert affects(found.advisories[0], "market", "greeter", "1.0.0")
    table = (shop.root / "kurt/v1/advisories/modified_id.csv").read_text().splitlines()
    assert table[0] == "2026-11-22T00:00:00Z,KURT-2"
    assert not shop.build().changed
    write(shop, "KURT-2", whole | {"id": "KURT-2", "withdrawn": "2026-11-23T00:00:00Z"})
    assert shop.build().changed
    assert not verify(shop.reader).findings


def test_no_advisory_is_none(shop: Shop) -> None:
    assert reading.advisories(shop.reader, shop.index) is None


@pytest.mark.parametrize(
    "data", ["", "[]", "{", {"id": "KURT-9"}, {"id": "OTHER", "modified": "x"}, "[" * 100_000]
)
def test_what_is_no_advisory_is_told_and_left_out(shop: Shop, data: object) -> None:
    write(shop, "KURT-1", advisory(**FIXED).model_dump())
    write(shop, "KURT-9", data)
    write_skill(shop.root / "skills" / "more")
    built = shop.build()
    assert [type(one) for one in built.refused] == [MarketError]
    found = reading.advisories(shop.reader, shop.index)
    assert found is not None and [one.id for one in found.advisories] == ["KURT-1"]


def test_a_slip_of_the_pen_takes_no_warning_away(shop: Shop) -> None:
    write(shop, "KURT-1", advisory(**FIXED).model_dump())
    shop.build()
    write(shop, "KURT-1", "{")
    write_skill(shop.root / "skills" / "more")
    built = shop.build()
    assert built.changed and len(built.refused) == 1
    found = reading.advisories(shop.reader, shop.index)
    assert found is not None and [one.id for one in found.advisories] == ["KURT-1"]
