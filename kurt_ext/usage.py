"""Turn what click says about a command line into our own errors, with a did-you-mean."""

from __future__ import annotations

import click

from .errors import KurtError, UsageError
from .names import suggest

__all__ = ["did_you_mean", "from_click", "offer"]


def offer(text: str, line: str) -> str:
    """Return a hint that ends in a line to paste."""
    return f"{text}: {line}"


def did_you_mean(names: list[str]) -> str:
    """Return ``did you mean A, B or C?``."""
    *others, last = names
    return "did you mean " + (f"{', '.join(others)} or {last}?" if others else f"{last}?")


def from_click(error: click.ClickException) -> KurtError:
    """Return our error for click's, with its exit code."""
    if not isinstance(error, click.UsageError):
        made = KurtError(_sentence(error.message))
        if isinstance(error, click.FileError):
            made = KurtError(
                f"cannot open {error.ui_filename!r}", cause=error.message, at=error.ui_filename
            )
        return made
    names, path = _meant(error)
    hint = f"{path} --help"
    if names:
        hint = did_you_mean(names) + f" ({hint} lists them)"
    return UsageError(_message(error), hint=hint, candidates=names or _choices(error)[0])


def _message(error: click.UsageError) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return "a command is missing"
    if isinstance(error, click.NoSuchOption):
        return f"no such option: {error.option_name}"
    if isinstance(error, click.exceptions.NoSuchCommand):
        return f"no such command: {error.command_name}"
    choices, given = _choices(error)
    if (
        choices
        and isinstance(error, click.BadParameter)
        and isinstance(error.param, click.Argument)
    ):
        word = (error.param.name or "").upper()
        return f"{word} cannot be {given}: it is one of {', '.join(choices)}"
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        word = (error.param.name or "").upper()
        if isinstance(error.param.type, click.Choice):
            return f"missing {word}: it is one of " + ", ".join(map(str, error.param.type.choices))
    text = _sentence(error.format_message())
    for theirs, ours in _TYPES.items():
        text = text.replace(theirs, ours)
    return text


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:-1] if text.endswith(".") else text
    return text[:1].lower() + text[1:]


def _meant(error: click.UsageError) -> tuple[list[str], str]:
    """Return the nearest names, and the command whose help lists them."""
    ctx = error.ctx
    path = ctx.command_path if ctx is not None else "kurt"
    if isinstance(error, click.exceptions.NoSuchCommand):
        known = (
            ctx.command.list_commands(ctx) if ctx and isinstance(ctx.command, click.Group) else []
        )
        return suggest(error.command_name, known), path
    if isinstance(error, click.NoSuchOption):
        known = [
            name
            for parameter in (ctx.command.get_params(ctx) if ctx is not None else [])
            for name in (*parameter.opts, *parameter.secondary_opts)
            if name.startswith("-")
        ]
        return suggest(error.option_name, known), path
    choices, given = _choices(error)
    return suggest(given.strip("'\""), choices), path


#: What click calls a value that is none of a type, and what a person does.
_TYPES = {
    "is not a valid integer range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
    "is not a valid float range": "is not a number",
    "is not a valid float": "is not a number",
}


def _choices(error: click.UsageError) -> tuple[list[str], str]:
    """Return the words that a parameter takes, and the other one that it was given."""
    param = error.param if isinstance(error, click.BadParameter) else None
    given, found, _ = error.message.partition(" is not one of ")
    if param is None or not found or not isinstance(param.type, click.Choice):
        return [], ""
    return [str(choice) for choice in param.type.choices], given
