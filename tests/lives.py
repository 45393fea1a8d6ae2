"""Plugins of a plugin directory that write down what becomes of them, and do what a test says."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import Any

from trees import Tree, grow

from kurt_ext.importer import unload
from kurt_ext.lifecycle import PluginEvent
from kurt_ext.loader import PluginLoader
from kurt_ext.models import PluginMetadata, PluginValidationResult

HOOKS = ("initialize", "activate", "deactivate", "cleanup")

#: What was called, in order: (plugin id, hook), ``construct`` for the constructor.
JOURNAL: list[tuple[str, str]] = []
#: (plugin id, hook) → what is to happen in it; a string is raised as a ValueError.
BEHAVIOUR: dict[tuple[str, str], Any] = {}

#: A plugin whose life is written down; ``{word}`` is what it greets with.
RECORDED = """\
from lives import Recorded


class Plugin(Recorded):
    async def greet(self, name="you"):
        return "{word} " + name
"""


class Recorded:
    """What a plugin of a test is derived from."""

    def __init__(self, metadata: Any, config: dict[str, Any]) -> None:
        self.metadata = metadata
        self.config = config
        self.name = metadata.plugin_id
        JOURNAL.append((self.name, "construct"))
        happening = BEHAVIOUR.get((self.name, "construct"))
        if happening is not None:
            _happen(happening)

    async def initialize(self) -> None:
        await self._hook("initialize")

    async def activate(self) -> None:
        await self._hook("activate")

    async def deactivate(self) -> None:
        await self._hook("deactivate")

    async def cleanup(self) -> None:
        await self._hook("cleanup")

    async def _hook(self, name: str) -> None:
        JOURNAL.append((self.name, name))
        happening = BEHAVIOUR.get((self.name, name))
        if happening is not None:
            value = _happen(happening)
            if inspect.isawaitable(value):
                await value


def _happen(happening: Any) -> Any:
    if isinstance(happening, str):
        raise ValueError(happening)
    return happening()


def hooks(name: str) -> list[str]:
    """Return what was called of one plugin, in order."""
    return [hook for plugin_id, hook in JOURNAL if plugin_id == name]


def manifest(plugin_id: str, **fields: Any) -> str:
    """Return a plugin.json; the fields in place of its own."""
    plain = {
        "plugin_id": plugin_id,
        "name": plugin_id,
        "version": "1.0.0",
        "description": "A plugin of a test",
        "author": "Example",
        "plugin_type": "tool",
        "entry_point": "main",
        "permissions": {},
    }
    return json.dumps(plain | fields)


def needs(*others: str, optional: bool = False, constraint: str = "*") -> list[dict[str, Any]]:
    """Return the ``dependencies`` of a manifest."""
    return [
        {"plugin_id": other, "version_constraint": constraint, "optional": optional}
        for other in others
    ]


def plugin(
    plugin_id: str,
    code: str | None = None,
    *,
    word: str = "Hello",
    files: Tree = MappingProxyType({}),
    **fields: Any,
) -> dict[str, Any]:
    """Return the files of a plugin: plugin.json, main.py, and others."""
    text = RECORDED.format(word=word) if code is None else dedent(code)
    return {"plugin.json": manifest(plugin_id, **fields), "main.py": text, **files}


def plant(*plugins: str | tuple[str, dict[str, Any]]) -> Path:
    """Write plugins into ``plugins/``, one folder each; return it.

    :param plugins: an id, or the name of the folder and its files.
    """
    folder = Path("plugins")
    for one in plugins:
        name, files = (one, plugin(one)) if isinstance(one, str) else one
        grow(folder / name, files)
    return folder


class Judge:
    """A validator that finds what a test tells it to, and remembers what it was asked."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.asked: list[str] = []

    async def validate_plugin(
        self, plugin_path: Path, metadata: PluginMetadata | None = None
    ) -> PluginValidationResult:
        self.asked.append(metadata.plugin_id if metadata else "")
        score = 0.0 if self.errors else 100.0
        return PluginValidationResult(
            valid=not self.errors, errors=self.errors, security_score=score
        )


@asynccontextmanager
async def loading(**options: Any) -> AsyncIterator[PluginLoader]:
    """Open a loader over ``plugins/``."""
    options.setdefault("hook_timeout", 5.0)
    options.setdefault("validator", Judge())
    async with PluginLoader(plugin_directory="plugins", **options) as loader:
        yield loader


@contextmanager
def fresh_journal() -> Iterator[None]:
    """Begin with nothing written down and nothing to happen; leave no module of a plugin."""
    JOURNAL.clear()
    BEHAVIOUR.clear()
    try:
        yield
    finally:
        JOURNAL.clear()
        BEHAVIOUR.clear()
        for name in imported():
            unload(name.split(".")[1])


def imported(plugin_id: str | None = None) -> list[str]:
    """Return the names of the modules of plugins that are imported, those set aside too."""
    prefix = "kurt_skills."
    if plugin_id is not None:
        prefix += plugin_id.replace(".", "_").replace("-", "_")
    ends = ("", ".", "@")
    return sorted(
        name
        for name in sys.modules
        if name.startswith(prefix) and (plugin_id is None or name[len(prefix) :][:1] in ends)
    )


class Heard(list[PluginEvent]):
    """The events of a loader, as they came."""

    def __init__(self, loader: PluginLoader) -> None:
        super().__init__()
        self.end = loader.subscribe(self.append)

    def names(self, plugin_id: str | None = None) -> list[str]:
        return [event.name for event in self if plugin_id in (None, event.plugin_id)]


def run(main: Callable[[], Any]) -> Any:
    """Run a test's coroutine function in an event loop of its own."""
    return asyncio.run(main())


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for a condition; fail where it does not come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        assert loop.time() < end, "it did not come"
        await asyncio.sleep(0.002)


def collected(*references: Callable[[], Any]) -> bool:
    """Return whether weak references are dead, once rubbish was collected."""
    gc.collect()
    return all(reference() is None for reference in references)


def others_than(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Return the unfinished tasks besides the one that asks and ``tasks``, by what they run."""
    known = {*tasks, asyncio.current_task()}
    return [str(task.get_coro()) for task in asyncio.all_tasks() if task not in known]
