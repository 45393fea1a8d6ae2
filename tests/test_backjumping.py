from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_resolver import ROOTS, a_world, release, required, solutions, wanted

from kurt_ext.backjumping import TooManyStepsError, exhaust
from kurt_ext.errors import PluginVersionConflictError
from kurt_ext.picking import Pick, World
from kurt_ext.releases import Need, Release
from kurt_ext.resolver import resolve

#: b 3.0.0 leads round to a need that only another b would satisfy; b 1.1.0 needs nothing.
OVERLOOKED = [
    release("a 3.0.0", "b"),
    release("b 3.0.0", "e"),
    release("b 1.1.0"),
    release("c 2.0.0", "b =2.0.0"),
    release("e 1.0.0", "c"),
]


def found(
    roots: list[Need], world: list[Release], steps: int = 10_000, **fixed: str
) -> dict[str, str] | None:
    whole = World(world)
    held: dict[str, Pick] = {}
    for name, version in fixed.items():
        held[name] = next(
            pick for pick in whole.plugin(name).picks if pick.release.version == version
        )
    picks = exhaust(whole, [whole.ask(need) for need in required(roots)], held, steps)
    return picks and {name: pick.release.version for name, pick in picks.items()}


def test_an_answer_that_resolvelib_passes_over_is_found() -> None:
    assert resolve(wanted("a >=2"), OVERLOOKED).pins == {"a": "3.0.0", "b": "1.1.0"}


@pytest.mark.slow
@settings(max_examples=400)
@given(ROOTS, a_world())
def test_an_answer_is_found_just_where_there_is_one(
    roots: list[Need], world: list[Release]
) -> None:
    possible = [
        {name: one.version for name, one in choice.items()} for choice in solutions(roots, world)
    ]
    answer = found(roots, world)
    if answer is None:
        assert possible == []
    else:
        assert answer in possible


@given(ROOTS, a_world(), st.data())
def test_what_is_fixed_stays_and_its_needs_are_left_aside(
    roots: list[Need], world: list[Release], data: st.DataObject
) -> None:
    if not world:
        return
    one = data.draw(st.sampled_from(world))
    answer = found(roots, world, **{one.plugin_id: one.version})
    others = [row for row in world if row.plugin_id != one.plugin_id]
    alone = Release(one.plugin_id, one.version)
    possible = [
        {name: row.version for name, row in choice.items()}
        for choice in solutions(roots, [*others, alone])
    ]
    assert (answer is None) == (not possible)
    assert answer is None or answer in possible


def test_the_newest_is_tried_first_and_a_prerelease_last() -> None:
    versions = [release("a 1.0.0"), release("a 2.0.0"), release("a 3.0.0-rc.1")]
    assert found(wanted("a"), versions) == {"a": "2.0.0"}
    assert found(wanted("a", "a >=3.0.0-rc"), versions) == {"a": "3.0.0-rc.1"}
    unfinished = [release("a 1.0.0-rc.1"), release("a 1.0.0-rc.2")]
    assert found(wanted("a"), unfinished) == {"a": "1.0.0-rc.2"}


def test_a_dead_end_leads_back_to_a_choice_that_had_a_part_in_it() -> None:
    # Ten plugins of three versions each lie between the choice and its consequence: going
    # back one by one would try 3**10 combinations.
    between = [release(f"m{n} {v}.0.0") for n in range(10) for v in (1, 2, 3)]
    world = [
        *between,
        release("a 2.0.0", "z >=2"),
        release("a 1.0.0", "z"),
        release("y 1.0.0", "z <2"),
        release("z 1.0.0"),
        release("z 2.0.0"),
    ]
    roots = wanted("a", *[f"m{n}" for n in range(10)], "y")
    answer = found(roots, world, steps=60)
    assert answer is not None
    assert (answer["a"], answer["z"], answer["m9"]) == ("1.0.0", "1.0.0", "3.0.0")
    impossible = [*wanted("a >=2"), *roots]
    assert found(impossible, world, steps=60) is None


def test_a_need_of_itself_is_satisfied_by_the_version_that_has_it_or_by_none() -> None:
    assert found(wanted("a"), [release("a 1.0.0", "a")]) == {"a": "1.0.0"}
    assert found(wanted("a"), [release("a 2.0.0", "a <2"), release("a 1.0.0")]) == {"a": "1.0.0"}
    assert found(wanted("a"), [release("a 2.0.0", "a <2")]) is None


def test_of_nothing_nothing_is_chosen() -> None:
    assert found([], []) == {}
    assert found(wanted("a"), []) is None


def test_the_steps_are_counted() -> None:
    chain = [release("a 1.0.0", "b"), release("b 1.0.0", "c"), release("c 1.0.0")]
    assert found(wanted("a"), chain, steps=3) == {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}
    with pytest.raises(TooManyStepsError):
        found(wanted("a"), chain, steps=2)


def test_who_is_told_that_not_everything_was_tried_is_not_told_impossible() -> None:
    # To resolvelib ten versions that fail alike are one step, to this search they are ten.
    world = [release(f"a {n}.0.0", "gone") for n in range(10)]
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a >=0"), world, max_rounds=9)
    assert caught.value.message == "no versions were found that satisfy a >=0"
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a >=0"), world, max_rounds=10)
    assert caught.value.message == "gone is needed, and there is no version of it"
