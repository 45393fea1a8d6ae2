"""What Python sees in a module's bytes, and what is strange about them."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.analysis.decoding import decode


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (b"x = 1\n", []),
        ("é = 'ü'\n".encode(), []),
        (b"# -*- coding: utf-8 -*-\n", []),
        (b"#!/usr/bin/python\n# vim: set fileencoding=UTF_8 :\n", []),
        (b"x = 1\n# coding: utf-7\n", []),
        (b"\n\n# coding: utf-7\n", []),
        (b"a\r\nb\r\n", []),
        (b"# coding: latin-1\n", ["tame-cookie"]),
        (b"# coding: ISO-8859-1\n", ["tame-cookie"]),
        (b"# coding=ascii\n", ["tame-cookie"]),
        (b"# coding: utf-7\n", ["cookie"]),
        (b"\n# coding: raw_unicode_escape\n", ["cookie"]),
        (b"# coding: unicode_escape\n", ["cookie"]),
        (b"# coding: cp037\n", ["cookie"]),
        (b"# coding: shift_jis\n", ["cookie"]),
        (b"# coding: rot13\n", ["unknown-cookie"]),
        (b"# coding: hex\n", ["unknown-cookie"]),
        (b"# coding: no-such\n", ["unknown-cookie"]),
        (b"\xef\xbb\xbfx = 1\n", ["bom"]),
        (b"\xef\xbb\xbf# coding: utf-8\n", ["bom-and-cookie"]),
        (b"\xef\xbb\xbf# coding: utf-7\n", ["bom-and-cookie", "cookie"]),
        (b"x = 1\0\n", ["nul"]),
        (b"# a\rimport os\n", ["lone-cr"]),
        (b"x = '\xff'\n", ["undecodable"]),
        (b"\xff\xfex\0", ["wide"]),
    ],
)
def test_only_utf_8_goes_without_saying(data: bytes, kinds: list[str]) -> None:
    assert [oddity.kind for oddity in decode(data).oddities] == kinds


def test_the_text_is_what_python_sees() -> None:
    data = b"# coding: utf-7\n#+AAo-import os\n"
    assert "\nimport os" in (decode(data).text or "")
    assert isinstance(ast.parse(data).body[0], ast.Import)


def test_an_oddity_has_its_place() -> None:
    (oddity,) = decode(b"x = 1\ny = '\xff'\n").oddities
    assert (oddity.line, oddity.column) == (2, 6)


@given(st.binary(max_size=200).map(lambda data: b"# coding: utf-7\n" + data) | st.binary())
def test_nothing_raises(data: bytes) -> None:
    decode(data)


@given(st.text().filter(lambda text: "\r" not in text and "\0" not in text))
def test_any_text_in_utf_8_is_itself(text: str) -> None:
    data = b"#\n#\n" + text.encode("utf-8", "ignore")
    assert decode(data).oddities == ()
