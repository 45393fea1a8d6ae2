"""Names that are there to be mistaken for others are told; honest neighbours are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trees import grow

from kurt_ext.checks import Finding, Subject
from kurt_ext.checks.identity import check
from kurt_ext.hostfacts import HostFacts
from kurt_ext.manifest import read

FACTS = HostFacts(
    known_ids=frozenset(
        ("com.example.calculator", "com.example.mathlib", "com.example.utils", "web-archiver")
    ),
    known_names={"Advanced Calculator": "com.example.calculator"},
)


def found(folder: Path, **fields: Any) -> list[Finding]:
    manifest = {
        "plugin_id": "org.mine.tape",
        "name": "Tape",
        "version": "1.0.0",
        "plugin_type": "custom",
        "entry_point": "main",
        **fields,
    }
    grow(folder / "x", {"plugin.json": json.dumps(manifest), "main.py": ""})
    return list(check(Subject(read(str(folder / "x")), facts=FACTS)))


@pytest.mark.parametrize(
    "name",
    [
        "com.example.calcualtor",
        "com.exmaple.calculator",
        "com.example.mathl1b",
        "com.example.math-lib",
        "com.exarnple.calculator",
        "org.example.calculator",
        "com.example.calculatr",
        "comexample.calculator",
        "com.example.util",
    ],
)
def test_an_id_that_is_easily_taken_for_a_known_one_is_grave(tmp_path: Path, name: str) -> None:
    assert [(f.rule, f.severity) for f in found(tmp_path, plugin_id=name)] == [
        ("lookalike-id", "high")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "com.example.calculator",
        "com.example.units",
        "com.example.calendar",
        "com.mycompany.calculator",
        "com.example.calculator2",
        "com.sample.utils",
        "org.kurt.wetter",
        "de.kurt-meier.notes",
    ],
)
def test_honest_neighbours_are_fine(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, plugin_id=name) == []


@pytest.mark.parametrize("name", ["kurt.core", "io.kurt.sync", "com.acme.kurt-ext", "KURT.x"])
def test_what_is_the_hosts_is_nobody_elses(tmp_path: Path, name: str) -> None:
    assert [f.severity for f in found(tmp_path, plugin_id=name)] == ["high"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("plugin_id", "com.ex\u0430mple.calculator"),
        ("name", "Advanced C\u0430lculator"),
        ("plugin_id", "com.\uff45xample.calc"),
    ],
)
def test_a_letter_of_another_alphabet_is_critical(tmp_path: Path, key: str, value: str) -> None:
    severities = {f.rule: f.severity for f in found(tmp_path, **{key: value})}
    assert severities["lookalike-letters"] == "critical"


@pytest.mark.parametrize(
    "title", ["Погода и рост", "Wave λ Lab", "Wetter für Köln", "Acme™ m²", "天気"]
)
def test_titles_in_other_languages_are_fine(tmp_path: Path, title: str) -> None:
    assert found(tmp_path, name=title) == []


@pytest.mark.parametrize(
    ("title", "rules"),
    [
        ("Advanced Calculator", ["lookalike-title"]),
        ("advanced-calculator", ["lookalike-title"]),
        ("Advanced Calculatr", ["lookalike-title"]),
        ("Kurt_ext Core", ["host-impersonated"]),
        ("Calculator", []),
        ("Tape Calculator", []),
    ],
)
def test_a_title_that_is_anothers_is_told(tmp_path: Path, title: str, rules: list[str]) -> None:
    assert [f.rule for f in found(tmp_path, name=title)] == rules


@pytest.mark.parametrize(
    ("author", "count"),
    [("Kurt Core Team", 1), ("Kurt Meier <k@example.com>", 0), ("Core Team", 0)],
)
def test_an_author_does_not_pass_for_the_hosts(tmp_path: Path, author: str, count: int) -> None:
    assert len(found(tmp_path, author=author)) == count


def test_a_dependency_one_slip_from_a_known_id_is_told(tmp_path: Path) -> None:
    rows = [{"plugin_id": one} for one in ("com.example.mathl1b", "com.example.mathlib")]
    assert [(f.rule, f.severity) for f in found(tmp_path, dependencies=rows)] == [
        ("lookalike-dependency", "medium")
    ]
