"""Find the skill folders below a root: ``skills/web-archiver/SKILL.md``."""

from __future__ import annotations

import os

from .candidates import DATA_GROUPS, HOST_GROUPS, Candidate
from .distinfo import dist_info_name, offers
from .findings import Finding
from .installed import Unit
from .manifest import MANIFESTS, read
from .names import distribution_name
from .shimfiles import sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .candidates import Offer

__all__ = ["list_root", "one_folder"]

_HOST = HOST_GROUPS | DATA_GROUPS


def list_root(root: str) -> tuple[list[str], tuple[Finding, ...]]:
    """Return the names below a root of skills, sorted, and why it could not be read.

    A root that does not exist has no skills and is no problem (skills document, K15).
    """
    try:
        names = os.listdir(root)
    except FileNotFoundError:
        return [], ()
    except OSError as error:
        return [], (
            Finding(
                "unreadable-folder",
                "warning",
                f"the folder cannot be read: {error.strerror or error}",
                path=root,
                fix=f"ls -ld {root}",
            ),
        )
    return sorted(n for n in names if not n.startswith((".", "__"))), ()


def one_folder(
    root: str, child: str, scope: str, shim: str, words: Mapping[str, tuple[str, str]]
) -> Unit:
    """Return what one entry of a root is.

    A folder without a manifest, and a file, yield a unit without candidate.
    """
    folder = f"{root}{os.sep}{child}"
    try:
        names = os.listdir(folder)
    except NotADirectoryError:
        return Unit(child, (child,))
    except OSError as error:
        return Unit(child, (child,), problems=(_unreadable(folder, error),))
    present = [name for name in MANIFESTS if name in names]
    if not present:
        return Unit(child, (child,))
    probes = [f"{child}/{name}" for name in present]
    if "config.json" in names:
        probes.append(f"{child}/config.json")
    linked = os.path.islink(folder)
    reading = read(folder, names)
    record = reading.record
    if record is None:
        candidate = _unnamed(folder, child, scope, present, reading.findings)
        return Unit(child, (child, *probes), candidate, linked=linked)
    findings = list(reading.findings)
    kept = offers(record, words, reading.code)
    for offer in kept:
        if offer[0] in _HOST:
            kept = [offer for offer in kept if offer[0] not in _HOST]
            findings.append(_host_extension(offer, present[0]))
    dist_info = dist_info_name(record)
    candidate = Candidate(
        name=record["id"],
        title=record["name"],
        version=record["version"],
        scope=scope,
        location=folder,
        dist_info=f"{shim}{os.sep}{dist_info}",
        distribution=dist_info.partition("-")[0].replace("_", "-"),
        source=record["source"],
        summary=record["description"] or "",
        tags=record["tags"],
        offers=kept,
        code=reading.code,
        findings=findings,
    )
    if not reading.code or (findings and any(finding.fatal for finding in findings)):
        # A file that is added may mend it. A whole skill's folder is not watched:
        # that would double the time of every warm look, and its manifest and
        # its files are read again before its code is imported.
        probes.append(child)
    signature = sign((folder, record, kept))
    return Unit(child, tuple(probes), candidate, record=record, signature=signature, linked=linked)


def _unnamed(
    folder: str, child: str, scope: str, present: list[str], findings: tuple[Finding, ...]
) -> Candidate:
    """Return the row of a folder whose manifest says not even a name."""
    name = _fallback_name(child)
    return Candidate(
        name=name,
        title=child,
        version="",
        scope=scope,
        location=folder,
        dist_info="",
        distribution=distribution_name(name),
        source="+".join(present),
        code=False,
        findings=findings,
    )


def _host_extension(offer: Offer, manifest: str) -> Finding:
    return Finding(
        "host-extension",
        "warning",
        f"{offer[1]} extends the host ({offer[0]}), which a folder may not",
        path=manifest,
        fix="kurt skill build, and install the wheel",
    )


def _unreadable(folder: str, error: OSError) -> Finding:
    import errno

    if error.errno == errno.ELOOP:
        return Finding(
            "link-loop",
            "warning",
            "its symbolic links form a loop",
            path=folder,
            fix=f"rm {folder}",
        )
    return Finding(
        "unreadable-folder",
        "warning",
        f"it cannot be read: {error.strerror or error}",
        path=folder,
        fix=f"ls -l {folder}",
    )


def _fallback_name(child: str) -> str:
    """Return a name to show a folder under whose manifest does not tell one."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in child.lower())
    return kept.strip("-.") or "unnamed"
