"""Whatever is judged, the judgement ends, and says what it could not look into."""

from __future__ import annotations

from pathlib import Path

import pytest
from hard_inputs import HARD, Code
from readings import judged


@pytest.mark.slow
@pytest.mark.parametrize("code", HARD.values(), ids=HARD)
def test_every_hard_input_has_a_verdict(tmp_path: Path, code: Code) -> None:
    report = judged(tmp_path / "com.example.judged", code)
    assert [str(f) for f in report.findings if f.rule == "check-failed"] == []
    assert report.complete or report.score <= 59


@pytest.mark.slow
@pytest.mark.parametrize("code", HARD.values(), ids=HARD)
def test_what_follows_a_hard_input_is_seen_or_said_not_to_be(tmp_path: Path, code: Code) -> None:
    text = code if isinstance(code, str) else code["main.py"]
    more = {
        **({} if isinstance(code, str) else code),
        "main.py": f"{text}\nimport os as o1\no1.popen('id')\n",
    }
    report = judged(tmp_path / "com.example.judged", more)
    assert not report.valid or not report.complete
    assert report.score <= 59
