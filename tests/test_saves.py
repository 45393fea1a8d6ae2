"""What counts as a save: raw events in any order, one change per skill folder."""

from __future__ import annotations

from collections.abc import Set
from os import sep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.saves import OwnWork, grouped, is_noise, is_source

ROOTS = {"/p/skills": "/p/skills", "/home/u/skills": "/home/u/skills", "/private/x": "/x"}

NOISE = [
    "__pycache__/skill.cpython-311.pyc",
    "pkg/__pycache__",
    "skill.pyc",
    ".skill.py.swp",
    ".skill.py.swx",
    "skill.py~",
    "4913",
    "#skill.py#",
    ".#skill.py",
    "skill.py___jb_tmp___",
    "skill.py___jb_old___",
    "skill.py.tmp",
    "SKILL.md.bak",
    ".git/index",
    ".git/objects/ab/cdef",
    ".venv/lib/python/site.py",
    "node_modules/x/index.js",
    "build/lib/skill.py",
    "dist/x.whl",
    "kurt_x.egg-info/PKG-INFO",
    "run.log",
    "cache.sqlite3-journal",
    "state.db",
    ".DS_Store",
]
OURS = [
    ".",
    "skill.py",
    "SKILL.md",
    "plugin.json",
    "config.json",
    "requirements.txt",
    "prompts/system.md",
    "helpers/deep/er.py",
    "data.json",
    "native.so",
    "builder.py",
    "distance/x.txt",
    "catalog.txt",
]

names = st.sampled_from([*NOISE, *OURS, "sedXyZ12", "tmpname"])
folders = st.sampled_from(["hello", "world", "build", ".hidden", "__pycache__"])
paths = st.one_of(
    st.builds(
        lambda root, folder, name: sep.join([root, folder, name]).removesuffix(sep + "."),
        st.sampled_from([*ROOTS, "/elsewhere"]),
        folders,
        names,
    ),
    st.sampled_from([*ROOTS, "/p", "/p/skills-of-others/hello/skill.py"]),
)
events = st.lists(st.tuples(st.sampled_from(["added", "modified", "deleted"]), paths), max_size=12)
there = st.sets(paths)


def group(found: list[tuple[str, str]], existing: Set[str]) -> dict[str, tuple[str, ...]]:
    return grouped(found, ROOTS, existing.__contains__)


@pytest.mark.parametrize("path", NOISE)
def test_what_editors_and_programs_leave_is_noise(path: str) -> None:
    assert is_noise(path)


@pytest.mark.parametrize("path", OURS)
def test_what_an_author_writes_is_no_noise(path: str) -> None:
    assert not is_noise(path)


@given(events, there)
def test_neither_order_nor_number_of_events_counts(
    found: list[tuple[str, str]], existing: set[str]
) -> None:
    assert group(found, existing) == group([*reversed(found), *found], existing)


@given(events, there)
def test_every_change_of_a_skill_is_in_one_group_and_nothing_else_is(
    found: list[tuple[str, str]], existing: set[str]
) -> None:
    result = group(found, existing)
    told = {path for _, path in found}
    for folder, files in result.items():
        assert files == tuple(sorted(set(files)))
        assert files
        for name in files:
            assert not is_noise(name)
            path = folder.replace("/x", "/private/x", 1) if folder.startswith("/x") else folder
            assert (path if name == "." else path + sep + name) in told
    for _, path in found:
        root = next((root for root in ROOTS if path.startswith(root + sep)), None)
        if root is not None and is_source(path.rpartition(sep)[2]):
            folder, _, name = path[len(root) + 1 :].partition(sep)
            if not folder.startswith((".", "__")) and not is_noise(name):
                assert name in result[ROOTS[root] + sep + folder]


@given(events, events, there)
def test_two_bursts_are_the_union_of_each(
    one: list[tuple[str, str]], two: list[tuple[str, str]], existing: set[str]
) -> None:
    # Of files that are there; the birth of one that is not decides about its death.
    one = [event for event in one if event[1] in existing]
    two = [event for event in two if event[1] in existing]
    first, second, both = (group(found, existing) for found in (one, two, one + two))
    merged = {
        folder: tuple(sorted({*first.get(folder, ()), *second.get(folder, ())}))
        for folder in {*first, *second}
    }
    assert merged == both


#: What an editor does → what changed.
EDITORS = {
    "vim": (
        [("added", "4913"), ("deleted", "4913"), ("added", "skill.py~"), ("added", "skill.py")],
        ("skill.py",),
    ),
    "an atomic save": (
        [("added", ".skill.py.k2"), ("deleted", ".skill.py.k2"), ("added", "skill.py")],
        ("skill.py",),
    ),
    "sed -i": (
        [("added", "sedQ1w2e"), ("deleted", "sedQ1w2e"), ("modified", "skill.py")],
        ("skill.py",),
    ),
    "PyCharm": (
        [("added", "skill.py___jb_tmp___"), ("deleted", "skill.py"), ("added", "skill.py")],
        ("skill.py",),
    ),
    "a folder moved in": ([("added", ".")], (".",)),
    "a new file that is gone again": ([("added", "x.txt")], None),
    "a module that is gone again": ([("added", "x.py")], ("x.py",)),
    "python": ([("added", "__pycache__"), ("added", "__pycache__/skill.cpython-311.pyc")], None),
}


@pytest.mark.parametrize("editor", EDITORS)
def test_what_an_editor_does_is_one_change(editor: str) -> None:
    told, expected = EDITORS[editor]
    folder = "/p/skills/hello"
    found = [(what, folder if name == "." else f"{folder}/{name}") for what, name in told]
    result = group(found, {f"{folder}/skill.py", folder})
    assert result == ({folder: expected} if expected else {})


def test_a_root_that_came_or_went_is_a_group() -> None:
    assert group([("added", "/private/x")], set()) == {"/x": (".",)}
    assert group([("deleted", "/p/skills")], set()) == {"/p/skills": (".",)}
    assert group([("modified", "/p/skills")], set()) == {}


def test_of_nested_roots_the_inner_one_counts() -> None:
    roots = {"/p": "/p", "/p/skills": "/p/skills"}
    found = grouped([("modified", "/p/skills/a/x.py")], roots, lambda path: True)
    assert found == {"/p/skills/a": ("x.py",)}


def test_a_file_that_changes_while_its_plugin_reloads_is_followed_once() -> None:
    own = OwnWork()
    assert own.others(["cache.json"], 0, True) == {"cache.json"}
    assert own.others(["cache.json", "skill.py"], 60, True) == {"skill.py"}
    assert own.others(["cache.json"], 120, False) == set()


def test_a_file_that_changes_all_the_time_is_followed_until_that_is_plain() -> None:
    own = OwnWork()
    followed = [bool(own.others(["beat.json"], second, False)) for second in range(20)]
    assert followed == [True] * OwnWork.OFTEN + [False] * 15
    assert own.others(["beat.json"], 100, False)


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans())))
def test_a_source_is_always_followed(times: list[tuple[float, bool]]) -> None:
    own = OwnWork()
    for now, reloading in times:
        assert own.others(["skill.py", "SKILL.md", "."], now, reloading) == {
            "skill.py",
            "SKILL.md",
            ".",
        }
