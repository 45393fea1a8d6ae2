"""What the pytest fixtures hand to a test: an environment of its own, and who fills and calls it.

The types of the fixtures, for annotations::

    from kurt_ext.testing import Runner, SkillFactory

    def test_it_greets(kurt_skill: SkillFactory, kurt_run: Runner) -> None: ...
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import pytest

from . import installed
from .names import normalize
from .places import Places
from .trust import Trust

if TYPE_CHECKING:
    from . import SkillManager
    from .installed import Unit

__all__ = [
    "AsyncRunner",
    "DistInfoFactory",
    "Files",
    "KurtEnvironment",
    "Runner",
    "SkillFactory",
]

#: Files by name; a mapping is a folder.
Files: TypeAlias = Mapping[str, Union[str, bytes, "Files"]]

_HOST = "kurt-ext"


class KurtEnvironment:
    """A place where kurt sees nothing of the developer's own.

    :param root: an empty folder for all that follows.
    :param patch: takes back, after the test, what is set here.
    :ivar home: the home directory; configuration, data and caches lie below it.
    :ivar project: the project. The working directory stays what it was.
    :ivar site: a site-packages folder; on ``sys.path`` once something is installed there.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        # macOS reaches its temporary folder through a link.
        self._root = root.resolve()
        self.home = self._root / "home"
        self.project = self._root / "project"
        self.site = self._root / "site"
        for folder in (self.home, self.project, self.site):
            folder.mkdir()
        self._patch = patch
        self._allowed = {_HOST}
        self._manager: SkillManager | None = None
        self._modules = frozenset(sys.modules)
        self._set_variables()
        self._hide_installed()
        self._set_default_aside()

    def _set_variables(self) -> None:
        isolation = os.environ.get("KURT_ISOLATION", "none")
        for variable in list(os.environ):
            if variable.startswith(("KURT_", "XDG_")):
                self._patch.delenv(variable)
        for variable in ("HOME", "USERPROFILE"):
            self._patch.setenv(variable, str(self.home))
        for variable in ("APPDATA", "LOCALAPPDATA"):
            self._patch.setenv(variable, str(self.home / "AppData"))
        self._patch.setenv("KURT_PROJECT", str(self.project))
        # Where a debugger and coverage see the code; `KURT_ISOLATION=auto pytest` is as in life.
        self._patch.setenv("KURT_ISOLATION", isolation)

    def _hide_installed(self) -> None:
        # Taken off sys.path, they could not be imported either.
        look = installed.in_folder

        def visible(base: str) -> Iterator[Unit]:
            return (unit for unit in look(base) if self._shows(base, unit.child))

        self._patch.setattr("kurt_ext.scan.in_folder", visible)
        # An index of a process that the test starts would show them all the same.
        for name in ("open", "open_remembered"):
            self._patch.setattr(f"kurt_ext.index.Index.{name}", lambda places: None)
        self._patch.setattr("kurt_ext.index.write", lambda places, **parts: None)

    def _shows(self, base: str, child: str) -> bool:
        name = normalize(child.rpartition(".")[0].partition("-")[0])
        return base == str(self.site) or not self._allowed.isdisjoint(("*", name))

    def _set_default_aside(self) -> None:
        module = sys.modules.get("kurt_ext.manager")
        if module is not None:
            self._patch.setattr(module.SkillManager, "_default", None)

    def allow(self, *distributions: str) -> None:
        """Let installed distributions be seen by kurt; without a name, all of them."""
        self._allowed.update([normalize(name) for name in distributions] or ["*"])
        self.refresh()

    def configure(self, text: str, *, trusted: bool = True) -> Path:
        """Write the project's ``kurt.toml``, and return its path.

        :param trusted: trust the project as a whole, without which the file can only
            take away.
        """
        path = self.project / "kurt.toml"
        path.write_text(text, encoding="utf-8")
        if trusted:
            Trust.load(Places()).add(str(self.project), force=True)
        self.refresh()
        return path

    def trust(self, folder: str | os.PathLike[str]) -> None:
        """Trust a folder and what lies beneath it, as ``kurt skill trust`` does."""
        Trust.load(Places()).add(os.fspath(folder), force=True)
        self.refresh()

    @property
    def manager(self) -> SkillManager:
        """The manager of the test, made when it is first asked for."""
        if self._manager is None:
            from . import SkillManager

            self._manager = SkillManager()
        return self._manager

    def refresh(self) -> None:
        """Let the manager, if there is one, look again."""
        if self._manager is not None:
            self._manager.refresh()

    def close(self) -> None:
        """Stop what was started, and forget what was imported from here."""
        try:
            manager, self._manager = self._manager, None
            if manager is not None:
                manager.close()
            module = sys.modules.get("kurt_ext.manager")
            if module is not None:
                module.SkillManager.close_default()
        finally:
            self._forget_modules()

    def _forget_modules(self) -> None:
        ours = str(self._root) + os.sep
        sys.path[:] = [path for path in sys.path if not path.startswith(ours)]
        new = [name for name in sys.modules if name not in self._modules]
        skills = {name.split(".")[1] for name in new if name.startswith("kurt_skills.")}
        if skills:
            from .importer import unload

            for slug in skills:
                unload(slug)
        for name in new:
            file = getattr(sys.modules.get(name), "__file__", None)
            if isinstance(file, str) and file.startswith(ours):
                del sys.modules[name]


class SkillFactory:
    """Writes skill folders into the project: the fixture ``kurt_skill``."""

    def __init__(self, environment: KurtEnvironment) -> None:
        self._environment = environment
        self._skills = environment.project / "skills"

    def __call__(
        self,
        skill: str | os.PathLike[str],
        files: Files | None = None,
        /,
        *,
        code: str | None = None,
        body: str = "",
        trusted: bool = True,
        **manifest: Any,
    ) -> Path:
        """Write a skill folder into the test's project, and return its path.

        :param skill: its name; or, as a path, the folder of a skill of yours,
            which is shown in the project as it is.
        :param files: its files by name; a mapping is a folder. Where a SKILL.md
            or plugin.json is among them, none is made from the rest.
        :param code: the text of skill.py.
        :param body: what stands below the front matter of SKILL.md.
        :param trusted: whether its code may be imported.
        :param manifest: keys of the front matter, such as ``implements=[…]``.
        :raises FileExistsError: when the project has a skill of that name.
        :raises TypeError: when the arguments contradict each other.
        """
        tree = dict(files or {})
        if code is not None:
            tree["skill.py"] = code
        own = tree.keys() & {"SKILL.md", "plugin.json"}
        if not isinstance(skill, str):
            if tree or manifest or body:
                raise TypeError("the folder of a skill is shown as it is")
            folder = self._show(Path(skill).absolute())
        elif own and (manifest or body):
            raise TypeError(f"{own.pop()} is among the files, and keys of a manifest besides")
        else:
            if not own:
                tree["SKILL.md"] = _skill_md(skill, manifest, body)
            folder = self._skills / skill
            folder.mkdir(parents=True)
            _write(folder, tree)
        if trusted:
            self._environment.trust(folder)
        else:
            self._environment.refresh()
        return folder

    def _show(self, source: Path) -> Path:
        """Link a folder into the project, so that edits count; copy it where links fail."""
        if not source.is_dir():
            raise FileNotFoundError(f"there is no folder {source}")
        folder = self._skills / source.name
        self._skills.mkdir(exist_ok=True)
        try:
            folder.symlink_to(source, target_is_directory=True)
        except FileExistsError:
            raise
        except OSError:  # Windows lets only some users make links
            shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        return folder


def _skill_md(name: str, manifest: Mapping[str, Any], body: str) -> str:
    keys = {"name": name, "version": "0.1.0", "description": f"{name}, of a test.", **manifest}
    # JSON is YAML, and quotes whatever a value holds.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    return "\n".join(["---", *lines, "---", "", body or f"# {name}", ""])


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        if isinstance(content, Mapping):
            path.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


class DistInfoFactory:
    """Lays down installed distributions: the fixture ``kurt_dist_info``."""

    def __init__(self, environment: KurtEnvironment) -> None:
        self._environment = environment

    def __call__(
        self,
        name: str,
        entry_points: Mapping[str, Mapping[str, str]] | None = None,
        /,
        *,
        modules: Files | None = None,
        version: str = "1.0",
        summary: str = "",
        files: Files | None = None,
    ) -> Path:
        """Lay down what pip would for a wheel, and return its ``*.dist-info``.

        :param name: the name of the distribution.
        :param entry_points: group → name → value.
        :param modules: files beside the ``*.dist-info``, as ``{"shout.py": "…"}``.
        :param files: further files in the ``*.dist-info``, such as a ``kurt.json``.
        :raises FileExistsError: when it is there already, in that version.
        """
        site = self._environment.site
        info = site / f"{normalize(name).replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        if summary:
            metadata += f"Summary: {summary}\n"
        lines = []
        for group, pairs in (entry_points or {}).items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in pairs.items()), ""]
        own = {"METADATA": metadata, "entry_points.txt": "\n".join(lines)}
        _write(info, {**own, **(files or {})})
        _write(site, modules or {})
        if str(site) not in sys.path:
            sys.path.insert(0, str(site))
        importlib.invalidate_caches()
        self._environment.refresh()
        return info


class Runner:
    """Calls extensions by name and waits: the fixture ``kurt_run``."""

    def __init__(self, manager: SkillManager) -> None:
        self._manager = manager

    def __call__(
        self, reference: str, arguments: Mapping[str, Any] | None = None, /, **more: Any
    ) -> Any:
        """Call an extension by name, wait for it, and return its result.

        :param reference: ``SKILL:EXTENSION``, or what else ``kurt run`` understands.
        :param arguments: arguments whose names are no identifiers, or all of them.
        :param more: arguments by name.
        :raises KurtError: when there is no such extension, or the call fails.
        """
        return self._manager.run(reference, {**(arguments or {}), **more})


class AsyncRunner:
    """Calls extensions by name on the loop that runs: the fixture ``kurt_arun``."""

    def __init__(self, manager: SkillManager) -> None:
        self._manager = manager

    async def __call__(
        self, reference: str, arguments: Mapping[str, Any] | None = None, /, **more: Any
    ) -> Any:
        """Call an extension as :class:`Runner` does, and await it."""
        return await self._manager.arun(reference, {**(arguments or {}), **more})
