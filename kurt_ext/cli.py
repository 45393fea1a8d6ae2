"""The command ``kurt``: a group that imports a command only when it is the one that runs.

A command is an entry point of the group ``kurt.command`` whose object is a
`click.Command`. Ours are summarised in :data:`COMMANDS`, so that ``--help`` and
completion import none; others are found through discovery, without import too.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from io import TextIOWrapper

import click

from .errors import CallCancelledError, KurtError, StorageError, UsageError
from .lazy import Command, LazyGroup, command, load
from .session import Session
from .usage import from_click, offer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Command", "LazyGroup", "cli", "command", "load", "run"]

#: Our own commands: where each lies, and its help in one line.
COMMANDS: dict[str, tuple[str, str]] = {
    "audit": (
        "kurt_ext.commands.audit:command",
        "Say what is known to be wrong with what is installed.",
    ),
    "completion": (
        "kurt_ext.commands.completion:command",
        "Print the script that completes kurt's words in a shell.",
    ),
    "config": (
        "kurt_ext.commands.config:command",
        "Read, change and explain the settings in kurt.toml.",
    ),
    "disable": (
        "kurt_ext.commands.disable:command",
        "Keep skills or extensions from being loaded.",
    ),
    "doctor": (
        "kurt_ext.commands.doctor:command",
        "Check the installation, and mend what can be mended.",
    ),
    "enable": (
        "kurt_ext.commands.enable:command",
        "Let skills or extensions be loaded, by name.",
    ),
    "environment": (
        "kurt_ext.commands.environment:command",
        "Look after the environments that plugins have of their own.",
    ),
    "explain": (
        "kurt_ext.commands.explain:command",
        "Tell why a name is found, shadowed, disabled, refused or failing.",
    ),
    "help": ("kurt_ext.commands.help:command", "Show help on a command or a topic."),
    "info": ("kurt_ext.commands.info:command", "Show everything known about one skill."),
    "install": (
        "kurt_ext.commands.install:command",
        "Install skills, from a market or from here.",
    ),
    "key": (
        "kurt_ext.commands.key:command",
        "Look after the keys that sign, and those that are trusted.",
    ),
    "list": ("kurt_ext.commands.list:command", "List skills and their extensions."),
    "market": (
        "kurt_ext.commands.market:command",
        "Build, publish to, verify and mirror a marketplace.",
    ),
    "new": ("kurt_ext.commands.new:command", "Write a new skill that runs at once."),
    "outdated": (
        "kurt_ext.commands.outdated:command",
        "Tell which installed skills have newer releases.",
    ),
    "permissions": (
        "kurt_ext.commands.permissions:command",
        "Tell what skills may do, what they need, and what changes.",
    ),
    "plugin": (
        "kurt_ext.commands.plugin:command",
        "Load, start, reload and look at plugins while a host runs, or in a trial.",
    ),
    "prune": (
        "kurt_ext.commands.prune:command",
        "Remove what nobody needs any more.",
    ),
    "rollback": (
        "kurt_ext.commands.rollback:command",
        "Put back what was installed before.",
    ),
    "run": ("kurt_ext.commands.run:command", "Run an extension."),
    "sandbox": (
        "kurt_ext.commands.sandbox:command",
        "Tell what this machine can hold an isolated plugin to.",
    ),
    "search": (
        "kurt_ext.commands.search:command",
        "Look for skills in the markets.",
    ),
    "shim": (
        "kurt_ext.commands.shim:command",
        "Look after the folder that shows local skills to other programs.",
    ),
    "skill": (
        "kurt_ext.commands.skill:command",
        "Write, check, link, trust and package skills.",
    ),
    "sync": (
        "kurt_ext.commands.sync:command",
        "Make what is installed what kurt.lock says.",
    ),
    "uninstall": (
        "kurt_ext.commands.uninstall:command",
        "Remove skills that kurt has installed.",
    ),
    "update": (
        "kurt_ext.commands.update:command",
        "Bring installed skills up to date.",
    ),
    "validate": (
        "kurt_ext.commands.validate:command",
        "Check a skill without running it.",
    ),
    "watch": (
        "kurt_ext.commands.watch:command",
        "Reload plugins when their files are saved.",
    ),
}
GROUP = "kurt.command"
COMPLETE_VARIABLE = "_KURT_COMPLETE"
_EPILOG = """\
\b
Start here:
  kurt new hello && kurt run hello name=World
  kurt list                 what there is
  kurt explain NAME         why something is not there
  kurt help exit-codes      what the exit codes mean
"""


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from . import __version__

        click.echo(f"kurt {__version__}")
        ctx.exit()


@click.group(
    "kurt",
    cls=LazyGroup,
    table=COMMANDS,
    group=GROUP,
    epilog=_EPILOG,
    subcommand_metavar="COMMAND …",
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version and leave.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Find, judge, enable, load and run extensions.

    A skill is a folder with a SKILL.md or plugin.json, or an installed
    distribution; an extension is one named object in it.
    """
    ctx.ensure_object(Session)


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    :param argv: the words after the program's name; those of the process if None.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks must not end the program.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    instruction = os.environ.get(COMPLETE_VARIABLE)
    if instruction:
        from .completion import complete

        return complete(cli, instruction)
    session = Session(words)
    try:
        code = _guarded(session, words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, as in `kurt list | head`; the interpreter
        # would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:  # a full disk, mostly
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        session.json = False
        return session.fail(KurtError("the answer could not be written", cause=str(error)))
    return code


def _guarded(session: Session, words: list[str]) -> int:
    try:
        with cli.make_context("kurt", list(words), obj=session) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        if session.json:
            return session.fail(from_click(error))
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        return session.fail(from_click(error))
    except (KeyboardInterrupt, EOFError, click.Abort):
        return _interrupted(session)
    except BrokenPipeError:
        raise
    except KurtError as error:
        if session.debug:
            _traceback()
        return session.fail(error)
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    except Exception as error:
        if session.debug:
            _traceback()
        return session.fail(_unexpected(error, words))
    return 0


def _traceback() -> None:
    import traceback

    traceback.print_exc()


def _interrupted(session: Session) -> int:
    error = CallCancelledError("interrupted")
    if not session.json:
        sys.stderr.write("\n")
    return session.fail(error)


def _unexpected(error: Exception, words: list[str]) -> KurtError:
    """Return what to say about an exception that nobody foresaw."""
    if isinstance(error, FileNotFoundError):
        try:
            os.getcwd()
        except FileNotFoundError:
            return UsageError("the working directory was deleted", hint="cd ~")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        reason = error.strerror or str(error)
        at = error.filename if isinstance(error.filename, str) else None
        return StorageError("nothing more can be written", cause=reason, at=at)
    line = shlex.join(["kurt", "--debug", *words])
    return KurtError(
        f"kurt failed unexpectedly: {type(error).__name__}: {error}",
        hint=offer("see the traceback with", line),
    )
