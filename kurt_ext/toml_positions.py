"""Where the keys and names of a TOML text stand, which neither `tomllib` nor tomlkit tells.

A scanner for text that `tomllib` has accepted; of other text it makes what it
can. It is asked only when something is to be explained or found fault with.
"""

from __future__ import annotations

import re
import tomllib

__all__ = ["Positions", "scan"]

#: A key's parts; a whole number stands for an element of an array.
Path = tuple["str | int", ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


class Positions:
    """Lines and columns, 1-based, columns in characters.

    :ivar keys: where each key or array element begins.
    :ivar names: where each text in an array begins, by the array's key and the text.
    :ivar pairs: offsets of each ``key = value``: of the key, of the value, of its end.
    :ivar headers: offsets of each ``[table]`` line: of its begin, of its end.
    """

    __slots__ = ("headers", "keys", "names", "pairs")

    def __init__(self) -> None:
        self.keys: dict[Path, tuple[int, int]] = {}
        self.names: dict[tuple[Path, str], tuple[int, int]] = {}
        self.pairs: dict[Path, tuple[int, int, int]] = {}
        self.headers: dict[Path, tuple[int, int]] = {}

    def find(self, path: Path, name: str = "") -> tuple[int, int]:
        """Return the position of a name in a key's list, else of the key, else of its table.

        ``(0, 0)`` where even the first part of the key is unknown.
        """
        if (path, name) in self.names:
            return self.names[path, name]
        while path:
            if path in self.keys:
                return self.keys[path]
            path = path[:-1]
        return (0, 0)


def scan(text: str) -> Positions:
    """Return where everything in the text stands."""
    scanner = _Scanner(text)
    try:
        scanner.document()
    except (ValueError, RecursionError):
        pass  # the text is not TOML, and what was found so far holds
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found = Positions()
        self._lines = [0, *[match.end() for match in re.finditer("\n", text)]]
        self._counts: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while True:
            self._skip()
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _position(self, offset: int) -> tuple[int, int]:
        from bisect import bisect_right

        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _take(self, expected: str) -> bool:
        if self.text.startswith(expected, self.at):
            self.at += len(expected)
            return True
        return False

    def _header(self) -> Path:
        start = self.at
        repeated = self._take("[[")
        if not repeated:
            self.at += 1
        path: Path = ()
        parts = self._key()
        for number, (part, _) in enumerate(parts, 1):
            path = (*path, part)
            if repeated and number == len(parts):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        if not self._take("]]" if repeated else "]"):
            raise ValueError("unclosed header")
        self.found.headers[path] = (start, self.at)
        for end in range(1, len(path) + 1):
            self.found.keys.setdefault(path[:end], self._position(start))
        return path

    def _key(self) -> list[tuple[str, int]]:
        """Return the parts of a dotted key and their offsets."""
        parts = []
        while True:
            self._skip()
            start = self.at
            match = _STRING.match(self.text, start) or _BARE_KEY.match(self.text, start)
            if match is None:
                raise ValueError("not a key")
            self.at = match.end()
            raw = match.group()
            parts.append((_value(raw) if raw[0] in "\"'" else raw, start))
            self._skip()
            if not self._take("."):
                return parts

    def _pair(self, table: Path) -> None:
        path = table
        parts = self._key()
        for part, start in parts:
            path = (*path, part)
            self.found.keys.setdefault(path, self._position(start))
        if not self._take("="):
            raise ValueError("not a pair")
        self._skip()
        value = self.at
        self._any(path)
        end = value + len(self.text[value : self.at].rstrip())
        self.found.pairs[path] = (parts[0][1], value, end)

    def _any(self, path: Path) -> None:
        self._skip()
        if self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline(path)
        elif match := _STRING.match(self.text, self.at):
            if path and isinstance(path[-1], int):
                place = self._position(self.at)
                self.found.names.setdefault((path[:-1], _value(match.group())), place)
            self.at = match.end()
        elif match := _SCALAR.match(self.text, self.at):
            self.at = match.end()
        else:
            raise ValueError("not a value")

    def _array(self, path: Path) -> None:
        number = 0
        while True:
            self._skip()
            if self._take("]"):
                return
            self.found.keys[(*path, number)] = self._position(self.at)
            self._any((*path, number))
            number += 1
            self._skip()
            self._take(",")

    def _inline(self, path: Path) -> None:
        while True:
            self._skip()
            if self._take("}"):
                return
            self._pair(path)
            self._skip()
            self._take(",")


def _value(raw: str) -> str:
    return str(tomllib.loads(f"k = {raw}")["k"])
