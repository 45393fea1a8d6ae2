"""Data that can make any object is told where it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.deserialization import check

NONE: dict[str, Any] = {}
OWN = {"filesystem_read": ["./cache"]}
BAD = {("undeclared-unpickling", "critical")}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("import pickle\ndef f(x):\n    return pickle.loads(x)", NONE, BAD),
    ("import marshal\ndef f(x):\n    return marshal.loads(x)", NONE, BAD),
    ("import shelve\ndef f(x):\n    return shelve.open(x)", NONE, BAD),
    ("import yaml\ndef f(x):\n    return yaml.load(x, Loader=yaml.Loader)", NONE, BAD),
    ("import yaml\ndef f(x):\n    return yaml.unsafe_load(x)", NONE, BAD),
    ("import joblib\ndef f(x):\n    return joblib.load(x)", NONE, BAD),
    ("import yaml\ndef f(x):\n    return yaml.safe_load(x)", NONE, set()),
    ("import yaml\ndef f(x):\n    return yaml.load(x, Loader=yaml.SafeLoader)", NONE, set()),
    ("import pickle\ndef f(x):\n    return pickle.dumps(x)", NONE, set()),
    ("import json\ndef f(x):\n    return json.loads(x)", NONE, set()),
    ("import numpy\ndef f(x):\n    return numpy.load(x)", NONE, set()),
    ("import torch\ndef f(x):\n    return torch.load(x, weights_only=True)", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


@pytest.mark.parametrize(
    ("permissions", "severity"),
    [
        ({"filesystem_read": ["./cache"]}, "medium"),
        ({"filesystem_read": ["./cache"], "network_hosts": ["a.example"]}, "critical"),
        ({}, "critical"),
    ],
)
def test_a_cache_of_ones_own_is_to_be_looked_at(
    tmp_path: Path, permissions: dict[str, Any], severity: str
) -> None:
    code = "import pickle\ndef f(p):\n    return pickle.load(p)"
    found = asked(check, tmp_path, code, permissions=permissions)
    assert found == [("undeclared-unpickling", severity)]


@pytest.mark.parametrize(
    "code",
    [
        "import numpy\ndef f(x):\n    return numpy.load(x, allow_pickle=True)",
        "import torch\ndef f(x):\n    return torch.load(x, weights_only=False)",
        "import pandas\ndef f(x):\n    return pandas.read_pickle(x)",
        "import dill\ndef f(x):\n    return dill.loads(x)",
        "import jsonpickle\ndef f(x):\n    return jsonpickle.decode(x)",
    ],
)
def test_so_do_readers_of_other_libraries(tmp_path: Path, code: str) -> None:
    assert [rule for rule, _ in asked(check, tmp_path, code)] == ["undeclared-unpickling"]
