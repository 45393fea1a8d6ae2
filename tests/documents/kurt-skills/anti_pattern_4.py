# ruff: noqa
# fmt: off
from pathlib import Path

from documents.supplied import discover_from_entry_points, discover_from_paths

# GOOD - supports multiple discovery methods
def discover_all():
    skills = []

    # 1. Filesystem scanning (fast iteration)
    skills.extend(discover_from_paths([
        Path("./skills"),
        Path.home() / ".kurt/skills",
    ]))

    # 2. Entry points (optional, for distribution)
    try:
        from importlib.metadata import entry_points
        eps = entry_points(group="kurt.skills")
        skills.extend(discover_from_entry_points(eps))
    except ImportError:
        pass  # Not required

    return skills
