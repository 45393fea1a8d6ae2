"""Change a plugin where it runs: in the host of the project, else in a trial of its own."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import KurtError, NotFoundError, SkillNotFoundError
from .findings import Finding
from .hosts import ask, running
from .naming import the_skill
from .output import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .hosts import Host
    from .output import Page
    from .session import Session
    from .trial import Step, Trial

__all__ = ["act", "ask_for", "host_line", "host_of", "plugin_id_of"]

_SOON = 5.0  # seconds in which a host tells a state
_STYLES = {
    "failed": "red",
    "rolled-back": "red",
    "left-behind": "yellow",
    "loaded": "green",
    "activated": "green",
    "reloaded": "green",
}


def host_of(session: Session) -> Host | None:
    """Return the host of the project; its plugins are looked for where it looks for them."""
    host = running(session.places)
    if host is not None and host.plugin_directory is not None:
        session.look_in(host.plugin_directory)
    return host


def plugin_id_of(session: Session, name: str, host: Host | None = None) -> str:
    """Return the id of the plugin that a name means; a host may know one whose folder is gone.

    :raises SkillNotFoundError: when nothing has the name.
    """
    try:
        return the_skill(session.discovery, name).name
    except SkillNotFoundError:
        if host is None:
            raise
        return name


def host_line(host: Host | None) -> str:
    """Return who is told of, in words."""
    if host is None:
        return "no host is running for this project"
    return f"in the host of this project, pid {host.pid}"


def act(
    session: Session, name: str, verb: str, trial: Sequence[str] | None = None, **wishes: Any
) -> Answer:
    """Ask the project's host to change a plugin; without a host, try the plugin here.

    :param verb: ``load``, ``activate``, ``reload``, ``deactivate`` or ``unload``.
    :param trial: the steps of the trial; None = there is nothing to try.
    :param wishes: arguments of the verb.
    :raises NotFoundError: when there is no host and nothing to try, or no such plugin.
    :raises KurtError: what the host raises.
    """
    host = host_of(session)
    plugin_id = plugin_id_of(session, name, host)
    if host is not None:
        return _in_host(session, host, plugin_id, verb, wishes)
    if trial is None:
        raise NotFoundError(
            f"no host is running for this project, so there is nothing to {verb}",
            hint=f"kurt plugin activate {quote(plugin_id)}   # tries its whole life, unload too",
            skill=plugin_id,
        )
    from .trial import run

    return _tried(run(session, plugin_id, trial, **wishes))


def ask_for(session: Session, host: Host | None, verb: str, **arguments: Any) -> Any:
    """Return what a host says; None where there is none."""
    return None if host is None else ask(session.places, verb, **arguments)


# -- in a host -----------------------------------------------------------------------


def _in_host(
    session: Session, host: Host, plugin_id: str, verb: str, wishes: dict[str, Any]
) -> Answer:
    failed: KurtError | None = None
    try:
        said = ask(session.places, verb, plugin_id=plugin_id, **wishes)
    except KurtError as error:
        failed = error
        try:
            said = ask(session.places, "info", plugin_id=plugin_id, timeout=_SOON)
        except KurtError:
            raise error from None
    state = said["state"]
    data = {"host": host.as_dict(), "trial": False, "plugin_id": plugin_id, **said}

    def text(page: Page) -> None:
        for event in said["events"]:
            _write_event(page, event)
        page.parts(
            (state["plugin_id"], "bold"),
            (f" {state['version']} is {'still ' if _is_unharmed(state, failed) else ''}", None),
            (state["status"], _status_style(state["status"])),
            (f", generation {state['generation']}", None) if state["generation"] else ("", None),
            (f"  ({host_line(host)})", "dim"),
        )

    return Answer(data, text, talk=True, error=failed)


def _is_unharmed(state: dict[str, Any], error: KurtError | None) -> bool:
    return error is not None and state["status"] != "failed"


def _status_style(status: str) -> str | None:
    return {"active": "green", "loaded": "green", "failed": "red"}.get(status)


def _write_event(page: Page, event: dict[str, Any]) -> None:
    if event["name"] in ("loading", "initializing", "reloading", "unloading"):
        return  # the word for its end comes too
    page.parts(
        (f"  {event['name']:<12} ", _STYLES.get(event["name"])),
        (f"{event['plugin_id']}  ", "bold"),
        (f"{event['ms']:.1f} ms" if event["ms"] else "", None),
        (("  " + "; ".join(event["detail"])) if event["detail"] else "", "dim"),
    )


# -- in a trial ----------------------------------------------------------------------


def _tried(trial: Trial) -> Answer:
    data = {
        "host": None,
        "trial": True,
        "plugin_id": trial.plugin_id,
        "works": trial.error is None,
        "steps": [step.as_dict() for step in trial.steps],
        "left_behind": trial.left_behind,
    }
    warnings = [
        Finding("left-behind", "warning", f"the plugin left something behind: {text}")
        for text in trial.left_behind
    ]

    def text(page: Page) -> None:
        page.parts(
            (trial.plugin_id, "bold"),
            (": a trial in this process, since " + host_line(None), "dim"),
        )
        for step in trial.steps:
            _write_step(page, trial.plugin_id, step)
        if trial.error is None:
            page.parts(("It works.", "green"), ("  To keep it running: kurt watch", "dim"))

    return Answer(data, text, warnings=warnings, error=_named(trial))


def _named(trial: Trial) -> KurtError | None:
    error = trial.error
    if error is not None and error.skill is None:
        error.skill = trial.plugin_id
    return error


def _write_step(page: Page, plugin_id: str, step: Step) -> None:
    phases = ", ".join(
        f"{phase} {ms:.1f}" for phase, ms in step.phases.items() if phase != step.name
    )
    page.parts(
        (f"  {step.name:<11}", "bold"),
        (f"{step.ms:>8.1f} ms  ", None),
        ("failed" if step.error else "ok", "red" if step.error else "green"),
        (f"  {phases}" if phases else "", "dim"),
    )
    for event in step.events:
        if event["plugin_id"] != plugin_id or event["name"] == "rolled-back":
            _write_event(page, event)
