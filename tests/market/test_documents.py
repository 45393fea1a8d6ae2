"""A document is read whole or refused, and says nothing twice in two ways."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kurt_ext.errors import MarketError, StaleIndexError
from kurt_ext.market.documents.advisory import Advisories
from kurt_ext.market.documents.base import Document
from kurt_ext.market.documents.index import Index
from kurt_ext.market.documents.publisher import PublisherDocument
from kurt_ext.market.documents.schemas import schemas
from kurt_ext.market.documents.signatures import SignaturesDocument
from kurt_ext.market.documents.skill import SkillDocument
from kurt_ext.market.times import age_in_words, check_fresh, seconds, stamp

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "market-index.md").read_text(encoding="utf-8")
MODELS: list[type[Document]] = [
    Index,
    SkillDocument,
    PublisherDocument,
    SignaturesDocument,
    Advisories,
]
NAMES = ["index", "skill", "publisher", "signatures", "advisories"]
EXAMPLES: list[dict[str, Any]] = [
    json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
]
ZEROS = "sha256:" + "0" * 64


def changed(number: int, path: str, value: Any) -> dict[str, Any]:
    """Return an example with one value changed; ``-`` takes it away."""
    document = deepcopy(EXAMPLES[number])
    inner: Any = document
    *above, last = path.split("/")
    for key in above:
        inner = inner[int(key) if isinstance(inner, list) else key]
    if value == "-":
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return document


@pytest.mark.parametrize("number", range(5), ids=NAMES)
def test_the_example_of_the_page_is_one(number: int) -> None:
    document = MODELS[number].read(json.dumps(EXAMPLES[number]))
    assert MODELS[number].of(document.as_dict()) == document
    assert jsonschema_rs.is_valid(
        schemas()[f"market-{NAMES[number]}.schema.json"], EXAMPLES[number]
    )


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schema_beside_the_page_is_that_of_the_model(name: str) -> None:
    kept = json.loads((ROOT / "docs" / "schemas" / name).read_text(encoding="utf-8"))
    again = 'from kurt_ext.market.documents.schemas import write_schemas; write_schemas("docs")'
    assert kept == schemas()[name], f"python -c '{again}'"


def test_no_other_schema_lies_there() -> None:
    found = {path.name for path in (ROOT / "docs" / "schemas").glob("market-*")}
    assert found == set(schemas())


@pytest.mark.parametrize("number", range(5), ids=NAMES)
def test_what_is_not_known_is_passed_over(number: int) -> None:
    document = EXAMPLES[number] | {"_private": [1], "later": {"x": None}}
    assert MODELS[number].read(json.dumps(document)) == MODELS[number].of(EXAMPLES[number])


@pytest.mark.parametrize("number", range(5), ids=NAMES)
@pytest.mark.parametrize("version", ["2.0", "0.9", "11.0"])
def test_another_major_version_is_refused(number: int, version: str) -> None:
    with pytest.raises(MarketError) as caught:
        MODELS[number].of(changed(number, "meta/api-version", version))
    assert f"api-version {version} is not understood" in (caught.value.cause or "")


def test_another_minor_version_is_read() -> None:
    assert Index.of(changed(0, "meta/api-version", "1.7")).meta.api_version == "1.7"


WRONG: list[tuple[int, str, Any]] = [
    (0, "meta", "-"),
    (0, "meta/name", "Not A Name"),
    (0, "meta/expires", "tomorrow"),
    (0, "meta/snapshot", -1),
    (0, "meta/snapshot", "17"),
    (0, "meta/snapshot", True),
    (0, "skills", {}),
    (0, "skills/0/id", "../../etc/passwd"),
    (0, "skills/0/id", "Web-Archiver"),
    (0, "skills/0/id", "COM.example.x"),
    (0, "skills/0/id", "nul"),
    (0, "skills/0/id", ""),
    (0, "skills/0/publisher", "somebody"),
    (0, "skills/0/latest", "1.2"),
    (0, "skills/0/status", "fine"),
    (0, "skills/0/score", 101),
    (0, "skills/0/detail/url", "https://evil.example/x.json"),
    (0, "skills/0/detail/url", "//evil.example/x.json"),
    (0, "skills/0/detail/url", "/etc/passwd"),
    (0, "skills/0/detail/url", "kurt/../../x.json"),
    (0, "skills/0/detail/url", "kurt/%2e%2e/x.json"),
    (0, "skills/0/detail/url", "kurt\\x.json"),
    (0, "skills/0/detail/url", "kurt/x.json?y"),
    (0, "skills/0/detail/url", "kurt/x.json#y"),
    (0, "skills/0/detail/url", "C:/x.json"),
    (0, "skills/0/detail/digest", "md5:" + "0" * 32),
    (0, "skills/0/detail/digest", "sha256:" + "A" * 64),
    (0, "skills/0/detail/size", -1),
    (0, "publishers/acme/url", "javascript:alert(1)"),
    (1, "id", "other"),
    (1, "versions", ["1.2.0", "1.2.0"]),
    (1, "versions", []),
    (1, "project-status/status", "gone"),
    (1, "releases/0/version", "1.3.0"),
    (1, "releases/0/yanked", ""),
    (1, "releases/0/yanked", True),
    (1, "releases/0/manifest/version", "9.9.9"),
    (1, "releases/0/manifest/id", "other"),
    (1, "releases/0/permissions/network_hosts", []),
    (1, "releases/0/permissions-digest", ZEROS),
    (1, "releases/0/source/type", "tar"),
    (1, "releases/0/source/digest", ZEROS),
    (1, "releases/0/source/size", 1),
    (1, "releases/0/source/files", []),
    (1, "releases/0/source/files/0/path", "../SKILL.md"),
    (1, "releases/0/source/files/0/path", "skill.py"),
    (1, "releases/0/source/files/0/path", "Skill.PY"),
    (1, "releases/0/source/files/0/path", "con.md"),
    (1, "releases/0/source/files/0/digest", ZEROS),
    (1, "releases/0/source/files/0/size", 2),
    (1, "releases/0/scan/score", -5),
    (1, "releases/0/attestations/0/type", 3),
    (1, "releases/0/attestations/0/key", "-"),
    (1, "releases/0/attestations/0/signature", None),
    (1, "releases/0/attestations/0", {"type": "sigstore"}),
    (1, "releases/0/attestations/0/evidence", {"url": "../x", "digest": ZEROS, "size": 1}),
    (1, "releases/0/attestations/0/filename", "a/b.whl"),
    (2, "name", ".."),
    (2, "keys/0/id", "short"),
    (2, "keys/0/key", "not base64!"),
    (2, "identities/0", {"issuer": "https://accounts.google.com"}),
    (2, "identities/0/revoked", "soon"),
    (3, "digest", ""),
    (4, "advisories/0/id", "../x"),
    (4, "advisories/0/affected", "all"),
]


@pytest.mark.parametrize(("number", "path", "value"), WRONG, ids=lambda part: str(part)[:40])
def test_what_is_wrong_is_refused_and_said(number: int, path: str, value: Any) -> None:
    with pytest.raises(MarketError) as caught:
        MODELS[number].read(json.dumps(changed(number, path, value)), "the thing")
    assert caught.value.message == "the thing is not what it should be"
    assert caught.value.cause


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "NaN", '{"meta":' * 5000, "\ufeff{}", b"\xff\xfe{}", '{"skills": [1]}'],
)
def test_what_is_no_document_is_refused(text: str | bytes) -> None:
    for model in MODELS:
        with pytest.raises(MarketError):
            model.read(text)


def test_a_skill_is_listed_once() -> None:
    row = EXAMPLES[0]["skills"][0]
    with pytest.raises(MarketError, match="is not what it should be") as caught:
        Index.of(EXAMPLES[0] | {"skills": [row, row]})
    assert "listed twice" in (caught.value.cause or "")


def many(*releases: tuple[str, Any], status: str = "active") -> SkillDocument:
    """Return a skill with releases of these versions, yanked or not."""
    base = EXAMPLES[1]["releases"][0]
    rows = [
        {**base, "version": version, "yanked": yanked}
        | {"manifest": {**base["manifest"], "version": version}}
        for version, yanked in releases
    ]
    versions = [version for version, _ in releases]
    document = EXAMPLES[1] | {"versions": versions, "releases": rows}
    return SkillDocument.of(document | {"project-status": {"status": status}})


@pytest.mark.parametrize(
    ("document", "latest"),
    [
        (many(("1.0.0", False), ("1.10.0", False), ("1.9.0", False)), "1.10.0"),
        (many(("1.0.0", False), ("2.0.0-rc.1", False)), "1.0.0"),
        (many(("2.0.0-rc.1", False), ("2.0.0-rc.2", False)), "2.0.0-rc.2"),
        (many(("1.0.0", False), ("1.1.0", "it deletes files")), "1.0.0"),
        (many(("1.1.0", "it deletes files")), None),
        (many(("1.0.0", False), status="quarantined"), None),
        (many(("1.0.0", False), status="deprecated"), "1.0.0"),
        (many(), None),
    ],
)
def test_the_latest_release_is_one_that_is_offered(
    document: SkillDocument, latest: str | None
) -> None:
    found = document.latest
    assert (found and found.version) == latest
    for version in document.versions:
        release = document.release(version)
        assert release is not None and release.version == version
    assert document.release("0.0.1") is None


def index(**meta: Any) -> Index:
    return Index.of(EXAMPLES[0] | {"meta": EXAMPLES[0]["meta"] | meta})


NOW = seconds("2026-11-22T13:40:00Z")


def test_a_fresh_index_tells_its_age() -> None:
    assert check_fresh(index(), now=NOW) == 86_400
    assert check_fresh(index(), seen=17, now=NOW) == 86_400
    assert check_fresh(index(), now=seconds("2026-11-21T13:39:00Z")) == 0


@pytest.mark.parametrize(
    ("meta", "seen", "words"),
    [
        ({"snapshot": 16}, 17, "older than one that was seen"),
        ({"expires": "2026-11-22T13:40:00Z"}, None, "has expired"),
        ({"expires": "2026-11-20T13:40:00Z"}, None, "has expired"),
        ({"generated": "2027-11-20T13:40:00Z"}, None, "comes from the future"),
    ],
)
def test_an_index_that_is_not_fresh_is_refused(
    meta: dict[str, Any], seen: int | None, words: str
) -> None:
    with pytest.raises(StaleIndexError, match=words):
        check_fresh(index(**meta), seen=seen, now=NOW)


def test_a_stale_index_may_be_wanted_and_a_rolled_back_one_never() -> None:
    stale = index(expires="2026-11-22T10:00:00Z")
    assert check_fresh(stale, now=NOW, allow_stale=True) == 86_400
    with pytest.raises(StaleIndexError):
        check_fresh(stale, seen=18, now=NOW, allow_stale=True)


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "", "now"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MarketError):
        seconds(text)


def test_a_time_is_written_as_it_is_read() -> None:
    assert stamp(seconds("2026-11-21T13:40:00Z")) == "2026-11-21T13:40:00Z"
    assert abs(seconds(stamp()) - __import__("time").time()) < 60


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (0, "less than a minute"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (200_000, "2 days"),
    ],
)
def test_an_age_is_said_in_words(span: float, words: str) -> None:
    assert age_in_words(span) == words


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab0-_.nul/"), min_size=1, max_size=10))
def test_the_short_way_takes_what_the_long_way_takes(text: str) -> None:
    from kurt_ext.errors import ManifestError
    from kurt_ext.market.paths import fault
    from kurt_ext.names import skill_name

    try:
        fine = skill_name(text) == text and fault(text) is None
    except ManifestError:
        fine = False
    reference = f"kurt/v1/skills/{text}.json"
    for path, value, expected in (
        ("skills/0/id", text, fine),
        ("skills/0/detail/url", reference, fault(reference) is None),
    ):
        try:
            Index.of(changed(0, path, value))
        except MarketError:
            assert not expected, value
        else:
            assert expected, value
