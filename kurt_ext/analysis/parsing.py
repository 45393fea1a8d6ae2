"""Make a syntax tree of a module's bytes, whatever they are.

What `prescan` is in doubt about is parsed by a child with limits first: where
that dies or takes too long, this process does not try.
"""

from __future__ import annotations

import ast
import sys
import time
import warnings

from . import prescan

__all__ = ["MAX_SOURCE", "Budget", "NotParsed", "parse"]

#: Bytes of a module. Larger ones are data, and are judged as what cannot be looked into.
MAX_SOURCE = 8 << 20
#: Seconds and bytes of a child; what it managed is then done here once more.
_SECONDS = 3
_MEMORY = 320 << 20
_CHILD = f"""
import sys, warnings
warnings.simplefilter("ignore")
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
    resource.setrlimit(resource.RLIMIT_CPU, ({_SECONDS}, {_SECONDS}))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
data = sys.stdin.buffer.read()
try:
    import _ast
    compile(data, "module", "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
except SyntaxError:
    pass  # said here again, at less cost and with its place
except (MemoryError, RecursionError, ValueError):
    sys.exit(3)
"""


class NotParsed(Exception):
    """A module that is not Python, or is too dear to find out.

    :param reason: what the parser says.
    :param exhausted: whether a limit was reached, rather than a mistake found.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0, exhausted: bool = False):
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column
        self.exhausted = exhausted


class Budget:
    """What all modules of a skill together may cost.

    :param signs: signs of punctuation whose trees are kept, at up to 2 KiB each.
    :param seconds: wall clock of children.
    """

    def __init__(self, signs: int = 400_000, seconds: float = 4.0) -> None:
        self.signs = signs
        self.seconds = seconds


def parse(data: bytes, path: str, budget: Budget) -> ast.Module:
    """Return the syntax tree of a module.

    :param path: the module, as messages call it.
    :raises NotParsed: where it is not Python, or a limit is reached.
    """
    if len(data) > MAX_SOURCE:
        message = f"it has {len(data):,} bytes, more than {MAX_SOURCE:,}"
        raise NotParsed(message, exhausted=True)
    doubt, signs = prescan.doubt(data)
    if signs > budget.signs:
        raise NotParsed("the modules together are too large", exhausted=True)
    if doubt:
        _try(data, doubt, budget)
    budget.signs -= signs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data, path)
    except SyntaxError as error:
        reason = error.msg or "invalid syntax"
        exhausted = "too many" in reason or "too complex" in reason
        line, column = error.lineno or 0, max(error.offset or 0, 0)
        raise NotParsed(reason, line, column, exhausted) from None
    except (RecursionError, MemoryError) as error:
        raise NotParsed(str(error) or "nested too deeply", exhausted=True) from None
    except ValueError as error:
        raise NotParsed(str(error) or "not Python") from None


def _try(data: bytes, doubt: str, budget: Budget) -> None:
    """Let a child parse a module first; it says so by its end alone.

    :raises NotParsed: where it does not survive.
    """
    if budget.seconds <= 0:
        raise NotParsed(f"{doubt}, and the time for such modules is used up", exhausted=True)
    import subprocess

    command = [sys.executable, "-I", "-S", "-B", "-c", _CHILD]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=min(_SECONDS, budget.seconds),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotParsed(f"{doubt}, and parsing it takes too long", exhausted=True) from None
    except (OSError, ValueError) as error:
        raise NotParsed(f"{doubt}, and it cannot be tried: {error}", exhausted=True) from None
    finally:
        budget.seconds -= time.monotonic() - started
    if done.returncode:
        raise NotParsed(f"{doubt}, and a process that parses it dies", exhausted=True)
