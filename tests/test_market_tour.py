"""The tour of a marketplace, as the README has it typed, does what it says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from venvs import clean_environment

from kurt_ext.sandbox.abilities import abilities

#: Plugins live where they live for everybody.
ISOLATED = True

TOUR = Path(__file__).parent.parent / "examples" / "market_tour.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(abilities().tier == "process", reason="this kernel holds nothing back"),
]


def take(blocked: tuple[str, ...] = (), edit: tuple[str, str] | None = None) -> tuple[int, str]:
    """Take the tour without the packages that are *blocked*; return its code and its words."""
    code = TOUR.read_text(encoding="utf-8")
    if edit is not None:
        assert edit[0] in code
        code = code.replace(*edit)
    script = Path("tour.py")
    find = "importlib.util.find_spec"
    assert find in code
    script.write_text(
        code.replace(find, f"(lambda name: name not in {blocked!r} and {find}(name))"),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("blocked", "server"),
    [
        pytest.param(
            (),
            "kurt market serve",
            marks=pytest.mark.skipif(
                not importlib.util.find_spec("uvicorn"), reason="needs kurt-ext[server]"
            ),
        ),
        (("fastapi",), "http.server"),
    ],
    ids=["by kurt", "by any file server"],
)
def test_the_tour_does_what_it_says(blocked: tuple[str, ...], server: str) -> None:
    before = set(os.listdir())
    code, words = take(blocked)
    assert code == 0, words
    assert words.endswith("All of it did what it says.\n")
    assert server in words
    assert set(os.listdir()) - before == {"tour.py"}  # nothing is left behind


def test_the_tour_ends_at_the_first_step_that_does_something_else() -> None:
    code, words = take(edit=('"Made the key acme"', '"Made the key of all keys"'))
    assert code == 1
    assert words.endswith(
        "unexpected: kurt key new acme: it does not say 'Made the key of all keys'\n"
    )


def test_the_tour_says_what_it_lacks() -> None:
    assert take(("cryptography",)) == (1, "signatures need: pip install 'kurt-ext[sign]'\n")
