"""Bring a distribution from an index: chosen, downloaded, and held to what the index says."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from . import bringing
from .bringing import Goods
from .errors import AdvisoryError, IntegrityError, SkillNotFoundError
from .findings import Finding
from .market.simple_index import SimpleIndex
from .market.simple_pages import File, Page
from .names import DISTRIBUTION_PREFIX
from .wheel_choice import choose

if TYPE_CHECKING:
    from .lock import Locked
    from .specs import Spec

__all__ = ["locked", "newest"]


def newest(index: SimpleIndex, spec: Spec) -> Goods:
    """Return the wheel of an index that a SPEC asks for.

    :raises SkillNotFoundError: when it has none.
    :raises AdvisoryError: when the project is in quarantine.
    :raises IntegrityError: when what comes is not what the index promises.
    :raises NetworkError: when it cannot be had.
    """
    try:
        page = index.page(spec.name)
    except SkillNotFoundError as error:
        if not spec.name.startswith(DISTRIBUTION_PREFIX):
            error.hint = f"kurt install {DISTRIBUTION_PREFIX}{spec.name}@{index.name}, if it is a "
            error.hint += "skill's own distribution"
        raise
    _refuse_quarantine(index, page)
    return _of(index, page, choose(page, spec).file)


def locked(index: SimpleIndex, row: Locked) -> Goods:
    """Return exactly the wheel that a lock names, yanked or not.

    :raises IntegrityError: when the index has it no longer, or another of its name.
    :raises NetworkError: when it cannot be had.
    """
    assert row.wheel is not None
    page = index.page(row.distribution or "")
    _refuse_quarantine(index, page)
    for file in page.files:
        if file.digest == row.digest and file.filename == row.wheel:
            return _of(index, page, file)
    other = next((file.digest for file in page.files if file.filename == row.wheel), None)
    raise IntegrityError(
        f"{row.name} {row.version} is not the one that is locked"
        if other
        else f"{index.name} has {row.wheel} no longer",
        cause=f"locked {row.digest}\nfound {other}" if other else f"asked: {index.url}",
        hint=f"kurt install {row.distribution}@{index.name}, if another will do",
        skill=row.name,
    )


def _refuse_quarantine(index: SimpleIndex, page: Page) -> None:
    if page.status == "quarantined":
        raise AdvisoryError(
            f"{page.name} is in quarantine at {index.name}, and is not taken",
            cause=page.reason or None,
            skill=page.name,
        )


def _of(index: SimpleIndex, page: Page, file: File) -> Goods:
    said = index.metadata(page, file)
    data = index.wheel(page, file)
    _hold_to_metadata(file, data, said)
    goods = bringing.of_wheel(file.filename, data)
    goods.source = None
    goods.index = index
    told = index.attested(page, file)
    goods.identities = told.identities
    goods.warnings += told.warnings
    goods.origin = {**goods.origin, "url": file.url, "distribution": page.name}
    if file.yanked is not None:
        goods.warnings.append(
            Finding(
                "yanked",
                "warning",
                f"{file.filename} was withdrawn: {file.yanked}",
                fix=f"kurt install {page.name}@{index.name}",
            )
        )
    if page.status != "active":
        reason = f": {page.reason}" if page.reason else ""
        text = f"{page.name} is {page.status} at {index.name}{reason}"
        goods.warnings.append(Finding("project-status", "warning", text))
    return goods


def _hold_to_metadata(file: File, data: bytes, said: bytes | None) -> None:
    """Raise where the metadata beside a wheel is not that in it: others resolve by the one.

    :raises IntegrityError: then.
    """
    if said is None:
        return
    stem = "-".join(file.filename.split("-")[:2])
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = archive.open(f"{stem}.dist-info/METADATA").read(len(said) + 1)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return  # what it is instead, unpacking it tells
    if inside != said:
        raise IntegrityError(
            f"the index says something else of {file.filename} than it says of itself",
            cause="its metadata is not that beside it",
        )
