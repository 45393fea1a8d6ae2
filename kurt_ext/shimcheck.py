"""Tell what in a shim is ours, what is foreign, and what differs from what should be there."""

from __future__ import annotations

import os

from . import distinfo
from .findings import Finding
from .names import PACKAGE
from .shimfiles import TEMPORARY
from .shimstate import OWN_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .shimstate import Listing, State, Wanted

__all__ = [
    "differences",
    "finding",
    "foreign",
    "foreign_paths",
    "is_ours",
    "is_stub",
    "leftovers",
]

_MARK = b"# Written by kurt-ext"


def finding(
    rule: str, severity: str, message: str, path: str, fix: str | None = "kurt shim repair"
) -> Finding:
    """Return a finding about a file of a shim."""
    return Finding(rule, severity, message, path=path, fix=fix or "")


def is_ours(root: str, dist_info: str, state: State) -> bool:
    """Tell whether we wrote a dist-info directory: the state or its ``INSTALLER`` says so."""
    if any(entry[1] == dist_info for entry in state.values()):
        return True
    return _content(os.path.join(root, dist_info, "INSTALLER")) == b"kurt\n"


def is_stub(package: str) -> bool:
    """Tell whether we wrote the package in that directory."""
    content = _content(os.path.join(package, "__init__.py"))
    return content is not None and content.startswith(_MARK)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def foreign_paths(root: str, listing: Listing, state: State) -> list[str]:
    """Return the paths in a shim, at its top and among the packages, that we did not write."""
    known = {entry[1] for entry in state.values()}
    packages = os.path.join(root, PACKAGE)
    found = [
        os.path.join(root, name)
        for name in listing.top
        if name not in OWN_NAMES
        and name not in known
        and not name.startswith(TEMPORARY)
        and not (distinfo.is_dist_info(name) and is_ours(root, name, {}))
    ]
    for name in listing.packages:
        path = os.path.join(packages, name)
        if name not in state and not name.startswith(TEMPORARY) and not is_stub(path):
            found.append(path)
    return sorted(found)


def foreign(root: str, listing: Listing, state: State) -> list[Finding]:
    """Return an error for each path that :func:`foreign_paths` names."""
    return [
        finding(
            "shim-foreign",
            "error",
            f"{os.path.relpath(path, root)} is not kurt's; it could shadow a module",
            path,
        )
        for path in foreign_paths(root, listing, state)
    ]


def leftovers(
    root: str, listing: Listing, wanted: Mapping[str, Wanted], state: State
) -> list[Finding]:
    """Return a warning for each dist-info of ours that shows no skill any more."""
    known = {entry.dist_info for entry in wanted.values()}
    return [
        finding(
            "shim-leftover",
            "warning",
            f"{name} shows a skill that is gone",
            os.path.join(root, name),
        )
        for name in sorted(listing.top)
        if distinfo.is_dist_info(name) and name not in known and is_ours(root, name, state)
    ]


def differences(root: str, entry: Wanted, listing: Listing, state: State) -> list[Finding]:
    """Return how the files of one skill differ from those that should be there."""
    path = os.path.join(root, entry.dist_info)
    if entry.dist_info not in listing.top or entry.slug not in listing.packages:
        return [finding("shim-missing", "warning", f"{entry.name} is not shown yet", path)]
    if state.get(entry.slug) != entry.state:
        return [finding("shim-stale", "warning", f"{entry.name} has changed since", path)]
    expected = {
        os.path.join(path, name): data
        for name, data in distinfo.files(entry.record, entry.folder, entry.offers).items()
    }
    init = os.path.join(root, PACKAGE, entry.slug, "__init__.py")
    expected[init] = distinfo.stub(entry.folder)
    return [
        finding("shim-damaged", "error", f"{entry.name}: the file was changed", name)
        for name, data in expected.items()
        if _content(name) != data
    ]
