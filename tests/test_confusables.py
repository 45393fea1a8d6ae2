"""Letters that look alike, scripts of words, and what nobody sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.analysis.confusables import fold, invisible, mixed, scripts, skeleton


@pytest.mark.parametrize(
    "text, seen",
    [
        ("Іgnоre", "Ignore"),
        ("раssword", "password"),
        ("𝐞𝐱𝐞𝐜", "exec"),
        ("ｅｖａｌ", "eval"),
        ("ad\u200bmin", "admin"),
        ("Αdmin", "Admin"),
        ("ⓢystem", "system"),
        ("café", "cafe"),
        ("plain", "plain"),
    ],
)
def test_a_skeleton_is_what_a_reader_takes_it_for(text: str, seen: str) -> None:
    assert skeleton(text) == seen


@pytest.mark.parametrize(
    "text, found",
    [
        ("abc", {"LATIN"}),
        ("имя", {"CYRILLIC"}),
        ("λ", {"GREEK"}),
        ("日本ご", {"CJK"}),
        ("𝐱", {"LATIN"}),
        ("12_", set()),
        ("aб", {"LATIN", "CYRILLIC"}),
    ],
)
def test_scripts_are_named(text: str, found: set[str]) -> None:
    assert scripts(text) == found


def test_a_word_of_one_script_is_not_mixed() -> None:
    assert not any(map(mixed, ("user", "пользователь", "Größe", "変数a", "ελληνικά")))
    assert all(map(mixed, ("usеr", "is_аllowed", "Αpi")))


@given(st.text(max_size=80))
def test_a_skeleton_of_a_skeleton_is_the_same(text: str) -> None:
    once = skeleton(fold(text))
    assert not any(map(invisible, once))
    assert skeleton(skeleton(once)) == skeleton(skeleton(skeleton(once)))


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_stays_as_it_is(text: str) -> None:
    assert fold(text) == skeleton(text) == text
