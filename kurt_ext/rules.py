"""The rules of single fields of a manifest, for its reader and for its models alike.

Each function returns the text it was given, or raises :class:`ManifestError`
with the rule in ``cause`` and what to write instead in ``hint``.
"""

from __future__ import annotations

from . import versions
from .errors import ManifestError
from .sources import show

__all__ = [
    "class_path",
    "entry_point",
    "extension_name",
    "kind_word",
    "max_version",
    "python_specifier",
    "requirement",
]

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_NAME = _LOWER + _LOWER.upper() + _DIGITS
#: Function names of the model providers: 1-64 characters, dots excepted, which
#: separate a role from a name.
_MAX_NAME = 64


def kind_word(text: str) -> str:
    """Check the word for a kind, such as the ``type`` of an extension."""
    if text and text[0] in _LOWER and not text.strip(_LOWER + _DIGITS + "_") and len(text) <= 64:
        return text
    raise ManifestError(
        f"{show(text)} is not the word for a kind",
        cause="a kind is one word of a-z, 0-9 and '_' that begins with a letter",
        hint="see `kurt doctor` for the kinds there are",
    )


def extension_name(text: str) -> str:
    """Check the name of an extension or a capability."""
    if (
        0 < len(text) <= _MAX_NAME
        and not text.strip(_NAME + "_-.")
        and text[0] not in "_-."
        and text[-1] != "."
    ):
        return text
    raise ManifestError(
        f"{show(text)} is not the name of an extension",
        cause=f"a name is 1 to {_MAX_NAME} letters, digits, '_', '-' and '.', and begins with a "
        "letter or digit",
        hint="write it like fetch-page",
    )


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() and part.isascii() for part in text.split("."))


def entry_point(text: str) -> str:
    """Check ``module``, ``package.module`` or ``module:object``."""
    module, colon, attribute = text.partition(":")
    if _is_dotted(module) and (not colon or _is_dotted(attribute)) and len(text) <= 255:
        return text
    meant = text.removeprefix("./").removesuffix(".py").replace("/", ".")
    raise ManifestError(
        f"{show(text)} is not an entry point",
        cause="an entry point is a module in the skill's folder, with dots for slashes and "
        "without .py, and an optional :object",
        hint=f"write it like {meant if _is_dotted(meant) else 'main'}",
    )


def class_path(text: str) -> str:
    """Check the name of a class, or a dotted path to one within its module."""
    if _is_dotted(text) and len(text) <= 255:
        return text
    raise ManifestError(
        f"{show(text)} is not the name of a class",
        cause="a class is named by an identifier of Python",
        hint="write it like WebArchiver",
    )


def max_version(text: str) -> str:
    """Check a version, or ``*`` for any."""
    return text if text == "*" else versions.check(text)


def python_specifier(text: str) -> str:
    """Check what a skill requires of the Python version, after PEP 440."""
    if text.startswith(">=") and not text[2:].strip(_DIGITS + ".") and ".." not in text:
        rest = text[2:]
        if len(rest) <= 16 and rest[:1] != "." and rest[-1:] not in ("", "."):
            return text  # what nearly every manifest says, without an import
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except (InvalidSpecifier, ValueError):  # ValueError: a number of thousands of digits
        raise ManifestError(
            f"{show(text)} is not a specifier of Python versions",
            cause="it is comparisons joined by commas (PEP 440)",
            hint=f"write it like >={text if text[:1].isdigit() and len(text) < 9 else '3.11'}",
        ) from None
    return text


def requirement(text: str) -> str:
    """Check the name of a distribution with its version and markers, after PEP 508."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except (InvalidRequirement, ValueError, RecursionError):
        raise ManifestError(
            f"{show(text)} is not a requirement",
            cause="it is the name of a distribution, with versions and markers (PEP 508)",
            hint="write it like httpx>=0.28",
        ) from None
    return text
