"""Hundreds of ways out: each leads out of a plain child process, and none out of a worker.

What is tried and what counts as an escape stands in ``escapes/``; whether it
happened is seen from the host's side. Known to be open are those that say so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import escapes
import pytest
from escapes import elsewhere, runner
from escapes.attempt import ATTEMPTS, Attempt
from escapes.runner import Verdict
from lives import loading, plant, plugin

from kurt_ext.errors import KurtError
from kurt_ext.locks import lock
from kurt_ext.sandbox.abilities import abilities

escapes.collect()

#: Attempts that must lead out of the control, or this file would say nothing.
LEAST = 250
ABLE = abilities()
ROOT = os.name != "nt" and os.geteuid() == 0
kernel = pytest.mark.skipif(
    ABLE.tier not in ("kernel", "strong"), reason="this machine has neither Landlock nor seccomp"
)
strong = pytest.mark.skipif(
    ABLE.tier != "strong", reason="this machine lets nobody make namespaces of their own"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="attempts are for Linux"),
    pytest.mark.timeout(600),
]
every = pytest.mark.parametrize("name", ATTEMPTS)


class Trial:
    """All attempts in one configuration, done once a session, by whichever process comes first."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def of(self, configuration: str, tier: str = "kernel", *, as_nobody: bool = False) -> Any:
        """Return the verdicts by name."""
        name = f"{configuration}-{tier}-{'nobody' if as_nobody else 'own'}"
        path = self._place / f"escapes-{name}.json"
        with lock(str(path) + ".lock", timeout=500):
            if not path.exists():
                wanted = [(one.name, one.patient) for one in ATTEMPTS.values()]
                options = {"tier": tier}
                if as_nobody:
                    with nobody() as way:
                        verdicts = runner.run(configuration, wanted, options=options, **way)
                else:
                    verdicts = runner.run(configuration, wanted, options=options)
                said = {key: asdict(verdict) for key, verdict in verdicts.items()}
                path.write_text(json.dumps(said))
        return {key: Verdict(**said) for key, said in json.loads(path.read_text()).items()}


@contextmanager
def nobody() -> Iterator[dict[str, Any]]:
    """Give what it takes to be another user, who may not even see this tree."""
    if not ROOT:
        pytest.skip("only root can become another user")
    python = elsewhere.interpreter()
    if python is None:
        pytest.skip("no interpreter of this version is one that every user may run")
    with tempfile.TemporaryDirectory(prefix="kurt-elsewhere-") as folder:
        environ = elsewhere.copy(Path(folder))
        yield {"python": python, "environ": environ, "user": elsewhere.NOBODY}


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    base = tmp_path_factory.getbasetemp()
    yield Trial(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


def is_open(attempt: Attempt, tier: str, *, root: bool) -> bool:
    """Say whether an attempt is known to get through."""
    return tier in attempt.open_in or (root and f"{tier} for root" in attempt.open_in)


def see(verdict: Verdict, attempt: Attempt, tier: str, *, root: bool) -> None:
    """Hold a verdict to what is known of the attempt."""
    if verdict.what == "skipped":
        pytest.skip(verdict.why)
    known = is_open(attempt, tier, root=root)
    assert verdict.what == ("escaped" if known else "held"), verdict.why


def control(verdicts: dict[str, Verdict], name: str) -> None:
    """See that an attempt gets out of a plain child process."""
    verdict = verdicts[name]
    assert verdict.what != "broken", verdict.why
    if verdict.what == "skipped":
        pytest.skip(verdict.why)
    if verdict.what == "held":
        pytest.skip(f"a plain process holds it here too: {verdict.said.get('came', '')[:100]}")


class TestAsThisUser:
    @every
    def test_a_plain_child_process_lets_it_out(self, name: str, trial: Trial) -> None:
        control(trial.of("control"), name)

    def test_most_attempts_are_live(self, trial: Trial) -> None:
        counts = Counter(verdict.what for verdict in trial.of("control").values())
        assert counts["escaped"] >= LEAST, counts

    @kernel
    @every
    def test_an_isolated_plugin_does_not_get_out(self, name: str, trial: Trial) -> None:
        see(trial.of("loader")[name], ATTEMPTS[name], "kernel", root=ROOT)

    @kernel
    @every
    def test_a_worker_holds_it(self, name: str, trial: Trial) -> None:
        see(trial.of("worker")[name], ATTEMPTS[name], "kernel", root=ROOT)

    @strong
    @every
    def test_a_worker_in_namespaces_holds_it(self, name: str, trial: Trial) -> None:
        see(trial.of("worker", "strong")[name], ATTEMPTS[name], "strong", root=ROOT)

    @pytest.mark.parametrize("name", [one.name for one in ATTEMPTS.values() if one.promised])
    def test_without_the_kernel_what_is_promised_is_held(self, name: str, trial: Trial) -> None:
        see(trial.of("loader", "process")[name], ATTEMPTS[name], "process", root=ROOT)


class TestAsAnOrdinaryUser:
    @every
    def test_a_plain_child_process_lets_it_out(self, name: str, trial: Trial) -> None:
        control(trial.of("control", as_nobody=True), name)

    @kernel
    @every
    def test_an_isolated_plugin_does_not_get_out(self, name: str, trial: Trial) -> None:
        see(trial.of("loader", as_nobody=True)[name], ATTEMPTS[name], "kernel", root=False)

    @strong
    @every
    def test_a_worker_in_namespaces_holds_it(self, name: str, trial: Trial) -> None:
        verdicts = trial.of("worker", "strong", as_nobody=True)
        see(verdicts[name], ATTEMPTS[name], "strong", root=False)


LIE = """
import json
from kurt_ext.sandbox import serving

real, answers = serving.Serving._reply, []


def reply(self, call, value):
    answers.append(value)
    real(self, call, json.loads({lie!r}) if len(answers) == {when} else value)


serving.Serving._reply = reply


class Plugin:
    def __init__(self, metadata, config): pass
    async def initialize(self): pass
    async def activate(self): pass
    def work(self, text=""): return "worked"
"""
LIES: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    [1, 2, 3],
    [{}, {}],
    {"type": 1},
    {"type": "x", "methods": None, "hooks": 3, "target": []},
    {"type": "x", "methods": {"work": 5, "__class__": "async"}, "hooks": ["work"], "target": {}},
    {"type": "x", "methods": {"work": "stream"}, "hooks": [], "target": {"shape": 1, "schema": 2}},
    {"raised": {"x": 1}, "at": ["y"], "traceback": 5},
]


@kernel
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("when", [1, 2, 4, 5], ids=["load", "hook", "method", "call"])
@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_what_a_worker_lies_is_an_error_of_its_plugin(
    lie: Any, when: int, anyio_backend: str
) -> None:
    name = "com.example.liar"
    code = LIE.replace("{lie!r}", repr(json.dumps(lie))).replace("{when}", str(when))
    ability = {"name": "work", "description": "x", "version": "1.0.0", "parameters": {}}
    plant((name, plugin(name, code, capabilities=[ability])))
    async with loading(quarantine=False, hook_timeout=20.0) as loader:
        try:
            state = await loader.load_plugin(name, isolation="strict")
            await loader.activate_plugin(name)
            got = state.instance.work("x")
            got = [item async for item in got] if hasattr(got, "__anext__") else await got
            assert got == "worked" or when in (1, 4)
            assert await loader.skills.call(f"{name}:work")({}) is not None or when == 5
        except (KurtError, AttributeError) as error:
            if isinstance(error, AttributeError):  # the lie was that there is no such method
                assert "has no method" in str(error)


def test_no_two_attempts_have_one_name() -> None:
    assert len({one.deed.__code__.co_code for one in ATTEMPTS.values()}) > LEAST
    assert len({one.theme for one in ATTEMPTS.values()}) == len(escapes.THEMES)
