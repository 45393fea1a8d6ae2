"""Judge again what is published, by the rules of today."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ..errors import KurtError, PolicyError
from . import releasing
from .collecting import Found, unpacked_wheel
from .documents.skill import SkillDocument

if TYPE_CHECKING:
    from .books import Books
    from .judging import Judge

__all__ = ["rescan"]


def rescan(
    books: Books,
    judge: Judge,
    refused: list[KurtError],
    jobs: int = 0,
    done: Callable[[str, int, int], None] = lambda name, came, total: None,
) -> list[str]:
    """Judge the latest release of each skill that was judged by other rules.

    A release that would be refused today stays; whoever runs the marketplace decides what
    becomes of it.

    :param refused: is told of those that would be refused, and of those that are damaged.
    :param jobs: processes that judge; 0 chooses.
    :param done: is told the name of each skill that was judged, how many, and of how many.
    :returns: ``id version`` of what was judged.
    """
    folders: dict[str, dict[str, Any]] = {}
    judged = []
    for name in sorted(books.rows):
        try:
            release = _outdated(books, name, judge.ruleset)
            if release is None:
                continue
            if release["source"]["type"] == "files":
                folders[name] = release
                continue
            report = _judge_wheel(books, release, judge)
        except KurtError as error:
            refused.append(error)
            continue
        _replace(books, name, release, report, judge.ruleset, refused)
        judged.append(f"{name} {release['version']}")

    def files(name: str) -> dict[str, bytes]:
        rows = folders[name]["source"]["files"]
        return {row["path"]: books.files.blob_data(row["digest"], row["size"]) for row in rows}

    with closing(judge.reports(list(folders), files, jobs)) as reports:
        pairs = zip(folders.items(), reports, strict=True)
        for number, ((name, release), report) in enumerate(pairs, 1):
            done(name, number, len(folders))
            _replace(books, name, release, report, judge.ruleset, refused)
            judged.append(f"{name} {release['version']}")
    return sorted(judged)


def _outdated(books: Books, name: str, ruleset: str) -> dict[str, Any] | None:
    """Return the latest release of a skill, if it was judged by other rules."""
    document = books.document(name)
    latest = None if document is None else SkillDocument.of(document).latest
    if document is None or latest is None:
        return None
    if latest.scan is not None and latest.scan.ruleset == ruleset:
        return None
    rows: list[dict[str, Any]] = document["releases"]
    return next(row for row in rows if row["version"] == latest.version)


def _judge_wheel(books: Books, release: dict[str, Any], judge: Judge) -> dict[str, Any]:
    paths = [books.reader.path(wheel["url"]) for wheel in release["source"]["wheels"]]
    with unpacked_wheel(paths) as (found, dist_info):
        return judge.wheel(dist_info, found.record)


def _replace(
    books: Books,
    name: str,
    release: dict[str, Any],
    report: dict[str, Any],
    ruleset: str,
    refused: list[KurtError],
) -> None:
    document = books.document(name)
    assert document is not None
    changed = {**release, "scan": releasing.scan(books, report, ruleset)}
    releases = [changed if row is release else row for row in document["releases"]]
    books.put({**document, "releases": releases})
    found = Found(os.path.join(books.root, name), release["manifest"], "", ())
    try:
        releasing.gate(found, report, books.settings.minimum_score)
    except PolicyError as error:
        error.message = f"published, and would be refused today: {error.message}"
        error.hint = f'kurt market yank {name} {release["version"]} --reason "…"'
        refused.append(error)
