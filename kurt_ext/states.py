"""The state object of each plugin, kept true: what a host sees of its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lifecycle import PluginStatus
from .models import PluginState

if TYPE_CHECKING:
    from .admission import Admission
    from .candidates import Candidate
    from .life import Life
    from .plugin_settings import Effective

__all__ = ["ALIVE", "States", "kinds_of"]

#: The states in which a plugin has an object.
ALIVE = (PluginStatus.LOADED, PluginStatus.ACTIVE, PluginStatus.INACTIVE)


class States:
    """One :class:`PluginState` per plugin, made when it is first asked for.

    :param admission: gives manifests as models.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._states: dict[str, PluginState] = {}

    def of(self, life: Life, candidate: Candidate) -> PluginState:
        """Return the state object of a plugin.

        :raises ManifestError: when its manifest cannot be used.
        """
        state = self._states.get(candidate.slug)
        if state is None:
            metadata = self._admission.metadata(candidate)
            state = PluginState.model_validate({"metadata": metadata, "status": life.status})
            state._usage = life.usage
            self._states[candidate.slug] = state
            self.show(life)
        return state

    def admit(self, life: Life, candidate: Candidate, admitted: Effective) -> None:
        """Let the object have the manifest and the configuration that were let in."""
        state = self.of(life, candidate)
        # Past the model, which would make plain values of it and unveil its secrets.
        shown = vars(state)
        shown["metadata"] = self._admission.metadata(candidate)
        shown["config"] = admitted.config

    def show(self, life: Life) -> None:
        """Let the object of a life say what is true now."""
        state = self._states.get(life.candidate.slug)
        if state is None:
            return
        generation = life.generation
        shown = generation is not None and life.status in ALIVE
        # Past the model's validation, which would cost more than all the rest.
        vars(state).update(
            status=life.status,
            instance=generation.instance if shown and generation is not None else None,
            generation=generation.number if generation is not None else life.number,
            error_message=life.message,
            error_traceback=life.traceback,
            way_back=life.way_back,
            loaded_at=life.loaded_at,
            load_ms=life.load_ms,
        )


def kinds_of(candidate: Candidate, state: PluginState) -> set[str]:
    """Return the words of the kinds that a plugin is of."""
    kinds = {group.removeprefix("kurt.") for group, _, _ in candidate.offers}
    if state.metadata.plugin_type:
        kinds.add(str(state.metadata.plugin_type))
    return kinds
