from __future__ import annotations

import pytest

from kurt_ext.digraph import components, cycle_through, levels


def test_components_are_those_who_reach_each_other() -> None:
    graph = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"], "f": ["a"]}
    assert sorted(components(graph)) == [["a", "b", "c"], ["d", "e"], ["f"]]
    # a component comes after those that it leads to
    assert components({"a": ["b"], "b": [], "c": ["c"]}) == [["b"], ["a"], ["c"]]


def test_a_circle_is_the_shortest_and_begins_with_its_smallest_id() -> None:
    graph = {"c": ["d", "b"], "d": ["a"], "a": ["c"], "b": ["c"]}
    assert cycle_through("c", graph) == ["b", "c"]
    assert cycle_through("d", graph) == ["a", "c", "d"]
    with pytest.raises(ValueError, match="z is in no circle"):
        cycle_through("z", {"z": ["y"], "y": []})


def test_levels_count_a_need_once() -> None:
    assert levels({"a": ["b", "b"], "b": []}) == [["b"], ["a"]]
