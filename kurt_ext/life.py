"""One skill in this process: its state, and the code of it that is loaded now."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import count
from time import perf_counter
from types import EllipsisType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .contract import Usage
from .errors import KurtError, PluginLoadError
from .leaks import Relic, relics_of
from .ledger import Ledger
from .lifecycle import PluginEvent, PluginStatus, after, inactive_error, legal
from .masking import shield
from .names import PACKAGE
from .turns import Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .candidates import Candidate
    from .contract import Extension
    from .housing import Housing
    from .models import PluginMetadata
    from .plugin_settings import Effective
    from .portal import Once
    from .registering import Registry

__all__ = ["Generation", "Life", "Listener", "Timing"]

#: Told of every event; what it raises is logged and harms nobody.
Listener: TypeAlias = Callable[[PluginEvent], Any]


_ORDER = count(1)


class Timing(NamedTuple):
    """How long one step of a plugin's life took.

    :param phase: ``check``, ``worker`` (the start of its process), ``import``, ``construct``,
        or the name of a hook.
    :param ms: milliseconds.
    """

    plugin_id: str
    phase: str
    ms: float


class Generation:
    """One import of a skill's code, and what was made of it.

    :param number: counts the imports of the skill in this process, from 1.
    :param candidate: the copy that was imported.
    """

    __slots__ = (
        "__weakref__",
        "asked",
        "candidate",
        "extensions",
        "housing",
        "is_imported",
        "ledger",
        "number",
        "once",
        "pending",
        "record",
        "registry",
        "stages",
    )

    def __init__(self, number: int, candidate: Candidate) -> None:
        self.number = number
        self.candidate = candidate
        #: (namespace, entry point) → extension.
        self.extensions: dict[tuple[str, str], Extension] = {}
        #: What each has behind it: ``built``, ``initialized``, ``active`` or ``inactive``.
        self.stages: dict[Extension, str] = {}
        self.pending: dict[Extension, Awaitable[Any]] = {}
        self.once: dict[Extension, Once] = {}
        self.ledger = Ledger(candidate.name, f"{PACKAGE}.{candidate.slug}")
        #: Where it registers what it offers while it is not the current one; else None.
        self.registry: Registry | None = None
        #: The manifest that it was made by; None before anything was made.
        self.record: dict[str, Any] | None = None
        #: Whether the code of a skill that registers what it offers has run.
        self.asked = False
        #: The worker that its code lives in; None = this process, ... = nobody has decided.
        self.housing: Housing | EllipsisType | None = ...
        #: Whether a loader's import of its modules has ended, well or not.
        self.is_imported = False

    @property
    def instance(self) -> Any:
        """The one object it made; of several, a :class:`Members` by their names."""
        made = list(dict.fromkeys(self.extensions.values()))
        if len(made) == 1:
            return made[0].obj
        return Members({item.name: item.obj for item in made}) if made else None

    def forget(self, extension: Extension) -> None:
        """Forget an extension that could not be made ready."""
        for key, known in list(self.extensions.items()):
            if known is extension:
                del self.extensions[key]
        self.once.pop(extension, None)
        self.stages.pop(extension, None)
        pending = self.pending.pop(extension, None)
        close = getattr(pending, "close", None)
        if close is not None:  # a coroutine that nobody will await
            close()


class Members:
    """The objects of a skill with several extensions, by name: ``members["web-find"]``.

    A name that is an identifier, dashes and dots as underscores, is an attribute.
    """

    def __init__(self, objects: dict[str, Any]) -> None:
        self._objects = objects

    def __getitem__(self, name: str) -> Any:
        return self._objects[name]

    def __getattr__(self, name: str) -> Any:
        for known, obj in self.__dict__.get("_objects", {}).items():
            if known.replace("-", "_").replace(".", "_") == name:
                return obj
        raise AttributeError(f"no extension is called {name}; there are {', '.join(self)}")

    def __iter__(self) -> Any:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return f"<Members {', '.join(self)}>"


class Life:
    """What has become of one skill in this process.

    :param candidate: the copy of the skill that counts.
    :param tell: told of every event.
    """

    def __init__(self, candidate: Candidate, tell: Listener) -> None:
        self.candidate = candidate
        self.name = candidate.name
        self.status = PluginStatus.UNLOADED
        self.turn = Turn(candidate.name)
        self.usage = Usage()
        self.error: BaseException | None = None
        self.timings: list[Timing] = []
        self.load_ms = 0.0
        self.loaded_at: datetime | None = None
        self.number = 0
        #: The configuration that the caller gave, for the next generation too.
        self.given: Any = None
        #: The mode of isolation that the caller asked for, for the next generation too.
        self.isolation: str | None = None
        #: Its configuration, joined and checked; None where nobody did that yet.
        self.admitted: Effective | None = None
        self.metadata: PluginMetadata | None = None
        #: Seconds that each hook is given; None = the loader's own.
        self.limit: float | None = None
        self.generation: Generation | None = None
        #: What was made by code that is gone, as long as it is not dead.
        self.relics: list[Relic] = []
        #: Its place in the order of loading; the highest was loaded last.
        self.order = 0
        self._tell = tell
        self._end_shield: Callable[[], None] | None = None
        self._stuck: Generation | None = None

    @property
    def config(self) -> Mapping[str, Any] | None:
        """The settings that its plugin object is built with; None = not joined yet."""
        return self.admitted.config.config if self.admitted is not None else None

    def admit(
        self, admitted: Effective, metadata: PluginMetadata | None, limit: float | None
    ) -> None:
        """Take a configuration and a manifest; from now on no log record shows a secret.

        :param limit: seconds that each hook is given, where the configuration says nothing.
        """
        self.admitted = admitted
        self.metadata = metadata
        self.limit = admitted.timeout_seconds or limit
        if self._end_shield is not None:
            self._end_shield()
        self._end_shield = shield(admitted.masker)

    def stick(self, generation: Generation) -> None:
        """Note that the import of a generation did not end in time and goes on in its thread."""
        self._stuck = generation
        if generation.is_imported:  # it has just ended nonetheless
            self._stuck = None

    def unstick(self, generation: Generation) -> bool:
        """Note that the import of a generation has ended; return whether nobody waited any more."""
        generation.is_imported = True
        was_stuck = self._stuck is generation
        if was_stuck:
            self._stuck = None
        return was_stuck

    def refuse_stuck(self) -> None:
        """Raise where an import that nobody can stop still holds the skill.

        Python has one lock per module, which that import keeps: the next one would
        wait for it, and with it whoever asked.

        :raises PluginLoadError: until it has ended.
        """
        if self._stuck is not None:
            raise PluginLoadError(
                f"an import of {self.name} that began earlier has not ended",
                cause="its thread cannot be stopped, and nothing of the skill can be imported "
                "before it ends",
                hint="mend the code, and start the host again",
                skill=self.name,
            )

    def refuse_inactive(self) -> None:
        """Raise where it was deactivated.

        :raises TransitionError: until it is activated again.
        """
        if self.status == PluginStatus.INACTIVE:
            raise inactive_error(self.name, self.status)

    def put_back(
        self, admitted: Effective | None, metadata: PluginMetadata | None, limit: float | None
    ) -> None:
        """Take back what was admitted before."""
        if admitted is not None:
            self.admit(admitted, metadata, None)
        self.admitted, self.metadata, self.limit = admitted, metadata, limit

    def masked(self, error: BaseException) -> BaseException:
        """Return an error without the plugin's secrets."""
        return self.admitted.masker.error(error) if self.admitted is not None else error

    @property
    def is_ruled(self) -> bool:
        """Whether a loader has let it in, which alone says when its code goes."""
        return self.admitted is not None

    def begin(self, candidate: Candidate) -> Generation:
        """Return a new generation; it is not the current one before :meth:`take`."""
        self.number += 1
        return Generation(self.number, candidate)

    def current(self) -> Generation:
        """Return the generation that counts, a new one where there is none."""
        if self.generation is None:
            self.generation = self.begin(self.candidate)
        return self.generation

    def take(self, generation: Generation | None) -> Generation | None:
        """Let another generation be the current one; return the one that was."""
        old, self.generation = self.generation, generation
        if generation is None:
            self.metadata = None  # what is read next may differ
        if generation is not None:
            self.candidate = generation.candidate
        return old

    def move(
        self,
        label: str,
        event: str | None = None,
        *,
        ms: float = 0.0,
        error: BaseException | None = None,
        detail: Iterable[str] = (),
    ) -> None:
        """Go the way of the table that ``label`` names, and tell of it.

        :raises TransitionError: when the table has no such way; nothing is changed.
        """
        before = self.status
        self.status = after(before, label)
        if label == "loaded":
            self.loaded_at = datetime.now(UTC)
            self.order = next(_ORDER)
        if label == "unloaded":
            self.admitted = None  # a later use by name has the settings of its time
            if self._end_shield is not None:
                self._end_shield()
                self._end_shield = None
        if label == "fail":
            self.error = error
        elif label in ("load", "unloaded"):
            self.error = None
        if event is not None:
            self.tell(event, before, ms=ms, error=error, detail=detail)

    def reset(self) -> None:
        """Go to UNLOADED from any state that has a way there; its code has ended."""
        if "unload" in legal(self.status):
            self.move("unload", "unloading")
            self.move("unloaded", "unloaded")

    def tell(
        self,
        event: str,
        before: PluginStatus | None = None,
        *,
        ms: float = 0.0,
        error: BaseException | None = None,
        detail: Iterable[str] = (),
    ) -> None:
        """Tell the listener of an event that changes no state."""
        number = self.generation.number if self.generation is not None else self.number
        self._tell(
            PluginEvent(
                event,
                self.name,
                self.status if before is None else before,
                self.status,
                ms,
                error,
                number,
                tuple(detail),
            )
        )

    def timed(self, phase: str, start: float) -> float:
        """Note how long a step took since ``start``, a ``perf_counter()``; return it in ms."""
        ms = (perf_counter() - start) * 1000
        if phase == "load":
            self.load_ms = ms
        self.took(phase, ms)
        return ms

    def took(self, phase: str, ms: float) -> None:
        """Note how long a step took that somebody else has measured."""
        self.timings = [*self.timings[-63:], Timing(self.name, phase, ms)]

    def retire(self, number: int, modules: Iterable[ModuleType]) -> None:
        """Remember what a generation that is gone has made, until it is dead."""
        self.relics = [item for item in self.relics if item.subject() is not None]
        self.relics += relics_of(number, modules)

    @property
    def message(self) -> str | None:
        """Why it failed; None where it did not."""
        if self.error is None:
            return None
        cause = self.error.cause if isinstance(self.error, KurtError) else None
        said = str(self.error) or type(self.error).__name__
        return f"{said}: {cause}" if cause else said

    @property
    def traceback(self) -> str | None:
        """Where it failed, as Python tells it; None where it did not."""
        if self.error is None:
            return None
        return "".join(traceback.format_exception(self.error))

    @property
    def way_back(self) -> str | None:
        """What to paste after a failure."""
        if self.error is None:
            return None
        hint = self.error.hint if isinstance(self.error, KurtError) else None
        return hint or f"kurt plugin load {self.name}"

    def __repr__(self) -> str:
        return f"<Life {self.name} {self.status}>"
