"""Read YAML text as plain values, with the place of every key, and nothing clever.

PyYAML splits the text into events; the values are built here from those,
without recursion, so that no nesting can overflow a stack. What YAML 1.1 and 1.2
read alike as true, false, null or a decimal integer is that; everything else
stays text: ``1.10``, ``no``, ``on``, dates, ``012``, ``1:30``. Duplicate keys,
aliases and anchors, tags, merge keys and deep nesting are refused.
"""

from __future__ import annotations

from .findings import Finding
from .sources import MAX_DEPTH, Refused, has_surrogate, position, show, spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .sources import Marks, Pointer

__all__ = ["load"]

_MAX_MENDED = 32
_NO_KEY = frozenset("\"'[]{}#&*!|>%@` ")
_QUOTE = "quote the value: {}"
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
#: Part of PyYAML's words for a problem → ours, and the way out.
_PROBLEMS = (
    ("mapping values are not allowed", "a colon inside a value", "put the value in quotes"),
    ("cannot start any token", "a value cannot begin like this", "put the value in quotes"),
    ("could not find expected ':'", "this line is no key: value", "write it as key: value"),
    ("unexpected end of stream", "a quote is never closed", "close the quote"),
    ("flow node", "a bracket is never closed", "close the list with ], or the mapping with }"),
    ("',' or ']'", "a bracket is never closed", "close the list with ]"),
    ("',' or '}'", "a brace is never closed", "close the mapping with }"),
    ("block scalar", "a value cannot begin like this", "put the value in quotes"),
)


def load(text: str, name: str, line: int, findings: list[Finding]) -> tuple[Any, Marks]:
    """Return the value of a YAML document, and pointer → (line, column) of its keys and items.

    A value that holds ``": "``, or begins with a character that YAML keeps for
    itself, is read as if it were quoted, with a finding.

    :param name: the file, as findings call it.
    :param line: the file's line that ``text`` begins on.
    :raises Refused: for anything else that is wrong.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    mended: list[Finding] = []
    while True:
        builder = _Builder(text, name, line)
        try:
            value = builder.build(yaml.parse(text, Loader=loader))
        except yaml.MarkedYAMLError as error:
            line_text = _mend(text, error) if len(mended) < _MAX_MENDED else None
            if line_text is None:
                raise Refused(_explain(error, text, name, line)) from None
            text, number, column, fixed = line_text
            mended.append(
                Finding(
                    "unquoted-value",
                    "warning",
                    "the value is not YAML without quotes; it was read as text",
                    path=name,
                    line=line + number,
                    column=column + 1,
                    fix=_QUOTE.format(fixed if len(fixed) <= 100 else fixed[:99] + "…"),
                )
            )
        except yaml.YAMLError:
            raise Refused(_unprintable(text, name, line)) from None
        else:
            findings.extend(mended)
            findings.extend(builder.findings)
            return value, builder.marks


class _Frame:
    """A list or mapping that is being filled, and the key that waits for its value."""

    __slots__ = ("container", "key", "pointer")

    def __init__(self, container: Any, pointer: Pointer) -> None:
        self.container = container
        self.pointer = pointer
        self.key: str | None = None

    @property
    def wants_key(self) -> bool:
        return self.key is None and isinstance(self.container, dict)

    def next(self) -> Pointer:
        """Return the pointer of the value that comes next."""
        return (*self.pointer, len(self.container) if self.key is None else self.key)

    def put(self, value: Any) -> None:
        if self.key is None:
            self.container.append(value)
        else:
            self.container[self.key] = value
            self.key = None


class _Builder:
    """Builds values from events; one instance for one text."""

    def __init__(self, text: str, name: str, line: int) -> None:
        self.name = name
        self.line = line
        self.marks: Marks = {}
        self.findings: list[Finding] = []
        # Line breaks to YAML, not to editors: PyYAML's line numbers would count them.
        self.odd = text if any(c in text for c in "\x85\u2028\u2029") else None

    def place(self, mark: Any) -> tuple[int, int]:
        if self.odd is not None:
            line, column = position(self.odd, mark.index)
            return line + self.line - 1, column
        return mark.line + self.line, mark.column + 1

    def refuse(self, rule: str, message: str, event: Any, fix: str) -> Refused:
        line, column = self.place(event.start_mark)
        return Refused(
            Finding(rule, "error", message, path=self.name, line=line, column=column, fix=fix)
        )

    def build(self, events: Iterable[Any]) -> Any:
        """Return the value of the only document among the events."""
        from yaml import events as kinds

        root: Any = None
        documents = 0
        stack: list[_Frame] = []
        for event in events:
            if isinstance(event, kinds.CollectionEndEvent):
                stack.pop()
                continue
            if not isinstance(event, kinds.NodeEvent):
                documents += isinstance(event, kinds.DocumentStartEvent)
                if documents > 1:
                    fix = "keep one document"
                    raise self.refuse("yaml-documents", "a second document", event, fix)
                continue
            self.forbid(event)
            frame = stack[-1] if stack else None
            if frame is not None and frame.wants_key:
                frame.key = self.key(event, frame)
                continue
            pointer = frame.next() if frame is not None else ()
            if isinstance(event, kinds.ScalarEvent):
                value: Any = self.scalar(event, pointer)
            else:
                value = [] if isinstance(event, kinds.SequenceStartEvent) else {}
            if frame is None:
                root = value
            else:
                if isinstance(frame.container, list):
                    self.marks[pointer] = self.place(event.start_mark)
                frame.put(value)
            if not isinstance(event, kinds.ScalarEvent):
                if len(stack) >= MAX_DEPTH:
                    message = f"more than {MAX_DEPTH} levels of nesting"
                    raise self.refuse("too-deep", message, event, "make it flatter")
                stack.append(_Frame(value, pointer))
        return root

    def forbid(self, event: Any) -> None:
        """Refuse what makes a value be something else than what is written there."""
        tag = getattr(event, "tag", None)
        if event.anchor is not None:
            what = "an alias" if not hasattr(event, "tag") else "an anchor"
            fix = "write the value out, or quote it if it is text"
            raise self.refuse("yaml-alias", f"{what} ({show(event.anchor)})", event, fix)
        if tag is not None:
            fix = "delete the tag, or quote the value if it is text"
            raise self.refuse("yaml-tag", f"a tag ({show(tag)})", event, fix)

    def key(self, event: Any, frame: _Frame) -> str:
        """Return the key that the event is."""
        key = getattr(event, "value", None)
        if not isinstance(key, str) or not key:
            fix = "write a word before the colon"
            raise self.refuse("yaml-key", "a key that is no text", event, fix)
        self.sound(key, event)
        if key == "<<" and event.implicit[0]:
            fix = "write the fields out"
            raise self.refuse("yaml-merge", "a merge key", event, fix)
        pointer = (*frame.pointer, key)
        if key in frame.container:
            first = self.marks[pointer][0]
            message = f"{spell(pointer)} is given twice, first on line {first}"
            raise self.refuse("duplicate-key", message, event, "keep one of them")
        self.marks[pointer] = self.place(event.start_mark)
        return key

    def scalar(self, event: Any, pointer: Pointer) -> Any:
        """Return the value of a scalar: text but for the few words that are surely not."""
        text: str = event.value
        if not event.implicit[0]:  # quoted, or a block
            self.sound(text, event)
            return text
        if text in _WORDS:
            return _WORDS[text]
        digits = text.removeprefix("-")
        if digits.isdigit() and digits.isascii() and (digits[0] != "0" or text == "0"):
            if len(digits) <= 19 and -(2**63) <= int(text) < 2**63:
                return int(text)
            line, column = self.place(event.start_mark)
            self.findings.append(
                Finding(
                    "number-too-large",
                    "warning",
                    f"{spell(pointer)} is a number of more than 64 bits; it was read as text",
                    path=self.name,
                    line=line,
                    column=column,
                    fix="quote it if it is text",
                )
            )
        return text

    def sound(self, text: str, event: Any) -> None:
        """Refuse characters that an escape has put there, and no file can hold."""
        if "\0" in text or (not text.isascii() and has_surrogate(text)):
            message = "an escape stands for a character that no text may hold"
            raise self.refuse("nul-character", message, event, "delete the escape")


def _mend(text: str, error: Any) -> tuple[str, int, int, str] | None:
    """Return the text with the value that confuses PyYAML in quotes.

    Beside it the index of the line, the column of the value, and the value in quotes.
    None where the line is not a simple ``key: value``, or means to be YAML.
    """
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return None
    lines = text.split("\n")
    if mark.line >= len(lines):
        return None
    line = lines[mark.line]
    head, colon, value = line.partition(": ")
    key = head.strip(" ").removeprefix("- ").strip(" ")
    rest = value.strip(" ")
    if not colon or not rest or not key[:1].isalpha() or any(c in key for c in _NO_KEY):
        return None
    # A quote or bracket was meant as YAML; so were an anchor, a tag and a block.
    if rest[0] in "\"'[{&!|" or (rest[0] == ">" and rest[1:2] not in ("=", " ", *"0123456789")):
        return None
    fixed = "'" + rest.replace("'", "''") + "'"
    column = len(head) + 2 + len(value) - len(value.lstrip(" "))
    lines[mark.line] = line[:column] + fixed
    return "\n".join(lines), mark.line, column, fixed


def _explain(error: Any, text: str, name: str, line: int) -> Finding:
    """Return what is wrong in our words, where somebody would look for it."""
    problem = error.problem or error.context or "it cannot be read"
    message, fix = "", "look at the indentation, and put the value in quotes"
    for words, ours, remedy in _PROBLEMS:
        if words in problem or words in (error.context or ""):
            message, fix = f"{ours} ", remedy
            break
    mark = error.problem_mark
    if mark is not None and text[mark.index : mark.index + 1] == "\t":
        message, fix = "a tab where spaces indent ", "indent with spaces"
    # An end is found missing where the text ends; what lacks it began before.
    if mark is None or mark.index >= len(text) or "could not find expected" in problem:
        mark = error.context_mark or mark
    row, column = position(text, min(mark.index, len(text))) if mark else (1, 0)
    return Finding(
        "yaml-syntax",
        "error",
        f"{message}({problem})" if message else f"not YAML: {problem}",
        path=name,
        line=row + line - 1,
        column=column,
        fix=fix,
    )


def _unprintable(text: str, name: str, line: int) -> Finding:
    """Return the finding about the first character that YAML does not allow."""
    index = next(
        (
            i
            for i, c in enumerate(text)
            if not c.isprintable()
            and c not in "\t\n\x85\u2028\u2029"
            and (c < "\xa0" or c > "\ud7ff")
        ),
        0,
    )
    row, column = position(text, index)
    return Finding(
        "control-character",
        "error",
        f"the character {text[index : index + 1]!a} is not allowed",
        path=name,
        line=row + line - 1,
        column=column,
        fix="delete it",
    )
