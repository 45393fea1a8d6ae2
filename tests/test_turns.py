"""Turns: one at a time, in the order of asking; who would wait for itself is told so.

What is asked of plugins at one time, from hooks too, and what cancellation leaves behind.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from lives import BEHAVIOUR, Heard, fresh_journal, hooks, imported, loading, plant, run, until

from kurt_ext.errors import HookError, KurtError, TransitionError
from kurt_ext.loader import PluginLoader
from kurt_ext.models import PluginStatus as S
from kurt_ext.turns import Turn


@pytest.fixture(autouse=True)
def journal() -> Iterator[None]:
    with fresh_journal():
        yield


# -- the lock itself -------------------------------------------------------------


def test_turns_are_taken_in_the_order_of_asking() -> None:
    async def main() -> list[int]:
        turn, found = Turn("one"), list[int]()

        async def take(number: int) -> None:
            async with turn:
                found.append(number)
                await asyncio.sleep(0)
                found.append(number)

        await asyncio.gather(*(take(number) for number in range(5)))
        assert not turn.is_taken
        return found

    assert run(main) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_turns_are_shared_between_threads_and_loops() -> None:
    turn, inside, most = Turn("one"), [0], [0]

    async def take() -> None:
        for _ in range(20):
            async with turn:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                await asyncio.sleep(0.0005)
                inside[0] -= 1

    threads = [threading.Thread(target=lambda: asyncio.run(take())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert most == [1]
    assert not turn.is_taken


def test_one_who_is_cancelled_while_waiting_is_passed_over() -> None:
    async def main() -> None:
        turn, found = Turn("one"), list[str]()

        async def take(name: str) -> None:
            async with turn:
                found.append(name)
                await asyncio.sleep(0.01)

        tasks = [asyncio.ensure_future(take(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert found == ["a", "c"]
        assert not turn.is_taken

    run(main)


def test_one_who_is_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    async def main() -> None:
        turn, found = Turn("one"), list[str]()

        async def take(name: str) -> None:
            async with turn:
                found.append(name)

        # Started before the turn is taken: what is started inside would be refused.
        second = asyncio.ensure_future(take("b"))
        third = asyncio.ensure_future(take("c"))
        async with turn:
            await asyncio.sleep(0)
        # The turn was given to the second, which has not woken up yet.
        second.cancel()
        await asyncio.wait({second, third})
        assert second.cancelled()
        assert found == ["c"]
        assert not turn.is_taken

    run(main)


def test_asking_for_a_turn_that_one_has_is_refused() -> None:
    async def main() -> None:
        turn = Turn("one")
        async with turn:
            with pytest.raises(TransitionError, match="one"):
                async with turn:
                    pass
            assert turn.is_taken
        assert not turn.is_taken

    run(main)


def test_two_who_wait_for_each_other_are_told_so_and_a_third_is_not() -> None:
    async def main() -> None:
        one, two, three = Turn("one"), Turn("two"), Turn("three")
        refused = list[str]()

        async def take(first: Turn, second: Turn) -> None:
            async with first:
                await asyncio.sleep(0.005)
                try:
                    async with second:
                        pass
                except TransitionError:
                    refused.append(first.name)

        await asyncio.wait_for(asyncio.gather(take(one, two), take(two, one), take(three, one)), 5)
        assert len(refused) == 1
        assert refused[0] in ("one", "two")

    run(main)


def test_one_who_waits_for_two_at_one_time_is_seen_to_wait_for_both() -> None:
    async def main() -> None:
        one, two, three = Turn("one"), Turn("two"), Turn("three")
        refused = list[str]()

        async def briefly(turn: Turn) -> None:
            async with turn:
                pass

        async def first() -> None:
            async with one:
                await asyncio.sleep(0.005)
                await asyncio.gather(briefly(two), briefly(three))

        async def second() -> None:
            async with two:
                await asyncio.sleep(0.02)
                try:
                    async with one:
                        pass
                except TransitionError:
                    refused.append("second")

        async def third() -> None:
            async with three:
                await asyncio.sleep(0.01)

        # `first` gets three and still waits for two, whose holder asks for one.
        await asyncio.wait_for(asyncio.gather(first(), second(), third()), 5)
        assert refused == ["second"]

    run(main)


def test_a_task_that_outlives_the_turn_it_was_started_in_may_ask_again() -> None:
    async def main() -> None:
        turn, found = Turn("one"), list[str]()

        async def later() -> None:
            await asyncio.sleep(0.005)
            async with turn:
                found.append("later")

        async with turn:
            task = asyncio.ensure_future(later())
        await asyncio.wait_for(task, 5)
        assert found == ["later"]

    run(main)


# -- what is asked of plugins at one time ---------------------------------------------


async def _slowly() -> None:
    await asyncio.sleep(0.02)


def test_p9_five_loads_at_one_time_make_one_instance_and_call_initialize_once() -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "initialize"] = _slowly

    async def main() -> None:
        async with loading() as loader:
            states = await asyncio.gather(*(loader.load_plugin("com.a.one") for _ in range(5)))
            assert len({id(state.instance) for state in states}) == 1
            assert hooks("com.a.one") == ["construct", "initialize"]

    run(main)


def test_p9_five_loads_from_five_threads_make_one_instance() -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "initialize"] = _slowly

    async def main() -> None:
        async with loading() as loader:

            def elsewhere() -> Any:
                return asyncio.run(loader.load_plugin("com.a.one")).instance

            found = await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(5)))
            assert len({id(instance) for instance in found}) == 1
            assert hooks("com.a.one") == ["construct", "initialize"]

    run(main)


def test_five_loads_at_one_time_fail_once_and_all_are_told() -> None:
    plant("com.a.one")

    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    BEHAVIOUR["com.a.one", "initialize"] = fail

    async def main() -> None:
        async with loading() as loader:
            loads = [loader.load_plugin("com.a.one") for _ in range(5)]
            found = await asyncio.gather(*loads, return_exceptions=True)
            assert all(isinstance(error, HookError) for error in found)
            assert hooks("com.a.one") == ["construct", "initialize", "cleanup"]

    run(main)


def test_one_of_several_who_load_is_cancelled_and_the_others_are_not() -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "initialize"] = lambda: asyncio.sleep(0.05)

    async def main() -> None:
        async with loading() as loader:
            tasks = [asyncio.ensure_future(loader.load_plugin("com.a.one")) for _ in range(3)]
            await until(lambda: "initialize" in hooks("com.a.one"))
            tasks[0].cancel()
            await asyncio.wait(tasks)
            assert tasks[0].cancelled()
            assert [task.result().status for task in tasks[1:]] == [S.LOADED, S.LOADED]
            assert hooks("com.a.one") == ["construct", "initialize"]

    run(main)


def test_when_all_who_load_are_cancelled_the_load_is_too() -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "initialize"] = lambda: asyncio.sleep(30)

    async def main() -> None:
        async with loading() as loader:
            tasks = [asyncio.ensure_future(loader.load_plugin("com.a.one")) for _ in range(3)]
            await until(lambda: "initialize" in hooks("com.a.one"))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
            await until(lambda: loader.get_plugin_state("com.a.one").status == S.FAILED)
            assert hooks("com.a.one") == ["construct", "initialize", "cleanup"]
            del BEHAVIOUR["com.a.one", "initialize"]
            assert (await loader.load_plugin("com.a.one")).status == S.LOADED

    run(main)


@pytest.mark.parametrize(
    "wishes",
    [
        ("activate", "activate"),
        ("load", "unload"),
        ("activate", "deactivate"),
        ("reload", "unload"),
        ("unload", "unload"),
        ("reload", "reload"),
        ("unload", "load"),
        ("deactivate", "reload"),
    ],
    ids="+".join,
)
def test_what_is_asked_at_one_time_happens_in_turn(wishes: tuple[str, str]) -> None:
    plant("com.a.one")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin("com.a.one")
            for hook in ("initialize", "activate", "deactivate", "cleanup"):
                BEHAVIOUR["com.a.one", hook] = _slowly
            heard = Heard(loader)
            asked = [getattr(loader, f"{wish}_plugin")("com.a.one") for wish in wishes]
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert all(
                not isinstance(e, Exception) or isinstance(e, TransitionError) for e in found
            )
            for earlier, later in pairwise(heard):
                assert earlier.after == later.before

    run(main)


# -- hooks that ask for something themselves --------------------------------------------

_WISHES = ("load", "unload", "reload", "activate", "deactivate")


def _asks(loader: PluginLoader, wish: str, plugin_id: str) -> Callable[[], Awaitable[Any]]:
    return lambda: getattr(loader, f"{wish}_plugin")(plugin_id)


@pytest.mark.parametrize("wish", _WISHES)
@pytest.mark.parametrize("hook", ["initialize", "activate", "deactivate", "cleanup"])
def test_a_hook_that_asks_for_its_own_plugin_is_refused(hook: str, wish: str) -> None:
    plant("com.a.one")

    async def main() -> None:
        async with loading() as loader:
            refused = list[BaseException]()

            async def ask() -> None:
                try:
                    await _asks(loader, wish, "com.a.one")()
                except KurtError as error:
                    refused.append(error)

            BEHAVIOUR["com.a.one", hook] = ask
            async with asyncio.timeout(5):
                await loader.load_plugin("com.a.one")
                await loader.activate_plugin("com.a.one")
                await loader.unload_plugin("com.a.one")
            assert [type(error) for error in refused] == [TransitionError]
            assert loader.get_plugin_state("com.a.one").status == S.UNLOADED
            assert hooks("com.a.one") == [
                "construct", "initialize", "activate", "deactivate", "cleanup"
            ]  # fmt: skip

    run(main)


@pytest.mark.parametrize("wish", ["load", "reload", "activate", "deactivate", "unload"])
def test_a_hook_may_ask_for_another_plugin(wish: str) -> None:
    plant("com.a.one", "com.a.two")
    after = {
        "load": S.LOADED,
        "reload": S.LOADED,
        "activate": S.ACTIVE,
        "deactivate": S.INACTIVE,
        "unload": S.UNLOADED,
    }

    async def main() -> None:
        async with loading() as loader:
            if wish != "load":
                await loader.load_plugin("com.a.two")
            BEHAVIOUR["com.a.one", "initialize"] = _asks(loader, wish, "com.a.two")
            async with asyncio.timeout(5):
                await loader.load_plugin("com.a.one")
            assert loader.get_plugin_state("com.a.two").status == after[wish]

    run(main)


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at one time"])
def test_two_plugins_whose_hooks_load_each_other_do_not_wait_for_ever(at_once: bool) -> None:
    plant("com.a.one", "com.a.two")

    async def main() -> None:
        async with loading(hook_timeout=20) as loader:

            async def ask(other: str) -> None:
                await asyncio.sleep(0.01)
                await loader.load_plugin(other)

            BEHAVIOUR["com.a.one", "initialize"] = lambda: ask("com.a.two")
            BEHAVIOUR["com.a.two", "initialize"] = lambda: ask("com.a.one")
            names = ["com.a.one", "com.a.two"] if at_once else ["com.a.one"]
            async with asyncio.timeout(5):
                loads = [loader.load_plugin(name) for name in names]
                found = await asyncio.gather(*loads, return_exceptions=True)
            assert any(isinstance(error, HookError) for error in found)
            for name in ("com.a.one", "com.a.two"):
                state = loader.get_plugin_state(name)
                assert state.status in (S.LOADED, S.FAILED)
                assert (state.instance is None) == (state.status == S.FAILED)

    run(main)


def test_two_hooks_that_unload_each_others_plugin_do_not_wait_for_ever() -> None:
    plant("com.a.one", "com.a.two")

    async def main() -> None:
        async with loading(hook_timeout=20) as loader:
            for name in ("com.a.one", "com.a.two"):
                await loader.load_plugin(name)

            async def ask(other: str) -> None:
                await asyncio.sleep(0.01)
                await loader.unload_plugin(other)

            BEHAVIOUR["com.a.one", "cleanup"] = lambda: ask("com.a.two")
            BEHAVIOUR["com.a.two", "cleanup"] = lambda: ask("com.a.one")
            async with asyncio.timeout(5):
                unloads = [loader.unload_plugin(name) for name in ("com.a.one", "com.a.two")]
                await asyncio.gather(*unloads, return_exceptions=True)
            for name in ("com.a.one", "com.a.two"):
                assert loader.get_plugin_state(name).status in (S.UNLOADED, S.FAILED)
            assert imported() == []

    run(main)


def test_a_task_of_a_hook_may_ask_once_the_hook_has_returned() -> None:
    plant("com.a.one")

    async def main() -> None:
        async with loading() as loader:
            tasks = list[asyncio.Task[None]]()

            async def activate() -> None:
                await until(lambda: loader.get_plugin_state("com.a.one").status == S.LOADED)
                await loader.activate_plugin("com.a.one")

            async def start() -> None:
                tasks.append(asyncio.ensure_future(activate()))

            BEHAVIOUR["com.a.one", "initialize"] = start
            await loader.load_plugin("com.a.one")
            await asyncio.wait_for(tasks[0], 5)
            assert loader.get_plugin_state("com.a.one").status == S.ACTIVE

    run(main)


# -- cancellation of the one who asks ----------------------------------------------------

#: (what is asked, the hook that it is in at the time, the state that is left behind)
_CANCELLED = [
    ("load", "initialize", S.FAILED),
    ("activate", "activate", S.FAILED),
    ("deactivate", "deactivate", S.FAILED),
    ("unload", "deactivate", S.FAILED),
    ("unload", "cleanup", S.FAILED),
    ("reload", "initialize", S.ACTIVE),
    ("reload", "activate", S.ACTIVE),
    ("reload", "deactivate", S.ACTIVE),
    ("reload", "cleanup", S.ACTIVE),
]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize(("wish", "hook", "after"), _CANCELLED)
def test_cancelling_the_one_who_asks_leaves_a_state_that_leads_on(
    wish: str, hook: str, after: S, times: int
) -> None:
    plant("com.a.one")

    async def main() -> None:
        async with loading(hook_timeout=0.5) as loader:
            if wish != "load":
                await loader.load_plugin("com.a.one")
            if wish in ("deactivate", "unload", "reload"):
                await loader.activate_plugin("com.a.one")
            begun = asyncio.Event()

            async def hang() -> None:
                begun.set()
                await asyncio.sleep(30)

            async def swallow() -> None:
                try:
                    await hang()
                except asyncio.CancelledError:
                    await asyncio.sleep(0.1)
                    raise

            BEHAVIOUR["com.a.one", hook] = hang if times < 3 else swallow
            if times > 1 and hook != "cleanup":
                BEHAVIOUR["com.a.one", "cleanup"] = lambda: asyncio.sleep(0.05)
            asked = asyncio.ensure_future(getattr(loader, f"{wish}_plugin")("com.a.one"))
            await begun.wait()
            BEHAVIOUR.pop(("com.a.one", hook))
            asked.cancel()
            for _ in range(times - 1):
                await asyncio.sleep(0.005)
                asked.cancel()
            await asyncio.wait({asked}, timeout=10)
            assert asked.cancelled()
            life = loader.skills.loading.life(loader.candidate("com.a.one"))
            await until(lambda: not life.turn.is_taken)
            assert loader.get_plugin_state("com.a.one").status == after
            BEHAVIOUR.clear()
            if after == S.FAILED:
                assert imported() == []
                await loader.load_plugin("com.a.one")
                await loader.activate_plugin("com.a.one")
            state = loader.get_plugin_state("com.a.one")
            assert await state.instance.greet() == "Hello you"
            await until(lambda: not any("@" in name for name in imported()))
        assert imported() == []

    run(main)


@pytest.mark.parametrize("wish", ["unload", "reload"])
def test_cancelling_one_who_waits_for_calls_to_end_leaves_a_state_that_leads_on(wish: str) -> None:
    from lives import plugin

    code = """\
        import asyncio

        class Plugin:
            def __init__(self, metadata, config): ...
            async def slow(self):
                await asyncio.sleep(0.2)
                return "old"
        """
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("com.a.one")
            call = asyncio.ensure_future(state.instance.slow())
            await asyncio.sleep(0)
            asked = asyncio.ensure_future(getattr(loader, f"{wish}_plugin")("com.a.one"))
            await asyncio.sleep(0.05)
            asked.cancel()
            await asyncio.wait({asked})
            assert state.status in (S.FAILED, S.UNLOADED, S.LOADED)
            assert await call == "old"
            if state.status != S.LOADED:
                await loader.load_plugin("com.a.one")
            assert state.status == S.LOADED

    run(main)
