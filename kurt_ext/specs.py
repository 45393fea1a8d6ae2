"""What ``kurt install SPEC`` means: a name in a market or an index, or something here or in git.

=============================  ====================================================
SPEC                           what is installed
=============================  ====================================================
``NAME``                       the newest version, from the one market that has it
``NAME@1.2.0``                 that version; ``NAME@^1.2`` the newest that fits
``NAME==1.2``, ``NAME>=1,<2``  the same, as PEP 508 writes it; ``~=`` and ``!=`` too
``NAME@MARKET``                from that market; ``NAME@1.2.0@MARKET`` both
``NAME@pypi``, ``NAME@INDEX``  a distribution, from PyPI or an index of ``kurt.toml``
``./FOLDER``                   a folder with a manifest
``./FILE.zip``                 an archive of such a folder
``./FILE.whl``                 a wheel
``git+URL``                    a repository; ``git+URL@REF#subdirectory=PATH``
=============================  ====================================================
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from . import constraints
from .errors import KurtError, ManifestError, UsageError, VersionError
from .names import normalize, skill_name
from .versions import is_semver

__all__ = ["Spec", "parse"]

#: Where the versions begin in what PEP 508 writes.
_VERSIONED = re.compile(r"\s*[=<>!~]")


class Spec(NamedTuple):
    """What is asked for.

    :param kind: ``market``, ``folder``, ``zip``, ``wheel`` or ``git``.
    :param text: as it was written.
    :param name: of a skill in a market, or of a distribution in an index.
    :param version: exactly that one; ``constraint`` the versions that will do, by SemVer;
        ``specifier`` those that will do, by PEP 440.
    :param market: the name of a market or an index.
    :param path: of a folder or a file, absolute.
    :param url: of a repository; ``ref`` in it, ``subdirectory`` below it.
    """

    kind: str
    text: str
    name: str = ""
    version: str | None = None
    constraint: str = "*"
    market: str | None = None
    path: str = ""
    url: str = ""
    ref: str = ""
    subdirectory: str = ""
    specifier: str = ""


def parse(text: str) -> Spec:
    """Return what a SPEC means.

    :raises UsageError: when it means nothing.
    """
    if text.startswith("git+"):
        return _git(text)
    if "://" in text:
        raise UsageError(
            f"{text[:200]!r} cannot be installed from its address",
            cause="nothing says what must be there",
            hint="download it and look at it, then: kurt install ./FILE.zip",
        )
    if _is_path(text):
        return _local(text)
    head, *rest = text.split("@")
    begin = _VERSIONED.search(head)
    name, specifier = (head[: begin.start()], head[begin.start() :]) if begin else (head, "")
    if "[" in name:
        raise UsageError(
            f"{text[:200]!r} asks for extras",
            cause="a skill has none: what it needs, its manifest says",
            hint=f"kurt install {name.partition('[')[0]}",
        )
    try:
        name = _named(name, foreign=bool(specifier) or any(map(_is_market, rest)))
    except ManifestError as error:
        raise UsageError(f"{text[:200]!r} is no SPEC", cause=error.cause, hint=error.hint) from None
    found = Spec("market", text, name, specifier=_checked(name, specifier.strip()))
    for part in rest:
        if _is_market(part):
            if found.market is not None:
                raise UsageError(f"{text[:200]!r} names two markets")
            found = found._replace(market=part)
        elif _has_version(found) or found.market is not None:
            raise UsageError(
                f"{text[:200]!r} is no SPEC", hint="write NAME@VERSION, or NAME@VERSION@MARKET"
            )
        else:
            found = _versioned(found, part)
    return found


def _named(name: str, foreign: bool) -> str:
    """Return a name as it is compared.

    :param foreign: it may be that of a distribution, of which capitals and underscores are
        another spelling of the same name (PEP 503).
    :raises ManifestError: when it is none.
    """
    try:
        return skill_name(name)
    except ManifestError:
        if not foreign:
            raise
        return skill_name(normalize(name))


def _has_version(found: Spec) -> bool:
    return found.version is not None or found.constraint != "*" or found.specifier != ""


def _checked(name: str, specifier: str) -> str:
    """Return versions as PEP 440 writes them.

    :raises UsageError: when they are none.
    """
    if not specifier:
        return ""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return str(SpecifierSet(specifier))
    except InvalidSpecifier as error:
        raise UsageError(
            f"{specifier[:60]!r} names no versions",
            cause=str(error),
            hint=f"kurt install {name}==1.2",
        ) from None


def _versioned(found: Spec, part: str) -> Spec:
    if is_semver(part):
        return found._replace(version=part)
    try:
        constraints.parse(part)
    except (VersionError, ValueError) as error:
        if _is_pep440(part):
            return found._replace(specifier=f"=={part}")
        cause = error.message if isinstance(error, KurtError) else str(error)
        raise UsageError(
            f"{part[:60]!r} is no version, and no name of a market",
            cause=cause,
            hint=f"kurt install {found.name}@1.2.0",
        ) from None
    return found._replace(constraint=part)


def _is_pep440(part: str) -> bool:
    """Return whether a part is a version that only PEP 440 knows, such as ``1.2.0rc1``."""
    from packaging.version import InvalidVersion, Version

    try:
        Version(part)
    except InvalidVersion:
        return False
    return part[:1].isdigit()


def _is_market(part: str) -> bool:
    """Return whether a part behind ``@`` names a market: it begins with a letter, as no version."""
    return (part[:1].isalpha() and part[:1] not in "xX*") or part[:2].isalpha()


def _is_path(text: str) -> bool:
    if text.startswith((".", "~", os.sep, "/")) or text.endswith((".zip", ".whl")):
        return True
    return os.sep in text or "/" in text or (os.path.altsep or "/") in text


def _local(text: str) -> Spec:
    path = os.path.abspath(os.path.expanduser(text))
    if os.path.isdir(path):
        return Spec("folder", text, path=path)
    for ending, kind in ((".zip", "zip"), (".whl", "wheel")):
        if path.endswith(ending):
            if not os.path.isfile(path):
                raise UsageError(f"there is no file {text}", at=path)
            return Spec(kind, text, path=path)
    if os.path.exists(path):
        raise UsageError(
            f"{text} cannot be installed",
            cause="it is no folder, no .zip and no .whl",
            at=path,
            hint="an archive must be a .zip",
        )
    raise UsageError(f"there is no folder {text}", at=path)


def _git(text: str) -> Spec:
    address = text.removeprefix("git+")
    address, _, fragment = address.partition("#")
    parts = urlsplit(address)
    if parts.scheme not in ("https", "ssh", "file") or not (parts.netloc or parts.scheme == "file"):
        raise UsageError(
            f"{text[:200]!r} is no address of a repository",
            hint="git+https://example.com/skills.git@v1.0#subdirectory=web-archiver",
        )
    head, at, ref = parts.path.rpartition("@")
    path = head if at else parts.path
    if ref.startswith("-") and at:
        raise UsageError(f"{ref[:60]!r} is no name of a branch, tag or commit")
    given = parse_qs(fragment)
    below = given.get("subdirectory", [""])[0]
    if below.startswith(("/", "-")) or ".." in below.split("/"):
        raise UsageError(f"{below[:60]!r} lies outside of the repository")
    url = parts._replace(path=path).geturl()
    return Spec("git", text, url=url, ref=ref if at else "", subdirectory=below)
