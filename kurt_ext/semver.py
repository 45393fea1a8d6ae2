"""What a SemVer 2.0 version means: its parts, and which of two comes first.

`versions` knows how a version is spelt; here is what follows from it. The order is that of
the specification, section 11: release numbers first, a pre-release before its release,
numeric identifiers before alphanumeric ones, the build never compared.
"""

from __future__ import annotations

from . import versions

__all__ = ["Key", "Semver", "compare", "key", "latest", "parse"]

#: major, minor, patch, 0 for a pre-release and 1 for a release, the identifiers of the
#: pre-release as (0, number, "") or (1, 0, text).
Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]

#: A resolution asks for the same few thousand texts again and again; beyond this many the
#: memory of them is emptied, so that a host that runs for months does not grow.
_KEPT = 8192
_parsed: dict[str, Semver] = {}


class Semver:
    """One version; compared by precedence, so that two builds of a version are equal.

    :ivar text: as it was written.
    :ivar prerelease: the identifiers after ``-``, numeric ones as numbers; empty for a release.
    :ivar build: what stands after ``+``, or None.
    :ivar key: a tuple that sorts as the versions do.
    """

    __slots__ = ("build", "key", "major", "minor", "patch", "prerelease", "text")

    def __init__(self, text: str) -> None:
        versions.check(text)
        rest, plus, build = text.partition("+")
        release, _, pre = rest.partition("-")
        self.text = text
        self.major, self.minor, self.patch = map(int, release.split("."))
        self.prerelease: tuple[int | str, ...] = tuple(
            [int(part) if part.isdigit() else part for part in pre.split(".") if part]
        )
        self.build = build if plus else None
        parts = tuple(
            [(0, part, "") if isinstance(part, int) else (1, 0, part) for part in self.prerelease]
        )
        self.key: Key = (self.major, self.minor, self.patch, 0 if parts else 1, parts)

    def __repr__(self) -> str:
        return f"Semver({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Semver) else NotImplemented

    # Python asks the other side's `<` and `<=` for `>` and `>=`.
    def __lt__(self, other: Semver) -> bool:
        return self.key < other.key

    def __le__(self, other: Semver) -> bool:
        return self.key <= other.key


def parse(text: str) -> Semver:
    """Return the version that ``text`` is.

    :raises VersionError: when it is none after SemVer 2.0.
    """
    found = _parsed.get(text)
    if found is None:
        if len(_parsed) >= _KEPT:
            _parsed.clear()
        found = _parsed[text] = Semver(text)
    return found


def key(text: str) -> Key:
    """Return a tuple that sorts as versions do; :raises VersionError: for what is none."""
    return parse(text).key


def compare(one: str, other: str) -> int:
    """Return -1, 0 or 1 as ``one`` comes before, beside or after ``other``.

    :raises VersionError: when one of them is no version.
    """
    first, second = key(one), key(other)
    return (first > second) - (first < second)


def latest(texts: list[str]) -> str | None:
    """Return the newest release, else the newest pre-release, else None where there is none.

    Of two builds of one version it is the one whose text sorts last, so that the answer does
    not depend on the order of ``texts``.

    :raises VersionError: when one of them is no version.
    """
    return max(texts, key=lambda text: (key(text)[3], key(text), text), default=None)
