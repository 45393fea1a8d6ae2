"""Integrations: started when they are available, lent to calls, stopped once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.manager import SkillManager
from kurt_integration import Integration
from kurt_integration import http as http_module
from kurt_integration.http import Http
from kurt_integration.providing import violations
from kurt_integration.sqlite import Database, SqliteOptions
from kurt_tool import Tool, ToolContext, ToolResult


class Keeper(Tool[Any, Any]):
    name = "keeper"
    uses = ("db",)

    def run(self, params: Any, context: ToolContext, on_progress: Any) -> ToolResult[Any]:
        context.db.write("create table if not exists t (n)")
        changed = context.db.write("insert into t values (?)", [(1,), (2,)])
        rows = context.db.query("select n from t where n > :least", {"least": 1})
        return ToolResult(data=rows, metadata={"changed": changed})


def test_a_call_uses_the_database_of_the_project(project: Path) -> None:
    (project / "kurt.toml").write_text('[integration.db]\npath = "kept.db"\n')
    for _ in range(2):
        with SkillManager() as manager:
            manager.register("kurt.tool", "keeper", Keeper)
            result = manager.run("keeper")
    assert result.data == [{"n": 2}, {"n": 2}]
    assert result.metadata == {"changed": 2}
    assert (project / "kept.db").exists()


def test_a_failed_statement_leaves_nothing() -> None:
    database = Database(SqliteOptions())
    database.write("create table t (n unique)")
    with pytest.raises(Exception, match="UNIQUE"):
        database.write("insert into t values (?)", [(1,), (1,)])
    assert database.query("select * from t") == []
    database.close()
    database.close()


def test_the_database_is_used_from_any_thread() -> None:
    database = Database(SqliteOptions())
    database.write("create table t (n)")
    threads = [
        threading.Thread(target=database.write, args=("insert into t values (?)", [(n,)]))
        for n in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(database.query("select * from t")) == 10
    database.close()


def test_a_read_only_database_is_not_written(project: Path) -> None:
    writing = Database(SqliteOptions(path="x.db"))
    writing.write("create table t (n)")
    writing.close()
    reading = Database(SqliteOptions(path="x.db", read_only=True))
    with pytest.raises(Exception, match="readonly"):
        reading.write("insert into t values (1)")
    reading.close()


def test_the_http_client_says_why_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "_PACKAGES", ("surely_not_installed_at_all",))
    reason = Http().available()
    assert reason is not None and "pip install" in reason


def test_the_http_client_is_imported_only_when_it_is_used() -> None:
    import asyncio

    if Http().available() is not None:
        pytest.skip("no HTTP client is installed")

    async def main() -> None:
        service = Http()
        client = service.start({})
        assert client._made is None
        assert callable(client.get)
        assert client._made is not None
        await service.stop()
        await service.stop()

    asyncio.run(main())


def test_what_is_no_integration_is_told() -> None:
    assert violations(object()) == ["object has no method start(settings)"]


def test_several_services_come_from_one_integration() -> None:
    class Pair(Integration):
        provides = ("left", "right")

        def start(self, settings: Any) -> Any:
            return {"left": 1, "right": 2}

    class Sum(Tool[Any, Any]):
        name = "sum"

        def run(self, params: Any, context: ToolContext, on_progress: Any) -> ToolResult[Any]:
            return ToolResult(data=context.services["left"] + context.services["right"])

    with SkillManager() as manager:
        manager.register("kurt.integration", "pair", Pair)
        manager.register("kurt.tool", "sum", Sum)
        assert manager.run("sum").data == 3
