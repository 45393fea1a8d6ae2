"""What a worker serves when it does an attempt without a loader, and without a tripwire."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from kurt_ext.sandbox import dialing, worker


class Doer:
    """Runs the module of an attempt.

    :param policy: what this process may do.
    """

    def __init__(self, policy: Mapping[str, Any]) -> None:
        dialing.install(worker.BROKER, policy["skill"], policy["hosts"])
        module = sys.modules["attempt"] = ModuleType("attempt")
        self.module = vars(module)

    def handle(self, verb: str, body: Any, call: Any) -> Any:
        """Do what the host asks for."""
        if verb == "report":
            return worker.report()
        if verb == "honest":
            return "honest"
        if verb == "load":
            sys.path.insert(0, os.path.dirname(body))
            with open(body) as file:
                code = compile(file.read(), body, "exec", dont_inherit=True)
            self.module["__file__"] = body
            exec(code, self.module)
            return "loaded"
        self.module["tell"] = call.progress
        self.module["ask"] = lambda name, operation, *words: call.ask(name, operation, words)
        return self.module["attempt"](body)
