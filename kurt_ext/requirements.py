"""The Python distributions that a skill needs, and which of them are not there.

They are named in the manifest (``requires``; of an installed skill, its
Requires-Dist) and in a requirements.txt beside it. Nothing is installed here:
what is missing is named, with the line that installs it.

Of a requirements.txt the requirements count: names with versions, extras and
markers, and files that ``-r`` includes from the same folder. Options of pip are
not obeyed: they choose where to install from, and that is not the skill's to
choose.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .errors import RequirementError
from .findings import Finding
from .sources import fetch, show

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from .candidates import Candidate

__all__ = [
    "FILE",
    "Requirements",
    "Unmet",
    "check_requirements",
    "install_line",
    "look",
    "missing",
    "unmet",
]

FILE = "requirements.txt"
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement(?:\s+|=))(\S.*)")
_HASH = re.compile(r"\s--(?:hash|config-settings|global-option)\b.*$")
_HASHES = re.compile(r"\s--hash(?:=|\s+)([a-z0-9]+:[0-9A-Fa-f]+)(?=\s|$)")
#: A path, an archive or a repository: what it installs is not known before it is built.
_ADDRESS = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://|[./\\]|[A-Za-z]:[/\\]|[^@]*\.(?:whl|zip|tar\.gz)$"
)
_MAX_FILES = 20


class Requirements:
    """What the requirements.txt of a folder asks for.

    :ivar lines: pairs (PEP 508 text, place as ``file:line``), in the order of the files.
    :ivar hashes: place → the hashes that its distribution may have, as ``sha256:HEX``.
    :ivar findings: what could not be read or is not obeyed; paths relative to the folder.
    """

    __slots__ = ("_folder", "_seen", "findings", "hashes", "lines")

    def __init__(self, folder: str) -> None:
        self.lines: list[tuple[str, str]] = []
        self.hashes: dict[str, tuple[str, ...]] = {}
        self.findings: list[Finding] = []
        self._folder = os.path.realpath(folder)
        self._seen: set[str] = set()
        if os.path.lexists(os.path.join(folder, FILE)):
            self._file(FILE)

    def _file(self, name: str) -> None:
        path = os.path.realpath(os.path.join(self._folder, name))
        if path in self._seen or len(self._seen) >= _MAX_FILES:
            return
        self._seen.add(path)
        data = fetch(path, name)
        if isinstance(data, Finding):
            self._say("requirement-unreadable", "warning", data.message, name, 0)
            return
        text = data.decode("utf-8-sig", "replace")
        for number, line in _logical(text):
            self._line(name, number, line)

    def _line(self, name: str, number: int, line: str) -> None:
        include = _INCLUDE.fullmatch(line)
        if include:
            self._include(name, number, include[1].strip())
        elif line.startswith("-"):
            option = line.split()[0].partition("=")[0]
            message = f"the option {show(option)} is not obeyed: it is for whoever installs"
            self._say("requirement-option", "info", message, name, number)
        elif _ADDRESS.match(line):
            message = f"{show(line)} names no distribution, so that nobody can tell if it is there"
            fix = "write NAME @ URL, or its name and version"
            self._say("requirement-unreadable", "warning", message, name, number, fix)
        else:
            text = _HASH.sub("", line).strip()
            reason = _invalid(text)
            if reason:
                message = f"{show(text)} is no requirement: {reason}"
                self._say("requirement-unreadable", "warning", message, name, number)
            else:
                self.lines.append((text, f"{name}:{number}"))
                hashes = tuple(_HASHES.findall(line))
                if hashes:
                    self.hashes[f"{name}:{number}"] = hashes

    def _include(self, name: str, number: int, other: str) -> None:
        other = other.strip("\"'")
        target = os.path.normpath(os.path.join(os.path.dirname(name), other)).replace(os.sep, "/")
        real = os.path.realpath(os.path.join(self._folder, target))
        if not real.startswith(self._folder + os.sep) or "://" in other:
            message = f"{show(other)} lies outside the skill's folder, and is not read"
            self._say("requirement-outside", "warning", message, name, number, "copy it beside")
        elif not os.path.lexists(real):
            message = f"{show(other)} is not there"
            self._say("requirement-unreadable", "warning", message, name, number)
        else:
            self._file(target)

    def _say(
        self, rule: str, severity: str, message: str, path: str, line: int, fix: str = ""
    ) -> None:
        self.findings.append(Finding(rule, severity, message, path=path, line=line, fix=fix))


class Unmet:
    """A requirement that this environment does not meet.

    :param requirement: as PEP 508 has it, without its marker.
    :param found: the version that is installed; None where none is.
    :param at: where it is asked for: a ``file:line``, or ``requires`` of the manifest.
    :param whose: the requirement whose extra asks for it; empty for the skill itself.
    """

    __slots__ = ("at", "found", "requirement", "whose")

    def __init__(self, requirement: str, found: str | None, at: str, whose: str = "") -> None:
        self.requirement = requirement
        self.found = found
        self.at = at
        self.whose = whose

    def __str__(self) -> str:
        what = f"{self.found} is installed" if self.found else "not installed"
        whose = f", for {self.whose}" if self.whose else ""
        return f"{self.requirement}: {what} ({self.at}{whose})"

    def __repr__(self) -> str:
        return f"<Unmet {self}>"


def unmet(place: Candidate | str | os.PathLike[str], record: Mapping[str, Any]) -> list[Unmet]:
    """Return what a skill needs and does not find, each once, in the order it is asked for.

    :param place: the candidate, or the skill's folder; of an installed one there is no
        requirements.txt to read.
    """
    folder = _folder(place)
    asked = [(text, "requires") for text in record.get("requires") or ()]
    # One look at the disk; nothing is imported where nothing is asked for.
    if folder and os.path.lexists(os.path.join(folder, FILE)):
        asked += Requirements(folder).lines
    found: dict[str, Unmet] = {}
    done: set[tuple[str, str]] = set()
    for text, at in asked:
        for one in _look(text, at, "", {}, done):
            found.setdefault(one.requirement, one)
    return list(found.values())


def look(text: str, at: str = "requires") -> list[Unmet]:
    """Return what of one requirement, with what its extras need, is not met."""
    return list(_look(text, at, "", {}, set()))


def missing(place: Candidate | str | os.PathLike[str], record: Mapping[str, Any]) -> list[str]:
    """Return the requirements that are not met, as PEP 508 has them."""
    return [one.requirement for one in unmet(place, record)]


def check_requirements(
    place: Candidate | str | os.PathLike[str], record: Mapping[str, Any], skill: str | None = None
) -> None:
    """Raise unless everything that a skill needs of Python is installed.

    :param skill: its name; the manifest's id if None.
    :raises RequirementError: with what is missing, and the line that installs it.
    """
    lacking = unmet(place, record)
    if not lacking:
        return
    name = skill or record["id"]
    at = next((one.at for one in lacking if ":" in one.at), None)
    folder = _folder(place)
    count = "a Python distribution" if len(lacking) == 1 else f"{len(lacking)} Python distributions"
    raise RequirementError(
        f"{name} needs {count} that this environment does not have",
        cause="\n".join(map(str, lacking)),
        at=os.path.join(folder, at) if at and folder else at,
        hint=install_line([one.requirement for one in lacking]),
        skill=name,
        missing=[one.requirement for one in lacking],
    )


def install_line(requirements: list[str]) -> str:
    """Return the line to paste that installs into the environment of this process."""
    quoted = " ".join(_quoted(one) for one in requirements)
    if os.path.exists(os.path.join(sys.prefix, "pipx_metadata.json")):
        return f"pipx inject kurt-ext {quoted}"
    # A shell in which this environment is active needs not be told which one is meant.
    active = os.environ.get("VIRTUAL_ENV", "")
    here = bool(active) and os.path.realpath(active) == os.path.realpath(sys.prefix)
    if _is_uvs():
        return "uv pip install " + ("" if here else f"--python {_quoted(sys.executable)} ") + quoted
    return f"{'python' if here else _quoted(sys.executable)} -m pip install {quoted}"


def _is_uvs() -> bool:
    """Return whether uv made this environment, or put kurt-ext into it."""
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            if any(line.partition("=")[0].strip() == "uv" for line in file):
                return True
    except (OSError, UnicodeError):
        pass
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return (distribution("kurt-ext").read_text("INSTALLER") or "").strip() == "uv"
    except PackageNotFoundError:
        return False


def _quoted(text: str) -> str:
    if os.name == "nt":
        return f'"{text}"' if re.search(r"[^A-Za-z0-9_.:\\/-]", text) else text
    from shlex import quote

    return quote(text)


def _folder(place: Candidate | str | os.PathLike[str]) -> str | None:
    if isinstance(place, (str, os.PathLike)):
        return os.fspath(place)
    return place.location if place.is_folder else None


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, comments gone, continued ones joined."""
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        # As pip has it: a comment line ends what was continued before it.
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1]
            continue
        whole = _COMMENT.sub("", joined + line).strip()
        if whole:
            yield start, whole
        joined, start = "", 0
    whole = _COMMENT.sub("", joined).strip()
    if whole:
        yield start, whole


def _invalid(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except (InvalidRequirement, RecursionError) as error:
        return str(error).partition("\n")[0]
    return ""


def _look(
    text: str, at: str, whose: str, environment: dict[str, str], done: set[tuple[str, str]]
) -> Iterator[Unmet]:
    """Yield what of one requirement, and of its extras, is not there."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": "", **environment}):
            return
    except (InvalidRequirement, ValueError, RecursionError):
        return  # whoever reads the manifest has said so
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        installed = distribution(wanted.name)
        version: str | None = installed.version
    except (PackageNotFoundError, ValueError):
        yield Unmet(_bare(wanted), None, at, whose)
        return
    if not _fits(wanted, version):
        yield Unmet(_bare(wanted), version or "a damaged copy", at, whose)
        return
    for extra in sorted(wanted.extras):
        if (wanted.name, extra) in done:
            continue
        done.add((wanted.name, extra))
        for inner in installed.requires or ():
            if "extra" in inner.partition(";")[2]:
                yield from _look(inner, at, f"{wanted.name}[{extra}]", {"extra": extra}, done)


def _fits(wanted: Requirement, version: str | None) -> bool:
    from packaging.version import InvalidVersion

    if not version:
        return False
    try:
        return wanted.specifier.contains(version, prereleases=True)
    except (InvalidVersion, TypeError):
        return not str(wanted.specifier)


def _bare(wanted: Requirement) -> str:
    """Return a requirement without its marker, which has been decided."""
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    if wanted.url:
        return f"{wanted.name}{extras} @ {wanted.url}"
    return f"{wanted.name}{extras}{wanted.specifier}"
