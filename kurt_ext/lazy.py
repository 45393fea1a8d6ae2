"""Commands that are known by name and summary, and imported only when they run.

click asks a group for every command it lists, which imports them all; here it
gets stand-ins, in the help and in completion alike.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from .errors import ContractError, KurtError, PluginLoadError
from .session import Session

__all__ = ["Command", "LazyGroup", "command", "load"]

#: The distribution that this module belongs to; its commands are our own wherever they lie.
_HOST = "kurt-ext"
_CONTEXT = {"help_option_names": ["-h", "--help"]}


def _set(attribute: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value not in (None, False, 0):
            setattr(ctx.ensure_object(Session), attribute, value)

    return callback


def shared_options(hidden: bool = True) -> list[click.Parameter]:
    """Return the options that stand before or after the name of a command.

    :param hidden: show only ``--json`` in the help.
    """

    def option(*words: str, sets: str, help: str, **more: Any) -> click.Option:
        return click.Option(
            words,
            callback=_set(sets),
            expose_value=False,
            hidden=hidden and sets != "json",
            help=help,
            **more,
        )

    return [
        option("--json", sets="json", is_flag=True, help="Write one JSON object to stdout."),
        option(
            "--project",
            sets="project",
            metavar="DIR",
            type=click.Path(),
            help="Use this project instead of the one around the working directory.",
        ),
        option("-q", "--quiet", sets="quiet", count=True, help="Write no talk and no warnings."),
        option("-v", "--verbose", sets="verbose", count=True, help="Write more."),
        option(
            "--color",
            sets="color",
            metavar="WHEN",
            type=click.Choice(["auto", "always", "never"]),
            help="auto (default), always or never; NO_COLOR and FORCE_COLOR are heeded.",
        ),
        option("--debug", sets="debug", is_flag=True, help="Show tracebacks."),
    ]


class Command(click.Command):
    """A command whose callback returns an :class:`~kurt_ext.output.Answer`.

    With ``--json`` the answer is the only thing on stdout: what is printed while
    the command runs goes to stderr.

    :param schema: the middle of the envelope's schema, ``list`` in ``kurt.list/1``.
    """

    def __init__(self, name: str | None, *, schema: str | None = None, **options: Any) -> None:
        settings = {**_CONTEXT, **(options.pop("context_settings", None) or {})}
        super().__init__(name, context_settings=settings, **options)
        self.schema = schema or name or "answer"
        self.params += shared_options()

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context, after saying which command an error in the arguments belongs to."""
        if parent is not None and not extra.get("resilient_parsing"):
            parent.ensure_object(Session).schema = f"kurt.{self.schema}/1"
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return what is left of the arguments; click does not always say whose error it was."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the callback and write its answer."""
        from .output import Answer, KeptStdout

        session = ctx.ensure_object(Session)
        if session.json:
            with KeptStdout():
                answer = super().invoke(ctx)
        else:
            answer = super().invoke(ctx)
        if isinstance(answer, Answer):
            code = session.answer(answer)
            if code:
                ctx.exit(code)
        return answer


def command(
    name: str, *, schema: str | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a :class:`Command`; its docstring is the help."""

    def decorate(function: Callable[..., Any]) -> Command:
        made: Command = click.command(name, cls=Command, schema=schema, **options)(function)
        return made

    return decorate


class LazyGroup(click.Group):
    """A group that knows its commands by name and summary, and imports the one that is run.

    :param table: name → (``module:attribute``, summary); what is added with
        ``add_command`` comes besides.
    :param group: an entry-point group of installed distributions that adds more.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        table: Mapping[str, tuple[str, str]] | None = None,
        group: str | None = None,
        **options: Any,
    ) -> None:
        settings = {**_CONTEXT, **(options.pop("context_settings", None) or {})}
        super().__init__(name, context_settings=settings, **options)
        self.table = table or {}
        self.entry_group = group
        self.params += shared_options(hidden=group is None)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted({*self.table, *self.commands, *self._others(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a stand-in with the summary alone: click asks for every name it lists."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        row = self.table.get(cmd_name) or self._others(ctx).get(cmd_name)
        if row is None:
            return None
        return click.Command(cmd_name, short_help=row[1], help=row[1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import the command that the first word names."""
        name = args[0]
        if name in self.commands:
            return name, self.commands[name], args[1:]
        row = self.table.get(name) or self._others(ctx).get(name)
        if row is not None:
            try:
                return name, load(name, row[0]), args[1:]
            except KurtError:
                if ctx.resilient_parsing:
                    return None, None, args[1:]
                raise
        if ctx.resilient_parsing:
            return None, None, args[1:]
        if name.startswith("-"):
            self.parse_args(ctx, args)
        raise click.exceptions.NoSuchCommand(name, possibilities=self.list_commands(ctx), ctx=ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and summaries, those of other distributions apart."""
        own = {name: row[1] for name, row in self.table.items()}
        own |= {name: found.get_short_help_str(80) for name, found in self.commands.items()}
        others: dict[str, str] = {}
        for name, (_, summary, distribution) in self._others(ctx).items():
            (own if distribution == _HOST else others)[name] = summary
        for title, rows in (("Commands", own), ("Commands of other distributions", others)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(sorted(rows.items()))

    def _others(self, ctx: click.Context) -> dict[str, tuple[str, str, str]]:
        if self.entry_group is None:
            return {}
        found: dict[str, tuple[str, str, str]] | None = ctx.meta.get(__name__)
        if found is None:
            from .command_index import commands
            from .discovery import discover_host

            try:
                host = discover_host(ctx.ensure_object(Session).places)
                found = commands(host, self.entry_group, self.table)
            except Exception:
                # Our own commands, doctor among them, must work where discovery does not.
                found = {}
            ctx.meta[__name__] = found
        return found


def load(name: str, target: str) -> click.Command:
    """Import a command.

    :param name: its name, for the error.
    :param target: ``module:attribute``.
    :raises PluginLoadError: when importing it fails in any way.
    :raises ContractError: when it is not a `click.Command`.
    """
    module, _, attribute = target.partition(":")
    try:
        __import__(module)
        found: Any = sys.modules[module]
        for part in attribute.split("."):
            found = getattr(found, part)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # SystemExit and the like at import must not end the command line.
        raise PluginLoadError(
            f"the command {name!r} cannot be loaded from {target}",
            cause=f"{type(error).__name__}: {error}",
            hint=f"kurt --debug {name}",
        ) from error
    if not isinstance(found, click.Command):
        raise ContractError(
            f"the command {name!r} is not a click.Command",
            cause=f"{target} is a {type(found).__name__}",
            hint="an entry point of kurt.command must name a function with @click.command",
        )
    return found
