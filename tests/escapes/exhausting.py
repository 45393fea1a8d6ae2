"""Memory, disk and processors: taking more than was given."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import ctypes, os, sys
from .evidence import late, took_memory, took_room, took_room_together

BRIEF = {"seconds": 0.5}


@attempt("filling the memory with bytes", took_memory)
def by_bytes(arg):
    hold(b"x" * (300 << 20))


@attempt("filling the memory in many pieces", took_memory)
def by_pieces(arg):
    for _ in range(300):
        hold(b"x" * (1 << 20))


@attempt("filling the memory by malloc", took_memory)
def by_malloc(arg):
    own = libc()
    own.malloc.restype = ctypes.c_void_p
    own.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    for _ in range(30):
        place = own.malloc(10 << 20)
        if not place:
            raise MemoryError
        own.memset(place, 1, 10 << 20)


@attempt("filling the memory by mappings", took_memory)
def by_mapping(arg):
    import mmap

    for _ in range(30):
        place = hold(mmap.mmap(-1, 10 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        place[:] = b"x" * (10 << 20)


@attempt("filling the memory by shared mappings", took_memory)
def by_shared_mapping(arg):
    import mmap

    for _ in range(30):
        place = hold(mmap.mmap(-1, 10 << 20))
        place[:] = b"x" * (10 << 20)


@attempt("filling the memory by files of memory", took_memory)
def by_memory_files(arg):
    import mmap

    for _ in range(30):
        file = hold(os.memfd_create("x"))
        os.ftruncate(file, 10 << 20)
        place = hold(mmap.mmap(file, 10 << 20))
        place[:] = b"x" * (10 << 20)


@attempt("filling the memory by the stacks of threads", took_memory)
def by_threads(arg):
    import threading

    def deep(number):
        block = bytearray(b"x" * (5 << 20))
        hold(block)

    for number in range(60):
        thread = threading.Thread(target=deep, args=(number,))
        thread.start()
        thread.join()


@attempt("filling the memory from an answer of its own, which grows", took_memory)
def by_growth(arg):
    text = ["x" * 1000]
    while sys.getsizeof(text[0]) < 300 << 20:
        text[0] += text[0]
    return len(text[0])


@attempt("writing a file that is larger than it may be", took_room)
def large_file(arg):
    with open(arg["granted"] + "/large", "wb") as file:
        for _ in range(24):
            file.write(b"x" * (1 << 20))


@attempt("making a file large without writing it", took_room)
def sparse_file(arg):
    with open(arg["granted"] + "/large", "wb") as file:
        file.truncate(1 << 30)


@attempt("asking for the room of a large file", took_room)
def reserved_file(arg):
    with open(arg["granted"] + "/large", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 32 << 20)


@attempt("writing a large file after ignoring the signal that says so", took_room)
def large_file_unheard(arg):
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    except (OSError, ValueError):
        pass
    with open(arg["granted"] + "/large", "wb") as file:
        for _ in range(24):
            file.write(b"x" * (1 << 20))


@attempt(
    "filling the disk with many small files",
    took_room_together,
    open_in=("process", "kernel", "strong"),
)
def many_files(arg):
    for number in range(20):
        with open(f"{arg['granted']}/{number}", "wb") as file:
            file.write(b"x" * (4 << 20))


@attempt("computing for ever in Python", late, limits=BRIEF, patient=True)
def spinning(arg):
    while True:
        pass


@attempt("computing for ever in C", late, limits=BRIEF, patient=True)
def spinning_in_c(arg):
    return 9 ** (9**8)


@attempt("matching for ever", late, limits=BRIEF, patient=True)
def matching(arg):
    import re

    return re.match(r"(x+x+)+y", "x" * 60)


@attempt("computing for ever in many threads", late, limits=BRIEF, patient=True)
def spinning_in_threads(arg):
    import threading

    def spin():
        while True:
            pass

    for _ in range(4):
        threading.Thread(target=spin).start()
    spin()
