"""What a page has an agent do: send, hand over, obey an address, consent, destroy, remember.

Each figure returns an act where one sentence, with those beside it, has the
concepts of which it is made.
"""

from __future__ import annotations

import re

from .concepts import speaks
from .passage import Found, Passage, english

__all__ = [
    "carried",
    "escalating",
    "handing",
    "in_steps",
    "obeying",
    "remembering",
    "sending",
    "wrecking",
]


def sending(passage: Passage) -> Found | None:
    """What is said or private goes to an address, whole, each time or unseen."""
    here = passage.here
    if not passage.away and "link" not in here.text:
        return None
    secret = here.has("SECRET") or here.has("VAULT") or here.has("PRIVATE")
    talk = here.has("TALK")
    unsaid = here.has("HUSH") and here.asks("SEND") >= 0 and "http" in here.text
    if not (talk or secret or unsaid):
        return None
    says = "asks to send what is private to somebody else"
    at = here.asks("SEND")
    carried = here.has("CARRIER", "HOLD")
    if at < 0 and not carried:
        return None
    at = max(at, 0)
    if any(word in here.text for word in _LOGIN) and not passage.hush:
        return None
    if passage.hush or here.hidden:
        return "exfiltration", 4 if talk or secret else 3, says, at
    if (talk and here.has("EVERY") and here.has("FULL")) or (
        talk and carried and "encode" in here.text
    ):
        return "exfiltration", 3, says, at
    if carried and here.has("PRIVATE") and here.has("SECRET") and "link" in here.text:
        return "exfiltration", 3, says, at
    if (here.has("VAULT") or here.has("PRIVATE")) and here.asks("SEND") >= 0:
        return "exfiltration", 3, says, at
    if carried and here.has("SECRET") and any(word in here.text for word in _UNDRAWN):
        return "exfiltration", 3, says, at
    return None


_LOGIN = (
    "header",
    "authorization",
    "bearer",
    "x-api-key",
    "oauth",
    "log in",
    "login",
    "sign in",
    "authenticat",
)
_UNDRAWN = (
    "invisible",
    "pixel",
    "nslookup",
    "subdomain",
    "image",
    "![",
    "dns",
    "host name",
    "<secret>",
)


def carried(passage: Passage) -> Found | None:
    """A link, a picture or a name carries what is private, by parts of several sentences."""
    here = passage.here
    if not here.has("CARRIER") or (here.has("NOT") and not passage.hush):
        return None
    private = [
        said
        for said in passage.around
        if said.has("TALK") or said.has("SECRET") or said.has("PRIVATE")
    ]
    if not private or not any(said.has("HOLD") for said in passage.around):
        return None
    says = "asks to send what is private to somebody else"
    together = here.has("HOLD") and any(map(here.has, ("TALK", "SECRET", "PRIVATE")))
    if passage.hush and (passage.away or (together and "link" in here.text)):
        return "exfiltration", 4, says, 0
    if ("nslookup" in here.text or "![" in here.raw) and (
        here.has("SECRET") or here.has("PRIVATE")
    ):
        return "exfiltration", 4, says, 0
    return None


def handing(passage: Passage) -> Found | None:
    """A secret is read and put where the answer or an argument takes it along."""
    here = passage.here
    vault = here.find("VAULT")
    secret = vault or here.find("SECRET")
    if secret is None or here.forbidden(secret.start()):
        return None
    says = "asks for what is secret"
    kept = here.has("STASH", "HUSH") and ("value" in here.text or "content" in here.text)
    if vault is not None and here.asks("TAKE") >= 0 and kept:
        return "secret-request", 4, says, secret.start()
    if here.asks("GIVE") < 0 and not here.has("CARRIER", "SEND"):
        return None
    whole = passage.hush or here.hidden
    taken = vault is not None and here.asks("TAKE") >= 0 and ".env" not in vault[0]
    if whole and (
        taken or passage.described or vault is not None or here.has("TAKE") or "field" in here.text
    ):
        return "secret-request", 4, says, secret.start()
    if taken and (
        any(word in here.text for word in _ARGUMENT) or re.search("as [`'\"][a-z]", here.raw)
    ):
        return "secret-request", 4 if passage.described else 3, says, secret.start()
    return None


_ARGUMENT = ("argument", "parameter", "field", "answer", "reply", "`note`", "context", "response")


def in_steps(passage: Passage) -> Found | None:
    """What was kept in an earlier sentence is carried away in this one."""
    here = passage.here
    if not passage.away or not passage.hush:
        return None
    if here.asks("SEND") < 0 and not here.has("CARRIER") and not here.has("BACK"):
        return None
    for said in passage.page[max(0, passage.index - 30) : passage.index]:
        private = any(map(said.has, ("SECRET", "VAULT", "TALK")))
        if private and not said.excused and said.asks("STASH") >= 0:
            return "exfiltration", 4, "asks to send secrets away, in several steps", 0
    return None


def obeying(passage: Passage) -> Found | None:
    """Text from an address is fetched and obeyed."""
    here = passage.here
    if "http://" not in here.text and "https://" not in here.text:
        return None
    fetch = here.asks("FETCH")
    if fetch < 0:
        return None
    comply = next((said.find("COMPLY") for said in passage.around if said.has("COMPLY")), None)
    holder = next((said for said in passage.around if said.has("COMPLY")), None)
    orders = _ORDERED.search(here.text)
    if comply is None and orders is not None and not here.forbidden(orders.start()):
        return "remote-directive", 3, "has an agent obey what an address says", orders.start()
    if comply is None or holder is None or holder.forbidden(comply.start()):
        return None
    blind = (
        "http://" in here.text
        or speaks("BLIND", comply[0])
        or holder.has("BLIND")
        or not english(here.text)
    )
    says = "has an agent obey what an address says"
    return "remote-directive", 4 if blind or passage.hush else 3, says, fetch


_ORDERED = re.compile(
    r"(?:your (?:\w+ )?(?:instructions|tasks|orders|commands|directives|system prompt|rules)"
    r"|dir die anweisungen|tes (?:consignes|instructions)|tus (?:instrucciones|ordenes)"
    r"|suas (?:instrucoes|ordens)|le tue istruzioni)"
    r"[^.;]{0,40}https?://"
)


def escalating(passage: Passage) -> Found | None:
    """What protects the user is set aside, or consented to in the place of the user."""
    here = passage.here
    says = "asks to act without the user's consent"
    own = here.find("SELFOK")
    if (
        own is not None
        and not here.forbidden(own.start())
        and (passage.unasked or here.has("GOON"))
        and not any(word in here.text for word in _LIMITED)
    ):
        return "auto-approval", 3, says, own.start()
    flag = here.find("FLAGS")
    if flag is not None:
        at = flag.start()
        used = (
            here.asks("USE") >= 0 and not here.forbidden(at) and not speaks("NOT", here.text[:at])
        )
        often = any(word in here.text for word in ("from now on", "always", "every time"))
        if used and (
            (often and flag[0] in _SKIPS)
            or passage.unasked
            or passage.any("UNGUARD")
            or passage.hush
        ):
            return "auto-approval", 3, says, at
    loose = here.asks("UNGUARD")
    if loose >= 0 and (passage.hush or passage.unasked):
        return "safeguard-removal", 3, "asks to switch off what protects the user", loose
    return None


_SKIPS = ("--dangerously-skip-permissions", "--yolo", "bypasspermissions")
_LIMITED = ("only when", "only if", "unless", "already confirmed", "has confirmed")


def wrecking(passage: Passage) -> Found | None:
    """What is the user's is destroyed."""
    here = passage.here
    at = here.asks("WRECK")
    if at < 0:
        return None
    if speaks("NOT", here.text[:at]) and "done" not in here.text[:at]:
        return None
    says = "asks to destroy what is the user's"
    command = (
        "rm " in here.text or "mkfs" in here.text or "dd " in here.text or "-delete" in here.text
    )
    if passage.unasked or passage.hush or here.hidden:
        return "destructive-directive", 4, says, at
    run = _RUN.search(here.text[:at]) is not None or not here.text[:at].strip(" `#$>*-\n")
    if command and run and "ask" not in here.text:
        return "destructive-directive", 3, says, at
    return None


#: A command in a code span is run only if the sentence says so; a file may be named like one.
_RUN = re.compile(
    r"\b(?:run|running|execut\w+|issue|type|enter|launch|call|invoke|use|using|finish|start|with|by"
    r"|then|fuhre|lance|ejecuta|esegui)\b|выполни|执行|运行|実行"
)


def remembering(passage: Passage) -> Found | None:
    """What stays in memory has something trusted from then on."""
    here = passage.here
    lasting = here.find("LASTING")
    if lasting is None or here.asks("WRITE") < 0:
        return None
    trusted = any(said.has("TRUSTED") for said in passage.around)
    if not trusted and not passage.hush and not here.has("UNASKED"):
        return None
    says = "asks to leave something that stays when the work is done"
    return "persistence", 4, says, here.asks("WRITE")
