"""Judge what nobody wrote, as long as one likes: ``python -m tests.fuzz_validator --minutes 10``.

Prints the seed of what it could not judge; ``--seed N`` repeats one. The suite asks the same of
a few hundred seeds in ``test_fuzz.py``.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import folder, modules
from readings import checks, seen
from trees import grow

from kurt_ext.hostfacts import HostFacts
from kurt_ext.report import Report
from kurt_ext.validator import validate

#: Seconds after which the long form takes a judgement for one that does not end.
LONGEST = 20


def analysed(random: Random) -> None:
    """Hold the analysis of some modules to what is said of every analysis."""
    files = modules(random)
    one = seen(files)
    assert one.complete is not bool(one.reasons)
    assert set(one.reachable) <= set(one.modules) <= set(files)
    for use in one.uses:
        assert use.path in files and use.line >= 0 and use.name
    two = seen(files)
    assert (one.uses, one.events) == (two.uses, two.events), "another analysis of the same code"


def reported(random: Random, base: Path) -> None:
    """Hold the report on a folder of bytes to what is said of every report."""
    where = grow(base, folder(random))
    one = validate(where, checks=checks(), facts=HostFacts())
    failed = [str(finding) for finding in one.findings if finding.rule == "check-failed"]
    assert not failed, failed
    assert 0 <= one.score <= 100
    assert one.valid or one.score <= 59
    text = json.dumps(one.as_dict(), sort_keys=True)
    assert Report.from_dict(json.loads(text)).as_dict() == json.loads(text)


def tried(seed: int) -> None:
    """Judge what a seed makes."""
    random = Random(seed)
    if seed % 3:
        analysed(random)
        return
    with tempfile.TemporaryDirectory() as base:
        reported(random, Path(base) / "com.example.judged")


def _late(*_: Any) -> None:
    raise TimeoutError(f"it took more than {LONGEST} seconds")


def main() -> int:
    """Judge until the time is up; the number of failures is printed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=1)
    options.add_argument("--seed", type=int, help="judge this one alone")
    given = options.parse_args()
    if given.seed is not None:
        tried(given.seed)
        return 0
    signal.signal(signal.SIGALRM, _late)
    end = time.monotonic() + given.minutes * 60
    first = seed = time.time_ns() // 1_000_000
    failures, slowest = 0, (0.0, 0)
    while time.monotonic() < end:
        begun = time.monotonic()
        signal.alarm(LONGEST)
        try:
            tried(seed)
        except Exception:
            failures += 1
            print(f"seed {seed}:\n{traceback.format_exc(limit=-4)}", flush=True)
        signal.alarm(0)
        slowest = max(slowest, (time.monotonic() - begun, seed))
        seed += 1
    print(
        f"{seed - first} judged, {failures} not; the slowest: {slowest[0]:.2f} s, seed {slowest[1]}"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
