"""What the host lends: everything but the operations of a service that it was lent."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import os, time
from .evidence import host_harmed, told

BRIEF = {"seconds": 0.5}


@attempt("asking a service for what is private", told)
def private(arg):
    return ask("vault", "_token")


@attempt("asking a service for its attributes", told)
def attributes(arg):
    return ask("vault", "__dict__")


@attempt("asking a service for an attribute by a call", told)
def by_call(arg):
    return ask("vault", "__getattribute__", "_token")


@attempt("asking a service for the globals of its methods", told)
def by_globals(arg):
    return try_each(
        lambda: ask("vault", "greet.__self__._token"),
        lambda: ask("vault", "greet.__func__.__globals__"),
        lambda: ask("vault", "__init__.__globals__"),
    )


@attempt("asking a service for an operation that it does not lend", told)
def not_lent(arg):
    return ask("vault", "open_all")


@attempt("asking for a service that was not lent", told)
def other_service(arg):
    return try_each(
        *[
            lambda name=name: ask(name, "open_all")
            for name in ("other", "vault.other", "../vault", "vault\0", "Vault", "*")
        ]
    )


@attempt("asking the host to import a module", told)
def importing(arg):
    return try_each(
        lambda: ask("linecache", "getline", arg["secret"], 1),
        lambda: ask("os", "popen", f"cat {arg['secret']}"),
        lambda: ask("builtins", "open", arg["secret"]),
        lambda: ask("pathlib.Path", "read_text", arg["secret"]),
    )


@attempt("asking without an end", host_harmed, limits={"seconds": 1}, patient=True)
def flood(arg):
    while True:
        try:
            ask("vault", "greet", "x")
        except OSError:
            time.sleep(0.001)


@attempt("asking for more than a host can hold", host_harmed)
def huge(arg):
    return len(str(ask("vault", "greet", "x" * (60 << 20))))


@attempt("asking from many threads at once", host_harmed, limits={"seconds": 1}, patient=True)
def threads(arg):
    import threading

    def asking():
        while True:
            try:
                ask("vault", "greet", "x" * 1000)
            except Exception:
                time.sleep(0.001)

    for _ in range(8):
        threading.Thread(target=asking, daemon=True).start()
    asking()


assert os
