"""All that a marketplace knows of one skill."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Document, Meta
from .release import Release
from .words import Id, PublisherName, StatusWord, Summary, Version

__all__ = ["SkillDocument", "Status"]


class Status(Document):
    """Whether a skill is looked after, with the words of PEP 792."""

    status: StatusWord = "active"
    reason: Summary | None = None


class SkillDocument(Document):
    """All that a marketplace knows of one skill."""

    meta: Meta
    id: Id
    publisher: PublisherName
    project_status: Status = Status()
    versions: Annotated[list[Version], Field(max_length=10_000)]
    releases: Annotated[list[Release], Field(max_length=10_000)] = Field(
        description="The oldest first."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if [release.version for release in self.releases] != self.versions:
            raise ValueError("versions are not those of the releases")
        if len(set(self.versions)) != len(self.versions):
            raise ValueError("a version is there twice")
        for release in self.releases:
            manifest = release.manifest
            if manifest.get("id") != self.id or manifest.get("version") != release.version:
                raise ValueError(
                    f"the manifest of {release.version} is of another skill or version"
                )
        return self

    def release(self, version: str) -> Release | None:
        """Return the release of exactly that version."""
        return next((one for one in self.releases if one.version == version), None)

    @property
    def offered(self) -> tuple[Release, ...]:
        """The releases that may be chosen: none of a quarantined skill, none that is yanked."""
        if self.project_status.status == "quarantined":
            return ()
        return tuple([one for one in self.releases if one.yanked is False])

    @property
    def latest(self) -> Release | None:
        """The newest offered release; a pre-release only where there is nothing else."""
        from ...semver import key

        offered = self.offered
        stable = [one for one in offered if "-" not in one.version.partition("+")[0]]
        return max(stable or offered, key=lambda one: key(one.version), default=None)
