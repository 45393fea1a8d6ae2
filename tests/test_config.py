"""kurt.toml: the project's over the user's, by name, with the place of everything said."""

from __future__ import annotations

import marshal
import os
import pickle
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext import config_file
from kurt_ext.config import Config, merge
from kurt_ext.config_explain import split_key
from kurt_ext.config_file import KEYS, describe
from kurt_ext.config_keys import LIMITS
from kurt_ext.errors import ConfigError, UntrustedError, UsageError
from kurt_ext.places import Places
from kurt_ext.settings import HIDDEN, Settings, hide, looks_secret


def write(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "kurt.toml"
    file.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return file


def load(project: Path, text: str | bytes = "", user: str = "", **options: Any) -> Config:
    """Load a trusted project with the two files as given; an empty text means no file."""
    if text:
        write(project, text)
    if user:
        write(Path.home() / ".config" / "kurt", user)
    return Config.load(Places(str(project)), **{"trusted": True, **options})


def layer(text: str, scope: str = "project") -> dict[str, Any]:
    """Return the layer that a text makes, without a file."""
    import tomllib

    from kurt_ext.config_file import _Reader

    result: dict[str, Any] = {"file": scope, "scope": scope}
    result |= {"kinds": {}, "skills": {}, "plugins": {}}
    _Reader("/x/kurt.toml", text).document(tomllib.loads(text), result)
    return result


class TestWithoutFiles:
    def test_everything_is_enabled_but_what_runs_only_when_named(self, project: Path) -> None:
        config = load(project)
        assert config.enabled("tool", "web-archiver", "archive")
        verdict = config.enabled("middleware", "tracing", "trace", opt_in=True)
        assert not verdict
        assert verdict.reason == "runs only where middleware.enabled names it"
        assert (config.files, config.findings, config.skill_paths) == ((), (), ())

    def test_nothing_that_is_dear_is_imported(self, project: Path) -> None:
        code = (
            "import sys; from kurt_ext.config import Config; from kurt_ext.places import Places\n"
            "Config.load(Places()).enabled('k', 's', 'e').reason\n"
            "print([m for m in ('re','json','tomllib','typing','tomlkit') if m in sys.modules])"
        )
        done = subprocess.run(
            [
                sys.executable,
                "-S",
                "-E",
                "-c",
                f"sys=__import__('sys');sys.path[:0]={sys.path}\n{code}",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "[]"


NAMES = st.sampled_from(
    ["archive", "web-archiver", "web-archiver:archive", "*", "hello", "x:archive"]
)
LISTS = st.lists(NAMES, max_size=4)
ASKED = st.tuples(
    st.sampled_from(["web-archiver", "hello", "x"]), st.sampled_from(["archive", "hello", "y"])
)


def matches(names: list[str], skill: str, extension: str) -> bool:
    return bool({extension, skill, f"{skill}:{extension}", "*"} & set(names))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Return a file that uses what there is."""
    lines = []
    if draw(st.booleans()):
        lines.append(f"skill_paths = {draw(st.lists(st.sampled_from(['a', '/b', '../c'])))}")
    for kind in draw(st.lists(st.sampled_from(["tool", "engine"]), unique=True)):
        lines.append(f"[{kind}]")
        for key in ("enabled", "disabled"):
            if draw(st.booleans()):
                lines.append(f"{key} = {draw(LISTS)}")
        for role in draw(st.lists(st.sampled_from(["run", "fetch"]), unique=True)):
            lines.append(f"{role} = {draw(st.sampled_from(['p', 'q']))!r}")
        for name in draw(st.lists(st.sampled_from(["llm", "db"]), unique=True)):
            lines.append(f"[{kind}.{name}]\nurl = {draw(st.integers(0, 9))}")
    for name in draw(st.lists(st.sampled_from(["hello", "web-archiver"]), unique=True)):
        lines.append(f"[skill.{name}]")
        for key in draw(st.lists(st.sampled_from(["a", "b", "c.d", "c.e"]), unique=True)):
            lines.append(f"{key} = {draw(st.integers(0, 9))}")
    for name in draw(st.lists(st.sampled_from(["hello", "web-archiver"]), unique=True)):
        lines.append(f"[plugin.{name}]")
        for key in draw(st.lists(st.sampled_from(["enabled", "auto_load"]), unique=True)):
            lines.append(f"{key} = {draw(st.sampled_from(['true', 'false']))}")
        lines.append(f"priority = {draw(st.integers(0, 9))}")
    return "\n".join(lines).replace("'", '"')


class TestEnabled:
    @given(enabled=st.none() | LISTS, disabled=st.none() | LISTS, asked=ASKED, opt_in=st.booleans())
    def test_disabled_wins_and_enabled_is_exact(
        self,
        enabled: list[str] | None,
        disabled: list[str] | None,
        asked: tuple[str, str],
        opt_in: bool,
    ) -> None:
        table = {
            key: names
            for key, names in (("enabled", enabled), ("disabled", disabled))
            if names is not None
        }
        config = Config([{"file": "f", "scope": "user", "kinds": {"tool": table}, "skills": {}}])
        verdict = config.enabled("tool", *asked, opt_in=opt_in)
        if matches(disabled or [], *asked):
            assert (verdict.enabled, verdict.key) == (False, "tool.disabled")
        elif enabled is not None:
            assert (verdict.enabled, verdict.key) == (matches(enabled, *asked), "tool.enabled")
            assert verdict.file == "f"
        else:
            assert (verdict.enabled, verdict.file) == (not opt_in, None)

    @given(texts(), texts(), ASKED)
    def test_the_project_replaces_enabled_and_adds_to_disabled(
        self, user: str, project: str, asked: tuple[str, str]
    ) -> None:
        below, above = layer(user, "user"), layer(project, "project")
        both = Config([below, above], trusted=True)
        for kind in ("tool", "engine"):
            tables = [one["kinds"].get(kind, {}) for one in (below, above)]
            disabled = [name for table in tables for name in table.get("disabled", ())]
            lists = [table["enabled"] for table in tables if "enabled" in table]
            expected = not matches(disabled, *asked) and (not lists or matches(lists[-1], *asked))
            assert bool(both.enabled(kind, *asked)) is expected
            assert both.order(kind) == (lists[-1] if lists else [])

    def test_the_reason_names_file_line_key_and_name(self, project: Path) -> None:
        config = load(
            project,
            """\
            # ours
            [tool]
            disabled = [
              "hello",   # too loud
              "archive",
            ]
            """,
            user="[engine]\nenabled = ['fetch.x']\n",
        )
        assert (
            config.enabled("tool", "web-archiver", "archive").reason
            == "kurt.toml:5 tool.disabled names archive"
        )
        assert (
            config.enabled("tool", "hello", "greet").reason
            == "kurt.toml:4 tool.disabled names hello"
        )
        assert (
            config.enabled("engine", "fast", "fetch.y").reason
            == "~/.config/kurt/kurt.toml:2 engine.enabled does not name fetch.y"
        )
        assert config.enabled("tool", "other", "o").reason == (
            "no tool.enabled: everything trusted is enabled"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "tool = {disabled = ['archive']}",
            "tool.disabled = ['archive']",
            '["tool"]\n"disabled" = ["archive"]',
        ],
    )
    def test_every_spelling_of_toml_is_found(self, project: Path, text: str) -> None:
        verdict = load(project, text).enabled("tool", "web-archiver", "archive")
        line = text.count("\n") + 1
        assert verdict.reason == f"kurt.toml:{line} tool.disabled names archive"

    def test_order_and_rank_follow_the_list(self, project: Path) -> None:
        config = load(project, "[middleware]\nenabled = ['retry', '*', 'kit:time']\n")
        assert config.order("middleware") == ["retry", "*", "kit:time"]
        asked = [("kit", "time"), ("other", "log"), ("kit", "retry")]
        ranks = [config.rank("middleware", *pair) for pair in asked]
        assert ranks == [2, 1, 0]
        assert load(project, "[middleware]\nenabled = ['a']").rank("middleware", "k", "b") == 1

    def test_choices_and_options_are_the_projects_where_it_has_them(self, project: Path) -> None:
        config = load(
            project,
            '[engine]\nrun = "threads"\n[integration.llm]\nmodel = "big"\n',
            user='[engine]\nrun = "sequential"\nfetch = "http"\n'
            '[integration.llm]\nmodel = "small"\ntoken = "env:LLM"\n',
        )
        assert config.choice("engine", "run") == "threads"
        assert config.choice("engine", "fetch") == "http"
        assert config.choice("engine", "map") is None
        assert config.options("integration", "llm") == {"model": "big", "token": "env:LLM"}
        resolved = config.resolve_options("integration", "llm", {"LLM": "s3cret"})
        assert resolved == {"model": "big", "token": "s3cret"}


class TestMerge:
    @given(texts(), texts(), texts())
    def test_it_is_associative(self, a: str, b: str, c: str) -> None:
        one, two, three = layer(a), layer(b), layer(c)
        assert merge(merge(one, two), three) == merge(one, merge(two, three))

    @given(texts())
    def test_nothing_is_its_identity_and_itself_changes_nothing(self, text: str) -> None:
        one = layer(text)
        alone = merge({}, one)
        assert merge(one, {}) == alone == merge(one, one)

    @given(texts(), texts())
    def test_a_snapshot_gives_the_same_answers(self, user: str, project: str) -> None:
        config = Config(
            [layer(user, "user"), layer(project, "project")], project="/x", trusted=True
        )
        again = Config.from_data(marshal.loads(marshal.dumps(config.as_data(), 2)))
        assert again.as_data() == config.as_data()
        assert again.skill_paths == config.skill_paths
        for kind in ("tool", "engine"):
            assert again.order(kind) == config.order(kind)
            assert again.enabled(kind, "x", "archive").enabled is (
                config.enabled(kind, "x", "archive").enabled
            )

    def test_a_snapshot_of_another_format_is_refused(self) -> None:
        with pytest.raises(ValueError):
            Config.from_data({"format": 0})


class TestBadFiles:
    @pytest.mark.parametrize(
        ("text", "line", "column", "word"),
        [
            (b"[tool\n", 1, 6, "Expected ']'"),
            (b"a = 1\na = 2\n", 2, 6, "Cannot overwrite a value"),
            (b"skill_paths = [\n", 2, 1, "Invalid value"),
            (b'\n\nx = "\xff"\n', 3, 6, "0xff"),
            (b"x = " + b"[" * 20000, 0, 0, "nested"),
            (b"#" * (1 << 20) + b"\n", 0, 0, "larger"),
            (b"x = \x00", 1, 5, ""),
            (b"x = " + b"9" * 5000, 0, 0, ""),
        ],
    )
    def test_one_finding_says_where_and_nothing_is_enabled(
        self, project: Path, text: bytes, line: int, column: int, word: str
    ) -> None:
        config = load(project, text)
        (finding,) = config.findings
        assert finding.rule == "config-unreadable"
        assert finding.path == str(project / "kurt.toml")
        assert (finding.line, finding.column) == (line, column)
        assert word in finding.message
        verdict = config.enabled("tool", "web-archiver", "archive")
        assert not verdict
        assert verdict.reason.startswith("kurt.toml")
        assert "cannot be read" in verdict.reason
        assert config.broken == str(project / "kurt.toml")

    def test_a_folder_or_a_pipe_in_its_place_is_a_finding(self, project: Path) -> None:
        (project / "kurt.toml").mkdir()
        assert load(project).findings[0].rule == "config-unreadable"
        (project / "kurt.toml").rmdir()
        if hasattr(os, "mkfifo"):
            os.mkfifo(project / "kurt.toml")
            assert "regular" in load(project).findings[0].message

    @given(st.binary(max_size=60))
    def test_no_bytes_make_it_raise(self, data: bytes) -> None:
        folder = Path.cwd()
        write(folder, data)
        config = Config.load(Places(str(folder)), kinds=["tool"])
        assert bool(config.broken) == any(f.rule == "config-unreadable" for f in config.findings)
        marshal.dumps(config.as_data(), 2)

    @pytest.mark.parametrize(
        ("text", "at", "rule", "message", "fix"),
        [
            ("skil_paths = []", (1, 1), "config-unknown", "no key 'skil_paths'", "skill_paths?"),
            (
                "[tol]\nenabled = []",
                (1, 1),
                "config-unknown",
                "no kind is called 'tol'",
                "mean tool?",
            ),
            ("[tool]\nenabeld = ['a']", (2, 1), "config-unknown", "no key 'enabeld'", "enabled?"),
            ("[tool]\nenable = 'a'", (2, 1), "config-unknown", "no key 'enable'", '= ["a"]'),
            ("[tool]\nenabled = 'a'", (2, 1), "config-type", "not a string", '["a"]'),
            ("[tool]\nenabled = 3", (2, 1), "config-type", "not an integer", '["NAME"]'),
            ("[tool]\n enabled = ['a',\n  7]", (3, 3), "config-type", "a name", ""),
            ("[engine]\nrun = 3", (2, 1), "config-type", "engine.run", ""),
            ("[skill]\ntoken = 'x'", (2, 1), "config-type", "skill.token", "[skill.NAME]"),
            ("skill = 3", (1, 1), "config-type", "a table of tables", "[skill.NAME]"),
            ("plugin = 3", (1, 1), "config-type", "a table of tables", "[plugin.NAME]"),
            ("[plugin]\nx = 3", (2, 1), "config-type", "plugin.x", "[plugin.NAME]"),
            ("[plugin.x]\nautoload = true", (2, 1), "config-unknown", "'autoload'", "auto_load?"),
            ("[plugin.x]\nzzz = 1", (2, 1), "config-unknown", "'zzz'", "[skill.x]"),
            ("[plugin.x]\nenabled = 'no'", (2, 1), "config-type", "true or false, not a str", ""),
            ("[plugin.x]\nenabled = 1", (2, 1), "config-type", "true or false, not 1", ""),
            ("[plugin.x]\npriority = 1.5", (2, 1), "config-type", "whole number", ""),
            ("[plugin.x]\ntimeout_seconds = 0", (2, 1), "config-type", "not 0", ""),
            ("[plugin.x]\ntimeout_seconds = nan", (2, 1), "config-type", "not nan", ""),
            ("[plugin.x]\ntimeout_seconds = true", (2, 1), "config-type", "not a boolean", ""),
            ("[plugin.x]\nsandbox_config_override = 1", (2, 1), "config-type", "a table", ""),
            ("enabled = ['a']", (1, 1), "config-unknown", "heads no table", "[KIND]"),
            ("[skill.a]\nn = nan", (2, 1), "config-type", "finite", ""),
            ("skill_paths = true", (1, 1), "config-type", "not a boolean", ""),
        ],
    )
    def test_what_does_not_fit_is_named_with_its_place_and_a_fix(
        self,
        project: Path,
        text: str,
        at: tuple[int, int],
        rule: str,
        message: str,
        fix: str,
    ) -> None:
        config = load(project, text, kinds=["tool", "engine", "middleware"])
        (finding,) = config.findings
        assert (finding.rule, (finding.line, finding.column)) == (rule, at)
        assert message in finding.message
        assert fix in finding.fix

    def test_a_list_that_cannot_be_read_enables_nothing(self, project: Path) -> None:
        assert not load(project, "[tool]\nenabled = 3").enabled("tool", "s", "e")

    def test_one_name_instead_of_a_list_counts_as_the_list(self, project: Path) -> None:
        config = load(project, "[tool]\ndisabled = 'archive'")
        assert not config.enabled("tool", "web-archiver", "archive")

    def test_unknown_skills_are_named_with_the_quotes_that_an_id_needs(self, project: Path) -> None:
        config = load(project, "[skill.com.example.calc]\nprecision = 3\n[skill.helo]\na = 1\n")
        one, two = config.check(["tool"], ["hello", "com.example.calc"])
        assert one.fix == 'write [skill."com.example.calc"]'
        assert (two.line, two.fix) == (3, "did you mean hello?")

    def test_dates_become_text(self, project: Path) -> None:
        config = load(project, "[skill.a]\nday = 2024-02-29\nlist = [07:30:00]\n")
        assert config.settings("a") == {"day": "2024-02-29", "list": ["07:30:00"]}

    def test_a_byte_order_mark_and_windows_line_ends_are_read(self, project: Path) -> None:
        config = load(project, b"\xef\xbb\xbf[tool]\r\ndisabled = ['a']\r\n")
        assert config.findings == ()
        assert config.enabled("tool", "s", "a").reason == "kurt.toml:2 tool.disabled names a"


class TestSkillPaths:
    def test_they_begin_at_their_file_and_the_projects_come_first(self, project: Path) -> None:
        config = load(
            project, 'skill_paths = ["../team", "~/mine"]', user='skill_paths = ["more", "/abs"]'
        )
        home = Path.home()
        assert config.skill_paths == (
            str(project.parent / "team"),
            str(home / "mine"),
            str(home / ".config" / "kurt" / "more"),
            "/abs",
        )


class TestSettings:
    TEXT = """\
    [skill.web-archiver]
    endpoint = "https://web.archive.org"
    wayback = "env:WAYBACK_KEY"
    retries = 3
    [skill.web-archiver.login]
    user = "env:ARCHIVE_USER"
    password = "hunter2"
    """

    def test_references_are_replaced_wherever_they_stand(self, project: Path) -> None:
        config = load(project, self.TEXT + "\ntags = ['a', 'env:TAG']\n")
        environ = {"WAYBACK_KEY": "w4y", "ARCHIVE_USER": "ann", "TAG": "t4g"}
        settings = config.resolve("web-archiver", environ)
        assert settings["wayback"] == "w4y"
        assert settings["login"] == {"user": "ann", "password": "hunter2", "tags": ["a", "t4g"]}

    def test_neither_repr_nor_str_shows_a_secret(self, project: Path) -> None:
        config = load(project, self.TEXT + '\nurls = ["postgres://ann:pw9@db/x"]\n')
        settings = config.resolve("web-archiver", {"WAYBACK_KEY": "w4y", "ARCHIVE_USER": "ann"})
        for shown in (
            repr(settings),
            str(settings),
            f"{settings}",
            repr(settings.copy()),
            repr(settings | {"more": 1}),
            repr({"more": 1} | settings),
            repr(pickle.loads(pickle.dumps(settings))),
            repr(settings["login"]),
        ):
            assert HIDDEN in shown
            for secret in ("w4y", "ann", "hunter2", "pw9"):
                assert secret not in shown
        assert "https://web.archive.org" in repr(settings)

    @pytest.mark.parametrize(
        ("key", "secret"),
        [
            ("api_key", True),
            ("apiKey", True),
            ("OPENAI_API_KEY", True),
            ("token", True),
            ("accessToken", True),
            ("db-password", True),
            ("author", False),
            ("monkey", False),
            ("keyboard", False),
            ("endpoint", False),
            ("passive", False),
        ],
    )
    def test_secrets_are_known_by_whole_words(self, key: str, secret: bool) -> None:
        assert looks_secret(key) is secret

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("hunter2", HIDDEN),
            (["env:A", "hunter2"], HIDDEN),
            ("env:A", "env:A"),
            (["env:A"], ["env:A"]),
            ("ed25519:" + "A" * 43 + "=", "ed25519:" + "A" * 43 + "="),
            (["ed25519:" + "A" * 43 + "="], ["ed25519:" + "A" * 43 + "="]),
            ("ed25519:hunter2", HIDDEN),
        ],
    )
    def test_references_and_public_keys_are_shown(self, value: object, shown: object) -> None:
        assert hide(value, "key") == shown

    def test_a_missing_variable_is_named_with_key_place_and_the_line_to_paste(
        self, project: Path
    ) -> None:
        config = load(project, self.TEXT)
        with pytest.raises(ConfigError) as caught:
            config.resolve("web-archiver", {})
        error = caught.value
        assert "skill.web-archiver.wayback" in error.message
        assert "WAYBACK_KEY" in error.message
        assert error.at == f"{project / 'kurt.toml'}:3:1"
        assert error.hint is not None
        assert "WAYBACK_KEY=" in error.hint
        assert error.skill == "web-archiver"

    @pytest.mark.parametrize("text", ["env:", "env:A-B", "env:1", "env:$(id)"])
    def test_a_reference_to_no_variable_is_an_error(self, project: Path, text: str) -> None:
        config = load(project, f'[skill.a]\nx = "{text}"\n')
        with pytest.raises(ConfigError, match=r"skill\.a\.x"):
            config.resolve("a", {})

    def test_an_untrusted_project_is_not_given_the_users_variables(self, project: Path) -> None:
        config = load(
            project,
            "[skill.a]\nendpoint = 'https://evil.example'\nquery = 'env:AWS_KEY'\n",
            user="[skill.a]\nmine = 'env:MINE'\n",
        )
        environ = {"AWS_KEY": "x", "MINE": "y"}
        with pytest.raises(UntrustedError, match="AWS_KEY") as caught:
            config.resolve("a", environ, trusts=lambda file: False)
        assert shlex.split(caught.value.hint or "") == ["kurt", "skill", "trust", str(project)]
        assert config.resolve("a", environ, trusts=lambda file: True)["query"] == "x"
        write(project, "[skill.a]\nendpoint = 'z'\n")
        again = Config.load(Places(str(project)), trusted=True)
        assert again.resolve("a", environ, trusts=lambda file: False)["mine"] == "y"

    def test_the_projects_key_replaces_the_users(self, project: Path) -> None:
        config = load(project, "[skill.a]\nx = 1\n", user="[skill.a]\nx = 2\ny = 3\n")
        assert config.settings("a") == {"x": 1, "y": 3}
        assert isinstance(config.resolve("a"), Settings)


class TestUntrusted:
    """The fault: a cloned project's kurt.toml redirects what the user trusts."""

    USER = """\
    [tool]
    enabled = ["archive", "hello"]
    disabled = ["hello"]
    [middleware]
    enabled = ["guard"]
    [engine]
    run = "sequential"
    [integration.llm]
    token = "env:LLM"
    [skill.web-archiver]
    token = "env:T"
    """
    PROJECT = """\
    skill_paths = ["more"]
    [tool]
    enabled = ["archive", "hello", "other"]
    disabled = ["loud"]
    [middleware]
    enabled = ["evil"]
    [engine]
    run = "evil"
    [integration.llm]
    url = "http://evil"
    [skill.web-archiver]
    url = "http://evil"
    """

    def load(self, project: Path, **options: Any) -> Config:
        options = {"trusted": False, "opt_in": ["middleware"], **options}
        return load(project, textwrap.dedent(self.PROJECT), textwrap.dedent(self.USER), **options)

    def test_a_secret_of_the_users_does_not_go_to_an_address_of_the_projects(
        self, project: Path
    ) -> None:
        config = self.load(project)
        environ = {"T": "s3cret", "LLM": "k3y"}
        assert config.resolve("web-archiver", environ) == {"token": "s3cret"}
        assert config.resolve_options("integration", "llm", environ) == {"token": "k3y"}
        assert config.choice("engine", "run") == "sequential"

    def test_a_guarding_layer_is_neither_dropped_nor_is_another_switched_on(
        self, project: Path
    ) -> None:
        config = self.load(project)
        assert config.enabled("middleware", "kit", "guard", opt_in=True)
        verdict = config.enabled("middleware", "kit", "evil", opt_in=True)
        assert not verdict
        assert "is ignored" in verdict.reason
        assert config.order("middleware") == ["guard"]
        alone = Config([layer(textwrap.dedent(self.PROJECT))])
        assert not alone.enabled("middleware", "kit", "evil", opt_in=True)
        assert alone.rank("middleware", "kit", "evil") == 0

    def test_what_it_takes_away_and_shows_counts(self, project: Path) -> None:
        config = self.load(project)
        assert config.skill_paths == (str(project / "more"),)
        assert not config.enabled("tool", "kit", "loud")
        assert config.enabled("tool", "web-archiver", "archive")
        alone = Config([layer("[middleware]\ndisabled = ['guard']\nenabled = ['guard']")])
        assert not alone.enabled("middleware", "kit", "guard", opt_in=True)

    def test_what_the_user_disables_or_leaves_out_stays_off(self, project: Path) -> None:
        config = self.load(project)
        assert not config.enabled("tool", "kit", "hello")
        verdict = config.enabled("tool", "kit", "other")
        assert (verdict.enabled, verdict.file) == (False, str(Places().user_config))

    @given(texts(), texts(), ASKED, st.booleans())
    def test_it_never_enables_more_than_the_users_file_alone(
        self, user: str, project: str, asked: tuple[str, str], opt_in: bool
    ) -> None:
        below, above = layer(user, "user"), layer(project, "project")
        both, alone = Config([below, above]), Config([below])
        again = Config.from_data(marshal.loads(marshal.dumps(both.as_data(), 2)))
        for kind in ("tool", "engine"):
            table = above["kinds"].get(kind, {})
            kept = opt_in or "enabled" not in table or matches(table["enabled"], *asked)
            expected = (
                bool(alone.enabled(kind, *asked, opt_in=opt_in))
                and (opt_in or not matches(table.get("disabled", []), *asked))
                and kept
            )
            for config in (both, again):
                assert bool(config.enabled(kind, *asked, opt_in=opt_in)) is expected
                assert config.order(kind) == alone.order(kind)
                for name in ("run", "fetch", "llm", "db"):
                    assert config.choice(kind, name) == alone.choice(kind, name)
                    assert config.options(kind, name) == alone.options(kind, name)
        for name in ("hello", "web-archiver"):
            assert both.settings(name) == again.settings(name) == alone.settings(name)
            assert both.plugin(name) == again.plugin(name)
            said = above["plugins"].get(name, {})
            taken = {word: False for word in ("enabled", "auto_load") if said.get(word) is False}
            assert both.plugin(name) == alone.plugin(name) | taken

    def test_each_key_that_is_ignored_is_a_finding_with_its_line_and_the_remedy(
        self, project: Path
    ) -> None:
        config = self.load(project)
        assert [(f.rule, f.severity, f.line, f.fix) for f in config.findings] == [
            ("untrusted-config", "warning", line, f"kurt skill trust {project}")
            for line in (6, 8, 9, 11)
        ]
        said = [f.message.partition(" is ignored")[0] for f in config.findings]
        table = "[skill.web-archiver]"
        assert said == ["middleware.enabled", "engine.run", "[integration.llm]", table]
        assert not self.load(project, trusted=True).findings

    def test_explain_says_that_a_key_is_ignored(self, project: Path) -> None:
        config = self.load(project)
        for key, opt_in in (
            ("skill.web-archiver.url", False),
            ("integration.llm.url", False),
            ("engine.run", False),
            ("middleware.enabled", True),
        ):
            origin = next(o for o in config.explain(key, opt_in=opt_in) if o.source == "project")
            assert not origin.wins
            assert origin.why == f"ignored, not trusted: kurt skill trust {project}"
        assert [o.wins for o in config.explain("engine.run")] == [False, True, False]
        assert [o.wins for o in config.explain("tool.enabled")] == [False, True, True]
        (default, _) = config.explain("skill.web-archiver.url")
        assert default.wins

    def test_a_service_whose_key_is_ignored_says_so(self, project: Path) -> None:
        (need,) = self.load(project).needs("web-archiver", ["url"], {})
        assert not need.met
        assert need.cause == "skill.web-archiver.url is ignored: its project is not trusted"
        assert need.at == f"{project / 'kurt.toml'}:12:1"
        assert need.hint == f"kurt skill trust {project}"

    def test_the_users_own_file_counts_where_it_is_the_projects_too(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(project, "[skill.a]\nx = 1\n")
        monkeypatch.setenv("KURT_CONFIG", str(file))
        assert Config.load(Places(str(project))).settings("a") == {"x": 1}

    def test_a_file_that_cannot_be_read_still_enables_nothing(self, project: Path) -> None:
        assert not load(project, "[tool", trusted=False).enabled("tool", "s", "e")


class TestNeeds:
    def test_each_service_needs_its_key(self, project: Path) -> None:
        config = load(
            project,
            """\
            [skill.web-archiver]
            wayback = "env:WAYBACK_KEY"
            plain = "abc"
            empty = ""
            unset = "env:UNSET"
            """,
        )
        apis = ["wayback", "plain", "empty", "unset", "absent", "wayback"]
        found = config.needs("web-archiver", apis, {"WAYBACK_KEY": "s3"})
        assert [(need.api, need.met) for need in found] == [
            ("wayback", True),
            ("plain", True),
            ("empty", False),
            ("unset", False),
            ("absent", False),
        ]
        by_api = {need.api: need for need in found}
        assert by_api["unset"].variable == "UNSET"
        assert by_api["unset"].at == f"{project / 'kurt.toml'}:5:1"
        assert "UNSET=" in by_api["unset"].hint
        assert (
            by_api["absent"].hint
            == "kurt config set 'skill.web-archiver.absent' env:WEB_ARCHIVER_ABSENT"
        )
        assert "s3" not in repr([need.as_dict() for need in found])
        assert "abc" not in repr([need.as_dict() for need in found])


class TestExplain:
    USER = '[tool]\nenabled = ["a"]\ndisabled = ["b"]\n[skill.s]\ntoken = "env:T"\nx = 1\n'
    PROJECT = '[tool]\nenabled = ["c"]\ndisabled = ["d"]\n[skill.s]\nx = 2\n'

    def test_the_last_word_is_told_from_the_others(self, project: Path) -> None:
        config = load(project, self.PROJECT, user=self.USER)
        default, user, ours = config.explain("tool.enabled")
        assert [(o.source, o.wins) for o in (default, user, ours)] == [
            ("default", False),
            ("user", False),
            ("project", True),
        ]
        assert (default.value, user.value, ours.value) == (["*"], ["a"], ["c"])
        assert (ours.file, ours.line) == (str(project / "kurt.toml"), 2)
        assert "replaces" in user.why

    def test_united_lists_both_count(self, project: Path) -> None:
        config = load(project, self.PROJECT, user=self.USER)
        assert [o.wins for o in config.explain("tool.disabled")] == [False, True, True]

    def test_without_a_file_the_default_wins(self, project: Path) -> None:
        (origin,) = load(project).explain("middleware.enabled", opt_in=True)
        assert (origin.source, origin.value, origin.wins) == ("default", [], True)

    def test_a_variable_is_named_and_its_value_never_shown(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("T", "s3cret")
        config = load(project, "[skill.s]\npassword = 'hunter2'\n", user=self.USER)
        origins = config.explain("skill.s.token")
        assert origins[-1].why == "the variable T is set"
        shown = repr([o.as_dict() for o in origins + config.explain("skill.s.password")])
        shown += repr(config.explain("skill.s"))
        assert "s3cret" not in shown
        assert "hunter2" not in shown

    def test_the_environments_choice_of_a_file_is_told(
        self, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = write(tmp_path / "elsewhere", self.USER)
        monkeypatch.setenv("KURT_CONFIG", str(elsewhere))
        monkeypatch.setenv("KURT_SKILLS", "/a")
        config = load(project)
        assert "KURT_CONFIG" in config.explain("skill.s.x")[-1].why
        assert config.explain("skill_paths")[-1].source == "environment"

    def test_an_id_with_dots_needs_no_quotes_where_it_is_known(self, project: Path) -> None:
        config = load(project, '[skill."com.example.calc"]\nprecision = 3\n')
        assert config.explain("skill.com.example.calc.precision")[-1].value == 3
        assert config.explain('skill."com.example.calc".precision')[-1].line == 2

    @pytest.mark.parametrize(
        ("key", "near"), [("tol.enabled", "tool.enabled"), ("skill_path", "skill_paths")]
    )
    def test_a_key_that_cannot_be_gets_a_suggestion(
        self, project: Path, key: str, near: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            load(project).explain(key, kinds=["tool"])
        assert caught.value.candidates[0] == near

    @pytest.mark.parametrize(
        "text", ["", ".", "a..b", "a b", "a\nb", "a = 1 #", "a = 0 #", '"', "[a]"]
    )
    def test_what_is_not_a_key_is_a_usage_error(self, text: str) -> None:
        with pytest.raises(UsageError):
            split_key(text)

    @given(
        st.lists(
            st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), min_size=1
        )
    )
    def test_keys_are_split_as_toml_does(self, parts: list[str]) -> None:
        assert split_key(".".join(parts)) == tuple(parts)
        assert split_key(".".join(f'"{part}"' for part in parts)) == tuple(parts)


def test_every_key_has_a_line_in_the_table() -> None:
    found = [
        describe(path)
        for path in (
            ("skill_paths",),
            ("tool", "enabled"),
            ("tool", "disabled"),
            ("tool", "run"),
            ("tool", "x", "y"),
            ("skill", "s", "k"),
            ("validator", "max_file_size_mb"),
            ("validator", "allowed_extensions"),
            ("validator", "blocked_imports"),
            ("validator", "min_score"),
            ("validator", "max_risk"),
            ("validator", "known_ids"),
            ("validator", "reserved_prefixes"),
            ("validator", "adapters"),
            ("sandbox", "wheelhouse"),
            ("sandbox", "offline"),
            ("sandbox", "allow_source"),
            ("sandbox", "isolation"),
            ("sandbox", "tier"),
            *[("sandbox", limit) for limit in LIMITS],
            ("market", "m", "url"),
            ("market", "m", "kind"),
            ("market", "m", "key"),
            ("market", "m", "allow_http"),
            ("market", "m", "hosts"),
            ("market", "m", "tuf_root"),
            ("market", "m", "attested"),
            ("market", "m", "identities"),
            ("market", "m", "sigstore_root"),
            ("audit", "ignore"),
            ("plugin", "p", "enabled"),
            ("plugin", "p", "auto_load"),
            ("plugin", "p", "priority"),
            ("plugin", "p", "timeout_seconds"),
            ("plugin", "p", "environment"),
            ("plugin", "p", "isolation"),
            ("plugin", "p", "sandbox_config_override"),
        )
    ]
    assert found == list(KEYS)
    assert all(key is not None and key.text.endswith(".") for key in found)
    assert [
        describe(path)
        for path in (
            (),
            ("skill_paths", "x"),
            ("tool",),
            ("skill",),
            ("plugin", "p"),
            ("plugin", "p", "x"),
        )
    ] == [None] * 6
    assert describe(("plugin", "p", "sandbox_config_override", "deep")) == KEYS[-1]


class TestPluginTable:
    USER = '[plugin."com.example.calc"]\nenabled = true\npriority = 5\n'
    PROJECT = '[plugin."com.example.calc"]\nauto_load = true\npriority = 1\nenabled = false\n'

    def both(self, project: Path, *, trusted: bool) -> Config:
        own = Path(Places().user_config)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(self.USER)
        (project / "kurt.toml").write_text(self.PROJECT)
        return load(project, trusted=trusted)

    def test_the_project_has_the_last_word_once_it_is_trusted(self, project: Path) -> None:
        config = self.both(project, trusted=True)
        assert config.plugin("com.example.calc") == {
            "enabled": False,
            "priority": 1,
            "auto_load": True,
        }
        assert config.plugin("nobody") == {} and config.findings == ()

    def test_until_then_it_only_takes_away(self, project: Path) -> None:
        config = self.both(project, trusted=False)
        assert config.plugin("com.example.calc") == {"enabled": False, "priority": 5}
        told = {(f.line, f.message.partition(" is ")[0]) for f in config.findings}
        assert told == {
            (2, 'plugin."com.example.calc".auto_load'),
            (3, 'plugin."com.example.calc".priority'),
        }
        assert {f.rule for f in config.findings} == {"untrusted-config"}

    @pytest.mark.parametrize(
        ("word", "trusted", "wins"),
        [
            ("priority", True, "project"),
            ("priority", False, "user"),
            ("enabled", False, "project"),
            ("auto_load", False, "default"),
            ("timeout_seconds", True, "default"),
        ],
    )
    def test_explain_says_which_file_counts(
        self, project: Path, word: str, trusted: bool, wins: str
    ) -> None:
        config = self.both(project, trusted=trusted)
        origins = config.explain(f"plugin.com.example.calc.{word}", kinds=["tool"])
        assert [origin.source for origin in origins if origin.wins] == [wins]

    def test_a_word_that_is_none_is_answered_with_those_there_are(self, project: Path) -> None:
        with pytest.raises(UsageError) as caught:
            load(project).explain("plugin.x.enable", kinds=["tool"])
        assert "plugin.NAME.enabled" in caught.value.candidates

    def test_a_table_of_no_skill_is_a_finding(self, project: Path) -> None:
        (project / "kurt.toml").write_text("[plugin.com.example.calc]\n[plugin.other]\n")
        found = load(project).check(["tool"], ["com.example.calc", "others"])
        assert [(f.line, f.fix) for f in found] == [
            (1, 'write [plugin."com.example.calc"]'),
            (2, "did you mean others?"),
        ]


class TestSandboxTable:
    def both(self, project: Path, mine: str, theirs: str, *, trusted: bool) -> Config:
        own = Path(Places().user_config)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(f"[sandbox]\n{mine}\n")
        (project / "kurt.toml").write_text(f"[sandbox]\n{theirs}\n")
        return load(project, trusted=trusted)

    def test_the_project_has_the_last_word_once_it_is_trusted(self, project: Path) -> None:
        config = self.both(project, "offline = true", 'wheelhouse = "w"', trusted=True)
        assert config.sandbox() == {"offline": True, "wheelhouse": str(project / "w")}
        assert config.findings == ()

    @pytest.mark.parametrize(
        ("theirs", "counts"),
        [
            ("offline = true", {"offline": True}),
            ("offline = false", {}),
            ("allow_source = false", {"allow_source": False}),
            ("allow_source = true", {}),
            ('wheelhouse = "w"', {}),
        ],
    )
    def test_until_then_it_only_takes_away(
        self, project: Path, theirs: str, counts: dict[str, bool]
    ) -> None:
        config = self.both(project, "", theirs, trusted=False)
        assert config.sandbox() == counts
        assert [f.rule for f in config.findings] == ([] if counts else ["untrusted-config"])
        key = f"sandbox.{theirs.partition(' ')[0]}"
        won = [origin.source for origin in config.explain(key, kinds=["tool"]) if origin.wins]
        assert won == (["project"] if counts else ["default"])

    @pytest.mark.parametrize(
        "value", ["offline = 1", "wheelhouse = ''", 'wheelhouse = ["x"]', "allow_source = 'no'"]
    )
    def test_a_value_that_is_none_is_told_and_remembered(self, project: Path, value: str) -> None:
        config = self.both(project, value, "", trusted=True)
        assert config.sandbox() == {"wrong": [value.partition(" ")[0]]}
        assert [f.rule for f in config.findings] == ["config-type"]

    def test_a_word_that_is_none_is_answered_with_the_nearest(self, project: Path) -> None:
        config = self.both(project, "ofline = true", "", trusted=True)
        assert [f.fix for f in config.findings] == ["did you mean offline?"]

    def test_where_a_plugins_libraries_come_from_is_one_of_two_words(self, project: Path) -> None:
        config = load(project, "[plugin.a]\nenvironment = 'own'\n[plugin.b]\nenvironment = 'x'\n")
        assert config.plugin("a") == {"environment": "own"} and config.plugin("b") == {}
        assert [f.line for f in config.findings] == [4]


class TestTablesWithinTables:
    def test_both_files_count_and_each_value_knows_its_own(self, project: Path) -> None:
        own = Path(Places().user_config)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text('[skill.s.http]\ntoken = "env:MINE"\ntimeout = 1\nmodes = [1, 2]\n')
        (project / "kurt.toml").write_text("[skill.s.http]\ntimeout = 2\nmodes = [3]\n")
        config = load(project)
        assert config.settings("s") == {"http": {"token": "env:MINE", "timeout": 2, "modes": [3]}}
        asked: list[str] = []
        config.resolve("s", {"MINE": "x"}, trusts=lambda file: bool(asked.append(file)))
        assert asked == [], "the reference is the user's own"
        winning = [o.source for o in config.explain("skill.s.http") if o.wins]
        assert winning == ["user", "project"]
        (origin,) = [o for o in config.explain("skill.s.http.timeout") if o.wins]
        assert (origin.source, origin.value) == ("project", 2)

    def test_a_projects_reference_within_a_table_is_its_own(self, project: Path) -> None:
        own = Path(Places().user_config)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text("[skill.s.http]\ntimeout = 1\n")
        (project / "kurt.toml").write_text('[skill.s.http]\ntoken = "env:MINE"\n')
        with pytest.raises(UntrustedError):
            load(project).resolve("s", {"MINE": "x"}, trusts=lambda file: False)


def test_a_market_of_the_users_is_not_led_astray_by_a_project(project: Path) -> None:
    places = Places()
    user = Path(places.user_config)
    user.parent.mkdir(parents=True, exist_ok=True)
    user.write_text('[market.team]\nurl = "https://team.example"\nkey = "mine"\n')
    (project / "kurt.toml").write_text(
        '[market.team]\nurl = "https://evil.example"\n[market.other]\nurl = "market"\n'
    )
    own = {"team": {"url": "https://team.example", "key": "mine"}}
    assert Config.load(places).markets == own
    doubted = [f.message for f in Config.load(places).findings]
    assert any("[market.other] is ignored" in message for message in doubted)
    trusted = Config.load(places, trusted=True)
    assert trusted.markets == {**own, "other": {"url": str(project / "market")}}
    *_, last = trusted.explain("market.team.url")
    assert (last.value, last.wins, last.file) == ("https://team.example", True, str(user))


@pytest.mark.parametrize(
    "text",
    [
        *("url = 3", 'url = ""', "key = [1]", 'allow_http = "yes"', 'hosts = "one.example"'),
        *("port = 1", "tuf_root = true", 'attested = "yes"', "identities = 3"),
    ],
)
def test_what_a_market_cannot_be_is_told(project: Path, text: str) -> None:
    (project / "kurt.toml").write_text(f"[market.team]\n{text}\n")
    layer, findings = config_file.read(str(project / "kurt.toml"), "project", ())
    assert [finding.line for finding in findings] == [2]
    key = text.partition(" ")[0]
    assert layer["markets"]["team"] == ({} if key == "port" else {"wrong": [key]})
