"""What a page asks of an agent against its user: what, of whom, and what is kept from whom.

Each act is a figure of concepts, in whatever words and tongue: something is to
be sent, it is private, it leaves the machine, and nobody is to hear of it. An
act counts where it is asked for; an account of attacks asks for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from . import deeds, figures, misdeeds
from .passage import Found, Passage
from .said import Said
from .speech_acts import Act

__all__ = ["directives"]


def directives(page: Sequence[Said], *, described: bool = False) -> Iterator[Act]:
    """Yield what a page asks for, in its order.

    :param page: the sentences of one text, or of texts that are read one after the other.
    :param described: it is a description that an agent reads to choose what to call.
    """
    for index in range(len(page)):
        passage = Passage(page, index, described)
        for figure in _FIGURES:
            found = figure(passage)
            if found is not None and not passage.excuses(found):
                rule, weight, says, _ = found
                yield Act(rule, weight, says, page[index].sentence())


_FIGURES: tuple[Callable[[Passage], Found | None], ...] = (
    *(figures.override, figures.persona, figures.bait, figures.steering, figures.faking),
    *(figures.turning, deeds.sending, deeds.carried, deeds.handing, deeds.in_steps),
    *(deeds.obeying, deeds.escalating, deeds.wrecking, deeds.remembering),
    *(misdeeds.forwarding, misdeeds.unguarding, misdeeds.letting_in, misdeeds.settling),
    *(misdeeds.planting, misdeeds.rigging),
)
