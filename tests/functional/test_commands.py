"""What the commands do, each through its words alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run, distribution, write_skill


def names(ran: object) -> set[str]:
    """Return the names of the rows of a listing."""
    return {row["name"] for row in ran.data}  # type: ignore[attr-defined]


# -- list and info ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), {"greeter", "leaflet", "shut"}),
        (("--kind", "tool"), {"greeter", "shut"}),
        (("--kind", "nothing"), set()),
        (("--tag", "demo"), {"greeter", "leaflet", "shut"}),
        (("--text", "leaf"), {"leaflet"}),
        (("--text", "gree greet"), {"greeter", "leaflet", "shut"}),
        (("--scope", "user"), set()),
        (("--state", "instructions"), {"leaflet"}),
    ],
)
def test_list_chooses(
    here: Run, skill: Path, project: Path, words: tuple[str, ...], found: set[str]
) -> None:
    write_skill(project / "skills", "leaflet", code=None)
    write_skill(project / "skills", "shut")
    shown = names(here("list", *words, "--json"))
    assert shown & {"greeter", "leaflet", "shut"} == found


def test_list_says_what_is_wrong_with_the_others(kurt: Run, skill: Path, project: Path) -> None:
    broken = project / "skills" / "broken"
    broken.mkdir()
    (broken / "SKILL.md").write_text("---\nname: [\n---\n")
    ran = kurt("list")
    assert ran.code == 0
    assert "greeter" in ran.out
    assert "broken" in ran.out
    assert "kurt explain broken" in ran.err


def test_shadowed_copies_are_shown_only_when_asked_for(
    kurt: Run, skill: Path, own_places: Path
) -> None:
    write_skill(own_places / ".kurt" / "skills", "greeter", extension="greet")
    assert kurt("list").out.count("greeter") == 1
    assert kurt("list", "--all").out.count("greeter") == 2
    ran = kurt("info", "greeter")
    assert "Copies that do not count" in ran.out
    assert str(own_places / ".kurt" / "skills" / "greeter") in ran.out


def test_info_shows_permissions_in_words_and_what_is_missing(
    here: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    folder = write_skill(project / "skills", "asker", apis="wayback")
    text = (folder / "SKILL.md").read_text()
    more = "permissions:\n  network_hosts: [web.archive.org]\n  native_code: true\nimplements:"
    (folder / "SKILL.md").write_text(text.replace("implements:", more))
    ran = here("info", "asker")
    assert "talk to: web.archive.org" in ran.out
    assert "run native code" in ran.out
    assert "wayback: " in ran.out
    assert here("info", "asker", "--json").data["requires_api"][0]["met"] is False
    (project / "kurt.toml").write_text('[skill.asker]\nwayback = "secret-key-of-mine"\n')
    ran = here("info", "asker", "--json")
    assert ran.data["requires_api"][0]["met"] is True
    assert "secret-key-of-mine" not in ran.out


# -- run -------------------------------------------------------------------------


def test_run_takes_json_from_a_file_from_stdin_and_from_a_word(
    kurt: Run, skill: Path, project: Path
) -> None:
    (project / "in.json").write_text('{"name": "File"}')
    assert kurt("run", "greet", "--json-args", "@in.json").out == "text  Hello File!\n"
    ran = kurt("run", "greet", "--json-args", "-", input='{"name": "Pipe"}')
    assert ran.out == "text  Hello Pipe!\n"
    assert "Word" in kurt("run", "greet", "--json-args", '{"name": "No"}', "name=Word").out


def test_run_help_shows_the_arguments_of_the_extension(kurt: Run, skill: Path) -> None:
    for words in (
        ("run", "greet", "--help"),
        ("run", "-h", "greet"),
        ("tool", "run", "greet", "-h"),
    ):
        ran = kurt(*words)
        assert ran.code == 0
        for text in ("name", "who is greeted", "integer", "list of string", '"World"'):
            assert text in ran.out
    schema = kurt("run", "greet", "--help", "--json").data["schema"]
    assert schema["properties"]["times"]["type"] == "integer"
    assert "Examples:" in kurt("run", "--help").out


def test_not_a_number_is_null_in_json(kurt: Run, skill: Path) -> None:
    assert kurt("run", "greet", "mode=nan", "--json").data["data"] == {"value": None}


def test_instructions_say_where_they_are(kurt: Run, project: Path, skill: Path) -> None:
    folder = write_skill(project / "skills", "leaflet", code=None)
    ran = kurt("run", "leaflet")
    assert ran.code == 3
    assert "instructions to read, and no code" in ran.err
    assert f"at: {folder}/SKILL.md" in ran.err


# -- enable, disable, config -----------------------------------------------------


def test_disable_and_enable_keep_the_comments(kurt: Run, skill: Path, project: Path) -> None:
    file = project / "kurt.toml"
    file.write_text("# mine\n[skill.greeter]  # settings\nvoice = 'loud'\n")
    assert kurt("disable", "greet").code == 0
    assert kurt("run", "greet").code == 5
    assert kurt("enable", "greeter:greet").code == 0
    assert kurt("run", "greet").code == 0
    text = file.read_text()
    assert text.startswith("# mine\n[skill.greeter]  # settings\nvoice = 'loud'\n")


def test_nothing_is_changed_where_one_name_is_wrong(here: Run, skill: Path, project: Path) -> None:
    ran = here("disable", "greet", "gret")
    assert ran.code == 3
    assert "did you mean greet?" in ran.err
    assert not (project / "kurt.toml").exists()


def test_the_user_may_be_meant(kurt: Run, skill: Path, own_places: Path) -> None:
    assert kurt("disable", "greet", "--scope", "user").code == 0
    file = kurt("config", "path", "--scope", "user").out.strip()
    assert "greet" in Path(file).read_text()
    assert file in kurt("config", "explain", "tool.disabled", "--json").out


def test_enabling_what_another_file_disables_says_so(
    kurt: Run, skill: Path, own_places: Path
) -> None:
    kurt("disable", "greet", "--scope", "user")
    ran = kurt("enable", "greet", "--scope", "project")
    assert ran.code == 5
    assert "kurt.toml:" in ran.err
    assert "tool.disabled" in ran.err


def test_config_sets_gets_and_unsets(kurt: Run, skill: Path) -> None:
    assert kurt("config", "get", "skill.greeter.voice").code == 3
    assert kurt("config", "set", "skill.greeter.voice", "loud").code == 0
    assert kurt("config", "get", "skill.greeter.voice").out == "loud\n"
    assert kurt("config", "set", "skill_paths", "../one,../two").code == 0
    assert len(kurt("config", "get", "skill_paths", "--json").data["value"]) == 2
    assert "skill.greeter.voice" in kurt("config", "list").out
    assert kurt("config", "unset", "skill.greeter.voice").code == 0
    assert kurt("config", "get", "skill.greeter.voice").code == 3
    ran = kurt("config", "set", "tol.enabled", "greet")
    assert ran.code == 2
    assert "did you mean tool" in ran.err


def test_a_secret_in_the_configuration_is_not_printed(
    kurt: Run, skill: Path, project: Path
) -> None:
    (project / "kurt.toml").write_text('[skill.greeter]\napi_token = "sk-0123456789abcdef"\n')
    for words in (
        ("list",),
        ("get", "skill.greeter.api_token"),
        ("explain", "skill.greeter.api_token"),
    ):
        for form in ((), ("--json",)):
            assert "sk-0123456789abcdef" not in kurt("config", *words, *form).out


# -- explain ---------------------------------------------------------------------


def test_explain_tells_of_every_copy(kurt: Run, skill: Path, own_places: Path) -> None:
    other = write_skill(own_places / ".kurt" / "skills", "greeter", extension="greet")
    told = kurt("explain", "greet", "--json").data["candidates"]
    assert [(one["location"], one["wins"]) for one in told] == [
        (str(skill), True),
        (str(other), False),
    ]
    assert told[1]["shadowed_by"] == str(skill)
    assert f"by {skill}" in kurt("explain", "greeter").out


def test_explain_names_the_key_that_disables(kurt: Run, skill: Path, project: Path) -> None:
    (project / "kurt.toml").write_text('[tool]\n\ndisabled = [\n  "greet",\n]\n')
    assert "kurt.toml:4 tool.disabled names greet" in kurt("explain", "greet").out


def test_explain_load_tells_the_error_and_the_time(kurt: Run, skill: Path, project: Path) -> None:
    (skill / "skill.py").write_text("import nothing_of_that_name\n")
    (outcome,) = [
        item["outcome"]
        for item in kurt("explain", "greet", "--load", "--json").data["candidates"][0]["extensions"]
    ]
    assert outcome["state"] == "failed"
    assert outcome["ms"] > 0
    assert "nothing_of_that_name" in outcome["error"]["cause"]
    ran = kurt("explain", "greet", "--load")
    assert ran.code == 0
    assert " ms" in ran.out
    assert f"at: {skill}/skill.py:1" in ran.out


def test_explain_reads_errors_and_rules_aloud(here: Run, project: Path, skill: Path) -> None:
    assert "exit code 75" in here("explain", "locked").out
    told = here("explain", "short-version").out
    assert "Why: " in told
    assert "Good: version: 1.2.0" in told
    assert "permissions" in here("explain", "wide-network").out
    assert "did you mean short-version?" in here("explain", "short-versoin").err
    broken = project / "skills" / "broken"
    broken.mkdir()
    (broken / "SKILL.md").write_text("---\nname: [\n---\n")
    rule = here("explain", "broken", "--json").data["candidates"][0]["findings"][0]["rule"]
    found = here("explain", rule, "--json").data
    assert found["rule"] == rule
    assert [finding["skill"] for finding in found["findings"]] == ["broken"]


# -- trust -----------------------------------------------------------------------


def test_trust_is_given_and_taken(kurt: Run, project: Path) -> None:
    write_skill(project / "skills", "greeter", extension="greet")
    assert "kurt skill trust" in kurt("list").err
    assert kurt("skill", "trust").out == f"Trusted {project}\n"
    assert kurt("skill", "trust").out == f"Trusted already: {project}\n"
    assert kurt("run", "greet").code == 0
    ran = kurt("skill", "untrust", "skills/greeter")
    assert ran.code == 3
    assert f"hint: kurt skill untrust {project}" in ran.err
    assert kurt("skill", "untrust").code == 0
    assert kurt("run", "greet").code == 5


def test_a_home_directory_is_not_trusted_by_a_slip(kurt: Run, own_places: Path) -> None:
    assert kurt("skill", "trust", str(own_places)).code == 5
    assert kurt("skill", "trust", str(own_places), "--force").code == 0


# -- shim and link ---------------------------------------------------------------


def test_pip_lists_local_skills_in_the_shim(kurt: Run, skill: Path) -> None:
    path = kurt("shim", "path").out.strip()
    done = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--path", path, "--editable", "--format", "freeze"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kurt-skill-greeter==0.1.0" in done.stdout


def test_status_sees_damage_and_repair_mends_it(kurt: Run, skill: Path) -> None:
    root = Path(kurt("shim", "path").out.strip())
    assert kurt("shim", "status").code == 0
    (stub,) = root.glob("kurt_skills/*/__init__.py")
    stub.write_text("raise SystemExit\n")
    (root / "stranger.py").write_text("")
    ran = kurt("shim", "status")
    assert ran.code == 1
    assert "hint: kurt shim repair" in ran.err
    assert kurt("shim", "repair").code == 0
    assert kurt("shim", "status").code == 0
    assert not (root / "stranger.py").exists()


@pytest.mark.venv
def test_link_shows_local_skills_to_an_environment_and_unlink_takes_it_back(
    kurt: Run, tmp_path: Path, project: Path
) -> None:
    write_skill(project / "skills", "greeter", extension="greet")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    look = [
        python,
        "-c",
        "from importlib.metadata import version; print(version('kurt-skill-greeter'))",
    ]
    assert subprocess.run(look, capture_output=True).returncode != 0
    ran = kurt("skill", "link", "--python", str(python))
    assert ran.code == 0, ran
    assert f"Trusted {project}" in ran.out
    done = subprocess.run(look, capture_output=True, text=True)
    assert done.stdout == "0.1.0\n"
    assert kurt("skill", "unlink", "--python", str(python)).code == 0
    assert subprocess.run(look, capture_output=True).returncode != 0
    assert kurt("skill", "unlink", "--python", str(python)).code == 3


# -- doctor ----------------------------------------------------------------------


def statuses(kurt: Run, *words: str) -> dict[str, str]:
    """Return the worst status of each check."""
    found: dict[str, str] = {}
    for check in kurt("doctor", "--json", *words).envelope["data"]["checks"]:
        if found.get(check["id"]) != "fail":
            found[check["id"]] = check["status"]
    return found


def test_doctor_finds_what_is_in_the_way(
    kurt: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_skill(project / "skills", "untrusted-one")
    (project / "kurt.toml").write_text('[tol]\nenabled = ["x"]\n')
    site = tmp_path / "site"
    (site / "kurt_skills").mkdir(parents=True)
    (site / "kurt_skills" / "__init__.py").write_text("")
    distribution(site, "kurt-bad", "[kurt.tool\nx = y\n")
    (site / "half_there-1.0.dist-info").mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    ran = kurt("doctor")
    assert ran.code == 1
    for text in ("kurt_bad", "half_there", "hides every other", "kurt skill trust", "tol"):
        assert text in ran.out, text
    found = statuses(kurt)
    assert found["intruding-package"] == "fail"
    assert found["malformed-distribution"] == "warn"
    assert found["trust"] == "warn"


def test_doctor_is_content_with_an_index_right_after_an_edit(here: Run, skill: Path) -> None:
    (skill / "SKILL.md").touch()
    checks = {check["id"]: check for check in here("doctor", "--json").data["checks"]}
    assert checks["index"]["status"] == "ok", checks["index"]["message"]


def test_explain_knows_a_skill_by_its_folder_too(here: Run, skill: Path, project: Path) -> None:
    write_skill(project / "skills", "other", extension="other")
    (project / "skills" / "other").rename(project / "skills" / "misnamed")
    (told,) = here("explain", "misnamed", "--json").data["candidates"]
    assert told["name"] == "other"


def test_explain_says_that_a_skill_needs_another_python(here: Run, skill: Path) -> None:
    manifest = skill / "SKILL.md"
    text = manifest.read_text()
    manifest.write_text(text.replace("version: 0.1.0", 'version: 0.1.0\nrequires_python: ">=9"'))
    assert "needs    Python >=9; this is " in here("explain", "greeter").out


def test_doctor_fixes_what_it_may(kurt: Run, skill: Path, tmp_path: Path, project: Path) -> None:
    root = Path(kurt("shim", "path").out.strip())
    (stub,) = root.glob("kurt_skills/*/__init__.py")
    stub.write_text("raise SystemExit\n")
    assert statuses(kurt)["shim-damaged"] == "fail"
    ran = kurt("doctor", "--fix")
    assert ran.code == 0, ran
    assert "fixed shim-damaged" in ran.out
    assert "shim-damaged" not in statuses(kurt)


def test_doctor_removes_the_shim_of_a_project_that_is_gone(
    kurt: Run, skill: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    write_skill(gone / "skills", "greeter", extension="greet")
    kurt("skill", "trust", str(gone))
    root = Path(kurt("--project", str(gone), "shim", "path").out.strip())
    assert root.is_dir()
    import shutil

    shutil.rmtree(gone)
    assert statuses(kurt)["shim-orphan"] == "warn"
    kurt("doctor", "--fix")
    assert not root.exists()


# -- fmt -------------------------------------------------------------------------


def test_fmt_checks_shows_and_rewrites(kurt: Run, skill: Path) -> None:
    file = skill / "SKILL.md"
    before = file.read_text()
    assert kurt("skill", "fmt", "--portable", "--check", str(skill)).code == 1
    ran = kurt("skill", "fmt", "--portable", "--diff", str(skill))
    assert (ran.code, file.read_text()) == (0, before)
    assert "-version: 0.1.0" in ran.out
    record = kurt("info", "greeter", "--json").data["manifest"]
    assert kurt("skill", "fmt", "--portable", str(skill)).code == 0
    assert kurt("skill", "fmt", "--portable", "--check", str(skill)).code == 0
    assert kurt("run", "greet").code == 0
    again = kurt("info", "greeter", "--json").data["manifest"]
    assert {**again, "metadata": None} == {**record, "metadata": None}
