"""Find constants whose working out would take all the time or memory there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

__all__ = ["bombs", "may_hold_bombs"]

#: Bits of a number; Python itself refuses to write one of 4,300 digits.
_MAX_BITS = 200_000
_MAX_LENGTH = 1 << 28  # of a text, a list or a tuple that is repeated
_MAX_DEPTH = 64
# A power, a shift, or a number of seven digits: without one, nothing grows.
_HINT = re.compile(rb"\*\*\s*[\d(~+-]|<<|\d[\d_]{6}|0[xX][\da-fA-F_]{6}")


class _Bomb(Exception):
    """A part that is beyond the limits."""


class _Length(int):
    """The length of a text or list, which stands for it."""


def may_hold_bombs(data: bytes) -> bool:
    """Return whether a module's bytes are worth a walk through its tree."""
    return _HINT.search(data) is not None


def bombs(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the operations between constants that cannot be worked out in reasonable time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Pow, ast.LShift, ast.Mult)):
            try:
                _value(node, 0)
            except _Bomb:
                yield node


def _value(node: ast.expr, depth: int) -> int | None:
    """Return a number, or the length of a text; None for anything else.

    :raises _Bomb: where it is beyond the limits.
    """
    if depth > _MAX_DEPTH:
        return None
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int):
            return int(node.value)
        return _Length(len(node.value)) if isinstance(node.value, (str, bytes)) else None
    if isinstance(node, (ast.List, ast.Tuple)):
        return _Length(len(node.elts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _value(node.operand, depth + 1)
        if value is None or isinstance(value, _Length):
            return None
        return -value if isinstance(node.op, ast.USub) else value
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _value(node.left, depth + 1), _value(node.right, depth + 1)
    if left is None or right is None:
        return None
    return _operate(node.op, left, right)


def _operate(operator: ast.operator, left: int, right: int) -> int | None:
    if isinstance(left, _Length) or isinstance(right, _Length):
        if isinstance(operator, ast.Mult) and not (
            isinstance(left, _Length) and isinstance(right, _Length)
        ):
            if int(left) * int(right) > _MAX_LENGTH:
                raise _Bomb
            return _Length(max(0, int(left) * int(right)))
        return None
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        if left.bit_length() + right.bit_length() > _MAX_BITS:
            raise _Bomb
        return left * right
    if right < 0:
        return None
    if isinstance(operator, ast.LShift):
        if left and left.bit_length() + right > _MAX_BITS:
            raise _Bomb
        return left << right if left else 0
    if isinstance(operator, ast.Pow):
        if abs(left) > 1 and (left.bit_length() * right > _MAX_BITS):
            raise _Bomb
        return int(left**right) if abs(left) > 1 else None
    return None
