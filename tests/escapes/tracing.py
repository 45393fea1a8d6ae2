"""The memory, descriptors and registers of other processes."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt, x86_only
from .deeds import *
from .deeds import ctypes, os, struct, time
from .evidence import sleeper_touched, told, victim_written


@attempt("reading another process's memory with ptrace", told, needs=x86_only)
def peek(arg):
    own = libc()
    own.ptrace.restype = ctypes.c_long
    own.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    pid = arg["victim"]
    if own.ptrace(16, pid, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    words = [own.ptrace(1, pid, arg["address"] + 8 * n, None) for n in range(5)]
    own.ptrace(17, pid, None, None)
    return b"".join(struct.pack("q", word) for word in words).decode(errors="replace")


@attempt("seizing another process with ptrace", sleeper_touched, needs=x86_only)
def seize(arg):
    syscall(101, 0x4206, arg["sleeper"], 0, 0x100000)  # with PTRACE_O_EXITKILL
    syscall(101, 0x4207, arg["sleeper"], 0, 0)  # interrupt
    time.sleep(0.05)
    hold(arg["sleeper"])


@attempt("reading another process's memory with process_vm_readv", told, needs=x86_only)
def read_vm(arg):
    buffer = ctypes.create_string_buffer(64)
    here = struct.pack("QQ", ctypes.addressof(buffer), 40)
    there = struct.pack("QQ", arg["address"], 40)
    syscall(310, arg["victim"], here, 1, there, 1, 0)
    return buffer.value.decode(errors="replace")


@attempt("writing another process's memory with process_vm_writev", victim_written, needs=x86_only)
def write_vm(arg):
    buffer = ctypes.create_string_buffer(b"mine now")
    here = struct.pack("QQ", ctypes.addressof(buffer), 9)
    there = struct.pack("QQ", arg["address"], 9)
    syscall(311, arg["victim"], here, 1, there, 1, 0)


@attempt("writing another process's memory through /proc", victim_written)
def write_mem(arg):
    with open(f"/proc/{arg['victim']}/mem", "r+b", 0) as memory:
        memory.seek(arg["address"])
        memory.write(b"mine now\0")


@attempt("taking a descriptor out of another process", told)
def pidfd_getfd(arg):
    handle = os.pidfd_open(arg["victim"])
    taken = syscall(438, handle, arg["descriptor"], 0)
    return os.pread(taken, 64, 0).decode()


@attempt("writing its own code through /proc/self/mem, and reading a secret then", told)
def own_memory(arg):
    place = ctypes.create_string_buffer(16)
    with open("/proc/self/mem", "r+b", 0) as memory:
        memory.seek(ctypes.addressof(place))
        memory.write(b"written")
    if place.value == b"written":
        return open(arg["secret"]).read()
    return None
