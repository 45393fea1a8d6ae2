"""A service that may be unavailable, and a tool that uses it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

from pydantic import BaseModel, Field

from kurt_integration import Integration
from kurt_tool import OnProgress, Tool, ToolContext


class Notes(Integration):
    """The notebook that the environment variable NOTES_FILE names, open for reading and adding."""

    provides = "notes"
    _file: IO[str] | None = None

    def available(self) -> str | None:
        return None if os.environ.get("NOTES_FILE") else "NOTES_FILE is not set"

    def start(self, settings: Mapping[str, Any]) -> IO[str]:
        # Open as long as the service lives.
        self._file = open(os.environ["NOTES_FILE"], "a+", encoding="utf-8")  # noqa: SIM115
        return self._file

    def stop(self) -> None:
        if self._file is not None:
            self._file.close()


class Text(BaseModel):
    text: str = Field(description="a line to note down")


class Notebook(BaseModel):
    notes: list[str]


class Note(Tool[Text, Notebook]):
    """Note something down, and show the notebook."""

    name = "note"
    uses = ("notes",)

    def run(self, params: Text, context: ToolContext, on_progress: OnProgress | None) -> Notebook:
        file: IO[str] = context.services["notes"]
        file.write(" ".join(params.text.split()) + "\n")
        file.seek(0)
        return Notebook(notes=file.read().splitlines())
