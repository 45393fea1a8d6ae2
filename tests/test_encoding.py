"""Bytes that are other code for Python than for a reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks.conftest import skill_md
from trees import grow

from kurt_ext.checks import Subject
from kurt_ext.checks.encoding import check
from kurt_ext.manifest import read


def said(folder: Path, data: bytes, name: str = "skill.py") -> list[tuple[str, str]]:
    grow(folder, {"SKILL.md": skill_md(), name: data})
    return [(f.rule, f.severity) for f in check(Subject(read(str(folder))))]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("x = 'é'\n".encode(), []),
        (b"# coding: utf-8\nx = 1\r\n", []),
        (b"# coding: latin-1\nx = '\xe9'\n", [("encoding-odd", "warning")]),
        (b"\xef\xbb\xbfx = 1\n", [("encoding-odd", "low")]),
        (b"x = 1\ry = 2\r", [("encoding-odd", "warning")]),
        (b"# coding: utf-7\nx = 1\n", [("encoding-not-utf8", "high")]),
        (b"# coding: utf-7\nx = 1 #+AAo-import os\n", [("encoding-hides-code", "critical")]),
        (
            b"# coding: raw_unicode_escape\n# \\u000aimport os\n",
            [("encoding-hides-code", "critical")],
        ),
        (b"# note\rimport os\nx = 1\n", [("line-end-hides-code", "high")]),
        (b"x = 1\0\n", [("encoding-not-utf8", "high")]),
        (b"x = '\xff'\n", [("encoding-not-utf8", "high")]),
        (b"# coding: base64\n", [("encoding-not-utf8", "high")]),
        ("x = 1\n".encode("utf-16"), [("encoding-not-utf8", "high")]),
    ],
)
def test_other_encodings_are_told_by_what_they_hide(
    tmp_path: Path, data: bytes, expected: list[tuple[str, str]]
) -> None:
    assert said(tmp_path / "s", data) == expected


def test_tests_are_asked_too(tmp_path: Path) -> None:
    assert said(tmp_path / "s", b"# coding: utf-7\n", "test_a.py")
