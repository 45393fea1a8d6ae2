"""What changes from one version of a skill to another, as a page shows it and as a patch.

Releases stay as they are: what was worked out for two of them is kept, and a patch may be
kept by anybody for ever. Only the page around it changes, with what is withdrawn or advised.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple, TypeVar

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..market.documents.release import Release
from .comparing import (
    UNREADABLE,
    Change,
    Judgements,
    Permissions,
    changes,
    judgements,
    permissions,
)
from .files import FOREVER, fits
from .patches import Room, patch, table
from .shelf import Shelf
from .telling import the_release

__all__ = ["Difference", "Differences", "Row"]

_T = TypeVar("_T")
#: Differences that are kept; bytes of the tables of one, and of the names of its files.
_KEPT, _ROOM, _NAMES = 16, 384 << 10, 96 << 10
#: Files that are named.
_NAMED = 300
_TITLES = {"changed": "Changed", "renamed": "Renamed", "added": "Added", "removed": "Removed"}


class Row(NamedTuple):
    """One file that is not as it was, as a page shows it.

    :param plus: lines that come; ``minus`` lines that go.
    :param table: the rows of its table; "" where they are not shown.
    :param left: changed lines that are left out of it.
    """

    change: Change
    plus: int
    minus: int
    table: Markup
    left: int


class Difference(NamedTuple):
    """What changes from one release to another.

    :param groups: (title, rows) of each kind of change that there is.
    :param more: files besides; ``same`` those that are as they were.
    :param plus: lines that come, of all that were compared; ``minus`` those that go.
    """

    permissions: Permissions
    judgements: Judgements
    groups: list[tuple[str, list[Row]]]
    more: int
    same: int
    plus: int
    minus: int


class Differences:
    """Works out what changes between two releases, one at a time, and keeps it for a while."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept: OrderedDict[tuple[str, ...], Difference] = OrderedDict()
        self._turn = asyncio.Semaphore(1)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/diffs/{id}/{old}/{new}.diff", self.patch)]

    async def between(self, old: Release, new: Release) -> Difference:
        """Return what changes from one release of a skill to another."""
        # A release may be judged anew, by other rules.
        key = (old.source.digest, new.source.digest, *[_judged(one) for one in (old, new)])
        found = self._kept.get(key)
        if found is None:
            found = await self._alone(lambda: self._made(old, new))
            rows = [row for _, rows in found.groups for row in rows]
            if all(row.change.why_not != UNREADABLE for row in rows):
                self._kept[key] = found
        else:
            self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    async def _alone(self, work: Callable[[], _T]) -> _T:
        async with self._turn:
            return await asyncio.to_thread(work)

    def _made(self, old: Release, new: Release) -> Difference:
        found, same = changes(self._shelf, old, new)
        room, names = Room(_ROOM), Room(_NAMES)
        groups: dict[str, list[Row]] = {}
        named = plus = minus = 0
        for change in found:
            come, go = change.counts
            plus, minus = plus + come, minus + go
            if named < _NAMED and names.left > 0:
                named += 1
                # It stands in the list and above its table.
                names.left -= 2 * len(escape(change.path + (change.before or "")).encode())
                rows, left = table(change, room)
                groups.setdefault(_TITLES[change.kind], []).append(
                    Row(change, come, go, rows, left)
                )
            change.old = change.new = []
        judged = judgements(self._shelf, old, new)
        more = len(found) - named
        return Difference(
            permissions(old, new), judged, list(groups.items()), more, same, plus, minus
        )

    async def patch(self, request: Request) -> Response:
        """Answer with the changes of all files, in the format that git and patch read."""
        edition = await self._shelf.current()
        wanted = request.path_params
        document = await self._shelf.document(edition.row(wanted["id"]))
        old, new = (the_release(document, wanted[side]) for side in ("old", "new"))
        etag = _etag(old, new)
        lasting = "latest" not in (wanted["old"], wanted["new"])
        headers = {"ETag": etag, "Cache-Control": FOREVER if lasting else "no-cache"}
        if fits(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        found, _ = await self._alone(lambda: changes(self._shelf, old, new))
        if any(change.why_not == UNREADABLE for change in found):
            headers = {"Cache-Control": "no-store"}
        name = f"{document.id}-{old.version}-{new.version}.diff"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(patch(found), media_type="text/plain", headers=headers)


def _judged(release: Release) -> str:
    scan = release.scan
    return scan.report.digest + scan.ruleset if scan and scan.report else ""


def _etag(old: Release, new: Release) -> str:
    both = f"{old.source.digest} {new.source.digest}"
    return f'"{sha256(both.encode()).hexdigest()[:32]}"'
