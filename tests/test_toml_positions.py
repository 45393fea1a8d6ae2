"""The scanner finds every key that tomllib finds, at the place where it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.toml_positions import scan

TEXT = '''\
# a comment with [brackets] = "and" 'quotes'
skill_paths = ["a", 'b', """c""", # "not this"
  "d\\u0041",]
tool.disabled = [ "x" ]
"quoted key" = {inner = 1, "deep.er" = {list = [[1, 2], [{a = "]"}]]}}
many = """
[not.a.table]
x = "1"
"""
raw = \'\'\'
[nor.this] \\\'\'\'
when = 1979-05-27 07:32:00 # with a space
[ skill . "com.example" ]
token = "env:X" # = "no"
[[rows]]
n = 1
[rows.sub]
m = 2
[[rows]]
n = -inf
'''


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from paths(inner, (*path, key))


def test_every_key_of_every_spelling_is_found() -> None:
    assert set(paths(tomllib.loads(TEXT))) == set(scan(TEXT).keys)


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (("skill_paths",), "skill_paths ="),
        (("skill_paths", 3), '"d\\u0041"'),
        (("tool", "disabled"), "disabled ="),
        (("quoted key", "deep.er", "list", 1, 0, "a"), 'a = "]"'),
        (("skill", "com.example"), "[ skill"),
        (("skill", "com.example", "token"), "token ="),
        (("rows", 1, "n"), "n = -inf"),
        (("rows", 0, "sub", "m"), "m = 2"),
    ],
)
def test_the_place_is_where_the_key_begins(path: tuple[str | int, ...], begins: str) -> None:
    line, column = scan(TEXT).find(path)
    assert TEXT.splitlines()[line - 1][column - 1 :].startswith(begins)


def test_a_name_in_a_list_has_its_own_place() -> None:
    found = scan(TEXT)
    assert found.find(("skill_paths",), "dA") == (3, 3)
    assert found.find(("skill_paths",), "zz") == (2, 1)
    assert found.find(("tool", "nothing")) == (4, 1)
    assert found.find(("nothing",)) == (0, 0)


KEY = st.text("ab-_1", min_size=1, max_size=3) | st.sampled_from(['"a.b"', "'c d'", '"\\u0041"'])
VALUE = st.recursive(
    st.sampled_from(["1", "-0.5e3", "true", '"#]"', "'},'", '"""\n"a"\n"""', "07:32:00"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(inner, max_size=3).map(
            lambda items: "[\n" + "".join(f" {i}, # ]\n" for i in items) + "]"
        )
        | st.dictionaries(KEY, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{k} = {v}" for k, v in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
LINE = st.one_of(
    st.tuples(st.lists(KEY, min_size=1, max_size=3), VALUE).map(
        lambda p: f"{' . '.join(p[0])} = {p[1]}"
    ),
    st.lists(KEY, min_size=1, max_size=3).map(lambda parts: f"[{'.'.join(parts)}] # ["),
    st.lists(KEY, min_size=1, max_size=2).map(lambda parts: f"[[{'.'.join(parts)}]]"),
    st.just("# x = 1"),
)


@given(st.lists(LINE, max_size=8).map("\n".join))
def test_it_finds_what_tomllib_finds(text: str) -> None:
    found = scan(text)
    try:
        value = tomllib.loads(text)
    except ValueError:
        return
    assert set(paths(value)) == set(found.keys)


@given(st.text(max_size=60))
def test_no_text_makes_it_raise(text: str) -> None:
    scan(text)
