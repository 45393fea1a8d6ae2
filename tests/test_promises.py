"""What the page on the sandbox says is proven is proven: the tests that it names are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from escapes import THEMES

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "sandbox-promises.md"


def rows() -> list[tuple[str, list[str]]]:
    """Return (promise, what proves it) of every row of the page's tables."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 2 and cells != ["it", "proven by"]:
            found.append((cells[0], re.findall(r"`([^`]+)`", cells[1])))
    return found


def functions() -> set[str]:
    tree = ast.parse((TESTS / "test_escapes.py").read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test_that_there_is() -> None:
    themes = {path.stem for path in (TESTS / "escapes").glob("*.py")}
    assert len(rows()) >= 17
    for promise, proofs in rows():
        assert proofs, promise
        for proof in proofs:
            there = proof in themes or proof in functions() or (TESTS / proof).is_file()
            assert there, f"{promise}: there is no {proof}"


def test_every_theme_of_the_escape_suite_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert set(THEMES) <= named
