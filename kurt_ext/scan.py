"""Look at everything that may have changed, decide who wins, and write the index anew.

What the last index saw and nothing has touched since is taken over as bytes:
of a thousand skills with one changed, one manifest is read.
"""

from __future__ import annotations

import os
import time

from . import index as store
from .candidates import SCOPES
from .config import Config
from .errors import KurtError
from .findings import Finding
from .folders import list_root, one_folder
from .found import MISFIT, Found
from .installed import Unit, in_archive, in_folder, one
from .jsontext import dumps
from .listing import list_envelope, row
from .names import NAMESPACE_PREFIX
from .trust import Trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .index import Fingerprint, Index
    from .places import Places

__all__ = ["Scan", "scan"]


class Scan:
    """One look at everything; the parts of a `Discovery`."""

    __slots__ = (
        "_listing",
        "_moved",
        "_previous",
        "_roots",
        "_rows",
        "_seen",
        "_spans",
        "_started",
        "bases",
        "config",
        "founds",
        "listing",
        "places",
        "problems",
    )

    def __init__(self, places: Places, previous: Index | None, own: bool) -> None:
        self.places = places
        self._started = time.time_ns()
        self._previous = previous
        self._rows: dict[str, Any] = {}
        self._listing = b""
        self._seen: dict[str, tuple[list[str], list[Fingerprint], int]] = {}
        if previous is not None:
            self._rows = previous.load("rows")
            self._listing = previous.section("list")
            self._seen = {
                base: (probes, marks, new) for base, probes, marks, new in previous.sweeps
            }
        #: Whether anything but the content of units is other than the last index has it.
        self._moved = not own
        #: (base folder, its fingerprint, its units)
        self.bases: list[tuple[str, Fingerprint, list[Found]]] = []
        self.founds: list[Found] = []
        self.problems: list[Finding] = []
        self.listing = b""

    def run(self) -> None:
        """Look, decide, render, and write the index and the shims."""
        places = self.places
        files = (places.user_config, places.project_config, places.trust)
        marks = [store.fingerprint(path) for path in files]
        trust = self._read_trust(marks[2])
        whole = trust.covers(places.project)
        for base in dict.fromkeys([os.path.abspath(p) for p in store.search_path(places)]):
            self._installed(base)
        words, opt_in = self._data()
        view = (marks, sorted(opt_in), trust.heeds(places.project_config, whole))
        self.config = self._read_config(*view)
        same_words = self._rows.get("words") == words
        self._roots = places.roots(self.config.skill_paths)
        for scope, root in self._roots:
            self._folders(scope, root, words, same_words)
        self._decide(trust, whole)
        self.problems += [*self.config.findings, *self._conflicts()]
        same_view = self._rows.get("view") == view and not self._racy(marks)
        shims = self._sync_shims()
        self._render(opt_in, same_view)
        if not (same_words and same_view and self._only_just_edited(shims)):
            self._write(view, words, shims, trust)

    def _only_just_edited(self, shims: dict[str, Any]) -> bool:
        """Return whether all that changed is too young for a new index to be trusted with it.

        It is read again by the next look anyway, and written once it has settled.
        """
        if self._moved or self._rows.get("shims") != shims:
            return False
        fresh = [found for _, _, founds in self.bases for found in founds if found.fresh]
        return bool(fresh) and all(
            any(store.is_racy(mark, self._started) for mark in found.marks) for found in fresh
        )

    # Looking ---------------------------------------------------------------

    def _racy(self, marks: list[Fingerprint]) -> bool:
        written = self._previous.written if self._previous is not None else 0
        return any(store.is_racy(mark, written) for mark in marks)

    def _read_trust(self, mark: Fingerprint) -> Trust:
        """Return what is trusted; a file that is as it was is not parsed, which takes `json`."""
        known, paths = self._rows.get("trust", (None, ()))
        if mark is not None and known == mark and not self._racy([mark]):
            return Trust.of(self.places, paths)
        return Trust.load(self.places)

    def _read_config(self, marks: list[Fingerprint], opt_in: list[str], trusted: bool) -> Config:
        if self._rows.get("view") == (marks, opt_in, trusted) and not self._racy(marks):
            return Config.from_data(self._rows["config"])
        words = [namespace.removeprefix(NAMESPACE_PREFIX) for namespace in opt_in]
        return Config.load(self.places, trusted=trusted, opt_in=words)

    def _reusable(self, base: str) -> list[Found]:
        """Return the units that the last index saw in a folder and that nothing has touched."""
        if self._previous is None or base not in self._rows["bases"]:
            return []
        _, stored = self._rows["bases"][base]
        probes, before, newest = self._seen[base]
        marks = self._previous.swept.get(base)
        if marks is None:
            marks = store.sweep(base, probes)
        written = self._previous.written - store.RACY_NS
        settled = newest <= written
        kept: list[Found] = []
        at = 0
        for item in stored:
            end = at + item[1]
            now = marks[at:end]
            if now == before[at:end] and (settled or not _any_after(now, written)):
                kept.append(Found(base, probes[at:end], now, item, self._listing))
            at = end
        return kept

    def _same_names(self, base: str, mark: Fingerprint) -> list[str] | None:
        """Return the names of the units of a folder that has not changed, else None."""
        if self._previous is None or base not in self._rows["bases"]:
            self._moved = True
            return None
        before, stored = self._rows["bases"][base]
        if before != mark or store.is_racy(mark, self._previous.written):
            self._moved = True
            return None
        return [item[0] for item in stored]

    def _installed(self, base: str) -> None:
        mark = store.fingerprint(base)
        founds: list[Found] = []
        if mark is not None and not os.path.isdir(base):
            founds = [Found.of(base, [], unit) for unit in in_archive(base)]
        elif mark is not None:
            names = self._same_names(base, mark)
            if names is None:
                founds = [_found(base, unit) for unit in in_folder(base)]
            else:
                kept = {found.child: found for found in self._reusable(base)}
                for name in names:
                    found = kept.get(name)
                    if found is None:
                        unit = one(base, name)
                        # The place is kept, so that offers that come back are noticed.
                        unit = unit or Unit(name, (name + "/entry_points.txt",))
                        found = _found(base, unit)
                    founds.append(found)
        self._add(base, mark, founds)

    def _folders(
        self, scope: str, root: str, words: Mapping[str, tuple[str, str]], same_words: bool
    ) -> None:
        mark = store.fingerprint(root)
        names = self._same_names(root, mark) if same_words else None
        if names is None:
            names, problems = list_root(root)
            self.problems += problems
        kept = {found.child: found for found in self._reusable(root)} if same_words else {}
        shim = self.places.shim(scope)
        founds: list[Found] = []
        for name in names:
            found = kept.get(name)
            if found is None:
                found = _found(root, one_folder(root, name, scope, shim, words))
            founds.append(found)
        self._add(root, mark, founds)

    def _add(self, base: str, mark: Fingerprint, founds: list[Found]) -> None:
        self.bases.append((base, mark, founds))
        for found in founds:
            self.problems += [Finding.from_tuple(item) for item in found.problems]
            if found.slug:
                self.founds.append(found)

    # Deciding --------------------------------------------------------------

    def _data(self) -> tuple[dict[str, tuple[str, str]], frozenset[str]]:
        """Return the words of manifests and the opt-in namespaces that distributions give."""
        words: dict[str, tuple[str, str]] = {}
        opt_in: set[str] = set()
        for found in self.founds:
            if not any(key.startswith(("kurt.implements:", "kurt.opt_in:")) for key in found.keys):
                continue
            for group, name, value in found.candidate.offers:
                if group == "kurt.implements":
                    namespace, _, prefix = value.partition(":")
                    words.setdefault(name, (namespace, prefix))
                elif group == "kurt.opt_in":
                    opt_in.add(value)
        return words, frozenset(opt_in)

    def _decide(self, trust: Trust, whole: bool) -> None:
        self.problems += trust.findings
        self.founds.sort(key=lambda found: SCOPES.index(found.scope))
        winners: dict[str, str] = {}
        for found in self.founds:
            # A link in a trusted project may lead anywhere.
            trusted = (
                found.scope != "project"
                or (whole and not found.linked)
                or trust.covers(found.location)
            )
            first = winners.setdefault(found.slug, found.location)
            found.decide(trusted, None if first is found.location else first)
        self.founds.sort(key=Found.order)

    def _conflicts(self) -> list[Finding]:
        """Return a finding for each extension name that several skills offer in one namespace."""
        seen: dict[str, Found] = {}
        findings: list[Finding] = []
        for found in self.founds:
            if not found.ready:
                continue
            for key in found.keys:
                first = seen.setdefault(key, found)
                if first is not found:
                    group, _, name = key.partition(":")
                    findings.append(
                        Finding(
                            "name-conflict",
                            "warning",
                            f"{name} ({group}) is offered by {first.name} and {found.name}",
                            path=found.location,
                            fix=f"say {first.name}:{name} or {found.name}:{name}",
                        )
                    )
        return findings

    # Rendering and writing -------------------------------------------------

    def _sync_shims(self) -> dict[str, Any]:
        """Write the dist-info of every folder that may be imported, and remove the others'.

        Returns scope → (what the shim shows, the fingerprint of its folder); a
        shim of which both are as before is not looked into.
        """
        folders = {root for _, root in self._roots}
        chosen: dict[str, list[Found]] = {"project": [], "user": [], "builtin": []}
        for found in self.founds:
            if found.base in folders and found.ready:
                chosen[found.scope].append(found)
        known = self._rows.get("shims", {})
        state: dict[str, Any] = {}
        for scope, founds in chosen.items():
            root = self.places.shim(scope)
            shown = [(found.slug, found.dist_info, found.signature) for found in founds]
            mark = store.fingerprint(root)
            if known.get(scope) != (shown, mark) or self._racy([mark]):
                self._moved = True
                mark = self._sync(root, founds)
            state[scope] = (shown, mark)
        return state

    def _sync(self, root: str, founds: list[Found]) -> Fingerprint:
        from .shim import Shim

        try:
            changes = Shim(root).sync([found.wanted() for found in founds])
        except KurtError as error:
            # The importer needs no shim: other processes just do not see the skills.
            self.problems.append(
                Finding(error.reference, "warning", error.message, path=root, fix=error.hint or "")
            )
            return None
        self.problems += changes.findings
        # What is wrong with a shim must be said again by the next look.
        return None if changes.findings else store.fingerprint(root)

    def _render(self, opt_in: frozenset[str], same_view: bool) -> None:
        for found in self.founds:
            if not (found.fragment and same_view):
                found.fragment = dumps(row(found.candidate, self.config, opt_in)).encode("ascii")
                found.fresh = True
        fragments = [found.fragment for found in self.founds]
        self.listing, self._spans = list_envelope(fragments, self.problems)

    def _write(
        self, view: Any, words: dict[str, tuple[str, str]], shims: dict[str, Any], trust: Trust
    ) -> None:
        places = self.places
        paths = [places.user_config, places.project_config, places.trust]
        paths += [base for base, _, _ in self.bases]
        known = {base: mark for base, mark, _ in self.bases}
        for scope, (_, mark) in shims.items():
            paths.append(places.shim(scope))
            known[paths[-1]] = mark
        world = [known[path] if path in known else store.fingerprint(path) for path in paths]
        sweeps: list[tuple[str, list[str], list[Fingerprint]]] = []
        for base, _, founds in self.bases:
            probes = [probe for found in founds for probe in found.probes]
            sweeps.append((base, probes, [mark for found in founds for mark in found.marks]))
        spans = {id(f): span for f, span in zip(self.founds, self._spans, strict=True)}
        rows = {
            "words": words,
            # A file with something wrong is read by every look, which says so.
            "trust": (None if trust.findings else view[0][2], trust.paths),
            "shims": shims,
            "view": view,
            "config": self.config.as_data(),
            "bases": {
                base: (mark, [f.stored(spans.get(id(f), (0, 0))) for f in founds])
                for base, mark, founds in self.bases
            },
            "problems": [finding.as_tuple() for finding in self.problems],
        }
        store.write(
            places,
            started=self._started,
            world=(paths, world),
            bases=sweeps,
            pages=list(self._pages()),
            listing=self.listing,
            rows=rows,
            host={
                **rows,
                "bases": {
                    base: (mark, [f.stored((0, 0)) for f in founds if f.extends_host])
                    for base, mark, founds in self.bases
                },
            },
        )

    def _pages(self) -> Iterator[tuple[str, bytes]]:
        old = self._previous.pages() if self._previous is not None else {}
        groups: dict[str, list[Found]] = {}
        for found in self.founds:
            groups.setdefault(found.slug, []).append(found)
        for group in groups.values():
            winner = next(found for found in group if found.shadowed_by is None)
            page = old.get(store.name_hash(winner.name))
            if page is None or any(found.fresh for found in group):
                swept = [(found.base, found.probes, found.marks) for found in group]
                copies = [found.fragment for found in group if found is not winner]
                record = _static_record(winner)
                page = store.make_page(winner.name, swept, winner.fragment, record, copies)
            yield winner.name, page


def _static_record(winner: Found) -> dict[str, Any] | None:
    """Return the manifest where what ``kurt info`` says of it depends on files alone."""
    try:
        record = winner.record or winner.candidate.record()
    except (KurtError, ValueError, OSError):
        return None  # the command itself says what is wrong
    # Whether an external service is configured depends on the environment.
    return None if record["requires_api"] else record


def _any_after(marks: list[Fingerprint], time: int) -> bool:
    return any(mark is not None and (mark[0] > time or mark[1] > time) for mark in marks)


def _found(base: str, unit: Unit) -> Found:
    # Which files to watch is known after the reading. What changes in between is
    # younger than the scan's start, and so not trusted by the next look.
    fingerprint = store.fingerprint
    return Found.of(base, [fingerprint(f"{base}{os.sep}{probe}") for probe in unit.probes], unit)


def scan(places: Places, previous: Index | None, *, anew: bool = False) -> Scan:
    """Look at everything that may have changed since the last index, and write the next one.

    :param previous: the index of this process; where it has none, what another
        environment saw in this project is taken over as far as it still holds.
    :param anew: take over nothing.
    """
    own = previous is not None
    if previous is None and not anew:
        previous = store.Index.open_remembered(places)
    if previous is not None:
        try:
            made = Scan(places, previous, own)
            made.run()
        except MISFIT:
            pass  # another build of the same version wrote rows of another shape
        else:
            return made
    made = Scan(places, None, False)
    made.run()
    return made
