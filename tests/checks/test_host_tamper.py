"""What others share is not replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.host_tamper import check

NONE: dict[str, Any] = {}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("import json\njson.loads = print", NONE, {("foreign-store", "critical")}),
    ("import sys\nsys.modules['json'] = 1", NONE, {("foreign-store", "critical")}),
    ("import builtins\nbuiltins.open = print", NONE, {("foreign-store", "critical")}),
    ("import requests\nrequests.get = print", NONE, {("foreign-store", "critical")}),
    ("import sys\nsys.stdout = x", NONE, {("foreign-store", "high")}),
    ("import sys\nsys.tracebacklimit = 0", NONE, set()),
    ("import pandas\npandas.options.display.width = 1", NONE, set()),
    ("class A:\n    pass\nA.x = 1\nA().y = 2", NONE, set()),
    ("class A:\n    def f(self):\n        self.x = 1\n        self.__dict__['y'] = 2", NONE, set()),
    ("import sys\nme = sys.modules[__name__]\nme.x = 1", NONE, set()),
    ("globals()['x'] = 1", NONE, set()),
    ("import os\nos.environ['PATH'] = 'x'", NONE, {("environment-store", "high")}),
    ("import os\nos.environ['PYTHON' + 'PATH'] = 'x'", NONE, {("environment-store", "high")}),
    ("import os\nos.environ['HTTPS_PROXY'] = 'x'", NONE, {("environment-store", "high")}),
    ("import os\nos.environ['MPLBACKEND'] = 'Agg'", NONE, {("environment-store", "medium")}),
    ("import os\nos.environ[n] = 'x'", NONE, {("environment-store", "medium")}),
    ("def f(o):\n    o.x = 1\n    setattr(o, 'y', 2)", NONE, set()),
    ("x = {}\nx['json'] = 1\nx.update(a=1)", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


@pytest.mark.parametrize(
    "code",
    [
        "import json\nsetattr(json, 'loads', print)",
        "import json\nvars(json)['loads'] = print",
        "import json\njson.__dict__['loads'] = print",
        "import json\njson.__dict__.update(loads=print)",
        "import sys\nsys.modules.update(json=1)",
        "import sys\nsys.modules.pop('json')",
        "import sys\ndel sys.modules['json']",
        "import builtins\nsetattr(builtins, 'o' + 'pen', print)",
        "__builtins__['open'] = print",
        "import sys\nsys.meta_path.insert(0, x)",
        "import sys\nsys.path_hooks.append(x)",
        "import sys\nsys.settrace(x)",
        "import sys\nsys.setprofile(x)",
        "import sys\nsys.addaudithook(x)",
        "import kurt_ext.trust as t\nt.Trust.covers = x",
        "def f(o):\n    o.__class__ = dict",
        "def f(g):\n    g.__code__ = x",
        "import json as j\nfor n in ['loads']:\n    setattr(j, n, print)",
        "from unittest import mock\nmock.patch('json.loads').start()",
        "import signal\nsignal.signal(2, x)",
        "import os\nos.environ['PATH'] = 'x'",
        "import os\nos.chdir('/')",
    ],
)
def test_every_replacement_is_told_by_some_check(tmp_path: Path, code: str) -> None:
    from readings import judged

    report = judged(tmp_path / "com.example.judged", code)
    assert report.score <= 79
