"""Say in Python what will be refused, before it is, and note what is used.

An audit hook of the interpreter sees most of what code asks the system for. Where the answer
will be no, it raises the ``PermissionError`` that the kernel would lead to, with a sentence: who
may not do what, and what to write into the manifest. What is allowed by a permission is noted
once. It guards nothing: native code is not seen, and a plugin can blind it. On the tier
``process`` there is nothing else.
"""

from __future__ import annotations

import errno
import os
import sys
from shutil import which

from .fences import DENIED, FREE, GRANTED, Fence
from .readables import own_grants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import Any, TypeAlias

    #: Told of a use: list of the manifest, target, allowed. False = not now, ask me again.
    Emit: TypeAlias = Callable[[str, str, bool], object]

__all__ = ["AccessDenied", "Tripwire", "install", "tell"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Uses of one list that are noted, and that wait to be told.
_MOST, _WAITING = 500, 1000
#: What a worker may read in any case where the kernel does not say so.
_ELSEWHERE = {
    "darwin": ("/System", "/Library/Frameworks", "/usr/lib", "/usr/share", "/private/etc/ssl"),
    "win32": (os.environ.get("SystemRoot", r"C:\Windows"),),
}
_PYTHON_ONLY = (
    "on this machine the tripwires in Python are all that checks files, network and programs: "
    "a hostile plugin gets past them"
)
_DOES = {"filesystem_read": "read", "filesystem_write": "write"}
_STANDARD = os.path.dirname(os.__file__) + os.sep


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


def tell(permission: str, target: str, allowed: bool) -> bool:
    """Tell the host of a use, where that can be done at once.

    A worker that is writing to the host at this moment, in this thread too, does it later.
    """
    from . import worker

    serving = worker._serving
    if serving is None or serving._writing.locked():
        return False
    worker.event("use", {"permission": permission, "target": target, "allowed": allowed})
    return True


def install(
    policy: Mapping[str, Any], report: dict[str, Any] | None = None, emit: Emit | None = None
) -> Tripwire:
    """Set the hook, for good, and return what can be asked for the uses.

    To be called after the process was confined, and before anything of the plugin is imported.

    :param policy: as :meth:`kurt_ext.sandbox.policy.Policy.wire` gives it.
    :param report: that of the confinement; where Python alone checks, it is told so.
    :param emit: told of each use, the first time; see :attr:`Tripwire.waiting` for those that
        it did not take. It is called within whatever the plugin does, in its thread, and must
        neither wait nor open anything.
    """
    made = Tripwire(policy, emit)
    if report is not None and made.alone:
        report.setdefault("not_enforced", []).append(_PYTHON_ONLY)
    _watch_environment(made)
    table = made.table()

    def hook(event: str, args: tuple[Any, ...], find: Any = table.get) -> None:
        act = find(event)
        if act is not None:
            act(args)

    sys.addaudithook(hook)
    return made


class Tripwire:
    """What the hook knows, and what it has seen.

    :ivar alone: whether nothing but this checks.
    :ivar waiting: uses that nobody has been told of: (list, target, allowed).
    :ivar dropped: how many uses were too many to be noted.
    """

    def __init__(self, policy: Mapping[str, Any], emit: Emit | None = None) -> None:
        self.skill: str = policy["skill"]
        self.alone = policy["tier"] == "process"
        self.waiting: list[tuple[str, str, bool]] = []
        self.dropped = 0
        self._emit = emit
        self._hidden = policy["tier"] == "strong"
        self._home = os.getpid()
        self._own = policy["cwd"].rstrip("/") + "/"
        self._native: bool = policy["native"]
        self._starts = policy["processes"] > 1
        self._hosts: tuple[str, ...] = tuple(policy["hosts"])
        self._seen: set[tuple[str, str, bool]] = set()
        self._told: set[tuple[str, bool]] = set()
        self._counts: dict[str, int] = {}
        self._met: set[str] = set()
        self._busy = False
        free = [place for place, _ in own_grants(policy["path"])]
        if self.alone:
            free += [*_ELSEWHERE.get(sys.platform, ()), sys.prefix, sys.base_prefix]
        own = os.path.realpath(policy["cwd"]), os.path.realpath(policy["scratch"])
        self._fence = Fence(
            [*free, own[0]],
            [own[1]],
            [one for one in policy["read"] if one not in own],
            [one for one in policy["write"] if one not in own],
            policy["execute"] if self._starts else (),
            links=self.alone,
        )

    def table(self) -> dict[str, Callable[[tuple[Any, ...]], None]]:
        """Return audit event → what is done about it."""
        found: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "open": self._on_open,
            "os.listdir": self._on_list,
            "os.scandir": self._on_list,
            "os.mkdir": self._on_make,
            "os.remove": self._on_remove,
            "os.rmdir": self._on_remove,
            "os.rename": self._on_rename,
            "os.link": self._on_rename,
            "os.symlink": self._on_symlink,
            "os.truncate": self._on_change,
            "sqlite3.connect": self._on_database,
            "import": self._on_import,
            "ctypes.dlopen": self._on_library,
            "sqlite3.load_extension": self._on_extension,
            "subprocess.Popen": self._on_popen,
            "os.exec": self._on_program,
            "os.posix_spawn": self._on_program,
            "os.spawn": self._on_spawn,
            "os.system": self._on_shell,
            "os.startfile": self._on_program,
            "pty.spawn": self._on_pty,
            "os.fork": self._on_fork,
            "os.forkpty": self._on_fork,
            "_winapi.CreateProcess": self._on_fork,
            "os.kill": self._on_kill,
            "os.killpg": self._on_kill,
            "resource.prlimit": self._on_prlimit,
        }
        if self.alone:
            changed = ("os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr")
            found.update(dict.fromkeys(changed, self._on_change))
            found.update(
                dict.fromkeys(
                    ("ctypes.dlsym", "ctypes.call_function", "ctypes.string_at"), self._on_native
                )
            )
            from .wires import Wires

            found.update(Wires(self, self._hosts).table())
        return found

    # -- noting --------------------------------------------------------------------

    def note(self, permission: str, target: str, allowed: bool) -> None:
        """Note a use, the first time it is met."""
        use = (permission, target, allowed)
        if use in self._seen or os.getpid() != self._home:
            return
        group = permission if allowed else f"!{permission}"
        count = self._counts[group] = self._counts.get(group, 0) + 1
        if count > _MOST:
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
        is_file = permission in _DOES
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

    # -- files -----------------------------------------------------------------------

    def file(self, path: Any, writes: bool, exists: bool = True) -> None:
        """Judge a path.

        :param exists: without it nothing happens: of a file that is not there the system says
            just that, whatever may be read, and programs count on it.
        :raises AccessDenied: where it will be refused.
        """
        if path.__class__ is not str:
            path = _text(path)
            if path is None:
                return
        try:
            answer = self._fence.judge(path, writes)
        except (OSError, ValueError):
            return  # the system will say what is wrong with it
        if answer == FREE or (writes and "__pycache__" in path):  # of compiled code nobody asks
            return
        permission = "filesystem_write" if writes else "filesystem_read"
        if answer == GRANTED:
            use = (path, writes)
            if use not in self._told and len(self._told) < _MOST:
                self._told.add(use)
                self.note(permission, _absolute(path), True)
            return
        self._refuse(path, permission, exists)

    def _refuse(self, path: str, permission: str, exists: bool) -> None:
        there = os.path.lexists(path) or (
            not exists and os.path.isdir(os.path.dirname(_absolute(path)))
        )
        if not there and not self._hidden:
            return
        real = os.path.realpath(path)
        does = f"{_DOES[permission]} this"
        if real != _absolute(path):
            does += f", which leads to {real}"
        error = self.deny(permission, real, does, filename=path, line=real)
        if there or not exists:
            raise error
        # To a worker with a root of its own it is not there, and has to be so to the plugin.
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        missing.add_note(error.strerror or "")
        raise missing

    def _on_open(self, args: tuple[Any, ...]) -> None:
        path, mode, flags = args
        writes = bool(flags & _WRITING)
        if mode is None and path.__class__ is str and path[:1] != "/" and not self.alone:
            return  # os.open, perhaps beneath a descriptor that is not told of
        self.file(path, writes, not flags & os.O_CREAT)

    def _on_list(self, args: tuple[Any, ...]) -> None:
        self.file("." if args[0] is None else args[0], False)

    def _on_make(self, args: tuple[Any, ...]) -> None:
        self._place(args[0], args[2], there=False)

    def _on_remove(self, args: tuple[Any, ...]) -> None:
        self._place(args[0], args[1], there=True)

    def _on_rename(self, args: tuple[Any, ...]) -> None:
        self._place(args[0], args[2], there=True)
        self._place(args[1], args[3])

    def _on_symlink(self, args: tuple[Any, ...]) -> None:
        self._place(args[1], args[2], there=False)

    def _on_change(self, args: tuple[Any, ...]) -> None:
        self.file(args[0], True)

    def _place(self, path: Any, number: int, *, there: bool | None = None) -> None:
        """Judge that a name is made or taken away: it takes a permission for its folder.

        :param number: of the descriptor that the path begins at, -1 for none.
        :param there: whether the name must be there, or must not, for anything to happen.
        """
        text = _text(path)
        if text is None:
            return
        if number != -1 and not os.path.isabs(text):
            base = _folder_of(number)
            if base is None:
                return
            text = os.path.join(base, text)
        text = text.rstrip("/") or "/"
        folder = os.path.realpath(os.path.dirname(text) or ".")
        answer = self._fence.changes(folder)
        if answer == FREE:
            return
        if answer == GRANTED:
            self.note("filesystem_write", _absolute(text), True)
        elif (there is None or os.path.lexists(text) == there) and os.path.isdir(folder):
            does = "take this away" if there else "make this"
            raise self.deny("filesystem_write", _absolute(text), does, filename=text, line=folder)

    def _on_database(self, args: tuple[Any, ...]) -> None:
        path = _text(args[0])
        if path is None or path in ("", ":memory:") or path.startswith("file:"):
            return  # what a URI leads to, SQLite opens where only the kernel sees it
        if self._fence.judge(path, False) == DENIED or not os.path.exists(path):
            self.file(path, not os.path.exists(path), os.path.exists(path))
        self.note_written(path)

    def note_written(self, path: str) -> None:
        """Note that a file may be written, where a permission allows it."""
        if self._fence.judge(path, True) == GRANTED:
            self.note("filesystem_write", _absolute(path), True)

    # -- native code -------------------------------------------------------------------

    def _on_import(self, args: tuple[Any, ...]) -> None:
        name, path = args[0], args[1]
        if path is None or self._native:
            return
        if str(path).startswith(self._own):
            raise self.deny("native_code", str(path), f"import {name}, which is native code")

    def _on_library(self, args: tuple[Any, ...]) -> None:
        name = args[0]
        if name is None:
            return  # the process itself, which `import ctypes` opens
        caller = _caller()
        mine = caller is not None and caller.f_code.co_filename.startswith(self._own)
        if self._native:
            if mine:
                self.note("native_code", str(name), True)
        elif mine or self.alone:
            raise self.deny("native_code", str(name), f"load {name}, which is native code")

    def _on_extension(self, args: tuple[Any, ...]) -> None:
        if not self._native:
            raise self.deny("native_code", str(args[1]), f"load {args[1]}, which is native code")

    def _on_native(self, args: tuple[Any, ...]) -> None:
        if not self._native:
            raise self.deny("native_code", "ctypes", "call native code")

    # -- processes -----------------------------------------------------------------------

    def program(self, path: Any) -> None:
        """Judge the start of a program.

        :raises AccessDenied: where it will be refused.
        """
        name = _text(path)
        if name is None:
            return
        if self._starts:
            place = name if os.path.dirname(name) else which(name)
            if place is None or not os.path.exists(place):
                return
            if self._fence.starts(place):
                self.note("processes", name, True)
                return
        line = os.path.basename(name) or name
        raise self.deny("processes", name, f"start {name}", line=line)

    def _on_popen(self, args: tuple[Any, ...]) -> None:
        executable, words = args[0], args[1]
        if executable is None and isinstance(words, str):  # Windows, one line
            executable = words.split()[0].strip('"') if words.split() else words
        self.program(executable)

    def _on_program(self, args: tuple[Any, ...]) -> None:
        self.program(args[0])

    def _on_spawn(self, args: tuple[Any, ...]) -> None:
        self.program(args[1])

    def _on_pty(self, args: tuple[Any, ...]) -> None:
        words = args[0]
        self.program(words[0] if isinstance(words, (list, tuple)) and words else words)

    def _on_shell(self, args: tuple[Any, ...]) -> None:
        self.program("cmd" if sys.platform == "win32" else "/bin/sh")

    def _on_fork(self, args: tuple[Any, ...]) -> None:
        if not self._starts:
            name = os.path.basename(sys.executable) or "python3"
            raise self.deny("processes", name, f"fork, which starts {name}", line=name)

    def _on_kill(self, args: tuple[Any, ...]) -> None:
        number = args[0]
        if not self._starts and number not in (os.getpid(), self._home):
            raise self.deny("", f"process {number}", f"send a signal to process {number}")

    def _on_prlimit(self, args: tuple[Any, ...]) -> None:
        if args[0] not in (0, os.getpid()):
            raise self.deny("", f"process {args[0]}", f"change the limits of process {args[0]}")

    # -- environment ---------------------------------------------------------------------

    def met(self, name: str, found: bool) -> None:
        """Note the first time that the plugin's own code looks at a variable."""
        self._met.add(name)
        caller = _caller(4)
        if caller is not None and caller.f_code.co_filename.startswith(self._own):
            self.note("environment_variables", name, found)


def _watch_environment(wire: Tripwire) -> None:
    """Let ``os.environ`` say of what is not there that it would have to be declared."""
    declared = frozenset(os.environ)
    met = wire._met
    skill = wire.skill

    class Environment(type(os.environ)):  # type: ignore[misc]
        """The variables that the plugin declared, and no others."""

        def __getitem__(self, key: str) -> str:
            try:
                value = self._data[self.encodekey(key)]
            except KeyError:
                error = KeyError(key)
                error.add_note(
                    f"{skill} does not declare it, or it is not set; "
                    f'write "{key}" into environment_variables, under permissions in its manifest'
                )
                if key not in met:
                    wire.met(key, False)
                raise error from None
            if key not in met and key in declared:
                wire.met(key, True)
            return str(self.decodevalue(value))

    os.environ.__class__ = Environment


def _caller(most: int = 16) -> FrameType | None:
    """Return the frame of who asked, behind those of the standard library."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(most):
        if frame is None:
            return None
        name = frame.f_code.co_filename
        standard = name.startswith(("<frozen", _STANDARD)) and "site-packages" not in name
        if name != __file__ and not standard:
            return frame
        frame = frame.f_back
    return None


def _text(path: Any) -> str | None:
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


def _is_there(path: Any) -> bool:
    try:
        return os.path.lexists(path)
    except (TypeError, ValueError):
        return False


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def _folder_of(number: int) -> str | None:
    """Return the folder that a descriptor is open on, where the system tells."""
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return None
