"""A running host is asked by its own user, answers in one line, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext import control, hosts, sockets, wire
from kurt_ext.control import ask, running, serve
from kurt_ext.errors import (
    CallTimeoutError,
    ConfigError,
    DependencyError,
    HookError,
    KurtError,
    LockedError,
    NotFoundError,
    PluginValidationError,
    SkillNotFoundError,
    StorageError,
    TransitionError,
    UsageError,
)
from kurt_ext.explaining import errors_by_reference
from kurt_ext.lifecycle import PluginEvent
from kurt_ext.models import PluginMetadata, PluginState, PluginStatus, PluginValidationResult
from kurt_ext.places import Places

pytestmark = pytest.mark.skipif(not sockets.is_supported(), reason="no Unix sockets here")

ROOT = Path(__file__).parent.parent


class Stand:
    """A loader with one plugin, whose life is what the test says."""

    def __init__(self, places: Places) -> None:
        self.skills = SimpleNamespace(places=places)
        self.state = PluginState(
            metadata=PluginMetadata(plugin_id="hello", name="Hello", version="1.2.3")
        )
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.handlers: list[Callable[[PluginEvent], Any]] = []
        self.fails: BaseException | None = None
        self.slow = 0.0
        self.looks = 0
        self.runtime_version = "1.0.0"

    def get_plugin_state(self, plugin_id: str) -> PluginState:
        if plugin_id != "hello":
            raise SkillNotFoundError(f"nothing is called {plugin_id}", candidates=["hello"])
        return self.state

    def list_plugins(self) -> list[PluginState]:
        return [self.state]

    def subscribe(self, handler: Callable[[PluginEvent], Any]) -> Callable[[], None]:
        self.handlers.append(handler)
        return lambda: self.handlers.remove(handler)

    def timings(self) -> list[Any]:
        return [SimpleNamespace(plugin_id="hello", phase="import", ms=12.34567)]

    def whereabouts(self, plugin_id: str) -> dict[str, Any]:
        return {"isolated": False, "pid": os.getpid()}

    async def _to(self, status: PluginStatus, name: str, **more: Any) -> PluginState:
        before = self.state.status
        self.calls.append((name, more))
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.fails:
            raise self.fails
        self.state.status = status
        for handler in self.handlers:
            handler(PluginEvent(name, "hello", before, status, 1.5, generation=1))
        return self.state

    async def discover_plugins(self) -> None:
        self.looks += 1

    async def load_plugin(self, plugin_id: str, **more: Any) -> PluginState:
        self.state.loaded_at = datetime(2026, 1, 1, tzinfo=UTC)
        return await self._to(PluginStatus.LOADED, "loaded", **more)

    async def reload_plugin(self, plugin_id: str, **more: Any) -> PluginState:
        return await self._to(self.state.status, "reloaded", **more)

    async def activate_plugin(self, plugin_id: str) -> None:
        await self._to(PluginStatus.ACTIVE, "activated")

    async def deactivate_plugin(self, plugin_id: str) -> None:
        await self._to(PluginStatus.INACTIVE, "deactivated")

    async def unload_plugin(self, plugin_id: str) -> None:
        await self._to(PluginStatus.UNLOADED, "unloaded")


@pytest.fixture
def places(project: Path) -> Places:
    return Places()


def with_host(places: Places, work: Callable[[Stand], Any], stand: Stand | None = None) -> Any:
    """Serve in this process while ``work`` asks from a thread of its own."""
    loader = stand or Stand(places)

    async def main() -> Any:
        async with serve(loader) as path:  # type: ignore[arg-type]
            assert path == sockets.run_path(places)
            return await asyncio.to_thread(work, loader)

    return asyncio.run(main())


def raw(places: Places, data: bytes) -> dict[str, Any]:
    """Send bytes as they are, and return the answer."""
    connection = sockets.connect(sockets.run_path(places), 10)
    assert connection is not None
    with connection:
        with suppress(OSError):  # a refusal may come before the question has gone
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        return wire.unpack(connection.makefile("rb").readline())


def question(places: Places, **more: Any) -> bytes:
    whole = {"schema": control.SCHEMA, "project": os.path.realpath(places.project), **more}
    return wire.pack(whole)


# -- asking ----------------------------------------------------------------------


def test_without_a_host_nobody_answers_and_the_error_says_how_to_start_one(places: Places) -> None:
    assert running(places) is None
    with pytest.raises(NotFoundError) as caught:
        ask(places, "list")
    assert caught.value.exit_code == 3
    assert caught.value.hint == f"kurt --project {places.project} watch"


def test_a_host_says_who_it_is(places: Places) -> None:
    host = with_host(places, lambda _: running(places))
    assert host.pid == os.getpid()
    assert host.project == os.path.realpath(places.project)
    assert host.as_dict()["python"].startswith("3.")


def test_the_whole_life_is_had_by_asking(places: Places) -> None:
    def work(stand: Stand) -> list[Any]:
        answers = [
            ask(places, verb, plugin_id="hello")
            for verb in ("load", "activate", "reload", "deactivate", "unload")
        ]
        assert stand.handlers == [], "every subscription is taken back"
        assert stand.looks == 2, "to load and to reload means what is on disk now"
        return answers

    answers = with_host(places, work)
    assert [answer["state"]["status"] for answer in answers] == [
        "loaded",
        "active",
        "active",
        "inactive",
        "unloaded",
    ]
    assert [event["name"] for answer in answers for event in answer["events"]] == [
        "loaded",
        "activated",
        "reloaded",
        "deactivated",
        "unloaded",
    ]
    assert answers[0]["events"][0]["ms"] == 1.5
    assert answers[0]["state"]["loaded_at"] == "2026-01-01T00:00:00.000+00:00"


def test_arguments_go_to_the_loader_as_they_were_given(places: Places) -> None:
    def work(stand: Stand) -> Any:
        ask(places, "load", plugin_id="hello", validate=False, force=True)
        return stand.calls

    assert with_host(places, work) == [("loaded", {"validate": False, "force": True})]


def test_list_info_config_and_timing_read(places: Places) -> None:
    stand = Stand(places)
    stand.state.config.config = {"limit": 3, "api_key": "sk-0123456789abcdef"}

    def work(_: Stand) -> Any:
        return [
            ask(places, "list"),
            ask(places, "info", plugin_id="hello"),
            ask(places, "config", plugin_id="hello"),
            ask(places, "timing"),
        ]

    listed, info, config, timing = with_host(places, work, stand)
    assert listed == [info["state"]]
    assert listed[0]["plugin_id"] == "hello"
    assert config["config"] == {"limit": 3, "api_key": "***"}
    assert timing == [{"plugin_id": "hello", "phase": "import", "ms": 12.346}]
    assert "sk-0123456789abcdef" not in json.dumps([listed, info, config, timing])


@pytest.mark.parametrize(
    ("verb", "arguments", "cls"),
    [
        ("dance", {}, UsageError),
        ("load", {}, UsageError),
        ("load", {"plugin_id": 3}, UsageError),
        ("load", {"plugin_id": "hello", "wish": "x"}, UsageError),
        ("info", {"plugin_id": "nobody"}, SkillNotFoundError),
    ],
)
def test_what_a_host_cannot_do_is_a_typed_error(
    places: Places, verb: str, arguments: dict[str, Any], cls: type[KurtError]
) -> None:
    def work(_: Stand) -> None:
        with pytest.raises(cls) as caught:
            ask(places, verb, **arguments)
        assert type(caught.value) is cls
        if cls is SkillNotFoundError:
            assert caught.value.candidates == ("hello",)

    with_host(places, work)


def test_an_answer_that_does_not_come_in_time_is_an_error_and_the_host_goes_on(
    places: Places,
) -> None:
    stand = Stand(places)
    stand.slow = 0.3

    def work(_: Stand) -> Any:
        with pytest.raises(CallTimeoutError) as caught:
            ask(places, "load", plugin_id="hello", timeout=0.05)
        assert f"pid {os.getpid()}" in str(caught.value)

    with_host(places, work, stand)
    assert stand.state.status is PluginStatus.LOADED, "what was begun is finished"


def test_many_who_ask_at_once_are_all_answered(places: Places) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work(_: Stand) -> set[str]:
        with ThreadPoolExecutor(12) as pool:
            answers = pool.map(lambda _: ask(places, "list")[0]["plugin_id"], range(60))
            return set(answers)

    assert with_host(places, work) == {"hello"}


# -- errors over the wire --------------------------------------------------------

ERRORS = [
    TransitionError("no", status="active", wish="load", legal=("unload",), skill="x", hint="h"),
    DependencyError("no", chain=("a", "b")),
    HookError("no", hook="activate", at="f.py:3"),
    ConfigError("no", problems=[("/a", "is wrong"), ("", "is whole")]),
    PluginValidationError(
        "no",
        validation_result=PluginValidationResult(valid=False, errors=["e"], security_score=10),
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.reference)
def test_an_error_arrives_as_it_was_raised(places: Places, error: KurtError) -> None:
    stand = Stand(places)
    stand.fails = error

    def work(_: Stand) -> None:
        with pytest.raises(type(error)) as caught:
            ask(places, "activate", plugin_id="hello")
        assert type(caught.value) is type(error)
        assert vars(caught.value) == vars(error) | {"skill": "hello"} | (
            {"skill": error.skill} if error.skill else {}
        )

    with_host(places, work, stand)


def test_an_exception_of_another_kind_is_told_and_ends_nothing(places: Places) -> None:
    stand = Stand(places)
    stand.fails = ZeroDivisionError("division by zero")

    def work(_: Stand) -> None:
        with pytest.raises(KurtError) as caught:
            ask(places, "load", plugin_id="hello")
        assert caught.value.cause == "ZeroDivisionError: division by zero"
        assert ask(places, "list")

    with_host(places, work, stand)


@pytest.mark.parametrize("reference", sorted(errors_by_reference()))
def test_every_class_of_error_is_known_at_the_other_end(reference: str) -> None:
    cls = errors_by_reference()[reference]
    if cls.__module__ != KurtError.__module__:
        pytest.skip("a class of another module stays a KurtError")
    error = cls("m", cause="c", at="a", hint="h", skill="s", candidates=["x"])
    back = wire.error_from(wire.unpack(wire.pack(wire.error_to(error))))
    assert type(back) is cls
    assert back.as_dict() == error.as_dict()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_whatever_a_host_says_is_an_error_and_no_more(said: Any) -> None:
    assert isinstance(wire.error_from(said), KurtError)
    for reference in ("config-invalid", "validation-failed", "nothing"):
        data = {"code": reference, "message": "m", "more": said, "candidates": said, "at": said}
        assert wire.error_from(data).message == "m"


TOML = st.recursive(st.floats() | st.dates() | st.text(), st.lists, max_leaves=10)


@given(st.dictionaries(st.text(), TOML, max_size=5))
def test_every_value_of_toml_becomes_one_of_json(value: dict[str, Any]) -> None:
    plain = wire.plain(value)
    assert wire.unpack(wire.pack(plain)) == plain


# -- who may ask, and what ---------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "stopped in the middle"),
        (b"{}", "stopped in the middle"),
        (b"[]\n", "an object is wanted"),
        (b"\xff\n", "not a question"),
        (b"[" * 100_000 + b"\n", "not a question"),
        (b'{"schema": "kurt.control/9"}\n', "speaks kurt.control/1"),
        (b'{"schema": "kurt.control/1", "project": "/"}\n', "another project"),
        (b"x" * (wire.MAX_REQUEST + 10) + b"\n", "may have"),
    ],
)
def test_what_is_no_question_is_answered_with_an_error(
    places: Places, data: bytes, said: str
) -> None:
    def work(_: Stand) -> None:
        try:
            answer = raw(places, data)
        except (BrokenPipeError, ConnectionResetError):
            assert len(data) > wire.MAX_REQUEST, "only what is too long is not read to its end"
            return
        assert answer["ok"] is False
        assert said in answer["error"]["message"] + str(answer["error"]["cause"])

    with_host(places, work)


def test_a_question_needs_a_verb_and_arguments(places: Places) -> None:
    def work(_: Stand) -> None:
        for more in ({"verb": 3}, {"verb": "list", "arguments": []}):
            assert raw(places, question(places, **more))["error"]["code"] == "usage"

    with_host(places, work)


def test_another_user_is_not_answered_and_not_believed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: Stand) -> None:
        stranger = sockets.Peer(4711, 12345)
        monkeypatch.setattr(control, "peer", lambda connection: stranger)
        answer = raw(places, question(places, verb="hello"))
        assert answer["error"]["code"] == "policy"
        assert "12345" in answer["error"]["cause"]
        monkeypatch.setattr(sockets, "peer", lambda connection: stranger)
        with pytest.raises(StorageError, match="another user"):
            ask(places, "hello")

    with_host(places, work)


def test_the_system_tells_who_asks(places: Places) -> None:
    if not hasattr(socket, "SO_PEERCRED"):
        pytest.skip("this system tells it in another way")
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert sockets.peer(one) == (os.getpid(), os.geteuid())


def test_what_is_asked_and_answered_is_bounded(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: Stand) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(control, "MAX_ANSWER", 10)
            with pytest.raises(KurtError, match="may have 10"):
                ask(places, "list")
        with monkeypatch.context() as patch:
            patch.setattr(control, "_MOST", 0)
            with pytest.raises(LockedError, match="answering 0 questions"):
                ask(places, "list")
        with monkeypatch.context() as patch:
            patch.setattr(control, "_TIME_TO_ASK", 0.05)
            connection = sockets.connect(sockets.run_path(places), 10)
            assert connection is not None
            with connection:
                said = wire.unpack(connection.makefile("rb").readline())
            assert "no question came" in said["error"]["message"]
        assert ask(places, "list")

    with_host(places, work)


def test_a_host_without_a_free_file_descriptor_answers_when_it_has_one_again(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A socket that cannot accept twice, as when the table of files is full."""

        def __init__(self, real: socket.socket) -> None:
            self.real = real
            self.failures = 2

        def accept(self) -> Any:
            if self.failures:
                self.failures -= 1
                raise OSError(24, "Too many open files")
            return self.real.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    monkeypatch.setattr(control, "_PAUSE", 0.02)
    monkeypatch.setattr(control, "listen", lambda path: Full(sockets.listen(path)))
    assert with_host(places, lambda _: running(places)) is not None


# -- the socket --------------------------------------------------------------------


def test_only_the_user_may_open_the_socket_and_it_is_gone_afterwards(places: Places) -> None:
    path = Path(sockets.run_path(places))

    def work(_: Stand) -> None:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700

    with_host(places, work)
    assert not path.exists()
    assert running(places) is None


def test_a_folder_that_others_may_enter_is_closed(places: Places) -> None:
    folder = Path(places.data, "run")
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with_host(places, lambda _: None)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_place_of_the_folder_is_refused(places: Places, tmp_path: Path) -> None:
    Path(places.data).mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    Path(places.data, "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="not ours"):
        with_host(places, lambda _: None)


def test_a_file_in_the_place_of_the_socket_is_left_there(places: Places) -> None:
    path = Path(sockets.run_path(places))
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(StorageError, match="something else"):
        with_host(places, lambda _: None)
    assert path.read_text() == "mine"


def test_a_second_host_of_a_project_is_refused_and_the_first_goes_on(places: Places) -> None:
    def work(_: Stand) -> None:
        with pytest.raises(LockedError) as caught:
            with_host(places, lambda _: None)
        assert f"process {os.getpid()}" in (caught.value.cause or "")
        assert running(places) is not None

    with_host(places, work)


def test_two_projects_have_a_host_each(tmp_path: Path, places: Places) -> None:
    (tmp_path / "other").mkdir()
    other = Places(str(tmp_path / "other"))

    def work(_: Stand) -> None:
        with_host(other, lambda _: None)
        assert running(other) is None
        assert running(places) is not None

    with_host(places, work)


def test_a_path_that_is_too_long_for_a_socket_works_where_it_can(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_DATA", str(tmp_path / ("long" * 40)))
    places = Places()
    assert len(sockets.run_path(places)) > 150
    if sys.platform.startswith("linux"):
        assert with_host(places, lambda _: running(places)).pid == os.getpid()
    monkeypatch.setattr(sockets.sys, "platform", "darwin")
    with pytest.raises(StorageError, match="too long"):
        with_host(places, lambda _: None)


DYING = """
import asyncio, os, sys
from types import SimpleNamespace
from kurt_ext.control import serve
from kurt_ext.places import Places

async def main():
    places = Places(sys.argv[1])
    loader = SimpleNamespace(skills=SimpleNamespace(places=places), runtime_version="1.0.0")
    async with serve(loader):
        print("serving", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@contextmanager
def other_process(project: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", DYING, str(project)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_host_in_another_process_is_named_by_its_pid(places: Places, project: Path) -> None:
    with other_process(project) as process:
        host = running(places)
        assert host is not None
        assert host.pid == process.pid


def test_the_socket_of_a_killed_host_is_taken_away(
    places: Places, project: Path, tmp_path: Path
) -> None:
    path = Path(sockets.run_path(places))
    with other_process(project) as process:
        process.kill()
        process.wait()
        assert path.exists()
        assert running(places) is None
        assert not path.exists()
    with other_process(project) as process:
        process.kill()
        process.wait()
        (tmp_path / "other").mkdir()
        with_host(Places(str(tmp_path / "other")), lambda _: None)
        assert not path.exists(), "whoever serves next takes the sockets of all dead hosts away"
    with other_process(project) as process:
        process.kill()
        process.wait()
        with_host(places, lambda _: None)


def test_one_who_asks_and_leaves_or_never_asks_harms_nobody(places: Places) -> None:
    def work(stand: Stand) -> None:
        stand.slow = 0.1
        for data in (b"", question(places, verb="load", arguments={"plugin_id": "hello"})):
            connection = sockets.connect(sockets.run_path(places), 5)
            assert connection is not None
            connection.sendall(data)
            connection.close()
        assert ask(places, "list")

    with_host(places, work)


def test_a_host_that_ends_tells_those_who_wait(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_GRACE", 0.05)
    stand = Stand(places)
    stand.slow = 60
    said: list[KurtError] = []

    def wait() -> None:
        try:
            ask(places, "load", plugin_id="hello")
        except KurtError as error:
            said.append(error)

    async def main() -> None:
        async with serve(stand):  # type: ignore[arg-type]
            waiting = asyncio.create_task(asyncio.to_thread(wait))
            while not stand.calls:
                await asyncio.sleep(0.01)
        await waiting

    asyncio.run(main())
    assert [error.message for error in said] == ["the host ended meanwhile"]


def test_where_there_are_no_unix_sockets_a_host_runs_unasked(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "is_supported", lambda: False)
    monkeypatch.setattr(control, "is_supported", lambda: False)
    monkeypatch.setattr(hosts, "is_supported", lambda: False)

    async def main() -> None:
        async with serve(Stand(places)) as path:  # type: ignore[arg-type]
            assert path is None
            assert running(places) is None
            with pytest.raises(NotFoundError) as caught:
                ask(places, "list")
            assert "no Unix sockets" in (caught.value.cause or "")

    asyncio.run(main())


def test_a_host_that_says_nonsense_has_broken_off(places: Places) -> None:
    path = sockets.run_path(places)
    for said in (b"", b"nonsense\n", b'{"ok": true', b'{"ok": false}\n', b"x" * 100):
        listening = sockets.listen(path)
        listening.setblocking(True)
        try:
            from threading import Thread

            def answer(said: bytes = said, listening: socket.socket = listening) -> None:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(said)

            thread = Thread(target=answer)
            thread.start()
            with pytest.raises(KurtError, match=r"broke off|did not say how"):
                ask(places, "list")
            thread.join()
        finally:
            listening.close()


def test_a_host_of_another_version_is_told_apart(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "hello", lambda loader, project: {"pid": 1, "shoe_size": 44})

    def work(_: Stand) -> None:
        with pytest.raises(KurtError, match="another version"):
            running(places)

    with_host(places, work)
