"""The JSON Schemas of the documents, as ``docs/schemas`` has them."""

from __future__ import annotations

from typing import Any

from .advisory import Advisories
from .base import Document
from .index import Index
from .publisher import PublisherDocument
from .signatures import SignaturesDocument
from .skill import SkillDocument

__all__ = ["schemas", "write_schemas"]


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document: name of the file in ``docs/schemas`` → schema."""
    documents: dict[str, type[Document]] = {
        "market-index": Index,
        "market-skill": SkillDocument,
        "market-publisher": PublisherDocument,
        "market-signatures": SignaturesDocument,
        "market-advisories": Advisories,
    }
    found = {}
    for name, model in documents.items():
        schema = model.model_json_schema(by_alias=True, mode="validation")
        found[f"{name}.schema.json"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **schema,
        }
    return found


def write_schemas(folder: str) -> None:
    """Write the JSON Schemas of all documents into ``schemas`` in a folder."""
    import os

    from ...jsontext import dumps

    os.makedirs(os.path.join(folder, "schemas"), exist_ok=True)
    for name, schema in schemas().items():
        with open(os.path.join(folder, "schemas", name), "w", encoding="utf-8") as stream:
            stream.write(dumps(schema, 2) + "\n")
