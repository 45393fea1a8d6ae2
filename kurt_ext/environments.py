"""Environments of plugins' own: two plugins that need different versions run side by side.

``[plugin.NAME] environment = "own"`` gives a plugin an interpreter and a
site-packages of its own, made of what it requires (see `environment_sources`) and of
what our worker imports. Its worker runs that interpreter; the host never does.

Where they lie, and what one is, `environment_store` says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from .environment_making import Failed, Interpreter, Sources, fill, here, index_url, probe
from .environment_sources import Line, Settled, Wanted, settle, wanted
from .environment_store import (
    DAYS,
    Environment,
    environments,
    finish,
    is_held,
    leftovers,
    load,
    prune,
    remove,
    require_root,
    root_of,
    unused,
)
from .environment_stories import failure
from .errors import ConfigError, LockedError, RequirementError, StorageError
from .locks import lock
from .settings import dotted

if TYPE_CHECKING:
    from .candidates import Candidate
    from .config import Config
    from .places import Places

__all__ = [
    "DAYS",
    "Environment",
    "Wanted",
    "asked_by",
    "check_isolation",
    "environment_of",
    "environments",
    "is_own",
    "make",
    "prune",
    "ready",
    "sources",
    "wanted",
]

#: Seconds that a process waits for another that makes the same environment.
_PATIENCE = 3600.0
#: How often an environment is made for a host under which others remove it at once.
_TRIES = 10
_FORMAT = 1


class _Plan(NamedTuple):
    """What an environment is made from, and the digest of that."""

    settled: Settled
    interpreter: Interpreter
    sources: Sources
    digest: str
    requires: tuple[str, ...]


def is_own(config: Config, skill: str) -> bool:
    """Return whether a plugin has an environment of its own."""
    return config.plugin(skill).get("environment") == "own"


def check_isolation(config: Config, skill: str, isolation: str) -> None:
    """Raise for a plugin with its own environment that is to run in the host's process.

    :param isolation: how it is to run: ``strict``, ``auto`` or ``none``.
    :raises ConfigError: with the place that asks for the environment.
    """
    if isolation != "none" or not is_own(config, skill):
        return
    path = ("plugin", skill, "environment")
    file = next(
        layer["file"]
        for layer in reversed(config.counted)
        if "environment" in layer.get("plugins", {}).get(skill, {})
    )
    raise ConfigError(
        f"{skill} has an environment of its own, and cannot run without isolation",
        cause="another interpreter and other libraries need a process of their own",
        at=config.at(file, path),
        hint=f"kurt config set {quote(dotted(path))} shared, or leave isolation on",
        skill=skill,
    )


def sources(config: Config) -> Sources:
    """Return where ``[sandbox]`` lets distributions come from.

    :raises ConfigError: when one of its keys cannot be understood.
    """
    table = config.sandbox()
    for key in ("", *Sources._fields):
        if key in table.get("wrong", ()):
            said = [f for f in config.findings if f.message.startswith(f"sandbox.{key} must be")]
            raise ConfigError(
                f"{f'sandbox.{key}'.rstrip('.')} cannot be understood, and nothing is installed",
                cause=said[0].message if said else None,
                at=said[0].at if said else None,
                hint=f"kurt config explain sandbox.{key or 'offline'}",
            )
    return Sources(**{key: table[key] for key in Sources._fields if key in table})


def environment_of(
    candidate: Candidate,
    config: Config,
    *,
    places: Places | None = None,
    python: str | None = None,
    echo: Callable[[str], None] | None = None,
) -> Environment | None:
    """Return the environment of a plugin, made if it is not there; None where it shares the host's.

    Blocks as :func:`make` does. It is held for as long as this process lives, so that no
    other removes it.

    :raises KurtError: as :func:`make`, :func:`sources` and ``importer.refuse``.
    """
    if not is_own(config, candidate.name):
        return None
    from .importer import refuse
    from .places import Places as Made

    places = places or Made()
    refuse(candidate, places)
    asked, chosen = asked_by(candidate), sources(config)._asdict()
    made = make(asked, places, python=python, echo=echo, **chosen)
    for _ in range(_TRIES):
        if made.hold():
            break
        # Another has just removed it, for nobody had used it for long.
        made = make(asked, places, python=python, echo=echo, **chosen)
    return made


def asked_by(candidate: Candidate) -> Wanted:
    """Return what the environment of a skill is to hold; our worker's needs come on top.

    Of a folder what it requires: its code is read from there. Of an installed distribution
    itself, in its version, with what it depends on: the host's site-packages, where its code
    lies, hold everybody else's libraries too.

    :raises RequirementError: as :func:`wanted`.
    """
    if candidate.is_folder:
        found = wanted(candidate.location, candidate.record())
        return found or Wanted(skill=candidate.name)
    from importlib.metadata import PathDistribution
    from pathlib import Path

    version = PathDistribution(Path(candidate.dist_info)).version
    line = Line(f"{candidate.distribution}=={version}", "installed")
    return Wanted([line], skill=candidate.name)


def ready(
    requirements: Wanted,
    places: Places,
    *,
    wheelhouse: str | None = None,
    offline: bool = False,
    allow_source: bool = False,
    python: str | None = None,
) -> Environment | None:
    """Return the environment that :func:`make` would return at once; None where it would make it.

    :raises RequirementError: when there can be none.
    """
    plan = _plan(requirements, Sources(wheelhouse, offline, allow_source), python)
    return load(os.path.join(root_of(places), plan.digest))


def make(
    requirements: Wanted,
    places: Places,
    *,
    wheelhouse: str | None = None,
    offline: bool = False,
    allow_source: bool = False,
    python: str | None = None,
    echo: Callable[[str], None] | None = None,
    fresh: bool = False,
) -> Environment:
    """Return the environment for what a plugin requires, made if there is none.

    Blocks for as long as a download takes: run it in a thread. Of several processes that ask
    at once, one makes it and the others wait.

    :param wheelhouse: take wheels from this folder, and from nowhere else.
    :param offline: use no network; without a wheelhouse, only what uv has in its cache.
    :param allow_source: build what has no wheel, which runs its code outside of any sandbox.
    :param python: the interpreter that it is made from; that of this process if None.
    :param echo: told of each line that the programs print.
    :param fresh: make it again though there is one; not while a process runs workers from it.
    :raises RequirementError: when it cannot be made, with what to do.
    :raises LockedError: when another process is at it for an hour, or uses what is to go.
    :raises StorageError: when the cache cannot be written, or is not ours.
    """
    plan = _plan(requirements, Sources(wheelhouse, offline, allow_source), python)
    root = root_of(places)
    path = os.path.join(root, plan.digest)
    found = None if fresh else load(path)
    if found is None:
        try:
            require_root(root)
            with lock(f"{path}.lock", timeout=_PATIENCE):
                # Another process may have made it in the meantime.
                found = None if fresh else load(path)
                if found is None:
                    found = _make(root, path, plan, requirements.skill, echo or _silent)
        except OSError as error:
            raise StorageError(
                f"{root} cannot be written", cause=str(error), at=root, hint="set KURT_CACHE"
            ) from error
    found.touch()
    return found


def _plan(asked: Wanted, chosen: Sources, python: str | None) -> _Plan:
    from hashlib import sha256

    interpreter = here() if python is None else probe(python)
    settled = settle(asked, interpreter.markers)
    if chosen.wheelhouse is not None:
        folder = os.path.realpath(chosen.wheelhouse)
        if not os.path.isdir(folder):
            raise RequirementError(
                "the folder of wheels that environments are made of is not there",
                at=chosen.wheelhouse,
                hint=f"mkdir {quote(folder)}, and put wheels into it",
                skill=asked.skill or None,
            )
        chosen = chosen._replace(wheelhouse=folder, offline=False)
    requires = [" ".join([pin, *sorted(hashes)]) for pin, hashes in settled.hashed]
    # A password does not make it another place.
    origin = chosen.wheelhouse or index_url().rpartition("@")[2]
    content = [
        *(_FORMAT, requires or settled.lines, settled.worker),
        *(os.path.realpath(interpreter.path), interpreter.version, interpreter.tag),
        *(interpreter.platform, origin, chosen.allow_source),
    ]
    digest = sha256(json.dumps(content).encode()).hexdigest()[:32]
    return _Plan(settled, interpreter, chosen, digest, tuple(settled.lines))


def _make(
    root: str, path: str, plan: _Plan, skill: str, echo: Callable[[str], None]
) -> Environment:
    """Make an environment beside its place, and move it there when it is whole."""
    for left in leftovers(root, plan.digest):
        remove(left)
    if is_held(path) and load(path):
        raise _in_use(path, skill)  # without the work of making it
    new = os.path.join(root, f".{plan.digest}.{os.urandom(4).hex()}.new")
    echo(f"making the environment of {skill or 'a plugin'} with Python {plan.interpreter.version}")
    try:
        python, site = fill(new, path, plan.interpreter, plan.settled, plan.sources, echo)
        packages = _packages(site)
        marker = {
            "digest": plan.digest,
            "python": os.path.relpath(python, new),
            "site_packages": [os.path.relpath(site, new)],
            "requires": list(plan.requires),
            "packages": packages,
            "version": plan.interpreter.version,
        }
        finish(new, marker)
        with unused(path) as free:
            if not free and load(path):
                raise _in_use(path, skill)
            if os.path.lexists(path):
                remove(path)  # what is there is damaged, or wanted afresh
            os.rename(new, path)
    except Failed as failed:
        raise failure(failed, plan.settled, plan.sources, skill) from None
    finally:
        remove(new)
        remove(f"{new}.pip")
    made = load(path)
    if made is None:
        raise StorageError(f"{path} is not there right after it was made", at=path)
    echo(f"made {path}: {len(packages)} distributions")
    return made


def _in_use(path: str, skill: str) -> LockedError:
    return LockedError(
        f"the environment of {skill or 'a plugin'} is in use, and cannot be made afresh",
        at=path,
        hint="end the hosts that run workers from it; then try again",
    )


def _packages(site: str) -> list[str]:
    """Return what was installed, and take kurt-ext out again: the host lends its own."""
    from importlib.metadata import distributions

    found = []
    for one in distributions(path=[site]):
        name = one.metadata["Name"]
        if name.lower().replace("_", "-") != "kurt-ext":
            found.append(f"{name}=={one.version}")
            continue
        inside = os.path.realpath(site) + os.sep
        for file in one.files or ():
            target = os.path.realpath(str(file.locate()))
            if target.startswith(inside) and os.path.isfile(target):
                os.unlink(target)
    return sorted(found, key=str.lower)


def _silent(line: str) -> None:
    pass
