"""What the files of a plugin held when its code was loaded, so that nothing is loaded again.

An editor may write one text twice, a system tell of one save in two parts, and
a checkout touch what it leaves as it is: none of it is another plugin. What is
kept holds for one generation, and only where no file changed while that was
loaded.
"""

from __future__ import annotations

import asyncio
import os
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b

from .saves import is_noise

__all__ = ["Imprints"]

#: Of a longer file the time stamps count, and not what is in it.
_LONG = 4 << 20
#: A folder with more files, or deeper ones, is always another one.
_MOST, _DEPTH = 2000, 12
#: Nanoseconds by which a file's time stamp may lie behind the clock: a tick of the kernel's.
_TICK = 20_000_000

#: Of each file: when it was written and changed, its size and inode.
_Stamps = dict[str, tuple[int, int, int, int]]
#: Of each file: the digest of what it holds.
_Texts = dict[str, bytes]


class Imprints:
    """What was in the folders of the plugins that run.

    :param since: nanoseconds; what is loaded of files that are younger counts only where
        :meth:`begin` was told that nothing of them was read before.
    """

    def __init__(self, since: int) -> None:
        self._since = since - _TICK
        self._before: dict[str, _Stamps | None] = {}
        self._kept: dict[str, tuple[int, str, Future[_Texts | None]]] = {}
        self._thread = ThreadPoolExecutor(1, "kurt_ext-imprints")

    def begin(self, folder: str, *, unread: bool) -> None:
        """Note how a folder is, of which code is about to be loaded; from any thread.

        :param unread: whether nothing of what will be loaded was read before.
        """
        seen = _stamps(folder)
        if seen and not unread and max(max(row[:2]) for row in seen.values()) > self._since:
            seen = None
        self._before[folder] = seen

    def end(self, plugin_id: str, generation: int, folder: str) -> None:
        """Keep what is in the folder, where it is as it was; from any thread."""
        before = self._before.pop(folder, None)
        self._kept.pop(plugin_id, None)
        if before is not None:
            try:
                texts = self._thread.submit(_texts, folder, before)
            except RuntimeError:  # the watch has ended
                return
            self._kept[plugin_id] = (generation, folder, texts)

    def forget(self, plugin_id: str) -> None:
        """Take the plugin for another one, whatever its files hold."""
        self._kept.pop(plugin_id, None)

    async def holds(self, plugin_id: str, generation: int, folder: str) -> bool:
        """Return whether a folder holds what this generation was loaded from."""
        number, place, texts = self._kept.get(plugin_id, (0, "", None))
        if texts is None or (number, place) != (generation, folder):
            return False
        before = await asyncio.wrap_future(texts)
        if before is None:
            return False
        now = await asyncio.wrap_future(self._thread.submit(_texts, folder, None))
        return now == before

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _texts(folder: str, expected: _Stamps | None) -> _Texts | None:
    """Return what the files of a folder hold; None where they are not as expected, or unknown."""
    seen = _stamps(folder)
    if seen is None or (expected is not None and seen != expected):
        return None
    found = {}
    for name, row in seen.items():
        if row[2] > _LONG:
            found[name] = repr(row).encode()
            continue
        try:
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = blake2b(file.read()).digest()
        except OSError:
            return None
    return found if _stamps(folder) == seen else None


def _stamps(folder: str) -> _Stamps | None:
    """Return the stamps of all files that are somebody's work; None where that is not known."""
    found: _Stamps = {}
    ahead = [("", 0)]
    try:
        while ahead:
            prefix, depth = ahead.pop()
            with os.scandir(os.path.join(folder, prefix)) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if is_noise(name):
                        continue
                    seen = entry.stat()
                    if stat.S_ISDIR(seen.st_mode):
                        ahead.append((name + os.sep, depth + 1))
                    elif not stat.S_ISREG(seen.st_mode):
                        return None
                    else:
                        stamps = (seen.st_mtime_ns, seen.st_ctime_ns)
                        found[name] = (*stamps, seen.st_size, seen.st_ino)
                    if len(found) > _MOST or depth > _DEPTH:
                        return None
    except OSError:
        return None
    return found
