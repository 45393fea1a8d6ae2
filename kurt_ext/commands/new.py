"""Write a new skill that runs at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from .. import cli
from ..errors import ManifestError, UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


def _templates(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    from ..scaffold import templates

    session: Session = ctx.obj
    return [CompletionItem(n) for n in templates(session.discovery) if n.startswith(incomplete)]


def _author() -> str:
    """Return who git says the user is, else the user's name."""
    import subprocess

    said = []
    for key in ("user.name", "user.email"):
        try:
            done = subprocess.run(
                ["git", "config", key], capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.SubprocessError):
            break
        said.append(done.stdout.strip())
    name, email = [*said, "", ""][:2]
    if not name:
        import getpass

        try:
            name = getpass.getuser()
        except (OSError, KeyError):
            name = "Unknown"
    return f"{name} <{email}>" if email else name


@cli.command("new", short_help="Write a new skill that runs at once.")
@click.argument("name")
@click.option(
    "--kind",
    metavar="K",
    shell_complete=_templates,
    help="What it is to be: a kind, plugin (with a plugin.json), or instructions.",
)
@click.option(
    "--portable/--native",
    default=True,
    help="A SKILL.md that every agent can read (default), or kurt's own shorter form.",
)
@click.option(
    "--in",
    "parent",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="The folder to write its folder into; the project's skills by default.",
)
@click.option("--user", is_flag=True, help="Write it into the user's skills.")
@click.option("--author", help="By default, who git says you are.")
@click.option("--license", default="MIT", show_default=True, help="An SPDX expression.")
@click.option("--description", default="", help="What it does and when to use it, in a sentence.")
@click.pass_obj
def command(
    session: Session,
    name: str,
    kind: str | None,
    portable: bool,
    parent: str | None,
    user: bool,
    author: str | None,
    license: str,
    description: str,
) -> Answer:
    """Write a new skill that runs at once.

    It is trusted, can be validated and built as it stands, and brings a test.
    Nothing that is there is overwritten.

    \b
    Examples:
      kurt new hello && kurt run hello name=World
      kurt new house-style --kind instructions
    """
    from ..scaffold import choose, render, values, write
    from ..trust import Trust

    os.getcwd()  # which raises where the folder is gone: nothing is to land in another
    found = session.discovery
    template, folder = choose(found, kind)
    try:
        given = values(name, author=author or _author(), license=license, description=description)
    except ManifestError as error:  # a word of the command line, and not of a file
        raise UsageError(error.message, cause=error.cause, hint=error.hint) from error
    files = render(folder, given)
    if portable:
        files = _portable(files)
    places = session.places
    default = places.user_skills[0] if user else places.project_skills
    target = os.path.join(os.path.abspath(parent or default), given["name"])
    paths = write(target, files)
    Trust.load(places).add(target)
    data = {"name": given["name"], "kind": template, "path": target, "files": sorted(paths)}

    def text(page: Page) -> None:
        page.line(f"Wrote {given['name']} in {_shown(target)}")
        for path in sorted(files):
            page.parts((" + ", "green"), (path, None))
        for line in _next(session, target, given):
            page.parts(("next: ", "hint"), (line, None))

    return Answer(data, text, talk=True)


def _portable(files: dict[str, str]) -> dict[str, str]:
    """Return the files with SKILL.md in the form of the Agent Skills specification."""
    from ..portable import to_portable

    if "SKILL.md" not in files:
        return files
    return {**files, "SKILL.md": to_portable(files["SKILL.md"].encode()).decode()}


def _shown(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _next(session: Session, target: str, given: dict[str, str]) -> list[str]:
    """Return the lines to paste next."""
    shown = _shown(target)
    lines = [f"kurt info {given['name']}", f"kurt validate {shown} --profile publish"]
    roots = {root for _, root in session.places.roots()}
    if os.path.dirname(target) not in roots:
        lines.insert(0, f"kurt config set skill_paths '[\"{os.path.dirname(target)}\"]'")
    return lines
