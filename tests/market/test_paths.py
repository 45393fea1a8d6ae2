"""A path is plain on every machine, or it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.market.paths import clash, fault

REFUSED = [
    ("", "empty-path"),
    ("/etc/passwd", "absolute-path"),
    ("../x", "parent-path"),
    ("a/../../x", "parent-path"),
    ("a/..", "parent-path"),
    (".", "odd-path"),
    ("./a", "odd-path"),
    ("a//b", "odd-path"),
    ("a/", "odd-path"),
    ("a\\b", "backslash"),
    ("..\\x", "backslash"),
    ("\\\\server\\share", "backslash"),
    ("C:/x", "drive-path"),
    ("C:x", "drive-path"),
    ("a:b", "drive-path"),
    ("file.txt:stream", "reserved-character"),
    ("a?b", "reserved-character"),
    ("a*", "reserved-character"),
    ('a"b', "reserved-character"),
    ("a|b", "reserved-character"),
    ("<a>", "reserved-character"),
    ("nul", "device-name"),
    ("NUL.txt", "device-name"),
    ("a/Con", "device-name"),
    ("com1", "device-name"),
    ("COM¹.log", "device-name"),
    ("lpt9.tar.gz", "device-name"),
    ("aux .py", "device-name"),
    ("conin$", "device-name"),
    ("a.", "edge-of-name"),
    ("a ", "edge-of-name"),
    (" a", "edge-of-name"),
    ("a./b", "edge-of-name"),
    ("...", "edge-of-name"),
    ("a\0b", "unseen-character"),
    ("a\nb", "unseen-character"),
    ("a\x1b[2Jb", "unseen-character"),
    ("a\x7fb", "unseen-character"),
    ("a\u200bb", "unseen-character"),
    ("txt.\u202egpj.exe", "unseen-character"),
    ("a\ue000", "unseen-character"),
    ("a\ud800", "unseen-character"),
    ("cafe\u0301", "not-nfc"),
    ("\u212b", "not-nfc"),
    ("a" * 256, "long-path"),
    ("é" * 128, "long-path"),
    ("a/" * 600 + "b", "long-path"),
    ("a/" * 20 + "b", "deep-path"),
]


@pytest.mark.parametrize(("path", "rule"), REFUSED, ids=lambda part: repr(part)[:30])
def test_a_path_that_is_another_elsewhere_is_refused(path: str, rule: str) -> None:
    found = fault(path)
    assert found is not None and found[0] == rule


@pytest.mark.parametrize(
    "path",
    [
        *("a", "SKILL.md", "scripts/run.sh", "a/b/c.txt", ".hidden", "a b", "..a", "a..b", "café"),
        *("console", "com10", "nulls", "日本語.md", "a" * 255, "a/" * 19 + "b", "auxiliary.py"),
        *("x/com", "Ünï.py", "a+b=c", "a'b", "a%20b", "~a", "-rf", "a#b", "{a}"),
    ],
)
def test_a_plain_path_is_fine(path: str) -> None:
    assert fault(path) is None


@pytest.mark.parametrize(
    ("paths", "rule"),
    [
        (["a", "a"], "duplicate-path"),
        (["a", "A"], "case-collision"),
        (["SKILL.md", "x", "Skill.md"], "case-collision"),
        (["a/x", "A/y"], "case-collision"),
        (["a/b/x", "a/B/y"], "case-collision"),
        (["straße", "STRASSE"], "case-collision"),
        (["é", "e\u0301"], "case-collision"),
        (["\u017f", "s"], "case-collision"),
        (["a", "a/b"], "file-and-folder"),
        (["a/b", "a"], "file-and-folder"),
        (["A", "a/b"], "file-and-folder"),
        (["a/b/c", "a/b"], "file-and-folder"),
    ],
)
def test_paths_that_are_one_to_a_file_system_are_refused(paths: list[str], rule: str) -> None:
    found = clash(paths)
    assert found is not None and found[0] == rule
    assert clash(reversed(paths)) is not None


def test_paths_side_by_side_are_fine() -> None:
    assert clash(["a/b", "a/c", "ab", "a/d/e", "a/d/f", "b"]) is None


@given(st.lists(st.text("aAbB/", min_size=1, max_size=5), max_size=5))
def test_without_a_clash_every_path_is_a_file_of_its_own(paths: list[str]) -> None:
    fine = [path for path in paths if fault(path) is None]
    folded = [path.lower() for path in fine]
    parents = {path[:at] for path in folded for at in range(len(path)) if path[at] == "/"}
    spelt = {path[:at] for path in fine for at in range(len(path)) if path[at] == "/"}
    alone = len(set(folded)) == len(folded) and not parents & set(folded)
    assert (clash(fine) is None) == (alone and len(spelt) == len(parents))
