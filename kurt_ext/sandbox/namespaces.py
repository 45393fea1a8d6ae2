"""The stronger tier without a program: namespaces of this process alone, and a root of its own.

An ordinary user may make them where the system lets him (user_namespaces(7));
Ubuntu's AppArmor and many containers do not. What is not granted is then not even
there: the new root is an empty file system in memory, to which the granted
paths are moved. It has to come before Landlock, which forbids mounting.
"""

from __future__ import annotations

import os
import stat

from .kernel import Unconfined, libc, syscall
from .landlock import EXECUTE, READ, open_declared
from .readables import followed, is_beneath, note_names, outermost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NAMES", "enter"]

#: Those that are made, as reports name them.
NAMES = ("user", "mount", "network", "ipc", "uts")
# linux/sched.h: CLONE_NEWUSER, _NEWNS, _NEWNET, _NEWIPC, _NEWUTS
_FLAGS = 0x10000000 | 0x00020000 | 0x40000000 | 0x08000000 | 0x04000000
# linux/mount.h
_NOSUID, _NODEV, _REC, _PRIVATE, _DETACH = 2, 4, 16384, 1 << 18, 2
_CLONE_TREE = 1 | 0x80000 | 0x8000  # OPEN_TREE_CLONE, _CLOEXEC, AT_RECURSIVE
_EMPTY_PATH, _MOVE_EMPTY_PATH = 0x1000, 4
_HERE = -100  # AT_FDCWD
_HOST_NAME = b"localhost"


def enter(
    grants: Iterable[tuple[str, int]], own: Iterable[tuple[str, int]], base: str
) -> list[str]:
    """Make namespaces, with a root that holds these paths alone; return the names of them.

    :param grants: declared paths; they must be there, and lead through no link.
    :param own: paths of the interpreter; what is missing is passed by.
    :param base: a folder that this process has the new root upon; it changes for no other.
    :raises Unconfined: when a step is refused; the process is of no use then.
    """
    uid, gid = os.geteuid(), os.getegid()
    given = list(grants)
    declared = {path for path, _ in given}
    links: dict[str, str] = {}
    note_names([path for path, allowed in given if allowed & EXECUTE & ~READ], links)
    found = {followed(path, links) for path, _ in own} - {""}
    paths = outermost(declared | found)
    try:
        _make_room(len(paths))
        syscall("unshare", _FLAGS)
        _tell("setgroups", "deny")
        _tell("uid_map", f"{uid} {uid} 1")
        _tell("gid_map", f"{gid} {gid} 1")
        libc().sethostname(_HOST_NAME, len(_HOST_NAME))
        _mount(None, b"/", None, _REC | _PRIVATE)
        if "/" in paths:
            return [name for name in NAMES if name != "mount"]  # nothing is to be hidden
        trees = {path: _tree(path, declared=path in declared) for path in paths}
        _mount(b"tmpfs", os.fsencode(base), b"tmpfs", _NOSUID | _NODEV, b"size=1m,mode=755")
        os.chdir(base)
        _furnish(trees, {link: links[link] for link in links if not is_beneath(link, paths)})
        syscall("pivot_root", b".", b".")
        if libc().umount2(b".", _DETACH):
            raise _last_error()
        os.chdir("/")
    except Unconfined:
        raise
    except OSError as error:
        raise Unconfined(
            f"this system does not let namespaces be made: {error.strerror or error}", "namespaces"
        ) from error
    return list(NAMES)


def _make_room(count: int) -> None:
    """Let a descriptor for each path be open at the same time."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 64 and soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tell(name: str, text: str) -> None:
    opened = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(opened, text.encode())
    finally:
        os.close(opened)


def _tree(path: str, *, declared: bool) -> int:
    """Return a detached copy of the mounts from a path on."""
    if not declared:
        return syscall("open_tree", _HERE, os.fsencode(path), _CLONE_TREE)
    opened = open_declared(path)
    try:
        return syscall("open_tree", opened, b"", _CLONE_TREE | _EMPTY_PATH)
    finally:
        os.close(opened)


def _furnish(trees: dict[str, int], links: dict[str, str]) -> None:
    """Put the copies where they belong beneath the working directory; they are closed."""
    for path, tree in trees.items():
        place = "." + path
        if stat.S_ISDIR(os.fstat(tree).st_mode):
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        syscall("move_mount", tree, b"", _HERE, os.fsencode(place), _MOVE_EMPTY_PATH)
        os.close(tree)
    for link, target in links.items():
        os.makedirs(os.path.dirname("." + link), exist_ok=True)
        os.symlink(target, "." + link)


def _mount(
    source: bytes | None,
    target: bytes,
    kind: bytes | None,
    flags: int,
    options: bytes | None = None,
) -> None:
    import ctypes

    if libc().mount(source, target, kind, ctypes.c_ulong(flags), options):
        raise _last_error()


def _last_error() -> OSError:
    import ctypes

    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))
