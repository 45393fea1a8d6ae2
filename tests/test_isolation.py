"""A plugin in a worker: the face that it has in this process, and no more than it declared."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lives import Heard, loading, manifest, plant, plugin, until
from trees import grow

from kurt_ext import SkillManager
from kurt_ext.errors import (
    CallError,
    CallTimeoutError,
    ConfigError,
    ContractError,
    HookError,
    InvalidInputError,
    InvalidOutputError,
    IsolationError,
    KurtError,
    LimitError,
    SkillLoadError,
    TransitionError,
    WorkerCrashedError,
    WorkerError,
)
from kurt_ext.loader import PluginLoader
from kurt_ext.sandbox.abilities import abilities
from kurt_ext.sandbox.remote import Record, Remote

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="workers of POSIX systems"),
]

#: Modes are those that people have.
ISOLATED = True
KERNEL = abilities().tier in ("kernel", "strong")
kernel = pytest.mark.skipif(not KERNEL, reason="this machine has neither Landlock nor seccomp")
CALC = "com.example.calculator"

CODE = """\
import asyncio, os, sys, threading, time


class Plugin:
    def __init__(self, metadata, config):
        self.metadata, self.config, self.calls, self.hooks = metadata, config, 0, []

    async def initialize(self): self.hooks.append("initialize")
    def activate(self): self.hooks.append("activate")
    async def deactivate(self): self.hooks.append("deactivate")
    async def cleanup(self): self.hooks.append("cleanup")

    async def arithmetic(self, expression):
        self.calls += 1
        if expression == "1/0":
            return 1 / 0
        return {"result": eval(expression, {"__builtins__": {}})}

    def state(self): return {"calls": self.calls, "hooks": self.hooks, "pid": os.getpid(),
        "config": self.config, "id": self.metadata.plugin_id, "environment": dict(os.environ)}

    def read(self, path):
        with open(path) as stream:
            return stream.read()

    def write(self, path, text):
        with open(path, "w") as stream:
            return stream.write(text)

    def spin(self):
        while True:
            pass

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)
        return "slept"

    def die(self): os._exit(3)

    def echo(self, data): return data

    async def count(self, to):
        for number in range(to):
            yield number

    def numbers(self, to): yield from range(to)

    def shout(self): print("\\x1b[31mred\\x1b[0m"); return "ok"
"""
CAPABILITY = {
    "name": "arithmetic",
    "description": "Work out an expression.",
    "version": "1.0.0",
    "parameters": {
        "type": "object",
        "properties": {"expression": {"type": "string"}},
        "required": ["expression"],
    },
}


def calculator(code: str = CODE, **fields: Any) -> dict[str, Any]:
    fields.setdefault("capabilities", [CAPABILITY])
    return plugin(CALC, code, **fields)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def held(code: str = CODE, **fields: Any) -> AsyncIterator[tuple[PluginLoader, Any]]:
    """Open a loader in which the calculator is active; give its object too."""
    plant((CALC, calculator(code, **fields)))
    async with loading() as loader:
        state = await loader.load_plugin(CALC)
        await loader.activate_plugin(CALC)
        yield loader, state.instance


def housing_of(loader: PluginLoader) -> Any:
    generation = loader.skills.loading.lives["com_example_calculator"].generation
    assert generation is not None
    return generation.housing


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestTheFace:
    async def test_a_method_is_awaited_and_gives_data(self) -> None:
        async with held() as (_, calc):
            assert isinstance(calc, Remote)
            result = await calc.arithmetic("2+2")
            assert result == {"result": 4}
            assert result.result == 4
            assert await calc.echo([1, "é", None, 2.5, {"a": [True]}]) == [
                1, "é", None, 2.5, {"a": [True]},
            ]  # fmt: skip

    async def test_it_lives_in_another_process_and_is_not_imported_here(self) -> None:
        async with held() as (_, calc):
            assert (await calc.state()).pid != os.getpid()
            assert not [name for name in sys.modules if "com_example_calculator" in name]

    async def test_bytes_go_both_ways_as_they_are(self) -> None:
        async with held() as (_, calc):
            blob = os.urandom(1 << 20)
            assert bytes(await calc.echo(blob)) == blob

    async def test_a_generator_is_a_stream(self) -> None:
        async with held() as (_, calc):
            assert [number async for number in calc.count(40)] == list(range(40))
            assert [number async for number in calc.numbers(5)] == list(range(5))
            async for number in calc.count(10**9):
                if number == 100:
                    break
            assert (await calc.arithmetic("1+1")).result == 2

    async def test_what_it_raises_names_it_and_the_line_in_its_own_file(self) -> None:
        async with held() as (_, calc):
            with pytest.raises(CallError) as caught:
                await calc.arithmetic("1/0")
            assert caught.value.cause == "ZeroDivisionError: division by zero"
            assert caught.value.at.endswith("main.py:16")
            assert caught.value.skill == CALC

    async def test_what_is_not_data_cannot_come_back(self) -> None:
        code = CODE + "\n    def itself(self): return self\n"
        async with held(code) as (_, calc):
            with pytest.raises(KurtError) as caught:
                await calc.itself()
            assert "Plugin" in f"{caught.value} {caught.value.cause}"
            assert (await calc.arithmetic("3*3")).result == 9

    async def test_a_name_that_is_no_method_is_an_attribute_error(self) -> None:
        async with held() as (_, calc):
            assert not hasattr(calc, "nothing")
            assert "arithmetic" in dir(calc)

    async def test_a_call_by_name_checks_arguments_before_it_asks(self) -> None:
        async with held() as (loader, _):
            call = loader.skills.call(f"{CALC}:arithmetic")
            assert (await call({"expression": "6*7"})).data == {"result": 42}
            with pytest.raises(InvalidInputError):
                await call({"expression": 1})
            with pytest.raises(CallError, match="failed") as caught:
                await call({"expression": "1/0"})
            assert caught.value.cause == "ZeroDivisionError: division by zero"

    def test_without_a_loop_a_sync_method_is_called_as_it_is_written(self) -> None:
        plant((CALC, calculator()))
        with SkillManager(project=".") as skills:
            (Path("skills")).mkdir()
            os.rename(f"plugins/{CALC}", f"skills/{CALC}")
            grow(Path("."), {"kurt.toml": ""})
            from kurt_ext.trust import Trust

            Trust.load(skills.places).add(os.path.abspath("skills"))
            skills.refresh()
            assert skills.run(f"{CALC}:arithmetic", {"expression": "1+2"}).data == {"result": 3}
            instance = skills.load(f"{CALC}:{CALC}").obj
            assert instance.echo("x") == "x"

    def test_an_interrupt_of_who_waits_ends_the_call(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        grow(project, {"skills": {CALC: calculator()}, "kurt.toml": ""})
        monkeypatch.setenv("KURT_TRUST", str(project))
        with SkillManager() as skills:
            instance = skills.load(f"{CALC}:{CALC}").obj
            assert instance.echo("x") == "x"
            before = instance.state()["pid"]
            mine = threading.get_ident()
            timer = threading.Timer(0.3, signal.pthread_kill, [mine, signal.SIGINT])
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                instance.spin()
            timer.join()
            # What spins is not waited for: a new worker answers.
            assert instance.state()["pid"] != before


class TestHooks:
    async def test_each_is_called_once_in_its_turn(self) -> None:
        async with held() as (loader, calc):
            assert (await calc.state()).hooks == ["initialize", "activate"]
            await loader.deactivate_plugin(CALC)
            with pytest.raises(TransitionError):
                await loader.skills.call(f"{CALC}:arithmetic")({"expression": "1"})
            await loader.activate_plugin(CALC)
            assert (await calc.state()).hooks == [
                "initialize", "activate", "deactivate", "activate",
            ]  # fmt: skip

    async def test_one_that_fails_says_what_it_raised_and_leaves_nothing(self) -> None:
        code = CODE.replace('self.hooks.append("activate")', 'raise ValueError("no disk")')
        plant((CALC, calculator(code)))
        async with loading() as loader:
            state = await loader.load_plugin(CALC)
            pid = (await state.instance.state()).pid
            with pytest.raises(HookError) as caught:
                await loader.activate_plugin(CALC)
            assert caught.value.cause == "ValueError: no disk"
            assert str(caught.value.at).endswith("main.py:9")
            assert str(loader.get_plugin_state(CALC).status) == "failed"
            await until(lambda: not alive(pid))

    async def test_a_plugin_that_cannot_be_imported_says_why(self) -> None:
        plant((CALC, calculator("import no_such_module\n")))
        async with loading() as loader:
            with pytest.raises(SkillLoadError, match="could not be loaded") as caught:
                await loader.load_plugin(CALC)
            assert "no_such_module" in str(caught.value.cause)

    async def test_sys_exit_and_a_broken_contract_are_errors_of_the_plugin(self) -> None:
        for code in ("import sys\nsys.exit(4)\n", "x = 1\n"):
            plant((CALC, calculator(code)))
            async with loading(quarantine=False) as loader:
                with pytest.raises(KurtError):
                    await loader.load_plugin(CALC)

    async def test_an_async_factory_is_awaited(self) -> None:
        code = (
            CODE
            + "\n\nasync def create_plugin(metadata, config):\n    return _P(metadata, config)\n"
        )
        code = code.replace("class Plugin", "class _P")
        async with held(code) as (_, calc):
            assert (await calc.arithmetic("1")).result == 1

    async def test_unload_ends_the_process(self) -> None:
        async with held() as (loader, calc):
            pid = (await calc.state()).pid
            await loader.unload_plugin(CALC)
            await until(lambda: not alive(pid))

    async def test_reload_puts_new_code_in_a_new_process(self) -> None:
        async with held() as (loader, calc):
            old = await calc.state()
            call = loader.skills.call(f"{CALC}:arithmetic")
            code = CODE.replace('"result": eval', '"answer": eval')
            grow(Path("plugins") / CALC, calculator(code))
            state = await loader.reload_plugin(CALC)
            new = await state.instance.state()
            assert new.pid != old.pid
            assert new.hooks == ["initialize", "activate"]
            assert (await call({"expression": "1+1"})).data == {"answer": 2}
            await until(lambda: not alive(old.pid))

    async def test_a_reload_that_fails_leaves_the_old_one_running(self) -> None:
        async with held() as (loader, calc):
            grow(Path("plugins") / CALC, calculator("raise RuntimeError('broken')\n"))
            with pytest.raises(SkillLoadError):
                await loader.reload_plugin(CALC)
            assert (await calc.arithmetic("5")).result == 5

    async def test_state_that_both_know_is_carried_over(self) -> None:
        carry = (
            "\n    def __reload_state__(self): return {'calls': self.calls}"
            "\n    def __reload_restore__(self, state): self.calls = state['calls']\n"
        )
        async with held(CODE + carry) as (loader, calc):
            await calc.arithmetic("1")
            grow(Path("plugins") / CALC, calculator(CODE + carry + "\n# new\n"))
            state = await loader.reload_plugin(CALC)
            assert (await state.instance.state()).calls == 1


class TestWhatItMay:
    @kernel
    async def test_nothing_that_it_does_not_declare(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("hush")
        async with held() as (_, calc):
            for attempt in (
                calc.read(str(secret)),
                calc.read("/etc/passwd"),
                calc.write(str(tmp_path / "made"), "x"),
                calc.write(os.path.abspath(f"plugins/{CALC}/main.py"), "x"),
            ):
                with pytest.raises(CallError, match="failed") as caught:
                    await attempt
                assert "may not" in str(caught.value.cause)
                assert "under permissions in its manifest" in str(caught.value.cause)
            assert not (tmp_path / "made").exists()

    async def test_what_it_declares(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a").write_text("given")
        permissions = {
            "filesystem_read": [str(tmp_path / "in")],
            "filesystem_write": [str(tmp_path / "out")],
            "environment_variables": ["HANDED"],
        }
        os.environ["HANDED"], os.environ["HELD_BACK"] = "yes", "no"
        try:
            async with held(permissions=permissions) as (_, calc):
                assert await calc.read(str(tmp_path / "in" / "a")) == "given"
                assert await calc.write(str(tmp_path / "out" / "b"), "made") == 4
                environment = (await calc.state()).environment
                assert environment["HANDED"] == "yes"
                assert "HELD_BACK" not in environment
        finally:
            del os.environ["HANDED"], os.environ["HELD_BACK"]
        assert (tmp_path / "out" / "b").read_text() == "made"

    async def test_what_is_configured_narrows_and_never_widens(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a").write_text("given")
        (tmp_path / "in" / "b").write_text("given")
        permissions = {"filesystem_read": [str(tmp_path / "in")]}
        plant((CALC, calculator(permissions=permissions)))
        narrow = {"filesystem_read": [str(tmp_path / "in" / "a"), "/etc/hostname"]}
        async with loading() as loader:
            state = await loader.load_plugin(CALC, {"sandbox_config_override": narrow})
            policy = housing_of(loader).policy
            assert policy.read == (str(tmp_path / "in" / "a"),)
            assert await state.instance.read(str(tmp_path / "in" / "a")) == "given"

    async def test_it_has_a_home_of_its_own_that_goes_with_it(self) -> None:
        async with held() as (loader, calc):
            home = (await calc.state()).environment["HOME"]
            await calc.write(home + "/x", "y")
            assert os.path.exists(home)
            await loader.unload_plugin(CALC)
            await until(lambda: not os.path.exists(home))

    async def test_two_plugins_share_no_process(self) -> None:
        other = "com.example.other"
        plant((CALC, calculator()), (other, plugin(other, CODE, capabilities=[CAPABILITY])))
        async with loading() as loader:
            one = await (await loader.load_plugin(CALC)).instance.state()
            two = await (await loader.load_plugin(other)).instance.state()
            assert one.pid != two.pid
            assert one.environment["HOME"] != two.environment["HOME"]

    async def test_code_that_changed_since_it_was_judged_is_not_imported(self) -> None:
        code = (
            "class Plugin:\n    def __init__(self, metadata, config): pass\n"
            "    async def arithmetic(self, expression): return expression\n"
        )
        plant((CALC, calculator(code, author="A <a@example.com>", license="MIT")))
        async with loading(validator=None) as loader:
            state = await loader.load_plugin(CALC)
            assert await state.instance.arithmetic("judged") == "judged"
            (Path("plugins") / CALC / "main.py").write_text(code + "\n# not judged\n")
            pid = housing_of(loader).pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda: housing_of(loader).pid is None)
            with pytest.raises(KurtError) as caught:  # a new worker imports anew
                await state.instance.arithmetic("x")
            assert "changed since" in f"{caught.value} {caught.value.cause}"


class TestTrouble:
    async def test_a_crash_is_told_and_the_next_call_has_a_new_worker(self) -> None:
        async with held() as (loader, calc):
            heard = Heard(loader)
            before = await calc.state()
            with pytest.raises(WorkerCrashedError):
                await calc.die()
            after = await calc.state()
            assert after.pid != before.pid
            assert after.hooks == ["initialize", "activate"]
            assert "worker-crashed" in heard.names(CALC)

    async def test_a_call_that_never_yields_ends_with_its_time(self) -> None:
        override = {"sandbox_config_override": {"max_execution_time_seconds": 1.5}}
        files = {"config.json": json.dumps(override)}
        async with held(files=files) as (_, calc):
            with pytest.raises((LimitError, CallTimeoutError)):
                await calc.spin()
            assert (await calc.arithmetic("1")).result == 1

    async def test_a_cancelled_call_leaves_the_others_alone(self) -> None:
        async with held() as (_, calc):
            pid = (await calc.state()).pid
            long = asyncio.ensure_future(calc.sleep(60))
            other = asyncio.ensure_future(calc.sleep(0.2))
            await asyncio.sleep(0.05)
            long.cancel()
            assert await other == "slept"
            with pytest.raises(asyncio.CancelledError):
                await long
            assert (await calc.state()).pid == pid

    async def test_many_at_once_answer_each_its_own(self) -> None:
        async with held() as (_, calc):
            found = await asyncio.gather(*[calc.arithmetic(f"{n}+0") for n in range(200)])
            assert [one.result for one in found] == list(range(200))

    async def test_leaving_the_loader_ends_every_worker(self) -> None:
        async with held() as (_, calc):
            pid = (await calc.state()).pid
        await until(lambda: not alive(pid))


ODD = """\
import asyncio


class Bad(Exception):
    def __str__(self): raise RuntimeError("no words")


class Plugin:
    def __init__(self, metadata, config): self.config = config

    def fail(self, how):
        if how == "words": raise Bad()
        if how == "long": raise ValueError("x" * 5_000_000)
        if how == "ours":
            from kurt_ext.errors import ConfigError
            raise ConfigError("y" * 5_000_000)
        if how == "secret": raise ValueError("no entry with " + self.config["token"])
        raise {"stop": KeyboardInterrupt, "gone": GeneratorExit, "base": BaseException,
            "cancel": asyncio.CancelledError}[how]("said")

    async def afail(self, how): self.fail(how)

    def tell(self):
        import logging
        print("told", self.config["token"])
        logging.getLogger("odd").warning("logged %s", self.config["token"])

    def itself(self): return self
    def large(self): return "x" * (17 << 20)

    async def count(self, to):
        for number in range(to):
            await asyncio.sleep(0.02)
            yield number

    async def sleep(self, seconds): await asyncio.sleep(seconds)
"""
MODELS = (
    ODD
    + """
    def model(self):
        import collections, ipaddress
        from pydantic import BaseModel, HttpUrl, SecretStr

        class Held(BaseModel):
            secret: SecretStr = SecretStr("hush")
            url: HttpUrl = HttpUrl("https://example.com/")
            address: ipaddress.IPv4Address = ipaddress.IPv4Address("10.0.0.1")

        more = {"last": collections.deque([1, 2]), "span": range(2), "keys": {"a": 1}.keys()}
        return {**Held().model_dump(), **more, "raw": b"\\xff"}
"""
)
HOW = {"type": "object", "properties": {"how": {"type": "string"}}}
ODD_FIELDS: dict[str, Any] = {
    "capabilities": [
        {"name": name, "description": "Fail.", "version": "1.0.0", "parameters": HOW}
        for name in ("fail", "afail", "itself", "large")
    ],
    "config_schema": {"type": "object", "properties": {"token": {"type": "string"}}},
}


class TestWhatIsSaid:
    @pytest.mark.parametrize("name", ["fail", "afail"])
    @pytest.mark.parametrize("how", ["words", "long", "stop", "gone", "base", "cancel"])
    async def test_whatever_is_raised_fails_the_call_and_ends_nothing(
        self, name: str, how: str
    ) -> None:
        async with held(ODD, **ODD_FIELDS) as (loader, odd):
            pid = housing_of(loader).pid
            call = loader.skills.call(f"{CALC}:{name}")
            for fail in (lambda: getattr(odd, name)(how), lambda: call({"how": how})):
                with pytest.raises(CallError) as caught:
                    await fail()
                assert caught.value.message == f"{CALC}:{name} failed"
                assert "main.py:" in str(caught.value.at)
                assert caught.value.skill == CALC
            assert housing_of(loader).pid == pid

    async def test_an_error_of_ours_is_no_longer_than_a_message(self) -> None:
        async with held(ODD, **ODD_FIELDS) as (loader, odd):
            pid = housing_of(loader).pid
            with pytest.raises(ConfigError) as caught:
                await odd.fail("ours")
            assert len(caught.value.message) < 10_000
            assert housing_of(loader).pid == pid

    async def test_no_secret_is_in_an_error(
        self, own_places: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        toml = f'[skill."{CALC}"]\ntoken = "env:ODD_TOKEN"\n'
        grow(own_places / ".config" / "kurt", {"kurt.toml": toml})
        monkeypatch.setenv("ODD_TOKEN", "s3cr3t-of-somebody")
        async with held(ODD, **ODD_FIELDS) as (loader, odd):
            await odd.tell()
            await until(lambda: "told" in loader.printed(CALC))
            assert loader.printed(CALC) == "told ***\nlogged ***\n"
            call = loader.skills.call(f"{CALC}:fail")
            for fail in (lambda: odd.fail("secret"), lambda: call({"how": "secret"})):
                with pytest.raises(CallError) as caught:
                    await fail()
                said = "".join(traceback.format_exception(caught.value)) + caught.value.render()
                assert "no entry with ***" in said
                assert "s3cr3t" not in said

    async def test_what_cannot_come_back_says_of_what_and_what_to_do(self) -> None:
        async with held(ODD, **ODD_FIELDS) as (_, odd):
            with pytest.raises(InvalidOutputError, match=f"{CALC}:itself") as refused:
                await odd.itself()
            assert refused.value.skill == CALC
            assert "return data" in str(refused.value.hint)
            with pytest.raises(LimitError, match=f"{CALC}:large") as caught:
                await odd.large()
            key = f'plugin."{CALC}".sandbox_config_override.max_reply_mb'
            assert caught.value.hint == f"kurt config set '{key}' NUMBER"

    async def test_a_call_of_what_was_unloaded_says_so(self) -> None:
        async with held(ODD, **ODD_FIELDS) as (loader, odd):
            loader.drain_timeout = 0.05
            running = asyncio.ensure_future(odd.sleep(60))
            await asyncio.sleep(0.1)
            await loader.unload_plugin(CALC)
            for pending in (running, odd.sleep(0)):
                with pytest.raises(WorkerError, match="was unloaded") as caught:
                    await pending
                assert not isinstance(caught.value, WorkerCrashedError)
                assert caught.value.hint == f"kurt plugin load {CALC}"

    async def test_a_stream_that_is_under_way_is_not_cut_by_a_reload(self) -> None:
        async with held(ODD, **ODD_FIELDS) as (loader, odd):

            async def all_of_them() -> list[int]:
                return [number async for number in odd.count(15)]

            stream = asyncio.ensure_future(all_of_them())
            await asyncio.sleep(0.1)
            grow(Path("plugins") / CALC, calculator(ODD + "\n# new\n", **ODD_FIELDS))
            await loader.reload_plugin(CALC)
            assert await stream == list(range(15))

    async def test_what_models_hold_beside_json_comes_as_they_would_write_it(self) -> None:
        async with held(MODELS, **ODD_FIELDS) as (_, odd):
            result = await odd.model()
            assert result == {
                "secret": "**********",
                "url": "https://example.com/",
                "address": "10.0.0.1",
                "last": [1, 2],
                "span": [0, 1],
                "keys": ["a"],
                "raw": b"\xff",
            }
            # What commands print of it is JSON.
            assert json.loads(json.dumps(result.model_dump(mode="json")))["raw"] == "b'\\xff'"
            assert type(result.model_dump()["raw"]) is bytes

    async def test_what_would_be_set_on_it_here_is_refused(self) -> None:
        async with held() as (_, calc):
            with pytest.raises(AttributeError, match="its code would never see"):
                calc.verbose = True
            assert not callable(calc)
            assert calc.echo.__name__ == "echo"


class TestModes:
    async def test_the_caller_has_the_first_word(self) -> None:
        plant((CALC, calculator()))
        async with loading() as loader:
            state = await loader.load_plugin(CALC, isolation="none")
            assert not isinstance(state.instance, Remote)

    async def test_a_word_that_is_no_mode_is_refused(self) -> None:
        plant((CALC, calculator()))
        async with loading() as loader:
            with pytest.raises(ConfigError, match="no mode"):
                await loader.load_plugin(CALC, isolation="some")

    @pytest.mark.parametrize(
        ("toml", "remote"),
        [
            ("", True),
            ('[sandbox]\nisolation = "none"\n', False),
            (f'[plugin."{CALC}"]\nisolation = "none"\n', False),
            (f'[sandbox]\nisolation = "none"\n[plugin."{CALC}"]\nisolation = "auto"\n', True),
        ],
    )
    async def test_the_configuration_has_the_next(
        self, toml: str, remote: bool, own_places: Path
    ) -> None:
        folder = own_places / ".config" / "kurt"
        grow(folder, {"kurt.toml": toml})
        plant((CALC, calculator()))
        async with loading() as loader:
            state = await loader.load_plugin(CALC)
            assert isinstance(state.instance, Remote) is remote

    @pytest.mark.parametrize(
        "toml",
        [
            '[sandbox]\nisolation = "stric"\n',
            "[sandbox]\nmax_memory_mb = -1\n",
            'sandbox = "strict"\n',
        ],
    )
    async def test_what_nobody_can_read_opens_nothing(self, toml: str, own_places: Path) -> None:
        grow(own_places / ".config" / "kurt", {"kurt.toml": toml})
        plant((CALC, calculator()))
        async with loading() as loader:
            with pytest.raises(ConfigError, match="cannot be understood") as caught:
                await loader.load_plugin(CALC)
            assert str(caught.value.at).endswith("kurt.toml:1:1") or ":2:1" in str(caught.value.at)

    async def test_a_mode_of_a_plugin_that_nobody_can_read_is_strict(
        self, own_places: Path
    ) -> None:
        toml = f'[plugin."{CALC}"]\nisolation = "stric"\n'
        grow(own_places / ".config" / "kurt", {"kurt.toml": toml})
        plant((CALC, calculator()))
        async with loading() as loader:
            await loader.load_plugin(CALC)
            assert housing_of(loader).decision.mode == "strict"

    async def test_what_cannot_live_elsewhere_stays_or_in_strict_is_refused(self) -> None:
        code = "class Plugin:\n    def start(self, settings): return object()\n"
        plant((CALC, plugin(CALC, code, plugin_type="integration")))
        async with loading() as loader:
            state = await loader.load_plugin(CALC)
            assert not isinstance(state.instance, Remote)
            await loader.unload_plugin(CALC)
            with pytest.raises(IsolationError, match="cannot") as caught:
                await loader.load_plugin(CALC, isolation="strict")
            assert "part of the host's own process" in str(caught.value.cause)
            assert caught.value.hint == (f"kurt config set 'plugin.\"{CALC}\".isolation' auto")

    @kernel
    async def test_strict_holds_everything_that_can_be_held(self) -> None:
        plant((CALC, calculator()))
        async with loading() as loader:
            state = await loader.load_plugin(CALC, isolation="strict")
            housing = housing_of(loader)
            assert (await state.instance.arithmetic("2*3")).result == 6
            assert {"files", "network", "processes", "signals"} <= set(housing.report["enforced"])

    async def test_a_skill_that_declares_nothing_stays_here(self, project: Path) -> None:
        skill = {
            "SKILL.md": "---\nname: hello\ndescription: Greets.\nimplements:\n"
            "  - {type: tool, class: Hello, name: hello}\n---\n# Hello\n",
            "__init__.py": "",
            "skill.py": "from kurt_tool import Tool, ToolResult\n\n\nclass Hello(Tool):\n"
            "    def run(self, params, context, on_progress):\n"
            "        return ToolResult(data={'here': __import__('os').getpid()})\n",
        }
        grow(project, {"skills": {"hello": skill}, "kurt.toml": ""})
        os.environ["KURT_TRUST"] = str(project)
        try:
            with SkillManager() as skills:
                assert skills.run("hello").data["here"] == os.getpid()
        finally:
            del os.environ["KURT_TRUST"]


SHOUT = """\
from pydantic import BaseModel, Field
from kurt_tool import Tool, ToolProgress, ToolResult
from kurt_tool.errors import ToolCanceledError


class Words(BaseModel):
    text: str = Field(min_length=1)
    times: int = 1


class Shouted(BaseModel):
    text: str

    def __str__(self):
        return f"<{self.text}>"


class Shout(Tool[Words, Shouted]):
    "Say it louder."

    async def run(self, params, context, on_progress):
        if params.text == "boom":
            raise RuntimeError("too loud")
        if params.text == "stop":
            raise ToolCanceledError("it cancels itself")
        if params.text == "wrong":
            return {"nothing": 1}
        for n in range(params.times):
            if on_progress:
                on_progress(ToolProgress("shouting", n + 1, params.times))
        return ToolResult(data=Shouted(text=params.text.upper()), metadata={"skill": context.skill,
            "volume": context.settings.get("volume"), "root": context.root})
"""
SHOUT_MD = """---
name: shouter
description: Says it louder.
permissions:
  environment_variables: ["VOLUME"]
implements:
  - {type: tool, class: Shout, name: shout}
---

# Shouter
"""


@pytest.fixture
def shouter(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SkillManager]:
    grow(
        project,
        {
            "skills": {"shouter": {"SKILL.md": SHOUT_MD, "__init__.py": "", "skill.py": SHOUT}},
            "kurt.toml": "[skill.shouter]\nvolume = 11\n",
        },
    )
    monkeypatch.setenv("KURT_TRUST", str(project))
    with SkillManager() as skills:
        yield skills


class TestCalls:
    def test_a_result_is_a_result_and_its_data_can_be_asked_by_attribute(
        self, shouter: SkillManager
    ) -> None:
        seen: list[Any] = []
        result = shouter.run("shout", {"text": "hey", "times": 3}, seen.append)
        assert isinstance(result.data, Record)
        assert result.data.text == "HEY"
        assert str(result.data) == "<HEY>"
        assert result.metadata["volume"] == 11
        assert result.metadata["skill"] == "shouter"
        assert [one.fraction for one in seen] == [1 / 3, 2 / 3, 1.0]

    def test_the_schema_and_the_summary_are_those_of_its_models(
        self, shouter: SkillManager
    ) -> None:
        call = shouter.call("shout")
        assert call.schema["properties"]["text"]["minLength"] == 1
        assert call.summary == "Say it louder"

    def test_errors_have_the_classes_of_the_kind(self, shouter: SkillManager) -> None:
        from kurt_tool.errors import (
            ToolCanceledError,
            ToolExecutionError,
            ToolInputError,
            ToolOutputError,
        )

        with pytest.raises(ToolInputError) as refused:
            shouter.run("shout", {"text": ""})
        assert refused.value.problems[0][0] == "/text"
        with pytest.raises(ToolExecutionError) as failed:
            shouter.run("shout", {"text": "boom"})
        assert failed.value.cause == "RuntimeError: too loud"
        assert "Traceback" in str(failed.value.__cause__)
        with pytest.raises(ToolOutputError) as wrong:
            shouter.run("shout", {"text": "wrong"})
        assert wrong.value.hint is None
        with pytest.raises(ToolCanceledError, match="cancels itself"):
            shouter.run("shout", {"text": "stop"})

    async def test_the_class_of_it_is_one_that_asks_the_worker(self, shouter: SkillManager) -> None:
        cls = await asyncio.to_thread(shouter.get_tool, "shout")
        result = await cls().run({"text": "x"}, None, None)
        assert result.data.text == "X"

    def test_skills_that_register_what_they_offer_do_so_there(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = SHOUT.replace("class Shout(", "@register_tool\nclass Shout(").replace(
            '    "Say it louder."\n', '    name = "loud"\n'
        )
        code = "from kurt_tool import register_tool\n" + code
        head = SHOUT_MD.replace("implements:\n  - {type: tool, class: Shout, name: shout}\n", "")
        skill = {"SKILL.md": head, "__init__.py": "", "skill.py": code}
        grow(project, {"skills": {"shouter": skill}, "kurt.toml": ""})
        monkeypatch.setenv("KURT_TRUST", str(project))
        with SkillManager() as skills:
            assert skills.run("loud", {"text": "a"}).data.text == "A"
            assert not [name for name in sys.modules if name.startswith("kurt_skills.shouter")]

    def test_what_is_wrong_with_an_object_comes_with_what_to_do(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = SHOUT.replace("class Shout(Tool[Words, Shouted])", "class Shout")
        skill = {"SKILL.md": SHOUT_MD, "__init__.py": "", "skill.py": code}
        grow(project, {"skills": {"shouter": skill}, "kurt.toml": ""})
        monkeypatch.setenv("KURT_TRUST", str(project))
        with SkillManager() as skills, pytest.raises(ContractError) as caught:
            skills.run("shout", {"text": "x"})
        assert caught.value.hint == "derive it from kurt_tool.contract.Tool"

    async def test_loops_and_threads_may_share_a_plugin(self, shouter: SkillManager) -> None:
        async def from_here() -> list[str]:
            call = await shouter.acall("shout")
            return [(await call({"text": str(n)})).data.text for n in range(20)]

        def from_there() -> list[str]:
            return [shouter.run("shout", {"text": f"t{n}"}).data.text for n in range(20)]

        here, *there = await asyncio.gather(
            from_here(), *[asyncio.to_thread(from_there) for _ in range(3)]
        )
        assert here == [str(n) for n in range(20)]
        assert there == [[f"T{n}" for n in range(20)]] * 3


def test_the_manifest_of_a_test_declares_by_its_form() -> None:
    from kurt_ext.isolation import declares

    assert declares({"source": "plugin.json", "permissions": {}})
    assert not declares({"source": "SKILL.md", "permissions": {"network_hosts": []}})
    assert declares({"source": "SKILL.md", "permissions": {"network_hosts": ["a.example"]}})
    assert json.loads(manifest("a"))["permissions"] == {}
