"""The stronger tier by a program: the command that starts a worker inside of bubblewrap.

bwrap(1) makes the namespaces before the worker is there, its own process numbers
among them. The worker confines itself within as anywhere: bubblewrap is a wall
around the walls, and hides what is not granted.
"""

from __future__ import annotations

import os
import sys

from .readables import followed, interpreter, is_beneath, note_names, outermost, own_grants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["command", "find"]

#: Where it is looked for, before the search path: there only an administrator puts it.
_PLACES = ("/usr/bin", "/bin", "/usr/local/bin")


def find(path: str | None = None) -> str | None:
    """Return where bubblewrap lies; None where it is not installed.

    :param path: folders to look in, as in ``PATH``; the system's own if None.
    """
    if not sys.platform.startswith("linux"):
        return None
    for folder in _PLACES if path is None else path.split(os.pathsep):
        place = os.path.join(folder, "bwrap")
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


def command(
    program: str,
    policy: Mapping[str, Any],
    *,
    path: Iterable[str] = (),
    python: str | None = None,
) -> list[str]:
    """Return the words that start a worker inside of bubblewrap; its own command follows them.

    Its environment is empty, its descriptors are those it is started with, its
    parent is bubblewrap, and it dies with the thread that starts it. The worker is
    to call :func:`~kurt_ext.sandbox.confining.confine` with ``within="bubblewrap"``.

    :param program: as :func:`find` says.
    :param policy: as :meth:`kurt_ext.sandbox.policy.Policy.wire` gives it.
    :param path: further folders that packages are imported from.
    :param python: the interpreter that runs inside; this one if None.
    """
    words = [program, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    words += ["--hostname", "localhost", "--cap-drop", "ALL", "--proc", "/proc", "--dir", "/dev"]
    links: dict[str, str] = {}
    own = [place for place, _ in own_grants((*policy["path"], *path))]
    own += interpreter(python or sys.executable)
    reads = [*policy["read"], policy["cwd"]]
    if policy["processes"] > 1:
        reads += policy["execute"]
        note_names(policy["execute"], links)
    writes = {*policy["write"], policy["scratch"]}
    found = {followed(place, links) for place in own} - {""}
    found = {place for place in found if not place.startswith("/proc/")}
    paths = outermost({*found, *reads, *writes})
    words += _bound(paths, writes)
    # A folder that may be written, inside of one that may be read.
    words += _bound(outermost(writes - paths), writes)
    for link, target in links.items():
        if not is_beneath(link, paths):
            words += ["--symlink", target, link]
    return [*words, "--remount-ro", "/", "--chdir", "/", "--"]


def _bound(paths: Iterable[str], writes: set[str]) -> Iterator[str]:
    for path in sorted(paths):
        if path.startswith("/dev/"):
            yield from ("--dev-bind", path, path)
        elif path in writes:
            yield from ("--bind", path, path)
        else:
            yield from ("--ro-bind", path, path)
