"""Make an extension of what a name stands for: imported and built here, or in its worker.

Before anything of it is imported, the winner's own files are asked once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import stages
from .contract import Extension
from .errors import PluginLoadError
from .importer import importing
from .instances import build_object, build_plugin, check_python, plugin_config
from .portal import Once
from .registering import Registrar
from .sandbox.remote import Offered

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .candidates import Candidate
    from .housing import Housing
    from .life import Generation, Life
    from .loading import Loading
    from .lookup import Found

__all__ = ["Factory", "point_of"]


class Factory:
    """Makes the extensions of one manager.

    :param loading: asked for manifests and workers; what is imported is imported for it.
    :param settings: gives the resolved ``[skill.NAME]`` table of a skill.
    :param options: gives the resolved options of an extension, by kind and name.
    :param words: gives the words that manifests use for namespaces.
    """

    def __init__(
        self,
        loading: Loading,
        settings: Callable[[str], Mapping[str, Any]],
        options: Callable[[str, str], Mapping[str, Any]],
        words: Callable[[], Mapping[str, tuple[str, str]]],
    ) -> None:
        self._loading = loading
        self._settings = settings
        self._options = options
        self._words = words

    def make(
        self, life: Life, generation: Generation, found: Found, point: EntryPoint
    ) -> Extension:
        """Return an extension of a generation, built; nothing of its life has begun.

        :raises PluginLoadError: when its own files do not offer it any more, or this
            Python is none that it allows.
        :raises ContractError: when its object does not keep the contract.
        """
        candidate = found.candidate
        root = candidate.location if candidate.is_folder else None
        housing = None
        if found.obj is None or isinstance(found.obj, Offered):
            housing = self._loading.housing(life, generation)
        if housing is not None:
            plugin, obj = None, self._moved(life, generation, found, housing)
        elif found.obj is not None:
            plugin, obj = found.obj, self._built(found, found.obj)
        else:
            record = generation.record = self._loading.record(candidate)
            check_python(record, candidate.name)
            self._judge(found, record)
            registrar = Registrar(generation.registry or self._loading.registry, candidate.name)
            # Asked already, where a loader has begun this generation.
            is_judged = life.generation is not generation
            imported = importing(self._loading, candidate, judged=is_judged)
            with registrar.collecting(), imported:
                plugin = point.load()
                start = perf_counter()
                if isinstance(plugin, ModuleType) and record["type"] is not None:
                    config = self._config(life, record, candidate)
                    obj = build_plugin(plugin, record, config, life.metadata)
                else:
                    obj = self._built(found, plugin)
                life.timed("construct", start)
        extension = Extension(
            found.kind,
            candidate.name,
            found.name,
            obj,
            plugin=plugin,
            candidate=candidate,
            entry_point=point,
            root=root,
        )
        extension.generation = generation
        if hasattr(obj, "__await__"):  # the author's own factory is async; ready() finishes it
            generation.pending[extension] = obj
        else:
            stages.check(extension)
        generation.stages[extension] = "built"
        if stages.has_hooks(extension):
            generation.once[extension] = Once()
        return extension

    def _moved(
        self, life: Life, generation: Generation, found: Found, housing: Housing
    ) -> Awaitable[Any]:
        """Return what gives the object of an extension that lives in a worker."""
        candidate = found.candidate
        record = generation.record = self._loading.record(candidate)
        check_python(record, candidate.name)
        is_plugin = found.obj is None and record["type"] is not None and ":" not in found.value
        if found.obj is None:
            self._judge(found, record)
        config = self._config(life, record, candidate) if is_plugin else None
        return housing.load(
            found.kind,
            found.name,
            found.value,
            registered=found.obj is not None,
            options={} if is_plugin else self._options(found.kind.name, found.name),
            config=config,
            shown={"metadata": life.metadata, "config": config} if is_plugin else {},
        )

    def _config(self, life: Life, record: Mapping[str, Any], candidate: Candidate) -> Any:
        if life.config is not None:
            return deepcopy(life.config)
        return plugin_config(record, self._settings(candidate.name), candidate.name)

    def _built(self, found: Found, plugin: Any) -> Any:
        """Return the object of what an entry point names: a class is called, with its options."""
        build = found.kind.facet("build")
        if build is not None:
            return build(plugin)
        options = self._options(found.kind.name, found.name)
        return build_object(plugin, options, found.kind.name, found.name)

    def _judge(self, found: Found, record: dict[str, Any]) -> None:
        """Look at the winner's own file once more: what an index says may be forged or stale."""
        candidate = found.candidate
        offer = (found.kind.namespace, found.value)
        if candidate.is_folder:
            from .distinfo import offers

            offered = [
                (group, value) for group, _, value in offers(record, self._words(), candidate.code)
            ]
        else:
            from .distinfo import parse_entry_points

            path = Path(candidate.dist_info, "entry_points.txt")
            groups = parse_entry_points(path.read_bytes())
            offered = [(group, value) for group in groups for _, value in groups[group]]
        if offer not in offered:
            raise PluginLoadError(
                f"{found.reference} is no longer what was discovered",
                cause=f"its own files do not offer {found.value} in {found.kind.namespace}",
                at=candidate.location,
                hint="run the command again, or call refresh()",
                skill=candidate.name,
            )


def point_of(found: Found) -> EntryPoint:
    """Return the entry point that stevedore is handed for a found extension."""
    # The reference as name: unique, so that stevedore never sees a conflict.
    value = found.value.split(" [")[0] or "registered"
    point = EntryPoint(name=found.reference, value=value, group=found.kind.namespace)
    if found.candidate.dist_info:
        distribution = Distribution.at(Path(found.candidate.dist_info))
        # The only way to a distribution that the standard library offers.
        point = point._for(distribution)  # type: ignore[attr-defined]
    return point
