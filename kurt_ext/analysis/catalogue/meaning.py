"""What one dotted name means, and how a table of meanings is written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["RECEIVER", "Meaning", "Table", "rows"]

#: The argument that stands before the dot: ``Path("/etc/passwd").read_text()``
#: reads what its receiver names.
RECEIVER = -1


class Meaning(NamedTuple):
    """What a reference to a name lets a plugin do.

    :param category: the danger, as ``process``; one word of the report's vocabulary.
    :param severity: of a use that nothing declares, or that nothing can declare.
    :param permission: the manifest's list that covers it; "" where none can.
    :param does: words that complete the name to a sentence: "starts a program".
    :param factor: ``dangerous``, ``write``, ``network``, ``service`` or
        ``environment``, as the score counts it; "" where it costs nothing.
    :param subject: what the argument names: ``url``, ``host``, ``path``,
        ``program``, ``variable``, ``module`` or ``code``; "" where it names nothing.
    :param argument: position of that argument, :data:`RECEIVER` for what the
        method is called on, None where only a keyword can give it.
    :param word: its keyword; "" where it has none.
    :param called: only a call counts, not the bare reference.
    :param condition: when it holds, in the language of the package's docstring.
    :param otherwise: what it means where the condition does not hold; None is nothing.
    """

    category: str
    severity: str
    permission: str
    does: str
    factor: str = ""
    subject: str = ""
    argument: int | None = None
    word: str = ""
    called: bool = False
    condition: str = ""
    otherwise: Meaning | None = None


#: Meaning → names. In a line, what follows ``module:`` are names of that module;
#: None is a name that means nothing and ends the search.
Table = tuple[tuple[Meaning | None, str], ...]


def rows(table: Table) -> Iterator[tuple[str, Meaning | None]]:
    """Yield name and meaning for every name of a table, in its order."""
    for meaning, text in table:
        for line in text.splitlines():
            before = ""
            for word in line.split():
                if word[-1] == ":":
                    before = word[:-1] + "."
                else:
                    yield before + word, meaning
