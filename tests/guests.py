"""Import the code of a guest as one generation after another, each with a ledger of its own."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from textwrap import dedent
from types import ModuleType

from kurt_ext.importer import SkillLoader, restore, set_aside, unload
from kurt_ext.ledger import Ledger

PACKAGE = "kurt_skills.guest"


class Guest:
    """The generations of one guest; the newest has its name."""

    def __init__(self, folder: Path, name: str = "guest") -> None:
        self.folder = folder
        self.package = f"kurt_skills.{name}"
        self.slug = name
        self.number = 0
        self.ledger = Ledger(name, self.package)

    def arrive(self, code: str, *, aside: int | None = None) -> tuple[ModuleType, Ledger]:
        """Import ``code`` as the next generation.

        :param aside: the number of the generation that has the name now; the last if None.
        """
        if self.number:
            set_aside(self.slug, aside or self.number)
        self.number += 1
        path = self.folder / f"{self.slug}.py"
        self.folder.mkdir(exist_ok=True)
        path.write_text(dedent(code), encoding="utf-8")
        spec = spec_from_file_location(
            self.package,
            path,
            loader=SkillLoader(self.package, str(path)),
            submodule_search_locations=[str(self.folder)],
        )
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[self.package] = module
        ledger = self.ledger = Ledger(self.slug, self.package)
        with ledger.watching():
            spec.loader.exec_module(module)
        return module, ledger

    def leave(self, number: int | None = None) -> None:
        """Forget the modules of one generation; of the newest if none is given."""
        unload(self.slug if number is None else f"{self.slug}@{number}")

    def go_back(self, modules: dict[str, ModuleType]) -> None:
        """Let an earlier generation have the name again."""
        restore(self.slug, modules)

    def leave_all(self) -> None:
        for number in range(1, self.number + 1):
            self.leave(number)
        self.leave()
