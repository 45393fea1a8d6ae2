"""What a text asks an agent to do, and whether it means it.

A word alone says nothing. An act is a verb with its object near by; it counts
where it is asked for, and not where it is forbidden, quoted or spoken about.
Acts grow grave together: a secret is read every day, but not read, sent away
and kept from the user in one breath.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .concepts import folded, speaks
from .needles import NEEDED
from .prose import Piece, Sentence, pieces, samples, sentences
from .said import labelled, parted, spoken

__all__ = ["Act", "Context", "acts", "judge"]

_STRONG = frozenset(
    "previous previously prior earlier preceding foregoing above system developer safety former "
    "original operator".split()
)
_TEXT = frozenset(("message", "messages", "text", "content", "context", "commands", "command"))
#: Marks with which chat models tell the speakers apart.
_MARKS = (
    *("<|im_start|>", "<|im_end|>", "<|system|>", "<|user|>", "<|assistant|>", "<<sys>>"),
    *("[inst]", "[/inst]", "<|start_header_id|>", "<|endoftext|>", "<start_of_turn>", "<|eot_id|>"),
)
_SPEAKERS = (
    *("<system>", "</system>", "<system-reminder>", "</system-reminder>", "<developer>"),
    *("<system_prompt>", "</system_prompt>", "<system-message>", "[system]", "[developer]"),
    *("<function_result>", "<function_results>", "</function_results>", "<system_message>"),
)
_SAID = ("system:", "developer:", "[system]:", "system message:", "system override:", "admin:")


class Act(NamedTuple):
    """One thing that a text asks for.

    :param rule: the kind of directive, a name in the rules of the check of instructions.
    :param weight: 1 for what is worth a look in company, 2 for medium, 3 high, 4 critical.
    :param says: what it does, to complete "the text …".
    """

    rule: str
    weight: int
    says: str
    sentence: Sentence


class Context(NamedTuple):
    """What a sentence is read in.

    :param about: the document is about attacks.
    :param lead: the line or heading that a list stands under speaks about attacks.
    :param described: it is a description that an agent reads to choose what to call.
    """

    about: bool = False
    lead: bool = False
    described: bool = False


def acts(
    text: str, *, markup: bool = True, about: bool = False, described: bool = False
) -> list[Act]:
    """Return what a text asks for, in the order of the text."""
    from .directives import directives

    found: list[Act] = []
    frame = _Frame(about, described)
    read = list(pieces(text, markup=markup))
    if len(text) > _LARGE:
        read = [piece for piece in _parted(read) if _worth(piece)]
    for piece in read:
        frame.enter(piece)
        for sentence in sentences(piece):
            found += judge(sentence, frame.context(sentence))
        if piece.place not in ("comment", "unseen"):
            found += _fake(piece, frame.about)
    found += _together(found)
    known = {(act.rule, act.sentence.line): act.weight for act in found}
    for act in directives(spoken(read, about=about), described=described):
        if act.weight > known.get((act.rule, act.sentence.line), 0):
            found.append(act)
    return found


_LARGE = 65_536
_LONG = 4_096
_SPACED = re.compile(r"\b(?:\w[ .]{1,2}){4}\w\b|[a-z][013457@$][a-z]")


def _parted(read: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the pieces of a large text, long ones by sentences; what stands there again, once."""
    seen: set[str] = set()
    for piece in read:
        if len(piece.text) <= _LONG:
            if piece.hidden or piece.text not in seen:
                seen.add(piece.text)
                yield piece
            continue
        line = piece.line
        for _, raw in parted(piece.text):
            if raw not in seen:
                seen.add(raw)
                yield piece._replace(text=raw, line=line)
            line += raw.count("\n")


def _worth(piece: Piece) -> bool:
    """Return whether a piece of a large text can ask for anything."""
    if piece.hidden or not piece.text.isascii():
        return True
    low = piece.text.lower()
    return any(part in low for part in NEEDED) or _SPACED.search(low) is not None


class _Frame:
    """Whether what is read now stands under words about attacks."""

    def __init__(self, about: bool, described: bool) -> None:
        self.about, self.described = about, described
        self.heading = self.lead = self.table = self.sampled = False

    def enter(self, piece: Piece) -> None:
        """Note whether a table begins whose columns hold samples, or one ends."""
        start = piece.text.lstrip()
        if start[:1] != "|":
            self.table = self.sampled = False
        elif not self.table:
            self.table, self.sampled = True, samples(start)

    def context(self, sentence: Sentence) -> Context:
        start = sentence.piece.text.lstrip()
        spoken = bool(sentence.codes & {"FRAME", "TOPIC"}) or (
            "LOOK" in sentence.codes and sentence.piece.text.rstrip().endswith(":")
        )
        item = (
            start[:1] in "-*+|"
            or start[:3].rstrip(".) ").isdigit()
            or sentence.piece.place != "prose"
        )
        if start.startswith("#"):
            self.heading, self.lead = spoken or "NEG" in sentence.codes, False
        elif not item:
            self.lead = spoken or (
                "NEG" in sentence.codes and sentence.piece.text.rstrip().endswith(":")
            )
        return Context(
            self.about, item and (self.lead or self.heading or self.sampled), self.described
        )


def _near(sentence: Sentence, *codes: str, span: int = 9, ordered: bool = True) -> int:
    """Return where words of these codes stand within a span, in this order; -1 if nowhere."""
    if not sentence.codes.issuperset(codes):
        return -1
    first, *rest = codes
    for start, word in enumerate(sentence.words):
        if first not in word.codes:
            continue
        at = start
        window = sentence.words[max(0, start - span) : start + span + 1] if not ordered else None
        for code in rest:
            if window is not None:
                if not any(code in other.codes for other in window if other is not word):
                    break
                continue
            for index in range(at + 1, min(start + span + 1, len(sentence.words))):
                if code in sentence.words[index].codes:
                    at = index
                    break
            else:
                break
        else:
            if not _mentioned(sentence, start):
                return start
    return -1


def _mentioned(sentence: Sentence, index: int) -> bool:
    """Return whether the verb there is forbidden, reported or conditional, not asked for."""
    for word in reversed(sentence.words[max(0, index - 7) : index]):
        if word.ends:
            return False
        if "NEG" in word.codes or "LOOK" in word.codes:
            return "hesitate" not in sentence.text.lower()
    return False


def judge(sentence: Sentence, context: Context) -> list[Act]:
    """Return what one sentence asks for."""
    hidden = bool(sentence.piece.hidden)
    if sentence.piece.place == "fence" and sentence.piece.language not in _TALKING:
        return []  # a program; its strings are not said to the agent
    found = list(_acts(sentence, context, hidden))
    if sentence.piece.place == "fence" and not sentence.codes & _FENCED:
        found = [act._replace(weight=1) for act in found]
    if not found:
        return []
    if not hidden:
        if labelled(sentence.text) and any(word.quoted for word in sentence.words):
            return []
        framed = context.about or context.lead or "FRAME" in sentence.codes
        set_off = sentence.piece.place in ("fence", "quote") or context.lead
        if framed and (set_off or _quoted(sentence) or _spoken_of(sentence)):
            return []
        if _quoted(sentence) and sentence.codes & {"NEG", "LOOK", "FRAME"}:
            return []
        if _quoted(sentence) and sentence.piece.place != "fence":
            return [act._replace(weight=min(act.weight, 2)) for act in found if act.weight > 1]
    return found


def _spoken_of(sentence: Sentence) -> bool:
    """Return whether a word about attacks stands before what they ask for."""
    for word in sentence.words:
        if "FRAME" in word.codes:
            return True
        if word.codes & _VERBS:
            return False
    return False


def _quoted(sentence: Sentence) -> bool:
    """Return whether most of what counts stands between quotation marks."""
    counts = [word.quoted for word in sentence.words if word.codes & _VERBS]
    spoken = bool(sentence.codes & {"NEG", "LOOK", "FRAME"})
    return bool(counts) and (counts[0] or spoken) and sum(counts) * 2 > len(counts)


#: Fences whose text may be meant for the agent.
_TALKING = ("", "text", "txt", "markdown", "md", "prompt", "plain", "plaintext", "xml", "html")
#: What a program has no reason to say.
_FENCED = frozenset(("OVERRIDE", "BECOME", "CONCEAL", "LIFTED", "JUDGE"))
_VERBS = frozenset(
    ("OVERRIDE", "BECOME", "CONCEAL", "SEND", "DISABLE", "APPROVE", "FREE", "LIFTED", "EMBED")
)


def _acts(sentence: Sentence, context: Context, hidden: bool) -> Iterator[Act]:
    codes = sentence.codes
    concealed = _concealed(sentence)
    secret = "HARD" in codes or "DOTENV" in codes
    if act := _override(sentence, hidden):
        yield act
    if codes & {"BECOME", "LIFTED"}:
        yield from _role(sentence)
    if "SEND" in codes or "EMBED" in codes:
        yield from _exfiltration(sentence, concealed, hidden)
    if codes & {"GATHER", "READ", "SEND", "EMBED"} and (secret or "CRED" in codes):
        yield from _secrets(sentence, concealed, hidden)
    if concealed:
        yield from _concealment(sentence, hidden, context)
    if codes & {"JUDGE", "SELF", "SCORE"} and codes & {"VERDICT", "SCORE", "OVERRIDE"}:
        yield from _bait(sentence)
    if codes >= {"WRITE", "PERSIST"}:
        yield from _persistence(sentence, concealed, hidden)
    if codes >= {"CALLABLES", "FIRST", "INVOKE"}:
        yield from _shadowing(sentence, context, concealed)
    if "DISABLE" in codes or "APPROVE" in codes:
        yield from _disabling(sentence, concealed, hidden)
    if codes >= {"DECODE", "OBEY"} and _near(sentence, "DECODE", "OBEY", span=14) >= 0:
        text = sentence.text.lower()
        if any(
            word in text for word in ("base64", "rot13", "hex", "blob", "instruction", "string")
        ):
            yield Act(
                "encoded-directive", 4, "asks to decode something and do what it says", sentence
            )
    if hidden and "AGENT" in codes and codes & {"RUN", "SEND", "OBEY", "READ"}:
        address = any("AGENT" in word.codes for word in sentence.words[:4])
        if address and (codes & {"HARD", "DOTENV", "CRED", "URL", "AGREED", "CONCEAL", "PERSIST"}):
            yield Act(
                "hidden-directive", 4, "speaks to the agent where no person sees it", sentence
            )


def _override(sentence: Sentence, hidden: bool) -> Act | None:
    codes = sentence.codes
    if "OVERRIDE" not in codes or not codes & {"INSTR", "RULES", "ALL"}:
        return None
    says = "asks to put aside the instructions that an agent has"
    for index, word in enumerate(sentence.words):
        if "OVERRIDE" not in word.codes or _mentioned(sentence, index):
            continue
        english = word.text.isascii() and word.text.lower().strip("*_\"'`(").startswith(
            ("ignor", "disreg", "forget", "overr", "supers", "discard", "bypass", "neglect")
        )
        low = max(0, index if english else index - 8)
        window = sentence.words[low : index + 9]
        objects = frozenset().union(*[other.codes for other in window])
        strong = {core(other.text) for other in window} & _STRONG
        foreign = any("PRIOR" in w.codes and core(w.text) not in _ENGLISH_PRIOR for w in window)
        rules = bool(objects & {"INSTR", "RULES"})
        every = any(
            core(other.text) in ("all", "any", "every", "everything") for other in window[:4]
        )
        if english and word.text.lower().strip("*_\"'`(").rstrip(".,") in (
            "overrides",
            "supersedes",
        ):
            continue
        if rules and (strong or foreign):
            return Act("instruction-override", 4, says, sentence)
        if english and any(core(w.text) in _INSIDE for w in sentence.words[index : index + 9]):
            continue
        if every and "INSTR" in objects and not any("URL" in w.codes for w in window):
            return Act("instruction-override", 4 if hidden else 3, says, sentence)
        if every and strong & {"above", "previous", "earlier", "prior"} and "FILE" not in objects:
            return Act("instruction-override", 3, says, sentence)
        if not english and "ALL" in objects and "INSTR" in objects:
            return Act("instruction-override", 4, says, sentence)
        if hidden and "INSTR" in objects:
            return Act("instruction-override", 3, says, sentence)
    return None


#: What stands inside of something is not said to the agent.
_INSIDE = frozenset("inside within contained embedded found appearing included".split())
_ENGLISH_PRIOR = frozenset(
    "previous previously prior earlier preceding foregoing above former before original existing "
    "past system developer safety your ur other initial operator".split()
)


def core(word: str) -> str:
    """Return a word in lower case without what stands around it; look-alikes as Latin."""
    from .confusables import skeleton

    return skeleton(word).lower().strip("()[]{}*_,;:.!?\"'`“”<>|#")


def _role(sentence: Sentence) -> Iterator[Act]:
    says = "gives the agent a role without rules"
    if _near(sentence, "BECOME", "FREE", span=16) >= 0:
        yield Act("role-takeover", 4, says, sentence)
    elif "LIFTED" in sentence.codes and sentence.codes & {"SAFETY", "INSTR", "RULES"}:
        lifted = _near(sentence, "SAFETY", "LIFTED") >= 0 or _near(sentence, "INSTR", "LIFTED") >= 0
        if lifted and not sentence.codes & {"LOOK"}:
            yield Act("role-takeover", 3, says, sentence)


def _concealed(sentence: Sentence) -> bool:
    """Return whether something is to be kept from the user."""
    codes = sentence.codes
    if "CONCEAL" in codes:
        return True
    if not codes >= {"USER", "TELL"} or not codes & {"NEG", "WITHOUT"}:
        return False
    for index, word in enumerate(sentence.words):
        if word.codes & {"NEG", "WITHOUT"}:
            near = [other.codes for other in sentence.words[index + 1 : index + 8]]
            if any("TELL" in found for found in near[:3]) and any(
                "USER" in found for found in near
            ):
                return True
    return False


def _exfiltration(sentence: Sentence, concealed: bool, hidden: bool) -> Iterator[Act]:
    codes = sentence.codes
    says = "asks to send what is private to somebody else"
    away = "URL" in codes or codes >= {"DEST"} or "@" in sentence.text
    image = next(
        (w for w in sentence.words if "![" in w.text or ("?" in w.text and "URL" in w.codes)), None
    )
    start = _near(sentence, "SEND", span=40)
    if start < 0:
        start = _near(sentence, "EMBED", span=40) if image or concealed or hidden else -1
    if start < 0:
        return
    auth = "AUTH" in codes
    if "HARD" in codes and away and not (auth and not concealed and "FILE" not in codes):
        if "URL" in codes or "@" in sentence.text or concealed or hidden:
            yield Act("exfiltration", 4, says, sentence)
        elif any(core(word.text) in _ELSEWHERE for word in sentence.words):
            yield Act("exfiltration", 3, says, sentence)
    elif (codes & {"CRED", "DOTENV"} and away and (concealed or hidden)) or (
        "DOTENV" in codes and "URL" in codes
    ):
        yield Act("exfiltration", 4, says, sentence)
    elif codes & {"CRED"} and "URL" in codes and not auth and _possessed(sentence):
        yield Act("exfiltration", 3, says, sentence)
    elif "TALK" in codes and "URL" in codes and (concealed or hidden or _possessed(sentence)):
        yield Act("exfiltration", 4 if concealed or hidden else 3, says, sentence)
    elif away and concealed and ("THAT" in codes or "TALK" in codes):
        yield Act("exfiltration", 4 if "URL" in codes else 2, says, sentence)
    elif "URL" in codes and "THAT" in codes:
        yield Act("exfiltration", 1, says, sentence)


def _possessed(sentence: Sentence) -> bool:
    """Return whether a whole or somebody's own is meant: the user's, all, every, full."""
    return any(
        core(word.text) in _WHOLE or core(word.text).endswith("'s") for word in sentence.words
    )


_ELSEWHERE = frozenset(
    "webhook webhooks gist pastebin telegram attacker external collector c2".split()
)
_WHOLE = frozenset(
    "all every full entire complete whole their any user's users conversation".split()
)


def _secrets(sentence: Sentence, concealed: bool, hidden: bool) -> Iterator[Act]:
    codes = sentence.codes
    says = "asks for what is secret"
    verb = next(
        (v for v in ("GATHER", "READ", "EMBED", "SEND") if _near(sentence, v, span=30) >= 0), ""
    )
    if not verb:
        return
    hard = "HARD" in codes
    if ((hidden or "AGREED" in codes) and (hard or codes >= {"CRED", "AGENT"})) or (
        concealed and (hard or "DOTENV" in codes)
    ):
        yield Act("secret-request", 4, says, sentence)
    elif codes >= {"READ", "EMBED", "FILE"} and sentence.piece.place != "fence":
        yield Act("secret-request", 3, says, sentence)
    elif "DOTENV" in codes and "OVERRIDE" in codes:
        yield Act("secret-request", 4, says, sentence)
    elif hard or "DOTENV" in codes:
        yield Act("secret-request", 1, says, sentence)


def _concealment(sentence: Sentence, hidden: bool, context: Context) -> Iterator[Act]:
    codes = sentence.codes
    says = "asks to keep from the user what is done"
    text = sentence.text.lower()
    own = any(
        w in text
        for w in (
            "this instruction",
            "these instructions",
            "this step",
            "this note",
            "this message",
        )
    )
    if (
        "TALK" in codes
        and codes & {"HARD", "CRED", "USER"}
        and ("never reveal" in text or (context.described and speaks("HUSH", folded(text))))
    ):
        yield Act("concealment", 4, says, sentence)
    elif (
        (own and "TELL" in codes)
        or (context.described and "USER" in codes and speaks("HUSH", folded(text)))
        or (hidden and codes & {"AGENT", "USER"})
    ):
        yield Act("concealment", 3, says, sentence)
    else:
        yield Act("concealment", 1, says, sentence)


def _bait(sentence: Sentence) -> Iterator[Act]:
    codes = sentence.codes
    says = "tells whoever judges it what to find"
    text = sentence.text.lower()
    judge_at = next((i for i, w in enumerate(sentence.words) if "JUDGE" in w.codes), 99)
    addressed = judge_at < 9 and (
        any("ADDRESS" in word.codes for word in sentence.words[: judge_at + 1])
        and (":" in "".join(w.text[-1:] for w in sentence.words[: judge_at + 3]) or judge_at < 5)
    )
    verdict = codes & {"VERDICT", "SCORE"}
    if (addressed and verdict and "SELF" in codes) or (
        addressed
        and verdict
        and ("note" in text[:20] or text.startswith(("attention", "dear", "hinweis")))
    ):
        yield Act("judge-bait", 3, says, sentence)
    elif codes >= {"SELF", "VERDICT"}:
        full = "SCORE" in codes and any(n in text for n in ("100", "10/10", "maximum"))
        judged = any(word in text for word in ("security", "scan", "review", "audit"))
        cleared = any(word in text for word in ("audited", "verified", "approved"))
        unread = any(part in text for part in _UNREAD) or codes >= {"JUDGE", "NEG"}
        if (full and judged) or (cleared and unread):
            yield Act("judge-bait", 3, says, sentence)


_UNREAD = (
    "do not scan",
    "skip the scan",
    "skip scanning",
    "no need to",
    "do not anal",
    "skip anal",
)


def _persistence(sentence: Sentence, concealed: bool, hidden: bool) -> Iterator[Act]:
    says = "asks to leave something that stays when the work is done"
    if _near(sentence, "WRITE", "PERSIST", span=24) < 0:
        return
    codes = sentence.codes
    text = sentence.text.lower()
    own = any(
        w in text
        for w in (
            "these instructions",
            "this instruction",
            "this line",
            "this block",
            "this rule",
            "this skill",
        )
    )
    spoken_to = any("AGENT" in word.codes for word in sentence.words[:4])
    unseen = hidden and (spoken_to or "FUTURE" in codes) and "description:" not in text
    if concealed or unseen or "authorized_keys" in text:
        yield Act("persistence", 4, says, sentence)
    elif codes & {"FUTURE"} and (own or "OVERRIDE" in codes or codes >= {"SEND", "URL"}):
        yield Act("persistence", 3, says, sentence)
    elif "FUTURE" in codes:
        yield Act("persistence", 1, says, sentence)


def _shadowing(sentence: Sentence, context: Context, concealed: bool) -> Iterator[Act]:
    says = "puts itself in the place of other capabilities"
    words = [core(word.text) for word in sentence.words]
    others = any(w in ("other", "any", "every", "all", "another", "each") for w in words)
    passes = bool(sentence.codes & {"TALK", "HARD"}) and bool(sentence.codes & {"SEND", "EMBED"})
    first = "before" in words or "instead" in words or "replaces" in words or "prior" in words
    if _near(sentence, "INVOKE", span=30) < 0:
        return
    if first and others and (passes or concealed):
        yield Act("shadowing", 4, says, sentence)
    elif (first and others and context.described and "must" in words) or (
        first and context.described and others and ("always" in words or "never" in words)
    ):
        yield Act("shadowing", 3, says, sentence)


def _disabling(sentence: Sentence, concealed: bool, hidden: bool) -> Iterator[Act]:
    codes = sentence.codes
    if (
        "DISABLE" in codes
        and "SAFETY" in codes
        and _near(sentence, "DISABLE", "SAFETY", span=6) >= 0
    ):
        weight = 4 if concealed or hidden else 1
        yield Act(
            "safeguard-removal", weight, "asks to switch off what protects the user", sentence
        )
    if "APPROVE" in codes and _near(sentence, "APPROVE", span=9) >= 0:
        words = {core(word.text) for word in sentence.words}
        each = words & _EACH and ("CALLABLES" in codes or words & _ASKED_FOR)
        weight = 4 if hidden else 3 if each and concealed else 2 if each else 1
        says = "asks to act without the user's consent"
        yield Act("auto-approval", weight, says, sentence)


_EACH = frozenset(("all", "every", "any", "always", "everything"))
_ASKED_FOR = frozenset("command commands prompts permission permissions approval".split())


_DIRECTIVES = frozenset("OVERRIDE FREE HARD CONCEAL LIFTED SEND APPROVE BECOME DISABLE".split())


def _fake(piece: Piece, about: bool) -> Iterator[Act]:
    """Yield speakers that the text makes up."""
    text = piece.text.lower()
    if piece.place == "fence" or not any(c in text for c in "<[:"):
        return
    says = "makes up a message of another speaker"
    bare = text.lstrip("#*>- \t")
    outside = "".join(text.split("`")[::2])
    mark = next((m for m in _MARKS if m in outside), "")
    tag = next((m for m in _SPEAKERS if m in outside), "")
    said = bare.startswith(_SAID)
    if about or not (mark or tag or said):
        return
    known = list(sentences(piece))
    codes = frozenset().union(*[sentence.codes for sentence in known]) if known else frozenset()
    sentence = known[0] if known else Sentence((), frozenset(), piece.line, 1, piece)
    directive = codes & _DIRECTIVES or any(map(_concealed, known))
    if mark or (tag and directive):
        yield Act("fake-message", 4 if directive else 3, says, sentence)
    elif said and directive:
        yield Act("fake-message", 3, says, sentence)
    elif tag:
        yield Act("fake-message", 1, says, sentence)


def _together(found: Iterable[Act]) -> list[Act]:
    """Return what weak acts of a text are when they are taken together."""
    weak: dict[str, list[Act]] = {}
    for act in found:
        if act.weight == 1 and len(weak.setdefault(act.rule, [])) < _MOST:
            weak[act.rule].append(act)
    secrets, sent = weak.get("secret-request", []), weak.get("exfiltration", [])
    result: list[Act] = []
    for act in sent:
        hush = _concealed(act.sentence)
        step = any(core(word.text) in _STEPS for word in act.sentence.words)
        for secret in secrets:
            gathered = step and "GATHER" in secret.sentence.codes
            gap = act.sentence.line - secret.sentence.line
            if 0 <= gap <= 12 and (hush or gathered):
                says = "asks to send secrets away, in several steps"
                result.append(act._replace(weight=4, says=says))
                break
    protected = (*weak.get("safeguard-removal", ()), *weak.get("persistence", ()))
    for silent in weak.get("concealment", ()):
        if "USER" not in silent.sentence.codes:
            continue
        for other in (*secrets, *sent, *protected):
            near = abs(silent.sentence.line - other.sentence.line) <= 1
            if near and "AUTH" not in other.sentence.codes:
                result.append(other._replace(weight=3))
    return result


_MOST = 64
_STEPS = frozenset(("step", "collected", "gathered", "found", "above", "steps"))
