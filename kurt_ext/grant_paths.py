"""Which files an entry of ``filesystem_read`` or ``filesystem_write`` lets a skill touch.

An entry is a file, or a folder with all that lies beneath it. Paths are compared by component,
after ``.``, ``..`` and doubled slashes are worked out, as text: links are followed by nobody here.
A relative entry begins at the skill's own folder, and a relative path in its code is taken for
one that does: the folder is where a worker starts.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OWN", "PYTHON", "TEMPORARY", "Path", "contains", "meet", "parse"]

#: What stands for places that only a run of the code would tell.
OWN, TEMPORARY, PYTHON = "<skill>", "<temp>", "<python>"
_HERE = "."
_PLACES = (OWN, TEMPORARY, PYTHON, "<site-packages>")
_HOMES = ("HOME", "USERPROFILE", "HOMEPATH")
_TEMPORARIES = ("TMPDIR", "TEMP", "TMP")
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class Path:
    """One path, taken apart.

    :param root: where it begins: ``/``, ``.`` (the working directory), ``~``, ``c:``,
        ``//server/share``, ``$VARIABLE`` or a place as ``<temp>``.
    :param up: how many folders it climbs above that.
    :param parts: the components below, in which ``*`` is any text and ``**`` any components.
    """

    __slots__ = ("parts", "root", "up")

    def __init__(self, root: str, up: int, parts: tuple[str, ...]) -> None:
        self.root = root
        self.up = up
        self.parts = parts

    def __str__(self) -> str:
        rest = "/".join((*[".."] * self.up, *self.parts))
        if self.root == _HERE:
            return f"./{rest}" if rest and not self.up else rest or "."
        return f"{self.root.rstrip('/')}/{rest}" if rest else self.root


def parse(text: str, *, folder: str | None = None, home: str | None = None) -> Path | None:
    """Return a path taken apart; None where it is none.

    :param folder: the skill's own, so that an absolute path into it is known for one.
    :param home: the user's, in the same way.
    """
    text = text.strip()
    if not text or "\0" in text:
        return None
    windows = _is_windows(text)
    if windows:
        text = _unprefixed(text.replace("\\", "/"))
    root, rest = _root(text, windows)
    windows = windows and root != _HERE
    if root.startswith("$") or windows:
        # The file systems of Windows ignore case, and dots and blanks at the end of a name.
        rest = [part.rstrip(". ") or part for part in rest] if windows else rest
        rest = [part.casefold() for part in rest] if windows else rest
    path = _normal(root, rest)
    for place, name in ((folder, OWN), (home, "~")):
        if place is not None and path.root not in (name, _HERE):
            base = parse(place)
            if base is not None and base.root == path.root and path.up == base.up == 0:
                count = len(base.parts)
                if base.parts == path.parts[:count]:
                    return Path(name, 0, path.parts[count:])
    return path


def _is_windows(text: str) -> bool:
    drive = len(text) > 1 and text[1] == ":" and text[0].isascii() and text[0].isalpha()
    return drive or text.startswith(("\\\\", "%")) or ("\\" in text and "/" not in text)


def _unprefixed(text: str) -> str:
    """Return a path of Windows without what only turns its own reading of paths off."""
    for prefix in ("//?/UNC/", "//?/unc/"):
        if text.startswith(prefix):
            return "//" + text[len(prefix) :]
    return text[4:] if text.startswith(("//?/", "//./")) else text


def _root(text: str, windows: bool) -> tuple[str, list[str]]:
    """Return where a path begins, and the components behind that."""
    first, _, rest = text.partition("/")
    after = rest.split("/")
    if windows and text.startswith("//"):
        server, share, *after = [*text[2:].split("/"), ""]
        return f"//{server}/{share}".casefold(), after
    if windows and first[1:2] == ":":
        if first[2:]:  # C:name lies wherever that drive's own working directory is
            return f"{first[:2]}{_HERE}".casefold(), [first[2:], *after]
        return first.casefold(), after
    if text.startswith("/"):
        return "/", after
    if first in _PLACES or first.startswith("~"):
        return first, after
    variable = _variable(first)
    if variable is not None:
        if variable in _HOMES:
            return "~", after
        return (TEMPORARY if variable in _TEMPORARIES else f"${variable}"), after
    return _HERE, text.split("/")


def _variable(word: str) -> str | None:
    """Return the variable that a first component is, as ``$NAME``, ``${NAME}`` or ``%NAME%``."""
    if word.startswith("${") and word.endswith("}"):
        name = word[2:-1]
    elif word.startswith("$"):
        name = word[1:]
    elif len(word) > 2 and word[0] == word[-1] == "%":
        name = word[1:-1]
    else:
        return None
    return name.upper() if name and _NAME.issuperset(name) else None


def _normal(root: str, rest: Sequence[str]) -> Path:
    up = 0
    parts: list[str] = []
    for part in rest:
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "**":
            parts.pop()
        elif parts:  # nobody can say what lies above any number of folders
            parts = ["\0"]
        elif root != "/" and root[-1:] != ":" and not root.startswith("//"):
            up += 1
    while parts and parts[-1] == "**":
        parts.pop()
    return Path(root, up, tuple(parts))


def contains(entry: Path, other: Path) -> bool:
    """Return whether all that lies at or beneath ``other`` lies at or beneath ``entry``."""
    if entry.root == "/" and not entry.parts:
        return other.root == "/" or not _is_of_windows(other)
    same = entry.root == other.root or (entry.root == _HERE and other.root == OWN)
    if not same or other.up > entry.up:
        return False
    if other.up < entry.up:
        return not entry.parts  # a folder that lies above, as a whole
    return _matches(entry.parts, other.parts)


def _is_of_windows(path: Path) -> bool:
    return path.root.startswith("//") or path.root[1:2] == ":"


def _matches(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Return whether a pattern fits the first of the components, in time of their product."""
    states = _through(pattern, {0})
    for part in parts:
        if len(pattern) in states:
            return True
        step = set()
        for state in states:
            if pattern[state] == "**":
                step.add(state)
            elif part != "**" and _fits(pattern[state], part):
                step.add(state + 1)
        states = _through(pattern, step)
    return len(pattern) in states


def _through(pattern: tuple[str, ...], states: set[int]) -> set[int]:
    found = set(states)
    for state in sorted(states):
        while state < len(pattern) and pattern[state] == "**":
            state += 1
            found.add(state)
    return found


def _fits(pattern: str, text: str) -> bool:
    """Return whether a component, in which ``*`` is any text, fits another."""
    if pattern == text:
        return True
    first, *middle = pattern.split("*")
    if not middle:
        return False
    last = middle.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def meet(one: Path, two: Path) -> Path | None:
    """Return the one that lies within the other; None where neither does, as with two patterns."""
    if contains(one, two):
        return two
    return one if contains(two, one) else None
