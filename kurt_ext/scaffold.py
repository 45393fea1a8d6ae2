"""Write a new skill from a template.

A template is a folder of ``*.in`` files with ``$placeholders``. Ours are for
skills without code; every other lies in the package of the kind that it is for,
under ``templates/NAME``, so that a third party's kind brings its own. The
template ``common`` is laid under each of them.
"""

from __future__ import annotations

import os
import sys
from string import Template

from .command_index import source_of
from .errors import ConflictError, StorageError, UsageError
from .names import skill_name, slug, suggest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .discovery import Discovery

__all__ = ["choose", "default_template", "render", "templates", "values", "write"]

_OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")
_COMMON = "common"
_SUFFIX = ".in"
_WITHOUT = "without.txt"
#: Names the template that is taken where none is named.
_DEFAULT = "default.txt"


def _folders(discovery: Discovery) -> list[str]:
    folders = [_OURS]
    for _, _, value in discovery.offers("kurt.kind"):
        module = value.partition(":")[0].strip()
        source = source_of(module.rpartition(".")[0] or module)
        if source is not None:
            folders.append(os.path.join(os.path.dirname(source), "templates"))
    return folders


def templates(discovery: Discovery) -> dict[str, str]:
    """Return the templates that there are, by name; no kind is imported to find its own."""
    found: dict[str, str] = {}
    for folder in _folders(discovery):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if name != _COMMON and os.path.isdir(os.path.join(folder, name)):
                found.setdefault(name, os.path.join(folder, name))
    return found


def default_template(discovery: Discovery) -> str:
    """Return the name of the template that is taken where none is named."""
    for folder in _folders(discovery):
        try:
            with open(os.path.join(folder, _DEFAULT), encoding="utf-8") as file:
                return file.read().strip()
        except OSError:
            continue
    return "instructions"


def choose(discovery: Discovery, name: str | None) -> tuple[str, str]:
    """Return the name and the folder of a template.

    :raises UsageError: when there is none of that name.
    """
    found = templates(discovery)
    wanted = name or default_template(discovery)
    if wanted in found:
        return wanted, found[wanted]
    near = suggest(wanted, found)
    raise UsageError(
        f"there is no template {wanted!r}",
        cause=f"there are {', '.join(sorted(found))}",
        hint=f"did you mean {near[0]}?" if near else "kurt new --help",
        candidates=near or sorted(found),
    )


def values(name: str, *, author: str, license: str, description: str) -> dict[str, str]:
    """Return what the placeholders stand for.

    :raises ManifestError: when ``name`` is no name of a skill.
    """
    from .jsontext import quote

    checked = skill_name(name)
    extension = checked.rpartition(".")[2].replace("_", "-")
    words = [word for word in extension.split("-") if word]
    title = " ".join(words).capitalize()
    return {
        "name": checked,
        "slug": slug(checked),
        "extension": extension,
        "cls": "".join(word.capitalize() for word in ["", *words] if not word[:1].isdigit())
        or "Skill",
        "title": title,
        # Double-quoted JSON is YAML as well, whatever a name or a sentence holds.
        "author": quote(author),
        "license": quote(license),
        "description": quote(
            description or f"Describe in a sentence what {checked} does and when to use it."
        ),
        "python": f"{sys.version_info.major}.{min(sys.version_info.minor, 11)}",
    }


def render(folder: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a template by relative path, the common ones among them."""
    files: dict[str, str] = {}
    for base in (os.path.join(_OURS, _COMMON), folder):
        for root, _, names in os.walk(base):
            for name in names:
                if not name.endswith(_SUFFIX):
                    continue
                path = os.path.join(root, name)
                relative = os.path.relpath(path, base)[: -len(_SUFFIX)]
                with open(path, encoding="utf-8") as file:
                    text = Template(file.read()).substitute(given)
                files[relative] = text
    for relative in _without(folder):
        files.pop(relative, None)
    return dict(sorted(files.items()))


def _without(folder: str) -> list[str]:
    """Return the common files that a template does without."""
    try:
        with open(os.path.join(folder, _WITHOUT), encoding="utf-8") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def write(target: str, files: Mapping[str, str]) -> list[str]:
    """Write the files into a new folder and return their paths; all of them or none.

    :raises ConflictError: when something of that name is there.
    :raises StorageError: when it cannot be written.
    """
    import shutil
    import tempfile

    if os.path.lexists(target):
        raise ConflictError(
            f"{target} is there already, and is left as it is",
            at=target,
            hint="choose another name",
        )
    parent = os.path.dirname(target)
    try:
        os.makedirs(parent, exist_ok=True)
        # Folders whose name begins with a dot are no skills: nobody finds it half written.
        hidden = tempfile.mkdtemp(prefix=".kurt-new-", dir=parent)
        try:
            for relative, text in files.items():
                path = os.path.join(hidden, relative)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "x", encoding="utf-8", newline="\n") as file:
                    file.write(text)
            os.chmod(hidden, 0o777 & ~_umask())
            os.rename(hidden, target)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
    except OSError as error:
        raise StorageError(f"{target} cannot be written", cause=str(error), at=target) from error
    return [os.path.join(target, relative) for relative in files]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
