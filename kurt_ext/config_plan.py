"""Which lists of a kind must change so that a name is enabled, or is not. No file is touched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from .config import Config, Verdict

__all__ = ["Plan", "Target", "plan_disable", "plan_enable"]


class Target(NamedTuple):
    """What is to be enabled or disabled.

    :param extension: one extension of the skill; None means all of that kind.
    :param opt_in: whether the kind runs only what is named.
    :param siblings: the skill's extensions of that kind, or the others of them.
    :param qualified: write the name as ``SKILL:EXTENSION``, where others bear it too.
    """

    kind: str
    skill: str
    extension: str | None = None
    opt_in: bool = False
    siblings: Collection[str] = ()
    qualified: bool = False

    @property
    def others(self) -> list[str]:
        """The skill's extensions that are not meant, as ``SKILL:EXTENSION``."""
        if self.extension is None:
            return []
        return [f"{self.skill}:{name}" for name in sorted({*self.siblings} - {self.extension})]

    @property
    def entry(self) -> str:
        """How to write the name, so that it means no more than it should."""
        if self.extension is None:
            return self.skill
        # A name that is the skill's own would mean its other extensions too.
        if self.qualified or (self.extension == self.skill and self.others):
            return f"{self.skill}:{self.extension}"
        return self.extension

    def own(self, names: Collection[str]) -> list[str]:
        """Return the names in a list that mean the target and nothing beside it."""
        if self.extension is not None:
            forms = (self.extension, f"{self.skill}:{self.extension}")
            return [name for name in names if name in forms]
        return [
            name
            for name in names
            if name in (self.skill, *self.siblings) or name.startswith(f"{self.skill}:")
        ]

    def verdicts(self, config: Config) -> list[Verdict]:
        """Return what a configuration says about each extension that is meant; at least one."""
        asked = [*self.siblings] if self.extension is None else [self.extension]
        return [
            config.enabled(self.kind, self.skill, name, self.opt_in)
            for name in asked or [self.skill]
        ]


class Plan:
    """New lists of one file, and what is new about them in words."""

    def __init__(self, target: Target, table: dict[str, Any]) -> None:
        self.target = target
        self.words: list[str] = []
        self._old: dict[str, list[str]] = {
            key: list(table[key]) for key in ("enabled", "disabled") if key in table
        }
        self._new = {key: list(names) for key, names in self._old.items()}

    @property
    def lists(self) -> dict[str, list[str]]:
        """``enabled`` and ``disabled``, as far as they differ from what the file holds."""
        return {key: names for key, names in self._new.items() if names != self._old.get(key)}

    def has(self, key: str) -> bool:
        """Return whether the file would have the list."""
        return key in self._new

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list as it would be; empty where there is none."""
        return tuple(self._new.get(key, ()))

    def add(self, key: str, name: str) -> None:
        """Name something in a list, which begins to be where it is not there."""
        names = self._new.setdefault(key, [])
        if name not in names:
            names.append(name)
            self.words.append(f"{self.target.kind}.{key} now names {_said(name)}")

    def drop(self, key: str, name: str) -> None:
        """Name something in a list no longer."""
        if name in self._new.get(key, ()):
            self._new[key].remove(name)
            self.words.append(f"{self.target.kind}.{key} no longer names {_said(name)}")

    def start(self, names: Collection[str], why: str) -> None:
        """Begin ``enabled`` with names that counted already."""
        self._new["enabled"] = list(names)
        self.words.append(f"{self.target.kind}.enabled begins with {_listed(names)}: {why}")

    def config(
        self,
        below: Sequence[dict[str, Any]],
        above: Sequence[dict[str, Any]],
        trusted: bool = True,
    ) -> Config:
        """Return what all files say together, this one with its new lists.

        :param trusted: whether the project's file counts in full.
        """
        scope = "user" if above else "project"
        mine = {"kinds": {self.target.kind: self._new}, "skills": {}, "file": "", "scope": scope}
        return Config([*below, mine, *above], trusted=trusted)

    def still(
        self,
        below: Sequence[dict[str, Any]],
        above: Sequence[dict[str, Any]],
        trusted: bool,
    ) -> bool:
        """Return whether any of the target is enabled, now or once the project is trusted."""
        return any(
            verdict
            for answer in {trusted, True}
            for verdict in self.target.verdicts(self.config(below, above, answer))
        )


def plan_enable(target: Target, table: dict[str, Any], below: Sequence[dict[str, Any]]) -> Plan:
    """Return the lists with which this file, and those that yield to it, enable the target.

    :param table: what this file holds for the kind.
    :param below: the layers that yield to this file.
    """
    plan = Plan(target, table)
    if "*" in plan.names("disabled"):
        plan.drop("disabled", "*")
        plan.start((), "until now everything was disabled")
    if target.extension is not None and target.skill in plan.names("disabled"):
        plan.drop("disabled", target.skill)
        for name in target.others:
            plan.add("disabled", name)
    for name in target.own(plan.names("disabled")):
        plan.drop("disabled", name)
    if all(target.verdicts(_without_disabled(plan, below))):
        return plan
    if not plan.has("enabled"):
        inherited = [
            layer["kinds"][target.kind]["enabled"]
            for layer in below
            if "enabled" in layer["kinds"].get(target.kind, {})
        ]
        if inherited and inherited[-1]:
            plan.start(inherited[-1], "this list replaces the user's")
    plan.add("enabled", target.entry)
    return plan


def _without_disabled(plan: Plan, below: Sequence[dict[str, Any]]) -> Config:
    """Return what the files say but for the ``disabled`` lists of others.

    Naming the target in ``enabled`` would not help against those.
    """
    kind = plan.target.kind
    layers = []
    for layer in below:
        table = dict(layer["kinds"].get(kind, {}))
        table.pop("disabled", None)
        layers.append({**layer, "kinds": {kind: table}})
    return plan.config(layers, ())


def plan_disable(
    target: Target,
    table: dict[str, Any],
    below: Sequence[dict[str, Any]],
    above: Sequence[dict[str, Any]],
    trusted: bool = True,
) -> Plan:
    """Return the lists with which the target is not enabled, whatever the other files say.

    :param table: what this file holds for the kind.
    :param below: the layers that yield to this file.
    :param above: the layers that this file yields to.
    :param trusted: whether the project's file counts in full.
    """
    plan = Plan(target, table)
    if not plan.still(below, above, trusted):
        return plan
    enabled = plan.names("enabled")
    for name in target.own(enabled):
        plan.drop("enabled", name)
    if target.skill in enabled and target.skill not in plan.names("enabled"):
        for name in target.others:
            plan.add("enabled", name)
    if plan.still(below, above, trusted):
        plan.add("disabled", target.entry)
    return plan


def _said(name: str) -> str:
    return "everything" if name == "*" else name


def _listed(names: Collection[str]) -> str:
    return ", ".join([_said(name) for name in names]) or "nothing"
