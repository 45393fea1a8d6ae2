"""Tell why a name is found, shadowed, disabled, refused or failing."""

from __future__ import annotations

import inspect
from shlex import quote
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .. import cli, completion
from ..explaining import errors_by_reference, occurrences, story, unknown
from ..output import Answer
from .list import STATE_STYLES

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


def _complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    items = completion.names(ctx, parameter, incomplete)
    known = {item.value for item in items}
    for reference in sorted(errors_by_reference()):
        if reference.startswith(incomplete) and reference not in known:
            items.append(CompletionItem(reference, help="an error"))
    return items


@cli.command(
    "explain", short_help="Tell why a name is found, shadowed, disabled, refused or failing."
)
@click.argument("name", shell_complete=_complete)
@click.option(
    "--load", is_flag=True, help="Try to load it, and say what failed and how long it took."
)
@click.pass_obj
def command(session: Session, name: str, load: bool) -> Answer:
    """Tell why a name is found, shadowed, disabled, refused or failing.

    NAME is a skill, an extension, SKILL:EXTENSION, the rule of a finding, or the
    reference of an error. Nothing is imported without --load.

    \b
    Examples:
      kurt explain web-archiver
      kurt explain web-archiver:archive --load
      kurt explain untrusted
    """
    told = story(session, name, load=load)
    if told is not None:
        data = told
        ignored = [f for f in session.discovery.config.findings if f.rule == "untrusted-config"]
        return Answer(data, lambda page: _write_story(page, data), warnings=ignored)
    answer = _reference(name) or _rule(session, name)
    if answer is None:
        raise unknown(session.discovery, name)
    return answer


def _reference(name: str) -> Answer | None:
    cls = errors_by_reference().get(name)
    if cls is None:
        return None
    text = inspect.cleandoc(cls.__doc__ or "").partition("\n\n:param")[0]
    data = {
        "reference": name,
        "error": cls.__name__,
        "exit_code": cls.exit_code,
        "bases": [base.__name__ for base in cls.__mro__[1:] if hasattr(base, "reference")],
        "text": text,
    }

    def write(page: Page) -> None:
        page.parts((name, "bold"), (f"  {cls.__name__}, exit code {cls.exit_code}", "dim"))
        page.line(text)

    return Answer(data, write)


def _rule(session: Session, name: str) -> Answer | None:
    found = occurrences(session.discovery, name)
    described = _described(session, name)
    if not found and described is None:
        return None
    data = {
        "rule": name,
        "text": described,
        "findings": [
            {"skill": candidate.name if candidate else None, **finding.as_dict()}
            for candidate, finding in found
        ],
    }

    def write(page: Page) -> None:
        page.parts((name, "bold"), ("  a rule", "dim"))
        if described:
            page.line(described)
        for candidate, finding in found:
            page.findings([finding], candidate.location if candidate else "")

    return Answer(data, write)


def _described(session: Session, rule: str) -> str | None:
    """Return what a rule asks for, why, and its examples."""
    from .. import rulebook
    from ..validator import explain_rule, installed_checks

    return rulebook.explain(rule) or explain_rule(rule, installed_checks(session.places))


def _write_story(page: Page, data: dict[str, Any]) -> None:
    for number, told in enumerate(data["candidates"]):
        if number:
            page.line()
        page.parts(
            (told["name"], "bold"),
            (f" {told['version']}  ", None),
            (told["state"], STATE_STYLES[told["state"]]),
        )
        trust = "trusted" if told["trusted"] else f"no: kurt skill trust {quote(told['location'])}"
        page.pairs(
            [
                ("found", f"{told['scope']}: {told['location']} ({told['source']})"),
                ("shadowed", f"by {told['shadowed_by']}" if told["shadowed_by"] else ""),
                ("trusted", trust),
                ("reason", told["reason"] or ""),
                ("needs", told["unfit"] or ""),
                ("held back", _held(told["held_back"])),
            ],
            "  ",
        )
        for need in told["requires_api"]:
            met = need["at"] or need["key"] if need["met"] else f"{need['cause']}; {need['hint']}"
            page.parts(("  needs ", "dim"), (need["api"], "bold"), (f": {met}", None))
        for item in told["extensions"]:
            _write_extension(page, item)
        from ..findings import Finding

        page.findings([Finding(**finding) for finding in told["findings"]], told["location"])


def _held(held: dict[str, Any] | None) -> str:
    if held is None:
        return ""
    said = f"it failed {held['failures']} times in a row on {held['host']}: {held['reason']}"
    return f"{said}\nkurt enable {held['plugin_id']} --force"


def _write_extension(page: Page, item: dict[str, Any]) -> None:
    word, style = ("enabled", "green") if item["enabled"] else ("disabled", "yellow")
    page.parts(
        ("  ", None),
        (item["name"], "bold"),
        (f" ({item['namespace']})  ", "dim"),
        (word, style),
        (f": {item['reason']}", None),
    )
    outcome = item["outcome"]
    if outcome is None:
        return
    style = "green" if outcome["state"] == "loaded" else "red"
    page.parts(("    ", None), (outcome["state"], style), (f" in {outcome['ms']:.1f} ms", None))
    error = outcome["error"]
    if error:
        page.parts(("    error: ", "error"), (error["message"], None))
        for label in ("cause", "at", "hint"):
            if error[label]:
                page.parts(
                    (f"    {label}: ", "dim"), (error[label].replace("\n", "\n      "), None)
                )
