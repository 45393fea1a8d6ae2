"""Bytes to text."""

from __future__ import annotations

import codecs

import pytest
from clean_text.encoding import decode
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("é".encode(), "é"),
        (b"\xe9", "é"),
        (codecs.BOM_UTF8 + "é".encode(), "é"),
        (codecs.BOM_UTF16_LE + "é".encode("utf-16-le"), "é"),
        (codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "é"),
        (codecs.BOM_UTF32_LE + "é".encode("utf-32-le"), "é"),
        (codecs.BOM_UTF8 + b"<meta charset=latin1>\xc3\xa9", "<meta charset=latin1>é"),
        (b"<meta charset='koi8-r'>\xc1", "<meta charset='koi8-r'>а"),
        (b"<meta content='text/html; charset=iso-8859-1'>\x93", "\u201c"),
        (b"<?xml version='1.0' encoding='Shift_JIS'?>\x82\xa0", "あ"),
        (b"<meta charset=utf-16>\xc3\xa9", "é"),
        (b"<meta charset=unicode_escape>\\x41", "\\x41"),
        (b"<meta charset=idna>\xc3\xa9", "é"),
        (b"<meta charset=rot13>abc", "abc"),
        (b"<meta charset=nosuch>\xc3\xa9", "é"),
    ],
)
def test_the_encoding_is_what_a_browser_would_take(data: bytes, text: str) -> None:
    assert decode(data).endswith(text)
    assert "\ufeff" not in decode(data)


def test_markdown_that_speaks_of_an_encoding_declares_none() -> None:
    assert decode("charset=koi8-r é".encode(), markup=False) == "charset=koi8-r é"


@given(st.binary(max_size=200))
def test_every_byte_string_is_a_text(data: bytes) -> None:
    decode(data)
    decode(b"<meta charset=gb18030>" + data)
