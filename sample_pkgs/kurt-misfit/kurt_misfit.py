"""Breaks its contract: what it names has no `run`, so that it is refused before any use."""


class Misfit:
    """Named in kurt.tool, and no Tool."""

    name = "misfit"

    def start(self) -> str:
        return "nobody calls this"
