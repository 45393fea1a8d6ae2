"""The words of documents: a digest, a path, a version …, each checked and with its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ... import names, versions
from ...errors import ManifestError
from .. import digests
from ..paths import fault, is_device

__all__ = [
    "Base64",
    "Digest",
    "Id",
    "KeyId",
    "Line",
    "Path",
    "Pep440Version",
    "PublisherName",
    "Reference",
    "Risk",
    "Score",
    "Size",
    "StatusWord",
    "Summary",
    "Time",
    "Version",
    "WheelName",
    "Word",
    "Words",
]

_SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)
#: What nearly all ids and references of an index are, told at a tenth of the cost.
_PLAIN_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PLAIN_REFERENCE = re.compile(r"kurt/v1/skills/([a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.json)")
_REFERENCE = frozenset("%#[]{}^`&=$,;'()@ ")


def _digest(text: str) -> str:
    if not digests.is_digest(text):
        raise ValueError("a digest is sha256: and 64 hexadecimal digits in lower case")
    return text


def _path(text: str) -> str:
    found = fault(text)
    if found is not None:
        raise ValueError(f"the path {text[:80]!r} is refused: {found[1]}")
    return text


def _reference(text: str) -> str:
    plain = _PLAIN_REFERENCE.fullmatch(text)
    if plain is not None and len(plain[1]) <= 255 and not is_device(plain[1]):
        return text
    _path(text)
    if not text.isascii() or not _REFERENCE.isdisjoint(text):
        raise ValueError(f"{text[:80]!r} is no reference: a path of letters, digits and ._-~+!")
    return text


def _identifier(text: str) -> str:
    if len(text) <= 64 and _PLAIN_ID.fullmatch(text) and not is_device(text):
        return text
    try:
        name = names.skill_name(text)
    except ManifestError as error:
        raise ValueError(f"{error.message}; {error.cause}") from None
    if name != text:
        raise ValueError(f"{text!r} is not in lower case")
    return _path(text)


def _wheel(text: str) -> str:
    if "/" in text or not text.endswith(".whl"):
        raise ValueError(f"{text[:80]!r} is no name of a wheel")
    return _reference(text)


def _pep440(text: str) -> str:
    from packaging.version import InvalidVersion
    from packaging.version import Version as Pep440

    try:
        Pep440(text)
    except InvalidVersion:
        raise ValueError(f"{text[:80]!r} is no version after PEP 440") from None
    return text


@lru_cache(maxsize=1024)
def _version(text: str) -> str:
    try:
        return versions.check(text)
    except ManifestError as error:
        raise ValueError(f"{error.message}; {error.cause}") from None


def _with(check: Callable[[str], str], **schema: Any) -> Any:
    return AfterValidator(check), Field(json_schema_extra=schema)


#: As manifests have it; an index says the same few versions again and again.
Version = Annotated[str, *_with(_version, pattern=_SEMVER)]
Digest = Annotated[str, *_with(_digest, pattern="^sha256:[0-9a-f]{64}$")]
Path = Annotated[str, *_with(_path, minLength=1, maxLength=1024)]
Reference = Annotated[str, *_with(_reference, minLength=1, maxLength=1024)]
Id = Annotated[str, *_with(_identifier, minLength=1, maxLength=128)]
WheelName = Annotated[str, *_with(_wheel, pattern=r"^[A-Za-z0-9._~+!-]+\.whl$")]
Pep440Version = Annotated[str, *_with(_pep440)]
PublisherName = Annotated[str, Field(pattern="^[a-z0-9](?:-?[a-z0-9])*$", max_length=64)]
Time = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Size = Annotated[int, Field(ge=0, le=2**53)]
Line = Annotated[str, Field(max_length=256)]
Summary = Annotated[str, Field(max_length=2048)]
Word = Annotated[str, Field(max_length=128)]
Words = Annotated[list[Word], Field(max_length=256)]
Score = Annotated[int, Field(ge=0, le=100)]
Base64 = Annotated[str, Field(pattern="^[A-Za-z0-9+/]+={0,2}$", max_length=1024)]
KeyId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
StatusWord = Literal["active", "archived", "deprecated", "quarantined"]
Risk = Literal["low", "medium", "high", "critical"]
