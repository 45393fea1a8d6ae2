"""Exit codes and streams, as a shell sees them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import CODE, Run, write_skill


def test_what_is_well_exits_0_with_nothing_on_stderr(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "name=Ada", "times=2")
    assert ran == (0, "text  Hello Ada! Hello Ada!\n", "")


def test_a_failed_result_exits_1_and_says_why(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "mode=fail")
    assert (ran.code, ran.out) == (1, "")
    assert "error: greeter:greet did not succeed" in ran.err
    assert "cause: no greeting today" in ran.err


def test_an_exception_of_an_extension_exits_1_with_its_place(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "mode=raise")
    assert ran.code == 1
    assert "cause: ValueError: boom" in ran.err
    assert f"at: {skill}/skill.py:" in ran.err
    assert "Traceback" not in ran.err


def test_an_unknown_command_exits_2_and_guesses(kurt: Run) -> None:
    ran = kurt("lsit")
    assert (ran.code, ran.out) == (2, "")
    assert "error: no such command: lsit" in ran.err
    assert "hint: did you mean list?" in ran.err


@pytest.mark.parametrize(
    ("words", "guess"),
    [
        (("list", "--scpe", "user"), "--scope"),
        (("list", "--scope", "usr"), "user"),
        (("skill", "validat"), "validate"),
        (("completion", "bsh"), "bash"),
    ],
)
def test_usage_errors_guess_what_was_meant(here: Run, words: tuple[str, ...], guess: str) -> None:
    ran = here(*words)
    assert ran.code == 2
    assert f"did you mean {guess}" in ran.err
    assert ran.out == ""


def test_no_words_at_all_show_the_help_and_exit_2(kurt: Run) -> None:
    ran = kurt()
    assert ran.code == 2
    assert "Commands:" in ran.err


def test_arguments_that_do_not_fit_are_all_named_at_once(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "nme=Ada", "times=often")
    assert ran.code == 2
    assert "nme: no such argument; did you mean name=…?" in ran.err
    assert "times: 'often' is not of type integer" in ran.err


def test_what_the_model_refuses_exits_2(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "times=0")
    assert ran.code == 2
    assert "times" in ran.err


def test_an_unknown_name_exits_3_with_the_nearest(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "gret")
    assert ran.code == 3
    assert "did you mean greet?" in ran.err


def test_an_untrusted_skill_exits_5_with_the_line_to_paste(kurt: Run, project: Path) -> None:
    folder = write_skill(project / "skills", "greeter", extension="greet")
    ran = kurt("run", "greet")
    assert ran.code == 5
    assert f"hint: kurt skill trust {folder}" in ran.err
    assert kurt("skill", "trust", str(folder)).code == 0
    assert kurt("run", "greet").code == 0


def test_a_disabled_extension_exits_5_with_the_key(kurt: Run, skill: Path, project: Path) -> None:
    (project / "kurt.toml").write_text('[tool]\ndisabled = ["greet"]\n')
    ran = kurt("run", "greet")
    assert ran.code == 5
    assert "kurt.toml:2 tool.disabled names greet" in ran.err
    assert "hint: kurt enable greeter:greet" in ran.err


def test_a_configuration_that_cannot_be_read_leads_to_what_is_wrong_in_it(
    kurt: Run, skill: Path, project: Path
) -> None:
    (project / "kurt.toml").write_text("[tool\n")
    ran = kurt("run", "greet")
    assert ran.code == 5
    assert "hint: kurt doctor" in ran.err


def test_a_name_that_two_skills_have_exits_6_with_both(
    kurt: Run, skill: Path, project: Path
) -> None:
    write_skill(project / "skills", "other", extension="greet")
    ran = kurt("run", "greet")
    assert ran.code == 6
    assert "greeter:greet" in ran.err
    assert "other:greet" in ran.err
    assert kurt("run", "other:greet").code == 0


def test_a_timeout_exits_1_and_says_how_to_wait_longer(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "mode=sleep", "--timeout", "0.2")
    assert ran.code == 1
    assert "--timeout" in ran.err


def test_an_interrupt_exits_130_without_a_traceback(skill: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kurt_ext", "run", "greet", "mode=sleep"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "sleeping\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "error: interrupted" in err
    assert "Traceback" not in err


def test_an_interrupt_ends_a_function_that_blocks(skill: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kurt_ext", "run", "greet", "mode=block"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "blocking\n"
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "error: interrupted" in err


def test_a_reader_that_goes_leaves_no_complaint(skill: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for words in (["list"], ["list", "--json"], ["explain", "greeter"], ["help", "exit-codes"]):
        done = subprocess.run(
            [sys.executable, "-m", "kurt_ext", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.stderr == "", words
    os.close(writing)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
def test_a_working_directory_that_was_deleted_is_said(
    kurt: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'rmdir "{gone}"; exec "{sys.executable}" -m kurt_ext '
    for words, code in (("list", 0), ("new fresh", 2)):
        gone.mkdir(exist_ok=True)
        done = subprocess.run(line + words, shell=True, cwd=gone, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert "unexpectedly" not in done.stderr
    assert not (Path.home() / "skills").exists()


def test_an_unforeseen_exception_names_the_line_that_shows_more(
    here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("impossible")

    monkeypatch.setattr("kurt_ext.discovery.discover", broken)
    ran = here("list", "--text", "two words")
    assert ran.code == 1
    assert "error: kurt failed unexpectedly: RuntimeError: impossible" in ran.err
    assert "kurt --debug list --text 'two words'" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in here("--debug", "list").err


def test_a_project_that_is_no_folder_is_a_usage_error(here: Run) -> None:
    for words in (("--project", "/nowhere", "list"), ("list", "--project", "/nowhere")):
        ran = here(*words)
        assert ran.code == 2
        assert "'/nowhere' is not a folder" in ran.err


def test_project_chooses_another_project(kurt: Run, skill: Path, tmp_path: Path) -> None:
    write_skill(tmp_path / "elsewhere" / "skills", "faraway", code=CODE)
    names = [
        row["name"] for row in kurt("list", "--json", "--project", str(tmp_path / "elsewhere")).data
    ]
    assert "faraway" in names
    assert "greeter" not in names


def test_quiet_leaves_out_talk_and_not_data(here: Run, skill: Path) -> None:
    assert here("disable", "greet", "-q").out == ""
    assert "greeter" in here("list", "-q").out


def test_names_from_manifests_cannot_write_to_the_terminal(kurt: Run, project: Path) -> None:
    folder = write_skill(project / "skills", "sly", code=None)
    text = (folder / "SKILL.md").read_text()
    text = text.replace("Greets somebody", r'"Greets \e[2J\u202e somebody').replace(
        "greeting.", 'greeting."'
    )
    (folder / "SKILL.md").write_text(text)
    ran = kurt("info", "sly")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_said_without_a_traceback(skill: Path) -> None:
    with open("/dev/full", "w") as full:
        for words in (["list"], ["list", "--json", "-v"], ["help", "exit-codes"]):
            done = subprocess.run(
                [sys.executable, "-m", "kurt_ext", *words],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert done.returncode == 1
            assert "No space left" in done.stderr
            assert "Traceback" not in done.stderr
            assert "unexpectedly" not in done.stderr
            assert "Exception ignored" not in done.stderr


def test_the_group_works_under_the_test_runner_of_click(skill: Path) -> None:
    from click.testing import CliRunner

    from kurt_ext.cli import cli

    done = CliRunner().invoke(cli, ["info", "greeter"])
    assert done.exit_code == 0
    assert "greet" in done.output
    done = CliRunner().invoke(cli, ["list", "--json"])
    assert done.stdout.startswith('{"data": [')


def test_a_file_that_cannot_be_rewritten_is_named_with_its_folder(kurt: Run, skill: Path) -> None:
    (skill / "SKILL.md").write_text("---\nname: [\n---\n")
    ran = kurt("skill", "fmt", "--portable", str(skill))
    assert ran.code == 1
    assert f"at: {skill}/SKILL.md:3:1" in ran.err
