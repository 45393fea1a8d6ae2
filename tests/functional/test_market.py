"""The commands of whoever runs a marketplace, as they are typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .conftest import Run

SKILL = """\
---
name: {name}
description: Greets somebody by name. Use it when somebody wants a greeting.
license: MIT
metadata:
  version: "{version}"
  author: "Ada <ada@example.org>"
---

# {name}

Say hello to whoever is named.
"""


@pytest.fixture
def greeter(project: Path) -> Path:
    """Return the folder of a skill that may be published."""
    return write(project / "skills", "greeter")


def write(root: Path, name: str, version: str = "1.0.0") -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_text(SKILL.format(name=name, version=version))
    return folder


def test_a_skill_is_published_by_its_name_or_its_folder(kurt: Run, greeter: Path) -> None:
    by_name = kurt("market", "publish", "greeter", "--to", "there", "--publisher", "acme")
    assert by_name.out == "Published acme/greeter 1.0.0, score 100\n", by_name
    by_path = kurt("market", "publish", "skills/greeter", "--to", "there", "--json")
    assert by_path.data["new"] is False and by_path.data["publisher"] == "acme"


def test_what_is_refused_says_why_and_what_next(here: Run, project: Path) -> None:
    folder = write(project / "skills", "waver")
    (folder / "SKILL.md").write_text("---\nname: waver\ndescription: Waves.\n---\n")
    ran = here("market", "publish", "skills/waver", "--to", "there")
    assert ran.code == 5 and "is not valid" in ran.err and "hint:" in ran.err
    assert not (project / "there" / "kurt").exists()


def test_a_build_lists_what_is_new_and_what_is_refused(here: Run, project: Path) -> None:
    write(project / "m" / "skills", "greeter")
    (project / "m" / "skills" / "odd").mkdir()
    (project / "m" / "skills" / "odd" / "SKILL.md").write_text("nothing")
    ran = here("market", "build", "m", "--name", "acme")
    assert ran.code == 5
    assert "+ greeter 1.0.0\n" in ran.out
    assert ran.out.endswith("Snapshot 1 is new: 1 skill, 1 new release\n")
    assert "1 thing was refused" in ran.err
    assert 'name = "acme"' in (project / "m" / "market.toml").read_text()
    again = here("market", "build", "m", "--name", "other")
    assert again.code == 2 and "name is acme in" in again.err


def test_the_index_is_signed_by_the_key_of_the_settings(here: Run, project: Path) -> None:
    write(project / "m" / "skills", "greeter")
    public = here("key", "new", "acme", "--json").data["public"]
    (project / "m" / "market.toml").write_text('key = "acme"\n')
    assert here("market", "build", "m").code == 0
    assert here("market", "verify", "m", "--signed", "--json").data["signed"]
    assert here("key", "export", "acme").out == public + "\n"
    assert here("market", "yank", "greeter", "1.0.0", "--from", "m", "--reason", "x").code == 0
    assert here("market", "verify", "m", "--signed", "--quick").code == 0


def test_a_key_that_is_damaged_is_told_where_keys_are_listed(here: Run, own_places: Path) -> None:
    assert here("key", "new", "mine").code == 0
    (path,) = own_places.rglob("mine.key")
    path.write_text("garbage")
    listed = here("key", "list", "--json").envelope
    assert listed["data"] == []
    assert "the key mine is damaged" in listed["warnings"][0]["message"]


def test_an_index_is_signed_anew_by_another_key_or_by_none(here: Run, project: Path) -> None:
    write(project / "m" / "skills", "greeter")
    keys = {name: here("key", "new", name, "--json").data["public"] for name in ("old", "new")}

    def believed() -> list[str]:
        found = []
        for name, public in keys.items():
            here("config", "set", "--scope", "user", "market.m.url", str(project / "m"))
            here("config", "set", "--scope", "user", "market.m.key", public)
            ran = here("search")
            found += [name] if ran.code == 0 else []
            assert ran.code == 0 or "hint: kurt config explain market.m.key" in ran.err
        return found

    for number, (words, wanted) in enumerate(
        (
            (("--key", "old"), ["old"]),
            (("--key", "old"), ["old"]),
            (("--key", "new"), ["new"]),
            ((), ["new"]),
            (("--unsigned",), []),
            (("--unsigned",), []),
        )
    ):
        built = here("market", "build", "m", *words, "--json").data
        assert built["changed"] is (number in (0, 2, 4)), words
        assert believed() == wanted, words


def test_a_key_that_is_missing_is_told(here: Run, project: Path) -> None:
    write(project / "m" / "skills", "greeter")
    (project / "m" / "market.toml").write_text('key = "acme"\n')
    ran = here("market", "build", "m")
    assert ran.code == 3 and "hint: kurt key new acme" in ran.err
    assert here("market", "build", "m", "--unsigned").code == 0


def test_a_mirror_is_refused_without_the_key_it_is_to_have(
    here: Run, project: Path, own_places: Path
) -> None:
    write(project / "m" / "skills", "greeter")
    assert here("market", "build", "m").code == 0
    ran = here("market", "mirror", "m", "mirror", "--signed")
    assert ran.code == 5 and "kurt key trust" in ran.err
    here("key", "new", "mine")
    ran = here("market", "mirror", "m", "mirror", "--signed")
    assert ran.code == 5 and "is not signed" in ran.err
    assert not (project / "mirror" / "kurt").exists()
    assert here("market", "mirror", "m", "mirror").code == 0
    assert here("market", "verify", "mirror").code == 0


def test_a_change_is_found(here: Run, project: Path) -> None:
    write(project / "m" / "skills", "greeter")
    assert here("market", "build", "m").code == 0
    victim = next((project / "m" / "files" / "sha256").rglob("*/*"))
    victim.write_bytes(b"x" * os.path.getsize(victim))
    ran = here("market", "verify", "m", "--json")
    found = json.loads(ran.out)
    assert ran.code == 5 and not found["ok"] and found["data"]["findings"]
    assert here("market", "verify", "m", "--quick").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("market yank greeter 1.0.0 --from m", 2),
        ("market yank greeter 1.0.0 --from m --reason x --undo", 2),
        ("market yank greeter 1.0.0 --from m --undo", 0),
        ("market yank greeter 2.0.0 --from m --reason x", 3),
        ("market status greeter gone --from m", 2),
        ("market status greeter quarantined --from m", 0),
        ("market verify http://example.org/", 1),
        ("market mirror ftp://example.org/ x", 1),
        ("market verify nowhere", 1),
        ("market build nowhere", 2),
        ("market publish greeter --to m --sign nobody", 3),
    ],
)
def test_exit_codes(here: Run, project: Path, greeter: Path, words: str, code: int) -> None:
    write(project / "m" / "skills", "greeter")
    assert here("market", "build", "m").code == 0
    assert here(*words.split()).code == code


def test_a_trusted_key_is_listed_and_taken_back(here: Run) -> None:
    public = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert here("key", "trust", "acme", public).code == 0
    assert here("key", "list", "--json").data == [
        {"use": "trusted", "name": "acme", "id": "21fe31dfa154a261", "public": public}
    ]
    assert here("key", "distrust", "acme").code == 0
    assert here("key", "list").out.startswith("There are no keys")
