"""Doing attempts as plugins of a plugin directory, loaded strictly isolated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kurt_ext.isolation import Decision, Isolation
from kurt_ext.loader import PluginLoader
from kurt_ext.models import PluginValidationResult
from kurt_ext.sandbox.limits import LIMITS as ALL

from .attempt import Attempt
from .held import LIMITS, SECONDS, permissions, taken
from .stage import PLUGIN, Outcome, Stage, look_at

#: Seconds that a plugin may take to be loaded where the attempt comes later.
STARTING = 15.0
_SLUG = PLUGIN.replace(".", "_")
_KEYS = {limit.short: limit.key for limit in ALL}
#: What makes a plugin of the module of an attempt. It takes the ways to the host that there are.
_FACE = """

def _ways():
    from kurt_ext.sandbox import callside, frames, payloads, worker

    own = worker._serving
    if own is None:
        return
    globals()["ask"] = lambda name, operation, *words: own.ask(
        callside.CALL.get(), name, operation, words, {}
    )
    globals()["tell"] = lambda value: own.send(
        frames.PROGRESS, callside.CALL.get(), *payloads.encode(value)
    )


class Plugin:
    def __init__(self, metadata, config):
        pass

    def attempt(self, argument):
        _ways()
        return attempt(argument)

    def honest(self):
        return "honest"

    def cleanup(self):
        if "at_end" in globals():
            at_end()
"""


class Anything:
    """A validator that finds nothing wrong: it is the sandbox that is tried."""

    async def validate_plugin(self, plugin_path: Any, metadata: Any = None) -> Any:
        return PluginValidationResult(valid=True, security_score=100.0)


class ByLoader:
    """Plugins as an application loads them.

    :param tier: what is to hold them, whatever else this machine could.
    """

    def __init__(self, tier: str) -> None:
        decide = Isolation.decide

        def decided(*words: Any, **options: Any) -> Decision:
            decision = decide(*words, **options)
            mode = "auto" if tier == "process" else decision.mode
            return decision._replace(tier=tier, mode=mode)

        Isolation.decide = decided  # type: ignore[method-assign]

    def cell(self, attempt: Attempt, place: Stage, argument: Mapping[str, Any]) -> Loaded:
        """Return a loader with the one plugin."""
        return Loaded(attempt, place, argument)


class Loaded:
    """One attempt's loader.

    :param argument: of the deed, as far as it is known before.
    """

    def __init__(self, attempt: Attempt, place: Stage, argument: Mapping[str, Any]) -> None:
        self.place = place
        self.hook_timeout = STARTING
        limits = {**LIMITS, "seconds": SECONDS, **attempt.limits}
        self.limits = {_KEYS[short]: value for short, value in limits.items()}
        manifest = {
            "plugin_id": PLUGIN,
            "name": attempt.name,
            "version": "1.0.0",
            "description": "Tries to get out",
            "author": "Example",
            "plugin_type": "tool",
            "entry_point": "main",
            "permissions": permissions(attempt, place, argument),
        }
        (place.plugin / "plugin.json").write_text(json.dumps(manifest))
        main = place.plugin / "main.py"
        doing = place.plugin / "doing.py"
        if doing.exists():
            main.write_text(doing.read_text() + _FACE)
            doing.unlink()
        if attempt.at in ("import", "end"):
            self.hook_timeout = limits["seconds"]
        self.is_started = False
        self.loader: PluginLoader | None = None
        self.instance: Any = None
        self.worker: Any = None
        self.said: Any = ()

    async def start(self, outcome: Outcome) -> None:
        """Open the loader, and load the plugin."""
        loader = self.loader = PluginLoader(
            plugin_directory=str(self.place.plugin.parent),
            validator=Anything(),
            quarantine=False,
            hook_timeout=self.hook_timeout,
        )
        await loader.__aenter__()
        self.place.snapshot = self.place.fingerprint()
        state = await loader.load_plugin(
            PLUGIN, {"sandbox_config_override": self.limits}, isolation="strict"
        )
        self.instance = state.instance
        self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        housing = self._housing()
        if housing is None:
            return
        self.worker = housing._cell.worker
        if self.worker is not None:
            outcome.pid = self.worker.pid
            outcome.before = look_at(outcome.pid)
            outcome.parent = outcome.before.get("ppid", 0)
        outcome.report = (dict(housing.report or {}), dict(housing.report or {}))
        outcome.facts = dict(housing.report or {})

    def _housing(self) -> Any:
        assert self.loader is not None
        life = self.loader.skills.loading.lives.get(_SLUG)
        generation = life.generation if life is not None else None
        return generation.housing if generation is not None else None

    async def attempt(self, outcome: Outcome, argument: Mapping[str, Any]) -> None:
        """Let the deed be done."""
        outcome.value = await taken(await self.instance.attempt(dict(argument)))

    def report(self) -> Any:
        """Return what the host believes of the confinement."""
        housing = self._housing()
        return dict(housing.report or {}) if housing is not None else {}

    async def honest(self) -> Any:
        """Make another call."""
        return await self.instance.honest()

    def output(self) -> str:
        """Return what it printed."""
        return self.worker.output() if self.worker is not None else ""

    async def close(self) -> None:
        """Unload the plugin, and close the loader."""
        if self.loader is not None:
            await self.loader.__aexit__(None, None, None)
