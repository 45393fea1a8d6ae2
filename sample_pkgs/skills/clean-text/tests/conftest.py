"""Import the folder as the package it becomes, though its own name is no name of a module."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent

if "clean_text" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "clean_text", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["clean_text"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["clean_text"])
