"""The key that signs the index, as commands about a marketplace's folder take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..market.signing import PrivateKey
    from ..session import Session

__all__ = ["index_key", "key_option"]

_F = TypeVar("_F", bound=Callable[..., Any] | click.Command)


def key_option(function: _F) -> _F:
    """Add the option that names the key."""
    option: Callable[[_F], _F] = click.option(
        "--key", help="The key that signs the index; the one of market.toml by default."
    )
    return option(function)


def index_key(session: Session, root: str, name: str | None) -> PrivateKey | None:
    """Return the key that signs the index of a folder; None where none does.

    :param name: as it was typed; the one of ``market.toml`` if None.
    :raises NotFoundError: when there is no such key.
    """
    from ..market.keys import Keyring
    from ..market.market_toml import read_settings

    return Keyring(session.places).chosen(name, read_settings(root).key)
