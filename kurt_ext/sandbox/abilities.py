"""What this machine can hold a plugin to, found out by doing it in processes of their own.

The presence of a file or a version says little: a kernel may know Landlock and
not have it on, and a system may let namespaces be made and then let nothing be done
in them. So a child confines itself as a worker would, and tells how far it came.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from . import bubblewrap, landlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["TIERS", "Abilities", "Trial", "abilities"]

#: The tiers, the weakest first.
TIERS = ("process", "kernel", "strong")
_PATIENCE = 20.0  # seconds for a probe, which takes some hundredth of one
_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
_START = "import sys; sys.path.append({!r}); from kurt_ext.sandbox.trying import main; main({!r})"

#: Name, as in a policy's ``require`` → what is not so where nothing enforces it.
_LACKING = {
    "files": "files are not held back from native code",
    "network": "the network is not held back from native code",
    "processes": "starting programs is not held back from native code",
    "signals": "other processes of this user can be signalled",
    "memory": "memory is not bounded",
    "time": "time is not bounded",
    "environment": "the environment is not the policy's alone",
    "metadata": "that files exist, and their sizes and times, can be learnt",
}
#: What the process tier has of itself: a new process is given its environment, and can be killed.
_ALWAYS = ("environment", "time")


class Trial(NamedTuple):
    """How far a process came that confined itself.

    :param works: whether all of it held when tried.
    :param reason: why not; "" where it works.
    :param report: as of :func:`kurt_ext.sandbox.confining.confine`; empty where it does not.
    """

    works: bool
    reason: str
    report: dict[str, Any]


class Abilities:
    """What a machine can enforce. Each tier is tried when it is first asked for.

    :param landlock: the version of its interface; 0 = there is none.
    :param errata: the set of errata that the kernel has mended in it.
    :param machine: the kind of processor.
    :param system: the system and its version.
    :param bubblewrap: where bwrap lies; None where it is not installed.
    """

    __slots__ = ("_trials", "bubblewrap", "errata", "landlock", "machine", "system")

    def __init__(
        self, landlock: int, errata: int, machine: str, system: str, bubblewrap: str | None
    ) -> None:
        self.landlock = landlock
        self.errata = errata
        self.machine = machine
        self.system = system
        self.bubblewrap = bubblewrap
        self._trials: dict[str, Trial] = {}

    def trial(self, name: str) -> Trial:
        """Return how far a process came.

        :param name: ``process``, ``kernel``, ``namespaces`` or ``bubblewrap``.
        """
        if name not in self._trials:
            self._trials[name] = _tried(name, self.bubblewrap)
        return self._trials[name]

    @property
    def seccomp(self) -> bool:
        """Return whether system calls can be filtered."""
        return bool(self.trial("kernel").report.get("seccomp"))

    @property
    def user_namespaces(self) -> bool:
        """Return whether an ordinary user can make namespaces, and a root of his own in them."""
        return self.trial("namespaces").works

    @property
    def strong_by(self) -> str | None:
        """Return what the strong tier is made by: ``namespaces``, ``bubblewrap``, or None."""
        if self.trial("namespaces").works:
            return "namespaces"
        return "bubblewrap" if self.bubblewrap and self.trial("bubblewrap").works else None

    @property
    def tier(self) -> str:
        """Return the strongest tier that works."""
        return next(tier for tier in reversed(TIERS) if self.reaches(tier))

    def reaches(self, tier: str) -> bool:
        """Return whether a tier works here; only what this takes is tried."""
        if tier == "strong":
            return self.strong_by is not None
        return tier == "process" or self.trial("kernel").works

    def around(
        self, policy: Mapping[str, Any], *, path: Iterable[str] = (), python: str | None = None
    ) -> list[str] | None:
        """Return the words to start a worker of the strong tier with; None where it takes none.

        :param policy: the policy that the worker is told.
        :param path: further folders that packages are imported from.
        :param python: the interpreter that runs it; this one if None.
        """
        if self.strong_by != "bubblewrap" or self.bubblewrap is None:
            return None
        return bubblewrap.command(self.bubblewrap, policy, path=path, python=python)

    def enforced(self, tier: str | None = None) -> tuple[str, ...]:
        """Return the names of what a tier enforces here, as in a policy's ``require``.

        :param tier: the strongest below ``strong`` that works, if None.
        """
        if tier is None:
            tier = "kernel" if self.reaches("kernel") else "process"
        if not self.reaches(tier):
            return ()
        name = self.strong_by or "kernel" if tier == "strong" else tier
        return tuple(
            one for one in _LACKING if one in (*self.trial(name).report["enforced"], *_ALWAYS)
        )

    def enforces(self, names: Iterable[str], tier: str | None = None) -> bool:
        """Return whether a tier enforces all of these; the best that works if None."""
        return not self.lacking(names, tier)

    def lacking(self, names: Iterable[str], tier: str | None = None) -> list[str]:
        """Return a sentence for each of these that is not enforced here, with the reason.

        :param tier: the best that works for it, if None.
        """
        held = self.enforced(tier)
        open_ = [name for name in names if name not in held]
        if open_ and tier is None and self.reaches("strong"):
            held = self.enforced("strong")
            open_ = [name for name in open_ if name not in held]
        reason = self.trial("kernel").reason
        return [
            _LACKING.get(name, f"{name} is not enforced") + (f": {reason}" if reason else "")
            for name in open_
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each tier, the weakest first.

        ``tier``, ``works``, ``by`` (layers), ``enforces`` and ``lacks`` (names),
        ``not_enforced`` (sentences), ``reason`` and ``remedy`` (None where it works).
        """
        return [self._row(tier) for tier in TIERS]

    def _row(self, tier: str) -> dict[str, Any]:
        works = self.reaches(tier)
        held = self.enforced(tier)
        lacks = [name for name in _LACKING if name not in held]
        reason, remedy = None, None
        if not works:
            reason, remedy = self._why_not(tier)
        return {
            "tier": tier,
            "works": works,
            "by": self._layers(tier) if works else [],
            "enforces": list(held),
            "lacks": lacks if works else [],
            "not_enforced": [_LACKING[name] for name in lacks] if works else [],
            "reason": reason,
            "remedy": remedy,
        }

    def _layers(self, tier: str) -> list[str]:
        layers = ["a process of its own"]
        if self.trial("process").report.get("limits"):
            layers.append("resource limits")
        layers.append("checks in Python")
        if tier != "process":
            layers += [f"Landlock {self.landlock}", "seccomp"]
        if tier == "strong":
            layers.append("bubblewrap" if self.strong_by == "bubblewrap" else "user namespaces")
        return layers

    def _why_not(self, tier: str) -> tuple[str, str]:
        """Return (reason, what to do about it) of a tier that does not work."""
        kernel = self.trial("kernel")
        if not kernel.works:
            return kernel.reason, _remedy(self.landlock)
        reasons = [self.trial("namespaces").reason]
        if self.bubblewrap:
            reasons.append("bubblewrap: " + self.trial("bubblewrap").reason)
            return "; ".join(reasons), _allow_namespaces()
        return reasons[0], "install bubblewrap, or " + _allow_namespaces()


_found: Abilities | None = None


def abilities(*, fresh: bool = False) -> Abilities:
    """Return what this machine can enforce; never raises.

    :param fresh: look again, instead of what this process has seen before.
    """
    global _found
    if _found is None or fresh:
        version, errata = (0, 0)
        if sys.platform.startswith("linux"):
            version, errata = landlock.probe()
        system = f"{platform.system()} {platform.release()}".strip()
        _found = Abilities(
            version, errata, platform.machine() or "unknown", system, bubblewrap.find()
        )
    return _found


def _remedy(version: int) -> str:
    """Return what to do where the kernel tier does not work."""
    if sys.platform.startswith("linux"):
        if not version:
            return "run Linux 5.13 or newer with landlock among its security modules (lsm=)"
        return "run it where no outer sandbox forbids Landlock and seccomp"
    return "run it on Linux; here run only plugins that you trust"


#: What keeps ordinary users from making namespaces → (its value then, what to set).
_SWITCHES = {
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "user/max_user_namespaces": ("0", "15000"),
}


def _allow_namespaces() -> str:
    """Return how an administrator lets this user make namespaces."""
    for name, (wrong, right) in _SWITCHES.items():
        try:
            with open(f"/proc/sys/{name}", encoding="ascii") as file:
                said = file.read().strip()
        except OSError:
            continue
        if said == wrong:
            return f"sysctl -w {name.replace('/', '.')}={right}"
    return "let this user make user namespaces"


def _tried(name: str, program: str | None) -> Trial:
    """Let a child confine itself."""
    if name != "process" and not sys.platform.startswith("linux"):
        return Trial(False, f"{platform.system() or 'this system'} has no such layer", {})
    if not sys.executable:
        return Trial(False, "there is no Python to start a process with", {})
    import tempfile

    try:
        with (
            tempfile.TemporaryDirectory(prefix="kurt-probe-") as scratch,
            tempfile.NamedTemporaryFile(prefix="kurt-canary-") as canary,
        ):
            return _asked(name, program, os.path.realpath(scratch), os.path.realpath(canary.name))
    except Exception as error:  # a machine on which nothing can be tried can do nothing
        if name == "process":
            return Trial(True, "", {"enforced": [], "limits": []})
        return Trial(False, f"it could not be tried: {error}", {})


def _asked(name: str, program: str | None, scratch: str, canary: str) -> Trial:
    import json
    import subprocess

    from .trying import policy

    tier = name if name in TIERS else "strong"
    within = name if name == "bubblewrap" else ""
    told = policy(tier, scratch, canary)
    code = _START.format(_PACKAGES, json.dumps({"policy": told, "within": within}))
    words = [sys.executable, "-I", "-S", "-B", "-c", code]
    if within:
        if program is None:
            return Trial(False, "it is not installed", {})
        words = [*bubblewrap.command(program, told, path=[_PACKAGES]), *words]
    run = subprocess.run(
        words,
        env={key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=_PATIENCE,
        check=False,
    )
    try:
        said = json.loads(run.stdout)
    except ValueError:
        last = run.stderr.strip().splitlines()[-1:] or [f"it ended with {run.returncode}"]
        return Trial(False, last[0][:200], {})
    if "error" in said:
        return Trial(False, str(said["error"]), {})
    return Trial(True, "", said["report"])
