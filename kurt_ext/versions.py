"""Versions and version constraints: their spelling, and the way to what Python reads.

A manifest's version is SemVer 2.0; a dist-info's is PEP 440. They meet here
and nowhere else, since one version that is not PEP 440 makes `uv pip` fail for
the whole environment. Nothing is ever ordered by its PEP 440 form: two builds
of one SemVer version are equal, their local labels are not.
"""

from __future__ import annotations

from .errors import VersionError

__all__ = [
    "check",
    "check_constraint",
    "complete",
    "from_pep440",
    "is_constraint",
    "is_semver",
    "to_pep440",
]

#: A dist-info's folder name holds the id (up to 128 characters) and the version,
#: and a file name ends at 255 bytes.
MAX_VERSION = 64

_DIGITS = "0123456789"
_IDENTIFIER = _DIGITS + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"
# uv keeps each number of a version in 64 bits.
_MAX_DIGITS = 18
_STAGES = {"alpha": "a", "beta": "b", "rc": "rc"}
# Longest first, so that `>=` is not read as `>`.
_OPERATORS = (">=", "<=", "!=", "==", ">", "<", "=", "^", "~")


def _is_number(text: str) -> bool:
    """Return whether ``text`` is an ASCII number without a leading zero."""
    return (
        bool(text)
        and not text.strip(_DIGITS)
        and (len(text) == 1 or text[0] != "0")
        and len(text) <= _MAX_DIGITS
    )


def _are_identifiers(text: str, numbers: bool) -> bool:
    """Return whether ``text`` is dot-separated identifiers; ``numbers`` checks numeric ones."""
    for part in text.split("."):
        if not part or part.strip(_IDENTIFIER):
            return False
        if numbers and not part.strip(_DIGITS) and not _is_number(part):
            return False
    return True


def _split(text: str) -> tuple[str, str | None, str | None]:
    """Return the release, the pre-release and the build of a SemVer text, unchecked."""
    rest, plus, build = text.partition("+")
    release, dash, pre = rest.partition("-")
    return release, pre if dash else None, build if plus else None


def is_semver(text: str) -> bool:
    """Return whether ``text`` is a version after SemVer 2.0 of at most 64 characters.

    The numbers have at most 18 digits, so that they fit in 64 bits.
    """
    if len(text) > MAX_VERSION:
        return False
    release, pre, build = _split(text)
    numbers = release.split(".")
    return (
        len(numbers) == 3
        and all(_is_number(number) for number in numbers)
        and (pre is None or _are_identifiers(pre, numbers=True))
        and (build is None or _are_identifiers(build, numbers=False))
    )


def complete(text: str) -> str | None:
    """Return the SemVer version that ``text`` surely means, or None: ``v1.2`` → ``1.2.0``."""
    text = text.strip().removeprefix("v")
    release = _split(text)[0]
    tail = text[len(release) :]
    for missing in ("", ".0", ".0.0"):
        if is_semver(release + missing + tail):
            return release + missing + tail
    return None


def check(text: str) -> str:
    """Return ``text`` if it is a SemVer version.

    :raises VersionError: with the rule it breaks and, where there is one, the
        version that was probably meant.
    """
    if is_semver(text):
        return text
    meant = complete(text)
    raise VersionError(
        f"{text[:MAX_VERSION]!r} is not a version",
        cause="a version is MAJOR.MINOR.PATCH with an optional -PRERELEASE and +BUILD "
        f"(SemVer 2.0), at most {MAX_VERSION} characters",
        hint=f"write it like {meant or '1.2.3'}",
    )


def _is_partial(text: str) -> bool:
    """Return whether ``text`` is ``*``, an x-range such as ``1.2.x``, or a short version."""
    numbers = text.split(".")
    while numbers and numbers[-1] in ("*", "x", "X"):
        numbers.pop()
    return text.count(".") < 3 and bool(text) and all(_is_number(number) for number in numbers)


def is_constraint(text: str) -> bool:
    """Return whether ``text`` is comparators, joined by commas or blanks, that all must hold.

    A comparator is a version, a short version or an x-range, after nothing or one
    of ``=  ==  !=  >  >=  <  <=  ^  ~``.
    """
    return len(text) <= 4 * MAX_VERSION and all(_are_comparators(part) for part in text.split(","))


def _are_comparators(text: str) -> bool:
    """Return whether ``text`` is comparators with blanks between and, it may be, within them."""
    pending = False
    words = text.split()
    for word in words:
        operator = next((sign for sign in _OPERATORS if word.startswith(sign)), "")
        rest = word.removeprefix(operator)
        if pending and operator:
            return False
        pending = not rest
        if not pending and not (_is_partial(rest) or is_semver(rest)):
            return False
    return bool(words) and not pending


def check_constraint(text: str) -> str:
    """Return ``text`` if it is a version constraint, else raise :class:`VersionError`."""
    if is_constraint(text):
        return text
    raise VersionError(
        f"{text[:MAX_VERSION]!r} is not a version constraint",
        cause="a constraint is versions after =, !=, >, >=, <, <=, ^ or ~, joined by commas, or *",
        hint="write it like >=1.0.0,<2.0.0",
    )


def _local(text: str) -> str:
    """Return the PEP 440 local label nearest to SemVer identifiers, normalised; may be empty."""
    parts = text.lower().replace("-", ".").split(".")
    return ".".join(
        [(part.lstrip("0") or "0") if not part.strip(_DIGITS) else part for part in parts if part]
    )


def to_pep440(semver: str) -> str:
    """Return the PEP 440 form, normalised, of a SemVer version.

    ``1.2.3`` stays; ``-alpha.N``, ``-beta.N`` and ``-rc.N`` become ``aN``, ``bN``
    and ``rcN``; ``+build`` becomes the local label; any other pre-release becomes
    ``.dev0`` with its text as the local label, which sorts before the release.

    :raises VersionError: when ``semver`` is not SemVer.
    """
    release, pre, build = _split(check(semver))
    labels = [build] if build is not None else []
    suffix = ""
    if pre is not None:
        word, _, number = pre.lower().partition(".")
        if not number:
            stage = word.rstrip(_DIGITS)
            word, number = stage, word[len(stage) :] or "0"
        if word in _STAGES and not number.strip(_DIGITS) and len(number) <= _MAX_DIGITS:
            suffix = _STAGES[word] + (number.lstrip("0") or "0")
        else:
            suffix = ".dev0"
            labels.insert(0, pre)
    local = _local(".".join(labels))
    return release + suffix + ("+" + local if local else "")


def from_pep440(text: str) -> str:
    """Return the SemVer form of a PEP 440 version: ``1.0a1`` → ``1.0.0-alpha.1``.

    What SemVer has no place for becomes build metadata: the epoch, a fourth number of the
    release, post-releases and local labels.

    :raises ValueError: when ``text`` is not PEP 440.
    """
    from packaging.version import Version

    found = Version(text)
    numbers = [*found.release, 0, 0]
    pre = []
    if found.pre is not None:
        stages = {short: word for word, short in _STAGES.items()}
        pre = [stages[found.pre[0]], str(found.pre[1])]
    if found.dev is not None:
        pre += ["dev", str(found.dev)]
    build = [f"epoch.{found.epoch}"] if found.epoch else []
    build += [str(number) for number in found.release[3:]]
    build += [] if found.post is None else [f"post.{found.post}"]
    build += [found.local] if found.local else []
    major, minor, patch = numbers[:3]
    tail = "-" + ".".join(pre) if pre else ""
    return f"{major}.{minor}.{patch}{tail}" + ("+" + ".".join(build) if build else "")
