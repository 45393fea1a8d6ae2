from __future__ import annotations

import pytest
import semver
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version

from kurt_ext import versions
from kurt_ext.errors import ManifestError

NUMBER = st.integers(0, 10**18 - 1).map(str)
IDENTIFIER = st.text("0123456789abcXYZ-", min_size=1, max_size=6)
DOTTED = st.lists(IDENTIFIER, min_size=1, max_size=3).map(".".join)


@st.composite
def semver_like(draw: st.DrawFn) -> str:
    text = ".".join(draw(st.lists(st.integers(0, 999).map(str), min_size=3, max_size=3)))
    pre = draw(st.none() | DOTTED | st.sampled_from(["alpha.1", "beta", "rc2", "RC.3", "alpha.01"]))
    build = draw(st.none() | DOTTED)
    return text + (f"-{pre}" if pre else "") + (f"+{build}" if build else "")


@given(semver_like() | st.text("0123456789.-+abv*", max_size=12))
def test_a_version_is_what_semver_says_it_is(text: str) -> None:
    assert versions.is_semver(text) == semver.Version.is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "1.*",
        "*",
        "1.2.3.4",
        "01.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3+",
        "v1.2.3",
        " 1.2.3",
        "1.2.3\n",
        "١.٢.٣",
        "1.2.3-é",
        "1.0.0-" + "a" * 60,
        "9999999999999999999.0.0",
    ],
)
def test_what_is_no_version_is_refused_with_the_rule(text: str) -> None:
    assert not versions.is_semver(text)
    with pytest.raises(ManifestError, match="is not a version") as caught:
        versions.check(text)
    assert "SemVer" in (caught.value.cause or "")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", "1.0.0"),
        ("v1.2", "1.2.0"),
        ("1.10", "1.10.0"),
        ("2-rc.1", "2.0.0-rc.1"),
        ("v1.2.3", "1.2.3"),
        ("1.2.3.4", None),
        ("latest", None),
        ("", None),
        ("1.*", None),
    ],
)
def test_a_short_version_is_completed_where_there_is_one_meaning(
    text: str, meant: str | None
) -> None:
    assert versions.complete(text) == meant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3-alpha.1", "1.2.3a1"),
        ("1.2.3-beta", "1.2.3b0"),
        ("1.2.3-rc.12", "1.2.3rc12"),
        ("1.2.3-rc1", "1.2.3rc1"),
        ("1.2.3-RC.1", "1.2.3rc1"),
        ("1.2.3+build.007", "1.2.3+build.7"),
        ("1.2.3-rc.1+b", "1.2.3rc1+b"),
        ("1.2.3-x.7.z.92", "1.2.3.dev0+x.7.z.92"),
        ("1.2.3-SNAPSHOT", "1.2.3.dev0+snapshot"),
        ("1.2.3-alpha.1.2", "1.2.3.dev0+alpha.1.2"),
        ("1.2.3-0.3.7+b--c", "1.2.3.dev0+0.3.7.b.c"),
        ("1.2.3--", "1.2.3.dev0"),
    ],
)
def test_a_version_has_one_spelling_for_python(text: str, expected: str) -> None:
    assert versions.to_pep440(text) == expected


@given(semver_like())
def test_every_version_becomes_a_normalised_pep_440_version(text: str) -> None:
    assume(versions.is_semver(text))
    spelt = versions.to_pep440(text)
    assert str(Version(spelt)) == spelt
    assert Version(spelt).is_prerelease == (semver.Version.parse(text).prerelease is not None)
    assert ".".join(map(str, Version(spelt).release)) == text.partition("-")[0].partition("+")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "1.0.0"),
        ("1.2.3", "1.2.3"),
        ("2024.1.2.3", "2024.1.2+3"),
        ("1.0a1", "1.0.0-alpha.1"),
        ("1.0b2.dev3", "1.0.0-beta.2.dev.3"),
        ("1.0rc1.post2+Local.7", "1.0.0-rc.1+post.2.local.7"),
        ("3!1.0.dev0", "1.0.0-dev.0+epoch.3"),
    ],
)
def test_a_version_of_python_has_a_form_in_semver(text: str, expected: str) -> None:
    assert versions.from_pep440(text) == expected
    assert versions.is_semver(expected)


@given(semver_like())
def test_a_version_survives_the_way_to_python_and_back(text: str) -> None:
    assume(versions.is_semver(text))
    spelt = versions.to_pep440(text)
    assume(".dev" not in spelt and "+" not in spelt)
    assert versions.to_pep440(versions.from_pep440(spelt)) == spelt


@given(semver_like(), semver_like())
def test_a_prerelease_comes_before_its_release_for_python_too(one: str, two: str) -> None:
    assume(versions.is_semver(one) and "-" in one.partition("+")[0])
    release = one.partition("+")[0].partition("-")[0]
    assert Version(versions.to_pep440(one)) < Version(versions.to_pep440(release))


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "1.2.3",
        ">=1.0.0",
        "<2.0.0",
        ">=1.0.0,<2.0.0",
        ">=1.0.0, <2.0.0",
        ">= 1.0.0 < 2.0.0",
        "^1.2",
        "~1.2.3",
        "!=1.0.0",
        "==1.0.0",
        "=1.0.0",
        "1.x",
        "1.2.*",
        ">=1.0.0-rc.1+b",
    ],
)
def test_a_constraint_of_the_documents_or_of_npm_is_one(text: str) -> None:
    assert versions.check_constraint(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            ",",
            "junk",
            ">=",
            ">=,1.0.0",
            "1.0.0,",
            ",1.0.0",
            ">=>=1.0.0",
            "1..0",
            "1.2.3.4",
        ),
        *("1.*.2", "a,b", ">=1.0.0,,<2.0.0", "٣", "1" * 400),
    ],
)
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="is not a version constraint"):
        versions.check_constraint(text)


@given(st.text(max_size=40))
def test_no_text_makes_the_checks_fail_otherwise(text: str) -> None:
    for check in (versions.check, versions.check_constraint, versions.to_pep440):
        try:
            check(text)
        except ManifestError:
            pass
