"""What a process inherits, and what it can do with the descriptors that it has."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import os, sys
from .evidence import holds_more, host_harmed, raw_terminal, told_of_the_house


@attempt("reading every descriptor that it finds open", told_of_the_house, heir=True)
def inherited_files(arg):
    found = []
    for descriptor in [0, *range(3, 1024)]:
        try:
            if descriptor:
                found.append(os.pread(descriptor, 64, 0).decode(errors="replace"))
        except OSError:
            continue
    return found


@attempt(
    "opening a secret relative to a folder that the host has open", told_of_the_house, heir=True
)
def inherited_folders(arg):
    for descriptor in range(3, 1024):
        try:
            path = arg["house_secret"]
            inner = os.open(path.lstrip("/"), os.O_RDONLY, dir_fd=descriptor)
            return os.read(inner, 64).decode()
        except OSError:
            continue
    return None


@attempt("reading what is typed at the host", told_of_the_house)
def standard_input(arg):
    import select

    if select.select([0], [], [], 0.2)[0]:
        return os.read(0, 64).decode(errors="replace")
    return None


@attempt("steering the terminal of whoever looks at the output", raw_terminal)
def terminal_by_output(arg):
    print("\x1b]0;mine\x07\x1b[2J\x1b[31mall is well\x08\x08", flush=True)
    os.write(2, b"\x1b[8mhidden\x9b2J\n")
    return "printed"


@attempt("steering the terminal of whoever looks at the error", raw_terminal)
def terminal_by_error(arg):
    raise ValueError("\x1b]52;c;cm0gLXJmIH4=\x07\x1b[1A\x1b[2Knothing went wrong")


@attempt("steering a terminal by the name of an exception", raw_terminal)
def terminal_by_name(arg):
    raise type("Er\x1b[2Jror\x07", (Exception,), {})("x")


@attempt("steering a terminal by the lines of a traceback", raw_terminal)
def terminal_by_traceback(arg):
    code = compile("def f():\n    raise ValueError('x')\nf()", "\x1b[2Jfile.py", "exec")
    exec(code, {})


@attempt("printing more than a host can hold", host_harmed, patient=True)
def flood_of_output(arg):
    block = b"x" * (1 << 16) + b"\n"
    for _ in range(1500):
        os.write(1, block)
    return "printed"


@attempt("printing more than a host can hold in one line of warnings", host_harmed, patient=True)
def flood_of_errors(arg):
    for _ in range(100):
        sys.stderr.write("\N{GRINNING FACE}" * 300_000)
    return "printed"


@attempt("opening more files than it may", holds_more(200))
def many_files(arg):
    for _ in range(900):
        hold(os.open(arg["readable"] + "/note.txt", os.O_RDONLY))
    return "open"


@attempt("raising the number of files that it may open", holds_more(200))
def more_files(arg):
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
    for _ in range(900):
        hold(os.open(arg["readable"] + "/note.txt", os.O_RDONLY))
    return "open"


@attempt("making many pipes", holds_more(200))
def many_pipes(arg):
    for _ in range(300):
        hold(os.pipe())
    return "open"


@attempt("passing descriptors to the host over the channel", host_harmed)
def passing_descriptors(arg):
    import socket

    note = os.open(arg["readable"] + "/note.txt", os.O_RDONLY)
    channel = socket.socket(fileno=os.dup(3))
    for _ in range(20):
        socket.send_fds(channel, [frame(200, 77)], [note] * 10)
    return "passed"


@attempt("passing descriptors to the host over the second channel", host_harmed)
def passing_descriptors_again(arg):
    import socket

    note = os.open(arg["readable"] + "/note.txt", os.O_RDONLY)
    channel = socket.socket(fileno=os.dup(4 if arg.get("second") else 3))
    for _ in range(20):
        socket.send_fds(channel, [frame(200, 77)], [note] * 10)
    return "passed"


@attempt("making a file of memory", holds_more(1))
def memory_file(arg):
    hold(os.memfd_create(arg["mark"]))
    return "made"


@attempt("making a secret file of memory", holds_more(1))
def secret_memory(arg):
    hold(syscall(447, 0))
    return "made"


@attempt("making a queue of io_uring", holds_more(1))
def io_uring(arg):
    import ctypes

    hold(syscall(425, 4, ctypes.create_string_buffer(120)))
    return "made"


@attempt("making a map of bpf", holds_more(1))
def bpf(arg):
    import ctypes
    import struct

    hold(syscall(321, 0, ctypes.create_string_buffer(struct.pack("IIIII", 2, 4, 8, 1, 0), 72), 72))
    return "made"


@attempt("counting what another process does with perf", holds_more(1))
def perf(arg):
    import ctypes
    import struct

    wish = struct.pack("IIQQQQQ", 1, 112, 1, 0, 0, 0, 1 | 1 << 5 | 1 << 6).ljust(112, b"\0")
    hold(syscall(298, ctypes.create_string_buffer(wish), arg["sleeper"], -1, -1, 0))
    return "made"


@attempt("handling page faults itself", holds_more(1))
def userfaultfd(arg):
    hold(syscall(323, 1))
    return "made"


@attempt("watching files with inotify", holds_more(1))
def inotify(arg):
    hold(syscall(294, 0))
    return "made"


@attempt("getting a handle of another process", holds_more(1))
def pidfd(arg):
    hold(os.pidfd_open(arg["sleeper"]))
    return "made"


@attempt("opening the terminal of the host", holds_more(1))
def terminal(arg):
    hold(os.open("/dev/ptmx", os.O_RDWR))
    return "made"
