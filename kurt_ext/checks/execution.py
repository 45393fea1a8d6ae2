"""Ask whether the code runs code that is made while it runs.

What is run then was never judged: it may come from a configuration, from the network, from a text
that hides what it says.

Bad::

    eval(config["formula"])
    exec(base64.b64decode("aW1wb3J0IG9z"))

Good::

    ast.literal_eval(text)
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import events, judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "undeclared-execution",
    "declared-execution",
    "unproven-execution",
    "decoded-code",
    "evaluated-annotation",
)
CATEGORY = {"decoded-code": "obfuscation", "evaluated-annotation": "code_execution"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each place where text becomes code."""
    for use in uses(subject, "code_execution"):
        # A template that stands in the code was judged with it.
        if not (use.name.startswith("jinja2.") and use.proven):
            yield judged(subject, use, "execution")
    yield from events(subject, "decoded-code", "evaluated-annotation")
