"""Make a release of a skill, and put it into the books."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConflictError, MarketError, PluginValidationError, ReleaseExistsError
from ..semver import key
from . import digests
from .collecting import Found, archive, wheel_identity
from .documents.base import API_VERSION
from .notation import to_json
from .times import stamp

if TYPE_CHECKING:
    from .books import Books

__all__ = ["add", "folder_release", "gate", "is_there", "scan", "wheels_release"]


def is_there(books: Books, found: Found, publisher: str) -> bool:
    """Return whether exactly this release is published already.

    :raises ReleaseExistsError: when the version is, with another content.
    :raises ConflictError: when the skill is another publisher's.
    """
    document = books.document(found.name)
    if document is None:
        other = books.namesake(found.name)
        if other is not None:
            raise ConflictError(
                f"{found.name} and {other} would be one module and one distribution",
                at=found.path,
                hint="give the skill another name",
                skill=found.name,
            )
        return False
    if document["publisher"] != publisher:
        raise ConflictError(
            f"{found.name} is published by {document['publisher']}, not by {publisher}",
            at=found.path,
            hint="give the skill another name",
            skill=found.name,
        )
    for release in document["releases"]:
        if release["version"] == found.version:
            if release["source"]["digest"] == found.digest:
                return True
            raise ReleaseExistsError(
                f"{found.name} {found.version} is published already, with another content",
                cause=f"published {release['source']['digest']}\nfound {found.digest}",
                at=found.path,
                hint=f"give it a new version, after {max(document['versions'], key=key)}",
                skill=found.name,
                version=found.version,
            )
    return False


def gate(found: Found, report: Mapping[str, Any], minimum: int) -> None:
    """Refuse what the marketplace does not take.

    :param report: of the validator, as JSON values.
    :raises PluginValidationError: when it is not valid, or its score is below the gate.
    """
    from ..report import Report

    whole = Report.from_dict(report)
    whole.raise_if_invalid()
    if whole.score < minimum:
        worst = [str(finding) for finding in whole.findings if finding.severity != "info"]
        raise PluginValidationError(
            f"{found.name} has a score of {whole.score}, and {minimum} is the least",
            cause="\n".join(worst[:10]) or None,
            at=found.path,
            hint=f"kurt validate {found.path} --profile {whole.profile}",
            skill=found.name,
            validation_result=whole,
        )


def _base(
    books: Books, found: Found, publisher: str, report: Mapping[str, Any] | None, ruleset: str
) -> dict[str, Any]:
    """Return what a release of either sort has."""
    record = found.record
    release: dict[str, Any] = {
        "version": found.version,
        "published": stamp(),
        "publisher": publisher,
        "yanked": False,
        "manifest": record,
        "permissions": record["permissions"],
        "permissions-digest": digests.of_permissions(record["permissions"]),
        "kinds": list(found.kinds),
    }
    if record["requires_python"]:
        release["requires-python"] = record["requires_python"]
    bounds = [f">={record['min_runtime_version']}"] if record["min_runtime_version"] else []
    if record["max_runtime_version"] != "*":
        bounds.append(f"<={record['max_runtime_version']}")
    if bounds:
        release["requires-kurt"] = ",".join(bounds)
    if report is not None:
        release["scan"] = scan(books, report, ruleset)
    return release


def scan(books: Books, report: Mapping[str, Any], ruleset: str) -> dict[str, Any]:
    """Return what a release says of how it was judged; the whole report is written as a blob.

    :param ruleset: the digest of the rules.
    """
    told = {key: value for key, value in report.items() if key != "path"}
    return {
        "score": report["security_score"],
        "risk": report["risk_level"],
        "valid": report["valid"],
        "complete": report["complete"],
        "profile": report["profile"],
        "ruleset": ruleset,
        "counts": {word: count for word, count in report["counts"].items() if count},
        "report": books.files.blob(to_json(told)),
    }


def folder_release(
    books: Books,
    found: Found,
    files: Mapping[str, bytes],
    publisher: str,
    report: Mapping[str, Any] | None,
    ruleset: str,
) -> dict[str, Any]:
    """Return the release of a folder; its files are written as blobs.

    :param report: what the validator said of these very bytes; None where it was not asked.
    :raises MarketError: when it judged other bytes.
    """
    rows = [{"path": path, **_row(data)} for path, data in files.items()]
    if report is not None:
        judged = report["digests"]
        for row in rows:
            if judged.get(row["path"]) != digests.to_hex(row["digest"]):
                raise MarketError(
                    f"{row['path']} is not what was judged",
                    cause="it was changed in the meantime, or is not looked into",
                    at=found.path,
                    skill=found.name,
                )
    source = {
        "type": "files",
        "digest": digests.of_tree([(row["path"], row["digest"]) for row in rows]),
        "size": sum(row["size"] for row in rows),
        "files": rows,
    }
    if source["digest"] != found.digest:
        raise MarketError(f"{found.path} was changed while it was read", at=found.path)
    release = _base(books, found, publisher, report, ruleset)
    for data in files.values():
        books.files.blob(data)
    packed = archive(files)
    digest = digests.of_bytes(packed)
    name = f"files/archives/{digest[7:23]}/{found.name}-{found.version}.zip"
    source["archive"] = books.files.keep(name, packed, digest)
    return release | {"source": source}


def _row(data: bytes) -> dict[str, Any]:
    return {"digest": digests.of_bytes(data), "size": len(data)}


def wheel_row(books: Books, path: str, requires_python: str | None = None) -> dict[str, Any]:
    """Write a wheel under its own name, and return its row."""
    name = os.path.basename(path)
    with open(path, "rb") as stream:
        data = stream.read()
    digest = digests.of_bytes(data)
    pointer = books.files.keep(f"files/wheels/{digest[7:23]}/{name}", data, digest)
    row = {"filename": name, **pointer}
    if requires_python:
        row["requires-python"] = requires_python
    return row


def wheels_release(
    books: Books,
    found: Found,
    wheels: Sequence[str],
    publisher: str,
    report: Mapping[str, Any] | None,
    ruleset: str,
) -> dict[str, Any]:
    """Return the release of a distribution; its wheels are written."""
    release = _base(books, found, publisher, report, ruleset)
    distribution, version = wheel_identity(wheels[0])
    needs = found.record["requires_python"]
    release["source"] = {
        "type": "wheels",
        "distribution": distribution,
        "version": version,
        "digest": found.digest,
        "wheels": [wheel_row(books, path, needs) for path in sorted(wheels)],
    }
    return release


def add(books: Books, found: Found, release: dict[str, Any]) -> None:
    """Put a release into its skill's document, at the next commit."""
    name, publisher = found.name, release["publisher"]
    document = books.document(name)
    if document is None:
        document = {
            "meta": {"api-version": API_VERSION},
            "id": name,
            "publisher": publisher,
            "project-status": {"status": "active"},
            "versions": [],
            "releases": [],
        }
    if publisher not in books.publishers:
        books.put_publisher(books.publisher(publisher))
    releases = [*document["releases"], release]
    versions = [row["version"] for row in releases]
    books.put({**document, "releases": releases, "versions": versions})
