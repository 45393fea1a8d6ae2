"""Checks of the installation that ``kurt doctor`` makes: places, shims, environment.

A check yields :class:`Check` rows. None imports a skill; one that fails itself
is a row too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from shlex import quote
from typing import TYPE_CHECKING

from .names import PACKAGE

if TYPE_CHECKING:
    from .index import Index
    from .session import Session

__all__ = ["Check", "diagnose"]

LEAST_PYTHON = (3, 11)
_PTH = "kurt-skills-"


class Check:
    """One thing that was looked at.

    :param id: kebab-case name of the check.
    :param status: ``ok``, ``warn`` or ``fail``.
    :param message: what was seen, in a sentence.
    :param fix: what to paste, in one line; empty where nothing is to be done.
    :param repair: mends it safely; None where only a person may.
    """

    __slots__ = ("fix", "id", "message", "repair", "status")

    def __init__(
        self,
        id: str,
        status: str,
        message: str,
        fix: str = "",
        repair: Callable[[], object] | None = None,
    ) -> None:
        self.id = id
        self.status = status
        self.message = message
        self.fix = fix
        self.repair = repair

    def as_dict(self) -> dict[str, object]:
        """Return the row for JSON output."""
        return {
            "id": self.id,
            "status": self.status,
            "message": self.message,
            "fix": self.fix,
            "fixable": self.repair is not None,
        }


def diagnose(session: Session) -> list[Check]:
    """Make every check, in the order in which one builds on the other."""
    from .diagnosis_skills import SKILL_CHECKS

    own = (
        _python,
        _program,
        _places,
        _installs,
        _index,
        _shims,
        _orphans,
        _links,
        _path,
        _isolation,
        _stevedore,
    )
    rows: list[Check] = []
    for check in (*own, *SKILL_CHECKS):
        rows += _guarded(check, session)
    return rows


def _guarded(check: Callable[[Session], Iterable[Check]], session: Session) -> list[Check]:
    try:
        return list(check(session))
    except Exception as error:
        name = check.__name__.strip("_").replace("_", "-")
        return [
            Check(name, "fail", f"the check could not be made: {type(error).__name__}: {error}")
        ]


def _python(session: Session) -> Iterator[Check]:
    running = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info >= LEAST_PYTHON
    least = ".".join(map(str, LEAST_PYTHON))
    yield Check(
        "python",
        "ok" if fits else "fail",
        f"Python {running} at {sys.executable}" + ("" if fits else f"; kurt needs {least}"),
        "" if fits else f"install Python {least} or newer",
    )


def _program(session: Session) -> Iterator[Check]:
    from . import __version__

    how = "in a virtual environment" if sys.prefix != sys.base_prefix else "in the system's Python"
    if os.path.exists(os.path.join(sys.prefix, "uv-receipt.toml")):
        how = "by uv, as a program of its own"
    elif os.path.exists(os.path.join(sys.prefix, "pipx_metadata.json")):
        how = "by pipx"
    yield Check("kurt", "ok", f"kurt {__version__}, installed {how}: {os.path.dirname(__file__)}")


def _places(session: Session) -> Iterator[Check]:
    places = session.places
    for name, path, variable in (
        ("data", places.data, "KURT_DATA"),
        ("cache", places.cache, "KURT_CACHE"),
        ("config", os.path.dirname(places.user_config), "KURT_CONFIG"),
    ):
        there = path
        while not os.path.lexists(there) and os.path.dirname(there) != there:
            there = os.path.dirname(there)
        if not os.path.isdir(there):
            yield Check(
                f"place-{name}", "fail", f"{there} is not a folder", f"export {variable}=DIR"
            )
        elif not os.access(there, os.W_OK | os.X_OK):
            yield Check(
                f"place-{name}", "fail", f"{path} cannot be written", f"export {variable}=DIR"
            )
        else:
            yield Check(f"place-{name}", "ok", path)


def _installs(session: Session) -> Iterator[Check]:
    """Finish what an installation that was cut off has begun, and hold what is installed to it."""
    from .installing_wheels import damages, recover
    from .receipts import Receipts

    count = 0
    for scope in ("project", "user"):
        receipts = Receipts(session.places, scope)
        for name in recover(receipts):
            session.forget()
            message = f"an installation of {name} that was cut off is finished, or taken back"
            yield Check("installed", "ok", message)
        for receipt, changed in damages(receipts):
            count += 1
            fix = f"kurt sync --scope {scope} --force {quote(receipt.name)}"
            if changed == ["."] and not os.path.lexists(receipt.folder):
                message = f"{receipt.name} was installed, and its folder is gone: {receipt.folder}"
                yield Check("installed", "fail", message, fix)
            elif changed:
                yield Check(
                    "installed",
                    "fail",
                    f"{receipt.name} is not as it was installed: {', '.join(changed[:3])}",
                    fix,
                )
    yield Check("installed", "ok", f"{count} installed by kurt")


def _index(session: Session) -> Iterator[Check]:
    from .discovery import discover
    from .index import Index

    found = session.discovery
    index = Index.open(session.places)
    if index is None:
        yield Check(
            "index",
            "warn",
            "the index could not be kept, so that every start looks at everything again",
            "kurt doctor --fix",
            lambda: discover(session.places, refresh=True),
        )
    else:
        yield Check("index", "ok", f"{len(found.candidates)} candidates indexed")


def _holds(index: Index) -> bool:
    """Return whether an index says what is there, however short ago it changed."""
    from .index import fingerprint, sweep

    paths, marks = index.load("world")
    return all(fingerprint(path) == mark for path, mark in zip(paths, marks, strict=True)) and all(
        sweep(base, probes) == marks for base, probes, marks, _ in index.sweeps
    )


def _shims(session: Session) -> Iterator[Check]:
    from .commands.shim import SCOPES, entries
    from .shim import Shim

    for scope in SCOPES:
        shim = Shim(session.places.shim(scope))
        wanted = entries(session, scope)
        findings = shim.status(wanted)
        for finding in findings:
            yield Check(
                finding.rule,
                "fail" if finding.fatal else "warn",
                f"{finding.message} ({finding.path})",
                finding.fix or "kurt shim repair",
                lambda shim=shim, wanted=wanted: shim.repair(wanted),  # type: ignore[misc]
            )
        if not findings:
            count = "1 skill" if len(wanted) == 1 else f"{len(wanted)} skills"
            yield Check(f"shim-{scope}", "ok", f"{count} shown in {shim.root}")


def _orphans(session: Session) -> Iterator[Check]:
    """Find shims of projects that are gone."""
    import shutil

    base = os.path.join(session.places.data, "shim")
    own = {session.places.shim(scope) for scope in ("project", "user", "builtin")}
    gone = []
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else ():
        root = os.path.join(base, name)
        if root not in own:
            folders = list(_shown_folders(root))
            if folders and not any(os.path.isdir(folder) for folder in folders):
                gone.append(root)
    for root in gone:
        yield Check(
            "shim-orphan",
            "warn",
            f"{root} shows skills that are gone",
            "kurt doctor --fix",
            lambda root=root: shutil.rmtree(root),  # type: ignore[misc]
        )
    if not gone:
        yield Check("shim-orphan", "ok", "no shim of a project that is gone")


def _shown_folders(root: str) -> Iterator[str]:
    """Yield the folders that a shim says it shows."""
    import json
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    for name in os.listdir(root):
        try:
            with open(os.path.join(root, name, "direct_url.json"), encoding="utf-8") as file:
                url = json.load(file)["url"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(url, str) and url.startswith("file:"):
            yield url2pathname(urlsplit(url).path)


def _links(session: Session) -> Iterator[Check]:
    """Find links of shims that are gone, and ``kurt_skills`` packages that hide all skills."""
    dead = []
    for folder in dict.fromkeys(sys.path):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.startswith(_PTH) and name.endswith(".pth"):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    if not os.path.isdir(os.fsdecode(file.read().strip())):
                        dead.append(path)
    for path in dead:
        yield Check(
            "link-dead",
            "warn",
            f"{path} links a shim that is gone",
            "kurt doctor --fix",
            lambda path=path: os.unlink(path),  # type: ignore[misc]
        )
    if not dead:
        yield Check("link-dead", "ok", "no link to a shim that is gone")
    intruders = [
        path
        for folder in dict.fromkeys(sys.path)
        if os.path.isfile(path := os.path.join(folder or ".", PACKAGE, "__init__.py"))
    ]
    for path in intruders:
        yield Check(
            "intruding-package",
            "fail",
            f"{path} makes {PACKAGE} a regular package, which hides every other skill",
            f"rm {path}",
        )
    if not intruders:
        yield Check("intruding-package", "ok", f"{PACKAGE} is a namespace that all may add to")


def _path(session: Session) -> Iterator[Check]:
    import shutil

    found = shutil.which("kurt")
    here = os.path.join(os.path.dirname(sys.executable), "kurt")
    if found is None:
        yield Check(
            "command",
            "warn",
            "the command kurt is not on PATH",
            f'export PATH="{os.path.dirname(here)}:$PATH"',
        )
    elif os.path.exists(here) and not os.path.samefile(found, here):
        yield Check(
            "command", "warn", f"kurt on PATH is {found}; this one is {here}", f"{here} doctor"
        )
    else:
        yield Check("command", "ok", found)


def _isolation(session: Session) -> Iterator[Check]:
    from .sandbox.abilities import abilities

    able = abilities()
    if able.reaches("kernel"):
        message = f"plugins can be isolated by the kernel (Landlock {able.landlock}, seccomp)"
        yield Check("isolation", "ok", message)
    else:
        lacking = able.lacking(("files", "network", "processes"))
        yield Check("isolation", "warn", "; ".join(lacking), "kurt sandbox status")


def _stevedore(session: Session) -> Iterator[Check]:
    yield Check("stevedore-cache", "ok", "stevedore's own cache is not used, so it cannot be stale")
