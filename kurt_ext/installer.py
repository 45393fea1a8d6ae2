"""Install and update skills: plan first, show it, and then do exactly that.

A plan is made of steps. Each has what comes, what was there before, and what a person
should agree to: what the skill may do more than before, a lower score, another publisher.
Nothing is put in its place before all steps are planned, every byte is here and checked,
and the validator has judged it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from shlex import quote
from typing import TYPE_CHECKING, Any

from . import bringing, semver
from .bringing import Goods
from .choosing import Shelves, needs
from .errors import (
    ConflictError,
    ConsentError,
    KurtError,
    PluginValidationError,
    PublisherError,
)
from .findings import Finding
from .grants import Grants, widening
from .installing_folders import place
from .installing_wheels import damage, files_of, held, recover
from .installing_wheels import place as place_wheel
from .lock import Locked, lock_path, write
from .market import digests
from .market.store import File, Store, Tree
from .metadata import part_to_judge
from .overtaken import refuse_overtaken
from .receipts import Receipt, Receipts, now
from .removing import refuse_imported
from .scope_lock import still
from .specs import Spec
from .staging import stage
from .steps import Plan, Step

if TYPE_CHECKING:
    from .discovery import Discovery
    from .market.clients import Market
    from .places import Places
    from .plugin_validator import PluginValidator

__all__ = ["Installer"]


class Installer:
    """Install into one scope.

    :param scope: ``project`` or ``user``.
    :param discovery: what is there.
    :param markets: the markets to take from, by name.
    :param runtime_version: the host's version, which plugins ask for.
    :param judge: judges folders in place of this host's own rules; returns a `Report`.
    """

    def __init__(
        self,
        places: Places,
        discovery: Discovery,
        *,
        scope: str = "project",
        markets: Mapping[str, Market] | None = None,
        runtime_version: str | None = None,
        judge: Any = None,
        gate: bool = True,
    ) -> None:
        from .hostfacts import RUNTIME_VERSION

        self.places = places
        self.discovery = discovery
        self.receipts = Receipts(places, scope)
        self.shelves = Shelves(markets or {}, self.receipts, discovery)
        self.store = Store(places.store)
        self.runtime_version = runtime_version or RUNTIME_VERSION
        self._judge = judge
        self._gate = gate
        self._ruleset = ""
        #: Called with the steps that were agreed to, where what they need is lacking.
        self.prepare: Callable[[Sequence[Step]], None] | None = None

    @property
    def scope(self) -> str:
        """``project`` or ``user``."""
        return self.receipts.scope

    # -- planning --------------------------------------------------------------------

    def plan(self, specs: Iterable[Spec], *, force: bool = False) -> Plan:
        """Return what is to be done so that these are installed; everything is brought and judged.

        :param force: replace a folder that kurt has not installed, or that was changed.
        :raises KurtError: why it cannot be.
        """
        return self.plan_of([self.bring(spec) for spec in specs], force=force)

    def plan_of(self, wanted: Sequence[Goods], *, force: bool = False) -> Plan:
        """Return what is to be done so that these are installed, which are here already.

        :raises ConflictError: when they have one twice, in two versions.
        :raises KurtError: why it cannot be.
        """
        recover(self.receipts)  # what a process that died has begun is not what was installed
        wanted = _once(wanted)
        names = {goods.name for goods in wanted}
        needed = self.shelves.needed(wanted)
        steps = [
            self.step(goods, requested=goods.name in names, force=force)
            for goods in [*needed, *wanted]
        ]
        return Plan(self.scope, steps)

    def bring(self, spec: Spec) -> Goods:
        """Return what a SPEC means, brought here and checked.

        :raises KurtError: why it cannot be had.
        """
        local = {
            "folder": bringing.of_folder,
            "zip": bringing.of_zip,
            "wheel": bringing.of_wheel,
        }.get(spec.kind)
        if local is not None:
            goods = local(spec.path)
            goods.source = self._locked_path(spec.path)
            return goods
        if spec.kind == "git":
            return bringing.of_git(spec)
        return self.shelves.bring(spec)

    def _locked_path(self, path: str) -> str:
        """Return a path as the lock has it: from the project on, where it lies in that."""
        project = self.places.project
        if path.startswith(project + os.sep):
            return "./" + os.path.relpath(path, project).replace(os.sep, "/")
        return path

    # -- one step --------------------------------------------------------------------

    def step(self, goods: Goods, *, requested: bool = True, force: bool = False) -> Step:
        """Return what is to become of one skill, judged.

        :raises KurtError: why it may not be installed.
        """
        from .instances import check_python

        check_python(goods.record, goods.name)
        with still(self.receipts.folder, first=True):
            before = self.receipts.find(goods.name)
            _refuse_other_lane(goods, before)
            verb = _verb(goods, before)
            keep = self._refuse_occupied(goods, before, force)
            torn = before is not None and not before.folder and damage(self.receipts, before)
        if verb == "keep" and (keep or torn):
            verb = "replace"
        tree, unmet = None, []
        if goods.wheel is None:
            with self.store.used():
                tree = self._kept(goods)
                report = self.judge(tree.folder)
                unmet = self._lacking(goods, tree)
        else:
            with goods.unpacked() as dist_info:
                report = self.judge_wheel(dist_info, goods.record)
        self._refuse_unfit(goods, report)
        permissions = goods.record["permissions"]
        old = Grants.of(before.permissions) if before is not None else Grants()
        market = goods.market or goods.index
        standing = goods.market.standing if goods.market else None
        locked = Locked(
            name=goods.name,
            version=goods.version,
            lane=goods.lane,
            digest=goods.digest,
            source=goods.source,
            market=market.name if market else None,
            index=market.url if market else None,
            wheel=goods.wheel[0] if goods.wheel else None,
            publisher=goods.release.publisher if goods.release else None,
            key=goods.key,
            identity=_attester(goods, before),
            permissions_digest=digests.of_permissions(permissions),
            score=report.score,
            ruleset=self._ruleset or None,
            approved_at=now(),
            snapshot=standing.snapshot if standing else None,
            requested=requested or (before is not None and before.locked.requested),
            dependencies=tuple([name for name, _ in needs(goods.record)]),
        )
        return Step(
            verb=verb,
            goods=goods,
            locked=locked,
            before=before,
            wider=widening(old, Grants.of(permissions)),
            score=report.score,
            risk=report.risk_level,
            publisher_change=_publisher_change(before, locked),
            keep=keep,
            tree=tree,
            warnings=[*goods.warnings, *unmet],
            lacking=self._lacking_of_wheel(goods),
        )

    def _kept(self, goods: Goods) -> Tree:
        """Return what was brought as a tree of the store, which may have been cleared up since."""
        if goods.tree is None or not os.path.isdir(goods.tree.folder):
            goods.tree = self.store.put(goods.name, goods.content)
        return goods.tree

    def _lacking(self, goods: Goods, tree: Tree) -> list[Finding]:
        """Return what to say of distributions that it needs, and that are not there."""
        from .environments import is_own
        from .requirements import missing

        if is_own(self.discovery.config, goods.name):
            return []
        return [
            Finding(
                "requirement",
                "warning",
                f"{goods.name} needs {text}, which is not installed",
                fix="kurt sync --python",
            )
            for text in missing(tree.folder, goods.record)
        ]

    def _lacking_of_wheel(self, goods: Goods) -> list[str]:
        """Return what a wheel's metadata names that is not here, and is to come with it."""
        if not goods.requires:
            return []
        from .environments import is_own
        from .needing import lacking

        return [] if is_own(self.discovery.config, goods.name) else lacking(goods.requires)

    def judge(self, folder: str) -> Any:
        """Return the validator's report on a folder, by the rules of this host."""
        return self._judge(folder) if self._judge is not None else self._validator.report(folder)

    def judge_wheel(self, dist_info: str, record: Mapping[str, Any]) -> Any:
        """Return the validator's report on an unpacked wheel.

        :param record: its manifest.
        """
        if self._judge is not None:
            return self._judge(part_to_judge(dist_info, str(record["id"])))
        return self._validator.wheel_report(dist_info, record)

    @cached_property
    def _validator(self) -> PluginValidator:
        from .hostfacts import HostFacts
        from .plugin_validator import PluginValidator
        from .validator import installed_checks
        from .verdicts import rules_version

        facts = HostFacts.from_host(self.places, discovery=self.discovery)
        facts = facts._replace(runtime_version=self.runtime_version)
        self._ruleset = rules_version(installed_checks(self.places))
        return PluginValidator(facts=facts, places=self.places)

    def _refuse_unfit(self, goods: Goods, report: Any) -> None:
        """Raise where a verdict does not meet what ``[validator]`` asks for."""
        if not self._gate:
            return
        from .validator_settings import settings

        wanted = settings(self.discovery.config)
        name, version = goods.name, goods.version
        if report.valid and wanted.admits(report.score, report.risk_level):
            return
        fatal = [str(finding) for finding in report.findings if finding.fatal]
        score = f"its score is {report.score}, and {wanted.min_score:g} is asked for"
        if report.score >= wanted.min_score:
            score = f"its risk is {report.risk_level}, and at most {wanted.max_risk} is let in"
        raise PluginValidationError(
            f"{name} {version} is not installed: "
            + ("the validator finds it unfit" if fatal else "its score is too low"),
            cause="\n".join(fatal[:5]) or score,
            hint=f"kurt validate {quote(goods.source)}"
            if goods.source and os.path.isdir(goods.source)
            else "kurt config explain validator",
            skill=name,
            validation_result=report,
        )

    def _refuse_occupied(self, goods: Goods, before: Receipt | None, force: bool) -> bool:
        """Raise where something of somebody's lies in the way; return whether it is to be kept."""
        if goods.wheel is not None:
            return False
        target = os.path.join(self.receipts.root, goods.name)
        for candidate in self.discovery.named(goods.name):
            same_scope = candidate.scope == self.scope and candidate.is_folder
            if same_scope and os.path.realpath(candidate.location) != os.path.realpath(target):
                raise ConflictError(
                    f"there is a skill {candidate.name} already, in another folder",
                    at=candidate.location,
                    hint=f"remove it first, or install with --scope "
                    f"{'user' if self.scope == 'project' else 'project'}",
                    skill=goods.name,
                )
        if not os.path.lexists(target):
            return False
        changed = self.receipts.changed(before) if before is not None and before.folder else None
        if changed == []:
            return False
        if force:
            return True
        if changed is None:
            raise ConflictError(
                f"{goods.name} is not installed: there is a folder that is not kurt's",
                at=target,
                hint=f"kurt install --force {quote(goods.name)}, which keeps a copy of it",
                skill=goods.name,
            )
        raise ConflictError(
            f"{goods.name} was changed since it was installed",
            cause=", ".join(changed[:5]),
            at=target,
            hint="add --force to replace it; a copy of it is kept",
            skill=goods.name,
        )

    # -- doing -----------------------------------------------------------------------

    def apply(
        self, plan: Plan, *, agreed: bool = False, publishers: Iterable[str] = ()
    ) -> list[Step]:
        """Do what a plan says, and return the steps that changed something.

        :param agreed: somebody has agreed to what the steps ask.
        :param publishers: names of the skills whose new publisher was confirmed.
        :raises ConsentError: when nobody has agreed, and something asks for it.
        :raises PublisherError: when a publisher changed and was not confirmed.
        :raises ConflictError: when another process has changed the same skill meanwhile, or
            what it needs.
        """
        confirmed = set(publishers)
        for step in plan.changes:
            if step.publisher_change and step.name not in confirmed:
                old, new = step.publisher_change
                unchecked = [one for one in step.warnings if one.rule == "attestation-unchecked"]
                raise PublisherError(
                    f"{step.name} comes from another publisher than before",
                    cause=f"it was {old}, and is {new} now"
                    + "".join([f"\n{one.message}" for one in unchecked]),
                    hint=unchecked[0].fix
                    if unchecked
                    else f"if you know why: add --new-publisher {quote(step.name)}",
                    skill=step.name,
                )
        asking = [step for step in plan.changes if step.asks]
        if asking and not agreed:
            lines = [f"{step.name}: {text}" for step in asking for text in step.asks]
            raise ConsentError(
                "somebody has to agree first",
                cause="\n".join(lines),
                hint="look at it with --dry-run, then add --yes",
                skill=asking[0].name,
            )
        done = []
        with held(self.receipts):
            refuse_overtaken(self.receipts, plan, self.discovery)
            for step in plan.changes:
                self._refuse_loaded(step)
            if self.prepare is not None and any(step.lacking for step in plan.changes):
                self.prepare(plan.changes)
            for step in plan.changes:
                self._do(step)
                done.append(step)
            self._lock_again([step for step in plan.steps if step not in done])
        return done

    def _lock_again(self, steps: Sequence[Step]) -> None:
        """Write what is here as it should be, and was agreed to, into a lock that lacks it.

        What was there since another skill needs it is what somebody has asked for now.
        """
        rows: dict[str, Locked] = {}
        asked: set[str] = set()
        for step in steps:
            found = self.receipts.find(step.name)
            if found is None:
                continue
            if step.locked.requested and not found.locked.requested:
                found = replace(found, locked=found.locked.but(requested=True))
                self.receipts.write(found)
                asked.add(found.locked.slug)
            rows[found.locked.slug] = found.locked

        def change(lock: dict[str, Locked]) -> None:
            for slug, row in rows.items():
                kept = lock.setdefault(slug, row)
                if slug in asked:
                    lock[slug] = kept.but(requested=True)

        if rows:
            write(lock_path(self.places, self.scope), change)

    def _refuse_loaded(self, step: Step) -> None:
        """Raise where modules of the skill are imported from the folder here, in this process."""
        if step.before is not None and step.before.folder:
            refuse_imported(step.before)

    def stage(self, step: Step) -> None:
        """Keep what was brought until the next reload of the plugin, in the store too."""
        with self.store.used():
            self._kept(step.goods)
            stage(self.receipts, self.receipt(step))

    def receipt(self, step: Step) -> Receipt:
        """Return what is noted of a step that is done."""
        goods, tree = step.goods, step.tree
        files: Mapping[str, File] = tree.files if tree is not None else {}
        if goods.wheel is not None:
            files = files_of(goods.wheel[1])
        return Receipt(
            locked=step.locked,
            folder=os.path.join(self.receipts.root, goods.name) if tree is not None else "",
            files=files,
            permissions=goods.record["permissions"],
            installed_at=now(),
            origin=goods.origin,
        ).after(step.before)

    def _do(self, step: Step) -> None:
        goods, receipt = step.goods, self.receipt(step)
        if step.tree is not None:
            tree = self._kept(goods)
            place(self.receipts, tree, receipt, content=goods.content, keep=step.keep)
        else:
            assert goods.wheel is not None
            self.store.keep_wheel(*goods.wheel)
            place_wheel(self.receipts, receipt)


def _once(wanted: Sequence[Goods]) -> list[Goods]:
    """Return what is wanted, each skill once.

    :raises ConflictError: when one is wanted in two versions.
    """
    found: dict[str, Goods] = {}
    for goods in wanted:
        other = found.setdefault(goods.name, goods)
        if other.digest != goods.digest:
            raise ConflictError(
                f"{goods.name} is asked for twice",
                cause=f"{other.version} and {goods.version}",
                hint="say one of them",
                skill=goods.name,
            )
    return list(found.values())


def _refuse_other_lane(goods: Goods, before: Receipt | None) -> None:
    """Raise where a folder would come beside a distribution of the same skill, or the reverse."""
    if before is None or bool(before.folder) == (goods.wheel is None):
        return
    here, coming = ("a folder", "a wheel") if before.folder else ("a wheel", "a folder")
    raise ConflictError(
        f"{goods.name} is installed as {here}, and would come as {coming}",
        cause="both would be there then",
        hint=f"kurt uninstall {quote(goods.name)}, and install it anew",
        skill=goods.name,
    )


def _verb(goods: Goods, before: Receipt | None) -> str:
    if before is None:
        return "install"
    if before.locked.digest == goods.digest:
        present = not before.folder or os.path.isdir(before.folder)
        return "keep" if present else "replace"
    try:
        old, new = semver.key(before.version), semver.key(goods.version)
    except KurtError:
        return "replace"
    if new == old:
        return "replace"
    return "update" if new > old else "downgrade"


def _publisher_change(before: Receipt | None, locked: Locked) -> tuple[str, str] | None:
    """Return who published a skill before and who does now, where that is another."""
    if before is None:
        return None
    old, new = before.locked, locked
    if (old.publisher, old.market) != (new.publisher, new.market):
        return _who(old), _who(new)
    # In an index whoever owns the name of a distribution is who publishes.
    if new.publisher is None and new.market and old.distribution != new.distribution:
        return _who(old), _who(new)
    if old.key is not None and old.key != new.key:
        return _who(old), _who(new)
    if old.identity is not None and old.identity != new.identity:
        return _who(old), _who(new)
    return None


def _attester(goods: Goods, before: Receipt | None) -> str | None:
    """Return who has attested something: who has before, where they are among those."""
    found = [one.text for one in goods.identities]
    old = before.locked.identity if before is not None else None
    return old if old in found else next(iter(found), None)


def _who(locked: Locked) -> str:
    if locked.publisher is None and locked.market is not None:
        by = f", attested by {locked.identity}" if locked.identity else ""
        return f"{locked.distribution} of the index {locked.market}{by}"
    if locked.publisher is None:
        return locked.source or "nobody known"
    key = f", key {locked.key}" if locked.key else ", unsigned"
    by = f", attested by {locked.identity}" if locked.identity else ""
    return f"{locked.publisher} at {locked.market}{key}{by}"
