"""What a host of the project runs is reloaded after an update, and never taken away underneath."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from goods import version_in

from kurt_ext.places import Places

from .shops import Shop

ID = "com.example.archiver"
HOST = """\
import asyncio, sys
from kurt_ext import PluginLoader
from kurt_ext.control import serve

async def main():
    async with PluginLoader() as loader, serve(loader):
        await loader.load_plugin(sys.argv[1])
        print("ready", flush=True)
        await asyncio.sleep(120)

asyncio.run(main())
"""


def kurt(*words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "kurt_ext", *words, "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def shop(tmp_path: Path, project: Path) -> Shop:
    made = Shop(tmp_path / "market")
    made.sell(ID)
    made.open()
    kurt("config", "set", "--scope", "user", "market.shop.url", str(made.root))
    code, said = kurt("install", ID, "--yes")
    assert code == 0, said
    return made


@pytest.fixture
def host(shop: Shop, project: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOST, ID], stdout=subprocess.PIPE, text=True, cwd=project
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a host is asked through a Unix socket")
def test_an_update_reaches_the_host_and_nothing_is_removed_underneath(
    shop: Shop, host: subprocess.Popen[str], project: Path
) -> None:
    shop.sell(ID, "1.1.0")
    shop.open()
    code, said = kurt("update", ID, "--no-cooldown", "--yes")
    assert code == 0 and said["warnings"] == [], said
    _, info = kurt("plugin", "info", ID)
    assert info["data"]["plugin"]["version"] == "1.1.0"
    assert info["data"]["plugin"]["life"]["generation"] == 2
    code, said = kurt("uninstall", ID)
    assert (code, said["error"]["code"]) == (6, "illegal-transition")
    assert version_in(project / "skills" / ID) == "1.1.0"
    code, said = kurt("rollback", ID)
    assert code == 0, said
    _, info = kurt("plugin", "info", ID)
    assert info["data"]["plugin"]["version"] == "1.0.0"
    assert kurt("plugin", "unload", ID)[0] == 0
    assert kurt("uninstall", ID)[0] == 0
    assert not (project / "skills" / ID).exists()


def test_there_is_no_host_to_ask(shop: Shop, project: Path) -> None:
    from kurt_ext.removing import host_status

    assert host_status(Places(str(project)), ID) is None
