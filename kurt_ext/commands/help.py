"""Show help on a command or a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .. import cli, places
from ..errors import KurtError, NotFoundError
from ..names import suggest
from ..output import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..session import Session

__all__ = ["TOPICS", "command"]

EXIT_CODES = {
    0: "all is well",
    1: "what was asked failed, or something wrong was found",
    2: "the words on the command line do not fit; also arguments that an extension refuses",
    3: "nothing has that name",
    4: "authentication failed",
    5: "blocked by trust, by kurt.toml or by validation",
    6: "two things claim one name or place",
    7: "the network failed",
    75: "another process holds the lock; try again",
    130: "interrupted with Ctrl-C",
}

NAMES = """\
SKILL               a skill by its name: all of it, or the one thing it can run
SKILL:EXTENSION     one extension of a skill
EXTENSION           an extension by its own name, where only one has it

A skill that is found in several places is taken from the first of: the project,
the user's skills, the installed distributions, those that come with kurt. `kurt
explain NAME` shows the copies that lost, and why anything is not there."""


def _tree(cls: type[KurtError]) -> Iterator[type[KurtError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _tree(child)


def _exit_codes() -> str:
    lines = []
    for code, meaning in EXIT_CODES.items():
        references = sorted(
            {kind.reference for kind in _tree(KurtError) if kind.exit_code == code and code > 1}
        )
        lines.append(f"{code:>4}  {meaning}")
        if references:
            lines.append(f"      {', '.join(references)}")
    return "\n".join([*lines, "", "kurt explain REFERENCE reads one of the words aloud."])


def _environment() -> str:
    table = (places.__doc__ or "").partition("=============")
    lines = [table[1] + table[2].partition("\n\nDerived:")[0], ""]
    lines.append("NO_COLOR and FORCE_COLOR decide about colours where --color does not.")
    return "\n".join(lines).replace("``", "")


TOPICS = {
    "environment": ("where everything lies, and the variables that say so", _environment),
    "exit-codes": ("what the exit codes mean", _exit_codes),
    "names": ("how skills and extensions are named", lambda: NAMES),
}


def _complete(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    root = ctx.find_root().command
    known = {name: summary for name, (summary, _) in TOPICS.items()}
    if isinstance(root, click.Group):
        for name in root.list_commands(ctx):
            found = root.get_command(ctx, name)
            known[name] = found.get_short_help_str(80) if found else ""
    return [
        CompletionItem(name, help=summary)
        for name, summary in sorted(known.items())
        if name.startswith(incomplete)
    ]


@cli.command("help", short_help="Show help on a command or a topic.")
@click.argument("topic", nargs=-1, metavar="[TOPIC | COMMAND …]", shell_complete=_complete)
@click.pass_context
def command(ctx: click.Context, topic: tuple[str, ...]) -> Answer:
    """Show help on a command or a topic.

    \b
    Topics:
      exit-codes     what the exit codes mean
      environment    where everything lies, and the variables that say so
      names          how skills and extensions are named
    """
    if len(topic) == 1 and topic[0] in TOPICS:
        text = TOPICS[topic[0]][1]()
        data: dict[str, Any] = {"topic": topic[0], "text": text}
        if topic[0] == "exit-codes":
            data["codes"] = {str(code): meaning for code, meaning in EXIT_CODES.items()}
        return Answer(data, lambda page: page.line(text))
    text = _help_of(ctx, topic)
    return Answer({"topic": " ".join(topic), "text": text}, lambda page: page.line(text))


def _help_of(ctx: click.Context, words: tuple[str, ...]) -> str:
    """Return the help of a command, which is imported for it."""
    session: Session = ctx.obj
    schema = session.schema
    root = ctx.find_root()
    here = _context(root.command, root.info_name, None, session)
    for word in words:
        group = here.command
        names = group.list_commands(here) if isinstance(group, click.Group) else []
        if word not in names or not isinstance(group, click.Group):
            near = suggest(word, [*names, *TOPICS])
            raise NotFoundError(
                f"there is no command or topic {' '.join(words)!r}",
                hint=f"did you mean {near[0]}?" if near else "kurt help",
                candidates=near,
            )
        _, found, _ = group.resolve_command(here, [word])
        if found is not None:
            here = _context(found, word, here, session)
    session.schema = schema
    return here.get_help()


def _context(
    command: click.Command, name: str | None, parent: click.Context | None, session: Session
) -> click.Context:
    settings = command.context_settings
    return click.Context(command, info_name=name, parent=parent, obj=session, **settings)
