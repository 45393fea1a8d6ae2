"""Types of the models' fields, each held to the rule by which the manifest's reader reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from . import fields, names, rules, versions
from .errors import ManifestError
from .readers import Notes, text, texts

if TYPE_CHECKING:
    from .readers import Reader

__all__ = [
    "ClassPath",
    "Constraint",
    "Description",
    "EntryPoint",
    "ExtensionName",
    "MaxVersion",
    "Model",
    "PythonSpecifier",
    "Requirements",
    "SkillId",
    "Text",
    "Texts",
    "Value",
    "Version",
    "unique",
]

_SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)


def _by_rule(check: Callable[[str], str]) -> AfterValidator:
    """Return the validator of a text that a rule accepts."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except ManifestError as error:
            parts = (error.message, error.cause, error.hint)
            raise ValueError("; ".join(part for part in parts if part)) from None

    return AfterValidator(validate)


def _by_reader(reader: Reader) -> AfterValidator:
    """Return the validator of a value that the manifest's reader takes without an error."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        notes = Notes(lenient=False)
        found = reader(value, (info.field_name or "value",), notes)
        errors = [message for _, severity, message, _, _ in notes.items if severity == "error"]
        if errors:
            raise ValueError("; ".join(errors))
        return "" if found is None else found

    return AfterValidator(validate)


def unique(key: str) -> AfterValidator:
    """Return the validator of rows, no two of which the reader of ``key`` takes for the same."""

    def validate(value: list[BaseModel]) -> list[BaseModel]:
        notes = Notes(lenient=False)
        fields.READERS[key]([item.model_dump(by_alias=True) for item in value], (key,), notes)
        errors = [message for _, severity, message, _, _ in notes.items if severity == "error"]
        if errors:
            raise ValueError("; ".join(errors))
        return value

    return AfterValidator(validate)


Text = Annotated[str, _by_reader(text)]
Texts = Annotated[list[str], _by_reader(texts)]
SkillId = Annotated[str, _by_rule(names.skill_name)]
Version = Annotated[str, _by_rule(versions.check), Field(json_schema_extra={"pattern": _SEMVER})]
MaxVersion = Annotated[str, _by_rule(rules.max_version)]
Constraint = Annotated[str, _by_rule(versions.check_constraint)]
ExtensionName = Annotated[str, _by_rule(rules.extension_name)]
ClassPath = Annotated[str, _by_rule(rules.class_path)]
EntryPoint = Annotated[str, _by_rule(rules.entry_point)]
PythonSpecifier = Annotated[str, _by_rule(rules.python_specifier)]
Description = Annotated[str, _by_reader(fields.description)]
Requirements = Annotated[list[str], _by_reader(fields.READERS["requires"])]


class Model(BaseModel):
    """A noun of the documents: no unknown field, no value of another type."""

    model_config = ConfigDict(
        strict=True, extra="forbid", validate_assignment=True, populate_by_name=True
    )


class Value(Model):
    """A noun that does not change."""

    model_config = ConfigDict(frozen=True)
