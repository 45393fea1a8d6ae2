"""What a worker was seen to use, and the error for what it may not: the memory of its tripwires."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeAlias

    #: Told of a use: list of the manifest, target, allowed. False = not now, ask me again.
    Emit: TypeAlias = Callable[[str, str, bool], object]
    #: Audit event → what is done about it.
    Table: TypeAlias = dict[str, Callable[[tuple[Any, ...]], None]]

__all__ = ["AccessDenied", "Sightings", "absolute", "caller", "text_of"]

#: Uses of one list that are noted, and that wait to be told.
MOST, _WAITING = 500, 1000
#: Characters of a target that are noted: a path has at most as many (PATH_MAX).
_LONGEST = 4096
_FILES = ("filesystem_read", "filesystem_write")
_STANDARD = os.path.dirname(os.__file__) + os.sep
_HERE = os.path.dirname(__file__) + os.sep


class AccessDenied(PermissionError):
    """A worker may not do this; the kernel would say so with a number alone.

    :ivar skill: whose worker it is.
    :ivar permission: the list of the manifest that would allow it; "" where none can.
    :ivar target: what it asked for.
    """

    def __init__(
        self, text: str, filename: str | None = None, *, skill: str, permission: str, target: str
    ) -> None:
        if filename is None:
            super().__init__(errno.EACCES, text)
        else:
            super().__init__(errno.EACCES, text, filename)
        self.skill = skill
        self.permission = permission
        self.target = target


class Sightings:
    """What was used, each thing once.

    :param skill: whose worker it is.
    :param emit: told of each use.
    :ivar waiting: uses that nobody has been told of: (list, target, allowed).
    :ivar dropped: how many uses were too many to be noted.
    """

    def __init__(self, skill: str, emit: Emit | None = None) -> None:
        self.skill = skill
        self.waiting: list[tuple[str, str, bool]] = []
        self.dropped = 0
        self.home = os.getpid()
        self._emit = emit
        self._seen: set[tuple[str, str, bool]] = set()
        self._counts: dict[str, int] = {}
        self._busy = False

    def note(self, permission: str, target: str, allowed: bool) -> None:
        """Note a use, the first time it is met."""
        target = target[:_LONGEST].encode("utf-8", "backslashreplace").decode()
        use = (permission, target, allowed)
        if use in self._seen or os.getpid() != self.home:
            return
        group = permission if allowed else f"!{permission}"
        count = self._counts[group] = self._counts.get(group, 0) + 1
        if count > MOST:
            self.dropped += 1
            return
        self._seen.add(use)
        if len(self.waiting) < _WAITING:
            self.waiting.append(use)
        self.flush()

    def flush(self) -> None:
        """Tell of the uses that wait."""
        emit = self._emit
        if emit is None or self._busy:
            return
        self._busy = True
        try:
            while self.waiting:
                if emit(*self.waiting[0]) is False:
                    return
                del self.waiting[0]
        except Exception:  # the plugin's own work must not fail of being noted
            return
        finally:
            self._busy = False

    def deny(
        self,
        permission: str,
        target: str,
        does: str,
        *,
        filename: str | None = None,
        line: str = "",
    ) -> AccessDenied:
        """Note that something is refused, and return the error for it.

        :param does: completes "SKILL may not".
        :param line: the entry to write into the list; "" where no entry helps.
        """
        is_file = permission in _FILES
        self.note(permission or "system_resources", line if is_file else target, False)
        if permission == "native_code":
            remedy = 'native_code is not true; write "native_code: true"'
        elif line:
            remedy = f'{permission} does not cover it; write "{line}" into {permission}'
        else:
            remedy = ""
        text = f"{self.skill} may not {does}"
        if remedy:
            text += f": {remedy}, under permissions in its manifest"
        return AccessDenied(text, filename, skill=self.skill, permission=permission, target=target)


def caller(most: int = 16) -> FrameType | None:
    """Return the frame of who asked, behind those of this package and of the standard library."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(most):
        if frame is None:
            return None
        name = frame.f_code.co_filename
        standard = name.startswith(("<frozen", _STANDARD)) and "site-packages" not in name
        if not standard and not name.startswith(_HERE):
            return frame
        frame = frame.f_back
    return None


def text_of(path: Any) -> str | None:
    """Return a path as text; None for a descriptor, or what is no path."""
    if path.__class__ is str:
        found: str = path
        return found
    if isinstance(path, int) or path is None:
        return None
    try:
        return os.fsdecode(path)
    except (TypeError, ValueError):
        return None


def absolute(path: str) -> str:
    """Return a path from the root; as it is where there is no working directory."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path
