"""What a Python needs of the system to run at all, and any worker may therefore read.

Programs' files, time zones, certificates, sources of randomness; no account, no
host name, no configuration of this machine, and nothing of other processes.
"""

from __future__ import annotations

import os
import sys

from .landlock import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["followed", "interpreter", "is_beneath", "note_names", "outermost", "own_grants"]

#: Certificates, names of locales, time zones, types of files, randomness, the processor's kind.
_SYSTEM = """
/etc/ld.so.cache /lib64 /usr/lib64 /usr/lib/locale /usr/share/locale
/usr/lib/ssl /etc/ssl/certs /etc/ssl/openssl.cnf /etc/ssl/cert.pem /etc/pki/tls /etc/pki/ca-trust
/etc/crypto-policies /usr/share/ca-certificates /usr/local/share/ca-certificates
/usr/share/zoneinfo /etc/localtime /etc/mime.types
/dev/urandom /dev/random /dev/zero /sys/devices/system/cpu /proc/cpuinfo /proc/meminfo
"""
_MOST_LINKS = 40  # as the kernel: a path through more of them is ELOOP
_SHARED = ("/", "/usr", "/usr/local")
_ALTERNATIVES = "/etc/alternatives/"  # where Debian and Fedora have a second link
_OWN = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def own_grants(path: Iterable[str]) -> list[tuple[str, int]]:
    """Return (path, rights) of what the interpreter needs; not all of them need be there.

    :param path: folders that packages are imported from.
    """
    places = dict.fromkeys((*_interpreter(), *_libraries(), *_SYSTEM.split(), _OWN))
    places.update(dict.fromkeys(os.path.abspath(one) for one in path if one))
    grants = [(place, READ) for place in places]
    return [*grants, ("/dev/null", WRITE)]


def _interpreter() -> Iterator[str]:
    """Yield the folders of the standard library and of installed packages."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info >= (3, 13) and not sys._is_gil_enabled():  # pragma: no cover
        version += "t"
    for prefix in dict.fromkeys(
        (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
    ):
        if prefix in _SHARED:
            yield f"{prefix}/lib/{version}"
            yield f"{prefix}/{sys.platlibdir}/{version}"
        else:
            yield f"{prefix}/lib"
            yield f"{prefix}/{sys.platlibdir}"
            yield f"{prefix}/pyvenv.cfg"
    yield os.path.dirname(os.__file__)


def interpreter(python: str) -> list[str]:
    """Return what must be there so that an interpreter can be started: itself, and its libraries.

    :param python: its path; of a virtual environment, the one in it.
    """
    found = [python]
    for place in dict.fromkeys((os.path.abspath(python), os.path.realpath(python))):
        prefix = os.path.dirname(os.path.dirname(place))
        if prefix not in _SHARED:
            found += [place, f"{prefix}/lib", f"{prefix}/lib64", f"{prefix}/pyvenv.cfg"]
    return found


def _libraries() -> Iterator[str]:
    """Yield the folders of shared libraries."""
    triplet = getattr(sys.implementation, "_multiarch", "")
    if triplet and os.path.isdir(f"/usr/lib/{triplet}"):
        yield f"/usr/lib/{triplet}"
        yield f"/lib/{triplet}"
    else:  # no Debian: libraries of all kinds lie in one folder
        yield "/usr/lib"
        yield "/lib"
    if sys.base_prefix in _SHARED:
        yield "/usr/local/lib"
    if sys.base_prefix.startswith("/nix/store/"):
        yield "/nix/store"


def followed(path: str, links: dict[str, str]) -> str:
    """Return where a path really leads, "" where nothing is.

    :param links: is added to: each link on the way, and what it says.
    """
    done, waiting, seen = "", path.split("/")[::-1], 0
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = os.path.dirname(done)
            continue
        here = f"{done}/{part}"
        try:
            target = links.get(here) or os.readlink(here)
        except FileNotFoundError:
            return ""
        except OSError:  # EINVAL: it is no link
            done = here
            continue
        seen += 1
        if seen > _MOST_LINKS:
            return ""
        links[here] = target
        waiting += target.split("/")[::-1]
        done = "" if target.startswith("/") else done
    return done or "/"


def note_names(programs: Iterable[str], links: dict[str, str]) -> None:
    """Note the links by which programs are called that lie elsewhere: sh is dash, /bin is /usr/bin.

    :param programs: real paths.
    :param links: is added to: each link, and what it says.
    """
    real = set(programs)
    called = {os.path.basename(path) for path in real}
    folders = {os.path.dirname(path) for path in real} | ({"/bin"} if real else set())
    for folder in sorted(folders):
        try:
            with os.scandir(folder) as entries:
                names = [entry.path for entry in entries if entry.is_symlink()]
        except OSError:
            continue
        for name in names:
            said = os.readlink(name)
            if os.path.basename(said) not in called and not said.startswith(_ALTERNATIVES):
                continue
            passed: dict[str, str] = {}
            if followed(name, passed) in real:
                links.update(passed)


def outermost(paths: Iterable[str]) -> set[str]:
    """Return the paths that lie beneath no other of them."""
    given = set(paths)
    return {path for path in given if not is_beneath(path, given)}


def is_beneath(path: str, folders: set[str]) -> bool:
    """Return whether a path lies in one of these folders; no folder lies in itself."""
    above = os.path.dirname(path)
    while above != path:
        if above in folders:
            return True
        path, above = above, os.path.dirname(above)
    return False
