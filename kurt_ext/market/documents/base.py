"""What all documents have in common: how they are read and refused, and how they begin."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import MarketError
from .words import Digest, Reference, Size

__all__ = ["API_VERSION", "Document", "Meta", "Pointer"]

API_VERSION = "1.0"
_MAJOR = API_VERSION.partition(".")[0]


class Document(BaseModel):
    """A part of a document: fixed once read, keys in kebab-case, unknown keys passed over."""

    model_config = ConfigDict(
        alias_generator=lambda name: name.replace("_", "-"),
        extra="ignore",
        frozen=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    @classmethod
    def read(cls, data: bytes | str, what: str = "the document") -> Self:
        """Return the document that JSON text is.

        :param what: what it is, for the error.
        :raises MarketError: when it is none, with what is wrong and where.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise _refusal(error, what) from None
        except RecursionError:
            raise MarketError(f"{what} is nested too deeply") from None

    @classmethod
    def of(cls, value: Any, what: str = "the document") -> Self:
        """Return the document that a value is, its keys in kebab-case or as attributes.

        :raises MarketError: when it is none.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise _refusal(error, what) from None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values, keys as in the file; what is None and needs not be is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _refusal(error: ValidationError, what: str) -> MarketError:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for problem in problems[:10]:
        at = "/".join(str(part) for part in problem["loc"])
        lines.append(f"{at}: {problem['msg']}" if at else problem["msg"])
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more")
    return MarketError(f"{what} is not what it should be", cause="\n".join(lines))


class Meta(Document):
    """What every document begins with."""

    api_version: Annotated[str, Field(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$")] = Field(
        description="Version of the format; a reader refuses another major number."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.api_version.partition(".")[0] != _MAJOR:
            raise ValueError(
                f"api-version {self.api_version} is not understood; this kurt reads {_MAJOR}.x"
            )
        return self


class Pointer(Document):
    """Another file: where it lies, and what it is."""

    url: Reference = Field(description="Path below the root of the marketplace.")
    digest: Digest
    size: Size = Field(description="Bytes.")
