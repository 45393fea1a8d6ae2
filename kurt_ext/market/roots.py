"""Where roots of The Update Framework come from, and where what they believed is kept."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

from ..errors import MarketError
from . import tuf_layer
from .books import Books
from .holding import held
from .publishing import commit
from .signing import PrivateKey

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["make_root", "read_root", "state_of"]

_LIMIT = 1 << 20


def read_root(path: str) -> bytes:
    """Return the bytes of a root that lies in a file here.

    :raises MarketError: when it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(_LIMIT + 1)
    except OSError as error:
        raise MarketError(f"the root {path} cannot be read", cause=str(error), at=path) from error
    if len(data) > _LIMIT:
        raise MarketError(f"the root {path} has more than {_LIMIT:,} bytes", at=path)
    return data


def state_of(places: Places, location: str) -> str:
    """Return the folder that keeps what was believed of a marketplace."""
    name = sha256(location.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(places.data, "tuf", name)


def make_root(
    root: str,
    root_key: PrivateKey,
    index_key: PrivateKey,
    *,
    previous: PrivateKey | None = None,
) -> tuple[int, str]:
    """Write the next root of a marketplace, and the index by it; return its number and path.

    :param root: the folder of the marketplace.
    :param root_key: signs the root.
    :param index_key: signs the index from now on.
    :param previous: the root key until now, where this one is another.
    :raises SignatureError: when the root until now knows no key that signs the new one.
    """
    with held(root):
        books = Books(root)
        number = tuf_layer.new_root(books, root_key, index_key, previous=previous)
        commit(books, index_key, renew=True)
        return number, books.reader.path(f"{tuf_layer.FOLDER}/{number}.root.json")
