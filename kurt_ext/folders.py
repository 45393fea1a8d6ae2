"""Find the skill folders below a root: ``skills/web-archiver/SKILL.md``."""

from __future__ import annotations

import os

from .candidates import DATA_GROUPS, HOST_GROUPS, Candidate
from .distinfo import dist_info_name, offers
from .findings import Finding
from .installed import Unit
from .manifest import MANIFESTS, read
from .names import distribution_name, normalize
from .shimfiles import sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["list_root", "one_folder"]


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
    folder = os.path.join(root, child)
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
    findings = list(reading.findings)
    record = reading.record
    if record is None:
        name = _fallback_name(child)
        candidate = Candidate(
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
        return Unit(child, (child, *probes), candidate, linked=linked)
    found = offers(record, words, reading.code)
    kept = [offer for offer in found if offer[0] not in HOST_GROUPS | DATA_GROUPS]
    for group, name, _ in found:
        if group in HOST_GROUPS | DATA_GROUPS:
            findings.append(
                Finding(
                    "host-extension",
                    "warning",
                    f"{name} extends the host ({group}), which a folder may not",
                    path=present[0],
                    fix="kurt skill build, and install the wheel",
                )
            )
    candidate = Candidate(
        name=record["id"],
        title=record["name"],
        version=record["version"],
        scope=scope,
        location=folder,
        dist_info=os.path.join(shim, dist_info_name(record)),
        distribution=normalize(distribution_name(record["id"])),
        source=record["source"],
        summary=record["description"] or "",
        tags=record["tags"],
        offers=kept,
        code=reading.code,
        findings=findings,
    )
    if not reading.code or any(finding.fatal for finding in findings):
        # A file that is added may mend it. A whole skill's folder is not watched:
        # that would double the time of every warm look, and its manifest and
        # its files are read again before its code is imported.
        probes.append(child)
    signature = sign((folder, record, kept))
    return Unit(child, tuple(probes), candidate, record=record, signature=signature, linked=linked)


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
