"""Ask which other programs the code starts.

A program that a plugin starts may do whatever its user may; a shell, whatever the text says that
it is given.

Bad::

    os.system(f"convert {name}")

Good::

    permissions:
      processes: [ffmpeg]

    subprocess.run(["ffmpeg", "-i", source, target], check=True)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..findings import Finding
from .declared import judged, uses
from .files import SECRET
from .subject import Subject

if TYPE_CHECKING:
    from ..analysis.uses import Use

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-process", "declared-process", "unproven-process", "harmful-command")
CATEGORY = "process"

#: Programs that run whatever they are told to.
_INTERPRETERS = re.compile(
    r"(?:ba|z|da|fi|k|tc|c)?sh|cmd|powershell|pwsh|python[0-9.]*|perl|ruby|node|php|lua|osascript|"
    r"env|xargs|sudo|su|doas|nohup|busybox|awk|sed|find|curl|wget|nc|ncat|netcat|socat|ssh|scp|"
    r"crontab|at|systemctl|launchctl|schtasks|reg|rm|dd|mkfs.*|chmod|chown|kill|touch|echo|pip[0-9.]*"
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each start of a program, declared or not."""
    for use in uses(subject, "process", "supply_chain"):
        yield judged(subject, use, "process", severity=_severity(subject, use))
        line = next((one for one in use.targets if _does_harm(one)), "")
        if line:
            message = f"{use.name} has a shell take secrets, destroy, or run what the network says"
            yield Finding(
                *("harmful-command", "critical", message),
                path=use.path,
                line=use.line,
                column=use.column,
                confidence="certain",
                evidence=line[:200],
            )


#: A pipe from the network into what runs it, a shell on a socket, the deletion of whole trees.
_HARM = re.compile(
    r"\b(?:curl|wget|iwr|invoke-webrequest)\b[^|;&]{0,400}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|"
    r"\b(?:curl|wget)\b[^|;&]{0,400}\|\s*(?:sudo\s+)?(?:python[0-9.]*|perl|ruby|node)\b|"
    r"/dev/(?:tcp|udp)/|\bn(?:c|cat)\b[^|;&]{0,80}\s-[a-z]*e\b|"
    r"\brm\s+(?:-[a-z]+\s+)*-[a-z]*r[a-z]*\s+(?:-[a-z]+\s+)*(?:/|~|\$HOME)(?:\s|\*|$)|"
    r"\bbase64\s+(?:-d|-D|--decode)\b[^|;&]{0,80}\|\s*(?:ba|z|da)?sh\b",
    re.IGNORECASE,
)


def _does_harm(line: str) -> bool:
    """Return whether a command line does what no permission could mean."""
    if _HARM.search(line[:4096]):
        return True
    return " " in line and any(SECRET.search(word) for word in line[:4096].split())


def _severity(subject: Subject, use: Use) -> str:
    """Return how grave an undeclared start is: less so where the manifest says it in words.

    A manifest of the plugin document has no list of programs. One that does not state
    ``processes``, and names in its description the one program that is started, without a
    shell, by its bare name, is honest: it is told to declare it, and not taken for a thief.
    """
    record = subject.record or {}
    stated = "processes" in subject.stated_permissions
    if stated or not use.called or not use.proven or use.at_import or len(use.targets) != 1:
        return ""
    program = use.targets[0]
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", program) or _INTERPRETERS.fullmatch(program.lower()):
        return ""
    words = f"{record.get('name') or ''} {record.get('description') or ''}".casefold()
    named = re.search(rf"(?<![a-z0-9]){re.escape(program.casefold())}(?![a-z0-9])", words)
    return "medium" if named and use.name.startswith(("subprocess.", "asyncio.")) else ""
