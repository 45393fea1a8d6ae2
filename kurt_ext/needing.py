"""Bring the Python distributions that installed skills need, each group from its own index.

What a wheel needs is looked for in the index that the wheel came from, and nowhere else:
a private name that PyPI has too must not be taken from there. What a folder needs, or a wheel
from a market or a path, is looked for in what has PyPI's place. All of it is locked in one
``pylock.kurt.toml`` before any of it is installed.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from . import pylock
from .environments import is_own, sources
from .errors import ConflictError, NetworkError, RequirementError
from .market.simple_index import OWN, SimpleIndex
from .market.store import Store
from .metadata import read_headers
from .pylock import Group
from .requirements import look

if TYPE_CHECKING:
    from .discovery import Discovery
    from .places import Places
    from .receipts import Receipts
    from .steps import Step

__all__ = ["Needs", "lacking"]

_OURS = "kurt-ext"


def lacking(requires: Iterable[str]) -> list[str]:
    """Return what of a wheel's requirements this environment does not have."""
    return [one.requirement for text in requires for one in look(text)]


class Needs:
    """What the installed skills need of Python's distributions, and where it comes from.

    :param discovery: the skills that there are.
    :param receipts: what kurt has installed of them.
    :param indexes: the indexes of distributions, by name.
    :param offline: nobody is to be asked.
    """

    def __init__(
        self,
        discovery: Discovery,
        receipts: Receipts,
        indexes: dict[str, SimpleIndex],
        *,
        offline: bool = False,
    ) -> None:
        self.discovery = discovery
        self.receipts = receipts
        self.indexes = indexes
        self.offline = offline

    @property
    def _places(self) -> Places:
        return self.receipts.places

    def bring(self, steps: Sequence[Step] = (), *, locked: bool = False) -> list[str]:
        """Bring the lock up to date, install what it says, and return that.

        :param steps: what is about to be installed, and needs something too.
        :param locked: the lock is to be taken as it is.
        :raises ConflictError: when it does not answer what is needed now.
        :raises RequirementError: when something is asked for that cannot be had here.
        :raises KurtError: when no versions satisfy all; with what the installer says.
        """
        groups = self.groups(steps)
        path = pylock.pylock_path(self._places)
        found = pylock.read(path)
        wheelhouse = sources(self.discovery.config).wheelhouse or ""
        if found is None or not pylock.answers(found, groups):
            wanted = sorted({text for group in groups for text in group.requirements})
            if not wanted and found is None:
                return []
            if locked:
                raise ConflictError(
                    "pylock.kurt.toml is not for what the skills need now",
                    cause=", ".join(wanted) or "they need nothing",
                    at=path,
                    hint="kurt sync --python, and commit it",
                )
            self._refuse_offline(wheelhouse)
            pylock.lock_groups(path, groups, wheelhouse=wheelhouse)
            found = pylock.read(path)
        if found is None:
            return []
        if not wheelhouse and pylock.missing(found):
            self._refuse_offline(wheelhouse)
        return pylock.install(found, wheelhouse=wheelhouse, groups=groups)

    def _refuse_offline(self, wheelhouse: str) -> None:
        if self.offline and not wheelhouse:
            raise NetworkError(
                "what the skills need of Python's distributions cannot be had",
                cause="nobody is asked",
                hint="leave --offline away, or: kurt config set sandbox.wheelhouse FOLDER",
            )

    def groups(self, steps: Sequence[Step] = ()) -> list[Group]:
        """Return what is needed, by the index that it is looked for in; PyPI's place first."""
        own = self.indexes.get(OWN)
        # Where nobody has said anything, uv and pip know PyPI themselves.
        said = own is not None and own.said
        groups: dict[str, set[str]] = {OWN: set(self._of_folders())}
        for name, market, requires in self._of_wheels(steps):
            if is_own(self.discovery.config, name):
                continue
            index = market if market in self.indexes else OWN
            groups.setdefault(index, set()).update(_usable(name, requires))
        return [
            Group(
                name,
                tuple(sorted(requirements)),
                self.indexes[name].url if name != OWN or (said and own) else "",
                self.indexes[name].secret_url if name != OWN or (said and own) else "",
            )
            for name, requirements in sorted(groups.items(), key=lambda one: one[0] != OWN)
            if requirements or name == OWN
        ]

    def _of_folders(self) -> list[str]:
        """Return what folders need; one with an environment of its own finds it there."""
        config = self.discovery.config
        winners = [
            one
            for one in self.discovery.winners
            if one.is_folder and one.usable and not is_own(config, one.name)
        ]
        return pylock.wanted(candidate.record() for candidate in winners)

    def _of_wheels(self, steps: Sequence[Step]) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Yield the name, the market and the requirements of each wheel that is, or is to be."""
        coming = {step.locked.slug for step in steps}
        for step in steps:
            if step.goods.wheel is not None:
                yield step.name, step.locked.market or "", step.goods.requires
        for receipt in self.receipts.all():
            if receipt.locked.lane == "distribution" and receipt.locked.slug not in coming:
                wheel = Store(self._places.store).wheel(receipt.locked.digest)
                if wheel is not None:
                    yield receipt.name, receipt.locked.market or "", _requires(wheel)


def _requires(wheel: str) -> list[str]:
    """Return what a wheel's metadata says that it needs."""
    stem = "-".join(os.path.basename(wheel).split("-")[:2])
    try:
        with open(wheel, "rb") as stream, zipfile.ZipFile(io.BytesIO(stream.read())) as archive:
            return read_headers(archive.read(f"{stem}.dist-info/METADATA")).get("requires-dist", [])
    except (OSError, KeyError, zipfile.BadZipFile):
        return []


def _usable(name: str, requires: Iterable[str]) -> Iterator[str]:
    """Yield what of a wheel's requirements is to be locked; not kurt, which is here.

    :raises RequirementError: when one is an address, or kurt itself does not suit.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for text in requires:
        try:
            one = Requirement(text)
        except InvalidRequirement as error:
            raise RequirementError(
                f"what {name} requires cannot be read", cause=str(error), skill=name
            ) from None
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        if one.url:
            raise RequirementError(
                f"{name} requires {one.name} from an address",
                cause="where to install from is for the operator to say",
                skill=name,
            )
        if canonicalize_name(one.name) != _OURS:
            yield text
            continue
        wrong = look(text)
        if wrong:
            raise RequirementError(
                f"{name} is for another kurt", cause=str(wrong[0]), skill=name, missing=[text]
            )
