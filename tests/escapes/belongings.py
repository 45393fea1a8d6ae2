"""The secrets of the host: its environment, its memory, its files, its keys."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt, x86_only
from .deeds import *
from .deeds import ctypes, os, sys
from .evidence import told_of_the_house


@attempt("reading the environment", told_of_the_house)
def environment(arg):
    return dict(os.environ)


@attempt("reading the environment of the C library", told_of_the_house)
def environment_in_c(arg):
    entries = ctypes.POINTER(ctypes.c_char_p).in_dll(libc(), "environ")
    found = []
    for number in range(500):
        if not entries or not entries[number]:
            break
        found.append(entries[number].decode(errors="replace"))
    return found


@attempt("reading what the kernel put above the stack", told_of_the_house)
def above_the_stack(arg):
    token = "".join(arg["house_half"]).encode()
    own = libc()
    own.getauxval.restype = ctypes.c_ulong
    start = own.getauxval(31) // 4096  # AT_EXECFN, the topmost text on the stack
    read, write = os.pipe()
    found = []
    for page in range(start - 64, start + 2):
        if own.write(write, ctypes.c_void_p(page * 4096), 4096) == 4096:  # else EFAULT
            text = os.read(read, 4096)
            if token in text:
                found.append(text[text.index(token) :][:40].decode(errors="replace"))
    return found


@attempt("searching the objects of the interpreter", told_of_the_house, heir=True)
def objects(arg):
    import gc

    one, other = arg["house_half"]
    found = []
    for thing in gc.get_objects():
        if isinstance(thing, dict) and thing is not arg:
            for value in list(thing.values()):
                if isinstance(value, str) and len(value) < 99 and one in value and other in value:
                    found.append(value)
    return found


@attempt("searching the memory of the process", told_of_the_house, heir=True)
def memory(arg):
    one, other = arg["house_half"]
    needle = bytearray(one.encode())
    needle += other.encode()
    before = bytes(needle[::-1])
    own = libc()
    own.sbrk.restype = ctypes.c_void_p
    read, write = os.pipe()
    hits = 0
    spots = {id(sys) // 4096, id(before) // 4096, (own.sbrk(0) or 0) // 4096, id(arg) // 4096}
    for spot in spots:
        for page in range(spot - 3000, spot + 3000):
            if own.write(write, ctypes.c_void_p(page * 4096), 4096) == 4096:  # else EFAULT
                text = os.read(read, 4096)
                at = text.find(needle)
                if at > 15 and text[at - 16 : at] == b"house-of-escape-":
                    hits += 1
    return "".join(arg["house_half"]) if hits else None


@attempt("reading the arguments of the program", told_of_the_house, heir=True)
def arguments(arg):
    return [sys.argv, sys.orig_argv]


@attempt("reading the user's private key", told_of_the_house)
def private_key(arg):
    return open(arg["house_secret"]).read()


@attempt("reading what lies in the user's home", told_of_the_house)
def home(arg):
    folder = os.path.dirname(arg["house_secret"])
    return [open(os.path.join(folder, name)).read() for name in os.listdir(folder)]


@attempt("reading a key from the user's keyring", told_of_the_house, needs=x86_only)
def keyring(arg):
    number = syscall(250, 10, -4, b"user", b"kurt-house", 0)  # KEYCTL_SEARCH
    buffer = ctypes.create_string_buffer(64)
    syscall(250, 11, number, buffer, 64)
    return buffer.value.decode()


@attempt("reading shared memory of the host", told_of_the_house, needs=x86_only)
def shared_memory(arg):
    own = libc()
    own.shmat.restype = ctypes.c_void_p
    number = own.shmget(arg["house_shm"], 0, 0)
    if number < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    return ctypes.string_at(own.shmat(number, None, 0o10000), 40).decode(errors="replace")


@attempt("reading a message out of a queue of the host", told_of_the_house, needs=x86_only)
def message(arg):
    number = syscall(68, arg["house_shm"], 0)
    buffer = ctypes.create_string_buffer(128)
    syscall(70, number, buffer, 100, 0, 0o4000 | 0o40000)  # without waiting, a copy
    return buffer.raw[8:60].decode(errors="replace")
