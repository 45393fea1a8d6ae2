"""What a call by name costs, beside its peers.

    python benchmarks/calls.py [--pairs 101] [--calls 2000]

Every figure is a multiple of ``await plain.run(1, None, None)``, an async method
of the contract's signature that returns its first argument, measured in turn
with it in one process: the median of the pairs, which are many and short. The
fan-out is a multiple of a loop written by hand over the same fifty methods.
Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter
from typing import Any

from pydantic import BaseModel

from kurt_ext.manager import SkillManager
from kurt_tool import Tool, ToolResult

Loop = Callable[[int], Awaitable[None]]


class In(BaseModel):
    """The input of the checked call."""

    x: int


class Out(BaseModel):
    """Its output."""

    y: int


class Plain:
    """What everything is a multiple of."""

    async def run(self, x: int, context: Any, on_progress: Any = None) -> int:
        return x


class Unchecked(Tool[Any, Any]):
    """Has no models and returns its params."""

    name = "unchecked"
    uses = ()

    async def run(self, params: Any, context: Any, on_progress: Any = None) -> Any:
        return params


class Checked(Tool[In, Out]):
    """Has both models, and makes a result."""

    name = "checked"
    uses = ()

    async def run(self, params: In, context: Any, on_progress: Any = None) -> ToolResult[Any]:
        return ToolResult(True, {"y": params.x})


async def timed(loop: Loop, calls: int) -> float:
    start = perf_counter()
    await loop(calls)
    return perf_counter() - start


async def ratio(loop: Loop, reference: Loop, calls: int, pairs: int) -> float:
    """Return the median of ``pairs`` ratios, after a round that is not counted."""
    await timed(reference, calls)
    await timed(loop, calls)
    found = []
    for number in range(pairs):
        # Each goes first half of the time, so that a slow spell falls on both.
        if number % 2:
            ours, theirs = await timed(loop, calls), await timed(reference, calls)
        else:
            theirs, ours = await timed(reference, calls), await timed(loop, calls)
        found.append(ours / theirs)
    return median(found)


def ours(skills: SkillManager) -> dict[str, Loop]:
    """Return the loops over our calls."""
    calls = skills.calls
    arguments, ready = {"x": 1}, In(x=1)
    checked = calls["checked"]
    tool = Checked()

    async def own(count: int) -> None:
        for _ in range(count):
            await tool.run(ready, None, None)

    async def unchecked(count: int) -> None:
        for _ in range(count):
            await calls["unchecked"].direct(1)

    async def kept(count: int) -> None:
        for _ in range(count):
            await checked.invoke(arguments)

    async def by_name(count: int) -> None:
        for _ in range(count):
            await calls["checked"].invoke(arguments)

    async def called(count: int) -> None:
        for _ in range(count):
            await calls["checked"](arguments)

    async def is_ready(count: int) -> None:
        for _ in range(count):
            await checked.invoke(ready)

    return {
        "the same method, awaited directly, making its result": own,
        "unchecked, by name: calls[NAME].direct(params)": unchecked,
        "checked in and out, kept: call.invoke(arguments)": kept,
        "checked in and out, by name: calls[NAME].invoke(arguments)": by_name,
        "the same, spelled calls[NAME](arguments)": called,
        "checked out, a ready instance in": is_ready,
    }


def peers() -> dict[str, Loop]:
    """Return the loops over what others offer, as far as they are installed."""
    found: dict[str, Loop] = {}
    plain = Plain()
    validate_in, validate_out = In.model_validate, Out.model_validate

    async def dumped(count: int) -> None:
        for _ in range(count):
            validate_in({"x": 1})
            validate_out({"y": await plain.run(1, None, None)}).model_dump()

    found["pydantic model_validate in and out, dumped"] = dumped
    try:
        import pluggy
    except ImportError:
        pass
    else:
        spec, implementation = pluggy.HookspecMarker("b"), pluggy.HookimplMarker("b")

        class Spec:
            @spec
            def run(self, x: int, context: Any, on_progress: Any) -> Any:
                """Run."""

        class Implementation:
            @implementation
            async def run(self, x: int, context: Any, on_progress: Any) -> int:
                return x

        manager = pluggy.PluginManager("b")
        manager.add_hookspecs(Spec)
        manager.register(Implementation())

        async def hooked(count: int) -> None:
            for _ in range(count):
                for item in manager.hook.run(x=1, context=None, on_progress=None):
                    await item

        found["pluggy, one async hook"] = hooked
    from importlib.metadata import EntryPoint

    from stevedore import ExtensionManager
    from stevedore.extension import Extension

    point = EntryPoint("plain", "x:y", "b")
    stevedores: Any = ExtensionManager.make_test_instance(
        [Extension("plain", point, Plain, Plain())]
    )

    async def mapped(count: int) -> None:
        for _ in range(count):
            for item in stevedores.map_method("run", 1, None, None):
                await item

    found["stevedore map_method, one extension"] = mapped
    return found


async def fan_out(skills: SkillManager, calls: int, pairs: int, width: int = 50) -> float:
    """Return our fan-out as a multiple of a loop by hand."""
    tools = [Unchecked() for _ in range(width)]
    for number, tool in enumerate(tools):
        skills.register("kurt.tool", f"fan{number}", tool)
    fan = skills.fan_out([f"fan{number}" for number in range(width)])
    await fan(1)

    async def hand(count: int) -> None:
        for _ in range(count):
            [await tool.run(1, None, None) for tool in tools]

    async def spread(count: int) -> None:
        for _ in range(count):
            await fan(1)

    return await ratio(spread, hand, max(1, calls // width), pairs)


async def measure(calls: int, pairs: int) -> None:
    """Print a line per figure."""
    plain = Plain()

    async def reference(count: int) -> None:
        for _ in range(count):
            await plain.run(1, None, None)

    async with SkillManager() as skills:
        for tool in (Unchecked, Checked):
            skills.register("kurt.tool", tool.name, tool)
        for tool in (Unchecked, Checked):
            await skills.calls[tool.name].prepare()
        for title, loop in {**ours(skills), **peers()}.items():
            print(f"{await ratio(loop, reference, calls, pairs):7.2f}  {title}", flush=True)
        print(f"{await fan_out(skills, calls, pairs):7.2f}  fan-out to 50, of a loop by hand")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=101)
    parser.add_argument("--calls", type=int, default=2_000)
    options = parser.parse_args()
    asyncio.run(measure(options.calls, options.pairs))


if __name__ == "__main__":
    main()
