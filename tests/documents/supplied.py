"""What the examples of the two documents use, and the documents leave undefined."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

from pydantic import BaseModel

from kurt_engine import BaseFetcher, FetchResult
from kurt_ext import (
    PluginDependency,
    PluginMetadata,
    PluginValidator,
    SkillManager,
    SkillManifest,
    Tool,
    ToolContext,
    ToolResult,
    discover_all,
    discover_skills,
)
from kurt_integration import Integration


class MyInput(BaseModel):
    url: str


MyOutput = FetchResult


class TrafilaturaFetcher(BaseFetcher):
    """A fetcher that is given a client."""

    name = "trafilatura"

    def __init__(self, http: Any) -> None:
        self._http = http

    def fetch(self, url: str) -> FetchResult:
        return FetchResult(url=url, content=self._http.get(url))


class Client:
    """An HTTP client that answers by itself."""

    def get(self, url: str) -> str:
        return f"the text at {url}"


class Http(Integration):
    """The service ``http`` of the tests: no package and no network is needed."""

    provides = "http"

    def start(self, settings: Mapping[str, Any]) -> Client:
        return Client()


class Copy(BaseModel):
    url: str


class WebArchiverTool(Tool[MyInput, Copy]):
    """The class that the SKILL.md names."""

    name = "archive"

    async def run(self, params: MyInput, context: ToolContext, on_progress: Any) -> Any:
        return ToolResult(data=Copy(url=f"{context.settings['wayback']}/{params.url}"))


def _ensure_tools_loaded() -> None:
    SkillManager.default().discover()


discover_from_paths = discover_skills


def discover_from_entry_points(points: Iterable[EntryPoint]) -> list[SkillManifest]:
    names = {point.dist.name for point in points if point.dist is not None}
    return [manifest for manifest in discover_all() if manifest.name in names]


# -- the plugin document ---------------------------------------------------------

validator = PluginValidator()
logger = logging.getLogger("host")

metadata = PluginMetadata(
    plugin_id="com.example.calculator",
    name="Calculator Plugin",
    version="1.2.3",
    description="Advanced calculator with scientific functions",
    plugin_type="tool",
    entry_point="main",
    min_runtime_version="1.0.0",
    dependencies=[
        PluginDependency(plugin_id="com.example.mathlib", version_constraint=">=2.0.0"),
        PluginDependency(plugin_id="com.example.utils", version_constraint="*"),
    ],
)

#: The code of com.example.calculator, whose manifest alone is in the document.
CALCULATOR = """\
from .evaluate import evaluate


class Plugin:
    def __init__(self, metadata, config):
        self.config = config

    async def arithmetic(self, expression):
        return round(evaluate(expression), self.config["precision"])

    async def calculate(self, expression):
        return await self.arithmetic(expression)
"""


class Database:
    """A connection that knows whether it is open."""

    is_open = True

    async def close(self) -> None:
        self.is_open = False


async def connect_to_database() -> Database:
    return Database()
