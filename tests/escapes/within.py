"""What a worker serves when it does an attempt without a loader."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any


class Doer:
    """Runs the module of an attempt.

    :param policy: what this process may do.
    """

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.module: dict[str, Any] = {"__name__": "attempt"}

    def handle(self, verb: str, body: Any, call: Any) -> Any:
        """Do what the host asks for."""
        if verb == "report":
            from kurt_ext.sandbox import worker

            return worker.report()
        if verb == "honest":
            return "honest"
        if verb == "load":
            sys.path.insert(0, os.path.dirname(body))
            with open(body) as file:
                code = compile(file.read(), body, "exec")
            self.module["__file__"] = body
            exec(code, self.module)
            return "loaded"
        self.module["tell"] = call.progress
        self.module["ask"] = lambda name, operation, *words: call.ask(name, operation, words)
        return self.module["attempt"](body)
