"""Keys, queues and memory that belong to the user and not to a process."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt, x86_only
from .deeds import *
from .deeds import ctypes, os
from .evidence import holds_more, ipc, key_left


@attempt("putting a key into the user's keyring", key_left, needs=x86_only)
def add_key(arg):
    syscall(248, b"user", arg["mark"].encode(), b"payload", 7, -4)


@attempt("asking the kernel for the user's keyring", key_left, needs=x86_only)
def session_keyring(arg):
    syscall(250, 1, arg["mark"].encode())  # KEYCTL_JOIN_SESSION_KEYRING
    syscall(248, b"user", arg["mark"].encode(), b"payload", 7, -3)


@attempt("making shared memory of System V", ipc("shm"), needs=x86_only)
def shm(arg):
    key = int(arg["mark"][3:10], 16) & 0x7FFFFFFF
    syscall(29, key, 4096, 0o1600)


@attempt("making semaphores of System V", ipc("sem"), needs=x86_only)
def sem(arg):
    key = int(arg["mark"][3:10], 16) & 0x7FFFFFFF
    syscall(64, key, 1, 0o1600)


@attempt("making a queue of System V", ipc("msg"), needs=x86_only)
def msg(arg):
    key = int(arg["mark"][3:10], 16) & 0x7FFFFFFF
    syscall(68, key, 0o1600)


@attempt("making a queue of POSIX", holds_more(1), needs=x86_only)
def mq(arg):
    name = ctypes.create_string_buffer(arg["mark"].encode())
    hold(syscall(240, name, os.O_CREAT | os.O_RDWR, 0o600, 0))
    syscall(241, name)
