"""Write what `kurt validate` found in the form that was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from ..output import Page, envelope
from ..reporting.rows import summary
from ..terminal import columns_of, is_terminal

if TYPE_CHECKING:
    from ..errors import KurtError
    from ..findings import Finding
    from ..session import Session

    Rows = Sequence[Mapping[str, Any]]
    Explain = Callable[[str], str | None]

__all__ = ["FORMATS", "answer_text", "write_file"]

#: The forms, by the word for them.
FORMATS = ("text", "json", "sarif", "github", "html")
_WIDTH = 100  # columns where no terminal says how many there are


def answer_text(
    session: Session, rows: Rows, form: str, explain: Explain
) -> Callable[[Page], None]:
    """Return what writes the reports onto stdout."""
    base = _here()

    def text(page: Page) -> None:
        if form == "text":
            _frames(page, rows, base)
        else:
            page.verbatim(_rendered(rows, form, base, explain))

    return text


def write_file(
    path: str,
    session: Session,
    rows: Rows,
    form: str,
    explain: Explain,
    error: KurtError | None,
    warnings: Iterable[Finding],
) -> Callable[[Page], None]:
    """Write the reports to a file; return what says so on stdout.

    :raises StorageError: when the file cannot be written.
    """
    from io import StringIO

    from ..atomic import write_atomically

    base = _here()
    if form == "json":
        text = envelope(session.schema, data=rows, error=error, warnings=warnings, indent=2)
    elif form == "text":
        stream = StringIO()
        _frames(Page(stream), rows, base)
        text = stream.getvalue()
    else:
        text = _rendered(rows, form, base, explain)
    try:
        write_atomically(path, text.encode("utf-8", "backslashreplace"))
    except (OSError, ValueError) as failed:
        raise StorageError(
            "the report cannot be written", cause=str(failed), at=path, hint="--output FILE"
        ) from failed

    def told(page: Page) -> None:
        page.line(summary(rows))
        page.line(f"written: {path}")

    return told


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def _frames(page: Page, rows: Rows, base: str) -> None:
    from ..reporting import frames

    wide = columns_of(page.stream) if is_terminal(page.stream) else _WIDTH
    frames.write(page, rows, base=base, columns=wide)


def _rendered(rows: Rows, form: str, base: str, explain: Explain) -> str:
    if form == "sarif":
        from ..reporting import sarif

        return sarif.render(rows, base=base, explain=explain)
    if form == "github":
        from ..reporting import github

        return github.render(rows, base=base)
    from ..reporting import html

    return html.render(rows, base=base)
