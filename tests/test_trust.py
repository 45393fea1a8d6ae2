"""Trust is given by a person, lies outside every project, and is believed only while it is ours."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.errors import ConfigError, NotFoundError, PolicyError
from kurt_ext.places import Places
from kurt_ext.trust import Trust


def load() -> Trust:
    return Trust.load(Places())


def folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_nothing_is_trusted_before_anybody_has_said_so(project: Path) -> None:
    trust = load()
    assert not trust.covers(str(project))
    assert (trust.paths, trust.findings) == ((), ())
    assert not os.path.exists(trust.file)


def test_a_trusted_folder_covers_what_lies_beneath_it_and_nothing_beside_it(project: Path) -> None:
    assert load().add(str(project)) is True
    assert load().add(str(project)) is False
    trust = load()
    assert trust.paths == (str(project.resolve()),)
    assert trust.covers(str(project))
    assert trust.covers(str(project / "skills" / "a"))
    assert not trust.covers(str(project) + "-evil")
    assert not trust.covers(str(project.parent))
    assert not trust.covers(str(project / ".." / "other"))


PARTS = st.lists(st.sampled_from(["a", "b", "ab", "..", "."]), max_size=5)


@given(st.lists(PARTS, max_size=3), PARTS)
def test_covering_is_being_an_ancestor(trusted: list[list[str]], asked: list[str]) -> None:
    base = "/nonexistent/root"
    paths = tuple(os.path.normpath("/".join([base, *parts])) for parts in trusted)
    path = "/".join([base, *asked])
    expected = any(os.path.commonpath([os.path.normpath(path), one]) == one for one in paths)
    assert Trust("f", paths).covers(path) is expected


def test_a_link_out_of_a_trusted_folder_is_not_covered(project: Path, tmp_path: Path) -> None:
    outside = folder(tmp_path / "outside")
    (project / "skills").symlink_to(outside)
    load().add(str(project))
    assert not load().covers(str(project / "skills" / "a"))
    (tmp_path / "alias").symlink_to(project)
    assert load().covers(str(tmp_path / "alias" / "x"))


def test_a_trusted_folder_that_becomes_a_link_is_trusted_no_longer(
    project: Path, tmp_path: Path
) -> None:
    inner, outside = folder(project / "inner"), folder(tmp_path / "outside")
    load().add(str(inner))
    inner.rmdir()
    inner.symlink_to(outside)
    assert not load().covers(str(inner))
    assert load().remove(str(inner)) is True


def test_removing_takes_back_only_what_was_trusted_by_itself(project: Path) -> None:
    trust = load()
    trust.add(str(project))
    assert trust.remove(str(project / "skills")) is False
    assert trust.covers(str(project / "skills"))
    assert trust.remove(str(project)) is True
    assert not trust.covers(str(project))
    assert not load().covers(str(project))


def test_the_file_is_private_json(project: Path) -> None:
    trust = load()
    trust.add(str(project))
    value = json.loads(Path(trust.file).read_text())
    assert value == {"schema": "kurt.trust/1", "trusted": [str(project.resolve())]}
    if sys.platform != "win32":
        assert stat.S_IMODE(os.stat(trust.file).st_mode) == 0o600
    left = [name for name in os.listdir(os.path.dirname(trust.file)) if name.endswith(".tmp")]
    assert left == []


def test_the_environment_adds_folders_for_this_process(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = folder(tmp_path / "other")
    monkeypatch.setenv("KURT_TRUST", os.pathsep.join([str(project), str(other)]))
    trust = load()
    assert trust.covers(str(project / "x"))
    assert trust.covers(str(other))
    assert trust.paths == ()
    trust.add(str(folder(tmp_path / "third")))
    assert trust.paths == (str(tmp_path / "third"),)
    assert trust.covers(str(project))


def test_an_environment_that_trusts_everything_is_obeyed_and_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", os.path.abspath(os.sep))
    trust = load()
    assert trust.covers(str(project))
    assert [finding.rule for finding in trust.findings] == ["trust-everything"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "schema"),
        (b'{"schema": "kurt.trust/9", "trusted": ["/"]}', "schema"),
        (b'{"schema": "kurt.trust/1", "trusted": "/"}', "whole paths"),
        (b'{"schema": "kurt.trust/1", "trusted": ["relative"]}', "whole paths"),
        (b'{"schema": "kurt.trust/1", "trusted": ["/a\\u0000b"]}', "whole paths"),
        (b" " * ((1 << 20) + 1), "larger"),
    ],
)
def test_a_file_that_cannot_be_believed_trusts_nothing_and_is_kept(
    project: Path, content: bytes, word: str
) -> None:
    file = Path(load().file)
    folder(file.parent)
    file.write_bytes(content)
    file.chmod(0o600)
    trust = load()
    assert not trust.covers(str(project))
    (finding,) = trust.findings
    assert (finding.severity, finding.path) == ("error", str(file))
    assert word in finding.message
    assert finding.fix
    with pytest.raises(ConfigError):
        trust.add(str(project))
    assert file.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_file_that_others_may_write_trusts_nothing(project: Path) -> None:
    trust = load()
    trust.add(str(project))
    os.chmod(trust.file, 0o620)
    assert not load().covers(str(project))
    assert "other users may write" in load().findings[0].message


@pytest.mark.skipif(
    sys.platform == "win32" or os.getuid() != 0, reason="only root can give a file away"
)
def test_a_file_of_another_user_trusts_nothing(project: Path) -> None:
    trust = load()
    trust.add(str(project))
    os.chown(trust.file, 12345, -1)
    assert not load().covers(str(project))
    assert "uid 12345" in load().findings[0].message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_place_of_the_file_does_not_hang(project: Path) -> None:
    file = Path(load().file)
    folder(file.parent)
    os.mkfifo(file, 0o600)
    assert "regular" in load().findings[0].message


def test_a_file_that_cannot_be_opened_is_a_finding() -> None:
    file = Path(load().file)
    folder(file.parent)
    file.symlink_to(file)
    assert "cannot be read" in load().findings[0].message


@pytest.mark.parametrize("path", ["/", "~", "~/.."])
def test_a_folder_too_wide_to_have_been_read_is_refused_unless_forced(path: str) -> None:
    path = os.path.expanduser(path)
    with pytest.raises(PolicyError) as caught:
        load().add(path)
    assert caught.value.cause
    assert "--force" in (caught.value.hint or "")
    assert load().paths == ()
    assert load().add(path, force=True)
    assert load().covers(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    shared = folder(tmp_path / "shared")
    shared.chmod(0o1777)
    with pytest.raises(PolicyError, match="as a whole"):
        load().add(str(shared))


def test_only_a_folder_that_exists_can_be_trusted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("missing", "file"):
        with pytest.raises(NotFoundError):
            load().add(str(tmp_path / name))


def test_no_answer_is_lost_when_many_are_given_at_once(tmp_path: Path) -> None:
    folders = [folder(tmp_path / f"f{number}") for number in range(12)]
    threads = [threading.Thread(target=load().add, args=(str(path),)) for path in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load().paths == tuple(sorted(str(path) for path in folders))


def test_a_linked_trust_file_stays_a_link(project: Path, tmp_path: Path) -> None:
    trust = load()
    real = folder(tmp_path / "dotfiles") / "trust.json"
    folder(Path(trust.file).parent)
    os.symlink(real, trust.file)
    real.write_text('{"schema": "kurt.trust/1", "trusted": []}')
    real.chmod(0o600)
    trust.add(str(project))
    assert os.path.islink(trust.file)
    assert str(project.resolve()) in real.read_text()


@pytest.mark.parametrize("torn", [b"", b"\0" * 300, b'{"schema": "kurt.tr\0\0\0\0'])
def test_what_a_loss_of_power_tears_costs_only_the_answers_nobody_waited_for(
    tmp_path: Path, torn: bytes
) -> None:
    one, two, three = (folder(tmp_path / name) for name in ("one", "two", "three"))
    load().add(str(one))
    load().add(str(two), durable=False)
    load().add(str(three), durable=False)
    assert load().paths == (str(one), str(three), str(two))
    Path(load().file).write_bytes(torn)
    assert load().paths == (str(one),)
    assert load().findings == ()
    load().add(str(two))
    assert load().paths == (str(one), str(two))


def test_what_was_trusted_once_is_not_again_after_a_loss_of_power(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    load().add(str(one))
    load().remove(str(one))
    load().add(str(two), durable=False)
    Path(load().file).write_bytes(b"")
    assert load().paths == ()


def test_what_the_disk_must_have_by_now_is_kept_as_it_was(tmp_path: Path) -> None:
    one, two, three = (folder(tmp_path / name) for name in ("one", "two", "three"))
    load().add(str(one), durable=False)
    load().add(str(two), durable=False)
    hour_ago = os.stat(load().file).st_mtime - 3600
    os.utime(load().file, (hour_ago, hour_ago))
    load().add(str(three), durable=False)
    Path(load().file).write_bytes(b"")
    assert load().paths == (str(one), str(two))


def test_a_projects_configuration_is_heeded_once_the_whole_project_is_trusted(
    project: Path, tmp_path: Path
) -> None:
    config, trust = project / "kurt.toml", load()
    config.write_text("")
    trust.add(str(folder(project / "skills" / "one")))
    assert not trust.heeds(str(config))
    trust.add(str(project))
    assert trust.heeds(str(config))
    assert not trust.heeds(str(config), whole=False)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_configuration_that_is_a_link_is_heeded_only_where_both_ends_are_trusted(
    project: Path, tmp_path: Path
) -> None:
    outside, trust = folder(tmp_path / "outside"), load()
    (outside / "kurt.toml").write_text("")
    (project / "kurt.toml").symlink_to(outside / "kurt.toml")
    trust.add(str(project))
    assert not trust.heeds(str(project / "kurt.toml"))
    trust.add(str(outside))
    assert trust.heeds(str(project / "kurt.toml"))
    trust.remove(str(project))
    assert not trust.heeds(str(project / "kurt.toml"))
