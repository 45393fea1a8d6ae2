"""Tell what became of a distribution at the index that it came from."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import IntegrityError
from .specs import Spec
from .wheel_choice import Wheel, wheels_of

if TYPE_CHECKING:
    from .lock import Locked
    from .market.simple_index import SimpleIndex
    from .market.simple_pages import File, Page

__all__ = ["Ahead", "look", "spec_of"]

_DAY = 86_400


class Ahead:
    """What an index has beyond what is installed.

    :param ready: the version to take, as the index spells it; None where there is none.
    :param waiting: a newer one that is too young, and seconds that it has still to wait.
    :param withdrawn: why the installed one was withdrawn; "" where it was not.
    :param ageless: the index does not say when its files came, so that nothing waits.
    """

    __slots__ = ("ageless", "ready", "until", "waiting", "withdrawn")

    def __init__(
        self, ready: str | None, waiting: str | None, until: float, withdrawn: str, ageless: bool
    ) -> None:
        self.ready = ready
        self.waiting = waiting
        self.until = until
        self.withdrawn = withdrawn
        self.ageless = ageless


def look(index: SimpleIndex, locked: Locked, cooldown: float) -> Ahead:
    """Return what there is beyond a distribution that was installed.

    :param cooldown: days that a release waits, unless the installed one was withdrawn.
    :raises SkillNotFoundError: when the index has it no longer.
    :raises IntegrityError: when a file of the same name is another one now.
    """
    from packaging.utils import parse_wheel_filename

    assert locked.wheel is not None
    page = index.page(locked.distribution or "")
    here = _installed(index, page, locked)
    withdrawn = _withdrawn(page, here)
    version = parse_wheel_filename(locked.wheel)[1]
    ahead = [
        one
        for one in wheels_of(page)[0]
        if one.version > version
        and one.file.yanked is None
        and (version.is_prerelease or not one.version.is_prerelease)
    ]
    if page.status == "quarantined":
        return Ahead(None, None, 0.0, withdrawn, False)
    good = sorted(ahead, key=lambda one: one.version)
    ready = [one for one in good if withdrawn or _rest(one.file, cooldown) <= 0]
    waiting = good[-1] if good and (not ready or good[-1].version > ready[-1].version) else None
    return Ahead(
        str(ready[-1].version) if ready else None,
        str(waiting.version) if waiting else None,
        _rest(waiting.file, cooldown) if waiting else 0.0,
        withdrawn,
        _is_ageless(ready, cooldown),
    )


def spec_of(locked: Locked, version: str) -> Spec:
    """Return how that version of a distribution is asked for."""
    name = locked.distribution or locked.name
    text = f"{name}=={version}"
    return Spec("market", text, name, market=locked.market, specifier=f"=={version}")


def _installed(index: SimpleIndex, page: Page, locked: Locked) -> File | None:
    """Return the file that was installed; None where the index has it no longer."""
    for file in page.files:
        if file.filename == locked.wheel:
            if file.digest and file.digest != locked.digest:
                raise IntegrityError(
                    f"{locked.wheel} of {index.name} is not the one that was installed",
                    cause="the same name has another content now",
                    skill=locked.name,
                )
            return file
    return None


def _withdrawn(page: Page, here: File | None) -> str:
    if page.status == "quarantined":
        return "in quarantine: " + (page.reason or "no reason is given")
    return here.yanked or "" if here is not None else ""


def _is_ageless(ready: list[Wheel], cooldown: float) -> bool:
    return cooldown > 0 and bool(ready) and _published(ready[-1].file) is None


def _rest(file: File, cooldown: float) -> float:
    """Return the seconds that a file has still to wait; 0 where the index names no time."""
    published = _published(file)
    return 0.0 if published is None else published + cooldown * _DAY - time.time()


def _published(file: File) -> float | None:
    """Return when a file came, seconds since 1970 (PEP 700: ``upload-time``, UTC)."""
    try:
        moment = datetime.fromisoformat(file.published)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
