"""Hold this process to its policy, for good, and try out that it holds.

It runs inside a worker that has loaded nothing of a plugin yet and has one thread.
Whatever fails raises :class:`~kurt_ext.sandbox.kernel.Unconfined`, after which the
process must end: half confined is not confined.
"""

from __future__ import annotations

import os

from . import landlock, restraints, seccomp, selftest
from .kernel import MACHINE, Unconfined, libc
from .readables import own_grants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["Unconfined", "confine", "warm"]

_OPEN = {
    "files": "files are checked in Python only: native code may read and write what this user may",
    "network": "the network is checked in Python only: native code may reach every host",
    "processes": "starting programs is checked in Python only: native code may start any",
    "signals": "other processes of this user can be signalled",
    "metadata": "that files exist, and their sizes and times, can be learnt",
    "memory": "memory is not bounded",
    "environment": "the environment holds more than the policy says",
}


def confine(
    policy: Mapping[str, Any],
    *,
    parent: int,
    capped: int | None = None,
    within: str = "",
) -> dict[str, Any]:
    """Hold this process to a policy, and return what holds.

    :param policy: as :meth:`kurt_ext.sandbox.policy.Policy.wire` gives it.
    :param parent: number of a process that must not be signalled; 0 = its parent's.
    :param capped: use no newer version of Landlock than this; to be as an older kernel is.
    :param within: ``bubblewrap`` where the process has been started inside of it.
    :returns: ``tier``, ``landlock`` (version, 0 = none), ``errata``, ``seccomp``,
        ``namespaces``, ``limits`` (names), ``enforced`` (names as in ``require``),
        ``not_enforced`` (sentences), ``self_test`` (names of what failed as it must).
    :raises Unconfined: when any of it fails, does not hold when tried, or does not
        reach what ``require`` asks for.
    """
    report: dict[str, Any] = {
        "tier": policy["tier"],
        "landlock": 0,
        "errata": 0,
        "seccomp": False,
        "namespaces": [],
        "limits": [],
        "enforced": ["time"],  # the clock is the host's
        "not_enforced": [],
        "self_test": [],
    }
    if policy["tier"] == "process":
        report["limits"] = restraints.limit(policy["limits"])
    else:
        _by_the_kernel(policy, report, parent, capped, within)
    if "memory" in report["limits"]:
        report["enforced"].append("memory")
    declared = policy["environment"]
    if all(declared.get(name) == value for name, value in os.environ.items()):
        report["enforced"].append("environment")
    missing = {name: text for name, text in _OPEN.items() if name not in report["enforced"]}
    report["not_enforced"] += missing.values()
    for name in policy.get("require", ()):
        if name not in report["enforced"]:
            raise Unconfined(f"not enforced here: {missing.get(name, name)}", name)
    return report


def warm() -> None:
    """Do beforehand what is the same for every worker, where workers are forked from."""
    restraints.warm()
    if MACHINE:
        libc()
        version = landlock.probe()[0]
        for starts in (False, True):
            seccomp.build(MACHINE, starts=starts, landlock=version)


def _by_the_kernel(
    policy: Mapping[str, Any],
    report: dict[str, Any],
    parent: int,
    capped: int | None,
    within: str,
) -> None:
    """Confine by namespaces, limits, Landlock and seccomp, in this order, and try it out."""
    version, errata = landlock.probe()
    version = version if capped is None else min(version, capped)
    if version < 1 or not MACHINE:
        raise Unconfined("this kernel has no Landlock that could be used", "files")
    parent = parent or os.getppid() or 1
    _see_that_it_is_alone()
    selftest.see_that_it_could_fail(policy, within)
    starts = policy["processes"] > 1
    own = own_grants(policy.get("path", ()))
    grants = [*_grants(policy, starts)]
    restraints.calm()
    if within:
        report["namespaces"] = ["user", "network", "ipc", "uts", "pid", "mount"]
    elif policy["tier"] == "strong":
        from . import namespaces

        report["namespaces"] = namespaces.enter(grants, own, policy["scratch"])
    apart = bool(report["namespaces"])
    report["limits"] = restraints.limit(policy["limits"], starts=starts, apart=apart)
    restraints.drop_privileges()
    landlock.restrict(grants, own, version)
    program = seccomp.build(MACHINE, starts=starts, landlock=version)
    seccomp.install(program.of(os.getpid()))
    report["self_test"] = selftest.attempt(policy, report["namespaces"], parent, within)
    report.update(landlock=version, errata=errata, seccomp=True)
    report["enforced"] += ["files", "network", "processes", "signals"]
    if "mount" in report["namespaces"]:
        report["enforced"].append("metadata")
    if starts:
        report["not_enforced"] += _of_programs(apart)


def _grants(policy: Mapping[str, Any], starts: bool) -> Iterator[tuple[str, int]]:
    """Yield (declared path, rights) of a policy."""
    for path in policy["read"]:
        yield path, landlock.READ
    for path in policy["write"]:
        yield path, landlock.WRITE
    yield policy["cwd"], landlock.READ
    yield policy["scratch"], landlock.WRITE
    if starts:
        for path in policy["execute"]:
            yield path, landlock.EXECUTE


def _see_that_it_is_alone() -> None:
    """See that there is one thread: Landlock binds the one that asks for it, and no other."""
    try:
        count = len(os.listdir("/proc/self/task"))
    except OSError as error:
        raise Unconfined(
            f"the threads of this process cannot be counted: {error.strerror}", "files"
        ) from error
    if count != 1:
        raise Unconfined(f"{count} threads run already, and would not all be held", "files")


def _of_programs(apart: bool) -> Iterator[str]:
    """Yield what does not hold of a process that may start others."""
    yield "a program that may be read may be started too, through the loader of programs"
    yield "memory, files and time of processor are counted for each of its processes"
    if os.getuid() == 0:
        yield "how many processes it starts is not bounded for root"
    elif not apart:
        yield "how many processes it starts is bounded together with all others of this user"
