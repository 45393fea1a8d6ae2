"""The token by which somebody publishes to a server; never a word of the command line."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping

from ..errors import StorageError, UsageError

__all__ = ["VARIABLE", "token"]

VARIABLE = "KURT_MARKET_TOKEN"
_TOKEN = re.compile(r"[!-~]{1,512}")


def token(file: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Return the token: of a file, else of ``KURT_MARKET_TOKEN``.

    :param file: a file that only its owner can read, with the token in it.
    :raises UsageError: when there is none.
    :raises StorageError: when others can read the file.
    """
    env = os.environ if environ is None else environ
    text = _read(file) if file else env.get(VARIABLE, "").strip()
    source = file or VARIABLE
    if not text:
        raise UsageError(
            "publishing to a server takes a token",
            cause=f"{source} is {'empty' if file else 'not set'}",
            hint=f"set {VARIABLE}, or name a file that only you can read: --token-file FILE",
        )
    if _TOKEN.fullmatch(text) is None:
        raise UsageError(f"what is in {source} is no token")
    return text


def _read(file: str) -> str:
    path = os.path.expanduser(file)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if sys.platform != "win32":
                loose = status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
                if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or loose:
                    raise StorageError(
                        f"{file} is not only yours",
                        cause="others can read or write it, or it belongs to somebody else",
                        at=path,
                        hint=f"chmod 600 {file}",
                    )
            return stream.read(4096).decode("ascii", "replace").strip()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read", cause=error.strerror or type(error).__name__, at=path
        ) from error
