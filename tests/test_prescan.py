"""Parsing harms nobody: what is doubtful is tried by another process first."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.analysis import prescan
from kurt_ext.analysis.parsing import Budget, NotParsed, parse

ORDINARY = sorted(Path(ast.__file__).parent.glob("*.py"))[:60]


@pytest.fixture
def childless(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a child was started")

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.mark.usefixtures("childless")
@pytest.mark.parametrize("path", ORDINARY, ids=lambda path: path.name)
def test_ordinary_modules_are_parsed_here_as_python_does(path: Path) -> None:
    data = path.read_bytes()
    assert ast.dump(parse(data, "x.py", Budget())) == ast.dump(ast.parse(data))


DEAR = {
    "signs": b"f(a)\n" * 200_000,
    "list": b"a = [" + b"1," * 300_000 + b"]\n",
    "fields": b'f"' + b"{a}" * 60_000 + b'"',
    "minus": b"-" * 60_000 + b"1",
    "minus spread": b"- ( " * 150 + b"1" + b")" * 150,
    "not": b"not " * 30_000 + b"1",
    "lambda": b"lambda: " * 30_000 + b"1",
    "long line": b"a" + b"+a" * 50_000,
}


@pytest.mark.parametrize("data", DEAR.values(), ids=DEAR)
def test_what_is_dear_is_in_doubt(data: bytes) -> None:
    assert prescan.doubt(data)[0]


CHEAP = {
    "literal": b'"' + b"(" * 4_000_000 + b'"',
    "newlines": b"\n" * 20_000 + b"x = 1",
    "comment": b"# " + b"-" * 5000 + b"\n" + b"# ((((((\n" * 9000,
    "text": b'"""' + b"a, b. (c) [d]\n" * 50_000 + b'"""',
    "table": b"T = {\n" + b'    "word": (1, 2),\n' * 4000 + b"}\n",
}


@pytest.mark.usefixtures("childless")
@pytest.mark.parametrize("data", CHEAP.values(), ids=CHEAP)
def test_what_is_merely_long_is_not(data: bytes) -> None:
    assert isinstance(parse(data, "x.py", Budget()), ast.Module)


@pytest.mark.slow
@pytest.mark.parametrize("data", DEAR.values(), ids=DEAR)
def test_whatever_is_dear_ends_as_a_tree_or_as_a_reason(data: bytes) -> None:
    try:
        parse(data, "x.py", Budget())
    except NotParsed as error:
        assert error.exhausted and error.reason


@pytest.mark.parametrize(
    "failure", [subprocess.TimeoutExpired("python", 3), OSError("no processes")], ids=str
)
def test_a_child_that_does_not_answer_is_a_reason(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(NotParsed) as caught:
        parse(DEAR["minus"], "x.py", Budget())
    assert caught.value.exhausted


def test_children_share_a_time_and_modules_a_size() -> None:
    with pytest.raises(NotParsed, match="used up"):
        parse(DEAR["minus"], "x.py", Budget(seconds=0))
    with pytest.raises(NotParsed, match="together"):
        parse(b"a = 1\n" * 100, "x.py", Budget(signs=10))


@pytest.mark.parametrize(
    ("data", "exhausted"),
    [(b"def", False), (b"(" * 3000, True), (b"a\0b", False), (b"# coding: x-none\n", False)],
)
def test_what_is_not_python_is_told_from_what_is_too_much(data: bytes, exhausted: bool) -> None:
    with pytest.raises(NotParsed) as caught:
        parse(data, "x.py", Budget())
    assert caught.value.exhausted is exhausted


@given(st.binary(max_size=300) | st.text("()[]{}\"'\\#\n fab-+~not", max_size=300).map(str.encode))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    prescan.shape(data)
    try:
        parse(data, "x.py", Budget())
    except NotParsed:
        pass


@given(st.text("ab()[]#\n\"'", max_size=80))
def test_strings_and_comments_are_left_out_as_python_does(text: str) -> None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    if not list(ast.walk(tree))[1:]:
        assert prescan.shape(text.encode()).depth == 0
