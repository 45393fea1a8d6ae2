"""The files of an audit: which there are, and how to read them while hosts write.

One for each day is written to, ``<date>.jsonl``. When it is full it is put aside as
``<date>.<number>.jsonl``, the highest number the latest; the oldest are removed.
"""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["files", "listed", "opened"]

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.jsonl")


def listed(folder: str) -> list[tuple[str, int, str]]:
    """Return (date, number, name) of the files; number 0 is the one that is written to."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = [(match, name) for name in names if (match := _NAME.fullmatch(name))]
    return [(match[1], int(match[2] or 0), name) for match, name in found]


def files(folder: str) -> list[str]:
    """Return the files of an audit, the oldest first."""
    found = sorted((date, number or 1 << 62, name) for date, number, name in listed(folder))
    return [os.path.join(folder, name) for _, _, name in found]


def opened(folder: str, since: str = "") -> Iterator[BinaryIO]:
    """Give the files of an audit, open, the oldest first.

    Of each day the one that is written to is opened before the others are looked for: if it
    is put aside meanwhile it is at hand, and if it was before, it is among the others.

    :param since: not those before this day.
    """
    for date in sorted({date for date, _, _ in listed(folder) if date >= since}):
        with ExitStack() as stack:
            last = stack.enter_context(_open(os.path.join(folder, f"{date}.jsonl")))
            numbers = [number for found, number, _ in listed(folder) if found == date and number]
            for number in sorted(numbers):
                with _open(os.path.join(folder, f"{date}.{number}.jsonl")) as stream:
                    if stream is None:
                        continue
                    if last is not None and _same(stream, last):
                        stream, last = last, None
                    yield stream
            if last is not None:
                yield last


def _open(path: str) -> AbstractContextManager[BinaryIO | None]:
    """Return a file, open; None where it is gone."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        return nullcontext()


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))
