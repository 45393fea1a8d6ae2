from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resolvelib import BaseReporter
from test_loadorder import plugin

from kurt_ext import constraints, semver
from kurt_ext.errors import CircularDependencyError, PluginVersionConflictError, VersionError
from kurt_ext.resolver import Need, Release, Resolution, is_locked, resolve


def release(text: str, *needs: str) -> Release:
    """Return a release: ``ID VERSION``, and needs as ``ID CONSTRAINT``, optional with ``?``."""
    name, version = text.split()
    return Release(name, version, [need(one) for one in needs])


def need(text: str) -> Need:
    name, _, constraint = text.removesuffix("?").partition(" ")
    return Need(name, constraint or "*", text.endswith("?"))


def wanted(*texts: str) -> list[Need]:
    return [need(text) for text in texts]


# -- what is chosen ----------------------------------------------------------------


def test_the_newest_version_that_satisfies_everybody_wins() -> None:
    available = [("b", "1.0.0"), ("b", "1.10.0"), ("b", "1.9.0"), ("b", "2.0.0")]
    assert resolve(wanted("b"), available).pins == {"b": "2.0.0"}
    assert resolve(wanted("b <2"), available).pins == {"b": "1.10.0"}
    assert resolve(wanted("b <2", "b !=1.10.0"), available).pins == {"b": "1.9.0"}
    assert resolve([("b", "<1.9"), ("b", ">=1.0.0")], available).pins == {"b": "1.0.0"}


def test_what_is_needed_in_turn_is_chosen_too() -> None:
    found = resolve(
        wanted("app"),
        [
            release("app 1.0.0", "lib >=1", "log"),
            release("lib 1.0.0", "log <2"),
            release("lib 2.0.0", "log <2", "core"),
            release("log 1.0.0"),
            release("log 2.0.0"),
            release("core 1.0.0"),
            release("unasked 1.0.0"),
        ],
    )
    assert found.pins == {"app": "1.0.0", "core": "1.0.0", "lib": "2.0.0", "log": "1.0.0"}
    assert list(found.pins) == sorted(found.pins)
    assert found.levels == [["core", "log"], ["lib"], ["app"]]
    assert found.order == ["core", "log", "lib", "app"]
    assert found.needs == {"app": ["lib", "log"], "core": [], "lib": ["core", "log"], "log": []}
    assert found.notes == {}


def test_an_older_version_is_taken_where_the_newest_needs_what_is_not_there() -> None:
    available = [
        release("a 3.0.0", "gone"),
        release("a 2.0.0", "b >=2"),
        release("a 1.0.0", "b"),
        release("b 1.0.0"),
    ]
    assert resolve(wanted("a"), available).pins == {"a": "1.0.0", "b": "1.0.0"}


def test_a_choice_is_taken_back_where_a_later_one_needs_another() -> None:
    available = [("a", "1.0.0"), ("a", "2.0.0"), release("b 1.0.0", "a <2")]
    assert resolve(wanted("a", "b"), available).pins == {"a": "1.0.0", "b": "1.0.0"}


def test_what_only_a_rejected_version_needed_is_not_chosen() -> None:
    available = [
        release("a 2.0.0", "extra", "b >=2"),
        release("a 1.0.0"),
        release("b 1.0.0"),
        release("extra 1.0.0"),
    ]
    assert resolve(wanted("a"), available).pins == {"a": "1.0.0"}


def test_a_prerelease_comes_last_where_nobody_names_it() -> None:
    available = [("a", "1.0.0"), ("a", "2.0.0-rc.1"), ("b", "1.0.0-rc.1"), ("b", "1.0.0-rc.2")]
    assert resolve(wanted("a", "b"), available).pins == {"a": "1.0.0", "b": "1.0.0-rc.2"}
    assert resolve(wanted("a >=2.0.0-rc"), available).pins == {"a": "2.0.0-rc.1"}
    assert resolve(wanted("a", "a <2.0.0-rc.2"), available).pins == {"a": "2.0.0-rc.1"}
    with pytest.raises(PluginVersionConflictError):
        resolve(wanted("b >=1"), available)
    named = [release("b 1.0.0", "z"), ("z", "1.0.0"), ("z", "2.0.0-rc.1")]
    assert resolve(wanted("b", "z <2.0.0-rc.2"), named).pins["z"] == "2.0.0-rc.1"


def test_of_two_builds_the_one_whose_text_sorts_last_is_taken() -> None:
    builds = [("a", "1.0.0+1"), ("a", "1.0.0+2"), ("a", "1.0.0")]
    assert resolve(wanted("a"), builds).pins == {"a": "1.0.0+2"}
    assert resolve(wanted("a =1.0.0"), builds[::-1]).pins == {"a": "1.0.0+2"}


def test_of_two_releases_alike_but_in_needs_it_is_always_the_same_one() -> None:
    twins = [release("a 1.0.0", "b"), release("a 1.0.0"), release("b 1.0.0")]
    assert resolve(wanted("a"), twins).pins == resolve(wanted("a"), twins[::-1]).pins
    assert resolve(wanted("a"), [*twins, *twins]).pins == resolve(wanted("a"), twins).pins


def test_plugins_are_releases_too_and_one_that_is_given_is_not_exchanged() -> None:
    mine = plugin("app", "lib ^1", version="1.0.0")
    available = [plugin("lib", version="1.2.0"), plugin("lib", version="2.0.0")]
    assert resolve([mine], available).pins == {"app": "1.0.0", "lib": "1.2.0"}
    newer = plugin("app", version="9.0.0")
    assert resolve([mine], [*available, newer]).pins == {"app": "1.0.0", "lib": "1.2.0"}
    assert resolve(mine.dependencies, available).pins == {"lib": "1.2.0"}
    beta = plugin("app", "lib", version="1.0.0-rc.1")
    assert resolve([beta], available).pins == {"app": "1.0.0-rc.1", "lib": "2.0.0"}
    assert resolve([mine, Need("lib", "<1.2.1")], available).pins["lib"] == "1.2.0"


def test_of_nothing_nothing_is_needed() -> None:
    found = resolve([], [("a", "1.0.0")])
    assert (found.pins, found.levels, found.order, found.needs, found.notes) == ({}, [], [], {}, {})


def test_a_version_or_a_constraint_that_is_none_is_a_typed_error() -> None:
    for roots, available in (
        ([("a", ">>1")], [("a", "1.0.0")]),
        ([("a", "*")], [("a", "1.0")]),
        ([("a", "*")], [release("a 1.0.0", "b junk"), ("b", "1.0.0")]),
    ):
        with pytest.raises(VersionError):
            resolve(roots, available)
    # what nobody asks for is not looked at
    assert resolve([("a", "*")], [("a", "1.0.0"), ("b", "junk")]).pins == {"a": "1.0.0"}


# -- optional ----------------------------------------------------------------------


def test_an_optional_plugin_is_added_where_it_fits() -> None:
    available = [release("a 1.0.0", "b >=1?"), release("b 1.0.0", "c"), release("c 1.0.0", "d?")]
    found = resolve(wanted("a"), [*available, ("d", "1.0.0"), ("d", "2.0.0")])
    assert found.pins == {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0", "d": "2.0.0"}
    assert found.order == ["d", "c", "b", "a"]
    assert found.notes == {}


def test_an_optional_plugin_may_be_absent() -> None:
    found = resolve(wanted("a", "z?"), [release("a 1.0.0", "b >=2?", "z?")])
    assert found.pins == {"a": "1.0.0"}
    assert found.needs == {"a": []}
    absent = "which is optional, is not there"
    assert found.notes == {"": [f"z, {absent}"], "a": [f"b >=2, {absent}", f"z, {absent}"]}


def test_an_optional_plugin_changes_no_other_version() -> None:
    available = [
        release("a 1.0.0", "b?"),
        release("b 2.0.0", "c <2"),
        release("b 1.0.0", "c <3"),
        release("c 1.0.0"),
        release("c 2.0.0"),
        release("c 3.0.0"),
    ]
    found = resolve(wanted("a", "c"), available)
    assert found.pins == {"a": "1.0.0", "c": "3.0.0"}
    reason = "which is optional, is not taken, since no version of it fits what is chosen"
    assert found.notes == {"a": [f"b, {reason}"]}
    assert found.levels == [["a", "c"]]
    older = resolve(wanted("a", "c <3"), available)
    assert older.pins == {"a": "1.0.0", "b": "1.0.0", "c": "2.0.0"}


def test_an_optional_need_that_what_is_chosen_does_not_satisfy_is_gone_without() -> None:
    found = resolve(wanted("a", "b"), [release("a 1.0.0", "b <2?"), ("b", "1.0.0"), ("b", "2.0.0")])
    assert found.pins == {"a": "1.0.0", "b": "2.0.0"}
    assert found.notes == {"a": ["b <2, which is optional, is not taken, since 2.0.0 is chosen"]}
    assert found.needs == {"a": [], "b": []}


def test_an_optional_plugin_suits_as_many_as_it_can() -> None:
    versions = [("z", "1.0.0"), ("z", "2.0.0"), ("z", "3.0.0")]
    both = [release("a 1.0.0", "z >=1?"), release("b 1.0.0", "z <3?"), *versions]
    assert resolve(wanted("a", "b"), both).pins["z"] == "2.0.0"
    apart = [
        release("a 1.0.0", "z <2?"),
        release("b 1.0.0", "z >=2?"),
        release("c 1.0.0", "z <3?"),
        *versions,
    ]
    found = resolve(wanted("a", "b", "c"), apart)
    assert found.pins["z"] == "1.0.0"
    told = "z >=2, which is optional, is not taken, since 1.0.0 is chosen"
    assert found.notes == {"b": [told]}
    assert found.needs == {"a": ["z"], "b": [], "c": ["z"], "z": []}
    late = [
        release("a 1.0.0", "z?"),
        release("b 1.0.0", "z >=9?"),
        release("c 1.0.0", "z <3?"),
        *versions,
    ]
    assert resolve(wanted("a", "b", "c"), late).pins["z"] == "2.0.0"


def test_of_two_optional_plugins_that_exclude_each_other_the_first_by_id_is_taken() -> None:
    available = [
        release("a 1.0.0", "z?"),
        release("b 1.0.0", "y?"),
        release("z 1.0.0", "w <2"),
        release("y 1.0.0", "w >=2"),
        ("w", "1.0.0"),
        ("w", "2.0.0"),
    ]
    found = resolve(wanted("a", "b"), available)
    assert found.pins == {"a": "1.0.0", "b": "1.0.0", "w": "2.0.0", "y": "1.0.0"}


def test_an_optional_plugin_closes_no_circle() -> None:
    found = resolve(wanted("a"), [release("a 1.0.0", "b"), release("b 1.0.0", "a?")])
    assert found.order == ["b", "a"]
    told = "a, which is optional, need not come first, since it needs this one in turn"
    assert found.notes == {"b": [told]}


def test_an_optional_plugin_that_is_a_circle_in_itself_is_gone_without() -> None:
    circle = [release("z 1.0.0", "y"), release("y 1.0.0", "z")]
    found = resolve(wanted("a"), [release("a 1.0.0", "z?"), *circle])
    assert found.pins == {"a": "1.0.0"}
    reason = "which is optional, is not taken, since no version of it fits what is chosen"
    assert found.notes == {"a": [f"z, {reason}"]}


def test_a_plugin_without_its_optional_need_keeps_the_others() -> None:
    found = resolve(
        wanted("a"), [release("a 1.0.0", "b", "z >=9?"), ("b", "1.0.0"), ("z", "1.0.0")]
    )
    assert found.needs == {"a": ["b"], "b": []}
    assert found.order == ["b", "a"]


# -- why not -----------------------------------------------------------------------


def test_a_circle_is_an_error_that_holds_it_whole() -> None:
    available = [release("a 1.0.0", "b"), release("b 1.0.0", "c"), release("c 1.0.0", "a")]
    with pytest.raises(CircularDependencyError) as caught:
        resolve(wanted("b"), available)
    assert caught.value.cycle == ("a", "b", "c")
    assert "a → b → c → a" in caught.value.message
    with pytest.raises(CircularDependencyError) as caught:
        resolve(wanted("a"), [release("a 1.0.0", "z"), release("z 1.0.0", "z")])
    assert caught.value.cycle == ("z",)


def test_a_conflict_is_told_as_who_asked_for_what_and_what_there_is() -> None:
    available = [
        release("app 1.0.0", "left", "right"),
        release("left 1.0.0", "core <2"),
        release("right 1.0.0", "core >=2"),
        ("core", "1.0.0"),
        ("core", "2.0.0"),
    ]
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("app >=1"), available)
    error = caught.value
    assert error.message == "no version of core suits everybody who needs it"
    assert error.story == (
        "app >=1 is asked for",
        "app 1.0.0 needs left",
        "left 1.0.0 needs core <2",
        "app 1.0.0 needs right",
        "right 1.0.0 needs core >=2",
        "of core there are 1.0.0, 2.0.0",
    )
    assert error.cause == "\n".join(error.story)
    assert error.hint == (
        "loosen one of these constraints, or add a version of core that suits all"
    )


def test_a_story_tells_by_whose_need_a_version_came_in() -> None:
    available = [
        release("a 2.0.0", "z >=2"),
        release("a 1.0.0", "z <2"),
        release("z 2.0.0", "gone"),
        release("z 1.0.0", "gone"),
    ]
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a"), available)
    assert caught.value.story == (
        "a is asked for",
        "a 2.0.0 needs z >=2",
        "z 2.0.0 needs gone",
        "there is no gone",
    )
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a", "b"), [*available, release("b 1.0.0", "z <2")])
    assert caught.value.story == (
        "a is asked for",
        "a 1.0.0 needs z <2",
        "z 1.0.0 needs gone",
        "there is no gone",
    )


def test_of_a_plugin_that_is_given_nobody_says_that_it_was_asked_for() -> None:
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve([release("app 1.0.0", "core >=2")], [("core", "1.0.0")])
    assert caught.value.story == ("app 1.0.0 needs core >=2", "of core there is 1.0.0")


def test_what_is_not_there_at_all_is_said_so() -> None:
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("app"), [release("app 1.0.0", "gone >=2")])
    error = caught.value
    assert error.message == "gone is needed, and there is no version of it"
    assert error.story == (
        "app is asked for",
        "app 1.0.0 needs gone >=2",
        "there is no gone",
    )
    assert error.hint == "put the missing plugin beside the others; kurt list shows what there is"
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("app >=2"), [])
    assert caught.value.story == ("app >=2 is asked for", "there is no app")


def test_of_many_versions_the_newest_are_named() -> None:
    versions = [("a", f"1.{n}.0") for n in range(20)]
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a >=2"), versions)
    assert caught.value.story[-1] == (
        "of a there are 14 earlier ones and 1.14.0, 1.15.0, 1.16.0, 1.17.0, 1.18.0, 1.19.0"
    )
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a >=2"), versions[:6])
    assert caught.value.story[-1] == ("of a there are 1.0.0, 1.1.0, 1.2.0, 1.3.0, 1.4.0, 1.5.0")


def test_a_conflict_over_several_plugins_names_each() -> None:
    available = [
        release("a 1.0.0", "x <2", "y <2"),
        release("b 2.0.0", "x >=2"),
        release("b 1.0.0", "y >=2"),
        *[(name, version) for name in "xy" for version in ("1.0.0", "2.0.0")],
    ]
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a", "b"), available)
    assert caught.value.message == "no version of x or y suits everybody who needs it"
    assert set(caught.value.story) >= {
        "a 1.0.0 needs x <2",
        "b 2.0.0 needs x >=2",
        "b 1.0.0 needs y >=2",
        "of x there are 1.0.0, 2.0.0",
        "of y there are 1.0.0, 2.0.0",
    }


def test_a_search_ends_and_says_that_it_gave_up() -> None:
    available = [release("a 1.0.0", "b"), release("b 1.0.0", "c"), ("c", "1.0.0")]
    with pytest.raises(PluginVersionConflictError) as caught:
        resolve(wanted("a >=1", "b"), available, max_rounds=3)
    assert caught.value.message == "no versions were found that satisfy a >=1, b"
    assert caught.value.story == ("nothing was found in 3 steps, and not everything was tried",)
    assert caught.value.cause == caught.value.story[0]
    assert caught.value.hint == "narrow the constraints of what is asked for"
    assert resolve(wanted("a >=1", "b"), available, max_rounds=4).pins["c"] == "1.0.0"


def test_an_optional_plugin_that_takes_too_long_is_gone_without() -> None:
    chain = [release(f"p{n} 1.0.0", f"p{n + 1}") for n in range(5)]
    found = resolve(wanted("p0?"), [*chain, ("p5", "1.0.0")], max_rounds=3)
    assert found.pins == {}
    assert list(found.notes) == [""]


def test_a_reporter_is_told_each_step() -> None:
    pinned = []

    class Told(BaseReporter[Any, Any, str]):
        def pinning(self, candidate: Any) -> None:
            pinned.append(str(candidate.release))

    resolve(wanted("a"), [release("a 1.0.0", "b"), ("b", "1.0.0")], reporter=Told())
    assert pinned == ["a 1.0.0", "b 1.0.0"]


# -- against brute force -----------------------------------------------------------

IDS = "abcd"
ROWS = st.tuples(
    st.sampled_from(IDS),
    st.sampled_from(["*", "*", ">=2", "<2", "^1", "=2.0.0", "!=1.0.0", "<3", ">=2.0.0-rc"]),
    st.sampled_from([False, False, False, True]),
).map(lambda row: Need(*row))
VERSIONS = st.sampled_from(["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0", "3.0.0"])


@st.composite
def a_world(draw: st.DrawFn) -> list[Release]:
    found = []
    for name in IDS:
        for version in draw(st.lists(VERSIONS, unique=True, max_size=3)):
            needs = draw(st.lists(ROWS, max_size=2, unique_by=lambda row: row.plugin_id))
            found.append(Release(name, version, needs))
    return found


ROOTS = st.lists(ROWS, min_size=1, max_size=3)


def required(needs: Iterable[Need]) -> list[Need]:
    return [one for one in needs if not one.optional]


def fits(one: Need, version: str) -> bool:
    return constraints.parse(one.version_constraint).allows(version)


def solutions(roots: list[Need], world: list[Release]) -> Iterator[dict[str, Release]]:
    """Yield every choice in which all that is needed is there, and nothing else."""
    by_id: dict[str, list[Release | None]] = {name: [None] for name in IDS}
    for one in world:
        by_id[one.plugin_id].append(one)
    for choice in product(*by_id.values()):
        chosen = {one.plugin_id: one for one in choice if one is not None}
        needs = required(roots)
        for one in chosen.values():
            needs += required(one.dependencies)
        if all(
            one.plugin_id in chosen and fits(one, chosen[one.plugin_id].version) for one in needs
        ):
            reached = {one.plugin_id for one in required(roots)}
            for _ in IDS:
                reached |= {
                    one.plugin_id for name in reached for one in required(chosen[name].dependencies)
                }
            if reached == set(chosen):
                yield chosen


def tried(roots: list[Need], world: list[Release]) -> Resolution | None:
    try:
        return resolve(roots, world)
    except (PluginVersionConflictError, CircularDependencyError):
        return None


@settings(max_examples=400)
@given(ROOTS, a_world())
def test_an_answer_is_found_just_where_brute_force_finds_one(
    roots: list[Need], world: list[Release]
) -> None:
    possible = list(solutions(roots, world))
    by_name = {(one.plugin_id, one.version): one for one in world}
    try:
        found = resolve(roots, world)
    except PluginVersionConflictError as error:
        assert possible == []
        assert error.story
        return
    except CircularDependencyError as error:
        assert possible
        assert len(set(error.cycle)) == len(error.cycle) > 0
        return
    chosen = {name: by_name[name, version] for name, version in found.pins.items()}
    # what is optional is added to a solution, and takes nothing from it
    needed = [one for one in possible if all(chosen.get(name) == one[name] for name in one)]
    assert needed
    place = {name: number for number, name in enumerate(found.order)}
    assert set(place) == set(chosen)
    for name, one in chosen.items():
        for row in one.dependencies:
            if not row.optional:
                assert fits(row, chosen[row.plugin_id].version)
                assert place[row.plugin_id] < place[name]
                assert row.plugin_id in found.needs[name]
            elif row.plugin_id in found.needs[name]:
                assert fits(row, chosen[row.plugin_id].version)
                assert place[row.plugin_id] < place[name]
            else:
                assert any(row.plugin_id in note for note in found.notes[name])


@given(st.lists(ROWS, min_size=1, max_size=4), st.lists(VERSIONS, unique=True))
def test_without_further_needs_it_is_the_newest_of_each(
    roots: list[Need], versions: list[str]
) -> None:
    world = [(name, version) for name in IDS for version in versions]
    expected = {}
    for name in {one.plugin_id for one in required(roots)}:
        rows = [one for one in required(roots) if one.plugin_id == name]
        fit = [version for version in versions if all(fits(one, version) for one in rows)]
        named = [
            version
            for version in fit
            if "-" not in version or any("-" in one.version_constraint for one in rows)
        ]
        if not fit:
            with pytest.raises(PluginVersionConflictError):
                resolve(roots, world)
            return
        expected[name] = max(named or fit, key=semver.key)
    found = resolve(roots, world)
    assert {name: found.pins[name] for name in expected} == expected


@given(ROOTS, a_world(), st.randoms())
def test_the_answer_does_not_depend_on_the_order_of_anything(
    roots: list[Need], world: list[Release], shuffled: random.Random
) -> None:
    first = tried(roots, world)
    shuffled.shuffle(roots)
    shuffled.shuffle(world)
    again = tried(roots, world)
    assert first == again
    if first is not None and again is not None:
        assert first.as_lock() == again.as_lock()


# -- the lock ----------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=300)
@given(ROOTS, a_world(), ROOTS, a_world(), st.randoms())
def test_a_lock_that_holds_is_what_resolving_anew_gives(
    roots: list[Need], world: list[Release], others: list[Need], more: list[Release], chance: Any
) -> None:
    found = tried(roots, world)
    if found is None:
        return
    lock = json.loads(json.dumps(found.as_lock()))
    assert is_locked(lock, roots, world)
    assert is_locked(lock, roots[::-1], world[::-1])
    changed = [one for one in world if chance.random() < 0.8]
    changed += [one for one in more if chance.random() < 0.2]
    asked = chance.choice([roots, others])
    if is_locked(lock, asked, changed):
        again = tried(asked, changed)
        assert again is not None
        assert (again.pins, again.order) == (lock["pins"], lock["order"])


WORLD = [
    release("a 1.0.0", "b >=1", "o?"),
    release("b 1.0.0"),
    release("b 2.0.0", "c"),
    release("c 1.0.0"),
    release("far 1.0.0"),
]


@pytest.mark.parametrize(
    ("roots", "world"),
    [
        (wanted("a", "far"), WORLD),
        (wanted("a >=1"), WORLD),
        (wanted("a?"), WORLD),
        ([], WORLD),
        (wanted("a"), [*WORLD, release("b 3.0.0")]),
        (wanted("a"), [*WORLD, release("b 0.1.0")]),
        (wanted("a"), [*WORLD, release("o 1.0.0")]),
        (wanted("a"), WORLD[:3]),
        (wanted("a"), WORLD[1:]),
        (wanted("a"), [release("a 1.0.0", "b >=2", "o?"), *WORLD[1:]]),
        (wanted("a"), [release("a 1.0.0", "b >=1", "o"), *WORLD[1:]]),
        (wanted("a"), []),
        ([WORLD[0]], WORLD),
    ],
)
def test_a_change_that_may_matter_is_noticed(roots: Any, world: list[Release]) -> None:
    lock = resolve(wanted("a"), WORLD).as_lock()
    assert is_locked(lock, wanted("a"), WORLD)
    assert not is_locked(lock, roots, world)


def test_a_change_that_cannot_matter_leaves_the_lock_valid() -> None:
    lock = resolve(wanted("a"), WORLD).as_lock()
    assert is_locked(lock, [("a", "*")], WORLD[:-1])
    assert is_locked(lock, wanted("a"), [*WORLD[::-1], ("new", "1.0.0"), ("far", "junk")])


def test_of_a_given_plugin_its_own_needs_are_locked_and_its_other_versions_are_not() -> None:
    mine = release("app 1.0.0", "b >=1")
    lock = resolve([mine], WORLD).as_lock()
    assert is_locked(lock, [mine], [*WORLD, release("app 2.0.0", "far")])
    assert not is_locked(lock, [release("app 1.0.0", "b >=2")], WORLD)
    assert not is_locked(lock, [release("app 1.0.1", "b >=1")], WORLD)
    assert not is_locked(lock, [mine, ("c", "*")], WORLD)
    assert not is_locked(lock, wanted("b >=1"), WORLD)
    other = release("zoo 1.0.0", "app", "c")
    both = resolve([mine, other], WORLD).as_lock()
    assert both == resolve([other, mine], WORLD).as_lock()
    assert is_locked(both, [other, mine], WORLD)
    assert not is_locked(both, [mine], WORLD)


def test_text_that_is_no_unicode_is_a_change_and_no_failure() -> None:
    lock = resolve(wanted("a"), WORLD).as_lock()
    assert not is_locked(lock, wanted("a"), [*WORLD, ("b", "9.0.0-\udc80")])


def test_a_lock_is_json_and_says_what_it_is() -> None:
    lock = resolve(wanted("a"), WORLD).as_lock()
    assert json.loads(json.dumps(lock)) == lock
    assert lock == {
        "schema": "kurt.pins/1",
        "pins": {"a": "1.0.0", "b": "2.0.0", "c": "1.0.0"},
        "order": ["c", "b", "a"],
        "unchosen": ["o"],
        "digest": lock["digest"],
    }
    assert len(lock["digest"]) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"pins": {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}},
        {"order": ["a", "b", "c"]},
        {"unchosen": []},
        {"unchosen": None},
        {"unchosen": [[]]},
        {"pins": None},
        {"schema": "kurt.pins/2"},
        {"digest": "0" * 64},
        {"digest": None},
        {"pins": {1: b""}},
        {"more": 1},
    ],
)
def test_a_lock_that_was_edited_does_not_hold(change: dict[str, Any]) -> None:
    lock = resolve(wanted("a"), WORLD).as_lock()
    assert not is_locked({**lock, **change}, wanted("a"), WORLD)
    for key in lock:
        rest = {other: value for other, value in lock.items() if other != key}
        assert not is_locked(rest, wanted("a"), WORLD)
    assert not is_locked({}, wanted("a"), WORLD)


def test_needs_cannot_be_moved_from_one_line_to_another_unnoticed() -> None:
    one = [Release("a", "1.0.0", [Need("b", "*"), Need("c", "*")]), ("b", "1.0.0"), ("c", "1.0.0")]
    lock = resolve(wanted("a"), one).as_lock()
    for text in ("b\t*\t!c", "b', '*', '!c", "b\t*\nc"):
        spread = Release("a", "1.0.0", [Need(text, "*")])
        assert not is_locked(lock, wanted("a"), [spread, *one[1:]])
        assert "\n" not in spread.line
    assert Release("a", "1", [Need("b"), Need("c")]).line == "a\t1\t!b\t*\t!c\t*"
    assert Release("a", "1", [Need("b", ">1", True)]).line == "a\t1\t?b\t>1"
    assert "\n" not in Release("a", "1", [Need("b\nc")]).line
    tabbed = Release("a", "1", [Need("b\t*\t!c", "*")])
    assert tabbed.line == repr(["a", "1", "!b\t*\t!c", "*"])
    root = resolve([("a", "*")], [("a", "1.0.0")]).as_lock()
    assert not is_locked(root, [("a", "*"), Release("a", "1.0.0")], [])


def test_a_lock_is_checked_without_the_resolver_or_packaging() -> None:
    lock = json.dumps(resolve(wanted("a"), WORLD[:-1]).as_lock())
    script = f"""
import json, sys
from kurt_ext.resolver import Need, Release, is_locked, order
world = [Release("a", "1.0.0", [Need("b", ">=1"), Need("o", optional=True)]),
         Release("b", "1.0.0"), Release("b", "2.0.0", [Need("c")]), Release("c", "1.0.0")]
assert is_locked(json.loads({lock!r}), [("a", "*")], world)
assert order(world[1:2]).order == ["b"]
print([name for name in ("packaging", "resolvelib", "pydantic") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")


def test_a_release_says_what_it_is() -> None:
    one = release("a 1.0.0", "c", "b >=1?")
    assert str(one) == "a 1.0.0"
    assert repr(one) == (
        "Release('a', '1.0.0', (Need(plugin_id='b', version_constraint='>=1', optional=True), "
        "Need(plugin_id='c', version_constraint='*', optional=False)))"
    )
    assert one.line == release("a 1.0.0", "b >=1?", "c").line


def test_a_thousand_plugins_in_a_row_exceed_no_depth() -> None:
    chain = [release(f"p{n:04} 1.0.0", f"p{n + 1:04}") for n in range(1030)]
    found = resolve(wanted("p0000"), [*chain, ("p1030", "1.0.0")])
    assert found.order[0] == "p1030"
    assert found.order[-1] == "p0000"
