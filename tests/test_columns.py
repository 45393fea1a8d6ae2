"""A finding in a line that holds more than ASCII points at what it is about."""

from __future__ import annotations

import ast

import pytest

from kurt_ext.analysis.columns import in_characters


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("x = 1; run()", "utf-8"),
        ("x = '宽é👩'; run()", "utf-8"),
        ("\ufeffx = 'é'; run()", "utf-8"),
        ("# coding: latin-1\n'é'; run()", "latin-1"),
        ("'é'\r\n'é'; run()", "utf-8"),
        ("'é'\x0c\n'é'; run()", "utf-8"),
        ("变量 = 1; run()", "utf-8"),
    ],
)
def test_columns_are_those_of_the_characters(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    call = next(
        n for n in ast.walk(in_characters(ast.parse(data), data)) if isinstance(n, ast.Call)
    )
    line = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")[call.lineno - 1]
    assert line[call.col_offset : call.end_col_offset] == "run()"
