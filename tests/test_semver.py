from __future__ import annotations

import pickle
from itertools import pairwise

import pytest
import semver as oracle
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext import semver, versions
from kurt_ext.errors import ManifestError, VersionError

NUMBER = st.integers(0, 3) | st.sampled_from([10, 10**18 - 1])
WORD = st.sampled_from(["0", "1", "9", "10", "alpha", "beta", "rc", "rc1", "x-1", "-", "A", "a"])
DOTTED = st.lists(WORD, min_size=1, max_size=3).map(".".join)


@st.composite
def a_version(draw: st.DrawFn) -> str:
    """Return a version out of few, so that two of them are often equal or close."""
    release = ".".join(str(draw(NUMBER)) for _ in range(3))
    pre, build = draw(st.none() | DOTTED), draw(st.none() | DOTTED)
    text = release + (f"-{pre}" if pre else "") + (f"+{build}" if build else "")
    return text if versions.is_semver(text) else release


@given(a_version())
def test_the_parts_are_those_that_semver_finds(text: str) -> None:
    ours, theirs = semver.parse(text), oracle.Version.parse(text)
    assert (ours.major, ours.minor, ours.patch) == theirs.to_tuple()[:3]
    pre = ".".join(map(str, ours.prerelease)) or None
    assert (pre, ours.build) == (theirs.prerelease, theirs.build)
    assert str(ours) == ours.text == text
    assert repr(ours) == f"Semver({text!r})"


def test_a_numeric_identifier_is_a_number_and_another_is_text() -> None:
    assert semver.parse("1.2.3-rc.10.x9+001").prerelease == ("rc", 10, "x9")
    assert semver.parse("1.2.3-rc.10.x9+001").build == "001"
    assert semver.parse("1.2.3").prerelease == ()
    assert semver.parse("1.2.3").build is None


@given(a_version(), a_version())
def test_two_versions_are_ordered_as_semver_orders_them(one: str, other: str) -> None:
    expected = oracle.Version.parse(one).compare(other)
    assert semver.compare(one, other) == expected
    first, second = semver.parse(one), semver.parse(other)
    assert (first < second, first <= second) == (expected < 0, expected <= 0)
    assert (first > second, first >= second) == (expected > 0, expected >= 0)
    assert (first == second, first != second) == (expected == 0, expected != 0)
    if expected == 0:
        assert hash(first) == hash(second)


def test_the_specifications_own_chain_is_in_order() -> None:
    pre = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]  # section 11.4
    chain = [*(f"1.0.0-{word}" for word in pre), "1.0.0", "2.0.0", "2.1.0", "2.1.1"]
    assert sorted(chain, key=lambda text: semver.key(text)) == chain
    assert all(semver.compare(*pair) == -1 for pair in pairwise(chain))


def test_two_builds_of_a_version_are_equal() -> None:
    assert semver.compare("1.0.0+a", "1.0.0+b") == 0
    assert len({semver.parse("1.0.0+a"), semver.parse("1.0.0")}) == 1


def test_versions_that_differ_rarely_have_one_hash() -> None:
    assert len({hash(semver.parse(f"1.0.{patch}")) for patch in range(99)}) > 90


def test_a_version_equals_no_text_and_has_no_order_with_one() -> None:
    assert semver.parse("1.0.0") != "1.0.0"
    with pytest.raises((TypeError, AttributeError)):
        assert semver.parse("1.0.0") < "2.0.0"  # type: ignore[operator]


@given(st.text("0123456789.-+abv*", max_size=12) | st.text(max_size=12))
def test_what_is_no_version_is_one_typed_error_everywhere(text: str) -> None:
    if versions.is_semver(text):
        assert semver.parse(text).text == text
        return
    for ask in (semver.parse, semver.key, semver.Semver):
        with pytest.raises(VersionError, match="is not a version") as caught:
            ask(text)
        assert isinstance(caught.value, ManifestError | ValueError)
        assert caught.value.reference == "version-invalid"
        assert caught.value.hint is not None
    for pair in ((text, "1.0.0"), ("1.0.0", text)):
        with pytest.raises(VersionError):
            semver.compare(*pair)


@given(st.lists(a_version(), max_size=6))
def test_the_latest_is_the_newest_release_else_the_newest_prerelease(texts: list[str]) -> None:
    found = semver.latest(texts)
    assert found == semver.latest(texts[::-1])
    if not texts:
        assert found is None
        return
    assert found in texts
    pool = [text for text in texts if oracle.Version.parse(text).prerelease is None] or texts
    assert all(oracle.Version.parse(found).compare(text) >= 0 for text in pool)
    assert found in pool


def test_of_two_builds_of_the_latest_the_answer_is_always_the_same_one() -> None:
    assert semver.latest(["1.0.0+b", "1.0.0+a", "1.0.0+c", "1.0.0"]) == "1.0.0+c"


def test_a_version_can_be_kept_in_a_file() -> None:
    assert pickle.loads(pickle.dumps(semver.parse("1.2.3-rc.1+b"))) == semver.parse("1.2.3-rc.1")


def test_the_memory_of_texts_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semver, "_KEPT", 3)
    monkeypatch.setattr(semver, "_parsed", {})
    first = semver.parse("0.0.1")
    assert semver.parse("0.0.1") is first
    for number in range(2, 9):
        assert semver.parse(f"0.0.{number}").patch == number
        assert len(semver._parsed) <= 3
    assert semver.parse("0.0.1") is not first
