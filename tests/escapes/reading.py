"""Reading what was not granted, by every door that a process has to a file."""

# ruff: noqa: F403, F405, SIM115
from __future__ import annotations

from .attempt import attempt, root_only, x86_only
from .deeds import *
from .deeds import ctypes, os, struct, sys, time
from .evidence import says, told


@attempt("reading a secret file with open()", told)
def by_open(arg):
    return open(arg["secret"]).read()


@attempt("reading a secret file with os.open", told)
def by_os_open(arg):
    return os.read(os.open(arg["secret"], os.O_RDONLY), 99).decode()


@attempt("reading a secret file relative to a descriptor of the root folder", told)
def by_directory_descriptor(arg):
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    return os.read(os.open(arg["secret"][1:], os.O_RDONLY, dir_fd=root), 99).decode()


@attempt("reading a secret file through .. from a granted folder", told)
def by_dots(arg):
    return open(arg["granted"] + "/../outside/secret.txt").read()


@attempt("reading a secret file after a change of folder", told)
def by_chdir(arg):
    os.chdir(arg["outside"])
    return open("secret.txt").read()


@attempt("reading a secret file with fopen of the C library", told)
def by_fopen(arg):
    own = libc()
    own.fopen.restype = ctypes.c_void_p
    stream = own.fopen(arg["secret"].encode(), b"r")
    if not stream:
        raise OSError(ctypes.get_errno(), "fopen")
    buffer = ctypes.create_string_buffer(99)
    own.fread(buffer, 1, 98, ctypes.c_void_p(stream))
    return buffer.value.decode()


@attempt("reading a secret file with the system call open", told, needs=x86_only)
def by_system_call(arg):
    descriptor = syscall(2, arg["secret"].encode(), 0)
    return os.read(descriptor, 99).decode()


@attempt("reading a secret file with openat2", told)
def by_openat2(arg):
    how = struct.pack("QQQ", 0, 0, 0)
    descriptor = syscall(437, -100, arg["secret"].encode(), how, 24)
    return os.read(descriptor, 99).decode()


@attempt("reading a secret file by 32-bit machine code", told, needs=x86_only)
def by_int_80(arg):
    import mmap

    low = libc().mmap
    low.restype = ctypes.c_void_p
    place = low(None, 4096, 7, 0x22 | 0x40, -1, 0)  # writable, executable, below 2 GiB
    code = bytes.fromhex("53 89f8 89f3 89ce 89d1 89f2 cd80 5b c3".replace(" ", ""))
    ctypes.memmove(place, code, len(code))
    ctypes.memmove(place + 1024, arg["secret"].encode() + b"\0", len(arg["secret"]) + 1)
    call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, *[ctypes.c_uint] * 3)(place)
    descriptor = call(5, place + 1024, 0, 0)
    call(3, descriptor & 0xFFFFFFFF, place + 2048, 99)
    assert mmap
    return ctypes.string_at(place + 2048, 40).decode(errors="replace")


@attempt("reading a secret file by a system call of the x32 numbers", told, needs=x86_only)
def by_x32(arg):
    descriptor = syscall(0x40000000 | 2, arg["secret"].encode(), 0)
    return os.read(descriptor, 99).decode()


@attempt("reading a secret file through io_uring", told, needs=x86_only)
def by_io_uring(arg):
    import mmap

    parameters = ctypes.create_string_buffer(120)
    ring = syscall(425, 4, parameters)
    words = struct.unpack("30I", parameters.raw)
    sq_off, cq_off = words[10:20], words[20:30]
    size = max(sq_off[6] + 4 * 4, cq_off[5] + 16 * words[1])
    rings = mmap.mmap(ring, size, mmap.MAP_SHARED | mmap.MAP_POPULATE, 3, offset=0)
    entries = mmap.mmap(ring, 64 * 4, mmap.MAP_SHARED | mmap.MAP_POPULATE, 3, offset=0x10000000)
    path = ctypes.create_string_buffer(arg["secret"].encode())
    text = ctypes.create_string_buffer(99)

    def one(operation, descriptor, address, length, offset):
        entries[0:64] = struct.pack(
            "BBHiQQII", operation, 0, 0, descriptor, offset, address, length, 0
        ).ljust(64, b"\0")
        tail = struct.unpack_from("I", rings, sq_off[1])[0]
        mask = struct.unpack_from("I", rings, sq_off[2])[0]
        struct.pack_into("I", rings, sq_off[6] + 4 * (tail & mask), 0)
        struct.pack_into("I", rings, sq_off[1], tail + 1)
        syscall(426, ring, 1, 1, 1, 0, 0)
        head = struct.unpack_from("I", rings, cq_off[0])[0]
        mask = struct.unpack_from("I", rings, cq_off[2])[0]
        result = struct.unpack_from("i", rings, cq_off[5] + 16 * (head & mask) + 8)[0]
        struct.pack_into("I", rings, cq_off[0], head + 1)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    descriptor = one(18, -100, ctypes.addressof(path), 0, 0)  # IORING_OP_OPENAT
    one(22, descriptor, ctypes.addressof(text), 98, 0)  # IORING_OP_READ
    return text.value.decode()


@attempt("reading a secret file with linecache", told)
def by_linecache(arg):
    import linecache

    return linecache.getlines(arg["secret"])


@attempt("reading a secret file as the history of readline", told)
def by_readline(arg):
    import readline

    readline.read_history_file(arg["secret"])
    return readline.get_history_item(1)


@attempt("reading a secret database with sqlite3", told)
def by_sqlite(arg):
    import sqlite3

    return sqlite3.connect(arg["database"]).execute("select * from secrets").fetchall()


@attempt("attaching a secret database to one of its own", told)
def by_attaching(arg):
    import sqlite3

    own = sqlite3.connect(arg["granted"] + "/own.sqlite")
    own.execute("attach database ? as other", (arg["database"],))
    return own.execute("select * from other.secrets").fetchall()


@attempt("mapping a secret file into memory", told)
def by_mmap(arg):
    import mmap

    descriptor = os.open(arg["secret"], os.O_RDONLY)
    return bytes(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)).decode()


@attempt("copying a secret file to where it may write", told)
def by_copy(arg):
    import shutil

    shutil.copyfile(arg["secret"], arg["granted"] + "/copied")


@attempt("packing a secret folder into an archive where it may write", told)
def by_archive(arg):
    import tarfile

    with tarfile.open(arg["granted"] + "/all.tar", "w") as archive:
        archive.add(arg["outside"])


@attempt("importing a module from a folder that was not granted", told)
def by_import(arg):
    sys.path.insert(0, arg["outside"])
    import module_outside

    return module_outside.TOKEN


@attempt("running a file that was not granted with runpy", told)
def by_runpy(arg):
    import runpy

    return runpy.run_path(arg["outside"] + "/module_outside.py")["TOKEN"]


@attempt("letting OpenSSL open a secret file", told)
def by_openssl(arg):
    import _ssl
    import glob

    found = glob.glob("/usr/lib/*/libcrypto.so.3") + glob.glob("/lib/*/libcrypto.so.3")
    crypto = ctypes.CDLL(found[0])
    crypto.BIO_new_file.restype = ctypes.c_void_p
    stream = crypto.BIO_new_file(arg["secret"].encode(), b"r")
    if not stream:
        raise OSError("BIO_new_file")
    buffer = ctypes.create_string_buffer(99)
    crypto.BIO_read(ctypes.c_void_p(stream), buffer, 98)
    assert _ssl
    return buffer.value.decode()


@attempt("listing a folder that was not granted", told)
def by_listing(arg):
    return os.listdir(arg["outside"])


@attempt("listing a folder that was not granted with scandir of a descriptor", told)
def by_scandir(arg):
    return [entry.name for entry in os.scandir(os.open(arg["outside"], os.O_RDONLY))]


@attempt("walking through the folders above it", told)
def by_walking(arg):
    return [names for _, _, names in os.walk(arg["base"])]


@attempt("listing with glob of the C library", told)
def by_glob(arg):
    class Found(ctypes.Structure):
        _fields_ = (
            ("count", ctypes.c_size_t),
            ("paths", ctypes.POINTER(ctypes.c_char_p)),
            ("rest", ctypes.c_char * 128),
        )

    found = Found()
    libc().glob((arg["outside"] + "/*").encode(), 0, None, ctypes.byref(found))
    return [found.paths[n].decode() for n in range(found.count)]


@attempt("turning a path descriptor into one that reads", told)
def by_path_descriptor(arg):
    handle = os.open(arg["secret"], os.O_PATH)
    return try_each(
        lambda: open(f"/proc/self/fd/{handle}").read(),
        lambda: open(f"/dev/fd/{handle}").read(),
        lambda: os.read(os.open("", os.O_RDONLY, dir_fd=handle), 99).decode(),
    )


@attempt("reading a secret file through /proc/self/root", told)
def by_own_root(arg):
    return open("/proc/self/root" + arg["secret"]).read()


@attempt("reading a secret file through the root of another process", told)
def by_other_root(arg):
    return try_each(
        lambda: open(f"/proc/{arg['host']}/root" + arg["secret"]).read(),
        lambda: open(f"/proc/{os.getppid()}/root" + arg["secret"]).read(),
    )


@attempt("opening a secret file by its handle", told, needs=root_only)
def by_handle(arg):
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    own = libc()
    if own.name_to_handle_at(-100, arg["secret"].encode(), handle, ctypes.byref(mount), 0):
        raise OSError(ctypes.get_errno(), "name_to_handle_at")
    there = os.open("/", os.O_RDONLY)
    descriptor = own.open_by_handle_at(there, handle, 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "open_by_handle_at")
    return os.read(descriptor, 99).decode()


@attempt("reading an attribute of a secret file", told)
def by_attribute(arg):
    return os.getxattr(arg["secret"], "user.token").decode()


@attempt("watching a folder that was not granted with inotify", told)
def by_inotify(arg):
    own = libc()
    watch = own.inotify_init1(0)
    if watch < 0 or own.inotify_add_watch(watch, arg["visited"].encode(), 0x302) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    import select

    select.select([watch], [], [], 1)
    return repr(os.read(watch, 4096))


@attempt("watching a folder that was not granted by F_NOTIFY", told)
def by_dnotify(arg):
    import fcntl
    import signal

    seen = []
    signal.signal(signal.SIGIO, lambda *_: seen.append(1))
    descriptor = os.open(arg["visited"], os.O_RDONLY)
    fcntl.fcntl(descriptor, fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_MULTISHOT)
    for _ in range(50):
        time.sleep(0.01)
    return os.listdir(arg["visited"]) if seen else None


@attempt("watching a whole file system with fanotify", told, needs=root_only)
def by_fanotify(arg):
    import select

    watch = syscall(300, 0x0200 | 0x0400 | 0x0800, 0)
    syscall(301, watch, 0x1 | 0x100, 0x100 | 0x200, -100, arg["visited"].encode())
    found = []
    for _ in range(20):
        if select.select([watch], [], [], 0.1)[0]:
            found += [line for line in [repr(os.read(watch, 8192))] if "visit-" in line]
    return found[:5]


@attempt("reading the list of users", says(lambda stage, outcome: _line_of("/etc/passwd")))
def of_users(arg):
    return open("/etc/passwd").read()


@attempt(
    "asking the C library for the users", says(lambda stage, outcome: _line_of("/etc/passwd", 4))
)
def of_users_by_pwd(arg):
    import pwd

    return [":".join(map(str, entry)) for entry in pwd.getpwall()]


def _line_of(path, number=1):
    fields = open(path).read().splitlines()[number].split(":")
    return ":".join(fields)


@attempt(
    "reading the log of the kernel", says(lambda stage, outcome: _kernel_line()), needs=root_only
)
def of_kernel_log(arg):
    buffer = ctypes.create_string_buffer(1 << 16)
    size = libc().klogctl(3, buffer, len(buffer))
    if size < 0:
        raise OSError(ctypes.get_errno(), "klogctl")
    return buffer.raw[:size].decode(errors="replace").splitlines()[-40:]


def _kernel_line():
    import subprocess

    done = subprocess.run(["dmesg", "-r"], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()[-20:]
    return lines[0].partition("]")[2].strip()[:40] if lines else ""


# What Landlock does not hide; only a file system of its own does.


@attempt(
    "asking how large a secret file is",
    says(
        lambda stage, outcome: (
            f"size {stage.secret.lstat().st_size} of {stage.secret.lstat().st_ino}"
        )
    ),
    open_in=("process", "kernel"),
)
def by_stat(arg):
    seen = os.stat(arg["secret"])
    return f"size {seen.st_size} of {seen.st_ino}"


@attempt("asking where a link outside leads", told, open_in=("process", "kernel"))
def by_readlink(arg):
    return os.readlink(arg["outside"] + "/link")
