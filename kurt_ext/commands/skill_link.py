"""Show local skills to every process of an environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command", "environment_options"]

SCOPES = ("project", "user")


def environment_options(function: Any) -> Any:
    """Add the options that choose the shim and the environment."""
    for option in reversed(
        (
            click.option(
                "--scope",
                type=click.Choice(SCOPES),
                default="project",
                help="The project's skills (default), or the user's.",
            ),
            click.option(
                "--python",
                metavar="PYTHON",
                type=click.Path(exists=True, dir_okay=False),
                help="The environment of this interpreter; of kurt's own by default.",
            ),
        )
    ):
        function = option(function)
    return function


@cli.command(
    "link",
    schema="skill.link",
    short_help="Show local skills to every process of an environment.",
)
@click.argument("path", required=False, type=click.Path(exists=True, file_okay=False))
@environment_options
@click.option(
    "--allow-managed", is_flag=True, help="Even where the system's package manager is in charge."
)
@click.pass_obj
def command(
    session: Session, path: str | None, scope: str, python: str | None, allow_managed: bool
) -> Answer:
    """Show local skills to every process of an environment.

    One plain line in site-packages makes pip, importlib.metadata, stevedore and
    `import` see them. PATH, a skill or a folder of skills, is trusted with it;
    by default the project.

    \b
    Examples:
      kurt skill link
      kurt skill link --python .venv/bin/python
    """
    from ..link import Environment, link
    from ..trust import Trust

    environment = Environment.of(python)
    trusted = None
    if scope == "project":
        folder = os.path.realpath(path or session.places.project)
        if Trust.load(session.places).add(folder):
            trusted = folder
    skills = [c.name for c in session.discovery.winners if c.scope == scope and c.usable]
    root = session.places.shim(scope)
    os.makedirs(root, mode=0o700, exist_ok=True)
    file = link(root, environment, allow_managed=allow_managed)
    data = {"file": file, "shim": root, "scope": scope, "skills": skills, "trusted": trusted}

    def text(page: Page) -> None:
        if trusted:
            page.line(f"Trusted {trusted}")
        count = "1 skill" if len(skills) == 1 else f"{len(skills)} skills"
        page.line(f"Linked {count} into {environment.site}")
        for name in skills:
            page.parts((" + ", "green"), (name, None))

    return Answer(data, text, talk=True)
