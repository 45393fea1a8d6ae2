from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.constraints import parse
from kurt_ext.errors import (
    CircularDependencyError,
    DependencyError,
    IncompatibleError,
    KurtError,
    PluginVersionConflictError,
    VersionError,
)
from kurt_ext.models import PluginMetadata
from kurt_ext.resolver import Order, compatible, order


def plugin(name: str, *needs: str, version: str = "1.0.0", **fields: Any) -> PluginMetadata:
    """Return a plugin; each of ``needs`` is ``ID``, ``ID CONSTRAINT`` or either with ``?``."""
    rows = []
    for need in needs:
        other, _, constraint = need.removesuffix("?").partition(" ")
        row = {"plugin_id": other, "version_constraint": constraint or "*"}
        rows.append({**row, "optional": need.endswith("?")})
    return PluginMetadata.model_validate(
        {"plugin_id": name, "name": name, "version": version, "dependencies": rows, **fields}
    )


def test_what_is_needed_comes_first() -> None:
    found = order([plugin("c", "b"), plugin("b", "a"), plugin("a"), plugin("z"), plugin("d", "a")])
    assert found.levels == [["a", "z"], ["b", "d"], ["c"]]
    assert found.order == ["a", "z", "b", "d", "c"]
    assert found.unloadable == {}
    assert found.notes == {}
    assert found.needs == {"a": [], "b": ["a"], "c": ["b"], "d": ["a"], "z": []}
    assert found.needed_by == {"a": ["b", "d"], "b": ["c"], "c": [], "d": [], "z": []}


def test_of_nothing_there_is_an_order() -> None:
    assert order([]) == Order([], {}, {}, {}, {})
    assert order([]).order == []


def test_of_two_with_one_id_the_first_counts() -> None:
    found = order([plugin("a", version="2.0.0"), plugin("a", "gone"), plugin("b", "a >=2")])
    assert found.order == ["a", "b"]


def test_a_missing_plugin_fails_those_that_need_it_and_nobody_else() -> None:
    found = order([plugin("a", "b"), plugin("b", "c"), plugin("c", "gone >=2"), plugin("free")])
    assert found.order == ["free"]
    assert list(found.unloadable) == ["a", "b", "c"]
    chains = {name: getattr(error, "chain", None) for name, error in found.unloadable.items()}
    assert chains == {
        "a": ("a", "b", "c", "gone"),
        "b": ("b", "c", "gone"),
        "c": ("c", "gone"),
    }
    assert all(type(error) is DependencyError for error in found.unloadable.values())
    own, passed_on = found.unloadable["c"], found.unloadable["a"]
    assert own.message == "c cannot be loaded: it needs gone >=2, which is not there"
    assert own.cause is None  # which would say the same again
    assert own.hint == "put the missing plugin beside it; kurt list shows what there is"
    assert own.skill == "c"
    assert passed_on.message == "a cannot be loaded: it needs b, which cannot be loaded"
    assert passed_on.cause == f"a → b → c → gone\n{own.message}"
    assert passed_on.hint == own.hint
    assert passed_on.skill == "a"


def test_a_slip_in_an_id_is_told_with_the_id_that_is_near() -> None:
    found = order([plugin("com.a.one", "com.a.cour"), plugin("com.a.core")])
    assert found.unloadable["com.a.one"].hint == (
        "did you mean com.a.core? the name is in the dependencies of com.a.one"
    )


def test_all_that_a_plugin_lacks_is_told_at_once() -> None:
    found = order([plugin("a", "x", "y ^1", "old >=2"), plugin("old")])
    error = found.unloadable["a"]
    assert isinstance(error, DependencyError)
    assert error.chain == ("a", "x")
    assert error.cause == (
        "a needs x, which is not there\n"
        "a needs y ^1, which is not there\n"
        "a needs old >=2, and 1.0.0 is there"
    )


def test_a_version_that_will_not_do_is_a_conflict_with_its_story() -> None:
    found = order([plugin("a", "b >=2", "c <1"), plugin("b"), plugin("c"), plugin("d", "a")])
    error = found.unloadable["a"]
    assert type(error) is PluginVersionConflictError
    assert error.message == "a cannot be loaded: it needs b >=2, and 1.0.0 is there"
    assert error.story == ("a needs b >=2, and 1.0.0 is there", "a needs c <1, and 1.0.0 is there")
    assert error.cause == "\n".join(error.story)
    assert error.hint == "kurt info b"
    assert error.skill == "a"
    dependant = found.unloadable["d"]
    assert isinstance(dependant, DependencyError)
    assert dependant.chain == ("d", "a")
    assert dependant.cause == f"d → a\n{error.message}"
    assert found.levels == [["b", "c"]]


def test_a_prerelease_that_is_there_says_why_it_will_not_do() -> None:
    found = order([plugin("a", "b >=1"), plugin("b", version="1.1.0-rc.1"), plugin("c", "b")])
    error = found.unloadable["a"]
    assert error.message == (
        "a cannot be loaded: it needs b >=1, and 1.1.0-rc.1 is there"
        " (a pre-release will do only where the constraint names one)"
    )
    assert found.order == ["b", "c"]
    assert order([plugin("a", "b >=1.1.0-rc"), plugin("b", version="1.1.0-rc.1")]).order == [
        "b",
        "a",
    ]


def test_a_circle_is_told_whole_by_each_in_it() -> None:
    found = order(
        [plugin("b", "c"), plugin("c", "d"), plugin("d", "b"), plugin("a", "c"), plugin("e")]
    )
    assert found.order == ["e"]
    for name in "bcd":
        error = found.unloadable[name]
        assert type(error) is CircularDependencyError
        assert error.cycle == ("b", "c", "d")
        assert error.message == (
            f"{name} cannot be loaded: it needs itself, by way of b → c → d → b"
        )
        assert error.cause == "what is needed has to be loaded first"
        assert error.hint == (f"make one of these dependencies optional; kurt plugin graph {name}")
        assert error.skill == name
    error = found.unloadable["a"]
    assert isinstance(error, DependencyError)
    assert error.chain == ("a", "c")


def test_a_plugin_that_needs_itself_is_a_circle_of_one() -> None:
    error = order([plugin("a", "a")]).unloadable["a"]
    assert isinstance(error, CircularDependencyError)
    assert error.cycle == ("a",)
    assert "a → a" in error.message


def test_of_two_circles_through_each_other_each_plugin_tells_its_own() -> None:
    found = order([plugin("a", "b"), plugin("b", "a", "c"), plugin("c", "b")])
    cycles = {name: getattr(error, "cycle", None) for name, error in found.unloadable.items()}
    assert cycles == {"a": ("a", "b"), "b": ("a", "b"), "c": ("b", "c")}


def test_an_optional_plugin_comes_first_where_it_will_do() -> None:
    found = order([plugin("a", "z?"), plugin("z")])
    assert found.levels == [["z"], ["a"]]
    assert found.needs == {"a": ["z"], "z": []}
    assert found.needed_by == {"a": [], "z": ["a"]}
    assert found.notes == {}
    several = order([plugin("a", "b", "y?", "gone?", "z?"), *map(plugin, "byz")])
    assert several.needs["a"] == ["b", "y", "z"]
    assert list(several.notes) == ["a"]


@pytest.mark.parametrize(
    ("others", "need", "note"),
    [
        ([], "z >=1?", "z >=1, which is optional, is not there"),
        ([plugin("z", "gone")], "z?", "z, which is optional, cannot be loaded"),
        (
            [plugin("z")],
            "z >=2?",
            "z >=2, which is optional, is not taken, since 1.0.0 is there",
        ),
    ],
)
def test_an_optional_plugin_that_will_not_do_is_gone_without(
    others: list[PluginMetadata], need: str, note: str
) -> None:
    found = order([plugin("a", need), *others])
    assert "a" in found.order
    assert found.needs["a"] == []
    assert found.notes == {"a": [note]}


def test_an_optional_plugin_closes_no_circle() -> None:
    mutual = order([plugin("a", "b?"), plugin("b", "a?"), plugin("c", "a?")])
    assert mutual.levels == [["a", "b"], ["c"]]
    told = "which is optional, need not come first, since it needs this one in turn"
    assert mutual.notes == {"a": [f"b, {told}"], "b": [f"a, {told}"]}
    back = order([plugin("a", "b"), plugin("b", "a?"), plugin("c", "c?")])
    assert back.order == ["b", "c", "a"]
    assert back.notes == {"b": [f"a, {told}"], "c": [f"c, {told}"]}


@pytest.mark.parametrize(
    ("least", "most", "running", "fits"),
    [
        (None, "*", "0.0.1", True),
        ("1.0.0", "*", "1.0.0", True),
        ("1.0.0", "*", "1.5.0", True),
        ("1.0.0", "*", "0.9.9", False),
        ("1.0.0", "*", "1.0.0-rc.1", False),
        ("1.0.0-rc.1", "*", "1.0.0-rc.2", True),
        (None, "2.0.0", "2.0.0", True),
        (None, "2.0.0", "2.0.0+build.7", True),
        (None, "2.0.0", "2.0.1", False),
        ("1.0.0", "2.0.0", "1.9.9", True),
        ("99.0.0", "*", "1.0.0", False),
    ],
)
def test_a_plugin_says_for_which_hosts_it_is(
    least: str | None, most: str, running: str, fits: bool
) -> None:
    metadata = plugin("a", min_runtime_version=least, max_runtime_version=most)
    error = compatible(metadata, running)
    assert (error is None) == fits
    found = order([metadata, plugin("b", "a"), plugin("c")], runtime_version=running)
    assert found.order == (["a", "c", "b"] if fits else ["c"])
    if not fits:
        assert isinstance(found.unloadable["a"], IncompatibleError)
        assert getattr(found.unloadable["b"], "chain", None) == ("b", "a")
    assert order([metadata]).order == ["a"]


def test_an_incompatible_plugin_names_both_versions_and_the_remedy() -> None:
    old = compatible(plugin("a", version="3.1.0", min_runtime_version="2.0.0"), "1.0.0")
    assert old is not None
    assert old.message == "a 3.1.0 is for a host of version 2.0.0 or later; this is 1.0.0"
    assert old.hint == "update the host; kurt info a"
    assert old.skill == "a"
    new = compatible(plugin("a", max_runtime_version="2.0.0"), "3.0.0")
    assert new is not None
    assert new.message == "a 1.0.0 is for a host of version 2.0.0 or earlier; this is 3.0.0"
    assert new.hint == "look for a later version of the plugin; kurt info a"


def test_a_host_whose_version_is_none_is_a_typed_error() -> None:
    with pytest.raises(VersionError):
        order([plugin("a")], runtime_version="1")
    with pytest.raises(VersionError):
        compatible(plugin("a"), "latest")


def test_the_wrong_host_is_told_before_what_is_missing() -> None:
    found = order([plugin("a", "gone", min_runtime_version="2.0.0")], runtime_version="1.0.0")
    assert isinstance(found.unloadable["a"], IncompatibleError)
    circle = [plugin("a", "b", min_runtime_version="2.0.0"), plugin("b", "a")]
    kinds = [type(error) for error in order(circle, runtime_version="1.0.0").unloadable.values()]
    assert kinds == [IncompatibleError, CircularDependencyError]


NAMES = "abcdef"


@st.composite
def a_world(draw: st.DrawFn) -> list[PluginMetadata]:
    """Return a few plugins that need each other and others in every way."""
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        needs = draw(st.lists(st.sampled_from(NAMES + "g"), unique=True, max_size=3))
        suffix = st.sampled_from(["", "", "", "?", " >=2", " >=1", " >=2?", "?"])
        rows = [need + draw(suffix) for need in needs]
        version = draw(st.sampled_from(["1.0.0", "2.0.0", "2.0.0-rc.1"]))
        found.append(plugin(name, *rows, version=version))
    return found


def loadable(world: list[PluginMetadata]) -> set[str]:
    """Return the largest set that can be loaded, by trying every subset in every order of need."""
    by_id = {one.plugin_id: one for one in world}

    def closed(names: set[str]) -> bool:
        done: set[str] = set()
        while True:
            ready = {
                name
                for name in names - done
                if all(
                    need.optional
                    or (
                        need.plugin_id in done
                        and parse(need.version_constraint).allows(by_id[need.plugin_id].version)
                    )
                    for need in by_id[name].dependencies
                )
            }
            if not ready:
                return done == names
            done |= ready

    for size in range(len(by_id), 0, -1):
        for names in combinations(sorted(by_id), size):
            if closed(set(names)):
                return set(names)
    return set()


@given(a_world())
def test_all_that_can_be_loaded_is_and_in_order(world: list[PluginMetadata]) -> None:
    found = order(world)
    assert set(found.order) == loadable(world)
    assert len(found.order) == len(set(found.order))
    assert set(found.order) | set(found.unloadable) == {one.plugin_id for one in world}
    assert not set(found.order) & set(found.unloadable)
    level_of = {name: number for number, names in enumerate(found.levels) for name in names}
    for name in found.order:
        for need in found.needs[name]:
            assert level_of[need] < level_of[name]
        # No level is later than it has to be.
        assert level_of[name] == 1 + max([level_of[need] for need in found.needs[name]], default=-1)
    assert all(names == sorted(names) and names for names in found.levels)


@given(a_world(), st.randoms())
def test_the_order_is_the_same_however_the_plugins_come(
    world: list[PluginMetadata], random: Any
) -> None:
    first = order(world)
    random.shuffle(world)
    again = order(world)
    assert (first.levels, first.needs, first.needed_by) == (
        again.levels,
        again.needs,
        again.needed_by,
    )
    assert {name: told(error) for name, error in first.unloadable.items()} == {
        name: told(error) for name, error in again.unloadable.items()
    }


def told(error: KurtError) -> tuple[object, ...]:
    details = (getattr(error, key, None) for key in ("chain", "cycle", "story"))
    return (type(error), error.render(), *details)


@given(a_world())
def test_every_chain_and_every_circle_is_real(world: list[PluginMetadata]) -> None:
    needs = {
        one.plugin_id: {need.plugin_id for need in one.dependencies if not need.optional}
        for one in world
    }
    found = order(world)
    for name, error in found.unloadable.items():
        if isinstance(error, DependencyError):
            assert error.chain[0] == name
            steps = list(zip(error.chain, error.chain[1:], strict=False))
            assert steps and all(other in needs[one] for one, other in steps)
        elif isinstance(error, CircularDependencyError):
            assert name in error.cycle
            steps = list(zip(error.cycle, [*error.cycle[1:], error.cycle[0]], strict=True))
            assert all(other in needs[one] for one, other in steps)
            assert error.cycle[0] == min(error.cycle)
        else:
            assert isinstance(error, PluginVersionConflictError)
            assert error.story


def test_a_long_chain_and_a_long_circle_exceed_no_depth() -> None:
    chain = [plugin(f"p{n:04}", f"p{n + 1:04}") for n in range(1100)]
    assert len(order([*chain, plugin("p1100")]).levels) == 1101
    broken = order(chain)
    assert broken.levels == []
    assert len(getattr(broken.unloadable["p0000"], "chain", ())) == 1101
    circle = order([*chain, plugin("p1100", "p0000")])
    assert len(getattr(circle.unloadable["p1000"], "cycle", ())) == 1101
