"""One line of a list of requirements: a name, an address, or an option of an installer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from ..sources import show
from .likeness import lookalikes, nearest
from .popular import POPULAR, REAL

__all__ = ["Place", "Verdict", "is_usual_index", "judge"]

#: Indexes that everybody uses, and whose content is not the author's alone.
_USUAL = frozenset(
    (
        *("pypi.org", "files.pythonhosted.org", "pypi.python.org", "download.pytorch.org"),
        *("pypi.nvidia.com", "pypi.ngc.nvidia.com", "conda.anaconda.org", "wheels.vllm.ai"),
        *("data.pyg.org", "aiinfra.pkgs.visualstudio.com", "www.piwheels.org"),
    )
)
_OPTION = re.compile(r"\s*(-{1,2}[A-Za-z][A-Za-z-]*)(?:\s*=\s*|\s+|(?<=^-[ifecr])(?=\S))?(.*)")
_NAME = re.compile(r"\s*([^\s\[\]<>=!~;@,#()\"']+)")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_VERSION = re.compile(r"v?\d+(?:\.\d+)+[\w.+-]*|[\w-]+[-_]v?\d+(?:\.\d+)+[\w.]*")


class Verdict(NamedTuple):
    """What is to be said about a line: rule, severity, sentence, and what to write instead."""

    rule: str
    severity: str
    message: str
    fix: str


#: The 1-based line that is meant, 0 for the whole file; and what is to be said about it.
Place = tuple[int, Verdict]


def judge(text: str, *, hashed: bool = False) -> Iterator[Verdict]:
    """Yield what is to be said about a line.

    :param hashed: whether the list holds the digests of what it names, so that it matters
        less where that is fetched from.
    """
    line = text.split(" #")[0].strip()
    if not line or line.startswith("#"):
        return
    if line.startswith("-"):
        yield from _option(line, hashed=hashed)
    else:
        yield from _requirement(line)


def is_usual_index(url: str) -> bool:
    """Return whether an address is that of an index that everybody uses, over TLS."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and (parts.hostname or "") in _USUAL
        and "@" not in parts.netloc
        and parts.port in (None, 443)
    )


def _option(line: str, *, hashed: bool) -> Iterator[Verdict]:
    found = _OPTION.match(line)
    option, value = (found[1].lower(), found[2].strip(" \"'")) if found else (line, "")
    for short in ("-i", "-f", "-e", "-r", "-c"):
        # pip takes -ihttps://… for -i https://…
        if line.startswith(short) and not line.startswith("--"):
            option, value = short, line[2:].strip(" =\"'")
    if option == "--trusted-host":
        message = f"{show(value)} is trusted without a certificate"
        yield Verdict("trusted-host", "high", message, "delete the line")
    elif option in ("-i", "--index-url", "--pypi-url", "--extra-index-url", "-f", "--find-links"):
        if not is_usual_index(value):
            # A digest fixes the content; nothing fixes what an address without TLS shows.
            safe = hashed and value.startswith("https://")
            message = f"its requirements would be fetched from {show(value)}"
            yield Verdict(
                "foreign-index", "low" if safe else "high", message, "leave it to whoever installs"
            )
    elif option in ("-e", "--editable"):
        if "://" in value:
            yield from _address(value)
        else:
            message = f"{show(value)} is installed as it lies there, whatever it becomes"
            outside = value.startswith(("/", "\\", "~")) or ".." in value or value[1:2] == ":"
            severity = "high" if outside else "medium"
            yield Verdict("editable-requirement", severity, message, "name a distribution")
    elif option in ("-r", "--requirement", "-c", "--constraint"):
        if "://" in value:
            message = f"the rest of the list is fetched from {show(value)}"
            yield Verdict("direct-address", "high", message, "write the requirements out")
    elif option in ("--global-option", "--install-option", "--build-option", "--config-settings"):
        message = f"{option} changes what is run while a requirement is built"
        yield Verdict("build-option", "medium", message, "delete the line")


def _requirement(line: str) -> Iterator[Verdict]:
    found = _NAME.match(line)
    name = found[1] if found else line
    if re.match(r"(?:git|hg|svn|bzr)\+|[a-z][a-z0-9+.-]*://|\.{0,2}[/\\]|~/|[A-Za-z]:[/\\]", line):
        yield from _address(line)
        return
    if re.search(r"[`|&]|\$\(|\$\{|\bcurl\b|\bwget\b", line) and not re.search(r"\|\|", line):
        message = f"{show(line)} is a command, and no requirement"
        yield Verdict("odd-requirement", "high", message, "write the name of a distribution")
        return
    odd = next(lookalikes(name, whole=True), None)
    if odd is not None or not name.isascii():
        message = f"{show(name)} holds {odd or name!a}, which no distribution's name can"
        yield Verdict("lookalike-requirement", "high", message, "spell it with ASCII letters")
        return
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        message = f"{show(line)} is not the name of a distribution"
        yield Verdict("odd-requirement", "warning", message, "write it like httpx>=0.28")
        return
    other = likened(name)
    if other is not None:
        message = f"{name} is easily taken for {other}"
        yield Verdict("lookalike-requirement", "high", message, f"write {other}, if that is meant")
    address = re.match(r"[^@;]*@\s*(\S+)", line)
    if address and ("://" in address[1] or address[1].startswith((".", "/"))):
        yield from _address(address[1])


@cache
def likened(name: str) -> str | None:
    """Return the well-known distribution that a name could be mistaken for, or None."""
    from ..names import normalize

    flat = normalize(name)
    if flat in POPULAR or flat in REAL or len(flat) < 5:
        return None
    # ``jeIlyfish``: a capital I among small letters.
    spelled = re.sub(r"(?<=[a-z])I(?=[a-z])", "l", name)
    if spelled != name and normalize(spelled) in POPULAR:
        return normalize(spelled)
    return nearest(flat, POPULAR)


def _address(text: str) -> Iterator[Verdict]:
    """Judge an address from which a requirement is fetched, or built."""
    address, _, fragment = text.partition("#")
    fix = "name a distribution and its versions"
    if "://" not in address:
        message = f"{show(text)} is a place, and no distribution"
        yield Verdict("direct-address", "medium", message, fix)
        return
    scheme, _, rest = address.partition("://")
    plain = scheme.rpartition("+")[2].lower() in ("http", "git", "svn", "ftp")
    if "+" in scheme or scheme.lower() == "git":
        path, at, revision = rest.rpartition("@")
        revision = revision if at and "/" in path else ""
        if _COMMIT.fullmatch(revision):
            severity = "medium" if plain else "low"
        elif _VERSION.fullmatch(revision) and not plain:
            severity = "medium"  # a tag can be moved, and seldom is
        else:
            severity = "high"
        what = f"at {revision}" if revision else "as it is on that day"
        message = f"it is built from {show(address)}, {what}"
        yield Verdict("direct-address", severity, message, fix + ", or the commit")
        return
    digest = re.search(r"sha(?:256|384|512)=[0-9a-f]{64,}", fragment)
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    if host == "files.pythonhosted.org" and not plain:
        return
    message = f"it is fetched from {show(address)}, whatever lies there"
    yield Verdict("direct-address", "low" if digest else "high", message, fix + ", or add a sha256")
