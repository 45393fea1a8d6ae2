"""Read JSON strictly: no NaN, no duplicate key, no number beyond 64 bits, bounded nesting.

The interpreter's own scanner reads a good text, without an import of `json`. A bad
one, and one whose places are asked for, is walked here token by token.
"""

from __future__ import annotations

import sys
from _json import make_scanner, scanstring

from .findings import Finding
from .sources import MAX_DEPTH, Refused, has_surrogate, position, show, spell, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .sources import Marks, Pointer

__all__ = ["load", "locate"]

_SPACE = " \t\n\r"
_DIGITS = frozenset("0123456789")
_LITERALS = ("true", "false", "null")
_CONSTANTS = ("NaN", "Infinity", "-Infinity")
_MAX = 2**63


def _prepare() -> None:
    # The interpreter's scanner reports an error through `json.decoder`, but does not import
    # it: without it the error is a SystemError, and the end of a debug build.
    if hasattr(sys, "gettotalrefcount"):
        import json.decoder  # noqa: F401


_prepare()


class _OddError(ValueError):
    """The scanner met what JSON or the limits forbid; a walk will say what and where."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _OddError
    return result


def _integer(text: str) -> int:
    if len(text) > 20 or not -_MAX <= int(text) < 2 * _MAX:
        raise _OddError
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _OddError
    return value


def _constant(text: str) -> Any:
    raise _OddError


class _Context:
    """What the interpreter's scanner asks its caller for."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_pairs)
    parse_int = staticmethod(_integer)
    parse_float = staticmethod(_real)
    parse_constant = staticmethod(_constant)


# typeshed wants a scanner where the interpreter wants any object of these attributes.
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_Context)  # type: ignore[arg-type]


def load(data: bytes, name: str, findings: list[Finding]) -> Any:
    """Return the JSON value of a file's bytes.

    :param name: the file, as findings call it.
    :raises Refused: with the place, for everything that is wrong.
    """
    text = to_text(data, name, findings)
    if text is None:
        raise Refused(findings.pop())
    # The scanner recurses, and does not say where a text is wrong; the walk does neither.
    if text.count("[") + text.count("{") > MAX_DEPTH or "\\u" in text:
        _Walk(text, name).run()
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _scan(text, start)
        if text[end:].strip(_SPACE):
            raise _OddError
    except (ValueError, StopIteration, SystemError):
        _Walk(text, name).run()
        raise Refused(
            Finding("json-syntax", "error", "not JSON", path=name, line=1, column=1)
        ) from None
    return value


def locate(data: bytes) -> Marks:
    """Return pointer → (line, column) of every key and item, up to what :func:`load` refuses."""
    walk = _Walk(to_text(data, "", []) or "", "")
    try:
        walk.run()
    except Refused:
        pass
    return walk.marks


class _Walk:
    """One pass over the tokens of a text, without recursion."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.marks: Marks = {}
        self.line = 1
        self.begin = 0  # of the line
        self.seen = 0  # how far lines are counted

    def place(self, index: int) -> tuple[int, int]:
        """Return the line and column of an index not before the last one asked for."""
        count = self.text.count("\n", self.seen, index)
        if count:
            self.line += count
            self.begin = self.text.rfind("\n", self.seen, index) + 1
        self.seen = max(self.seen, index)
        return self.line, index - self.begin + 1

    def refuse(self, rule: str, message: str, index: int, fix: str = "") -> Refused:
        line, column = position(self.text, index)
        return Refused(
            Finding(rule, "error", message, path=self.name, line=line, column=column, fix=fix)
        )

    def expected(self, what: str, index: int) -> Refused:
        found = show(self.text[index]) if index < len(self.text) else "the end of the file"
        fix = "delete the comma before it" if found in ("'}'", "']'") else ""
        return self.refuse("json-syntax", f"expected {what}, found {found}", index, fix)

    def skip(self, index: int) -> int:
        text, end = self.text, len(self.text)
        while index < end and text[index] in _SPACE:
            index += 1
        return index

    def run(self) -> Marks:
        """Return the marks, or raise :class:`Refused` for the first thing that is wrong."""
        text = self.text
        # Each frame: the pointer of the container; its next index, or its keys.
        stack: list[tuple[Pointer, int | set[str]]] = []
        index = self.skip(0)
        pointer: Pointer = ()
        while True:
            char = text[index : index + 1]
            if char in ("[", "{"):
                if len(stack) >= MAX_DEPTH:
                    message = f"more than {MAX_DEPTH} levels of nesting"
                    raise self.refuse("too-deep", message, index, "make it flatter")
                inner = self.skip(index + 1)
                if text[inner : inner + 1] != ("]" if char == "[" else "}"):
                    stack.append((pointer, 0 if char == "[" else set()))
                    index, pointer = self.child(inner, stack)
                    continue
                index = inner + 1
            else:
                index = self.scalar(index, pointer)
            while True:
                index = self.skip(index)
                char = text[index : index + 1]
                if not stack:
                    if char:
                        raise self.expected("the end of the file", index)
                    return self.marks
                close = "]" if isinstance(stack[-1][1], int) else "}"
                if char == ",":
                    index, pointer = self.child(self.skip(index + 1), stack)
                    break
                if char != close:
                    raise self.expected(f"',' or '{close}'", index)
                stack.pop()
                index += 1

    def child(self, index: int, stack: list[tuple[Pointer, int | set[str]]]) -> tuple[int, Pointer]:
        """Return where the next value of the innermost container begins, and its pointer."""
        above, state = stack[-1]
        if isinstance(state, int):
            stack[-1] = (above, state + 1)
            pointer: Pointer = (*above, state)
            self.marks[pointer] = self.place(index)
            return index, pointer
        if self.text[index : index + 1] != '"':
            raise self.expected("a key in double quotes", index)
        key, end = self.string(index)
        pointer = (*above, key)
        if key in state:
            message = f"{spell(pointer)} is given twice, first on line {self.marks[pointer][0]}"
            raise self.refuse("duplicate-key", message, index, "keep one of them")
        state.add(key)
        self.marks[pointer] = self.place(index)
        end = self.skip(end)
        if self.text[end : end + 1] != ":":
            raise self.expected("':'", end)
        return self.skip(end + 1), pointer

    def string(self, index: int) -> tuple[str, int]:
        """Return the text that begins with the quote at ``index``, and where it ends."""
        try:
            value, end = scanstring(self.text, index + 1, True)
        except (ValueError, SystemError):
            raise self.unreadable(index) from None
        if "\0" in value or (not value.isascii() and has_surrogate(value)):
            message = "an escape stands for a character that no text may hold"
            raise self.refuse("nul-character", message, index, "delete the escape")
        return value, end

    def unreadable(self, index: int) -> Refused:
        """Return why the text that begins at ``index`` cannot be read."""
        from json import JSONDecodeError

        try:
            scanstring(self.text, index + 1, True)
        except JSONDecodeError as error:
            message = error.msg.removesuffix(" at").removesuffix(" starting")
            fix = "write a line break as \\n" if "control character" in message else ""
            return self.refuse("json-syntax", message[:1].lower() + message[1:], error.pos, fix)
        raise AssertionError("the scanner refused a text and then read it")

    def scalar(self, index: int, pointer: Pointer) -> int:
        """Check the string, number or word at ``index``; return where it ends."""
        text = self.text
        char = text[index : index + 1]
        if char == '"':
            return self.string(index)[1]
        for word in _LITERALS:
            if text.startswith(word, index):
                return index + len(word)
        for word in _CONSTANTS:
            if text.startswith(word, index):
                message = f"{word} is no JSON number"
                raise self.refuse("json-constant", message, index, "write null, or a number")
        end = self.number(index)
        if end == index:
            raise self.expected("a value", index)
        digits = text[index:end]
        try:
            _integer(digits) if not digits.strip("-0123456789") else _real(digits)
        except _OddError:
            message = f"{spell(pointer)} is a number of more than 64 bits"
            raise self.refuse("number-too-large", message, index, "write it as text") from None
        return end

    def number(self, index: int) -> int:
        """Return where the number at ``index`` ends; ``index`` where there is none."""
        text = self.text
        at = index + (text[index : index + 1] == "-")
        end = self.digits(at)
        if end == at:
            return index
        if text[at] == "0":
            end = at + 1
        if text[end : end + 1] == "." and self.digits(end + 1) > end + 1:
            end = self.digits(end + 1)
        if text[end : end + 1] in ("e", "E"):
            sign = end + 1 + (text[end + 1 : end + 2] in ("+", "-"))
            if self.digits(sign) > sign:
                end = self.digits(sign)
        return end

    def digits(self, index: int) -> int:
        text, count = self.text, len(self.text)
        while index < count and text[index] in _DIGITS:
            index += 1
        return index
