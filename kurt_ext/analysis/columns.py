"""Count the columns of a syntax tree in characters, as editors and reports do.

`ast` counts bytes of UTF-8. A line that holds more than ASCII would be pointed at in
the wrong place, and its author would look for a fault where none is.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_left

__all__ = ["in_characters"]

# As Python counts lines: a form feed or U+2028 ends none.
_LINE_END = re.compile(r"\r\n|\r|\n")


def in_characters(tree: ast.Module, data: bytes) -> ast.Module:
    """Change the columns of a tree's nodes from bytes to characters, and return it.

    :param data: what the tree was made of.
    """
    if data.isascii():
        return tree
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return tree
    odd = {
        number: line.encode("utf-8", "surrogatepass")
        for number, line in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), 1)
        if not line.isascii()
    }
    lines = sorted(odd)
    ahead: list[ast.AST] = [tree]
    while ahead:
        node = ahead.pop()
        for child in ast.iter_child_nodes(node):
            # Only what a line of the kind runs through has to be counted anew.
            first = getattr(child, "lineno", 0)
            at = bisect_left(lines, first)
            if not first or (at < len(lines) and lines[at] <= (child.end_lineno or first)):  # type: ignore[attr-defined]
                ahead.append(child)
        for line_name, name in (("lineno", "col_offset"), ("end_lineno", "end_col_offset")):
            line = odd.get(getattr(node, line_name, 0))
            if line is not None:
                before = line[: getattr(node, name)]
                setattr(node, name, len(before.decode("utf-8", "replace")))
    return tree
