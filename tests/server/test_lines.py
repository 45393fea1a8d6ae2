"""What changes between two texts is told rightly, and never at more than it may cost."""

from __future__ import annotations

import difflib
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="the server extra is not installed")

from kurt_ext.server.lines import CONTEXT, Work, blocks, hunks

TEXT = st.lists(st.sampled_from("abcdefg"), max_size=30)
LONG = 4000


def check(old: Sequence[str], new: Sequence[str], work: Work) -> int:
    """Apply what was found to the old text, and return how many lines are kept."""
    common = blocks(old, new, work)
    i = j = 0
    for block in common:
        assert block.old >= i and block.new >= j and block.size > 0
        assert old[block.old : block.old + block.size] == new[block.new : block.new + block.size]
        i, j = block.old + block.size, block.new + block.size
    assert i <= len(old) and j <= len(new)
    made: list[str] = []
    at = 0
    for hunk in hunks(common, len(old), len(new)):
        made += old[at : hunk.old]
        assert len(made) == hunk.new
        assert any(span.sign != " " for span in hunk.spans)
        for span in hunk.spans:
            if span.sign == "+":
                made += new[span.new : span.new + span.size]
            elif span.sign == " ":
                assert span.size <= 2 * CONTEXT
                assert old[span.old] == new[span.new]
                made += old[span.old : span.old + span.size]
        assert hunk.news == len(made) - hunk.new
        at = hunk.old + hunk.olds
    assert [*made, *old[at:]] == list(new)
    return sum(block.size for block in common)


@given(TEXT, TEXT)
def test_a_change_makes_the_new_text_of_the_old_one(old: list[str], new: list[str]) -> None:
    check(old, new, Work(100_000))


@given(TEXT, TEXT, st.integers(0, 60))
def test_it_does_so_with_hardly_any_steps(old: list[str], new: list[str], steps: int) -> None:
    check(old, new, Work(steps))


@given(TEXT.map(lambda rows: rows * 2), TEXT.map(lambda rows: rows * 2))
def test_without_lines_that_are_there_once_as_many_are_kept_as_can_be(
    old: list[str], new: list[str]
) -> None:
    longest = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for x, one in enumerate(old):
        for y, other in enumerate(new):
            longest[x + 1][y + 1] = (
                longest[x][y] + 1 if one == other else max(longest[x][y + 1], longest[x + 1][y])
            )
    assert check(old, new, Work(100_000)) == longest[-1][-1]


def test_hunks_are_those_of_a_unified_diff() -> None:
    old = [f"line {number}" for number in range(100)]
    new = [*old[:10], "new", *old[10:30], *old[31:38], "other", *old[39:], "end"]
    wanted = [row for row in difflib.unified_diff(old, new, n=CONTEXT) if row.startswith("@@")]
    found = [
        f"@@ -{h.old + 1},{h.olds} +{h.new + 1},{h.news} @@\n"
        for h in hunks(blocks(old, new, Work(10_000)), len(old), len(new))
    ]
    assert found == wanted


TWICE = [*range(LONG // 2)] * 2
DICE = random.Random(3)
HOSTILE = {
    "one line again and again": (["x"] * LONG, ["x"] * (LONG - 7)),
    "two lines by chance": (DICE.choices("ab", k=LONG), DICE.choices("ab", k=LONG)),
    "forty lines by chance": (DICE.choices(range(40), k=LONG), DICE.choices(range(40), k=LONG)),
    "each line twice": (DICE.sample(TWICE, LONG), DICE.sample(TWICE, LONG)),
    "the other way round": ([*range(LONG)], [*range(LONG)][::-1]),
    "each line twice, the other way round": (TWICE, TWICE[::-1]),
    "a saw against its teeth": (["a", "b"] * (LONG // 2), ["b", "b", "a"] * (LONG // 3)),
    "nothing in common": ([*range(LONG)], [*range(LONG, 2 * LONG)]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_text_made_to_be_slow_takes_no_more_than_its_steps(case: str) -> None:
    old, new = ([f"{line}\n" for line in side] for side in HOSTILE[case])
    work = Work(50_000)
    check(old, new, work)
    assert work.left > -2 * LONG  # the last run of equal lines may go beyond
