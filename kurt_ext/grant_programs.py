"""Which programs an entry of ``processes`` lets a skill start.

A bare name, as ``ffmpeg``, is the program that the search path finds, and the file of that name in
a folder that only an administrator fills: never ``/tmp/ffmpeg``. A path is that file alone, and
does not allow the bare name, behind which another file may stand. ``*`` is every program.
"""

from __future__ import annotations

from . import grant_paths

__all__ = ["commands", "contains", "covers", "normal"]

UNKNOWN = "…"
#: Folders of programs that a plain user cannot write to; Filesystem Hierarchy Standard 3.0,
#: Homebrew, MacPorts, Snap, Nix, Windows.
_SYSTEM = (
    *("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"),
    *("/opt/homebrew/bin", "/opt/local/bin", "/snap/bin", "/run/current-system/sw/bin"),
    *("c:/windows/system32", "c:/windows", "c:/program files", "c:/program files (x86)"),
    "<python>/bin",
)
_SYSTEM_PATHS = tuple([path for path in map(grant_paths.parse, _SYSTEM) if path is not None])
#: Where a command of the shell ends and the next begins.
_BETWEEN = frozenset(["|", "||", "&&", "&", ";", "|&"])
_REDIRECTS = frozenset("<>")
#: Signs with which a shell does more than start the programs that are spelt.
_DOES_MORE = ("$", "`", "(", ")", "{", "\n", "\r", "\0")


def normal(text: str) -> str:
    """Return an entry in its one spelling: a name without ``.exe``, or a path."""
    text = text.strip()
    if "/" in text or "\\" in text:
        path = grant_paths.parse(text)
        return str(path) if path is not None else text
    stem, dot, ending = text.rpartition(".")
    return stem.lower() if dot and stem and ending.lower() == "exe" else text


def contains(entry: str, other: str) -> bool:
    """Return whether one entry allows what another does."""
    if entry.strip() == "*":
        return True
    return other.strip() != "*" and covers(entry, other)


def covers(entry: str, program: str) -> bool:
    """Return whether an entry covers a program, by name or path.

    In a program ``…`` stands for a part that nobody knows, as in `grant_hosts`.
    """
    entry, program = entry.strip(), program.strip()
    if entry == "*" or normal(entry) == normal(program):
        return bool(program)
    if UNKNOWN in program:
        before, _, after = program.partition(UNKNOWN)
        after = after.rpartition(UNKNOWN)[2]
        fits = entry.startswith(before) and entry.endswith(after)
        return fits and len(before) + len(after) <= len(entry)
    if "/" in entry or "\\" in entry:
        return False
    path = grant_paths.parse(program) if "/" in program or "\\" in program else None
    if path is None or not path.parts:
        return False
    name = normal(path.parts[-1])
    if name not in (normal(entry), normal(entry).casefold() if path.root == "c:" else None):
        return False
    above = path.parts[:-1]
    for system in _SYSTEM_PATHS:
        deep = system.root == "c:" and system.parts and system.parts[0].startswith("program files")
        held = above[: len(system.parts)] if deep else above
        if path.root == system.root and not path.up and held == system.parts:
            return True
    return False


def commands(line: str) -> tuple[str, ...] | None:
    """Return the programs that a command line starts; None where that cannot be told.

    :param line: as a shell reads it: ``"git log | wc -l"``.
    """
    if any(sign in line for sign in _DOES_MORE):
        return None
    import shlex

    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    found: list[str] = []
    expected = True
    try:
        for word in words:
            if word in _BETWEEN:
                expected = True
            elif word[0] in _REDIRECTS:
                return None  # it reads or writes a file
            elif expected:
                if "=" in word:
                    return None
                found.append(word)
                expected = False
    except ValueError:
        return None
    return tuple(found) or None
