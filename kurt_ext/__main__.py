"""The command ``kurt``: what an unchanged index can answer, else the command line.

``kurt --version``, ``kurt list --json``, ``kurt info NAME --json`` and ``kurt sync`` are
asked by scripts and completions, often. They are answered from the index without
importing anything that the interpreter has not loaded already; a test keeps
the set of modules. Everything else is `kurt_ext.cli`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    :param argv: the arguments without the program's name; ``sys.argv`` if None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        answer = _quick(arguments)
        if answer is not None:
            return _print(answer)
        from .cli import run
    except KeyboardInterrupt:
        return 130  # as the command line ends, once it is there
    return run(arguments)


def _quick(arguments: list[str]) -> bytes | None:
    """Return the whole answer where the index holds it, else None."""
    if arguments in (["--version"], ["-V"]):
        from . import __version__

        return f"kurt {__version__}\n".encode()
    if arguments == ["list", "--json"]:
        return _listing()
    if arguments and arguments[0] == "sync" and set(arguments[1:]) <= {"--locked", "--json"}:
        return _settled("--json" in arguments)
    if len(arguments) == 3 and arguments[0] == "info" and "--json" in arguments[1:]:
        name = arguments[2] if arguments[1] == "--json" else arguments[1]
        return None if name.startswith("-") else _page(name)
    return None


def _listing() -> bytes | None:
    import gc

    # A thousand rows are no garbage, and the process ends with the answer.
    gc.disable()
    from .index import Index
    from .places import Places

    places = Places()
    index = Index.open(places)
    if index is not None and index.unchanged():
        return index.section("list")
    from .scan import scan

    return scan(places, index).listing


def _settled(as_json: bool) -> bytes | None:
    from .places import Places
    from .settled import answer, is_settled

    count = is_settled(Places())
    if count is None or (as_json and sys.stdout.isatty()):
        return None
    return answer(count, as_json)


def _page(name: str) -> bytes | None:
    from .index import Index
    from .places import Places

    places = Places()
    if os.path.exists(os.path.join(places.data, "quarantine.json")):
        return None  # what is held back is told, and the index does not know it
    index = Index.open(places)
    page = index.page(name) if index is not None else None
    if page is None or page["record"] is None:
        return None
    from .listing import info_envelope

    return info_envelope(page["fragment"], page["record"], page["copies"])


def _print(answer: bytes) -> int:
    """Write to standard output and leave the process without taking it down piece by piece."""
    try:
        sys.stdout.flush()
        out = memoryview(answer)
        while out:
            out = out[os.write(1, out) :]
    except BrokenPipeError:
        os._exit(1)  # the reader has gone: as `head` does to every program
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
