"""What a plugin needs is loaded before it, and stays as long as it is needed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lives import (
    BEHAVIOUR,
    JOURNAL,
    fresh_journal,
    hooks,
    imported,
    loading,
    needs,
    plant,
    plugin,
    run,
    until,
)
from trees import grow

from kurt_ext.errors import (
    CircularDependencyError,
    DependencyError,
    HookError,
    KurtError,
    PluginVersionConflictError,
    TransitionError,
)
from kurt_ext.models import PluginStatus as S

A, B, C, D = "com.a.a", "com.a.b", "com.a.c", "com.a.d"


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with fresh_journal():
        yield


def _graph(**edges: str) -> None:
    """Plant plugins ``com.a.NAME``; ``a="b c?"`` means a needs b, and c where it is there."""
    for name, others in edges.items():
        wanted: list[dict[str, Any]] = []
        for other in others.split():
            optional = other.endswith("?")
            wanted += needs(f"com.a.{other.rstrip('?')}", optional=optional)
        plant((name, plugin(f"com.a.{name}", dependencies=wanted)))


def _order(hook: str) -> list[str]:
    return [name for name, called in JOURNAL if called == hook]


def test_what_is_needed_is_loaded_first_and_activated_first_and_ended_last() -> None:
    _graph(a="b", b="c d", c="", d="c")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            order = _order("initialize")
            assert sorted(order) == [A, B, C, D]
            assert order.index(C) < order.index(D) < order.index(B) < order.index(A)
            await loader.activate_plugin(A)
            assert _order("activate") == order
        assert _order("cleanup") == order[::-1]
        assert imported() == []

    run(main)


def test_what_is_loaded_already_is_not_loaded_again_and_what_is_inactive_stays_so() -> None:
    _graph(a="b c", b="", c="")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(B)
            await loader.load_plugin(C)
            await loader.deactivate_plugin(C)
            await loader.load_plugin(A)
            await loader.activate_plugin(A)
            assert _order("initialize") == [B, C, A]
            assert loader.get_plugin_state(B).status == S.ACTIVE
            assert loader.get_plugin_state(C).status == S.INACTIVE

    run(main)


def test_what_is_needed_is_shared_by_those_who_load_at_one_time() -> None:
    _graph(a="c", b="c", c="", d="a b")
    BEHAVIOUR[C, "initialize"] = lambda: asyncio.sleep(0.02)

    async def main() -> None:
        async with loading() as loader:
            await asyncio.gather(*(loader.load_plugin(name) for name in (A, B, D, C)))
            for name in (A, B, C, D):
                assert hooks(name) == ["construct", "initialize"]

    run(main)


def test_p12_a_failing_dependency_fails_its_dependants_with_the_chain_and_nobody_else() -> None:
    _graph(a="b", b="c", c="", d="")
    BEHAVIOUR[C, "initialize"] = "it is broken"

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(DependencyError) as found:
                await loader.load_plugin(A)
            error = found.value
            assert error.chain == (A, B, C)
            assert error.skill == A
            assert "it is broken" in (error.cause or "")
            assert error.hint
            assert (await loader.load_plugin(D)).status == S.LOADED
            for name in (A, B, C):
                assert loader.get_plugin_state(name).status == S.FAILED
            assert imported() == imported(D)
            # The one to blame is counted; those that were taken along are not.
            BEHAVIOUR.clear()
            assert (await loader.load_plugin(A)).status == S.LOADED

    run(main)


@pytest.mark.parametrize("what", ["missing", "another version", "a circle", "itself"])
def test_p12_what_can_never_be_loaded_is_told_before_anything_is(what: str) -> None:
    if what == "missing":
        _graph(a="b", b="c")
    elif what == "another version":
        _graph(b="")
        plant(("a", plugin(A, dependencies=needs(B, constraint=">=2.0.0"))))
    elif what == "a circle":
        _graph(a="b", b="c", c="b")
    else:
        _graph(a="a")
    kinds = {
        "missing": DependencyError,
        "another version": PluginVersionConflictError,
        "a circle": DependencyError,
        "itself": CircularDependencyError,
    }

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(kinds[what]) as found:
                await loader.load_plugin(A)
            if what == "missing":
                assert found.value.chain == (A, B, C)
            assert loader.get_plugin_state(A).status == S.FAILED
            assert JOURNAL == []

    run(main)


@pytest.mark.parametrize("what", ["is not there", "fails", "loads"])
def test_an_optional_dependency_is_taken_where_it_can_be(what: str) -> None:
    _graph(a="b?")
    if what != "is not there":
        _graph(b="")
    if what == "fails":
        BEHAVIOUR[B, "initialize"] = "no"

    async def main() -> None:
        async with loading() as loader:
            assert (await loader.load_plugin(A)).status == S.LOADED
            if what == "loads":
                assert _order("initialize") == [B, A]
                # It may also go again: the other can do without.
                await loader.unload_plugin(B)
            await loader.activate_plugin(A)

    run(main)


def test_what_is_needed_is_not_unloaded_under_those_who_need_it() -> None:
    _graph(a="b", b="", c="b")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            await loader.load_plugin(C)
            with pytest.raises(TransitionError) as found:
                await loader.unload_plugin(B)
            assert A in found.value.message
            assert C in found.value.message
            assert found.value.hint == f"kurt plugin unload {A}"
            assert loader.get_plugin_state(B).status == S.LOADED
            await loader.reload_plugin(B)  # allowed: its place is never empty
            await loader.unload_plugin(A)
            with pytest.raises(TransitionError):
                await loader.unload_plugin(B)
            await loader.unload_plugin(C)
            await loader.unload_plugin(B)

    run(main)


def test_what_is_needed_is_not_unloaded_under_one_that_is_loading() -> None:
    _graph(a="b", b="")
    BEHAVIOUR[A, "initialize"] = lambda: asyncio.sleep(0.05)

    async def main() -> None:
        async with loading() as loader:
            load = asyncio.ensure_future(loader.load_plugin(A))
            await until(lambda: "initialize" in hooks(A))
            with pytest.raises(TransitionError, match=A):
                await loader.unload_plugin(B)
            await load
            assert loader.get_plugin_state(B).status == S.LOADED

    run(main)


def test_a_dependency_whose_activation_fails_fails_the_one_that_needs_it() -> None:
    _graph(a="b", b="")
    BEHAVIOUR[B, "activate"] = "no"

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            with pytest.raises(DependencyError) as found:
                await loader.activate_plugin(A)
            assert found.value.chain == (A, B)
            assert isinstance(found.value.__cause__, HookError)
            assert loader.get_plugin_state(A).status == S.LOADED
            assert loader.get_plugin_state(B).status == S.FAILED

    run(main)


def test_a_reload_loads_what_the_new_code_needs() -> None:
    _graph(a="", b="")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            from pathlib import Path

            grow(Path("plugins/a"), plugin(A, dependencies=needs(B)))
            await loader.reload_plugin(A)
            assert loader.get_plugin_state(B).status == S.LOADED
            with pytest.raises(TransitionError):
                await loader.unload_plugin(B)

    run(main)


def test_a_long_chain_is_loaded_and_ended_in_order() -> None:
    names = [f"n{number:02}" for number in range(30)]
    _graph(**dict(zip(names, [*names[1:], ""], strict=True)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin("com.a.n00")
            assert _order("initialize") == [f"com.a.{name}" for name in reversed(names)]
        assert _order("cleanup") == [f"com.a.{name}" for name in names]

    run(main)


@pytest.mark.parametrize("at_once", [True, False])
def test_dependants_of_one_that_hangs_fail_with_it_in_time(at_once: bool) -> None:
    _graph(a="c", b="c", c="")
    BEHAVIOUR[C, "initialize"] = lambda: asyncio.sleep(30)

    async def main() -> None:
        async with loading(hook_timeout=0.1) as loader, asyncio.timeout(5):
            found: list[Any] = []
            loads = [loader.load_plugin(name) for name in (A, B)]
            if at_once:
                found = await asyncio.gather(*loads, return_exceptions=True)
            else:
                for load in loads:
                    try:
                        await load
                    except KurtError as error:
                        found.append(error)
            assert [type(error) for error in found] == [DependencyError, DependencyError]
            assert [error.chain for error in found] == [(A, C), (B, C)]

    run(main)
