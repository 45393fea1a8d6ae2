"""Completion in real shells, with the names that are really there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run, write_skill

MARKED = "from pathlib import Path\nPath('imported').write_text('')\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> Path:
    """Put a program ``kurt`` of this tree on PATH, and skills into the project."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / "kurt"
    file.write_text(
        f"#!{sys.executable}\nimport sys\nfrom kurt_ext.__main__ import main\nsys.exit(main())\n"
    )
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KURT_TRUST", str(project))
    write_skill(project / "skills", "web-archiver", extension="archive", code=MARKED)
    write_skill(project / "skills", "gardener", extension="water", code=MARKED)
    return file


#: What is typed → what must be offered, and what must not.
CASES = [
    ("kurt ex", {"explain"}, {"list"}),
    ("kurt skill va", {"validate"}, {"link"}),
    ("kurt tool r", {"run"}, {"list"}),
    ("kurt run arch", {"archive"}, {"water"}),
    ("kurt run web-archiver:a", {"web-archiver:archive"}, set()),
    ("kurt info gard", {"gardener"}, {"web-archiver"}),
    ("kurt list --kind to", {"tool"}, {"engine"}),
    ("kurt list --sta", {"--state"}, {"--scope"}),
    ("kurt list --state unt", {"untrusted"}, {"ready"}),
    ("kurt config explain tool.en", {"tool.enabled"}, {"tool.disabled"}),
    ("kurt explain untr", {"untrusted"}, set()),
    ("kurt --color al", {"always"}, {"never"}),
    ("kurt new x --kind instr", {"instructions"}, set()),
]
IDS = [typed for typed, _, _ in CASES]


def in_bash(line: str) -> set[str]:
    """Return what bash would offer for a line that is typed up to its end."""
    script = f"""
eval "$(kurt completion bash)"
COMP_LINE={line!r}
COMP_POINT=${{#COMP_LINE}}
_kurt_complete kurt
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n")) - {""}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(("typed", "offered", "refused"), CASES, ids=IDS)
def test_bash(program: Path, typed: str, offered: set[str], refused: set[str]) -> None:
    # bash replaces only what stands behind the last colon or equals sign of the word.
    tail = {word.rpartition(":")[2] if ":" in typed else word for word in offered}
    found = in_bash(typed)
    assert tail <= found
    assert not refused & found
    assert not Path("imported").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_with_a_real_tab(program: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    shell = pexpect.spawn("bash", ["--norc", "--noprofile", "-i"], encoding="utf-8", timeout=30)
    shell.sendline("PS1='> '; bind 'set enable-bracketed-paste off'; echo sta''rted")
    shell.expect("started")
    shell.sendline('eval "$(kurt completion bash)"; echo rea""dy')
    shell.expect("ready")
    shell.send("echo kurt | cat; kurt info web-archiver:arc\t --json | head -c 9\n")
    shell.expect("web-archiver:archive")
    shell.expect('{"data": ')
    shell.close(force=True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(("typed", "offered", "refused"), CASES, ids=IDS)
def test_zsh(program: Path, typed: str, offered: set[str], refused: set[str]) -> None:
    script = f"""
autoload -U compinit && compinit -u -D
compadd() {{ [[ $1 == -- ]] && shift; print -rl -- "$@" }}
_describe() {{ local -a given; given=("${{(@P)3:-${{(@P)4}}}}"); print -rl -- "${{given[@]}}" }}
_path_files() {{ : }}
eval "$(kurt completion zsh)"
words=({typed if not typed.endswith(" ") else typed + '""'})
CURRENT=$#words
_kurt_complete
"""
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, check=False)
    found = {
        line.replace("\\:", "\0").partition(":")[0].replace("\0", ":")
        for line in done.stdout.split("\n")
    }
    assert offered <= found, done
    assert not refused & found


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_with_a_real_tab(program: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    shell = pexpect.spawn("zsh", ["-f", "-i"], encoding="utf-8", timeout=30)
    shell.sendline(
        "PS1='> '; unset zle_bracketed_paste; autoload -U compinit; compinit -u -D; echo sta''rted"
    )
    shell.expect("started")
    shell.sendline('eval "$(kurt completion zsh)"; echo rea""dy')
    shell.expect("ready")
    shell.send("kurt info web-archiver:arc\t")
    shell.expect("arc.?hive")
    shell.send("--json | head -c 9\n")
    shell.expect('{"data": ')
    shell.close(force=True)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(("typed", "offered", "refused"), CASES, ids=IDS)
def test_fish(program: Path, typed: str, offered: set[str], refused: set[str]) -> None:
    script = f"kurt completion fish | source; complete -C {typed!r}"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True)
    found = {line.partition("\t")[0] for line in done.stdout.split("\n")}
    assert offered <= found, done
    assert not refused & found


def test_no_command_but_the_one_that_is_typed_is_imported(program: Path) -> None:
    code = (
        "import os, sys; from kurt_ext.__main__ import main; main([]); "
        "print(*[m for m in sys.modules if m.startswith(('kurt_ext.commands', 'kurt_tool'))])"
    )
    for typed, expected in (
        ("kurt in", set()),
        ("kurt info ga", {"kurt_ext.commands", "kurt_ext.commands.info", "kurt_ext.commands.list"}),
        ("kurt skill l", {"kurt_ext.commands", "kurt_ext.commands.skill"}),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "_KURT_COMPLETE": "bash_complete", "COMP_WORDS": typed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert set(done.stdout.split("\n")[-2].split()) == expected


def test_a_summary_cannot_forge_an_answer(kurt: Run, project: Path) -> None:
    folder = write_skill(project / "skills", "sly", code=None)
    text = (folder / "SKILL.md").read_text()
    text = text.replace("Greets somebody", '"Greets\\nplain,forged\\n').replace(
        "greeting.", 'greeting."'
    )
    (folder / "SKILL.md").write_text(text)
    ran = kurt(env={"_KURT_COMPLETE": "zsh_complete", "COMP_WORDS": "kurt\ninfo\nsl"})
    assert ran.code == 0
    assert ran.out.split("\n")[:2] == ["plain", "sly"]
    assert len(ran.out.splitlines()) == 3


def test_an_unfinished_quote_is_no_error(kurt: Run, skill: Path) -> None:
    ran = kurt(env={"_KURT_COMPLETE": "bash_complete", "COMP_WORDS": "kurt info 'greete"})
    assert (ran.code, ran.out, ran.err) == (0, "plain,greeter\n", "")


def test_a_shell_that_we_do_not_know_is_told_nothing(kurt: Run) -> None:
    assert kurt(env={"_KURT_COMPLETE": "tcsh_complete", "COMP_WORDS": "kurt "}) == (1, "", "")
