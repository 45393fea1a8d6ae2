"""What one worker may do, worked out: a manifest's permissions, narrowed, as real paths and names.

A manifest speaks of ``~/notes`` and ``*.csv``; an operating system knows files. What
lies between is decided here, once, before a worker starts: entries are
resolved to where they really lead, what is missing is made or left out with a
note, and what no plugin may have is refused.
"""

from __future__ import annotations

import os
import stat
import sys
from shutil import which
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import IsolationError
from ..grant_paths import OWN, PYTHON, TEMPORARY, parse
from ..grants import Grants
from .programs import executables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["ENFORCED", "Policy", "compile_policy"]

#: What a worker can be held to, by the names that confinement reports.
ENFORCED = ("files", "network", "processes", "signals", "memory", "time", "environment")
#: Matches of one entry with ``*`` that are granted.
_MATCHES = 1000
#: Folders whose files say what programs, or the next login, will do.
_NEVER_WRITTEN = (
    ".ssh .gnupg .git/hooks .config/autostart .config/systemd .local/lib Library/LaunchAgents bin"
).split()
_NEVER_WRITTEN_FILES = (
    ".bashrc .bash_profile .bash_login .profile .zshrc .zshenv .zprofile .zlogin .cshrc .tcshrc "
    ".kshrc .xprofile .xinitrc .pam_environment .gitconfig .pypirc .netrc .npmrc .config/fish "
    ".config/pip .config/uv .local/bin"
).split()
_SYSTEM = (
    "/bin /boot /dev /etc /lib /lib64 /opt /proc /run /sbin /sys /usr /var/spool/cron"
).split()
#: Beneath it lies a folder of each process, that of who works this out among them.
_PROCESSES = "/proc/"
_EVERYBODYS = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_WHOLE = ("/", "/etc", "/home", "/proc", "/root", "/sys", "/dev", "/var", "/Users")


class Policy(NamedTuple):
    """What one worker may do; everything is resolved.

    :param skill: whose it is.
    :param grants: the permissions that it was made of, narrowed.
    :param read: real paths, files or folders with all that is beneath them.
    :param write: the same, which may be changed too.
    :param execute: real paths of what may be started, and of what starting it takes.
    :param hosts: entries as in a manifest; empty = no network.
    :param environment: the whole environment of the worker.
    :param processes: how many; 1 = it starts none.
    :param native: whether native code of its own is allowed.
    :param folder: the skill's own folder, where it starts.
    :param limits: name → number, as :data:`kurt_ext.sandbox.limits.DEFAULTS`.
    :param tier: ``strong``, ``kernel`` or ``process``: what enforces it.
    :param require: what must be enforced, of :data:`ENFORCED`.
    :param path: folders that Python packages are imported from.
    :param notes: sentences on what a permission of the manifest came to.
    """

    skill: str
    grants: Grants
    read: tuple[str, ...]
    write: tuple[str, ...]
    execute: tuple[str, ...]
    hosts: tuple[str, ...]
    environment: Mapping[str, str]
    processes: int
    native: bool
    folder: str
    limits: Mapping[str, float]
    tier: str
    require: tuple[str, ...]
    path: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def wire(self, scratch: str, canary: str) -> dict[str, Any]:
        """Return what a worker is told.

        :param scratch: its private folder, which exists.
        :param canary: a file that it must not be able to open; "" = there is none.
        """
        temporary = {"HOME": scratch, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch}
        return {
            "skill": self.skill,
            "read": [*self.read, self.folder] if self.folder else [*self.read],
            "write": [*self.write, scratch],
            "execute": [*self.execute],
            "hosts": [*self.hosts],
            "environment": {**self.environment, **temporary},
            "processes": self.processes,
            "native": self.native,
            "cwd": self.folder or scratch,
            "scratch": scratch,
            "limits": dict(self.limits),
            "canary": canary,
            "tier": self.tier,
            "require": [*self.require],
            "path": [*self.path],
        }

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON output; of the environment the names alone."""
        return {
            "skill": self.skill,
            "permissions": self.grants.as_dict(),
            "read": list(self.read),
            "write": list(self.write),
            "execute": list(self.execute),
            "hosts": list(self.hosts),
            "environment": sorted(self.environment),
            "processes": self.processes,
            "native": self.native,
            "limits": dict(self.limits),
            "tier": self.tier,
            "require": list(self.require),
            "notes": list(self.notes),
        }


def compile_policy(
    skill: str,
    grants: Grants,
    *,
    folder: str,
    limits: Mapping[str, float],
    tier: str,
    path: Iterable[str],
    companions: Iterable[str] = (),
    strict: bool = False,
    protected: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    home: str | None = None,
) -> Policy:
    """Return what a worker may do by the permissions that are left to it.

    A file or folder that may be written and is not there is made, empty: what does
    not exist cannot be granted. One that may be read and is not there is left out.

    :param folder: the skill's own, "" where it has none.
    :param companions: folders of other skills, whose code it may import.
    :param strict: refuse what is too much to be granted to anybody, instead of noting it.
    :param protected: folders that no plugin may write: this program's own.
    :param environ: the host's environment; ``os.environ`` if None.
    :param home: the user's home.
    :raises IsolationError: when a permission may be granted to nobody.
    """
    environ = os.environ if environ is None else environ
    home = os.path.realpath(home or environ.get("HOME") or os.path.expanduser("~"))
    work = _Work(skill, os.path.realpath(folder) if folder else "", home, environ, strict)
    work.protected = [os.path.realpath(one) for one in protected]
    write = work.files(grants.lists["filesystem_write"], writes=True)
    read = work.files(grants.lists["filesystem_read"], writes=False, writable=write)
    read += [os.path.realpath(one) for one in companions]
    programs = work.programs(grants.lists["processes"])
    hosts = tuple(grants.entries("network_hosts"))
    environment = work.environment(grants)
    certificates = [environ[key] for key in _CERTIFICATES if environ.get(key)]
    if hosts:
        read += [os.path.realpath(one) for one in certificates if os.path.exists(one)]
    return Policy(
        skill,
        grants,
        tuple(dict.fromkeys(read)),
        tuple(dict.fromkeys(write)),
        tuple(dict.fromkeys(programs)),
        hosts,
        environment,
        int(limits["processes"]) if programs else 1,
        grants.native,
        work.folder,
        dict(limits),
        tier,
        ENFORCED if strict else (),
        tuple(path),
        tuple(work.notes),
    )


class _Work:
    """What the steps of one compilation share."""

    def __init__(
        self, skill: str, folder: str, home: str, environ: Mapping[str, str], strict: bool
    ) -> None:
        self.skill = skill
        self.folder = folder
        self.home = home
        self.environ = environ
        self.strict = strict
        self.protected: list[str] = []
        self.notes: list[str] = []

    # -- files -----------------------------------------------------------------

    def files(
        self, entries: Iterable[str], *, writes: bool, writable: Iterable[str] = ()
    ) -> list[str]:
        """Return the real paths that entries stand for."""
        found: list[str] = []
        for entry in entries:
            for place in self._places(entry, writes):
                real = self._real(entry, place, writes, [*writable, *(found if writes else ())])
                if real is None or real in _EVERYBODYS:
                    continue
                self._judge(entry, real, writes)
                found.append(real)
        return found

    def _places(self, entry: str, writes: bool) -> Iterator[str]:
        """Yield the paths of an entry, its patterns worked out."""
        path = parse(entry, folder=self.folder or None, home=self.home)
        if path is None:
            self.notes.append(f"{entry} is no path and allows nothing")
            return
        base = self._base(path.root)
        if base is None:
            if path.root != TEMPORARY:  # which everybody has
                self.notes.append(f"{entry} leads nowhere on this machine")
            return
        parts = list(path.parts)
        plain = next((i for i, part in enumerate(parts) if "*" in part), len(parts))
        start = os.path.normpath(os.path.join(base, *[".."] * path.up, *parts[:plain]))
        rest = parts[plain:]
        if not rest or rest == ["*"]:
            yield start
            return
        yield from self._matches(entry, start, rest)
        word = "written" if writes else "read"
        self.notes.append(f"of {entry} what is there when the worker starts may be {word}")

    def _base(self, root: str) -> str | None:
        if root == "/":
            return "/"
        if root in (".", OWN):
            return self.folder or None
        if root == "~":
            return self.home
        if root == PYTHON:
            return sys.prefix
        if root.startswith("$"):
            value = self.environ.get(root[1:], "")
            return value if os.path.isabs(value) else _xdg(root[1:], self.home)
        return root + os.sep if os.name == "nt" and root[1:2] == ":" else None

    def _matches(self, entry: str, start: str, rest: list[str]) -> Iterator[str]:
        from glob import escape, iglob

        pattern = os.path.join(escape(start), *rest)
        for count, place in enumerate(iglob(pattern, recursive=True, include_hidden=True)):
            if count == _MATCHES:
                self.notes.append(f"{entry} has more than {_MATCHES} matches; name their folder")
                return
            yield place

    def _real(self, entry: str, place: str, writes: bool, writable: list[str]) -> str | None:
        """Return where a path really leads; None where nothing is there."""
        real = os.path.realpath(place)
        if real != place and any(
            _lies_in(one, other) for one in _links(place) for other in writable
        ):
            raise self._refusal(entry, f"it leads through a link that {self.skill} could have made")
        if self.folder and not _lies_in(real, self.folder):
            for one in _links(place):
                if _lies_in(one, self.folder):  # what is read in the manifest would be another
                    raise self._refusal(entry, f"{one}, which came with it, leads to {real}")
        if os.path.lexists(real):
            return real
        if not writes:
            self.notes.append(f"{entry} is not there, and cannot be read before it is")
            return None
        reason = self._danger(real)
        if reason is not None:  # nothing is made for who is refused
            raise self._refusal(entry, reason)
        try:
            self._make(real)
        except OSError as error:
            self.notes.append(f"{entry} is not there and cannot be made: {error.strerror}")
            return None
        return real

    def _make(self, path: str) -> None:
        """Make what a plugin may write: a file where the name has an ending, else a folder."""
        if _is_file_name(os.path.basename(path)):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            os.close(os.open(path, flags, 0o600))
        else:
            os.makedirs(path, mode=0o700, exist_ok=True)

    def _judge(self, entry: str, real: str, writes: bool) -> None:
        """Refuse, or note, what is too much for anybody."""
        mode = os.stat(real).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise self._refusal(entry, "it is neither a file nor a folder")
        reason = self._danger(real) if writes else None
        if reason is not None:
            raise self._refusal(entry, reason)
        if real.startswith(_PROCESSES) and real.split(os.sep)[2].isdigit():
            raise self._refusal(entry, f"{real} tells about a process, and not that of the skill")
        if real in _WHOLE or real == self.home:
            reason = f"{real} holds what every program of this user keeps"
            if self.strict or writes:
                raise self._refusal(entry, reason)
            self.notes.append(f"{entry} is granted although {reason}")

    def _danger(self, real: str) -> str | None:
        """Return why a path may not be written by any plugin; None where it may."""
        for one in self.protected:
            if _lies_in(real, one):
                return f"it lies in {one}, which no plugin may change"
            if _lies_in(one, real):
                return f"{one} lies in it, which no plugin may change"
        if self.folder and (real == self.folder or _lies_in(self.folder, real)):
            return "it is the skill's own code, which was judged as it is"
        if self.folder and _lies_in(real, self.folder):
            name = os.path.relpath(real, self.folder).split(os.sep)[0]
            if name in ("SKILL.md", "plugin.json") or _holds_code(real):
                return "it is the skill's own code, which was judged as it is"
        for one in {sys.prefix, sys.base_prefix, sys.exec_prefix}:
            if _lies_in(real, one) or _lies_in(one, real):
                return f"{one} is the Python that runs this"
        for name in (*_NEVER_WRITTEN, *_NEVER_WRITTEN_FILES):
            one = os.path.join(self.home, name)
            if _lies_in(real, one) or _lies_in(one, real):
                return f"{one} decides what other programs do"
        if os.path.join(os.sep, ".git", "hooks") + os.sep in real + os.sep:
            return "hooks of a repository are run by other programs"
        if any(_lies_in(real, one) for one in _SYSTEM) or real == "/":
            return "it belongs to the system"
        return None

    def _refusal(self, entry: str, reason: str) -> IsolationError:
        return IsolationError(
            f"{self.skill} asks for {entry}, which no isolated plugin is given",
            cause=reason,
            hint=f"kurt permissions show {self.skill}",
            skill=self.skill,
        )

    # -- everything else ---------------------------------------------------------

    def programs(self, entries: Iterable[str]) -> list[str]:
        """Return what must be executable so that the programs start."""
        found: list[str] = []
        for entry in entries:
            name = entry.strip()
            if name == "*":
                found += [one for one in _PROGRAM_FOLDERS if os.path.isdir(one)]
                continue
            path = self.environ.get("PATH", os.defpath)
            place = name if os.path.isabs(name) else which(name, path=path)
            if place is None or not os.path.isfile(place):
                self.notes.append(f"the program {name} is not on this machine")
                continue
            found += executables(place, path)
        return found

    def environment(self, grants: Grants) -> dict[str, str]:
        """Return the environment of the worker: what is declared, and what every program needs."""
        found = {key: value for key in _BASE if (value := self.environ.get(key))}
        found.setdefault("LANG", "C.UTF-8")
        for name, value in self.environ.items():
            if name in _NOT_HANDED_ON or name.startswith(("LD_", "DYLD_", "PYTHON")):
                continue
            if grants.lists["environment_variables"] and grants.covers(
                "environment_variables", name
            ):
                found[name] = value
        if grants.lists["processes"]:
            found.setdefault("PATH", self.environ.get("PATH", os.defpath))
        if grants.entries("network_hosts"):
            for key in _CERTIFICATES:
                if self.environ.get(key):
                    found.setdefault(key, self.environ[key])
        return found


#: Where clients look for the certificates that this machine trusts.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: Where `*` of ``processes`` lets programs be started from.
_PROGRAM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/snap/bin", "/nix/store")
#: Of the host's environment what every worker has: how text and time are written.
_BASE = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "COLUMNS", "NO_COLOR", "SOURCE_DATE_EPOCH")
#: What the worker has of its own, or must never be told: its folders, and how programs are loaded.
_NOT_HANDED_ON = frozenset(
    "HOME TMPDIR TEMP TMP PWD OLDPWD SHLVL _ GLIBC_TUNABLES GCONV_PATH "
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy".split()
)


def _xdg(variable: str, home: str) -> str | None:
    """Return the default of a variable of the XDG base directories; None of any other."""
    defaults = {
        "XDG_CACHE_HOME": (".cache",),
        "XDG_CONFIG_HOME": (".config",),
        "XDG_DATA_HOME": (".local", "share"),
        "XDG_STATE_HOME": (".local", "state"),
    }
    return os.path.join(home, *defaults[variable]) if variable in defaults else None


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _links(place: str) -> Iterator[str]:
    """Yield the symbolic links that a path goes through."""
    path = place
    while True:
        if os.path.islink(path):
            yield path
        above = os.path.dirname(path)
        if above == path:
            return
        path = above


def _holds_code(path: str) -> bool:
    """Return whether Python would run what lies there, as it is or compiled."""
    endings = (".py", ".pyc", ".so", ".pyd")
    if path.endswith(endings) or "__pycache__" in path.split(os.sep):
        return True
    return any(name.endswith(endings) for _, _, names in os.walk(path) for name in names)


def _is_file_name(name: str) -> bool:
    return "." in name.lstrip(".")
