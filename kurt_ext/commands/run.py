"""Run an extension."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .. import cli, completion
from ..config_keys import MODES
from ..errors import CallError, ExtensionNotFoundError, KurtError, UntrustedError, UsageError
from ..naming import owners
from ..output import Answer, Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..calls import Call
    from ..contract import Result
    from ..manager import SkillManager
    from ..output import Page
    from ..session import Session

__all__ = ["answer", "command", "options"]

_FIELDS = (
    Column("Argument", styles={"": "bold"}),
    Column("Type", styles={"": "cyan"}, fold=True),
    Column("Default", drop=2),
    Column("Description", fold=True, drop=1),
)


def options(function: Any) -> Any:
    """Add the arguments and options of a command that runs something."""
    for parameter in reversed(
        (
            click.argument("name", required=False, shell_complete=completion.extensions),
            click.argument(
                "words", nargs=-1, metavar="[KEY=VALUE | KEY:=JSON]…", shell_complete=_keys
            ),
            click.option(
                "--json-args", metavar="@FILE|-|JSON", help="The arguments as one JSON object."
            ),
            click.option(
                "--timeout",
                type=click.FloatRange(min=0, min_open=True),
                metavar="SECONDS",
                help="Stop waiting after this time.",
            ),
            click.option(
                "--isolation",
                type=click.Choice(MODES),
                help="Where its code runs, before what is configured.",
            ),
            click.option(
                "--trace-permissions",
                "trace",
                is_flag=True,
                help="Tell what it used, and what of it is declared.",
            ),
            # Not click's own, which would not know NAME yet.
            click.option(
                "-h",
                "--help",
                "wants_help",
                is_flag=True,
                help="Show this, or the arguments of NAME.",
            ),
        )
    ):
        function = parameter(function)
    return function


def _keys(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete the arguments that a manifest declares; a model's are in code, and stay unread."""
    from ..naming import owners

    session: Session = ctx.obj
    skill, _, wanted = (ctx.params.get("name") or "").partition(":")
    items = []
    for candidate in owners(session.discovery, skill)[:1]:
        for capability in candidate.record()["capabilities"]:
            if wanted in ("", capability["name"]):
                properties = (capability.get("parameters") or {}).get("properties") or {}
                items += [
                    CompletionItem(f"{key}=") for key in properties if key.startswith(incomplete)
                ]
    return items


def answer(
    ctx: click.Context,
    name: str | None,
    words: tuple[str, ...],
    *,
    json_args: str | None,
    timeout: float | None,
    wants_help: bool,
    isolation: str | None = None,
    trace: bool = False,
    namespace: str | None = None,
) -> Answer:
    """Run what ``name`` means, or show what it takes.

    :param namespace: look in this namespace only.
    """
    session: Session = ctx.obj
    if not name:
        if wants_help:
            help_text = ctx.get_help()
            return Answer({"help": help_text}, lambda page: page.line(help_text))
        raise UsageError("the name of what to run is missing", hint="kurt list")
    with session.manager() as skills:
        _isolate(session, skills, name, isolation, trace)
        call = _call(session, skills, name, namespace)
        if wants_help:
            return _described(ctx, call)
        arguments = _arguments(call, words, json_args)
        if trace:
            return _traced(session, skills, call, arguments, timeout)
        return _run(session, skills, call, arguments, timeout)


def _isolate(
    session: Session, skills: SkillManager, name: str, mode: str | None, trace: bool
) -> None:
    """Note where the code of the skill that a name means is to run."""
    if mode is None and not trace:
        return
    for candidate in owners(session.discovery, name):
        skills.isolation.ask(candidate.name, mode or "auto", declared=not trace)


def _call(session: Session, skills: SkillManager, name: str, namespace: str | None) -> Call:
    """Return the call that a name means; on a terminal, ask where trust is all that is missing."""
    reference = name
    try:
        if namespace is not None:
            reference = skills.lookup.find(name, namespace).reference
        return skills.call(reference)
    except UntrustedError as error:
        if not _ask(session, error):
            raise
        skills.refresh()
        return skills.call(reference)
    except ExtensionNotFoundError as error:
        raise _instructions(skills, error) or error from None


def _ask(session: Session, error: UntrustedError) -> bool:
    """Ask a person whether to trust the skill's folder; False where nobody can answer."""
    from ..terminal import is_terminal
    from ..trust import Trust

    candidates = [c for c in session.discovery.winners if c.name == error.skill]
    if session.json or not candidates or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    folder = candidates[0].location
    session.note(f"{error.skill} lies in {folder}, which is not trusted yet.")
    if not click.confirm("Trust it? Its code runs with your rights", err=True):
        return False
    Trust.load(session.places).add(folder)
    return True


def _instructions(
    skills: SkillManager, error: ExtensionNotFoundError
) -> ExtensionNotFoundError | None:
    """Return a better error where the skill has instructions and no code."""
    for candidate in skills.discover().named(error.skill or ""):
        if candidate.shadowed_by is None and candidate.state == "instructions":
            path = os.path.join(candidate.location, "SKILL.md")
            return ExtensionNotFoundError(
                f"the skill {candidate.name} has nothing that can be run",
                cause="it has instructions to read, and no code",
                at=path,
                hint=f"cat {click.format_filename(path)}",
                skill=candidate.name,
            )
    return None


def _arguments(call: Call, words: tuple[str, ...], json_args: str | None) -> dict[str, Any]:
    from ..arguments import from_json, from_words, missing, read_json, refuse

    arguments: dict[str, Any] = {}
    if json_args is not None:
        arguments = from_json(read_json(json_args), call.schema, reference=call.reference)
    given, problems = from_words(words, call.schema)
    arguments |= given
    attempted = {word.partition("=")[0].rstrip(":") for word in words}
    problems += missing({*arguments, *attempted}, call.schema)
    refuse(problems, call.reference)
    return arguments


def _run(
    session: Session,
    skills: SkillManager,
    call: Call,
    arguments: Mapping[str, Any],
    timeout: float | None,
) -> Answer:
    from ..contract import Result, own_words
    from ..progress import Reporter
    from ..results import finite, sentence, write

    color = session.page(sys.stderr).color
    try:
        with Reporter(call.reference, quiet=bool(session.quiet), color=color) as report:
            value = skills.run(call.reference, arguments, report, timeout)
    finally:
        _print(session, call)
    result: Result[Any] = value if isinstance(value, Result) else Result(True, value)
    data = finite(result.as_dict())
    error = None
    if not result.success:
        said = [sentence(item) for item in data["errors"]]
        error = CallError(
            f"{call.reference} did not succeed",
            cause="\n".join(said) or "it gave no reason",
            skill=call.extension.skill,
        )

    words = own_words(result.data)

    def text(page: Page) -> None:
        shown = data if words is None else {**data, "data": words}
        write(page, shown, terminal=session.terminal)

    return Answer(data, text, error=error)


def _print(session: Session, call: Call) -> None:
    """Show on stderr what a plugin printed in its worker."""
    housing = call.extension.generation.housing
    if housing not in (None, ...):
        for line in housing.printed().splitlines():
            session.note(line)


def _traced(
    session: Session,
    skills: SkillManager,
    call: Call,
    arguments: Mapping[str, Any],
    timeout: float | None,
) -> Answer:
    """Run it, and tell what it used beside what it declares; its own failure is told too."""
    from ..sandbox.trace import report

    generation = call.extension.generation
    housing = generation.housing
    if housing in (None, ...):
        record = skills.loading.record(call.extension.candidate)
        decision = skills.isolation.decide(call.extension.candidate, record)
        raise UsageError(
            f"what {call.reference} uses cannot be seen",
            cause=f"it runs in the host's own process, {decision.reason}",
            hint=f"kurt run {call.reference} --isolation auto --trace-permissions",
            skill=call.extension.skill,
        )
    error: KurtError | None = None
    try:
        done = _run(session, skills, call, arguments, timeout)
        data, error = done.data, done.error
    except KurtError as raised:
        done, data, error = None, None, raised
    trace = report(housing.policy.grants, housing.uses, housing.policy.folder)

    def text(page: Page) -> None:
        if done is not None and done.text is not None:
            done.text(page)
            page.line()
        trace.write(page)

    return Answer({"result": data, "trace": trace.as_dict()}, text, error=error)


def _described(ctx: click.Context, call: Call) -> Answer:
    """Return what an extension takes."""
    from ..argument_fields import fields

    found = fields(call.schema)
    data = {
        "reference": call.reference,
        "summary": call.summary,
        "arguments": [field.as_dict() for field in found],
        "schema": call.schema,
    }

    def text(page: Page) -> None:
        shown = " ".join(f"{f.name}=…" if f.required else f"[{f.name}=…]" for f in found)
        page.line(f"Usage: {ctx.command_path} {call.reference} {shown}".rstrip())
        if call.summary:
            page.line()
            page.line(call.summary)
        if found:
            page.line()
        page.table(
            _FIELDS,
            [
                (f.name, f.type, f.default or ("(required)" if f.required else ""), f.description)
                for f in found
            ],
        )

    return Answer(data, text)


@cli.command("run", add_help_option=False, short_help="Run an extension.")
@options
@click.pass_context
def command(ctx: click.Context, /, name: str | None, words: tuple[str, ...], **more: Any) -> Answer:
    """Run an extension.

    NAME is an extension that only one enabled skill has, SKILL:EXTENSION, or a
    skill that can do one thing. KEY=VALUE is read as the type that the extension
    asks for, KEY:=JSON as JSON; a key that is given twice is a list.

    \b
    Examples:
      kurt run archive url=https://example.com
      kurt run web-archiver:archive --help
      echo '{"url": "https://example.com"}' | kurt run archive --json-args -
    """
    return answer(ctx, name, words, **more)
