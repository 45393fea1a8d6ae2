"""Advisories: gather those that lie in a marketplace, and tell which releases they are about."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import KurtError, MarketError, VersionError
from ..semver import key
from .documents.advisory import Advisory
from .documents.base import API_VERSION
from .layout import ADVISORIES_LIMIT

if TYPE_CHECKING:
    from .books import Books

__all__ = ["ECOSYSTEM", "Collected", "affects", "collect"]

#: What OSV calls a place that packages come from; ``Kurt:NAME`` is one marketplace.
ECOSYSTEM = "Kurt"
_FOLDER = "kurt/v1/advisories"
_LIMIT = 1 << 20


class Collected(NamedTuple):
    """What lies in the folder of advisories.

    :param document: all that can be read.
    :param refused: why the others cannot.
    """

    document: dict[str, Any]
    refused: list[KurtError]


def collect(books: Books) -> Collected:
    """Return all advisories of a marketplace, and write the list of times that OSV has.

    One whose file can no longer be read counts as it was before: a slip of the pen must not
    take a warning away.
    """
    found: list[dict[str, Any]] = []
    refused: list[KurtError] = []
    spoilt: set[str] = set()
    folder = books.reader.path(_FOLDER)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in sorted(names):
        if not name.endswith(".json") or name.startswith("all."):
            continue
        try:
            data = books.reader.read(f"{_FOLDER}/{name}", _LIMIT)
            advisory = Advisory.model_validate_json(data)
            if f"{advisory.id}.json" != name:
                raise MarketError(f"{name} is the advisory {advisory.id}")
            found.append(json.loads(data))
        except (ValueError, RecursionError) as error:
            reason = str(error).partition("\n")[0]
            at = os.path.join(folder, name)
            refused.append(MarketError(f"{name} is no advisory", cause=reason, at=at))
            spoilt.add(name)
        except KurtError as error:
            refused.append(error)
            spoilt.add(name)
    if spoilt:
        found += [row for row in _before(books) if f"{row['id']}.json" in spoilt]
        found.sort(key=lambda row: str(row["id"]))
    if found:
        rows = sorted([(row["modified"], row["id"]) for row in found], reverse=True)
        text = "".join([f"{modified},{name}\n" for modified, name in rows]).encode()
        _replace(books, f"{_FOLDER}/modified_id.csv", text)
    return Collected({"meta": {"api-version": API_VERSION}, "advisories": found}, refused)


def _before(books: Books) -> list[dict[str, Any]]:
    """Return the advisories that the index names until now."""
    pointer = None if books.index is None else books.index["meta"].get("advisories")
    if pointer is None:
        return []
    data = books.reader.read(pointer["url"], ADVISORIES_LIMIT)
    rows: list[dict[str, Any]] = json.loads(data)["advisories"]
    return rows


def _replace(books: Books, reference: str, data: bytes) -> None:
    try:
        if books.reader.read(reference, len(data)) == data:
            return
    except MarketError:
        pass
    books.files.write(reference, data)


def affects(advisory: Advisory, market: str, name: str, version: str, digest: str = "") -> bool:
    """Return whether an advisory is about a release.

    Where it lists digests, they alone decide, so that the same name and version of somebody
    else is not blamed; else its ``versions`` and its ranges of type ``SEMVER`` do.

    :param market: what the marketplace calls itself; an advisory of the whole ecosystem is
        about each.
    :param digest: of the tree of the release; "" where it is not known.
    """
    if advisory.withdrawn:
        return False
    return any(_affects(one, market, name, version, digest) for one in advisory.affected)


def _affects(
    affected: Mapping[str, Any], market: str, name: str, version: str, digest: str
) -> bool:
    package = affected.get("package")
    if not isinstance(package, Mapping) or package.get("name") != name:
        return False
    if package.get("ecosystem") not in (ECOSYSTEM, f"{ECOSYSTEM}:{market}"):
        return False
    special = affected.get("database_specific")
    digests = special.get("digests") if isinstance(special, Mapping) else None
    if isinstance(digests, list) and digests and digest:
        return digest in digests
    versions, ranges = affected.get("versions"), affected.get("ranges")
    if isinstance(versions, list) and version in versions:
        return True
    if not isinstance(ranges, list):
        return False
    return any(
        isinstance(one, Mapping) and one.get("type") == "SEMVER" and _in_range(one, version)
        for one in ranges
    )


def _in_range(range_: Mapping[str, Any], version: str) -> bool:
    """Return whether a version lies in a range, by OSV's way: its events, in their order.

    An event that cannot be understood makes the range cover more, not less.
    """
    events = range_.get("events")
    if not isinstance(events, list):
        return False
    own = key(version)
    rows = []
    for event in events:
        for word, value in event.items() if isinstance(event, Mapping) else ():
            if word in ("introduced", "fixed", "last_affected") and isinstance(value, str):
                try:
                    rows.append((key("0.0.0-0" if value == "0" else value), word))
                except VersionError:
                    if word == "introduced":
                        rows.append((key("0.0.0-0"), word))
    inside = False
    for at, word in sorted(rows, key=lambda row: row[0]):
        if word == "introduced" and own >= at:
            inside = True
        elif (word == "fixed" and own >= at) or (word == "last_affected" and own > at):
            inside = False
    return inside
