"""Ask which variables of the environment the code reads, and whether the manifest names them.

The environment holds the keys of everything that was started with it.

Bad::

    json.dumps(dict(os.environ))

Good::

    permissions:
      environment_variables: [WEATHER_API_KEY]

    os.environ["WEATHER_API_KEY"]
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-environment", "declared-environment", "unproven-environment")
CATEGORY = "env_access"

#: Variables that say how to show things, and open nothing.
_HARMLESS = frozenset(
    "COLORTERM COLUMNS FORCE_COLOR LANG LANGUAGE LC_ALL LINES NO_COLOR TERM TZ".split()
)
_WHOLE = ("os.environ.", "os.environb.")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each look into the environment."""
    for use in uses(subject, "env_access", "secret_access"):
        if use.name.startswith(_WHOLE) and not use.meaning.subject:
            # Names of variables were declared, and this takes them all.
            use = use._replace(meaning=use.meaning._replace(subject="variable"), proven=False)
        harmless = use.targets and use.proven and all(one in _HARMLESS for one in use.targets)
        yield judged(subject, use, "environment", severity="low" if harmless else "")
