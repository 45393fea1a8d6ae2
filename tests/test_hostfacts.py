"""What a judge knows of its host comes from the host, or from a file, and never by guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trees import grow

from kurt_ext.errors import ConfigError
from kurt_ext.hostfacts import HostFacts
from kurt_ext.places import Places

CONTEXT = {
    "runtime_version": "1.5.0",
    "host_package": "kurt_ext",
    "known_plugin_ids": ["com.example.calculator"],
    "known_names": {"Advanced Calculator": "com.example.calculator", "Utilities": "com.example.u"},
    "reserved_prefixes": ["kurt."],
    "note": "passed over",
}


@pytest.mark.parametrize("whole", [CONTEXT, {"schema": 1, "context": CONTEXT, "cases": []}])
def test_a_file_holds_the_facts_or_a_context_with_them(tmp_path: Path, whole: Any) -> None:
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(whole), encoding="utf-8")
    facts = HostFacts.from_file(file)
    assert facts.runtime_version == "1.5.0"
    assert facts.known_ids == {"com.example.calculator", "com.example.u"}
    assert facts.known_names["Advanced Calculator"] == "com.example.calculator"
    assert facts.reserved_prefixes == ("kurt.",)


def test_what_a_file_does_not_say_is_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text("{}", encoding="utf-8")
    assert HostFacts.from_file(file) == HostFacts()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[]", ":1:1"),
        ('{"runtime_version": "1"}', ":1:2"),
        ('{"context":\n {"known_plugin_ids": [1]}}', ":2:24"),
        ('{"known_names": []}', ":1:2"),
        ('{"reserved_prefixes": [""]}', ":1:24"),
        ('{"a": 1,\n "a": 2}', ":2:2"),
        ("{", ":1:2"),
    ],
)
def test_a_file_that_is_none_is_an_error_with_its_place(
    tmp_path: Path, text: str, place: str
) -> None:
    file = tmp_path / "facts.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        HostFacts.from_file(file)
    assert raised.value.at == f"{file}{place}"


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        HostFacts.from_file(tmp_path / "none.json")
    assert raised.value.at == str(tmp_path / "none.json")


def test_a_host_knows_what_it_has_found_and_trusts(project: Path) -> None:
    places = Places(str(project))
    skill = "---\nname: {}\ndescription: Does it.\n---\n"
    grow(Path(places.user_skills[0]) / "web-archiver", {"SKILL.md": skill.format("web-archiver")})
    grow(project / "skills" / "cloned-thing", {"SKILL.md": skill.format("cloned-thing"),
                                                "skill.py": ""})  # fmt: skip
    user = Path(places.user_config)
    user.parent.mkdir(parents=True, exist_ok=True)
    user.write_text('[validator]\nknown_ids = ["com.example.far"]\n', encoding="utf-8")
    facts = HostFacts.from_host(places)
    assert {"web-archiver", "com.example.far"} <= facts.known_ids
    assert "cloned-thing" not in facts.known_ids
