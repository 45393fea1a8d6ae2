"""What every command is given: the words of the line, the shared options, the streams."""

from __future__ import annotations

import os
import sys

from .errors import KurtError, UsageError
from .output import Page, envelope, paint, printable
from .terminal import is_terminal, wants_color

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO

    from .discovery import Discovery
    from .findings import Finding
    from .manager import SkillManager
    from .output import Answer
    from .places import Places

__all__ = ["Session"]

_LABELS = {"error": "error", "cause": "dim", "at": "dim", "hint": "hint", "warning": "warning"}


class Session:
    """One run of the command line.

    :param words: the command line without the program's name.
    """

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.words = tuple(words)
        before = self.words[: self.words.index("--")] if "--" in self.words else self.words
        # Known before the line is parsed, since an error in the line is answered in JSON too.
        self.json = "--json" in before
        self.debug = "--debug" in before
        self.color = "auto"
        self.project: str | None = None
        self.quiet = 0
        self.verbose = 0
        self.schema = "kurt.error/1"
        self._places: Places | None = None
        self._discovery: Discovery | None = None

    @property
    def places(self) -> Places:
        """The table of places; ``--project`` chooses the project.

        :raises UsageError: when that is not a folder.
        """
        if self._places is None:
            from .places import Places

            if self.project is not None and not os.path.isdir(self.project):
                raise UsageError(
                    f"the project {self.project!r} is not a folder", hint="kurt --project . list"
                )
            self._places = Places(self.project)
        return self._places

    def look_in(self, skills: str) -> None:
        """Look for the project's skills in another folder, which a program of the user's chose."""
        from .places import Places

        self._places = Places(self.project, skills=skills)
        self._discovery = None

    @property
    def discovery(self) -> Discovery:
        """All candidates, found once; imports no skill."""
        if self._discovery is None:
            from .discovery import discover

            self._discovery = discover(self.places)
        return self._discovery

    def look_again(self) -> None:
        """Read everything anew, whatever the index says."""
        from .discovery import discover

        self._discovery = discover(self.places, refresh=True)

    def forget(self) -> None:
        """Look at everything anew when it is next asked for."""
        self._discovery = None

    def manager(self) -> SkillManager:
        """Return a new front door to the project's skills, for commands that load or run."""
        from .manager import SkillManager

        return SkillManager(self.project, places=self.places)

    @property
    def terminal(self) -> bool:
        """Whether a person reads stdout."""
        return is_terminal(sys.stdout)

    def page(self, stream: IO[str] | None = None) -> Page:
        """Return where the text of an answer goes; stdout if no stream is given."""
        chosen: IO[str] = sys.stdout if stream is None else stream
        return Page(
            chosen,
            color=wants_color(chosen, self.color),
            rich=is_terminal(chosen),
            verbose=self.verbose,
        )

    def answer(self, answer: Answer) -> int:
        """Write an answer and return the exit code."""
        if self.json:
            indent = 2 if self.terminal else None
            sys.stdout.write(
                envelope(
                    self.schema,
                    data=answer.data,
                    error=answer.error,
                    warnings=answer.warnings,
                    indent=indent,
                )
            )
        else:
            if not (answer.talk and self.quiet):
                answer.text(self.page())
                sys.stdout.flush()
            self.warn(answer.warnings)
            if answer.error is not None:
                self._show(answer.error)
        return answer.error.exit_code if answer.error is not None else 0

    def fail(self, error: KurtError) -> int:
        """Write an error, in JSON where that was asked for, and return its exit code."""
        if self.json:
            sys.stdout.write(
                envelope(self.schema, error=error, indent=2 if self.terminal else None)
            )
        else:
            sys.stdout.flush()
            self._show(error)
        return error.exit_code

    def warn(self, findings: Iterable[Finding]) -> None:
        """Write warnings to stderr, unless ``-q``; those that only inform, with ``-v``."""
        for finding in findings:
            if self.quiet or (finding.severity == "info" and not self.verbose):
                continue
            place = f"{finding.at}: " if finding.at else ""
            self._labelled(f"warning: {place}{finding.message}")
            if finding.fix:
                self._labelled(f"   hint: {finding.fix}")

    def note(self, text: str) -> None:
        """Tell the user something on stderr, unless ``-q``."""
        if not self.quiet:
            sys.stderr.write(printable(text) + "\n")

    def _show(self, error: KurtError) -> None:
        for line in error.render().splitlines():
            self._labelled(line)
        sys.stderr.flush()

    def _labelled(self, line: str) -> None:
        line = printable(line)
        label, colon, rest = line.partition(":")
        style = _LABELS.get(label.strip())
        if colon and style:
            blank = label[: len(label) - len(label.lstrip())]
            line = (
                blank
                + paint(label.strip() + ":", style, wants_color(sys.stderr, self.color))
                + rest
            )
        sys.stderr.write(line + "\n")
