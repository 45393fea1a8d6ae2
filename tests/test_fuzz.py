"""Code and folders that nobody wrote are judged, too: nothing raises, all of it ends.

``python -m tests.fuzz_validator --minutes 10`` is the long form.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from fuzz_validator import analysed, reported
from fuzzing import mutated, program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readings import parsed

SLACK = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLACK
@given(st.randoms(use_true_random=False))
def test_any_code_is_analysed(random: Random) -> None:
    analysed(random)


@pytest.mark.parametrize("seed", range(200))
def test_any_folder_is_judged(tmp_path: Path, seed: int) -> None:
    reported(Random(seed), tmp_path / "com.example.judged")


def test_most_of_what_is_made_is_python() -> None:
    made = [program(Random(seed)) for seed in range(200)]
    assert sum(parsed(text) is not None for text in made) > 150
    changed = [mutated(Random(seed)) for seed in range(200)]
    assert sum(parsed(text) is not None for text in changed) > 80
