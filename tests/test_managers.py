"""stevedore's traps: each closed, each with a test that is named after it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import stevedore
from stevedore import _cache

from kurt_ext.contract import Extension
from kurt_ext.errors import ExtensionNotFoundError
from kurt_ext.kinds import Kind
from kurt_ext.managers import All, Driver, Enabled, Named, Ordered

KIND: Kind[object] = Kind("thing", "kurt.thing", "named", "things of a test")


def point(name: str, value: str = "builtins:dict") -> EntryPoint:
    return EntryPoint(name, value, "kurt.thing")


def loader(seen: list[str] | None = None) -> Callable[[EntryPoint], Extension]:
    def make(ep: EntryPoint) -> Extension:
        if seen is not None:
            seen.append(ep.name)
        skill, _, name = ep.name.partition(":")
        return Extension(KIND, skill, name, ep.load())

    return make


POINTS = [point("a:one"), point("b:two"), point("c:three")]


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("stevedore's cache was asked")

    monkeypatch.setattr(_cache, "get_group_all", forbidden)


@pytest.mark.usefixtures("no_cache")
def test_trap_1_the_cache_is_never_asked_and_nothing_is_kept_for_the_process() -> None:
    for manager in (
        Named("kurt.thing", POINTS, loader(), ["a:one"]),
        Ordered("kurt.thing", POINTS, loader(), ["c:three", "a:one"]),
        Driver("kurt.thing", POINTS, loader(), "b:two"),
        Enabled("kurt.thing", POINTS, loader(), lambda p: p.name != "b:two"),
        All("kurt.thing", POINTS, loader()),
    ):
        assert manager.list_entry_points()
        assert type(manager).ENTRY_POINT_CACHE == {}
        assert type(manager).ENTRY_POINT_CACHE is not stevedore.ExtensionManager.ENTRY_POINT_CACHE
    assert "kurt.thing" not in stevedore.ExtensionManager.ENTRY_POINT_CACHE


def test_trap_1_a_second_manager_sees_what_is_new_at_once() -> None:
    assert All("kurt.thing", POINTS[:1], loader()).names() == ["a:one"]
    assert All("kurt.thing", POINTS[:2], loader()).names() == ["a:one", "b:two"]


def test_trap_2_what_is_not_enabled_is_never_imported() -> None:
    seen: list[str] = []
    Enabled("kurt.thing", POINTS, loader(seen), lambda p: p.name == "b:two")
    assert seen == ["b:two"]


def test_trap_2_a_named_manager_imports_what_is_named_and_nothing_else() -> None:
    seen: list[str] = []
    manager = Named("kurt.thing", POINTS, loader(seen), ["c:three", "d:four"])
    assert seen == ["c:three"]
    assert manager.missing == ["d:four"]


def test_trap_3_names_are_references_so_that_stevedore_sees_no_conflict() -> None:
    same = [point("a:x"), point("b:other"), point("b:x")]
    assert All("kurt.thing", same, loader()).names() == ["a:x", "b:other", "b:x"]
    with pytest.raises(ValueError, match="not unique"):
        All("kurt.thing", [point("a:x"), point("b:x"), point("a:x")], loader())


@pytest.mark.parametrize("error", [SystemExit(3), AssertionError("no"), ImportError("x")])
def test_trap_4_what_a_guest_raises_at_import_stays_with_the_guest(error: BaseException) -> None:
    def make(ep: EntryPoint) -> Extension:
        if ep.name == "b:two":
            raise error
        return loader()(ep)

    manager = All("kurt.thing", POINTS, make)
    assert manager.names() == ["a:one", "c:three"]
    outcome = manager.outcomes["b:two"]
    assert (outcome.state, outcome.error) == ("failed", error)
    assert type(error).__name__ in (outcome.reason or "")
    assert "test_managers.py" in outcome.traceback
    assert outcome.ms >= 0


def test_trap_4_an_interrupt_is_the_users() -> None:
    def make(ep: EntryPoint) -> Extension:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        All("kurt.thing", POINTS, make)


def test_trap_5_a_driver_that_is_missing_and_one_that_failed_are_told_apart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ExtensionNotFoundError) as caught:
        _ = Driver("kurt.thing", POINTS, loader(), "d:four").driver
    assert caught.value.candidates == ("a:one", "b:two", "c:three")
    broken = [point("a:one", "a_module_that_is_not_there:x")]
    with pytest.raises(ModuleNotFoundError):
        _ = Driver("kurt.thing", broken, loader(), "a:one").driver
    assert not caplog.records  # stevedore would log it as missing


def test_trap_5_a_driver_that_is_falsy_is_still_the_driver() -> None:
    class Falsy:
        def __bool__(self) -> bool:
            return False

    falsy = Falsy()

    def make(ep: EntryPoint) -> Extension:
        return Extension(KIND, "a", "one", falsy, plugin=Falsy)

    assert Driver("kurt.thing", POINTS, make, "a:one").driver.obj is falsy


def test_trap_6_the_method_that_is_overridden_has_the_signature_that_stevedore_calls() -> None:
    import inspect

    ours = inspect.signature(Named._load_one_plugin)
    theirs = inspect.signature(stevedore.ExtensionManager._load_one_plugin)
    assert list(ours.parameters) == list(theirs.parameters)


def test_ordered_keeps_the_order_of_the_names() -> None:
    names = ["c:three", "a:one", "b:two"]
    assert Ordered("kurt.thing", POINTS, loader(), names).names() == names
    failing = [point("a:one", "nowhere_at_all:x"), *POINTS[1:]]
    assert Ordered("kurt.thing", failing, loader(), names).names() == ["c:three", "b:two"]


def test_importing_the_managers_writes_no_file_into_the_home(own_places: Path) -> None:
    All("kurt.thing", POINTS, loader())
    assert list(own_places.rglob("*")) == []
    assert "stevedore" in sys.modules
