"""Expressions and values as texts: what a use is about, and how the code spells it."""

from __future__ import annotations

import ast

from .values import Const, Seq, Text, Values

__all__ = ["spelled", "texts"]


def texts(values: Values, subject: str) -> tuple[tuple[str, ...], bool, frozenset[str]]:
    """Return the texts among values, whether they are all, and where the rest comes from."""
    found: list[str] = []
    proven = bool(values)
    origins: frozenset[str] = frozenset()
    for value in values:
        if isinstance(value, Const) and value.value is None:
            continue
        if isinstance(value, Const) and isinstance(value.value, (str, bytes)):
            text = value.value
            found.append(text if isinstance(text, str) else text.decode("utf-8", "replace"))
        elif isinstance(value, Text):
            if value.prefix or value.suffix:
                found.append(f"{value.prefix}…{value.suffix}")
            proven = False
            origins |= value.origins
        elif isinstance(value, Seq) and subject in ("program", "host"):
            if value.items:  # of a command line or an address the first part
                inner = texts(value.items[0], subject)
                found += inner[0]
                proven = proven and inner[1]
        else:
            proven = False
            origins |= getattr(value, "origins", frozenset())
    return tuple(dict.fromkeys(found)), proven, origins


def spelled(node: ast.AST) -> str:
    """Return an expression as it may be written, at most 120 characters."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute) and len(parts) < 8:
            parts.append(inner.attr)
            inner = inner.value
        parts.append(inner.id if isinstance(inner, ast.Name) else "…")
        return ".".join(reversed(parts))[:120]
    if isinstance(node, ast.Call):
        return spelled(node.func)[:112] + "(…)"
    if isinstance(node, ast.Subscript):
        return spelled(node.value)[:112] + "[…]"
    if isinstance(node, ast.Constant):
        try:
            return repr(node.value)[:120]
        except ValueError:  # a number of too many digits to be written
            return "…"
    return "…"
