"""Signals: to others, and ways not to hear them oneself."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import ctypes, os, struct, time
from .evidence import parent_harmed, sleeper_touched


@attempt("killing another process of the same user", sleeper_touched)
def kill(arg):
    os.kill(arg["sleeper"], 9)
    time.sleep(0.02)


@attempt("stopping another process of the same user", sleeper_touched)
def stop(arg):
    os.kill(arg["sleeper"], 19)
    time.sleep(0.02)


@attempt("killing another group of processes", sleeper_touched)
def killpg(arg):
    os.killpg(arg["sleeper"], 9)
    time.sleep(0.02)


@attempt("killing a thread of another process", sleeper_touched)
def tgkill(arg):
    syscall(234, arg["sleeper"], arg["sleeper"], 9)
    time.sleep(0.02)


@attempt("killing another process with the old call for threads", sleeper_touched)
def tkill(arg):
    syscall(200, arg["sleeper"], 9)
    time.sleep(0.02)


@attempt("queueing a signal for another process", sleeper_touched)
def sigqueue(arg):
    news = ctypes.create_string_buffer(struct.pack("iiiiii", 15, 0, -1, 0, os.getpid(), 0), 128)
    syscall(129, arg["sleeper"], 15, news)
    time.sleep(0.02)


@attempt("killing another process by its handle", sleeper_touched)
def by_handle(arg):
    import signal

    signal.pidfd_send_signal(os.pidfd_open(arg["sleeper"]), 9)
    time.sleep(0.02)


@attempt("letting the kernel signal another process when a pipe is written", sleeper_touched)
def by_owner(arg):
    import fcntl

    read, write = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETOWN, arg["sleeper"])
    fcntl.fcntl(read, 10, 9)  # F_SETSIG
    fcntl.fcntl(read, fcntl.F_SETFL, fcntl.fcntl(read, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(write, b"x")
    time.sleep(0.05)


@attempt("letting the kernel signal another process by the newer call", sleeper_touched)
def by_owner_ex(arg):
    import fcntl

    read, write = os.pipe()
    libc().fcntl(read, 15, struct.pack("ii", 1, arg["sleeper"]))
    fcntl.fcntl(read, 10, 9)
    fcntl.fcntl(read, fcntl.F_SETFL, fcntl.fcntl(read, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(write, b"x")
    time.sleep(0.05)


@attempt(
    "letting the kernel signal another process by the control call of a socket", sleeper_touched
)
def by_socket_owner(arg):
    import fcntl
    import socket

    one, other = socket.socketpair()
    fcntl.ioctl(one, 0x8901, struct.pack("i", arg["sleeper"]))  # FIOSETOWN
    fcntl.ioctl(one, 0x5452, struct.pack("i", 1))  # FIOASYNC
    other.send(b"x")
    time.sleep(0.05)


@attempt("killing its parent", parent_harmed)
def kill_parent(arg):
    os.kill(os.getppid(), 9)
    time.sleep(0.05)


@attempt("stopping its parent", parent_harmed, limits={"seconds": 0.5}, patient=True)
def stop_parent(arg):
    os.kill(os.getppid(), 19)
    time.sleep(0.05)


@attempt("killing its parent's group", parent_harmed)
def kill_parents_group(arg):
    if os.getpgid(os.getppid()) in (0, 1):
        raise OSError("not here")
    os.killpg(os.getpgid(os.getppid()), 9)
    time.sleep(0.05)
