"""How long ``kurt`` takes to start and answer, beside its peers.

    python benchmarks/startup.py --dir ~/kurt-bench [--sizes 31+10,1031+1000] [--pairs 15]
                                 [--peers] [--instructions]

Sizes are ``distributions installed + local skills``. Every figure is a multiple
of ``python -c pass`` in the same environment, paired run by run. The directory
must not lie under the temporary one: stevedore turns its cache off there.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import paired
import sites

PEERS = {
    "uv pip list": ("uv", "pip", "list"),
    "pip list": ("pip", "list", "--disable-pip-version-check"),
    "importlib.metadata entry_points": (
        "python",
        "-c",
        "from importlib.metadata import entry_points; list(entry_points(group='kurt.tool'))",
    ),
    "stevedore names, warm cache": (
        "python",
        "-c",
        "from stevedore import ExtensionManager as M; M.list_entry_points;"
        "from stevedore import _cache; _cache.get_group_all('kurt.tool')",
    ),
    "npe2 list": ("npe2", "list"),
    "llm plugins": ("llm", "plugins"),
}


class Case:
    """One environment of a given size."""

    def __init__(self, folder: Path, installed: int, local: int, pairs: int, count: bool) -> None:
        self.python = sites.environment(folder / "venv")
        self.bin = self.python.parent
        self.project = folder / f"project-{local}"
        self.home = folder / "home"
        self.pairs = pairs
        self.count = count
        shutil.rmtree(self.home, ignore_errors=True)
        sites.add_distributions(self.python, installed)
        sites.add_skills(self.project, local)
        self.environ = sites.environ(folder, self.project)
        self.reference = [str(self.python), "-c", "pass"]
        self.size = f"{installed}+{local}"

    def kurt(self, *arguments: str) -> list[str]:
        """Return a command line of the console script."""
        return [str(self.bin / "kurt"), *arguments]

    def settle(self) -> None:
        """Let kurt write an index that is trusted."""
        sites.settle(self.python, self.environ, self.project)

    def show(
        self, label: str, command: list[str], prepare: Callable[[], None] | None = None
    ) -> None:
        """Measure a command and print its line."""
        cwd = str(self.project)
        if self.count and prepare is None:
            own = paired.instructions(command, self.environ, cwd)
            base = paired.instructions(self.reference, self.environ, cwd)
            print(f"{self.size:>10}  {label:<40} {own / base:6.2f} x pass, instructions")
            return
        times, fastest = paired.ratio(
            command, self.reference, self.environ, cwd, self.pairs, prepare
        )
        print(f"{self.size:>10}  {label:<40} {times:6.2f} x pass   {fastest:8.1f} ms", flush=True)

    def forget_index(self) -> None:
        """Remove the cache; what another environment's index remembers stays."""
        shutil.rmtree(self.home / ".cache", ignore_errors=True)

    def forget_manifests(self) -> None:
        """Remove every index; the shim stays."""
        self.forget_index()
        shutil.rmtree(self.home / ".local" / "share" / "kurt" / "index", ignore_errors=True)

    def change_one(self) -> None:
        """Edit one manifest, and wait until the index of before is trusted for the others."""
        manifest = self.project / "skills" / "archiver-0" / "SKILL.md"
        manifest.write_text(manifest.read_text() + "\nOne more line.\n")

    def measure(self) -> None:
        """Print every figure of kurt's own."""
        self.settle()
        self.show("kurt --version", self.kurt("--version"))
        self.show("kurt list --json, warm", self.kurt("list", "--json"))
        self.show("kurt info NAME --json, warm", self.kurt("info", "archiver-0", "--json"))
        self.show("kurt --help", self.kurt("--help"))
        self.show("kurt list, warm, piped text", self.kurt("list"))
        self.show("one manifest changed", self.kurt("list", "--json"), self.change_one)
        self.show("index missing", self.kurt("list", "--json"), self.forget_index)
        self.show("every index missing", self.kurt("list", "--json"), self.forget_manifests)

    def measure_peers(self) -> None:
        """Print the same of the peers, each in this environment."""
        sites.install(self.python, "uv", "stevedore", "npe2", "llm")
        for label, (program, *arguments) in PEERS.items():
            command = [str(self.bin / program), *arguments]
            paired.run(command, self.environ, str(self.project))
            self.show(label, command)


def main() -> None:
    """Read the arguments and measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--sizes", default="31+10,81+100,1031+1000,1031+5000")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--instructions", action="store_true")
    options = parser.parse_args()
    for size in options.sizes.split(","):
        installed, local = map(int, size.split("+"))
        folder = options.dir.resolve()
        case = Case(folder, installed, local, options.pairs, options.instructions)
        case.measure()
        if options.peers:
            case.measure_peers()


if __name__ == "__main__":
    main()
