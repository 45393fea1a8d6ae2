"""What was downloaded from a marketplace, until it is installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import IntegrityError

if TYPE_CHECKING:
    from .bringing import Goods
    from .installer import Installer

__all__ = ["Downloads"]


class Downloads:
    """What this process has downloaded and checked, the last of each plugin."""

    def __init__(self) -> None:
        self._goods: dict[str, Goods] = {}

    def add(self, goods: Goods) -> None:
        """Remember what was downloaded."""
        self._goods[goods.name] = goods

    def clear(self) -> None:
        """Forget all of it; what lies in the store stays there."""
        self._goods.clear()

    def goods(self, installer: Installer, name: str, path: str) -> Goods:
        """Return what was downloaded, or what lies at a path, if it is the plugin asked for.

        :raises IntegrityError: when it is another one.
        """
        from .specs import Spec, parse

        downloaded = self._goods.get(name)
        if downloaded is not None and _is_in_store(installer, downloaded, path):
            return downloaded
        spec = parse(os.path.abspath(path))
        goods = installer.bring(Spec(spec.kind, path, path=spec.path))
        if goods.name != name:
            raise IntegrityError(
                f"what lies there is not {name}",
                cause=f"its manifest has the id {goods.name}",
                at=path,
                skill=name,
            )
        return goods


def _is_in_store(installer: Installer, goods: Goods, path: str) -> bool:
    """Return whether a path is the copy in the store of what was downloaded."""
    if goods.wheel is not None:
        kept = installer.store.path_of_wheel(goods.digest, goods.wheel[0])
        return os.path.realpath(path) == os.path.realpath(kept)
    base = installer.store.path_of(goods.digest)
    return os.path.realpath(os.path.dirname(os.path.abspath(path))) == os.path.realpath(base)
