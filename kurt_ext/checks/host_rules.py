"""Ask whether the skill keeps the host's own rules: sizes, kinds of files, and what may be named.

The operator has set them in ``[validator]`` of ``kurt.toml``, or the host in its
``security_config``. No permission helps against them.

Bad::

    [validator]
    blocked_imports = ["ctypes"]

    import ctypes

Good::

    [validator]
    max_file_size_mb = 5
    allowed_extensions = [".py", ".md", ".json"]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..findings import Finding
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("blocked-import", "extension-not-allowed", "file-too-large")
CATEGORY = {
    "blocked-import": "code_execution",
    "extension-not-allowed": "structure",
    "file-too-large": "structure",
}
#: Files that have no extension anywhere.
_NO_SUFFIX = ("LICENSE", "LICENCE", "NOTICE", "README", "COPYING", "AUTHORS", "CHANGELOG")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what the host's own rules forbid."""
    config = subject.facts.security_config
    largest = config.get("max_file_size_mb")
    extensions = config.get("allowed_extensions")
    for path in subject.paths if largest is not None or extensions is not None else ():
        status = subject.status(path)
        if status is None:
            continue
        if largest is not None and status.st_size > largest * (1 << 20):
            message = f"it has {status.st_size:,} bytes, more than {largest:g} MiB"
            yield subject.finding("file-too-large", "error", message, path)
        if extensions is not None and not _allowed(path, extensions):
            message = "the host allows only files of " + ", ".join(extensions)
            yield subject.finding("extension-not-allowed", "error", message, path)
    yield from _blocked(subject, tuple(config.get("blocked_imports") or ()))


def _allowed(path: str, extensions: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    if "." not in name.lstrip("."):
        return name in _NO_SUFFIX
    return name.lower().endswith(tuple([one.lower() for one in extensions]))


def _blocked(subject: Subject, blocked: tuple[str, ...]) -> Iterator[Finding]:
    """Yield each blocked name that a module imports or names."""
    for (name, path), place in subject.analysis.references.items() if blocked else ():
        plain = name.removeprefix("builtins.")
        for one in blocked:
            if plain == one or plain.startswith(f"{one}."):
                message = f"{plain} is not allowed here: blocked_imports names {one}"
                yield subject.finding("blocked-import", "critical", message, (path, *place))
                break
