"""Read and write ``market.toml``, by which the owner of a marketplace says how it is built."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any, NamedTuple

from ..atomic import write_atomically
from ..errors import ConfigError, StorageError

__all__ = ["FILE", "Settings", "read_settings", "write_settings"]

FILE = "market.toml"
_NAME = re.compile("[a-z0-9](?:-?[a-z0-9])*")
_HEAD = "# How `kurt market build` makes this marketplace.\n"


class Settings(NamedTuple):
    """How a marketplace is built.

    :param name: what it calls itself.
    :param publisher: who publishes what is built here.
    :param days: after which an index is not believed any more.
    :param minimum_score: what is judged below is refused.
    :param profile: the profile of the validator by which it is judged.
    :param key: the name of the key that signs the index.
    :param max_files: files that a skill may have.
    :param max_bytes: bytes that they may have together.
    :param sigstore_root: the file of the trusted root by which attestations are verified before
        they are published, from the folder on; that of Sigstore's public instance if empty.
    :param database: the address of the Postgres in which its servers remember; "" for a file
        of the machine that serves it.
    """

    name: str = "market"
    title: str = ""
    homepage: str = ""
    publisher: str = ""
    days: int = 30
    minimum_score: int = 60
    profile: str = "publish"
    key: str = ""
    max_files: int = 512
    max_bytes: int = 16 << 20
    sigstore_root: str = ""
    database: str = ""


_KEYS = {field.replace("_", "-"): field for field in Settings._fields}


def read_settings(root: str) -> Settings:
    """Return the settings of a marketplace; without a file, its name is that of the folder.

    :raises ConfigError: when the file cannot be understood.
    """
    path = os.path.join(root, FILE)
    try:
        with open(path, "rb") as stream:
            data = tomllib.load(stream)
    except FileNotFoundError:
        data = {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read", cause=str(error), at=path) from error
    found: dict[str, Any] = {}
    for key, value in data.items():
        field = _KEYS.get(key)
        if field is None:
            keys = ", ".join(_KEYS)
            raise ConfigError(f"{path} has a key {key!r}", at=path, hint=f"keys: {keys}")
        default = Settings._field_defaults[field]
        if type(value) is not type(default) or (isinstance(value, int) and value < 0):
            word = "a text" if isinstance(default, str) else "a number, 0 or more"
            raise ConfigError(f"{key} in {path} must be {word}", at=path)
        found[field] = value
    found.setdefault("name", _slug(os.path.basename(os.path.abspath(root))))
    found.setdefault("publisher", found["name"])
    for key in ("name", "publisher"):
        if not _NAME.fullmatch(found[key]) or len(found[key]) > 64:
            raise ConfigError(
                f"{key} in {path} is {found[key]!r}",
                cause="it must be 1 to 64 characters of a-z, 0-9 and single inner hyphens",
                at=path,
            )
    return Settings(**found)


def write_settings(root: str, settings: Settings) -> None:
    """Write the settings that are not the defaults, as a file that a person edits.

    :raises StorageError: when it cannot be written.
    """
    from ..toml_edit import to_toml

    lines = [_HEAD]
    for key, field in _KEYS.items():
        value = getattr(settings, field)
        if value != Settings._field_defaults[field] or field in ("name", "publisher"):
            lines.append(f"{key} = {to_toml(value)}\n")
    path = os.path.join(root, FILE)
    try:
        write_atomically(path, "".join(lines).encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{root} cannot be written", cause=reason, at=path) from error


def _slug(text: str) -> str:
    """Return the nearest name to that of a folder."""
    word = re.sub("-+", "-", re.sub("[^a-z0-9]", "-", text.lower())).strip("-")
    return word[:64].strip("-") or "market"
