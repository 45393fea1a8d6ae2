"""The part of the tripwires that sees programs, signals, and libraries of machine code."""

from __future__ import annotations

import os
import sys
from shutil import which

from .fences import Fence
from .sightings import Sightings, caller, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .sightings import Table

__all__ = ["Programs"]


class Programs:
    """Judges what is started, signalled and loaded.

    :param seen: notes uses, and makes errors.
    """

    def __init__(self, seen: Sightings, fence: Fence, policy: Mapping[str, Any]) -> None:
        self._seen = seen
        self._fence = fence
        self._alone = policy["tier"] == "process"
        self._own = policy["cwd"].rstrip("/") + "/"
        self._native: bool = policy["native"]
        self._starts = policy["processes"] > 1

    def table(self) -> Table:
        """Return audit event → what is done about it."""
        found: Table = {
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
        if self._alone:
            calls = ("ctypes.dlsym", "ctypes.call_function", "ctypes.string_at")
            found.update(dict.fromkeys(calls, self._on_native))
        return found

    # -- native code -------------------------------------------------------------------

    def _on_import(self, args: tuple[Any, ...]) -> None:
        name, path = args[0], args[1]
        if path is None or self._native:
            return
        if str(path).startswith(self._own):
            raise self._seen.deny("native_code", str(path), f"import {name}, which is native code")

    def _on_library(self, args: tuple[Any, ...]) -> None:
        name = args[0]
        if name is None:
            return  # the process itself, which `import ctypes` opens
        asking = caller()
        mine = asking is not None and asking.f_code.co_filename.startswith(self._own)
        if self._native:
            if mine:
                self._seen.note("native_code", str(name), True)
        elif mine or self._alone:
            raise self._seen.deny("native_code", str(name), f"load {name}, which is native code")

    def _on_extension(self, args: tuple[Any, ...]) -> None:
        if not self._native:
            raise self._seen.deny(
                "native_code", str(args[1]), f"load {args[1]}, which is native code"
            )

    def _on_native(self, args: tuple[Any, ...]) -> None:
        if not self._native:
            raise self._seen.deny("native_code", "ctypes", "call native code")

    # -- processes -----------------------------------------------------------------------

    def _program(self, path: Any) -> None:
        """Judge the start of a program.

        :raises AccessDenied: where it will be refused.
        """
        name = text_of(path)
        if name is None:
            return
        if self._starts:
            place = name if os.path.dirname(name) else which(name)
            if place is None or not os.path.exists(place):
                return
            if self._fence.starts(place):
                self._seen.note("processes", name, True)
                return
        line = os.path.basename(name) or name
        raise self._seen.deny("processes", name, f"start {name}", line=line)

    def _on_popen(self, args: tuple[Any, ...]) -> None:
        executable, words = args[0], args[1]
        if executable is None and isinstance(words, str):  # Windows, one line
            executable = words.split()[0].strip('"') if words.split() else words
        self._program(executable)

    def _on_program(self, args: tuple[Any, ...]) -> None:
        self._program(args[0])

    def _on_spawn(self, args: tuple[Any, ...]) -> None:
        self._program(args[1])

    def _on_pty(self, args: tuple[Any, ...]) -> None:
        words = args[0]
        self._program(words[0] if isinstance(words, (list, tuple)) and words else words)

    def _on_shell(self, args: tuple[Any, ...]) -> None:
        self._program("cmd" if sys.platform == "win32" else "/bin/sh")

    def _on_fork(self, args: tuple[Any, ...]) -> None:
        if not self._starts:
            name = os.path.basename(sys.executable) or "python3"
            raise self._seen.deny("processes", name, f"fork, which starts {name}", line=name)

    def _on_kill(self, args: tuple[Any, ...]) -> None:
        number = args[0]
        if not self._starts and number not in (os.getpid(), self._seen.home):
            raise self._seen.deny("", f"process {number}", f"send a signal to process {number}")

    def _on_prlimit(self, args: tuple[Any, ...]) -> None:
        if args[0] not in (0, os.getpid()):
            raise self._seen.deny(
                "", f"process {args[0]}", f"change the limits of process {args[0]}"
            )
