"""Say who a publisher is, and which keys are theirs."""

from __future__ import annotations

import base64
from typing import Any

from ..errors import NotFoundError
from ..names import suggest
from .attaching import named
from .books import Books
from .holding import held
from .identities import Wanted, parse
from .publishing import commit
from .signing import PrivateKey, key_id, parse_public
from .times import stamp

__all__ = ["change", "show"]


def show(root: str, name: str) -> dict[str, Any]:
    """Return the document of a publisher.

    :raises NotFoundError: when there is none of that name.
    """
    books = Books(root)
    if name not in books.publishers:
        near = suggest(name, books.publishers)
        raise NotFoundError(f"no publisher is called {name}", candidates=near)
    return books.publisher(name)


def change(
    root: str,
    name: str,
    *,
    title: str | None = None,
    homepage: str | None = None,
    add_key: str | None = None,
    revoke_key: str | None = None,
    add_identity: str | None = None,
    revoke_identity: str | None = None,
    index_key: PrivateKey | None = None,
) -> dict[str, Any]:
    """Change what is said of a publisher, or say it for the first time; return the document.

    :param title: what they are called; "" for nothing.
    :param homepage: where more is known of them; "" for nothing.
    :param add_key: a public key of theirs, ``ed25519:`` and Base64.
    :param revoke_key: the id of a key: nothing that is published from now on counts as signed
        by it.
    :param add_identity: who may attest releases of theirs: a repository, a workflow, or NAME via
        ISSUER, see :mod:`.identities`.
    :param revoke_identity: one of these, which nothing counts as attested by that is published
        from now on.
    :param index_key: signs the index.
    :raises SignatureError: when the public key is none.
    :raises ConfigError: when an identity is none.
    :raises NotFoundError: when there is no key to revoke.
    :raises MarketError: when the name is none.
    """
    with held(root):
        books = Books(root)
        document = dict(books.publisher(name))
        for field, word in (("title", title), ("homepage", homepage)):
            if word is not None:
                document[field] = word
                if not word:
                    del document[field]
        keys = list(document.get("keys", ()))
        if add_key is not None:
            keys = _added(keys, add_key)
        if revoke_key is not None:
            keys = _revoked(keys, name, revoke_key)
        rows = list(document.get("identities", ()))
        if add_identity is not None:
            rows = _named(rows, parse(add_identity))
        if revoke_identity is not None:
            rows = _ended(rows, name, parse(revoke_identity))
        if rows:
            document["identities"] = rows
        books.put_publisher({**document, "keys": keys})
        commit(books, index_key)
        return books.publisher(name)


def _added(keys: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    raw = parse_public(text)
    if any(one["id"] == key_id(raw) for one in keys):
        return keys
    row = {"id": key_id(raw), "type": "ed25519", "key": base64.b64encode(raw).decode()}
    return [*keys, {**row, "since": stamp()}]


def _named(rows: list[dict[str, Any]], who: Wanted) -> list[dict[str, Any]]:
    if any(_is(row, who) and "revoked" not in row for row in rows):
        return rows
    return [*rows, named(who)]


def _ended(rows: list[dict[str, Any]], name: str, who: Wanted) -> list[dict[str, Any]]:
    if not any(_is(row, who) for row in rows):
        raise NotFoundError(
            f"{name} has no identity {who.text}",
            hint=f"kurt market publisher {name}",
            candidates=[row.get("subject") or row["repository"] for row in rows],
        )
    end = {"revoked": stamp()}
    return [{**end, **row} if _is(row, who) else row for row in rows]


def _is(row: dict[str, Any], who: Wanted) -> bool:
    """Return whether a row is what is meant: its subject, or its repository where it has none."""
    return row["issuer"] == who.issuer and who.name == row.get("subject", row.get("repository"))


def _revoked(keys: list[dict[str, Any]], name: str, key: str) -> list[dict[str, Any]]:
    if not any(one["id"] == key for one in keys):
        raise NotFoundError(
            f"{name} has no key {key}",
            hint=f"kurt market publisher {name}",
            candidates=[one["id"] for one in keys],
        )
    return [
        {**one, "revoked": stamp()} if one["id"] == key and "revoked" not in one else one
        for one in keys
    ]
