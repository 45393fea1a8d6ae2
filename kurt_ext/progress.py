"""Show how far a call has come: a bar on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .output import printable
from .terminal import is_terminal

if TYPE_CHECKING:
    from .contract import Progress

__all__ = ["Reporter"]

_STEP = 0.1  # of the whole, between two plain lines that say the same


class Reporter:
    """A context manager that is called with each :class:`~kurt_ext.contract.Progress`.

    It may be called from any thread. The bar appears with the first progress, and
    is gone when the block ends.

    :param title: what is running.
    :param quiet: show nothing.
    """

    def __init__(self, title: str, *, quiet: bool = False, color: bool = True) -> None:
        self._title = printable(title)
        self._quiet = quiet
        self._color = color
        self._terminal = is_terminal(sys.stderr)
        self._bar: Any = None
        self._row: Any = None
        self._said: tuple[str, float] = ("", -1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, progress: Progress) -> None:
        """Show one progress."""
        if self._quiet:
            return
        if self._terminal:
            self._draw(progress)
        else:
            self._say(progress)

    def _draw(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = self._start()
            self._row = self._bar.add_task(self._title, total=None)
        self._bar.update(
            self._row,
            description=printable(progress.message) or self._title,
            completed=progress.current or 0,
            total=progress.total,
        )

    def _start(self) -> Any:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        console = Console(file=sys.stderr, no_color=not self._color, highlight=False)
        bars = Bars(
            TextColumn(escape(self._title), style="bold"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            # What the extension prints is data, and goes where it sent it.
            redirect_stdout=False,
            redirect_stderr=True,
        )
        bars.start()
        return bars

    def _say(self, progress: Progress) -> None:
        part = progress.fraction
        message, before = self._said
        if progress.message == message and (part is None or 0 <= part - before < _STEP):
            return
        self._said = (progress.message, -1.0 if part is None else part)
        share = "" if part is None else f"{part:4.0%} "
        sys.stderr.write(f"{self._title}: {share}{printable(progress.message)}".rstrip() + "\n")
        sys.stderr.flush()
