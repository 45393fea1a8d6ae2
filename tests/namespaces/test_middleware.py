"""Middleware: the built-in layers, and the order they are put in."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.errors import CallError, CircularOrderError, InvalidInputError
from kurt_ext.manager import SkillManager
from kurt_ext.ordering import arranged
from kurt_middleware.wrapping import violations
from kurt_tool import Tool, ToolResult


class Flaky(Tool[Any, Any]):
    name = "flaky"
    uses = ()

    def __init__(self) -> None:
        self.calls = 0

    async def run(self, params: Any, context: Any, on_progress: Any) -> ToolResult[Any]:
        self.calls += 1
        if self.calls < params["needs"]:
            raise ConnectionError("not yet")
        return ToolResult(data=self.calls)


def run(project: Path, toml: str, needs: int = 1) -> Any:
    (project / "kurt.toml").write_text(toml)
    with SkillManager() as manager:
        manager.register("kurt.tool", "flaky", Flaky)
        return manager.run("flaky", {"needs": needs})


def test_timing_and_retry_tell_what_they_did(project: Path) -> None:
    toml = '[middleware]\nenabled = ["retry", "timing"]\n[middleware.retry]\ndelay = 0\n'
    result = run(project, toml, needs=3)
    assert result.data == 3
    assert result.metadata["attempts"] == 3
    assert result.metadata["ms"] >= 0


def test_retry_gives_up_with_the_last_error(project: Path) -> None:
    toml = '[middleware]\nenabled = ["retry"]\n[middleware.retry]\nattempts = 2\ndelay = 0\n'
    with pytest.raises(CallError) as caught:
        run(project, toml, needs=9)
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_options_that_do_not_fit_name_the_table(project: Path) -> None:
    toml = '[middleware]\nenabled = ["retry"]\n[middleware.retry]\nattempts = 0\n'
    with pytest.raises(Exception, match="options of retry") as caught:
        run(project, toml)
    assert "[middleware.retry]" in str(getattr(caught.value, "hint", ""))


def test_log_writes_a_line_per_call_and_no_arguments(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="kurt.calls")
    toml = '[middleware]\nenabled = ["log"]\n'
    run(project, toml)
    with pytest.raises(CallError):
        run(project, toml, needs=31337)
    records = [record for record in caplog.records if record.name == "kurt.calls"]
    first, second = (record.getMessage() for record in records)
    assert ":flaky succeeded in" in first
    assert "raised ToolExecutionError" in second
    assert "31337" not in caplog.text


def test_input_is_checked_before_any_layer(project: Path) -> None:
    (project / "kurt.toml").write_text('[middleware]\nenabled = ["retry"]\n')
    with SkillManager() as manager, pytest.raises(InvalidInputError):
        manager.run("read-text", {})


def test_what_is_no_layer_is_told() -> None:
    assert violations(object()) == ["object has no method around(invocation, proceed)"]


# -- order -------------------------------------------------------------------------

NAMES = st.lists(st.sampled_from("abcdefg"), unique=True)


@given(NAMES)
def test_without_wishes_the_order_is_the_configurations(names: list[str]) -> None:
    assert arranged(names, {}) == names


@given(NAMES, st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"))))
def test_every_wish_is_kept_or_a_circle_is_told_whole(
    names: list[str], pairs: list[tuple[str, str]]
) -> None:
    wishes = {name: ([second for first, second in pairs if first == name], ()) for name in names}
    try:
        order = arranged(names, wishes)
    except CircularOrderError as error:
        assert error.cycle[0] == error.cycle[-1]
        for outer, inner in zip(error.cycle, error.cycle[1:], strict=False):
            assert (outer, inner) in pairs
        return
    assert sorted(order) == sorted(names)
    for outer, inner in pairs:
        if outer in names and inner in names:
            assert order.index(outer) < order.index(inner)
