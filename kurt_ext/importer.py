"""Import the code of a skill: the winning candidate's files, from source, without bytecode.

A finder for ``kurt_skills.*`` and for nothing else. ``sys.path`` has one order
for metadata and another for code (a regular package beats a PEP 420 portion
wherever it lies), so the choice that discovery made is carried out here rather
than left to the path. No ``.pyc`` is read or written: the check of one is whole
seconds and the size, and 198 of 200 quick edits ran stale code.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from hashlib import sha256
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    NamespaceLoader,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import spec_from_file_location
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import ManifestError, SkillLoadError, UntrustedError
from .intact import hold
from .intact_wheels import hold_wheel
from .names import PACKAGE, UNREAD
from .stores import may_patch
from .trust import Trust

if TYPE_CHECKING:
    from types import CodeType, ModuleType

    from .candidates import Candidate
    from .discovery import Discovery
    from .places import Places

__all__ = [
    "FINDER",
    "JUDGED",
    "Judged",
    "SkillFinder",
    "SkillLoader",
    "code_folder",
    "drop_aside",
    "importing",
    "installed_digests",
    "is_stale",
    "modules_of",
    "refuse",
    "restore",
    "set_aside",
    "unload",
]

_PREFIX = PACKAGE + "."
#: The scopes whose folders `kurt install` writes to.
_INSTALLED = ("project", "user")
_NO_CODE = compile("", "<no __init__.py>", "exec")


class Judged:
    """The bytes that were judged, by folder: no others of these folders are imported."""

    def __init__(self) -> None:
        self._digests: dict[str, Mapping[str, str]] = {}

    def bind(self, folder: str, digests: Mapping[str, str] | None) -> None:
        """Import only what was judged from a folder; whatever lies there if None.

        :param digests: path below the folder → sha256 in hexadecimal.
        """
        folder = os.path.abspath(folder)
        if digests is None:
            self._digests.pop(folder, None)
        else:
            self._digests[folder] = dict(digests)

    def of(self, folder: str) -> dict[str, str] | None:
        """Return what was judged of a folder: path below it → sha256; None where nothing was."""
        found = self._digests.get(os.path.abspath(folder))
        return None if found is None else dict(found)

    def hold(self, path: str, data: bytes) -> None:
        """Raise where a file of a folder that was judged has other bytes than were judged.

        :raises SkillLoadError: with the file.
        """
        if not self._digests:
            return
        folder = os.path.dirname(os.path.abspath(path))
        while folder not in self._digests:
            above = os.path.dirname(folder)
            if above == folder:
                return
            folder = above
        name = os.path.relpath(path, folder).replace(os.sep, "/")
        digest = self._digests[folder].get(name)
        if digest != sha256(data).hexdigest():
            happened = "was not there when" if digest is None else "has changed since"
            raise SkillLoadError(
                f"{name} {happened} the skill was judged, so it is not imported",
                at=path,
                hint=f"kurt validate {quote(folder)}",
            )


#: What was judged in this process.
JUDGED = Judged()


class SkillLoader(SourceFileLoader):
    """Compiles a file of a skill from its source, whatever caches lie beside it."""

    seen: tuple[int, ...] | None = None

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module, compiled anew.

        :raises SyntaxError: when it does not compile.
        """
        path = self.get_filename(fullname)
        #: What the file looked like before it was read.
        self.seen = _signature(path)
        data = self.get_data(path)
        JUDGED.hold(path, data)
        code: CodeType = self.source_to_code(data, path)
        #: Whether a ledger has to look for functions of others that it has replaced.
        self.may_patch = may_patch(code)
        return code

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write no bytecode."""


class _PackageLoader(SkillLoader):
    """Loads a skill's package, whose ``__init__.py`` may be missing."""

    def get_code(self, fullname: str) -> CodeType:
        if not os.path.exists(self.path):
            self.seen = None
            return _NO_CODE
        return super().get_code(fullname)

    def get_data(self, path: str) -> bytes:
        try:
            return super().get_data(path)
        except FileNotFoundError:
            if path == self.path:
                return b""
            raise


class _NativeLoader(ExtensionFileLoader):
    """Loads native code of a skill, if it is what was judged."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        with open(self.path, "rb") as stream:
            JUDGED.hold(self.path, stream.read())
        return super().create_module(spec)


def code_folder(candidate: Candidate) -> str | None:
    """Return the folder that a candidate's package is imported from.

    None for a distribution whose files lie elsewhere than beside its metadata,
    an editable install for instance: the path finders know where.
    """
    if candidate.is_folder:
        return candidate.location
    folder = os.path.join(os.path.dirname(candidate.location), PACKAGE, candidate.slug)
    return folder if os.path.isdir(folder) else None


def refuse(candidate: Candidate, places: Places | None = None) -> None:
    """Raise the reason why a candidate's code may not be imported, if there is one.

    :param places: ask the trust file itself as well: what the candidate says may
        come from an index that somebody forged; and hold what was installed to its receipt.
    :raises UntrustedError: when nobody has trusted its folder.
    :raises ManifestError: when its manifest cannot be used.
    :raises IntegrityError: when it was installed, and is not what was.
    """
    trusted = places is None or candidate.scope != "project" or _covers(places, candidate)
    if candidate.usable and trusted:
        if places is not None:
            installed_digests(candidate, places)
            if candidate.scope == "installed":
                hold_wheel(places, candidate.name, candidate.location)
        return
    if candidate.state == "untrusted" or not trusted:
        raise UntrustedError(
            f"the skill {candidate.name} is not trusted, so its code is not imported",
            cause="it lies in a project that nobody has trusted",
            at=candidate.location,
            hint=f"kurt skill trust {quote(candidate.location)}",
            skill=candidate.name,
        )
    raise ManifestError(
        f"the skill {candidate.name} is {candidate.state} and cannot be imported",
        cause=candidate.reason,
        at=candidate.location,
        hint=f"kurt skill validate {candidate.location}",
        findings=candidate.findings,
        skill=candidate.name,
    )


def installed_digests(candidate: Candidate, places: Places) -> Mapping[str, str] | None:
    """Return path → SHA-256 of the files of a folder that kurt has installed; None for others.

    :raises IntegrityError: when one of them is not what was installed.
    """
    if not candidate.is_folder or candidate.scope not in _INSTALLED:
        return None
    return hold(places, candidate.scope, candidate.name, candidate.location)


def _covers(places: Places, candidate: Candidate) -> bool:
    return Trust.load(places).covers(candidate.location)


class SkillFinder:
    """Finds ``kurt_skills.*``; holds the discoveries of the managers that are open.

    The discovery of the manager that is importing at the moment, in this thread
    and task, is asked first, then those of the other open managers, newest first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[tuple[object, Mapping[str, Candidate], Places], ...] = ()

    def open(self, owner: object, discovery: Discovery) -> None:
        """Serve a manager's discovery, in place of the one it had before."""
        table = {candidate.slug: candidate for candidate in discovery.winners}
        with self._lock:
            others = tuple(item for item in self._open if item[0] is not owner)
            self._open = ((owner, table, discovery.places), *others)
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def close(self, owner: object) -> None:
        """Serve a manager's discovery no longer; modules that are loaded stay loaded."""
        with self._lock:
            self._open = tuple(item for item in self._open if item[0] is not owner)
            if not self._open and self in sys.meta_path:
                sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of a skill, or None for anybody else's.

        :raises UntrustedError: when the winning candidate is not trusted.
        :raises ManifestError: when the winning candidate is broken.
        """
        if fullname == PACKAGE:
            return _namespace()
        if not fullname.startswith(_PREFIX):
            return None
        tail = fullname[len(_PREFIX) :]
        if "." in tail:
            if not UNREAD.isdisjoint(tail.split(".")):
                raise ModuleNotFoundError(
                    f"{fullname} lies in a folder that holds no code of a skill", name=fullname
                )
            parent = sys.modules.get(fullname.rpartition(".")[0])
            return _submodule(fullname, path) if parent and _is_ours(parent) else None
        found = self._found(tail)
        if found is None:
            return None
        candidate, places = found
        if candidate is not _ADMITTED.get():
            refuse(candidate, places)
        folder = code_folder(candidate)
        if folder is None:
            return None
        return spec_from_file_location(
            fullname,
            os.path.join(folder, "__init__.py"),
            loader=_PackageLoader(fullname, os.path.join(folder, "__init__.py")),
            submodule_search_locations=[folder],
        )

    def candidate(self, slug: str) -> Candidate | None:
        """Return the winning candidate of a slug, as the importing manager sees it."""
        found = self._found(slug)
        return found[0] if found else None

    def places(self, owner: object) -> Places | None:
        """Return the places of an open manager."""
        return next((places for who, _, places in self._open if who is owner), None)

    def _found(self, slug: str) -> tuple[Candidate, Places] | None:
        owner = _IMPORTING.get()
        tables = sorted(self._open, key=lambda item: item[0] is not owner)
        for _, table, places in tables:
            if slug in table:
                return table[slug], places
        return None


def _namespace() -> ModuleSpec:
    found = PathFinder.find_spec(PACKAGE)
    if found is not None and (found.loader is None or isinstance(found.loader, NamespaceLoader)):
        return found
    # There is no portion on the path yet, or an intruding kurt_skills/__init__.py
    # that would hide them all. This path is looked up again whenever sys.path changes.
    search: Any = PathFinder.find_spec  # typeshed knows one form of it only
    loader: Any = NamespaceLoader(PACKAGE, [], search)
    spec = ModuleSpec(PACKAGE, loader, is_package=True)
    spec.submodule_search_locations = loader._path
    return spec


def _is_ours(module: ModuleType) -> bool:
    # A folder without __init__.py inside a skill has a namespace loader: its parent tells.
    spec = module.__spec__
    if spec is None:
        return False
    if isinstance(spec.loader, SkillLoader):
        return True
    parent = sys.modules.get(spec.name.rpartition(".")[0])
    return spec.name.startswith(_PREFIX) and parent is not None and _is_ours(parent)


def _submodule(fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
    portions: list[str] = []
    for folder in path or ():
        # A fresh finder each time: a kept one trusts the folder's mtime.
        finder = FileFinder(
            folder, (_NativeLoader, EXTENSION_SUFFIXES), (SkillLoader, SOURCE_SUFFIXES)
        )
        spec = finder.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            return spec
        if spec is not None:
            portions.extend(spec.submodule_search_locations or ())
    if not portions:
        return None
    spec = ModuleSpec(fullname, None, is_package=True)
    spec.submodule_search_locations = portions
    return spec


_IMPORTING: ContextVar[object] = ContextVar("kurt_ext_importing", default=None)
#: The candidate that was asked about already, by who imports it here.
_ADMITTED: ContextVar[Candidate | None] = ContextVar("kurt_ext_admitted", default=None)
#: The one finder of the process; on ``sys.meta_path`` while a manager is open.
FINDER = SkillFinder()


@contextmanager
def importing(owner: object, candidate: Candidate, *, judged: bool = False) -> Iterator[None]:
    """Import a candidate's code inside this block; undo the modules of a failed import.

    A package of the same name from another copy of the skill is unloaded
    first. Callers hold a lock of their own per skill.

    :param judged: the caller has just asked :func:`refuse`, and the trust file.
    :raises UntrustedError: when the candidate is not trusted.
    :raises ManifestError: when it is broken.
    """
    if not judged:
        refuse(candidate, FINDER.places(owner))
    package = _PREFIX + candidate.slug
    folder = code_folder(candidate)
    loaded = sys.modules.get(package)
    if loaded is not None and folder is not None and list(loaded.__path__) != [folder]:
        unload(candidate.slug)
    before = set(_names(package)) if package in sys.modules else set()
    token, admitted = _IMPORTING.set(owner), _ADMITTED.set(candidate)
    try:
        yield
    except BaseException as error:
        for name in _names(package):
            if name not in before:
                _forget(name)
        _suggest_nothing(error)
        raise
    finally:
        _IMPORTING.reset(token)
        _ADMITTED.reset(admitted)


def _suggest_nothing(error: BaseException | None) -> None:
    """Keep whoever shows an error from importing the skill again.

    Since 3.12 `traceback` imports the module that lacks a name, to suggest another one.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ImportError) and getattr(error, "name_from", None) is not None:
            error.name_from = None  # type: ignore[attr-defined, unused-ignore]
        error = error.__cause__ or error.__context__


def unload(slug: str) -> list[str]:
    """Forget a skill's modules: ``p``, every ``p.*``, and the attribute on the parent package.

    Without the last the module would live on, and ``from kurt_skills import p``
    would find it. Returns the names that were forgotten, sorted.
    """
    package = _PREFIX + slug
    names = sorted(_names(package))
    for name in names:
        _forget(name)
    return names


def modules_of(slug: str) -> dict[str, ModuleType]:
    """Return the modules of a skill that are imported under its own name, by that name."""
    package = _PREFIX + slug
    modules = {name: sys.modules.get(name) for name in _names(package)}
    return {name: module for name, module in modules.items() if module is not None}


def is_stale(slug: str) -> bool:
    """Return whether a file of a skill has changed since it was imported."""
    for module in modules_of(slug).values():
        loader = module.__spec__.loader if module.__spec__ is not None else None
        if isinstance(loader, SkillLoader) and loader.seen != _signature(loader.path):
            return True
    return False


def _signature(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def set_aside(slug: str, number: int) -> dict[str, ModuleType]:
    """Give a skill's modules another name, so that its code can be imported anew.

    ``p.*`` becomes ``p@NUMBER.*``, in ``sys.modules`` and in what the modules
    know of themselves: a relative import in a function that still runs finds
    its own generation, not the next one. Classes and loggers keep their names.
    Returns the modules by the names they had, for :func:`restore`.
    """
    package = _PREFIX + slug
    found = modules_of(slug)
    for name, module in found.items():
        _rename(module, f"{package}@{number}" + name[len(package) :])
        _forget(name)
    return found


def restore(slug: str, modules: Mapping[str, ModuleType]) -> None:
    """Undo :func:`set_aside`: what was imported since is forgotten."""
    unload(slug)
    for name, module in modules.items():
        spec = module.__spec__
        if spec is not None:
            sys.modules.pop(spec.name, None)
        _rename(module, name)
        parent, _, attribute = name.rpartition(".")
        holder = sys.modules.get(parent)
        if holder is not None:
            setattr(holder, attribute, module)


def drop_aside(slug: str, number: int) -> None:
    """Forget what :func:`set_aside` put away: nobody runs it any more."""
    package = f"{_PREFIX}{slug}@{number}"
    for name in _names(package):
        _forget(name)


def _rename(module: ModuleType, name: str) -> None:
    old = module.__spec__
    loader = copy(old.loader) if old is not None else None
    if isinstance(loader, SourceFileLoader):
        loader.name = name  # what importlib.resources asks it by
    spec = ModuleSpec(name, loader, origin=old.origin if old is not None else None)
    spec.has_location = old is not None and old.has_location
    is_package = old is not None and old.submodule_search_locations is not None
    if is_package and old is not None:
        spec.submodule_search_locations = old.submodule_search_locations
        module.__name__ = name  # what ``from . import`` asks a package by
    module.__spec__ = spec
    module.__package__ = spec.parent
    sys.modules[name] = module


def _names(package: str) -> list[str]:
    """Return the names of a package and of what lies beneath it, the package first."""
    # A list in one step, since another thread may import meanwhile; most are
    # passed over by the cheapest test there is.
    return [
        name
        for name in list(sys.modules)
        if package in name and (name == package or name.startswith(package + "."))
    ]


def _forget(name: str) -> None:
    module = sys.modules.pop(name, None)
    parent, _, attribute = name.rpartition(".")
    holder = sys.modules.get(parent)
    if holder is not None and module is not None and holder.__dict__.get(attribute) is module:
        delattr(holder, attribute)
