"""What a page says to an agent: drop your rules, be another, judge so, call me first.

Each figure returns an act where one sentence, with those beside it, has the
concepts of which it is made.
"""

from __future__ import annotations

import re

from .passage import Found, Passage, english

__all__ = ["bait", "faking", "override", "persona", "steering", "turning"]


_AWAY = ("http://", "https://", "mailto:", "nslookup", "dig ")


def override(passage: Passage) -> Found | None:
    """Its rules are to be put aside, or ranked below those of the page."""
    here = passage.here
    says = "asks to put aside the instructions that an agent has"
    unbound = here.find("UNBOUND")
    if unbound is not None:
        at = unbound.start()
        # An English phrase ends at whose instructions they are; the rest must name them.
        rest = here.text[at : unbound.end() + 60]
        whole = (
            any(word in rest for word in _ORDERS) or not here.text.isascii() or not english(rest)
        )
        told = any(word in here.text[max(0, at - 40) : at] for word in _SUPPOSED)
        if whole and not told and not any(word in rest for word in _SECTIONS):
            strong = here.hidden or passage.any("ALONE") or any(w in rest for w in _WHOSE)
            return "instruction-override", 4 if strong or not english(rest) else 2, says, at
    yours, dropped = here.find("YOURS"), here.asks("DROP")
    if yours is not None and dropped >= 0 and abs(yours.start() - dropped) < 90:
        told = any(word in here.text[:dropped][-60:] for word in _SUPPOSED)
        if not told and not any(word in here.text for word in _SECTIONS):
            strong = english(here.text) and not here.hidden and "system" not in here.text
            return "instruction-override", 3 if strong else 4, says, min(yours.start(), dropped)
    ranked = here.find("PRECEDE")
    if ranked is not None and not here.forbidden(ranked.start()):
        own = any(
            word in here.text[: ranked.start()] for word in ("user", "project", "nutzer", "usuario")
        )
        if not own:
            return "instruction-override", 4 if passage.described else 3, says, ranked.start()
    return None


_ORDERS = (
    *("instruction", "rule", "guideline", "directive", "order", "prompt", "message", "told"),
    *("policies", "guardrail", "restriction", "constraint", "stands", "said", "given"),
)
_WHOSE = ("your", "you were", "you have", "system", "safety", "guardrail", "developer", "prior")
_SUPPOSED = ("if ", "when ", "whether ", "because ", "since ")
_SECTIONS = (
    *(" like ", " such as ", "contenu", "contenid", "enthalten", "contained in", "inside the"),
    *("within the text", "web page"),
    *("version", "of your package", "for setup", "section", "chapter", "migration"),
)


def persona(passage: Passage) -> Found | None:
    """A role without rules."""
    here = passage.here
    free = here.find("FREE")
    if free is None:
        return None
    become = next((said.find("BECOME") for said in passage.around if said.has("BECOME")), None)
    if become is None or not any(
        said.has("BECOME") for said in passage.around if said.line <= here.line
    ):
        return None
    return "role-takeover", 4, "gives the agent a role without rules", free.start()


def bait(passage: Passage) -> Found | None:
    """Whoever judges the skill is told what to find."""
    here = passage.here
    judge = here.find("JUDGE")
    says = "tells whoever judges it what to find"
    if judge is None:
        judged = passage.described or here.piece.place != "prose"
        if not (judged and passage.any("JUDGE")):
            return None
    at = judge.start() if judge else 0
    if not passage.any("CLEARED") or not passage.any("SAYSO"):
        return None
    told = "if you are" in here.text or here.text[:at].strip(" #*->") in (
        "",
        "to the",
        "an alle",
        "ai",
        "to",
    )
    opened = _ADDRESSED.match(here.text)
    if opened is not None and judge is not None and judge.start() < 40 and here.has("CLEARED"):
        return "judge-bait", 3, says, at
    itself = here.has("ITSELF") or any(said.has("ITSELF", "CLEARED") for said in passage.around)
    told = told and any(word in here.text for word in ("scan", "malware", "security", "audit"))
    if (itself or told) and _asks_verdict(passage):
        return "judge-bait", 4 if passage.any("HUSH") or here.hidden else 3, says, at
    return None


_ADDRESSED = re.compile(
    r"\W{0,6}(?:dear|attention|note (?:to|for)|to|hey|hello|message (?:to|for)|if you are"
    r"|when you are|instructions? (?:to|for)|automat\w+|llm-based"
    r"|(?:ai|llm|llm-based|security) (?:model|scanner|reviewer|auditor|judge|check|agent)s?"
    r"|hinweis|an (?:alle|die|den)|achtung|a l'attention|note pour|nota|atencion|aviso|aos?"
    r"|si eres|si vous etes|si tu es|se sei|se voce)\b"
)


def _asks_verdict(passage: Passage) -> bool:
    """Return whether a verdict is given in advance, and no choice of verdicts is described."""
    for said in passage.around:
        cleared, sayso = said.find("CLEARED"), said.find("SAYSO")
        if cleared is None or sayso is None:
            continue
        after = said.text[cleared.start() : cleared.end() + 40]
        if (
            " or " in after
            or " oder " in after
            or (
                "if " in said.text[max(0, cleared.start() - 30) : cleared.start()]
                and "if you" not in said.text
            )
        ):
            continue
        return True
    joined = any(said.has("CLEARED") for said in passage.around)
    return joined and any(said.has("SAYSO") for said in passage.around)


def steering(passage: Passage) -> Found | None:
    """Other capabilities are steered, or put behind this one."""
    here = passage.here
    others = here.find("OTHERS")
    says = "puts itself in the place of other capabilities"
    if others is not None and here.asks("REROUTE") >= 0 and _TO.search(here.text):
        return "shadowing", 4, says, others.start()
    if others is not None:
        steered = here.has("STEER")
        if steered and here.has("RECIPIENT") and (passage.hush or here.hidden):
            return "shadowing", 4, says, others.start()
        if (
            steered
            and here.has("TALK")
            and any(w in here.text for w in ("context", "argument", "as `"))
        ):
            return "shadowing", 3, says, others.start()
    if (here.has("SPREAD") and here.has("AHEAD")) or here.has("AHEAD", "PRECEDE"):
        ranked = passage.any("PRECEDE")
        if passage.described or ranked:
            return "shadowing", 4 if ranked or passage.hush else 3, says, 0
    if passage.described and passage.hush and here.has("AHEAD", "OTHERS"):
        return "shadowing", 4, says, 0
    return None


_TO = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|https?://")


def faking(passage: Passage) -> Found | None:
    """Another speaker is made up."""
    here = passage.here
    speaker = here.find("SPEAKER")
    if speaker is None or (here.piece.place == "fence"):
        return None
    if here.raw.count("`", 0, speaker.start()) % 2:
        return None
    grave = any(said.has("GRAVE") for said in passage.around)
    asked = (
        passage.any("UNASKED")
        or passage.hush
        or any(s.has("UNBOUND") or s.has("VAULT") for s in passage.around)
    )
    private = passage.any("PRIVATE") or passage.any("SECRET")
    if grave and (asked or private):
        return "fake-message", 4, "makes up a message of another speaker", speaker.start()
    return None


def turning(passage: Passage) -> Found | None:
    """Something is to be turned round first, and then done."""
    here = passage.here
    turned = here.find("TURNED")
    if turned is None or here.asks("DOIT") < 0 or here.forbidden(turned.start()):
        return None
    doit = here.asks("DOIT")
    if doit < turned.start() or not any(
        word in here.text[turned.start() : doit + 60]
        for word in (
            "what it says",
            "instruction",
            "it says",
            "the result",
            "was ",
            "ce qu",
            "lo que",
            "o que",
        )
    ):
        return None
    return "encoded-directive", 3, "asks to decode something and do what it says", doit
