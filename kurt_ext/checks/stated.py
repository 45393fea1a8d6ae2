"""What the manifests of a skill say, word for word, before anything of it is put right.

The reader leaves out what it refuses. A check that judges a name, or a permission,
must judge also the one that was refused: it is the one that was meant.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from ..sources import fetch
from .subject import Subject

__all__ = ["CONFIG", "fields", "permissions", "texts", "values"]

CONFIG = "config.json"
_MAX_DEPTH = 64
_MAX_TEXTS = 5_000
_kept: WeakKeyDictionary[Subject, dict[str, Mapping[str, Any]]] = WeakKeyDictionary()


def fields(subject: Subject) -> dict[str, Mapping[str, Any]]:
    """Return file → what it states, for each manifest and for ``config.json``.

    Empty where a file holds no mapping, or cannot be understood by any reader.
    """
    found = _kept.get(subject)
    if found is None:
        names = [*subject.files, *([CONFIG] if CONFIG in subject.paths else [])]
        found = _kept[subject] = {name: _read(subject, name) for name in names}
    return found


def values(subject: Subject, *keys: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (file, key, value) of each of the keys that a manifest states."""
    for file, stated in fields(subject).items():
        if file != CONFIG:
            for key in keys:
                if key in stated:
                    yield file, key, stated[key]


def permissions(subject: Subject) -> Mapping[str, Any]:
    """Return the permissions that are asked for, in the form of the record.

    Where there is no record, of what the manifest states as much as is lists of texts.
    """
    if subject.record is not None:
        granted: Mapping[str, Any] = subject.record["permissions"]
        return granted
    for _, _, value in values(subject, "permissions"):
        if isinstance(value, Mapping):
            return {
                key: [item for item in listed if isinstance(item, str)]
                for key, listed in value.items()
                if isinstance(listed, list)
            }
    return {}


def texts(value: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield (path, text) of every text in a value, and of every key; at most 5,000."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    count = 0
    while waiting and count < _MAX_TEXTS:
        path, inner = waiting.pop()
        if isinstance(inner, str):
            count += 1
            yield path, inner
        elif len(path) >= _MAX_DEPTH:
            continue
        elif isinstance(inner, Mapping):
            for key, below in inner.items():
                if isinstance(key, str):
                    count += 1
                    yield (*path, key), key
                    waiting.append(((*path, key), below))
        elif isinstance(inner, list):
            waiting += [((*path, number), below) for number, below in enumerate(inner)]


def _read(subject: Subject, name: str) -> Mapping[str, Any]:
    data = fetch(os.path.join(subject.folder, name), name)
    if not isinstance(data, bytes):
        return {}
    value = _front(data, name) if name == "SKILL.md" else _json(data, name)
    return value if isinstance(value, Mapping) else {}


def _front(data: bytes, name: str) -> object:
    from .. import frontmatter

    front = frontmatter.split(data, name, [])
    if front.text is None:
        return None
    return frontmatter.load(front.text, name, front.line, [])[0]


def _json(data: bytes, name: str) -> object:
    from .. import strictjson
    from ..sources import Refused

    try:
        return strictjson.load(data, name, [])
    except Refused:
        return _leniently(data)


def _leniently(data: bytes) -> object:
    """Return what a careless reader makes of a text that the strict one refuses."""
    import json

    try:
        text = data.decode("utf-8-sig")
        return json.JSONDecoder().raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None
