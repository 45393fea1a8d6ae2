"""Show a marketplace end to end, on this machine alone: python examples/market_tour.py

Somebody publishes three skills, somebody else finds, installs and runs them, and what may
go wrong goes wrong. Every command is shown with what it said and its exit code, and the
tour ends at the first that does not do what is expected of it. All of it lies in a
temporary folder, homes included, and is gone afterwards.

It takes ``pip install 'kurt-ext[sign]'``; with ``kurt-ext[server]`` the marketplace is
served by kurt, else by ``python -m http.server``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOTES = '''\
"""Notes: count the words of a file."""

from pathlib import Path

from pydantic import BaseModel, Field

from kurt_tool import Tool, ToolResult


class Input(BaseModel):
    path: str = Field(description="the file whose words are counted")


class Output(BaseModel):
    words: int


class Notes(Tool[Input, Output]):
    name = "notes"

    async def run(self, params, context, on_progress=None):
        text = Path(params.path).read_text(encoding="utf-8")
        return ToolResult(data=Output(words=len(text.split())))
'''

ADVISORY = {
    "schema_version": "1.7.0",
    "id": "ACME-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "hello greets the wrong person",
    "affected": [
        {
            "package": {"ecosystem": "Kurt:market", "name": "hello"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.2.0"}]}],
        }
    ],
}

#: What the published skills are signed with, and their index.
SIGNED = "--sign acme --key acme"


class Unexpected(Exception):
    """A command that did something else than the tour says."""


class Person:
    """Somebody at a machine: a home, a folder to work in, and commands that they type."""

    def __init__(self, base: Path, name: str) -> None:
        self.name = name
        self.home = base / name
        self.project = self.home / "project"
        self.project.mkdir(parents=True)
        # None of the settings of whoever looks on.
        own = ("KURT_", "XDG_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        self.environ = kept | {"HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "100"}

    def types(self, command: str, *says: str, code: int = 0, answer: str | None = None) -> str:
        """Run the command and show it; return what it printed.

        *answer* is typed at a terminal; without it there is none.

        Raises:
            Unexpected: another exit code, or one of *says* is not in what it printed.
        """
        print(f"{self.name}$ {command}", flush=True)
        if answer is None:
            printed, found = self._runs(command)
        else:
            printed, found = self._answers(command, answer)
        print(printed.rstrip() + ("\n" if printed.strip() else "") + f"[exit {found}]", flush=True)
        if found != code:
            raise Unexpected(f"{command}: the exit code is {found}, not {code}")
        for words in says:
            if words not in " ".join(printed.split()):
                raise Unexpected(f"{command}: it does not say {words!r}")
        return printed

    def words(self, command: str) -> list[str]:
        """Return the command with what this person's shell would put in place of `~`."""
        first, *rest = shlex.split(command)
        rest = [re.sub(r"(^|=)~/", rf"\g<1>{self.home}/", word) for word in rest]
        return [sys.executable, "-m", "kurt_ext", *rest] if first == "kurt" else [first, *rest]

    def _runs(self, command: str) -> tuple[str, int]:
        done = subprocess.run(
            self.words(command),
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout, done.returncode

    def _answers(self, command: str, answer: str) -> tuple[str, int]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            self.words(command),
            cwd=self.project,
            env=self.environ | {"TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        printed = b""
        with open(ours, "r+b", buffering=0) as terminal:
            try:
                while chunk := terminal.read(4096):
                    printed += chunk
                    if printed.endswith(b"[y/N]: "):
                        terminal.write(f"{answer}\n".encode())
            except OSError:  # Linux says so that the other end is closed
                pass
        return printed.decode(errors="replace").replace("\r", ""), process.wait(120)


def edit(file: Path, old: str, new: str) -> None:
    """Change the file of a skill, as an editor would."""
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise Unexpected(f"{file} does not have {old!r}")
    file.chmod(0o644)
    file.write_text(text.replace(old, new), encoding="utf-8")


def title(text: str) -> None:
    """Show what comes next."""
    print(f"\n=== {text}", flush=True)


@contextmanager
def served(author: Person) -> Iterator[str]:
    """Serve the author's marketplace on a free port until the block ends; give its address."""
    command = "kurt market serve market --port 0"
    if not all(importlib.util.find_spec(name) for name in ("fastapi", "uvicorn")):
        command = f"{sys.executable} -um http.server 0 --bind 127.0.0.1 --directory market"
    print(f"{author.name}$ {command} &", flush=True)
    log = author.home / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            author.words(command),
            cwd=author.project,
            env=author.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert server.stdout is not None
            first = server.stdout.readline().decode()
            print(first, end="", flush=True)
            found = re.search(r"http://127\.0\.0\.1:\d+/", first)
            if found is None:
                raise Unexpected(f"{command}: it does not say where it serves")
            yield found[0]
        finally:
            server.kill()
            stream.write(server.communicate()[0])


def publish(author: Person) -> None:
    """Publish three skills, signed by the author's own key."""
    title("Publish three skills, signed")
    for name in ("hello", "wave", "notes"):
        author.types(f"kurt new {name}", f"Wrote {name}")
    notes = author.project / "skills" / "notes"
    (notes / "skill.py").write_text(NOTES, encoding="utf-8")
    shutil.rmtree(notes / "tests")
    edit(
        notes / "SKILL.md",
        'kurt/permissions.native-code: "false"',
        'kurt/permissions.filesystem-read: "~/notes"',
    )
    author.types("kurt key new acme", "Made the key acme")
    for name in ("hello", "wave", "notes"):
        author.types(
            f"kurt market publish skills/{name} --to market --publisher acme {SIGNED}",
            f"Published acme/{name} 0.1.0",
            "signed by",
        )
    author.types("kurt market verify market --signed", "3 skills, 3 releases")


def release(author: Person, name: str, version: str, before: str) -> None:
    """Publish the next version of a skill."""
    edit(
        author.project / "skills" / name / "SKILL.md",
        f'version: "{before}"',
        f'version: "{version}"',
    )
    author.types(
        f"kurt market publish skills/{name} --to market {SIGNED}",
        f"Published acme/{name} {version}",
    )


def install(author: Person, user: Person, address: str) -> None:
    """Find, install and run the skills."""
    title("Search and install by name")
    key = author.types("kurt key export acme").strip()
    user.types(f"kurt config set --scope user market.acme.url {address}", address)
    user.types(f"kurt config set --scope user market.acme.key {key}")
    user.types("kurt search helo", "hello", "helo was taken for hello")
    user.types("kurt install helo", "did you mean hello?", code=3)
    user.types("kurt install hello wave", "Installed 2")

    title("What may do something is agreed to first")
    user.types("kurt install notes", "~/notes", code=5)
    user.types("kurt install notes --yes", "Installed 1")

    title("Run, each in a process of its own that the kernel holds to what was agreed")
    (user.home / "notes").mkdir()
    (user.home / "notes" / "a.txt").write_text("three small words\n")
    (user.home / "secret.txt").write_text("nobody's business\n")
    user.types("kurt run hello name=Ada", "Hello, Ada!")
    user.types("kurt run notes path=~/notes/a.txt", "words 3")
    user.types("kurt run notes path=~/secret.txt", "notes may not read this", code=1)


def tamper(user: Person) -> None:
    """Change an installed file, and put it back."""
    title("A file that was changed since does not run")
    edit(user.project / "skills" / "notes" / "skill.py", "len(text.split())", "42")
    user.types("kurt run notes path=~/notes/a.txt", "changed since: skill.py", code=5)
    user.types("kurt sync --force notes", "Replaced 1")
    user.types("kurt run notes path=~/notes/a.txt", "words 3")


def withdraw(author: Person, user: Person) -> None:
    """Yank a version, and publish an advisory about another."""
    title("A version is yanked: who has it, and who asks for it, is warned")
    author.types(
        'kurt market yank wave 0.1.0 --from market --key acme --reason "waves too long"',
        "Yanked wave 0.1.0",
    )
    user.types("kurt audit", "wave 0.1.0: withdrawn: waves too long", code=5)
    user.types("kurt uninstall wave", "Removed 1")
    user.types("kurt install wave@0.1.0", "waves too long", "Installed 1")
    user.types("kurt uninstall wave", "Removed 1")

    title("An advisory is published: what it is about is told, and not installed any more")
    file = author.project / "market" / "kurt" / "v1" / "advisories" / "ACME-1.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ADVISORY), encoding="utf-8")
    author.types("kurt market build market --key acme", "is new")
    user.types("kurt audit", "ACME-1", "hello greets the wrong person", code=5)
    user.types("kurt uninstall hello", "Removed 1")
    user.types("kurt install hello@0.1.0", "ACME-1", code=5)
    release(author, "hello", "0.2.0", "0.1.0")
    user.types("kurt install hello", "hello 0.2.0", "Installed 1")
    user.types("kurt audit")


def update(author: Person, user: Person) -> None:
    """Update to a version that wants more, and go back."""
    title("The next version of notes wants the network, too")
    edit(
        author.project / "skills" / "notes" / "SKILL.md",
        'kurt/permissions.filesystem-read: "~/notes"',
        'kurt/permissions.filesystem-read: "~/notes"\n'
        '  kurt/permissions.network-hosts: "api.example.com"',
    )
    release(author, "notes", "0.2.0", "0.1.0")
    user.types("kurt outdated", "0.2.0 waits")
    user.types("kurt update notes --no-cooldown", "api.example.com", code=5)
    user.types(
        "kurt update notes --no-cooldown",
        "api.example.com",
        "[y/N]",
        "nobody has agreed",
        answer="n",
        code=5,
    )
    user.types("kurt info notes", "0.1.0")
    user.types("kurt update notes --no-cooldown --yes", "0.1.0 → 0.2.0", "Updated 1")

    title("And back")
    user.types("kurt rollback notes", "0.2.0 → 0.1.0")
    user.types("kurt run notes path=~/notes/a.txt", "words 3")


def go_on(base: Path, user: Person, key: str) -> Person:
    """Install from the mirror, as somebody who never asked the server; return them."""
    title("The server is dead: its mirror is a folder, and enough")
    user.types("kurt sync --locked", "2 as locked")
    friend = Person(base, "friend")
    shutil.copytree(user.home / "mirror", friend.home / "mirror")
    friend.types("kurt config set --scope user market.acme.url ~/mirror")
    friend.types(f"kurt config set --scope user market.acme.key {key}")
    friend.types("kurt search hel", "hello 0.2.0")
    friend.types("kurt install hello", "hello 0.2.0", "Installed 1")
    friend.types("kurt run hello name=Bob", "Hello, Bob!")
    friend.types("kurt uninstall hello", "Removed 1")

    title("A second project has exactly what the lock of the first says")
    shutil.copy(user.project / "kurt.lock", friend.project / "kurt.lock")
    friend.types("kurt sync --locked --offline", "~/notes", code=5)
    friend.types("kurt sync --locked --offline --yes", "notes 0.1.0", "hello 0.2.0")
    friend.types("kurt sync --locked --offline", "2 as locked")
    return friend


def tour(base: Path) -> None:
    """Take the whole tour in the folder *base*."""
    author, user = Person(base, "author"), Person(base, "user")
    publish(author)
    title("Serve them")
    with served(author) as address:
        install(author, user, address)
        tamper(user)
        withdraw(author, user)
        update(author, user)
        title("Mirror the marketplace")
        key = author.types("kurt key export acme").strip()
        user.types(f"kurt key trust acme {key}")
        user.types(f"kurt market mirror {address} ~/mirror --signed", "3 skills")
        user.types("kurt market verify ~/mirror --signed", "3 skills, 5 releases")
    friend = go_on(base, user, key)
    title("There is nothing to mend")
    for person in (user, friend):
        report = person.types("kurt doctor", "ok installed 2 installed by kurt")
        # Of the machine that the tour runs on, something else may be said.
        ill = re.search(
            r"^(?:warn|fail) +(installed|index|shim|link|trust|manifests).*", report, re.M
        )
        if ill is not None:
            raise Unexpected(f"kurt doctor: {ill[0]}")
    print("\nAll of it did what it says.")


def main() -> int:
    """Take the tour; return 1 where something did not do what is said of it."""
    if not importlib.util.find_spec("cryptography"):
        print("signatures need: pip install 'kurt-ext[sign]'", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="kurt-tour-") as folder:
        try:
            tour(Path(folder).resolve())
        except Unexpected as error:
            print(f"\nunexpected: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
