from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_semver import a_version

from kurt_ext import constraints, semver, versions
from kurt_ext.constraints import Constraint, parse
from kurt_ext.errors import VersionError

#: constraint → what satisfies it, what does not
TABLE = {
    # the plugin document's forms
    "1.2.3": ("1.2.3 1.2.3+b", "1.2.2 1.2.4 1.2.3-rc.1 1.3.0 2.0.0"),
    "*": ("0.0.0 1.2.3 99.0.0 1.0.0-rc.1", ""),
    ">=1.0.0": ("1.0.0 1.0.1 2.0.0 1.0.0+b", "0.9.9 1.0.0-rc.1 2.0.0-rc.1"),
    "<2.0.0": ("1.9.9 0.0.0", "2.0.0 2.0.0+b 2.0.0-rc.1 1.0.0-rc.1 2.0.1"),
    ">=1.0.0,<2.0.0": ("1.0.0 1.5.2 1.999.0", "0.9.9 2.0.0 2.0.0-alpha 1.5.0-alpha"),
    # the other comparisons
    ">1.2.3": ("1.2.4 1.3.0", "1.2.3 1.2.3+b 1.2.2 1.2.4-rc.1"),
    "<=1.2.3": ("1.2.3 1.2.3+b 1.2.2", "1.2.4 1.2.3-rc.1"),
    "=1.2.3": ("1.2.3", "1.2.2 1.2.4"),
    "==1.2.3": ("1.2.3", "1.2.2 1.2.4"),
    "!=1.2.3": ("1.2.2 1.2.4 0.0.0 9.9.9", "1.2.3 1.2.3+b 1.2.4-rc.1"),
    ">=1.0.0 !=1.2.3 <2.0.0": ("1.0.0 1.2.2 1.2.4", "1.2.3 2.0.0 0.9.0"),
    # caret: up to the next change of the leftmost number that is not 0
    "^1.2.3": ("1.2.3 1.2.4 1.9.0", "1.2.2 2.0.0 2.0.0-0 1.2.3-rc.1"),
    "^0.2.3": ("0.2.3 0.2.9", "0.2.2 0.3.0 0.9.9 1.0.0 0.3.0-0"),
    "^0.0.3": ("0.0.3", "0.0.2 0.0.4 0.1.0"),
    "^0.0.0": ("0.0.0", "0.0.1 0.1.0"),
    "^1.2": ("1.2.0 1.9.9", "1.1.9 2.0.0"),
    "^1": ("1.0.0 1.9.9", "0.9.9 2.0.0"),
    "^0.1": ("0.1.0 0.1.9", "0.0.9 0.2.0 0.9.9"),
    "^0.0": ("0.0.0 0.0.9", "0.1.0"),
    "^0": ("0.0.0 0.9.9", "1.0.0"),
    "^0.x": ("0.0.0 0.9.9", "1.0.0"),
    "^1.x.x": ("1.0.0 1.9.9", "2.0.0"),
    "^*": ("0.0.0 9.0.0", ""),
    "^1.2.3-beta.2": ("1.2.3-beta.2 1.2.3-beta.10 1.2.3 1.9.0", "1.2.3-beta.1 1.2.4-beta.2"),
    # tilde: the same minor, or the same major where no minor is given
    "~1.2.3": ("1.2.3 1.2.9", "1.2.2 1.3.0 1.3.0-0"),
    "~1.2": ("1.2.0 1.2.9", "1.1.9 1.3.0"),
    "~1": ("1.0.0 1.9.9", "0.9.9 2.0.0"),
    "~0.2.3": ("0.2.3 0.2.9", "0.3.0"),
    "~0": ("0.0.0 0.9.9", "1.0.0"),
    "~*": ("0.0.0 9.0.0", ""),
    "~1.2.3-beta.2": ("1.2.3-beta.2 1.2.3 1.2.9", "1.2.3-beta.1 1.2.4-beta.2 1.3.0"),
    # short versions and x-ranges
    "1": ("1.0.0 1.9.9", "0.9.9 2.0.0 1.0.0-rc.1 2.0.0-0"),
    "1.2": ("1.2.0 1.2.9", "1.1.9 1.3.0"),
    "=1.2": ("1.2.0 1.2.9", "1.1.9 1.3.0"),
    "==1.2.*": ("1.2.0 1.2.9", "1.1.9 1.3.0"),
    "1.x": ("1.0.0 1.9.9", "0.9.9 2.0.0"),
    "1.*.*": ("1.0.0 1.9.9", "0.9.9 2.0.0"),
    "1.2.X": ("1.2.0 1.2.9", "1.1.9 1.3.0"),
    "x": ("0.0.0 1.2.3", ""),
    "!=1.2": ("1.1.9 1.3.0", "1.2.0 1.2.9"),
    "!=1.x": ("0.9.9 2.0.0", "1.0.0 1.9.9"),
    ">1.2": ("1.3.0 2.0.0", "1.2.0 1.2.9 1.3.0-rc.1"),
    ">1": ("2.0.0", "1.0.0 1.9.9"),
    ">=1.2": ("1.2.0 1.2.1 2.0.0", "1.1.9"),
    "<1.2": ("1.1.9 0.0.0", "1.2.0 1.2.0-rc.1"),
    "<=1.2": ("1.2.0 1.2.9 1.1.0", "1.3.0"),
    "<=1": ("1.9.9 0.0.0", "2.0.0"),
    ">=*": ("0.0.0 9.0.0", ""),
    "<=*": ("0.0.0 9.0.0 1.0.0-rc.1", ""),
    ">*": ("", "0.0.0 9.0.0"),
    "<*": ("", "0.0.0 9.0.0 0.0.0-0"),
    "!=*": ("", "0.0.0 9.0.0"),
    # what is asked for together
    "*,<2.0.0": ("1.0.0", "2.0.0 1.0.0-rc.1"),
    ">2.0.0,<1.0.0": ("", "0.0.0 1.5.0 3.0.0"),
    ">=1.0.0,<=1.0.0": ("1.0.0", "1.0.1 0.9.9"),
    "!=1.0.0,!=2.0.0": ("0.9.0 1.5.0 3.0.0", "1.0.0 2.0.0"),
    # blanks, within and around
    " >= 1.0.0 , < 2.0.0 ": ("1.0.0 1.9.9", "2.0.0 0.9.9"),
    ">=1.0.0 <2.0.0": ("1.0.0 1.9.9", "2.0.0 0.9.9"),
    " 1.2.3": ("1.2.3", "1.2.4"),
    # pre-releases: where one of the same release is named
    ">=1.0.0-rc.1": ("1.0.0-rc.1 1.0.0-rc.2 1.0.0 2.0.0", "1.0.0-beta 1.0.1-rc.1 2.0.0-rc.1"),
    ">1.0.0-rc.1": ("1.0.0-rc.2 1.0.0", "1.0.0-rc.1"),
    "<2.0.0-rc.2": ("2.0.0-rc.1 2.0.0-alpha 1.0.0", "2.0.0-rc.2 2.0.0 1.0.0-rc.1"),
    "<=2.0.0-rc.2": ("2.0.0-rc.2 2.0.0-rc.1 1.0.0", "2.0.0"),
    "=1.0.0-rc.1": ("1.0.0-rc.1 1.0.0-rc.1+b", "1.0.0-rc.2 1.0.0"),
    ">=1.0.0 !=1.5.0-rc.1": ("1.5.0 1.0.0", "1.5.0-rc.1 1.5.0-rc.2"),
    ">=1.2 <1.2.0-rc.2": ("", "1.2.0-rc.1 1.2.0"),
    ">1.2 <1.3.0-rc.2": ("", "1.3.0-rc.1 1.3.0 1.2.9"),
    "1.2 <1.2.0-rc.2": ("", "1.2.0-rc.1 1.2.0"),
    "<1.2 >1.2.0-rc.1": ("", "1.2.0-rc.2 1.2.0"),
    "<=1.2 >=1.3.0-rc.1": ("", "1.3.0-rc.1 1.3.0-rc.2"),
    "!=1.2 >=1.2.0-rc.1": ("1.2.0-rc.1 1.3.0", "1.2.0 1.2.9"),
    ">=1.0.0-rc.1 <1.1.0-rc.1": ("1.0.0-rc.2 1.1.0-alpha 1.0.5", "1.1.0-rc.1 1.0.5-rc.1"),
}


@pytest.mark.parametrize("text", TABLE)
def test_a_constraint_means_what_npm_means_by_it(text: str) -> None:
    fit, unfit = TABLE[text]
    constraint = parse(text)
    assert [version for version in fit.split() if not constraint.allows(version)] == []
    assert [version for version in unfit.split() if constraint.allows(version)] == []
    assert str(constraint) == constraint.text == text
    assert repr(constraint) == f"Constraint({text!r})"


OPERATORS = ["", "=", "==", "!=", ">", ">=", "<", "<=", "^", "~"]
PARTIAL = st.lists(st.integers(0, 3).map(str), max_size=2).flatmap(
    lambda given: st.lists(st.sampled_from("x*X"), max_size=3 - len(given)).map(
        lambda rest: ".".join([*given, *rest]) or "*"
    )
)
COMPARATOR = st.tuples(
    st.sampled_from(OPERATORS), st.sampled_from(["", " "]), PARTIAL | a_version()
).map("".join)


@st.composite
def a_constraint(draw: st.DrawFn) -> str:
    text = draw(COMPARATOR)
    for more in draw(st.lists(COMPARATOR, max_size=3)):
        text += draw(st.sampled_from([",", " ", " , ", ", "])) + more
    return draw(st.sampled_from(["", " "])) + text


@given(a_constraint() | st.text("0123.x*><=!^~,- ab+", max_size=14) | st.text(max_size=8))
def test_what_is_spelt_as_a_constraint_has_a_meaning_and_nothing_else_has(text: str) -> None:
    if versions.is_constraint(text):
        constraint = Constraint(text)
        assert isinstance(constraint.allows("1.0.0"), bool)
    else:
        with pytest.raises(VersionError, match="is not a version constraint") as caught:
            Constraint(text)
        assert caught.value.hint


@given(a_constraint())
def test_the_intervals_ascend_and_lie_apart(text: str) -> None:
    if not versions.is_constraint(text):
        return
    cuts = [cut for interval in Constraint(text).intervals for cut in interval]
    assert all(low < high for low, high in Constraint(text).intervals)
    assert cuts == sorted(cuts)


@given(st.lists(COMPARATOR, min_size=1, max_size=4), a_version())
def test_all_comparators_must_hold(parts: list[str], version: str) -> None:
    parts = [part for part in parts if len(part) < 60]
    if not parts:
        return
    key = semver.key(version)
    each = all(Constraint(part).covers(key) for part in parts)
    assert Constraint(",".join(parts)).covers(key) == each
    assert Constraint(" ".join(reversed(parts))).covers(key) == each


@given(a_version(), a_version())
def test_a_comparison_is_that_of_the_versions(version: str, bound: str) -> None:
    place = semver.compare(version, bound)
    key = semver.key(version)
    expected = {
        "": place == 0,
        "=": place == 0,
        "==": place == 0,
        "!=": place != 0,
        ">": place > 0,
        ">=": place >= 0,
        "<": place < 0,
        "<=": place <= 0,
    }
    assert {sign: parse(sign + bound).covers(key) for sign in expected} == expected


@given(a_version(), a_version(), st.sampled_from(["^", "~", "", ">=", "<", "!="]))
def test_a_prerelease_needs_one_of_its_own_release_named(
    version: str, bound: str, operator: str
) -> None:
    found, named = semver.parse(version), semver.parse(bound)
    if not found.prerelease or not parse(operator + bound).allows(version):
        return
    assert operator != "!="
    assert named.prerelease
    assert found.key[:3] == named.key[:3]


@given(st.lists(a_version(), max_size=8), a_constraint())
def test_a_set_of_versions_is_sifted_as_each_by_itself(found: list[str], text: str) -> None:
    if not versions.is_constraint(text):
        return
    found = sorted(found, key=semver.key)
    constraint = parse(text)
    allowed, preferred = constraint.among([semver.key(version) for version in found])
    assert [bool(allowed >> n & 1) for n in range(len(found))] == [
        constraint.allows(version) for version in found
    ]
    assert allowed < 1 << len(found)
    assert preferred & ~allowed == 0
    for rank, version in enumerate(found):
        if allowed >> rank & 1:
            key = semver.key(version)
            named = bool(key[3]) or key[:3] in constraint.bases
            assert bool(preferred >> rank & 1) == named


def test_any_version_prefers_releases() -> None:
    keys = [semver.key(text) for text in ("1.0.0-rc.1", "1.0.0", "2.0.0-rc.1")]
    assert parse("*").among(keys) == (0b111, 0b010)
    assert parse("=1.0.0-rc.1").among(keys) == (0b001, 0b001)
    assert parse(">=1.0.0-rc.1").among(keys) == (0b011, 0b011)


def test_a_caret_keeps_the_promises_of_a_version() -> None:
    assert constraints.caret("1.2.3").allows("1.9.0")
    assert not constraints.caret("1.2.3").allows("2.0.0")
    assert not constraints.caret("0.2.3").allows("0.3.0")
    for text in ("1.2", "", ">=1.0.0"):
        with pytest.raises(VersionError, match="is not a version"):
            constraints.caret(text)


def test_the_memory_of_constraints_does_not_grow_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constraints, "_KEPT", 3)
    monkeypatch.setattr(constraints, "_parsed", {})
    first = parse(">=1")
    assert parse(">=1") is first
    for number in range(2, 9):
        assert parse(f">={number}").allows(f"{number}.0.0")
        assert len(constraints._parsed) <= 3
    assert parse(">=1") is not first
