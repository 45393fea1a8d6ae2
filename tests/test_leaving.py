"""How a host with workers exits: its plugins end in order, and nothing of it is left open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lives import plant, plugin

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers of POSIX systems")

NAME = "com.example.keeper"
CODE = """\
class Plugin:
    def __init__(self, metadata, config): self.write("made")
    async def deactivate(self): self.write("deactivate")
    async def cleanup(self): self.write("cleanup")
    def answer(self): return 42
    def write(self, word):
        with open("{notes}", "a") as stream:
            stream.write(word + " ")
"""
BY_NAME = """\
from kurt_ext import PluginLoader
from kurt_ext.ending import install

loader = PluginLoader({folder!r})
install(loader)
print(loader.skills.run({name!r} + ":answer").data)
"""
ASYNC = """\
import asyncio

from kurt_ext import PluginLoader

async def main():
    loader = PluginLoader({folder!r})
    state = await loader.load_plugin({name!r}, validate=False)
    await loader.activate_plugin({name!r})
    print(await state.instance.answer())
    {last}

asyncio.run(main())
"""
MANAGED = """\
from kurt_ext import SkillManager
from kurt_ext.places import Places

with SkillManager(places=Places(skills={folder!r})) as skills:
    print(skills.run({name!r} + ":answer").data)
"""
HOSTS = {
    "a host that closes its manager": (MANAGED, True),
    "a host without async": (BY_NAME, True),
    "a host that closes its loader": (ASYNC.replace("{last}", "await loader.close()"), True),
    "a host that just ends": (ASYNC.replace("{last}", "pass"), False),
}


@pytest.mark.parametrize(("host", "orderly"), HOSTS.values(), ids=HOSTS)
def test_a_host_exits_in_order_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, orderly: bool
) -> None:
    monkeypatch.setenv("KURT_ISOLATION", "auto")
    notes = tmp_path / "notes"
    notes.touch()
    answer = {"name": "answer", "description": "Say it.", "version": "1.0.0", "parameters": {}}
    permissions = {"filesystem_write": [str(notes)]}
    code = CODE.format(notes=notes)
    tree = plugin(NAME, code, permissions=permissions, capabilities=[answer])
    folder = plant((NAME, tree)).resolve()
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-c", host.format(folder=str(folder), name=NAME)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "42\n"
    assert "ResourceWarning" not in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    assert notes.read_text() == ("made deactivate cleanup " if orderly else "made ")
