"""Spans and log records: what they say, and that they cost nothing where nobody listens."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from trees import grow, skill

from kurt_ext import telemetry
from kurt_ext.errors import HookError, KurtError, SkillNotFoundError
from kurt_ext.lifecycle import EVENTS, PluginEvent
from kurt_ext.loader import PluginLoader
from kurt_ext.manager import SkillManager
from kurt_ext.models import PluginStatus

FAILING = """\
from kurt_tool import Tool, ToolResult


class Echo(Tool):
    name = "echo"
    description = "Fail in a way"

    async def run(self, params, context, on_progress):
        if params.get("way") == "raise":
            raise ValueError("the secret is hunter2")
        return ToolResult(success=False, errors=["the secret is hunter2"])
"""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Configure a tracer provider, as a program would once; give what it exports."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def trusted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KURT_TRUST", str(project))
    return project


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = spans.get_finished_spans()
    return span


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


class Loader:
    """As much of a loader as telemetry meets."""

    def __init__(self, status: str = "active") -> None:
        self.handlers: list[Callable[[PluginEvent], Any]] = []
        self.state = SimpleNamespace(
            status=PluginStatus(status), generation=3, metadata=SimpleNamespace(version="1.2.3")
        )
        self.error: BaseException | None = None

    def get_plugin_state(self, plugin_id: str) -> Any:
        if plugin_id == "nobody":
            raise SkillNotFoundError("there is no nobody")
        return self.state

    def subscribe(self, handler: Callable[[PluginEvent], Any]) -> Callable[[], None]:
        self.handlers.append(handler)
        return lambda: self.handlers.remove(handler)

    @telemetry.traced("kurt.reload")
    async def reload_plugin(self, plugin_id: str, validate: bool = True) -> Any:
        """Reload."""
        if self.error is not None:
            raise self.error
        return (validate, self.state)


def test_a_call_is_a_span_with_names_and_no_data(
    trusted: Path, spans: InMemorySpanExporter
) -> None:
    grow(trusted / "skills" / "echo", skill("echo", version="1.2.0-rc.1"))
    with SkillManager() as skills:
        assert skills.run("echo", {"text": "hunter2"}).success
    span = only(spans)
    assert span.name == "kurt.call"
    assert span.status.is_unset
    assert told(span) == {
        "kurt.plugin.id": "echo",
        "kurt.plugin.version": "1.2.0-rc.1",
        "kurt.plugin.generation": 1,
        "kurt.extension": "echo:echo",
        "kurt.outcome": "ok",
    }


@pytest.mark.parametrize("way", ["raise", "return"])
def test_a_call_that_fails_is_an_error_that_gives_no_secret_away(
    trusted: Path, spans: InMemorySpanExporter, way: str
) -> None:
    grow(trusted / "skills" / "echo", skill("echo", code=FAILING))
    with SkillManager() as skills:
        try:
            skills.run("echo", {"way": way})
        except Exception:
            assert way == "raise"
    span = only(spans)
    assert told(span)["kurt.outcome"] == "failed"
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "hunter2" not in span.to_json()


def test_the_span_of_a_call_lies_within_the_callers(
    trusted: Path, spans: InMemorySpanExporter
) -> None:
    grow(trusted / "skills" / "echo", skill("echo"))

    async def main() -> None:
        async with SkillManager() as skills:
            with trace.get_tracer_provider().get_tracer("t").start_as_current_span("outer"):
                await skills.arun("echo")

    asyncio.run(main())
    inner, outer = spans.get_finished_spans()
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


def test_a_call_that_is_cancelled_says_so(trusted: Path, spans: InMemorySpanExporter) -> None:
    async def hang(invocation: Any) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        generation = SimpleNamespace(number=4)
        extension = SimpleNamespace(skill="s", candidate=None, generation=generation)
        layer = telemetry.around(extension)  # type: ignore[arg-type]
        assert layer is not None
        call = asyncio.ensure_future(layer(SimpleNamespace(reference="s:e"), hang))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())
    assert told(only(spans))["kurt.outcome"] == "cancelled"
    assert told(only(spans))["kurt.plugin.generation"] == 4


def test_without_a_provider_a_call_keeps_its_fast_way(trusted: Path) -> None:
    grow(trusted / "skills" / "echo", skill("echo"))

    async def main() -> None:
        async with SkillManager() as skills:
            call = await skills.acall("echo")
            assert (await call.prepare()).layers == ()

    assert telemetry.tracer() is None
    asyncio.run(main())


SCRIPT = """\
import sys
from kurt_ext import SkillManager
{configure}
with SkillManager() as skills:
    assert skills.run("echo").success
print(*sorted(name for name in sys.modules if name.startswith("opentelemetry")))
{report}
"""
CONFIGURED = """\
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""
#: How a program treats OpenTelemetry → the spans it gets; None: the API stays unimported.
PROGRAMS = {
    "has it installed": ("", "", None),
    "imports it": ("import opentelemetry.trace", "print()", ""),
    "configures it": (
        CONFIGURED,
        "print(*[span.name for span in exporter.get_finished_spans()])",
        "kurt.call",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_gets_spans_when_it_has_configured_them_only(trusted: Path, program: str) -> None:
    grow(trusted / "skills" / "echo", skill("echo"))
    configure, report, expected = PROGRAMS[program]
    script = SCRIPT.format(configure=configure, report=report)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert not run.returncode, run.stderr
    imported, *names = run.stdout.splitlines()
    if expected is None:
        assert imported == ""
    else:
        assert names == [expected]


@pytest.mark.parametrize(
    ("variable", "kind"), [("", "NoneType"), ("sdk_tracer_provider", "Tracer")]
)
def test_the_environment_configures_a_provider_too(variable: str, kind: str) -> None:
    script = (
        "import os; os.environ['OTEL_PYTHON_TRACER_PROVIDER'] = '{}';"
        "from kurt_ext.telemetry import tracer; print(type(tracer()).__name__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script.format(variable)], capture_output=True, text=True
    )
    assert (run.stdout.strip(), run.returncode) == (kind, 0), run.stderr


def test_tracing_is_off_where_the_api_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    assert telemetry.tracer() is None


ERROR = HookError("the hook activate of p failed", cause="ValueError: hunter2")
#: How a method ends, the state after it → outcome, error.type, description of the status.
ENDS: dict[str, tuple[BaseException | None, str, str, str | None, str | None]] = {
    "well": (None, "active", "ok", None, None),
    "rolled back": (ERROR, "inactive", "rolled-back", "HookError", ERROR.message),
    "failed": (ERROR, "failed", "failed", "HookError", ERROR.message),
    "a stranger's error": (ValueError("hunter2"), "failed", "failed", "ValueError", None),
    "cancelled": (asyncio.CancelledError(), "active", "cancelled", "CancelledError", None),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_method_of_a_loader_is_a_span(spans: InMemorySpanExporter, end: str) -> None:
    error, status, outcome, kind, said = ENDS[end]
    loader = Loader(status)
    loader.error = error
    if error is None:
        assert asyncio.run(loader.reload_plugin("p", validate=False)) == (False, loader.state)
    else:
        with pytest.raises(type(error)):
            asyncio.run(loader.reload_plugin("p"))
    span = only(spans)
    expected = {
        "kurt.plugin.id": "p",
        "kurt.plugin.version": "1.2.3",
        "kurt.plugin.generation": 3,
        "kurt.outcome": outcome,
    }
    assert span.name == "kurt.reload"
    assert told(span) == expected | ({"error.type": kind} if kind else {})
    assert span.status.description == said
    assert "hunter2" not in span.to_json()


def test_a_span_of_an_unknown_plugin_has_its_name_alone(spans: InMemorySpanExporter) -> None:
    loader = Loader()
    loader.error = SkillNotFoundError("there is no nobody")
    with pytest.raises(SkillNotFoundError):
        asyncio.run(loader.reload_plugin("nobody"))
    assert told(only(spans)) == {
        "kurt.plugin.id": "nobody",
        "error.type": "SkillNotFoundError",
        "kurt.outcome": "failed",
    }


def test_a_traced_method_is_itself_where_nothing_is_configured() -> None:
    loader = Loader()
    assert asyncio.run(loader.reload_plugin("p")) == (True, loader.state)
    assert asyncio.iscoroutinefunction(Loader.reload_plugin)
    assert Loader.reload_plugin.__doc__ == "Reload."


@pytest.mark.parametrize("name", EVENTS)
def test_each_event_is_a_record_with_fields(name: str, caplog: pytest.LogCaptureFixture) -> None:
    loader = Loader()
    stop = telemetry.log_events(loader)
    at = datetime.now(UTC)
    event = PluginEvent(
        name, "p", PluginStatus.LOADED, PluginStatus.ACTIVE, 1.23456, ERROR, 2, ("a", "b"), at
    )
    with caplog.at_level(logging.DEBUG, telemetry.LOGGER):
        loader.handlers[0](event)
    (record,) = caplog.records
    fields = {
        "event": name,
        "plugin_id": "p",
        "before": "loaded",
        "after": "active",
        "ms": 1.235,
        "generation": 2,
        "error": ERROR.message,
        "detail": ["a", "b"],
    }
    assert {key: getattr(record, key) for key in fields} == fields
    assert record.getMessage() == f"p {name} in 1.2 ms: a, b: {ERROR.message}"
    assert (record.levelno >= logging.ERROR) == (name in ("failed", "rolled-back"))
    stop()
    assert loader.handlers == []


def test_the_beginning_of_something_is_only_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    loader = Loader()
    telemetry.log_events(loader)
    with caplog.at_level(logging.INFO, telemetry.LOGGER):
        for name in ("loading", "loaded"):
            loader.handlers[0](PluginEvent(name, "p", PluginStatus.UNLOADED, PluginStatus.LOADED))
    assert [record.getMessage() for record in caplog.records] == ["p loaded"]


def test_a_plugins_life_is_told_in_spans(trusted: Path, spans: InMemorySpanExporter) -> None:
    folder = grow(trusted / "skills" / "echo", skill("echo"))

    async def main() -> None:
        async with PluginLoader() as loader:
            await loader.load_plugin("echo", validate=False)
            await loader.reload_plugin("echo", validate=False)
            (folder / "skill.py").write_text("1 / 0")
            with pytest.raises(KurtError):
                await loader.reload_plugin("echo", validate=False)
            await loader.skills.arun("echo")
            with pytest.raises(SkillNotFoundError):
                await loader.load_plugin("nobody")

    asyncio.run(main())
    rows = [
        (span.name, told(span).get("kurt.plugin.generation"), told(span)["kurt.outcome"])
        for span in spans.get_finished_spans()
    ]
    assert rows == [
        ("kurt.load", 1, "ok"),
        ("kurt.reload", 2, "ok"),
        ("kurt.reload", 2, "rolled-back"),
        ("kurt.call", 2, "ok"),
        ("kurt.load", None, "failed"),
    ]


def test_a_loaders_events_become_records(trusted: Path, caplog: pytest.LogCaptureFixture) -> None:
    grow(trusted / "skills" / "echo", skill("echo"))

    async def main() -> None:
        async with PluginLoader() as loader:
            stop = telemetry.log_events(loader)
            await loader.load_plugin("echo", validate=False)
            stop()
            await loader.activate_plugin("echo")

    with caplog.at_level(logging.DEBUG, telemetry.LOGGER):
        asyncio.run(main())
    told = [record.event for record in caplog.records if record.name == telemetry.LOGGER]  # type: ignore[attr-defined]
    assert told[0] == "loading"
    assert told[-1] == "loaded"
