"""What a worker leaves in its private folder is deleted, whatever shape it has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kurt_ext.sandbox import scratch


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of folders are of POSIX")
@pytest.mark.parametrize("depth", [1, 1200])
def test_folders_of_any_depth_are_deleted_and_links_are_not_followed(
    tmp_path: Path, depth: int
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    place = tmp_path / "place"
    place.mkdir()
    here = os.open(place, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("x", dir_fd=here)
        os.mkdir("y", dir_fd=here)
        os.symlink(kept, "link", dir_fd=here)
        inner = os.open("x", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    scratch._delete(str(place))
    assert not place.exists()
    assert (kept / "file").read_text() == "kept"
