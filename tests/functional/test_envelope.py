"""With --json, every command writes one object of one form to stdout, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kurt_ext.cli import cli
from kurt_ext.session import Session

from .conftest import Run, write_skill

#: (words, schema, exit code); ``{skill}`` stands for the folder of the skill greeter.
CASES = [
    ("audit", "kurt.audit/1", 0),
    ("completion bash", "kurt.completion/1", 0),
    ("completion tcsh", "kurt.completion/1", 2),
    ("config explain tool.enabled", "kurt.config.explain/1", 0),
    ("config explain nothing.at.all.x", "kurt.config.explain/1", None),
    ("config get skill_paths", "kurt.config.get/1", 3),
    ("config list", "kurt.config.list/1", 0),
    ("config path", "kurt.config.path/1", 0),
    ("config set skill_paths more", "kurt.config.set/1", 0),
    ("config unset skill_paths", "kurt.config.unset/1", 0),
    ("disable greet", "kurt.disable/1", 0),
    ("disable nobody", "kurt.disable/1", 3),
    ("doctor", "kurt.doctor/1", None),
    ("enable greet", "kurt.enable/1", 0),
    ("enable", "kurt.enable/1", 2),
    ("environment list", "kurt.environment.list/1", 0),
    ("environment make nobody", "kurt.environment.make/1", 3),
    ("environment prune", "kurt.environment.prune/1", 0),
    ("explain greeter", "kurt.explain/1", 0),
    ("explain untrusted", "kurt.explain/1", 0),
    ("explain nobody", "kurt.explain/1", 3),
    ("help exit-codes", "kurt.help/1", 0),
    ("help nobody", "kurt.help/1", 3),
    ("info greeter", "kurt.info/1", 0),
    ("info nobody", "kurt.info/1", 3),
    ("key distrust nobody", "kurt.key.distrust/1", 3),
    ("key export nobody", "kurt.key.export/1", 3),
    ("key list", "kurt.key.list/1", 0),
    ("key new mine", "kurt.key.new/1", 0),
    ("key new Bad_Name", "kurt.key.new/1", 2),
    ("key trust mine nothing", "kurt.key.trust/1", 5),
    ("install", "kurt.install/1", 2),
    ("install ./nowhere", "kurt.install/1", 2),
    ("install {skill} --dry-run", "kurt.install/1", 6),
    ("install nobody@nowhere --yes", "kurt.install/1", None),
    ("list", "kurt.list/1", 0),
    ("list --state broken", "kurt.list/1", 0),
    ("list --state odd", "kurt.list/1", 2),
    ("market build", "kurt.market.build/1", 2),
    ("market build .", "kurt.market.build/1", 5),
    ("market build skills/greeter", "kurt.market.build/1", 0),
    ("market build nowhere", "kurt.market.build/1", 2),
    ("market digest {skill}", "kurt.market.digest/1", 0),
    ("market digest nobody", "kurt.market.digest/1", 3),
    ("market log", "kurt.market.log/1", 1),
    ("market mirror nowhere here", "kurt.market.mirror/1", 1),
    ("market publish {skill} --to there", "kurt.market.publish/1", 5),
    ("market publish nobody --to there", "kurt.market.publish/1", 3),
    ("market publisher nobody", "kurt.market.publisher/1", 3),
    ("market serve nowhere", "kurt.market.serve/1", 1),
    ("market status nobody archived", "kurt.market.status/1", 3),
    ("market tuf . --root nobody --key nobody", "kurt.market.tuf/1", 3),
    ("market tuf . --root nobody", "kurt.market.tuf/1", 2),
    ("market token list", "kurt.market.token.list/1", 1),
    ("market token new acme", "kurt.market.token.new/1", 1),
    ("market token revoke nobody", "kurt.market.token.revoke/1", 1),
    ("market verify", "kurt.market.verify/1", 1),
    ("market yank nobody 1.0.0 --reason x", "kurt.market.yank/1", 3),
    ("market yank nobody 1.0.0", "kurt.market.yank/1", 2),
    ("new another", "kurt.new/1", 0),
    ("new greeter", "kurt.new/1", 6),
    ("new Bad_Name", "kurt.new/1", None),
    ("outdated", "kurt.outdated/1", 0),
    ("permissions diff {skill} greeter", "kurt.permissions.diff/1", 0),
    ("permissions infer {skill}", "kurt.permissions.infer/1", 0),
    ("permissions infer nowhere", "kurt.permissions.infer/1", 3),
    ("permissions show greeter", "kurt.permissions.show/1", 0),
    ("permissions show nobody", "kurt.permissions.show/1", 3),
    ("plugin activate greeter", "kurt.plugin.activate/1", 5),
    ("plugin config greeter", "kurt.plugin.config/1", 0),
    ("plugin config greeter nothing", "kurt.plugin.config/1", 3),
    ("plugin deactivate greeter", "kurt.plugin.deactivate/1", 3),
    ("plugin graph", "kurt.plugin.graph/1", 0),
    ("plugin graph nobody", "kurt.plugin.graph/1", 3),
    ("plugin info greeter", "kurt.plugin.info/1", 0),
    ("plugin info leaflet", "kurt.plugin.info/1", 3),
    ("plugin list", "kurt.plugin.list/1", 0),
    ("plugin load greeter --no-validate", "kurt.plugin.load/1", 0),
    ("plugin load leaflet", "kurt.plugin.load/1", 1),
    ("plugin reload greeter --no-validate", "kurt.plugin.reload/1", 0),
    ("plugin timing greeter", "kurt.plugin.timing/1", 0),
    ("plugin unload greeter", "kurt.plugin.unload/1", 3),
    ("prune", "kurt.prune/1", 0),
    ("rollback greeter", "kurt.rollback/1", 3),
    ("run greet name=Ada", "kurt.run/1", 0),
    ("run greet mode=fail", "kurt.run/1", 1),
    ("run greet mode=raise", "kurt.run/1", 1),
    ("run greet mode=print", "kurt.run/1", 0),
    ("run greet mode=nan", "kurt.run/1", 0),
    ("run greet --help", "kurt.run/1", 0),
    ("run greet nme=Ada", "kurt.run/1", 2),
    ("run greet times=0", "kurt.run/1", 2),
    ("run greet mode=sleep --timeout 0.2", "kurt.run/1", 1),
    ("run leaflet", "kurt.run/1", 3),
    ("run nobody", "kurt.run/1", 3),
    ("run", "kurt.run/1", 2),
    ("sandbox log", "kurt.sandbox.log/1", 0),
    ("sandbox status", "kurt.sandbox.status/1", 0),
    ("search archive", "kurt.search/1", 1),
    ("shim path", "kurt.shim.path/1", 0),
    ("shim repair", "kurt.shim.repair/1", 0),
    ("shim status", "kurt.shim.status/1", 0),
    ("skill build nowhere/at/all", "kurt.skill.build/1", 3),
    ("skill fmt --portable {skill}", "kurt.skill.fmt/1", 0),
    ("skill fmt", "kurt.skill.fmt/1", 2),
    ("skill info greeter", "kurt.info/1", 0),
    ("skill link --python /nowhere", "kurt.skill.link/1", 2),
    ("skill list", "kurt.list/1", 0),
    ("skill new another", "kurt.new/1", 0),
    ("skill trust", "kurt.skill.trust/1", 0),
    ("skill unlink", "kurt.skill.unlink/1", 3),
    ("skill untrust", "kurt.skill.untrust/1", 3),
    ("skill validate greeter", "kurt.validate/1", 5),
    ("sync --locked", "kurt.sync/1", 1),
    ("tool info greeter", "kurt.info/1", 0),
    ("tool list", "kurt.list/1", 0),
    ("tool run greet", "kurt.run/1", 0),
    ("uninstall", "kurt.uninstall/1", 2),
    ("uninstall greeter", "kurt.uninstall/1", 3),
    ("uninstall ../greeter", "kurt.uninstall/1", 3),
    ("update", "kurt.update/1", 2),
    ("update --all", "kurt.update/1", 0),
    ("update greeter", "kurt.update/1", 3),
    ("validate {skill} --profile publish", "kurt.validate/1", 5),
    ("watch nobody", "kurt.watch/1", 3),
    ("nobody", "kurt.error/1", 2),
    ("--nothing", "kurt.error/1", 2),
    ("skill nobody", "kurt.error/1", 2),
    ("", "kurt.error/1", 2),
]


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the words of every command, importing it."""
    ctx = click.Context(group, obj=Session())
    for name in group.list_commands(ctx):
        _, found, _ = group.resolve_command(ctx, [name])
        if isinstance(found, click.Group):
            yield from leaves(found, (*path, name))
        else:
            yield " ".join((*path, name))


def test_every_command_has_a_case() -> None:
    covered = {words for words, _, _ in CASES}
    missing = [
        path
        for path in leaves(cli)
        if not any(words == path or words.startswith(path + " ") for words in covered)
    ]
    assert missing == []


@pytest.mark.parametrize(("words", "schema", "code"), CASES, ids=[case[0] for case in CASES])
def test_one_object_of_one_form(
    here: Run, skill: Path, project: Path, words: str, schema: str, code: int | None
) -> None:
    write_skill(project / "skills", "leaflet", code=None)
    ran = here(*words.format(skill=skill).split(), "--json")
    found = json.loads(ran.out)  # one object: anything before or behind it would not parse
    assert found["schema"] == schema
    assert isinstance(found["warnings"], list)
    if code is not None:
        assert ran.code == code, ran
    assert found["ok"] == (ran.code == 0)
    if found["ok"]:
        assert set(found) == {"schema", "ok", "data", "warnings"}
    else:
        assert set(found) - {"data"} == {"schema", "ok", "error", "warnings"}
        assert set(found["error"]) >= {"code", "message", "cause", "at", "hint", "candidates"}
        assert found["error"]["message"]


def test_json_may_stand_before_the_command(kurt: Run, skill: Path) -> None:
    assert kurt("--json", "list").data == kurt("list", "--json").data


def test_what_an_extension_prints_goes_to_stderr(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "mode=print", "--json")
    assert ran.data["data"] == {"text": "Hello World!"}
    for text in ("printed", "written", "from a child"):
        assert text in ran.err


def test_a_failure_tells_what_was_found_before_it(kurt: Run, skill: Path) -> None:
    found = kurt("validate", str(skill), "--profile", "publish", "--json").envelope
    assert found["error"]["code"] == "validation-failed"
    assert found["data"][0]["findings"]


def test_the_quick_way_and_the_long_way_say_the_same(kurt: Run, skill: Path) -> None:
    quick = kurt("list", "--json")
    long = kurt("list", "--json", "-v")
    assert quick.envelope == long.envelope
    assert (
        kurt("info", "greeter", "--json").envelope
        == kurt("info", "greeter", "--json", "-v").envelope
    )
