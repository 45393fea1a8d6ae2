"""Read what an index of distributions says of a project: JSON (PEP 691) or HTML (PEP 503).

Both say the same: files with their SHA-256, what Python they are for, whether they were
yanked (PEP 592), where their metadata lies (PEP 658, PEP 714), who has attested them
(PEP 740); JSON also when they came and how large they are (PEP 700). Either says what
became of the project (PEP 792).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from ..errors import MarketError
from . import digests

__all__ = ["ACCEPT", "PAGE_LIMIT", "File", "Page", "parse"]

#: What is asked for, the better first.
ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)
#: The longest pages of PyPI have some 10 MiB.
PAGE_LIMIT = 64 << 20
_MAX_FILES = 100_000
_STATUSES = ("active", "archived", "quarantined", "deprecated")


class File(NamedTuple):
    """One file of a project.

    :param url: where it lies, absolute.
    :param digest: its SHA-256 as ``sha256:HEX``; "" where the index does not say it.
    :param yanked: why it was yanked; None where it was not.
    :param published: when it came, RFC 3339; "" where the index does not say it.
    :param metadata: the SHA-256 of its ``.metadata``; "" where that has none, or is not there.
    :param provenance: where it is said who has attested it (PEP 740), absolute; "" for nowhere.
    """

    filename: str
    url: str
    digest: str
    size: int | None = None
    requires_python: str = ""
    yanked: str | None = None
    published: str = ""
    metadata: str = ""
    provenance: str = ""


class Page(NamedTuple):
    """What an index has of a project.

    :param status: active, archived, deprecated or quarantined; ``reason`` why.
    """

    name: str
    url: str
    files: tuple[File, ...]
    status: str = "active"
    reason: str = ""


def parse(name: str, url: str, kind: str, data: bytes) -> Page:
    """Return what a page says; what of its files cannot be understood is left out.

    :param name: of the project that was asked for, normalised.
    :param url: where the page came from, which its links begin at.
    :param kind: the media type that the server says.
    :raises MarketError: when it is no such page, or of a version that nobody knows.
    """
    media = kind.partition(";")[0].strip().lower()
    if media in ("application/vnd.pypi.simple.v1+json", "application/json"):
        return _from_json(name, url, data)
    if media in ("application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml"):
        return _from_html(name, url, data)
    raise _refused(url, f"it is {media or 'of no type'}, and JSON or HTML was asked for")


def _refused(url: str, reason: str) -> MarketError:
    return MarketError(
        f"{url.partition('?')[0]} is no page of an index of distributions", cause=reason
    )


def _check_version(url: str, version: object) -> None:
    """Raise where a page is of another major version (PEP 629)."""
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise _refused(url, f"its version is {version!r}, and 1.0 can be read")


def _from_json(name: str, url: str, data: bytes) -> Page:
    try:
        raw = json.loads(data)
        _check_version(url, raw["meta"]["api-version"])
        said, rows = raw["name"], raw["files"]
        if not isinstance(said, str) or not isinstance(rows, list) or len(rows) > _MAX_FILES:
            raise ValueError("it has no name, or no list of files that is of use")
        status = raw.get("project-status") or {}
        if not isinstance(status, dict):
            raise ValueError("its status is none")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(url, f"{type(error).__name__}: {error}"[:300]) from error
    _check_name(name, said, url)
    files = [_of_row(url, row) for row in rows if isinstance(row, dict)]
    return _page(name, url, files, status.get("status"), status.get("reason"))


def _page(name: str, url: str, files: list[File | None], status: object, reason: object) -> Page:
    word = status if isinstance(status, str) and status in _STATUSES else "active"
    told = " ".join(reason.split())[:500] if isinstance(reason, str) else ""
    return Page(name, url, tuple([one for one in files if one is not None]), word, told)


def _check_name(name: str, said: str, url: str) -> None:
    from ..names import normalize

    if normalize(said) != name:
        raise _refused(url, f"it is that of {said[:100]!r}")


def _of_row(url: str, row: Mapping[str, Any]) -> File | None:
    filename, link = row.get("filename"), row.get("url")
    hashes = row.get("hashes")
    if not isinstance(filename, str) or not isinstance(link, str) or not isinstance(hashes, dict):
        return None
    size, yanked = row.get("size"), row.get("yanked", False)
    metadata = row.get("core-metadata", row.get("dist-info-metadata"))
    return _file(
        url,
        filename,
        link,
        digest=hashes.get("sha256"),
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        requires_python=row.get("requires-python"),
        yanked=None if yanked in (False, None) else yanked,
        published=row.get("upload-time"),
        metadata=metadata.get("sha256") if isinstance(metadata, dict) else None,
        provenance=row.get("provenance"),
    )


def _file(
    base: str,
    filename: str,
    link: str,
    *,
    digest: object,
    size: int | None = None,
    requires_python: object = None,
    yanked: object = None,
    published: object = None,
    metadata: object = None,
    provenance: object = None,
) -> File | None:
    try:
        url = urljoin(base, link).partition("#")[0]
        told = urljoin(base, provenance) if isinstance(provenance, str) and provenance else ""
    except ValueError:
        return None
    if "/" in filename or "\\" in filename or not filename.isprintable():
        return None
    reason = yanked if isinstance(yanked, str) and yanked else "no reason is given"
    return File(
        filename,
        url,
        _digest(digest),
        size if size is None or size >= 0 else None,
        requires_python.strip() if isinstance(requires_python, str) else "",
        None if yanked is None else " ".join(reason.split())[:500],
        published if isinstance(published, str) else "",
        _digest(metadata),
        told,
    )


def _digest(value: object) -> str:
    text = f"sha256:{value.lower()}" if isinstance(value, str) else ""
    return text if digests.is_digest(text) else ""


def _from_html(name: str, url: str, data: bytes) -> Page:
    from .simple_html import Links

    reader = Links(url, data)
    _check_version(url, reader.meta.get("pypi:repository-version", "1.0"))
    files = [_of_link(reader.base, given) for given in reader.links]
    meta = reader.meta
    status, reason = meta.get("pypi:project-status"), meta.get("pypi:project-status-reason")
    return _page(name, url, files, status, reason)


def _of_link(base: str, given: Mapping[str, str | None]) -> File | None:
    link, _, fragment = (given.get("href") or "").partition("#")
    try:
        filename = unquote(urlsplit(link).path.rpartition("/")[2])
    except ValueError:
        return None
    sha = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None
    metadata = given.get("data-core-metadata", given.get("data-dist-info-metadata"))
    return _file(
        base,
        filename,
        link,
        digest=(sha or "").partition("&")[0],
        requires_python=given.get("data-requires-python"),
        yanked=(given["data-yanked"] or "") if "data-yanked" in given else None,
        metadata=(metadata or "").removeprefix("sha256="),
        provenance=given.get("data-provenance"),
    )
