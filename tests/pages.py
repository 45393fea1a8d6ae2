"""Run the blocks of a Markdown page as a reader would, one after the other.

A block is a step by the words behind its opening fence:

``console``          each ``$ command`` is run in one shell; what stands beneath it is in its
                     output, where ``…`` stands for any text, and for any lines where it is alone
``LANGUAGE PATH``    written to that file
``python``           run by the shell's Python
``toml``, ``json``   must be that

Any other block is only shown.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_OPEN = re.compile(r"^( *)(`{3,})([^\n`]*)$")
_END = "\0"


class Block(NamedTuple):
    """A fenced block.

    :param line: the number of its first line within the fence, from 1.
    :param before: the text that stands before it, back to the block before that.
    """

    info: str
    text: str
    line: int
    before: str


class PageError(Exception):
    """A step that does not do what its page says."""


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = text.split("\n")
    number = start = 0
    while number < len(lines):
        opened = _OPEN.match(lines[number])
        number += 1
        if not opened:
            continue
        indent, fence, info = opened.groups()
        first = number
        while lines[number].strip() != fence:
            number += 1
        body = [line.removeprefix(indent) for line in lines[first:number]]
        before = "\n".join(lines[start : first - 1])
        yield Block(info.strip(), "\n".join([*body, ""]), first + 1, before)
        number += 1
        start = number


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output beneath it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            line, _, output = output.partition("\n")
            command += "\n" + line
        yield command, output


def fits(shown: str, output: str) -> bool:
    """Tell whether an output is what a page shows of it."""
    pattern = ""
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            words = [re.escape(part) for part in line.rstrip().split("…")]
            pattern += r"[^\n]*?".join(words) + r"[ ]*\n"
    return re.fullmatch(pattern, output.rstrip("\n") + "\n") is not None


class Shell:
    """One shell, in which the steps of a page run one after the other.

    :param folder: where it starts.
    :param environ: its environment.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environ),
            text=True,
            encoding="utf-8",
        )

    def run(self, command: str) -> tuple[str, int]:
        """Run a command; return what it wrote, and its exit code."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\0%s\\0' $?\n")
        self._process.stdin.flush()
        output = self._until()
        return output, int(self._until())

    def _until(self) -> str:
        assert self._process.stdout is not None
        found = ""
        while True:
            char = self._process.stdout.read(1)
            if char == _END:
                return found
            if not char:
                raise PageError(f"the shell has ended: {found}")
            found += char

    def close(self) -> None:
        """End the shell."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def run(page: Path, shell: Shell, *, bless: bool = False) -> None:
    """Do what a page says, step by step.

    :raises PageError: at the first step that fails, or says something else.
    """
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{block.line}"
        language, _, path = block.info.partition(" ")
        if path:
            _write(shell, block, path, where)
        elif language == "console":
            for command, shown in commands(block.text):
                _step(shell, command, shown, where, bless=bless)
        elif language == "python":
            _write(shell, block, ".block.py", "")
            output, code = shell.run("python .block.py")
            if code:
                raise PageError(f"{where}: {output}")
        elif language == "toml":
            tomllib.loads(block.text)
        elif language == "json":
            json.loads(block.text)


def _write(shell: Shell, block: Block, path: str, where: str) -> None:
    if where and os.path.basename(path) not in block.before:
        raise PageError(f"{where}: the text does not say that this is {path}")
    folder, _ = shell.run("pwd -W 2>/dev/null || pwd")
    target = Path(folder.strip(), path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.text, encoding="utf-8")


def _step(shell: Shell, command: str, shown: str, where: str, *, bless: bool) -> None:
    output, code = shell.run(command)
    if bless:
        print(f"$ {command}\n{output}", end="")
    # What fails must be shown to fail.
    failed = code != 0 and not re.search(r"^(error|fail)\b|: error: ", shown, re.MULTILINE)
    if failed or (shown.strip() and not fits(shown, output)):
        said = f"{where}: $ {command}\nshown:\n{shown}\nis (exit code {code}):\n{output}"
        if not bless:
            raise PageError(said)
        print(f"<<<<< DIFFERS {where} (exit {code})")
