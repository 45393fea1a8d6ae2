"""Edits by name do what they say, and leave every other byte of the file as it was."""

from __future__ import annotations

import datetime
import os
import stat
import sys
import textwrap
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kurt_ext.config import Config
from kurt_ext.config_edit import disable, enable, parse_value, set_value, unset_value
from kurt_ext.config_explain import split_key
from kurt_ext.errors import ConfigError, LockedError, UsageError
from kurt_ext.locks import lock
from kurt_ext.places import Places, digest
from kurt_ext.toml_positions import scan

COMMENTED = """\
# What this project runs.

skill_paths = ["../team"]   # with the team

[tool]
# only these
enabled = [
  "archive",  # keeps the evidence
  "hello",
]

[engine]
run = "sequential"


[skill.web-archiver]   # ask Ann
wayback = "env:WAYBACK_KEY"

# the end
"""


@pytest.fixture(autouse=True)
def trusted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the project, so that its file counts in full."""
    monkeypatch.setenv("KURT_TRUST", str(project))


def places() -> Places:
    return Places(str(Path.cwd()))


def write(text: str) -> Path:
    file = Path.cwd() / "kurt.toml"
    file.write_bytes(textwrap.dedent(text).encode())
    return file


def user(text: str) -> Path:
    file = Path(places().user_config)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines between the longest common beginning and end."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return old, new


@pytest.mark.parametrize("after", ["", "\n[audit]\n", "\n[market.other]\nurl = 'x'\n"])
@pytest.mark.parametrize("before", ["# head\n\n", "[skill.s]\na = 1\n\n", "[market]\n"])
def test_a_whole_table_is_taken_away_with_nothing_else(
    project: Path, before: str, after: str
) -> None:
    path = project / "kurt.toml"
    path.write_text(f"{before}[market.acme]\nurl = 'm'\nhosts = []\n{after}")
    rest = tomllib.loads(before + after)
    assert unset_value(Places(str(project)), "market.acme")
    found = tomllib.loads(path.read_text())
    assert {key: table for key, table in found.items() if table} == {
        key: table for key, table in rest.items() if table
    }
    assert "# head" in path.read_text() or "# head" not in before


class TestEnableAndDisable:
    def test_without_an_enabled_key_disable_adds_and_enable_removes(self, project: Path) -> None:
        change = disable(places(), "tool", "web-archiver", "archive")
        assert change.lines == ("tool.disabled now names archive",)
        text = (project / "kurt.toml").read_text()
        assert text.startswith("# ")
        assert tomllib.loads(text) == {"tool": {"disabled": ["archive"]}}
        assert change.verdict is not None
        assert change.verdict.reason == "kurt.toml:4 tool.disabled names archive"
        again = enable(places(), "tool", "web-archiver", "archive")
        assert again.lines == ("tool.disabled no longer names archive",)
        assert again.verdict
        assert tomllib.loads((project / "kurt.toml").read_text()) == {"tool": {"disabled": []}}

    def test_where_enabled_stands_it_is_edited(self, project: Path) -> None:
        file = write(COMMENTED)
        disable(places(), "tool", "web-archiver", "archive")
        assert changed_lines(COMMENTED, file.read_text()) == (
            ['  "archive",  # keeps the evidence\n'],
            [],
        )
        before = file.read_text()
        enable(places(), "tool", "kit", "count")
        assert changed_lines(before, file.read_text()) == ([], ['  "count",\n'])

    def test_a_kind_that_runs_only_what_is_named_gets_a_list(self, project: Path) -> None:
        change = enable(places(), "middleware", "kit", "retry", opt_in=True)
        assert change.verdict
        assert tomllib.loads((project / "kurt.toml").read_text()) == {
            "middleware": {"enabled": ["retry"]}
        }
        assert not disable(places(), "middleware", "kit", "other", opt_in=True)

    def test_doing_it_twice_changes_nothing_the_second_time(self, project: Path) -> None:
        assert not enable(places(), "tool", "web-archiver", "archive")
        assert not (project / "kurt.toml").exists()
        disable(places(), "tool", "web-archiver", "archive")
        before = (project / "kurt.toml").stat()
        change = disable(places(), "tool", "web-archiver", "archive")
        assert (change.lines, bool(change)) == ((), False)
        after = (project / "kurt.toml").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_the_users_names_are_kept_when_the_projects_list_replaces_them(
        self, project: Path
    ) -> None:
        user('[tool]\nenabled = ["hello"]\n')
        change = enable(places(), "tool", "web-archiver", "archive")
        assert Config.load(places(), trusted=True).order("tool") == ["hello", "archive"]
        assert change.lines[0] == "tool.enabled begins with hello: this list replaces the user's"

    def test_a_file_that_still_disables_it_is_named(self, project: Path) -> None:
        user('[tool]\ndisabled = ["archive"]\n')
        change = enable(places(), "tool", "web-archiver", "archive")
        assert change.verdict is not None
        assert not change.verdict
        assert change.verdict.reason == "~/.config/kurt/kurt.toml:2 tool.disabled names archive"
        assert enable(places(), "tool", "web-archiver", "archive", scope="user").verdict

    def test_enabling_one_of_a_disabled_skill_leaves_its_siblings_disabled(
        self, project: Path
    ) -> None:
        write('[tool]\ndisabled = ["hello"]\n')
        enable(places(), "tool", "hello", "hello", siblings=("hello", "bye"))
        config = Config.load(places(), trusted=True)
        assert config.enabled("tool", "hello", "hello")
        assert not config.enabled("tool", "hello", "bye")

    def test_disabling_the_one_that_is_called_like_its_skill_leaves_its_siblings_enabled(
        self, project: Path
    ) -> None:
        disable(places(), "tool", "hello", "hello", siblings=("bye",))
        config = Config.load(places(), trusted=True)
        assert not config.enabled("tool", "hello", "hello")
        assert config.enabled("tool", "hello", "bye")

    def test_after_everything_was_disabled_only_the_one_is_enabled(self, project: Path) -> None:
        write('[tool]\ndisabled = ["*"]\n')
        enable(places(), "tool", "hello", "hello")
        config = Config.load(places(), trusted=True)
        assert config.enabled("tool", "hello", "hello")
        assert not config.enabled("tool", "web-archiver", "archive")

    def test_a_whole_skill_is_enabled_and_disabled(self, project: Path) -> None:
        write('[tool]\nenabled = ["kit:one", "x"]\n')
        enable(places(), "tool", "kit", siblings=("one", "two"))
        config = Config.load(places(), trusted=True)
        assert all(config.enabled("tool", "kit", name) for name in ("one", "two"))
        disable(places(), "tool", "kit", siblings=("one", "two"))
        assert Config.load(places(), trusted=True).order("tool") == ["x"]

    def test_a_whole_skill_is_enabled_again_name_by_name(self, project: Path) -> None:
        write('[tool]\ndisabled = ["one", "kit:two", "kit", "x"]\n')
        change = enable(places(), "tool", "kit", siblings=("one", "two"))
        assert change.verdict
        assert Config.load(places(), trusted=True).enabled("tool", "kit", "two")
        assert not Config.load(places(), trusted=True).enabled("tool", "other", "x")
        user('[tool]\ndisabled = ["two"]\n')
        still = enable(places(), "tool", "kit", siblings=("one", "two")).verdict
        assert still is not None
        assert still.reason.endswith("tool.disabled names two")

    def test_a_name_that_others_bear_is_written_whole(self, project: Path) -> None:
        disable(places(), "tool", "a", "archive", qualified=True)
        assert Config.load(places(), trusted=True).enabled("tool", "b", "archive")


class TestUntrusted:
    def test_what_is_enabled_in_vain_is_pending(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("KURT_TRUST")
        change = enable(places(), "middleware", "kit", "retry", opt_in=True)
        assert change.pending
        assert change.verdict is not None
        assert not change.verdict
        assert change.lines == ("middleware.enabled now names retry",)
        monkeypatch.setenv("KURT_TRUST", str(project))
        again = enable(places(), "middleware", "kit", "retry", opt_in=True)
        assert (again.pending, bool(again.verdict), again.lines) == (False, True, ())

    def test_what_the_user_disables_is_not_pending(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("KURT_TRUST")
        user('[tool]\ndisabled = ["archive"]\n')
        assert not enable(places(), "tool", "web-archiver", "archive").pending

    def test_a_layer_of_the_users_is_disabled_by_name_once_the_project_is_trusted(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("KURT_TRUST")
        user('[middleware]\nenabled = ["guard"]\n')
        write('[middleware]\nenabled = ["other"]\n')
        change = disable(places(), "middleware", "kit", "guard", opt_in=True)
        assert change.verdict is not None
        assert change.verdict.enabled
        assert change.pending
        assert change.lines == ("middleware.disabled now names guard",)


NAMES = ["archive", "hello", "kit", "kit:archive", "kit:kit", "hello:archive", "*", "x"]
LISTS = st.none() | st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
TABLE = st.fixed_dictionaries({"enabled": LISTS, "disabled": LISTS})
NOISE = st.sampled_from(
    [
        "",
        "\n",
        "# a comment\n",
        "\n\n# two\n\n",
        "[other]   # why\nrun = 'x'\n\n\n",
        "[skill.kit]\na = [1,\n  2 , # two\n]\n",
        "[[rows]]\na = 1\n\n[[rows]]\na = 2\n",
        'text = """\n[tool]\n"""\n',
        "inline = { a = 1, b = [ 'c' ] } # d\n",
    ]
)
STYLES = ("header", "dotted", "inline", "lines")


def spell(table: dict[str, list[str] | None], style: str, kind: str = "tool") -> str:
    given = {key: names for key, names in table.items() if names is not None}
    if not given:
        return ""
    if style == "dotted":
        return "".join(f"{kind}.{key} = {names}  # {key}\n" for key, names in given.items())
    if style == "inline":
        return (
            f"{kind} = {{ {', '.join(f'{key} = {names}' for key, names in given.items())} }} # in\n"
        )
    if style == "lines":
        body = "".join(
            f"{key} = [\n" + "".join(f"    {name!r},   # {name}\n" for name in names) + "] # end\n"
            for key, names in given.items()
        )
    else:
        body = "".join(f"  {key}   = {names}  # {key}\n" for key, names in given.items())
    return f"[{kind}] # head\n\n# above\n{body}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a valid file with the tables of one kind somewhere among other things."""
    table, style = draw(TABLE), draw(st.sampled_from(STYLES))
    before, after = draw(st.lists(NOISE, max_size=2)), draw(st.lists(NOISE, max_size=3))
    text = "".join([*before, spell(table, style), *after])
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    try:
        tomllib.loads(text)
    except ValueError:
        assume(False)
    return text


TARGETS = st.tuples(
    st.sampled_from(["kit", "hello"]), st.sampled_from(["archive", "kit", "hello", "new"])
)


class TestProperties:
    @given(documents(), documents(), TARGETS, st.booleans(), st.booleans(), st.booleans())
    def test_enable_enables_disable_disables_and_nothing_else_changes(
        self,
        mine: str,
        theirs: str,
        target: tuple[str, str],
        opt_in: bool,
        enabling: bool,
        qualified: bool,
    ) -> None:
        file = Path.cwd() / "kurt.toml"
        file.write_bytes(mine.encode())
        other = user("")
        other.write_bytes(theirs.encode())
        act = enable if enabling else disable
        change = act(places(), "tool", *target, opt_in=opt_in, qualified=qualified)
        verdict = Config.load(places(), trusted=True).enabled("tool", *target, opt_in=opt_in)
        blocked = verdict.file == str(other) and verdict.key == "tool.disabled"
        assert bool(verdict) is enabling or blocked
        assert change.verdict is not None
        assert change.verdict.enabled is verdict.enabled
        assert other.read_bytes() == theirs.encode()
        after = file.read_bytes().decode()
        nothing_else(mine, after, ("tool", "enabled"), ("tool", "disabled"))
        assert bool(change) is (after != mine)
        if change:
            assert not act(places(), "tool", *target, opt_in=opt_in, qualified=qualified)
            assert file.read_bytes().decode() == after

    @given(documents(), TARGETS, st.booleans())
    def test_the_users_file_is_edited_alike(
        self, text: str, target: tuple[str, str], opt_in: bool
    ) -> None:
        (Path.cwd() / "kurt.toml").unlink(missing_ok=True)
        user("").write_bytes(text.encode())
        assert disable(places(), "tool", *target, scope="user", opt_in=opt_in).verdict is not None
        assert not Config.load(places(), trusted=True).enabled("tool", *target, opt_in=opt_in)
        assert enable(places(), "tool", *target, scope="user", opt_in=opt_in).verdict
        assert not (Path.cwd() / "kurt.toml").exists()

    @given(documents())
    def test_siblings_keep_their_state(self, text: str) -> None:
        (Path.cwd() / "kurt.toml").write_bytes(text.encode())
        siblings = ("kit", "archive", "new")

        def states() -> dict[str, bool]:
            config = Config.load(places(), trusted=True)
            return {name: bool(config.enabled("tool", "kit", name)) for name in siblings}

        for act, wanted in ((disable, False), (enable, True)):
            before = states()
            act(places(), "tool", "kit", "kit", siblings=siblings, qualified=True)
            assert states() == {**before, "kit": wanted}

    @given(
        documents(),
        st.sampled_from(["skill.kit.key", "skill.kit.a", "skill.'a.b'.c", "other.run", "new.role"]),
        st.sampled_from(["text", "env:X", 'quo"te', "é"]),
    )
    def test_set_is_read_back_and_unset_takes_it_away(
        self, text: str, key: str, value: str
    ) -> None:
        file = Path.cwd() / "kurt.toml"
        file.write_bytes(text.encode())
        path = key.replace("'", "").split(".") if "'" not in key else ["skill", "a.b", "c"]
        before = tomllib.loads(text)
        set_value(places(), key, value)
        assert lookup(tomllib.loads(file.read_bytes().decode()), path) == value
        nothing_else(text, file.read_bytes().decode(), tuple(path))
        assert unset_value(places(), key)
        after = tomllib.loads(file.read_bytes().decode())
        assert lookup(after, path) is None
        for word in before:
            if word not in (path[0],):
                assert after[word] == before[word]


def outside(text: str, *keys: tuple[str, ...]) -> str:
    """Return a text without the pairs of these keys, their comments, and all white space."""
    pairs = scan(text).pairs
    spans = []
    for key in keys:
        for length in range(1, len(key) + 1):
            if key[:length] in pairs:
                start, _, end = pairs[key[:length]]
                line = text.find("\n", end)
                rest = text[end:] if line < 0 else text[end:line]
                spans.append((start, end + len(rest) if rest.lstrip().startswith("#") else end))
                break
    for start, end in sorted(set(spans), reverse=True):
        text = text[:start] + text[end:]
    return "".join(text.split())


def nothing_else(before: str, after: str, *keys: tuple[str, ...]) -> None:
    """Require that two texts differ in these keys alone, or in a table that is new at the end."""
    if "\r\n" in before:
        assert "\n" not in after.replace("\r\n", "")
    old, new = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    kept, came = outside(old, *keys), outside(new, *keys)
    assert came == kept or (came.startswith(kept) and came.endswith("]"))
    for line in old.splitlines():
        if line.startswith(("[", "#", "text", "inline")) and not line.startswith("inline.tool"):
            assert line in new.splitlines()
    # Blank lines between other things stay too.
    for block in ("\n\n# two\n\n", "[[rows]]\na = 1\n\n[[rows]]\na = 2"):
        assert new.count(block) >= old.count(block)


def lookup(data: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data


class TestSet:
    def test_untouched_lines_stay_byte_for_byte(self, project: Path) -> None:
        file = write(COMMENTED)
        set_value(places(), "skill.web-archiver.retries", 3)
        assert changed_lines(COMMENTED, file.read_text()) == ([], ["retries = 3\n"])
        file = write(COMMENTED)
        set_value(places(), "engine.run", "threads")
        assert changed_lines(COMMENTED, file.read_text()) == (
            ['run = "sequential"\n'],
            ['run = "threads"\n'],
        )
        file = write(COMMENTED)
        unset_value(places(), "skill_paths")
        assert changed_lines(COMMENTED, file.read_text())[1] == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("tool.enabled", ["hello", 'a"b\\', "é\x7f"]),
            ("skill.x.y", {"a b": [1, True, {}], "c": "two\nlines"}),
            ('skill."com.example.calc".precision', 0.5),
            ("skill.x.since", datetime.date(2024, 2, 29)),
        ],
    )
    def test_what_changed_is_said_in_toml(self, key: str, value: object) -> None:
        (line,) = set_value(places(), key, value).lines
        assert line.startswith(f"{key} = ")
        *tables, last = split_key(key)
        read: Any = tomllib.loads(line)
        for table in tables:
            read = read[table]
        assert read[last] == value
        assert "\n" not in line

    def test_a_new_table_goes_to_the_end(self, project: Path) -> None:
        file = write(COMMENTED)
        set_value(places(), 'skill."com.example.calc".precision', 10)
        assert file.read_text() == COMMENTED + '\n[skill."com.example.calc"]\nprecision = 10\n'

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("tool.enabled", "archive"),
            ("tool.enabled", [1]),
            ("skill_paths", [""]),
            ("engine.run", 3),
            ("skill.x", 1),
            ("skill", {}),
            ("skill.x.y", None),
        ],
    )
    def test_a_value_of_the_wrong_type_is_refused(
        self, project: Path, key: str, value: object
    ) -> None:
        with pytest.raises(UsageError):
            set_value(places(), key, value)
        assert not (project / "kurt.toml").exists()

    def test_a_key_that_cannot_be_is_refused_with_a_suggestion(self, project: Path) -> None:
        with pytest.raises(UsageError) as caught:
            set_value(places(), "tol.enabled", ["a"], kinds=["tool"])
        assert caught.value.candidates == ("tool",)

    @pytest.mark.parametrize(
        ("key", "text", "value"),
        [
            ("tool.enabled", "a, b", ["a", "b"]),
            ("tool.enabled", '["a"]', ["a"]),
            ("tool.disabled", "*", ["*"]),
            ("skill.x.y", "env:TOKEN", "env:TOKEN"),
            ("skill.x.y", "3", 3),
            ("skill.x.y", "true", True),
            ("skill.x.y", '"3"', "3"),
            ("skill.x.y", "two words", "two words"),
            ("skill.x.y", "1\nz = 2", "1\nz = 2"),
            ("skill.x.y", "", ""),
        ],
    )
    def test_values_on_the_command_line_are_toml_or_text(
        self, key: str, text: str, value: object
    ) -> None:
        assert parse_value(key, text) == value

    def test_a_secret_is_set_and_not_said(self, project: Path) -> None:
        change = set_value(places(), "skill.x.api_key", "hunter2")
        assert "hunter2" not in repr(change)
        assert Config.load(places(), trusted=True).settings("x") == {"api_key": "hunter2"}


class TestFiles:
    @pytest.mark.parametrize("text", ["[tool\n", "a = 1\na = 2\n", "\x00"])
    def test_a_file_that_is_not_toml_is_left_alone(self, project: Path, text: str) -> None:
        file = write(text)
        for act in (enable, disable):
            with pytest.raises(ConfigError) as caught:
                act(places(), "tool", "s", "e")
            assert (caught.value.at or "").startswith(f"{file}:")
        with pytest.raises(ConfigError):
            set_value(places(), "tool.enabled", ["a"])
        assert file.read_text() == text
        assert os.listdir(project) == ["kurt.toml"]

    def test_nothing_is_edited_while_the_other_file_cannot_be_read(self, project: Path) -> None:
        broken = user("[tool\n")
        with pytest.raises(ConfigError) as caught:
            disable(places(), "tool", "s", "e")
        assert (caught.value.at or "").startswith(str(broken))
        assert not (project / "kurt.toml").exists()

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
    def test_the_mode_is_kept_and_a_new_user_file_is_private(self, project: Path) -> None:
        file = write(COMMENTED)
        file.chmod(0o640)
        enable(places(), "tool", "s", "e")
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        disable(places(), "tool", "s", "e", scope="user")
        assert stat.S_IMODE(os.stat(places().user_config).st_mode) == 0o600

    def test_the_target_of_a_users_link_is_replaced_and_the_link_stays(
        self, project: Path, tmp_path: Path
    ) -> None:
        real = tmp_path / "dotfiles.toml"
        real.write_text("# mine\n")
        link = user("")
        link.unlink()
        link.symlink_to(real)
        disable(places(), "tool", "s", "e", scope="user")
        assert link.is_symlink()
        assert real.read_text() == '# mine\n\n[tool]\ndisabled = ["e"]\n'

    def test_a_projects_link_out_of_it_is_refused(self, project: Path, tmp_path: Path) -> None:
        outside = tmp_path / "victim.toml"
        outside.write_text("[user]\nname = 'x'\n")
        (project / "kurt.toml").symlink_to(outside)
        with pytest.raises(ConfigError, match="leads out of the project"):
            disable(places(), "tool", "s", "e")
        assert outside.read_text() == "[user]\nname = 'x'\n"

    def test_a_byte_order_mark_stays(self, project: Path) -> None:
        file = write("")
        file.write_bytes(b"\xef\xbb\xbf[tool]\r\nenabled = ['a']\r\n")
        enable(places(), "tool", "s", "e")
        assert file.read_bytes() == b"\xef\xbb\xbf[tool]\r\nenabled = ['a', \"e\"]\r\n"

    def test_no_edit_is_lost_when_many_are_made_at_once(self, project: Path) -> None:
        write("# shared\n")
        here = places()
        threads = [
            threading.Thread(target=disable, args=(here, "tool", "s", f"e{number}"))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        data = tomllib.loads((project / "kurt.toml").read_text())
        assert sorted(data["tool"]["disabled"]) == [f"e{number}" for number in range(8)]
        assert os.listdir(project) == ["kurt.toml"]

    def test_a_failure_to_write_leaves_the_old_file(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(COMMENTED)

        def full(*arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(ConfigError) as caught:
            enable(places(), "tool", "s", "e")
        assert caught.value.cause == "No space left on device"
        assert file.read_text() == COMMENTED
        assert os.listdir(project) == ["kurt.toml"]

    def test_a_scope_that_is_none_is_a_usage_error(self, project: Path) -> None:
        with pytest.raises(UsageError):
            disable(places(), "tool", "s", "e", scope="global")


def test_an_edit_waits_for_the_lock(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = places()
    folder = os.path.join(here.data, "locks")
    os.makedirs(folder)
    name = digest(os.fsencode(os.path.realpath(here.project_config))) + ".lock"
    monkeypatch.setattr("kurt_ext.config_edit.lock", lambda path: lock(path, 0.01))
    with lock(os.path.join(folder, name)), pytest.raises(LockedError):
        disable(here, "tool", "s", "e")


def test_a_list_that_is_not_closed_is_no_name() -> None:
    with pytest.raises(UsageError, match="is no list"):
        parse_value("tool.enabled", '["a"')
    assert parse_value("tool.enabled", "a,b") == ["a", "b"]


class TestPluginTable:
    @pytest.mark.parametrize(
        ("key", "text", "value"),
        [
            ("enabled", "false", False),
            ("auto_load", "true", True),
            ("priority", "-3", -3),
            ("timeout_seconds", "0.5", 0.5),
            ("sandbox_config_override", "{max_execution_time_seconds = 10}",
             {"max_execution_time_seconds": 10}),
        ],
    )  # fmt: skip
    def test_a_key_is_set_with_a_value_of_its_type(
        self, project: Path, key: str, text: str, value: Any
    ) -> None:
        path = ("plugin", "com.example.calc", key)
        set_value(places(), path, parse_value(path, text), kinds=["tool"])
        written = tomllib.loads((project / "kurt.toml").read_text())
        assert written == {"plugin": {"com.example.calc": {key: value}}}

    @pytest.mark.parametrize(
        ("key", "value"),
        [("enabled", "yes"), ("auto_load", 1), ("priority", 1.5), ("timeout_seconds", 0)],
    )
    def test_a_value_of_another_type_is_refused(self, key: str, value: Any) -> None:
        with pytest.raises(UsageError, match="must be"):
            set_value(places(), ("plugin", "x", key), value)

    def test_a_key_that_there_is_not_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(UsageError) as caught:
            set_value(places(), "plugin.x.autoload", True, kinds=["tool"])
        assert caught.value.candidates == ("plugin.x.auto_load",)
