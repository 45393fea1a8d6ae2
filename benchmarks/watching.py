"""How long it takes from a save until the new code runs, beside ``python -c pass``.

    python benchmarks/watching.py [--pairs 41] [--skills 1,100] [--validate] [--poll]

Each save of a module of fifteen lines is paired with a run of ``python -c pass``
of the same interpreter; who goes first alternates. A save is atomic, as editors do
it: what is timed begins before the rename and ends when a call by name has given
what only the new code gives. The median of the pairs' ratios is printed, and how
many of the answers were stale, which must be 0: all saves are of one size.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import paired
import sites

CODE = """\
\"\"\"Give a number back.\"\"\"

from kurt_tool import Tool, ToolResult


class WebArchiverTool(Tool):
    \"\"\"What is reloaded.\"\"\"

    name = "{name}"
    description = "Give a number back"

    async def run(self, params, context, on_progress=None):
        number = {number:06d}0 // 10
        return ToolResult(success=True, data=[{{"number": number}}])
"""


def save(path: Path, number: int) -> None:
    """Replace the module in one step."""
    beside = path.with_name(".skill.py.new")
    beside.write_text(CODE.format(name=path.parent.name, number=number + 100_000))
    os.replace(beside, path)


async def measure(project: Path, skills: int, options: argparse.Namespace) -> None:
    """Print the line of one number of skills."""
    from kurt_ext.loader import PluginLoader
    from kurt_ext.watch import watch

    sites.add_skills(project, skills)
    names = [f"archiver-{number}" for number in range(skills)]
    for name in names:
        save(project / "skills" / name / "skill.py", 0)
    path = project / "skills" / names[0] / "skill.py"
    environ, cwd = dict(os.environ), str(project)
    ratios, saved, told, stale = [], [], [], 0
    async with PluginLoader() as loader:
        changes = watch(loader, validate=options.validate, poll=options.poll)
        upcoming = asyncio.ensure_future(anext(changes))
        for name in names[: options.loaded]:
            await loader.load_plugin(name, validate=options.validate)
            await loader.activate_plugin(name)
        await asyncio.sleep(1)

        async def once(number: int) -> tuple[float, bool]:
            nonlocal upcoming
            start = time.perf_counter()
            save(path, number)
            change = await upcoming
            result = await loader.skills.arun(names[0])
            taken = time.perf_counter() - start
            told.append(change.ms)
            upcoming = asyncio.ensure_future(anext(changes))
            return taken, result.data[0]["number"] != number + 100_000

        for number in range(1, options.pairs + 1):
            if number % 2:
                base = await asyncio.to_thread(paired.run, PASS, environ, cwd)
            taken, old = await once(number)
            if not number % 2:
                base = await asyncio.to_thread(paired.run, PASS, environ, cwd)
            stale += old
            saved.append(taken)
            ratios.append(taken / base)
            await asyncio.sleep(0.02)
        upcoming.cancel()
        await asyncio.wait({upcoming})
        await changes.aclose()
    middle, best = statistics.median(saved) * 1000, min(saved) * 1000
    print(
        f"{skills:>5} skills  {statistics.median(ratios):5.2f} x pass"
        f"   median {middle:5.1f} ms, best {best:5.1f}, told {statistics.median(told):5.1f}"
        f"   {stale} stale of {options.pairs}",
        flush=True,
    )


PASS = [sys.executable, "-c", "pass"]


def main() -> None:
    """Read the arguments and measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=41)
    parser.add_argument("--skills", default="1,100")
    parser.add_argument("--loaded", type=int, default=10, help="how many of them are loaded")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--poll", action="store_true")
    options = parser.parse_args()
    # Some machines set it, and it hides that bytecode is stale.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    for skills in map(int, options.skills.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder, "project")
            for key in [key for key in os.environ if key.startswith(("KURT_", "XDG_"))]:
                del os.environ[key]
            os.environ |= {
                "KURT_ISOLATION": "none",
                "HOME": folder,
                "KURT_TRUST": str(project),
                "KURT_PROJECT": str(project),
            }
            asyncio.run(measure(project, skills, options))


if __name__ == "__main__":
    main()
