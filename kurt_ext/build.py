"""Let setuptools build a skill's folder from its manifest alone.

A plugin of setuptools, so that this is the whole ``pyproject.toml`` of a skill::

    [build-system]
    requires = ["setuptools", "kurt-ext"]
    build-backend = "setuptools.build_meta"

Both functions run in every build of an environment that has kurt-ext, also in
those of strangers: they act only in a folder with a manifest whose build
requires name kurt-ext, and nothing but `os` is imported before that is known.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from .manifest import Reading

__all__ = ["finalize_distribution_options", "write_kurt_json"]

_MANIFESTS = ("SKILL.md", "plugin.json")
_PYPROJECT = "pyproject.toml"
#: Files at the top of a folder that belong to the build and not to the skill.
_BUILD_FILES = ("PKG-INFO", _PYPROJECT, "setup.py", "setup.cfg", "build", "dist")


def finalize_distribution_options(dist: Any) -> None:
    """Set up a `setuptools.Distribution` from the manifest in the working directory.

    :raises setuptools.errors.SetupError: when the manifest cannot be used, or
        a ``[project]`` table, a table for setuptools or a ``setup.cfg`` would
        override it.
    """
    try:
        pyproject = _own_pyproject()
    except Exception:
        return  # whatever is odd there, it is not ours to complain about
    if pyproject is not None:
        _refuse_other_sources(pyproject)
        _set_up(dist, os.getcwd())


# Before setuptools' own step checks the keywords that are set here.
finalize_distribution_options.order = -100  # type: ignore[attr-defined]


def write_kurt_json(command: Any, basename: str, filename: str) -> None:
    """Write the manifest into the egg-info, from where it gets into the wheel's dist-info."""
    content: bytes | None = getattr(command.distribution, "kurt_json", None)
    if content is not None:
        command.write_file("manifest", filename, content.decode("ascii"))


def _own_pyproject() -> dict[str, Any] | None:
    """Return ``pyproject.toml`` if the working directory is a skill that kurt-ext builds."""
    if not any(os.path.isfile(name) for name in _MANIFESTS) or not os.path.isfile(_PYPROJECT):
        return None
    import tomllib

    with open(_PYPROJECT, "rb") as stream:
        content = tomllib.load(stream)
    names = [_project_name(text) for text in content["build-system"]["requires"]]
    return content if "kurt-ext" in names else None


def _project_name(requirement: str) -> str:
    """Return the normalised name at the start of a PEP 508 requirement."""
    from .names import normalize

    text = requirement.strip()
    end = next((i for i, c in enumerate(text) if not (c.isalnum() or c in "-_.")), len(text))
    return normalize(text[:end])


def _refuse_other_sources(pyproject: dict[str, Any]) -> None:
    """Refuse what would say the same as the manifest, and win silently."""
    if "project" in pyproject:
        _refuse_table(_PYPROJECT, ("[project",))
    if any("setuptools" in table for table in pyproject.values() if isinstance(table, dict)):
        _refuse_table(_PYPROJECT, ("setuptools]", "setuptools."))
    if os.path.isfile("setup.cfg"):
        from configparser import RawConfigParser

        parser = RawConfigParser()
        parser.read("setup.cfg", encoding="utf-8")
        for section in parser.sections():
            if section == "metadata" or section.startswith("options"):
                _refuse_table("setup.cfg", (f"[{section}",))


def _refuse_table(path: str, marks: tuple[str, ...]) -> NoReturn:
    with open(path, encoding="utf-8") as stream:
        lines = [line.replace(" ", "") for line in stream]
    number, line = next(
        (
            (i, line)
            for i, line in enumerate(lines, 1)
            if line.startswith("[") and any(mark in line for mark in marks)
        ),
        (1, "[project]"),
    )
    _fail(
        f"{path}:{number}:1: {line.split('#')[0].strip()} would override the manifest",
        "remove it: SKILL.md or plugin.json says all of it",
    )


def _fail(message: str, hint: str) -> NoReturn:
    from importlib import import_module  # setuptools ships no types

    raise import_module("setuptools.errors").SetupError(f"{message}\nhint: {hint}")


def _read_manifest(folder: str) -> Reading:
    import logging

    from .manifest import read

    reading = read(folder)
    if not reading.ok:
        lines = "\n".join(f"  {finding}" for finding in reading.findings)
        _fail(f"the skill in {folder} cannot be built:\n{lines}", "kurt skill validate .")
    for finding in reading.findings:
        logging.getLogger(__name__).warning("%s", finding)
    return reading


def _set_up(dist: Any, folder: str) -> None:
    """Fill in the distribution: what it is, its files, and where the build may write."""
    from . import distinfo
    from .names import distribution_name, package_name
    from .versions import to_pep440

    reading = _read_manifest(folder)
    record = reading.record
    assert record is not None
    package = package_name(record["id"])
    found = distinfo.offers(record, _words(), reading.code)
    distinfo.entry_points_text(found)  # refuses what would not survive the format
    entry_points: dict[str, list[str]] = {}
    for group, name, value in found:
        entry_points.setdefault(group, []).append(f"{name} = {value}")
    about = dist.metadata
    about.name = distribution_name(record["id"])
    about.version = to_pep440(record["version"])
    for field in ("description", "author", "license"):
        # A field of the metadata is one line.
        setattr(about, field, " ".join((record[field] or "").split()) or None)
    about.url = record["homepage"]
    about.keywords = record["tags"]
    about.long_description = _long_description(folder)
    about.long_description_content_type = "text/markdown"
    dist.python_requires = record["requires_python"]
    dist.install_requires = record["requires"]
    dist.packages = [package]
    dist.package_dir = {package: "."}
    dist.package_data = {package: [_pattern(path) for path in own_files(folder)]}
    dist.include_package_data = False
    dist.entry_points = entry_points
    dist.cmdclass["build_py"] = _build_py(dist, package)
    dist.kurt_json = distinfo.kurt_json(record)
    _keep_folder_clean(dist)


def _words() -> dict[str, tuple[str, str]]:
    """Return the words of manifests that stand for another namespace, as discovery reads them.

    In an isolated build only those of the distributions that the build
    requires name are there.
    """
    from importlib.metadata import distributions

    words: dict[str, tuple[str, str]] = {}
    for distribution in distributions():
        try:
            found = distribution.entry_points.select(group="kurt.implements")
        except Exception:
            continue  # one malformed file of a stranger's must not stop this build
        for entry_point in found:
            namespace, _, prefix = entry_point.value.partition(":")
            words.setdefault(entry_point.name, (namespace, prefix))
    return words


def _long_description(folder: str) -> str | None:
    """Return the text below SKILL.md's front matter, or else the README."""
    for name in ("SKILL.md", "README.md"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8-sig") as stream:
                text = stream.read()
        except (OSError, UnicodeDecodeError):
            continue
        if name == "SKILL.md" and text.startswith("---"):
            text = text.partition("\n---")[2].partition("\n")[2]
        if text.strip():
            return text.lstrip()
    return None


def own_files(folder: str) -> Iterator[str]:
    """Yield the paths of a skill's own files, relative to its folder, ``/`` between, in order.

    Not the files of the build, what begins with a dot, bytecode and virtual environments.
    """
    for parent, folders, names in os.walk(folder):
        top = parent == folder
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name != "__pycache__"
            and not name.endswith(".egg-info")
            and not (top and name in _BUILD_FILES)
            and not os.path.isfile(os.path.join(parent, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if name.startswith(".") or name.endswith((".pyc", ".pyo")):
                continue
            if top and name in _BUILD_FILES:
                continue
            yield os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")


def _pattern(path: str) -> str:
    from glob import escape

    return escape(path)


def _build_py(dist: Any, package: str) -> Any:
    """Return the command that copies modules, with an ``__init__.py`` where the skill has none.

    Without it the wheel's package would be a namespace, which a regular
    package anywhere on the path outranks.
    """
    base: Any = dist.get_command_class("build_py")

    class build_py(base):  # type: ignore[misc] # noqa: RUF100
        """Copy the skill's modules and files."""

        def run(self) -> None:
            """Copy, and complete the package."""
            super().run()
            init = os.path.join(self.build_lib, *package.split("."), "__init__.py")
            if not self.editable_mode and not os.path.exists(init):
                with open(init, "x", encoding="utf-8"):
                    pass

    return build_py


def _keep_folder_clean(dist: Any) -> None:
    """Let the build write to a folder of its own.

    What an earlier build left behind in the skill's would get into the next
    wheel, though the skill no longer has it.
    """
    import atexit
    import shutil
    import tempfile

    scratch = tempfile.mkdtemp(prefix="kurt-build-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for command, option in (
        ("egg_info", "egg_base"),
        ("build", "build_base"),
        ("bdist_wheel", "bdist_dir"),
    ):
        place = os.path.join(scratch, option)
        os.mkdir(place)
        dist.get_option_dict(command)[option] = ("kurt-ext", place)
