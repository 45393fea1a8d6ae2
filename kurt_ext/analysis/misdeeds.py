"""What a page has an agent do beside its task: forward, unguard, let in, settle, plant, rig.

Each of these stands in an honest page as well: a report is uploaded, a check is
skipped, a hook is written. What turns on the user is that it is left out of the
account, given another name, or done to what is secret; so a figure has both.
"""

from __future__ import annotations

import re

from .passage import Found, Passage
from .said import Said

__all__ = ["forwarding", "letting_in", "planting", "rigging", "settling", "unguarding"]

_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def _near(passage: Passage) -> list[Said]:
    """Return the sentence and the one after it, in which it is said what becomes known."""
    following = passage.page[passage.index + 1 : passage.index + 2]
    return [passage.here, *(said for said in following if said in passage.around)]


def _hushed(passage: Passage) -> bool:
    return any(said.has("UNTOLD") for said in _near(passage))


def forwarding(passage: Passage) -> Found | None:
    """Something goes to an address and is left out of the account, or is secret."""
    here = passage.here
    upload = here.find("UPLOAD")
    address = "https://" in here.text or "http://" in here.text or _MAIL.search(here.text)
    if not address and upload is None:
        return None
    at = here.asks("SEND")
    if at < 0 and upload is not None and not here.forbidden(upload.start()):
        at = upload.start()
    if at < 0:
        return None
    if _RESULT.search(here.text, at):
        return None
    says = "asks to send something away and to leave it unsaid"
    # What stands before may be left out for its own sake, as a token is of a log.
    unsaid = [found for found in here.all("UNTOLD") if found.start() > at]
    if unsaid or any(said.has("UNTOLD") for said in _near(passage)[1:]):
        return "exfiltration", 4, says, at
    dumped = here.find("DUMP")
    if upload is not None and dumped is not None and dumped.start() < upload.start():
        return "exfiltration", 4, "asks to send what is private to somebody else", at
    valued = _VALUES.search(here.text)
    if valued is not None and valued.start() >= at - 40 and "http" in here.text[valued.end() :]:
        return "exfiltration", 4, "asks to send what is private to somebody else", at
    return None


#: Values themselves are sent, not used to log in.
_VALUES = re.compile(
    r"\b(?:values?|contents?) of (?:the |all |both |my |your |every )?[^.;\n]{0,80}"
    r"(?:(?:token|secret|password|credential|api_?key|private_?key)s?\b"
    r"|environment variables|\.env\b)"
)


#: A row that says what comes of a command shows it: ``curl … => denied``.
_RESULT = re.compile(r"(?:=>|->|→|⇒)\s?[\w`]")


def unguarding(passage: Passage) -> Found | None:
    """What watches is switched off, or rights are taken, and it is left unsaid."""
    here = passage.here
    for name, rule, says in (
        ("UNWATCH", "safeguard-removal", "asks to switch off what protects the user"),
        ("EMPOWER", "safeguard-removal", "asks to take rights and to leave it unsaid"),
    ):
        at = here.asks(name)
        if at >= 0 and _hushed(passage):
            return rule, 4, says, at
    return None


def letting_in(passage: Passage) -> Found | None:
    """A check of who somebody is is skipped, and nobody is to hear of it."""
    at = passage.here.asks("BACKDOOR")
    if at >= 0 and _hushed(passage):
        return "safeguard-removal", 4, "asks to let in whoever knows a word", at
    return None


def settling(passage: Passage) -> Found | None:
    """Something that starts by itself is written, and is left unsaid or called otherwise."""
    here = passage.here
    settled = here.find("SETTLE")
    if settled is None or here.forbidden(settled.start()):
        return None
    if (here.asks("WRITE") >= 0 or here.asks("USE") >= 0) and _hushed(passage):
        says = "asks to leave something that stays when the work is done"
        return "persistence", 4, says, settled.start()
    return None


def planting(passage: Passage) -> Found | None:
    """A text for other agents is put where the reader of an answer does not see it."""
    here = passage.here
    unseen = here.find("UNSEEN")
    if unseen is None or here.forbidden(unseen.start()):
        return None
    if here.asks("GIVE") < 0 and here.asks("STEER") < 0:
        return None
    if here.has("READERS") and (here.has("EVERY") or _hushed(passage) or "each " in here.text):
        return "hidden-directive", 4, "asks to plant a text for other agents", unseen.start()
    return None


def rigging(passage: Passage) -> Found | None:
    """A verdict is given whatever is found, and that it was given is left out."""
    here = passage.here
    whatever = here.find("WHATEVER")
    if whatever is None or not here.has("CLEARED") or here.asks("SAYSO") < 0:
        return None
    if _hushed(passage):
        return "concealment", 3, "asks for a verdict whatever is found", whatever.start()
    return None
