"""What a skill's own environment is to hold, and whether that can be had at all.

Four places may say it, and none outranks another: what they ask for is united.

=================================  ==============================================
the manifest                       ``requires``, and ``requires_python``
``requirements.txt``               lines, hashes, files that ``-r`` includes
the entry module's PEP 723 block   ``dependencies``, and ``requires-python``
``pyproject.toml``                 ``dependencies`` and ``requires-python`` of ``[project]``
=================================  ==============================================

Requirements of one name that no version can satisfy together are an error that
names the places. Where a ``requirements.txt`` has hashes it is a lock: each of its
lines needs one, and what the other places name must be among them.

Where to install from is not the skill's to choose: options of pip are not obeyed,
and a requirement that is an address is refused.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import RequirementError
from .findings import Finding
from .requirements import FILE, Requirements
from .sources import fetch

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

__all__ = ["WORKER", "Line", "Settled", "Wanted", "settle", "wanted", "worker_requirements"]

#: What of our own requirements is imported where a plugin runs apart from its host:
#: models of inputs and outputs. All else that we require serves the host alone.
WORKER = ("pydantic",)
_OURS = "kurt-ext"
_PYPROJECT = "pyproject.toml"
_OPEN, _CLOSE = "# /// script", "# ///"


class Line(NamedTuple):
    """One requirement, as somebody wrote it.

    :param text: as PEP 508 has it.
    :param at: where, as ``file:line`` or the name of a key.
    :param hashes: what its distribution may have, as ``sha256:HEX``.
    """

    text: str
    at: str
    hashes: tuple[str, ...] = ()


class Wanted:
    """What an environment is to hold.

    :param lines: the requirements, in the order of the places above.
    :param pythons: pairs (constraint on Python's version, where it is said).
    :param skill: for whom; its name goes into messages, and makes no environment another.
    """

    __slots__ = ("lines", "pythons", "skill")

    def __init__(
        self,
        lines: Iterable[Line] = (),
        pythons: Iterable[tuple[str, str]] = (),
        skill: str = "",
    ) -> None:
        self.lines = tuple(lines)
        self.pythons = tuple(pythons)
        self.skill = skill

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __repr__(self) -> str:
        return f"<Wanted {self.skill} {[line.text for line in self.lines]}>"


class Settled(NamedTuple):
    """What is to be installed for one Python.

    :param lines: requirements in their normal form, sorted; markers decided.
    :param hashed: of a lock: (``NAME==VERSION``, hashes) of each; else empty.
    :param worker: what our own worker needs besides.
    """

    lines: tuple[str, ...]
    hashed: tuple[tuple[str, tuple[str, ...]], ...]
    worker: tuple[str, ...]


def wanted(folder: str | None, record: Mapping[str, Any]) -> Wanted | None:
    """Return what a skill asks for; None where it asks for nothing.

    :param folder: its folder; None for an installed distribution, whose record says it all.
    :raises RequirementError: when a place cannot be read, or says what cannot be installed.
    """
    skill = str(record.get("id") or "")
    lines = [Line(text, "requires") for text in record.get("requires") or ()]
    pythons = []
    if record.get("requires_python"):
        pythons.append((str(record["requires_python"]), "requires_python"))
    if folder is not None:
        lines += _of_requirements(folder, skill)
        for name, table in _tables(folder, record, skill):
            lines += [Line(text, name) for text in _texts(table, folder, name, skill)]
            python = table.get("requires-python")
            if isinstance(python, str):
                pythons.append((python, name))
    return Wanted(lines, pythons, skill) if lines else None


def worker_requirements() -> tuple[str, ...]:
    """Return what our worker needs of an environment, as kurt-ext's own metadata says it."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        asked = requires(_OURS)
    except PackageNotFoundError:
        asked = None
    found: dict[str, str] = {}
    for text in asked or ():
        one = Requirement(text)
        if canonicalize_name(one.name) in WORKER and "extra" not in str(one.marker or ""):
            found[canonicalize_name(one.name)] = f"{one.name}{one.specifier}"
    # Run from a tree that nobody installed: as new as what this process uses.
    return tuple([found.get(name) or f"{name}>={version(name)}" for name in WORKER])


def settle(
    asked: Wanted, markers: Mapping[str, str], worker: Sequence[str] | None = None
) -> Settled:
    """Return what is to be installed, or raise where it cannot be.

    :param markers: the values of PEP 508's markers for the Python it is for.
    :param worker: what our worker needs; :func:`worker_requirements` if None.
    :raises RequirementError: when two requirements, or one and our worker, exclude each
        other, when one is an address, and when a lock has holes.
    """
    own = worker_requirements() if worker is None else tuple(worker)
    _check_python(asked, markers)
    parsed = list(_parsed(asked, markers))
    _check_together(asked, parsed, own)
    kept = [(one, line) for one, line in parsed if _key(one) != _OURS]
    if not any(line.hashes for _, line in kept):
        return Settled(tuple(sorted({_normal(one) for one, _ in kept})), (), own)
    return _locked(asked, kept, own)


def _of_requirements(folder: str, skill: str) -> Iterator[Line]:
    file = Requirements(folder)
    for finding in file.findings:
        if finding.severity != "info":
            raise RequirementError(
                f"the {FILE} of {skill} asks for what cannot be installed into an environment",
                cause=finding.message,
                at=os.path.join(folder, finding.at or FILE),
                hint=finding.fix or "write each line as a name and its versions: NAME>=1.2",
                skill=skill,
            )
    for text, at in file.lines:
        yield Line(text, at, file.hashes.get(at, ()))


def _tables(
    folder: str, record: Mapping[str, Any], skill: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the file and the table of each place that is written in TOML."""
    module = str(record.get("entry_point") or "skill").partition(":")[0].replace(".", "/")
    for name in (f"{module}.py", f"{module}/__init__.py"):
        data = _read(folder, name, skill)
        block = _script(data.decode("utf-8", "replace")) if data else None
        if block is not None:
            yield name, _toml(block, folder, name, skill)
            break
    data = _read(folder, _PYPROJECT, skill)
    if data:
        project = _toml(data.decode("utf-8", "replace"), folder, _PYPROJECT, skill).get("project")
        if isinstance(project, dict):
            yield _PYPROJECT, project


def _read(folder: str, name: str, skill: str) -> bytes | None:
    path = os.path.join(folder, *name.split("/"))
    if not os.path.lexists(path):
        return None
    data = fetch(path, name)
    if isinstance(data, Finding):
        raise _unreadable(skill, path, data.message)
    return data


def _script(text: str) -> str | None:
    """Return the content of the block that PEP 723 calls ``script``; None without one."""
    lines = text.splitlines()
    try:
        start = lines.index(_OPEN) + 1
    except ValueError:
        return None
    block: list[str] = []
    end = None
    for line in lines[start:]:
        if line != "#" and not line.startswith("# "):
            break
        if line == _CLOSE:
            end = len(block)  # the last one that follows without a gap closes it
        block.append(line[2:])
    return None if end is None else "\n".join(block[:end])


def _toml(text: str, folder: str, name: str, skill: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(skill, os.path.join(folder, name), str(error)) from None


def _texts(table: Mapping[str, Any], folder: str, name: str, skill: str) -> list[str]:
    texts = table.get("dependencies", [])
    dynamic = table.get("dynamic")
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        reason = "its dependencies are dynamic: only its build knows them"
        raise _unreadable(skill, os.path.join(folder, name), reason)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        reason = "dependencies must be an array of strings"
        raise _unreadable(skill, os.path.join(folder, name), reason)
    return texts


def _unreadable(skill: str, path: str, reason: str) -> RequirementError:
    return RequirementError(
        f"what {skill} requires cannot be read", cause=reason, at=path, skill=skill
    )


def _check_python(asked: Wanted, markers: Mapping[str, str]) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    version = markers["python_full_version"]
    for text, at in asked.pythons:
        try:
            fits = SpecifierSet(text).contains(version, prereleases=True)
        except InvalidSpecifier:
            raise _unreadable(asked.skill, at, f"{text!r} is no constraint on Python") from None
        if not fits:
            raise RequirementError(
                f"{asked.skill} needs Python {text}, and its environment would have {version}",
                at=at,
                hint=f"run kurt with Python {text}",
                skill=asked.skill,
            )


def _parsed(asked: Wanted, markers: Mapping[str, str]) -> Iterator[tuple[Requirement, Line]]:
    """Yield each requirement that counts for this Python."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in asked.lines:
        try:
            one = Requirement(line.text)
            counts = one.marker is None or one.marker.evaluate({**markers, "extra": ""})
        except (InvalidRequirement, ValueError, RecursionError) as error:
            raise _unreadable(asked.skill, line.at, str(error).partition("\n")[0]) from None
        if not counts:
            continue
        if one.url:
            raise RequirementError(
                f"{asked.skill} requires {one.name} from an address",
                cause="where to install from is for the operator to say",
                at=line.at,
                hint=f"put its wheel into a folder: kurt config set sandbox.wheelhouse FOLDER; "
                f"and require {one.name} by its version",
                skill=asked.skill,
            )
        yield one, line


def _check_together(
    asked: Wanted, parsed: Sequence[tuple[Requirement, Line]], own: Sequence[str]
) -> None:
    """Raise where no version can satisfy all who ask for one name."""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    who: dict[str, list[tuple[Requirement, str]]] = {}
    for one, line in parsed:
        who.setdefault(_key(one), []).append((one, line.at))
    for text in own:
        one = Requirement(text)
        who.setdefault(_key(one), []).append((one, "kurt's own worker, which runs it"))
    try:
        # Not installed but lent by the host: it is the one that is there.
        ours = Requirement(f"{_OURS}=={version(_OURS)}")
    except PackageNotFoundError:
        pass
    else:
        if _OURS in who:
            who[_OURS].append((ours, "the host, which lends it"))
    for name, several in who.items():
        if len(several) < 2 or _satisfiable([one.specifier for one, _ in several]):
            continue
        raise RequirementError(
            f"no version of {name} fits everybody in the environment of {asked.skill}",
            cause="\n".join([f"{one.name}{one.specifier}: {at}" for one, at in several]),
            at=next((at for _, at in several if ":" in at), None),
            hint=f"ask for a wider range of {name}, in one place",
            skill=asked.skill,
            missing=[f"{one.name}{one.specifier}" for one, _ in several],
        )


def _satisfiable(sets: Sequence[SpecifierSet]) -> bool:
    """Return whether any version at all is in every set; when in doubt, True.

    What a set allows is made of stretches that begin at a version that it names, at
    the next one to the left of its wildcard, or at the very beginning: those are tried.
    """
    from packaging.version import Version

    tried = {Version("0")}
    for one in (specifier for each in sets for specifier in each):
        if one.operator == "===":
            return True
        base = Version(one.version.removesuffix(".*"))
        tried |= {base, _above(base)}
        if one.operator == "~=" or one.version.endswith(".*"):
            release = base.release[:-1] if one.operator == "~=" else base.release
            bumped = _version(base.epoch, (*release[:-1], release[-1] + 1))
            tried |= {bumped, _above(bumped)}
    return any(all(each.contains(one, prereleases=True) for each in sets) for one in tried)


def _above(version: Version) -> Version:
    release = [*version.release, 0, 0, 0, 0][: max(4, len(version.release))]
    return _version(version.epoch, (*release, 1))


def _version(epoch: int, release: Iterable[int]) -> Version:
    from packaging.version import Version as Made

    return Made(f"{epoch}!" + ".".join(map(str, release)))


def _locked(
    asked: Wanted, kept: Sequence[tuple[Requirement, Line]], own: tuple[str, ...]
) -> Settled:
    """Return what a requirements.txt with hashes pins; raise where it leaves something open."""
    pins: dict[str, tuple[str, tuple[str, ...]]] = {}
    for one, line in kept:
        if not line.hashes:
            continue
        exact = [each for each in one.specifier if each.operator in ("==", "===")]
        if not exact or exact[0].version.endswith(".*"):
            raise _open(asked, one, line, "it has a hash, and no single version: write ==")
        extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
        pins[_key(one)] = (f"{_key(one)}{extras}=={exact[0].version}", line.hashes)
    for one, line in kept:
        if _key(one) not in pins:
            raise _open(asked, one, line, f"other lines of {FILE} have hashes, and it has none")
    hashed = tuple(sorted(pins.values()))
    return Settled(tuple([pin for pin, _ in hashed]), hashed, own)


def _open(asked: Wanted, one: Requirement, line: Line, reason: str) -> RequirementError:
    return RequirementError(
        f"{one.name} of {asked.skill} is not locked",
        cause=reason,
        at=line.at,
        hint=f"uv pip compile --generate-hashes --output-file {FILE} SOURCE",
        skill=asked.skill,
    )


def _normal(one: Requirement) -> str:
    extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return f"{_key(one)}{extras}{one.specifier}"


def _key(one: Requirement) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(one.name)
