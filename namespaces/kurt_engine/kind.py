"""The kind ``engine``: exactly one is chosen for each role in the ``[engine]`` table."""

from __future__ import annotations

from kurt_ext.kinds import Kind, Role

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import BaseFetcher, BaseMapper, BaseRunner

__all__ = ["KIND"]

KIND: Kind[BaseFetcher | BaseMapper | BaseRunner] = Kind(
    name="engine",
    namespace="kurt.engine",
    pattern="driver",
    summary="one is chosen for each role: fetch, map, run",
    violations="kurt_engine.calling:violations",
    call="kurt_engine.calling:target",
    execute="kurt_engine.calling:executor",
    roles=(
        Role("fetch", "http", "gets a document by its address"),
        Role("map", "links", "finds the addresses that a document leads to"),
        Role("run", "inline", "where and how calls are executed"),
    ),
)
