"""What a word of the command line means where permissions are asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import KurtError, ManifestError, SkillNotFoundError
from .grants import Grants
from .naming import the_skill
from .permission_blocks import of_file, of_folder, of_wheel

if TYPE_CHECKING:
    from .session import Session

__all__ = ["declared", "is_path"]


def is_path(target: str) -> bool:
    """Return whether a target is a folder, a manifest or a wheel, there or not."""
    looks = os.sep in target or target.startswith(".") or target.endswith((".whl", ".json", ".md"))
    return looks or os.path.exists(target)


def declared(session: Session, target: str) -> tuple[str, Grants]:
    """Return a name for a target, and what its manifest declares; nothing is imported.

    :param target: a folder, a manifest, a wheel, or a skill's name. What looks like a path, or
        is a folder, is one.
    :raises SkillNotFoundError: where it is none of these.
    :raises ManifestError: where the manifest cannot be read.
    """
    if os.path.isdir(target):
        return os.path.basename(os.path.abspath(target)), of_folder(os.path.abspath(target))
    if os.path.isfile(target):
        if target.endswith(".whl"):
            return os.path.basename(target), of_wheel(target)
        return target, of_file(target)
    if is_path(target):
        raise SkillNotFoundError(f"there is no {target}", at=target, hint="kurt list")
    candidate = the_skill(session.discovery, target)
    try:
        return candidate.name, Grants.of(candidate.record()["permissions"])
    except KurtError:
        raise
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ManifestError(
            f"the manifest of {candidate.name} cannot be read",
            cause=str(error),
            at=candidate.location,
            skill=candidate.name,
        ) from error
