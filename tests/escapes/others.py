"""Limits, priorities and processors: of others, and more of its own."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt, root_only, x86_only
from .deeds import *
from .deeds import ctypes, os, struct
from .evidence import fact_changed, sleeper_touched, took_memory


@attempt("limiting another process", sleeper_touched)
def prlimit(arg):
    import resource

    resource.prlimit(arg["sleeper"], resource.RLIMIT_NOFILE, (3, 3))


@attempt("limiting its parent", sleeper_touched, needs=x86_only)
def prlimit_by_call(arg):
    syscall(302, arg["sleeper"], 1, struct.pack("QQ", 5, 5), 0)


@attempt("slowing another process down", sleeper_touched)
def renice(arg):
    os.setpriority(os.PRIO_PROCESS, arg["sleeper"], 19)


@attempt("slowing all processes of the user down", sleeper_touched)
def renice_group(arg):
    os.setpriority(os.PRIO_PGRP, arg["sleeper"], 19)


@attempt("binding another process to one processor", sleeper_touched)
def affinity(arg):
    os.sched_setaffinity(arg["sleeper"], {0})


@attempt("giving another process the class of idle ones", sleeper_touched)
def scheduler(arg):
    os.sched_setscheduler(arg["sleeper"], os.SCHED_IDLE, os.sched_param(0))


@attempt("giving another process a deadline", sleeper_touched, needs=x86_only)
def sched_setattr(arg):
    wish = struct.pack("IIQiIQQQ", 48, 5, 0, 0, 0, 0, 0, 0)
    syscall(314, arg["sleeper"], wish, 0)


@attempt("offering another process to the kernel when memory is short", sleeper_touched)
def oom(arg):
    os.write(os.open(f"/proc/{arg['sleeper']}/oom_score_adj", os.O_WRONLY), b"1000")


@attempt("being served before everybody else", fact_changed("policy"), needs=root_only)
def real_time(arg):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@attempt("being nicer to itself than to others", fact_changed("nice"), needs=root_only)
def nice(arg):
    os.setpriority(os.PRIO_PROCESS, 0, -10)


@attempt("taking more memory after raising its limit", took_memory)
def raising_memory(arg):
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    hold(bytearray(b"x" * (300 << 20)))


@attempt("taking more memory after raising its limit by a system call", took_memory, needs=x86_only)
def raising_by_call(arg):
    most = struct.pack("QQ", 2**64 - 1, 2**64 - 1)
    try_each(lambda: syscall(302, 0, 9, most, 0), lambda: syscall(160, 9, most))
    hold(bytearray(b"x" * (300 << 20)))


assert ctypes
