"""Kinds are guests: found by entry point, judged, and one that is broken is a finding."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sites import installed
from trees import grow

from kurt_ext.errors import ContractError, UsageError
from kurt_ext.kinds import Kind, Kinds, Role, load_kinds
from kurt_ext.manager import SkillManager

KIND: Kind[object] = Kind("thing", "kurt.thing", "named", "things of a test")

GUEST = """\
from kurt_ext.contract import Result, Target
from kurt_ext.kinds import Kind

KIND = Kind(
    name="parser",
    namespace="kurt.parser",
    pattern="named",
    summary="makes rows of text",
    violations=lambda obj: [] if callable(obj) else ["it is no function"],
    call="guest_kind:target",
)


def target(extension):
    return Target(
        lambda params, context, on_progress: Result(data=extension.obj(params["text"])),
        schema=lambda: {"type": "object", "properties": {"text": {"type": "string"}}},
    )


def words(text):
    return text.split()


NOT_A_FUNCTION = 3
"""

POINTS = """\
[kurt.kind]
parser = guest_kind:KIND
missing = guest_kind:NOTHING
wrong = guest_kind:words
leaves = guest_exits:KIND

[kurt.parser]
words = guest_kind:words
number = guest_kind:NOT_A_FUNCTION
"""


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"guest_kind.py": GUEST, "guest_exits.py": "raise SystemExit(9)"}
    installed(monkeypatch, tmp_path / "site", "guest", POINTS, modules)
    monkeypatch.delitem(sys.modules, "guest_kind", raising=False)


@pytest.mark.usefixtures("guest")
def test_a_third_party_adds_a_kind_by_entry_point_alone() -> None:
    with SkillManager() as manager:
        assert "parser" in manager.kinds
        assert manager.run("words", {"text": "a b"}).data == ["a", "b"]
        with pytest.raises(ContractError, match=r"contract of kurt\.parser"):
            manager.run("number")


@pytest.mark.usefixtures("guest")
def test_a_kind_that_cannot_be_had_is_a_finding_and_the_others_work() -> None:
    with SkillManager() as manager:
        messages = [finding.message for finding in manager.kinds.problems]
        said = {message.split("'")[1]: message for message in messages}
        assert set(said) == {"missing", "wrong", "leaves"}
        assert "SystemExit: 9" in said["leaves"]
        assert "not a kurt_ext.kinds.Kind" in said["wrong"]


def test_a_folder_cannot_bring_a_kind(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    manifest = (
        "---\nname: sly\nversion: 0.1.0\ndescription: Brings a kind.\n"
        "implements:\n  - {type: kind, class: KIND, name: sly}\n---\n"
    )
    grow(project / "skills" / "sly", {"SKILL.md": manifest, "skill.py": "raise SystemExit"})
    with SkillManager() as manager:
        assert "sly" not in manager.kinds


def test_an_interrupt_while_a_kind_is_imported_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "s", {"interrupting_kind.py": "raise KeyboardInterrupt"})
    monkeypatch.syspath_prepend(str(tmp_path / "s"))
    with pytest.raises(KeyboardInterrupt):
        load_kinds([EntryPoint("k", "interrupting_kind:KIND", "kurt.kind")])


def test_the_first_of_two_kinds_counts() -> None:
    second: Kind[object] = Kind("thing", "kurt.other", "all", "a second")
    kinds = Kinds([KIND, second])
    assert kinds["thing"] is KIND
    assert kinds.of("kurt.other") is None
    assert [finding.rule for finding in kinds.problems] == ["kind-conflict"]


@pytest.mark.parametrize(
    ("name", "namespace", "pattern"),
    [("a thing", "kurt.thing", "named"), ("thing", "thing", "named"), ("thing", "kurt.t", "some")],
)
def test_a_kind_is_checked_when_it_is_made(name: str, namespace: str, pattern: str) -> None:
    with pytest.raises(ContractError):
        Kind(name, namespace, pattern, "")  # type: ignore[arg-type]


def test_a_facet_is_given_as_itself_or_by_its_place() -> None:
    kind: Kind[object] = Kind(
        "thing", "kurt.thing", "named", "", violations="builtins:list", contract="builtins:dict"
    )
    assert kind.facet("violations") is list
    assert kind.contract_type() is dict
    assert kind.facet("around") is None
    assert kind.broken_by("ab") == ["a", "b"]


def test_a_role_that_is_misspelled_comes_with_a_suggestion() -> None:
    kind: Kind[object] = Kind("thing", "kurt.thing", "driver", "", roles=(Role("fetch"),))
    assert kind.role("fetch").default is None
    with pytest.raises(UsageError) as caught:
        kind.role("fetsh")
    assert "fetch" in (caught.value.hint or "")


def test_the_five_kinds_are_there_with_their_patterns() -> None:
    with SkillManager() as manager:
        patterns = {kind.name: kind.pattern for kind in manager.kinds.values()}
    assert patterns == {
        "tool": "named",
        "engine": "driver",
        "middleware": "ordered",
        "integration": "enabled",
        "custom": "all",
    }


def test_importing_the_kinds_pulls_in_nothing_heavy() -> None:
    script = (
        "import sys, kurt_tool.kind, kurt_engine.kind, kurt_middleware.kind, "
        "kurt_integration.kind, kurt_custom.kind; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
    assert not {"pydantic", "stevedore", "asyncio", "yaml", "click"} & set(loaded.split())
