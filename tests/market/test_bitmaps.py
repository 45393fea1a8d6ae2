"""Sets as numbers, and sums over them, do what sets and sums do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.market import bitmaps

SIZE = 9000
NUMBERS = st.integers(0, SIZE - 1)
SETS = st.sets(NUMBERS, max_size=60) | st.builds(
    lambda start, step: set(range(start, SIZE, step)), NUMBERS, st.integers(1, 70)
)


@given(SETS, st.integers(0, 200), st.none() | st.integers(0, 200))
def test_a_page_of_a_set_is_that_of_its_sorted_numbers(
    members: set[int], offset: int, limit: int | None
) -> None:
    found = bitmaps.of_numbers(members, SIZE)
    page = sorted(members)[offset:][:limit]
    assert bitmaps.numbers_of(found, offset, limit) == page
    assert bitmaps.of_bytes(bitmaps.to_bytes(found)) == found


@given(SETS, SETS)
def test_what_another_set_has_is_taken_away(one: set[int], other: set[int]) -> None:
    left = bitmaps.without(bitmaps.of_numbers(one, SIZE), bitmaps.of_numbers(other, SIZE))
    assert set(bitmaps.numbers_of(left)) == one - other


@given(
    st.lists(st.tuples(st.lists(SETS, min_size=1, max_size=3), st.integers(0, 2)), max_size=5),
    SETS,
    st.integers(0, 300),
    st.integers(0, 150),
)
def test_the_best_are_those_of_the_largest_sums(
    addends: list[tuple[list[set[int]], int]], among: set[int], offset: int, limit: int
) -> None:
    sums = dict.fromkeys(among, 0)
    planes: list[int] = []
    for sets, shift in addends:
        bitmaps.add(planes, [bitmaps.of_numbers(one, SIZE) for one in sets], shift)
        for at, members in enumerate(sets):
            for number in members & among:
                sums[number] += 1 << at + shift
    expected = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    found = bitmaps.best(planes, bitmaps.of_numbers(among, SIZE), len(among), offset, limit)
    assert found == expected[offset : offset + limit]
