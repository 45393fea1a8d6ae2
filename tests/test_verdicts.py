"""A verdict is remembered for these bytes and these rules, and for nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext import surveys
from kurt_ext import verdicts as module
from kurt_ext.hostfacts import HostFacts
from kurt_ext.places import Places
from kurt_ext.report import Report
from kurt_ext.validator import Check, installed_checks, validate
from kurt_ext.verdicts import Verdicts, rules_version, survey, tree_digest

ROW = {"path": "", "name": "a", "findings": [], "digests": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a"
    (made / "sub").mkdir(parents=True)
    (made / "plugin.json").write_text("{}")
    (made / "sub" / "x.py").write_text("x = 1\n")
    return made


@pytest.fixture
def kept(folder: Path) -> Verdicts:
    """Return verdicts of which one is of the folder as it is."""
    made = Verdicts(Places(), "rules")
    row, mark = made.find(str(folder))
    assert row is None and mark is not None
    assert made.keep(str(folder), mark, ROW)
    return made


def found(folder: Path, rules: str = "rules", **more: object) -> bool:
    return Verdicts(Places(), rules, **more).find(str(folder))[0] is not None  # type: ignore[arg-type]


def test_what_is_unchanged_is_remembered(folder: Path, kept: Verdicts) -> None:
    assert kept.find(str(folder))[0] == ROW
    assert (kept.hits, kept.misses) == (1, 1)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda f: (f / "sub" / "x.py").write_text("x = 2\n"),
    "a name": lambda f: (f / "sub" / "x.py").rename(f / "sub" / "y.py"),
    "a new file": lambda f: (f / "new").touch(),
    "a new folder": lambda f: (f / "new").mkdir(),
    "a file that is gone": lambda f: (f / "sub" / "x.py").unlink(),
    "a link": lambda f: (f / "link").symlink_to("plugin.json"),
    "a right": lambda f: (f / "sub" / "x.py").chmod(0o755),
    "a pipe": lambda f: os.mkfifo(f / "pipe"),
    "a hidden file": lambda f: (f / ".x.swp").write_text("x"),
    "bytecode": lambda f: (f / "__pycache__").mkdir(),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_any_change_is_another_verdict(folder: Path, kept: Verdicts, change: str) -> None:
    CHANGES[change](folder)
    assert kept.find(str(folder))[0] is None


def test_a_change_that_keeps_size_and_time_is_found(folder: Path, kept: Verdicts) -> None:
    path = folder / "sub" / "x.py"
    before = path.stat()
    path.write_text("x = 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kept.find(str(folder))[0] is None


def test_a_link_is_judged_by_where_the_folder_is(folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to(folder / "plugin.json")
    first = tree_digest(str(folder))
    (tmp_path / "other").mkdir()
    folder.rename(tmp_path / "other" / "a")
    assert tree_digest(str(tmp_path / "other" / "a")) != first


def test_the_same_bytes_elsewhere_have_the_same_verdict(
    folder: Path, kept: Verdicts, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    folder.rename(tmp_path / "other" / "a")
    assert kept.find(str(tmp_path / "other" / "a"))[0] == ROW
    (tmp_path / "other" / "a").rename(tmp_path / "other" / "b")
    assert kept.find(str(tmp_path / "other" / "b"))[0] is None


def test_other_rules_facts_or_profile_ask_anew(folder: Path, kept: Verdicts) -> None:
    assert found(folder)
    assert not found(folder, "other rules")
    assert not found(folder, facts=HostFacts(known_ids=frozenset(("b",))))
    assert not found(folder, profile="publish")


def test_facts_of_the_same_content_are_the_same_facts(folder: Path) -> None:
    for facts in (
        HostFacts(known_ids=frozenset(("b", "c")), known_names={"B": "b", "C": "c"}),
        HostFacts(known_ids=frozenset(("c", "b")), known_names={"C": "c", "B": "b"}),
    ):
        verdicts = Verdicts(Places(), "rules", facts)
        row, mark = verdicts.find(str(folder))
        assert mark is not None
        verdicts.keep(str(folder), mark, ROW)
    assert row == ROW


def test_nothing_is_read_where_nothing_can_have_changed(
    folder: Path, kept: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RACY_NS", -(10**12))  # as if it lay there for long
    kept.find(str(folder))
    monkeypatch.setattr(module, "_contents", lambda *_: pytest.fail("a byte was read"))
    assert kept.find(str(folder))[0] == ROW
    assert kept.unread > 0


def test_what_was_touched_just_now_is_read_again(folder: Path, kept: Verdicts) -> None:
    assert kept.find(str(folder))[0] == ROW
    assert kept.unread == 0


def entries(end: str) -> list[Path]:
    return sorted((Path(Places().cache) / "verdicts").glob(f"*{end}"))


@given(data=st.binary(max_size=60), whole=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_damaged_entries_are_no_entries(
    folder: Path, kept: Verdicts, data: bytes, whole: bool
) -> None:
    (entry,) = entries(".json")
    (note,) = entries(".seen")
    good = entry.read_bytes(), note.read_bytes()
    try:
        for path, bytes_before in zip((entry, note), good, strict=True):
            path.write_bytes(data if whole else bytes_before[: len(data)] + data)
        assert kept.find(str(folder))[0] in (None, ROW)
        entry.write_bytes(data)
        assert kept.find(str(folder))[0] is None
    finally:
        entry.write_bytes(good[0])
        note.write_bytes(good[1])


def test_an_entry_of_another_tree_is_not_believed(folder: Path, kept: Verdicts) -> None:
    (entry,) = entries(".json")
    good = entry.read_bytes()
    (folder / "sub" / "x.py").write_text("evil = 1\n")
    _, mark = kept.find(str(folder))
    assert mark is not None
    Path(kept._path(mark.tree)).write_bytes(good)
    assert kept.find(str(folder))[0] is None


@pytest.mark.skipif(os.name == "nt", reason="no owners and rights as on Unix")
def test_what_others_may_write_is_not_believed(folder: Path, kept: Verdicts) -> None:
    (entry,) = entries(".json")
    assert entry.stat().st_mode & 0o777 == 0o600
    entry.chmod(0o666)
    assert kept.find(str(folder))[0] is None
    entry.chmod(0o600)
    assert kept.find(str(folder))[0] == ROW
    if os.getuid() == 0:
        os.chown(entry, 12345, -1)
        assert kept.find(str(folder))[0] is None


def test_a_link_in_the_cache_is_not_followed(folder: Path, kept: Verdicts, tmp_path: Path) -> None:
    (entry,) = entries(".json")
    entry.rename(tmp_path / "elsewhere")
    entry.symlink_to(tmp_path / "elsewhere")
    assert kept.find(str(folder))[0] is None


def test_what_changed_while_it_was_judged_is_not_kept(folder: Path) -> None:
    verdicts = Verdicts(Places(), "rules")
    _, mark = verdicts.find(str(folder))
    assert mark is not None
    other = {**ROW, "digests": {"sub/x.py": "0" * 64}}
    assert not verdicts.keep(str(folder), mark, other)
    (folder / "sub" / "x.py").write_text("x = 2\n")
    assert not verdicts.keep(str(folder), mark, ROW)
    assert not entries(".json")


def test_a_judge_that_failed_is_asked_again(folder: Path) -> None:
    verdicts = Verdicts(Places(), "rules")
    _, mark = verdicts.find(str(folder))
    assert mark is not None
    for rule in ("check-failed", "judge-died"):
        assert not verdicts.remember(str(folder), mark, {**ROW, "findings": [{"rule": rule}]})


def test_a_report_of_another_shape_is_made_anew(folder: Path, kept: Verdicts) -> None:
    judged = kept.report(str(folder), lambda: validate(folder, checks=[]))
    assert isinstance(judged, Report)
    again = kept.report(str(folder), lambda: pytest.fail("judged again"))
    assert again.as_dict() == judged.as_dict()


def test_the_oldest_are_forgotten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP", 3)
    for number in range(6):
        verdicts = Verdicts(Places(), f"rules {number}")
        _, mark = verdicts.find(str(folder))
        assert mark is not None
        verdicts.keep(str(folder), mark, ROW)
        verdicts.close()
    assert len(entries("")) == 3


def test_a_cache_that_cannot_be_written_costs_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KURT_CACHE", str(tmp_path / "file"))
    verdicts = Verdicts(Places(), "rules")
    row, mark = verdicts.find(str(folder))
    assert row is None and mark is not None
    assert not verdicts.keep(str(folder), mark, ROW)
    verdicts.close()


def test_what_cannot_be_looked_at_whole_is_not_remembered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Verdicts(Places(), "rules").find(str(folder / "gone")) == (None, None)
    monkeypatch.setattr(surveys, "_MAX_ENTRIES", 2)
    assert survey(str(folder)) is None
    monkeypatch.undo()
    monkeypatch.setattr(module, "_MAX_TREE", 3)
    assert Verdicts(Places(), "rules").find(str(folder)) == (None, None)


def test_the_rules_are_those_of_every_check_and_of_the_host(tmp_path: Path) -> None:
    checks = installed_checks()
    first = rules_version(checks)
    assert rules_version(reversed(checks)) == first
    assert rules_version(checks[1:]) != first
    assert rules_version([*checks, Check("x", "nowhere_at_all:check", "nothing")]) != first
    assert rules_version(checks, ["ruff 1"]) != first


def test_an_edited_check_is_another_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "ruly"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(package.parent))
    check = Check("x", "ruly.checks:check", "ruly")
    first = rules_version([check])
    (package / "checks.py").write_text("x = 1")
    assert rules_version([check]) != first
