"""Say in which order plugins can be loaded, and of each that cannot why.

One version of each plugin is there; what it needs comes before it. What fails takes along
those that need it, with the chain of causes, and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from . import constraints, semver
from .digraph import Graph, components, cycle_through, levels
from .errors import (
    CircularDependencyError,
    DependencyError,
    IncompatibleError,
    KurtError,
    PluginVersionConflictError,
)
from .names import suggest

if TYPE_CHECKING:
    from .models import PluginMetadata
    from .releases import Asked, Offered

__all__ = ["Order", "arrange", "asked", "compatible", "components", "order"]

_NONE: Mapping[str, KurtError] = MappingProxyType({})


@dataclass(frozen=True)
class Order:
    """In which order plugins load; all is sorted by id, so that it is the same every time."""

    #: Ids that can be loaded at once, level by level: what a plugin needs lies in an earlier one.
    levels: list[list[str]] = field(default_factory=list)
    #: Id → why it cannot be loaded.
    unloadable: dict[str, KurtError] = field(default_factory=dict)
    #: Id → ids to be loaded before it; of optional ones those that are there and will do.
    needs: dict[str, list[str]] = field(default_factory=dict)
    #: Id → ids that wait for it.
    needed_by: dict[str, list[str]] = field(default_factory=dict)
    #: Id → a sentence for each optional plugin that it goes without.
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def order(self) -> list[str]:
        """The ids that can be loaded, what is needed first."""
        return [name for level in self.levels for name in level]


def order(plugins: Iterable[PluginMetadata], *, runtime_version: str | None = None) -> Order:
    """Return the order in which plugins can be loaded.

    Optional dependencies come first too, where they are there and will do; one that is not, or
    that would close a circle, is gone without, and noted.

    :param plugins: one version each; of two with one id the first counts.
    :param runtime_version: the host's version, where plugins for another are to be left out.
    :raises VersionError: when ``runtime_version`` is no version.
    """
    known: dict[str, PluginMetadata] = {}
    for plugin in plugins:
        known.setdefault(plugin.plugin_id, plugin)
    unloadable: dict[str, KurtError] = {}
    if runtime_version is not None:
        for name, plugin in known.items():
            error = compatible(plugin, runtime_version)
            if error is not None:
                unloadable[name] = error
    return arrange(known.values(), unloadable)


def arrange(plugins: Iterable[Offered], unloadable: Mapping[str, KurtError] = _NONE) -> Order:
    """Return the order of plugins, some of which are known not to load.

    :param plugins: one version each.
    :param unloadable: id → why it cannot be loaded.
    """
    known = {one.plugin_id: one for one in sorted(plugins, key=lambda one: one.plugin_id)}
    unloadable = dict(unloadable)
    needs = {name: _required(plugin, known, unloadable) for name, plugin in known.items()}
    for group in components(needs):
        for name in group:
            if name not in unloadable and (len(group) > 1 or name in needs[name]):
                unloadable[name] = _circular(name, cycle_through(name, needs))
    _fail_dependants(needs, unloadable)
    notes = _add_optional(known, needs, unloadable)
    needed_by: dict[str, list[str]] = {name: [] for name in known}
    for name, others in needs.items():
        for other in others:
            needed_by[other].append(name)
    loadable = {name: others for name, others in needs.items() if name not in unloadable}
    unloadable = dict(sorted(unloadable.items()))
    return Order(levels(loadable), unloadable, needs, needed_by, notes)


def compatible(metadata: PluginMetadata, runtime_version: str) -> IncompatibleError | None:
    """Return None where a plugin is for a host of that version, else the error that says why not.

    Compared by precedence: a host 2.0.0-rc.1 is older than 2.0.0.

    :raises VersionError: when ``runtime_version`` is no version.
    """
    running = semver.key(runtime_version)
    least, most = metadata.min_runtime_version, metadata.max_runtime_version
    if least is not None and running < semver.key(least):
        wanted, remedy = f"{least} or later", "update the host"
    elif most != "*" and running > semver.key(most):
        wanted, remedy = f"{most} or earlier", "look for a later version of the plugin"
    else:
        return None
    name = metadata.plugin_id
    return IncompatibleError(
        f"{name} {metadata.version} is for a host of version {wanted}; this is {runtime_version}",
        hint=f"{remedy}; kurt info {name}",
        skill=name,
    )


def _required(
    plugin: Offered, known: Mapping[str, Offered], unloadable: dict[str, KurtError]
) -> list[str]:
    """Return what a plugin needs and has; what it needs and has not makes it unloadable."""
    name = plugin.plugin_id
    found: set[str] = set()
    missing: list[Asked] = []
    unfit: list[Asked] = []
    for need in plugin.dependencies:
        if need.optional:
            continue
        other = known.get(need.plugin_id)
        if other is None:
            missing.append(need)
        elif constraints.parse(need.version_constraint).allows(other.version):
            found.add(need.plugin_id)
        else:
            unfit.append(need)
    story = [f"{name} needs {asked(need)}, which is not there" for need in missing]
    for need in unfit:
        version = known[need.plugin_id].version
        story.append(f"{name} needs {asked(need)}, and {version} is there")
        if semver.parse(version).prerelease:
            story[-1] += " (a pre-release will do only where the constraint names one)"
    # A host of another version comes first: what is there may well differ with it.
    if story and name not in unloadable:
        unloadable[name] = _lacking(name, story, missing, unfit, known)
    return sorted(found)


def _lacking(
    name: str,
    story: list[str],
    missing: list[Asked],
    unfit: list[Asked],
    known: Iterable[str],
) -> KurtError:
    """Return the error of a plugin that has not what it needs; ``story`` tells of each."""
    message = f"{name} cannot be loaded: it" + story[0].removeprefix(name)
    cause = "\n".join(story) if len(story) > 1 else None
    if missing:
        hint = "put the missing plugin beside it; kurt list shows what there is"
        if near := suggest(missing[0].plugin_id, [other for other in known if other != name]):
            hint = f"did you mean {near[0]}? the name is in the dependencies of {name}"
        chain = (name, missing[0].plugin_id)
        return DependencyError(message, cause=cause, hint=hint, skill=name, chain=chain)
    hint = f"kurt info {unfit[0].plugin_id}"
    return PluginVersionConflictError(message, cause=cause, hint=hint, skill=name, story=story)


def asked(need: Asked) -> str:
    """Return what is asked for, in words: ``maths >=2.0.0``, or the id alone for any version."""
    if need.version_constraint == "*":
        return need.plugin_id
    return f"{need.plugin_id} {need.version_constraint}"


def _circular(name: str, cycle: list[str]) -> CircularDependencyError:
    told = " → ".join([*cycle, cycle[0]])
    return CircularDependencyError(
        f"{name} cannot be loaded: it needs itself, by way of {told}",
        cause="what is needed has to be loaded first",
        hint=f"make one of these dependencies optional; kurt plugin graph {name}",
        skill=name,
        cycle=cycle,
    )


def _fail_dependants(needs: Graph, unloadable: dict[str, KurtError]) -> None:
    """Make unloadable whoever needs what is, and say by which chain."""
    needed_by: dict[str, list[str]] = {name: [] for name in needs}
    for name, others in needs.items():
        for other in others:
            needed_by[other].append(name)
    roots = {name: unloadable[name] for name in sorted(unloadable)}
    chains = {
        name: error.chain if isinstance(error, DependencyError) else (name,)
        for name, error in roots.items()
    }
    queue = list(roots)
    for name in queue:  # grows while it is read
        for other in needed_by[name]:
            if other in roots:
                continue
            roots[other] = roots[name]
            chains[other] = (other, *chains[name])
            unloadable[other] = DependencyError(
                f"{other} cannot be loaded: it needs {name}, which cannot be loaded",
                cause=" → ".join(chains[other]) + f"\n{roots[name].message}",
                hint=roots[name].hint,
                skill=other,
                chain=chains[other],
            )
            queue.append(other)


def _add_optional(
    known: Mapping[str, Offered],
    needs: dict[str, list[str]],
    unloadable: Mapping[str, KurtError],
) -> dict[str, list[str]]:
    """Add to ``needs`` the optional plugins that will do; return notes on the others."""
    notes: dict[str, list[str]] = {}
    wishes: dict[str, set[str]] = {name: set() for name in needs}
    for name, plugin in known.items():
        for need in plugin.dependencies:
            other = need.plugin_id
            if not need.optional or other in needs[name]:
                continue
            if other not in known:
                reason = "is not there"
            elif other in unloadable:
                reason = "cannot be loaded"
            elif not constraints.parse(need.version_constraint).allows(known[other].version):
                reason = f"is not taken, since {known[other].version} is there"
            else:
                wishes[name].add(other)
                continue
            notes.setdefault(name, []).append(f"{asked(need)}, which is optional, {reason}")
    both = {name: sorted({*others, *wishes[name]}) for name, others in needs.items()}
    group_of = {name: number for number, group in enumerate(components(both)) for name in group}
    for name, others in wishes.items():
        for other in sorted(others):
            if group_of[name] == group_of[other]:
                reason = "need not come first, since it needs this one in turn"
                notes.setdefault(name, []).append(f"{other}, which is optional, {reason}")
            else:
                needs[name] = sorted([*needs[name], other])
    return notes
