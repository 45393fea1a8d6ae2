"""Every rule that the program can report is one that ``kurt explain`` reads aloud."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kurt_ext import errors
from kurt_ext.explaining import errors_by_reference
from kurt_ext.rulebook import (
    Entry,
    archives,
    explain,
    fields,
    files,
    markets,
    rules,
    surroundings,
    uses,
)
from kurt_ext.validator import explain_rule, installed_checks

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("kurt_ext/**/*.py"), *ROOT.glob("namespaces/**/*.py")])
#: Functions whose first argument is a rule.
REPORTERS = {"Finding", "finding", "refuse", "report", "_noting", "_say", "_yaml_finding"}
#: Functions that return a rule and what is told of it.
JUDGES = {"_fault", "clash", "fault"}
#: Methods that are so when they are those of the reader's notes.
NOTES = {"add", "error", "warn"}
KEBAB = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
PARTS = [files, fields, surroundings, uses, archives, markets]


def called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return "Finding" if function.id == "error" else function.id
    if isinstance(function, ast.Attribute):
        owner = ast.unparse(function.value)
        if function.attr in NOTES:
            return "Finding" if owner in ("notes", "self") else ""
        return function.attr
    return ""


def spelled(node: ast.expr, constants: dict[str, list[str]]) -> Iterator[str]:
    """Yield the rules that an expression can be; one that ends in ``-`` is a family's."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if KEBAB.fullmatch(node.value):
            yield node.value
    elif isinstance(node, ast.IfExp):
        yield from spelled(node.body, constants)
        yield from spelled(node.orelse, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from constants[node.id]
    elif isinstance(node, ast.Subscript):
        yield from spelled(node.value, constants)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value)


def constant(node: ast.Assign) -> tuple[str, list[str]]:
    """Return the name of a constant, and the texts that it is, or that its keys lead to."""
    values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
    texts = [value.value for value in values if isinstance(value, ast.Constant)]
    return ast.unparse(node.targets[0]), [text for text in texts if isinstance(text, str)]


def reported(path: Path) -> Iterator[str]:
    """Yield the rules that a module names where it reports something."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = dict(constant(node) for node in tree.body if isinstance(node, ast.Assign))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = called(node)
            fine = name == "Check" and "'ok'" in [ast.unparse(part) for part in node.args[1:2]]
            if name in REPORTERS or (name == "Check" and not fine):
                yield from spelled(node.args[0], constants)
        elif isinstance(node, ast.FunctionDef) and node.name in JUDGES:
            for part in ast.walk(node):
                if isinstance(part, ast.Return) and isinstance(part.value, ast.Tuple):
                    yield from spelled(part.value.elts[0], constants)


def check_rules() -> set[str]:
    """Return the rules that our checks say they have."""
    found = set()
    for check in installed_checks():
        if check.distribution == "kurt-ext":
            module = __import__(check.value.partition(":")[0], fromlist=["RULES"])
            found.update(module.RULES)
    return found


FOUND = {rule: path for path in SOURCES for rule in reported(path)}


def test_the_search_finds_what_is_known_to_be_there() -> None:
    known = {"front-matter-missing", "missing-field", "unknown-field", "not-portable", "yaml-tag"}
    known |= {"shim-damaged", "malformed-distribution", "link-loop", "name-conflict", "trust-file"}
    known |= {"archive-overlap", "drive-path", "unicode-path", "market-signature", "index-stale"}
    known |= {"host-extension", "config-type", "config-unreadable", "link-dead", "skill-"}
    assert known <= FOUND.keys()


@pytest.mark.parametrize("rule", sorted(FOUND))
def test_every_rule_that_is_reported_is_explained(rule: str) -> None:
    checks, raised = installed_checks(), errors_by_reference()
    known = [*rules(), *check_rules()]
    if rule in raised:  # reported where it is no error yet, of one and the same thing
        assert raised[rule].__doc__
        return
    meant = [name for name in known if name.startswith(rule)] if rule.endswith("-") else [rule]
    assert meant, FOUND[rule]
    for name in meant:
        text = explain(name) or explain_rule(name, checks) or ""
        assert len(text.splitlines()) >= 2, f"{name} of {FOUND[rule]}"


def test_every_rule_of_the_book_is_reported_somewhere() -> None:
    families = tuple(rule for rule in FOUND if rule.endswith("-"))
    assert [r for r in rules() if r not in FOUND and not r.startswith(families)] == []


@pytest.mark.parametrize("part", PARTS)
def test_an_entry_says_what_and_why_in_sentences(part: object) -> None:
    entries: dict[str, Entry] = part.ENTRIES  # type: ignore[attr-defined]
    keys = [key for key in entries if entries[key].bad]
    for rule, entry in entries.items():
        assert entry.what.endswith("."), rule
        assert entry.why.endswith("."), rule
        assert bool(entry.bad) == bool(entry.good), rule
    for rule in keys:
        assert "Bad:" in (explain(rule) or "")


def test_no_rule_stands_in_two_parts_of_the_book() -> None:
    assert len(rules()) == sum(len(part.ENTRIES) for part in PARTS)


def test_what_a_check_says_of_uses_stands_in_the_check_alone() -> None:
    assert uses.ENTRIES.keys() & check_rules() == set()


def test_every_rule_of_a_check_is_explained_with_what_is_bad_and_good() -> None:
    checks = installed_checks()
    for rule in check_rules():
        text = explain_rule(rule, checks) or ""
        assert "Bad" in text, rule


def test_the_form_of_any_field_is_explained_and_a_slip_of_the_pen_is_not() -> None:
    assert explain("invalid-requires-python") == explain("invalid-name")
    assert explain("invalid-name")
    for word in ("skill-nonsense", "place-nowhere", "front-matter", ""):
        assert explain(word) is None


def test_no_rule_is_the_reference_of_an_error_as_well() -> None:
    assert not errors_by_reference().keys() & {*rules(), *check_rules()}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_a_reference_and_a_docstring_of_its_own(name: str) -> None:
    cls = getattr(errors, name)
    assert errors_by_reference()[cls.reference] is cls
    assert "reference" in vars(cls)
    assert cls.__doc__
    assert cls.__doc__.rstrip().endswith(".") or ":param" in cls.__doc__
