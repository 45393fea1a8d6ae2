"""Changing what was not granted, down to a time, a mode or an attribute."""

# ruff: noqa: F403, F405, SIM115
from __future__ import annotations

from .attempt import attempt, root_only
from .deeds import *
from .deeds import ctypes, os, struct
from .evidence import changed, frozen, kernel_log, litter, planted, shared_memory


@attempt("writing a new file outside", changed)
def by_new_file(arg):
    open(arg["outside"] + "/new", "w").write("new")


@attempt("overwriting a file outside", changed)
def by_overwriting(arg):
    open(arg["outside"] + "/keep.txt", "w").write("not kept")


@attempt("appending to a file outside", changed)
def by_appending(arg):
    open(arg["outside"] + "/keep.txt", "a").write("more")


@attempt("truncating a file outside", changed)
def by_truncating(arg):
    os.truncate(arg["outside"] + "/keep.txt", 0)


@attempt("truncating a file outside by opening it in no mode at all", changed)
def by_odd_mode(arg):
    os.open(arg["outside"] + "/keep.txt", 3 | os.O_TRUNC)


@attempt("truncating a file outside by opening it to read", changed)
def by_truncating_open(arg):
    os.open(arg["outside"] + "/keep.txt", os.O_RDONLY | os.O_TRUNC)


@attempt("removing a file outside", changed)
def by_removing(arg):
    os.unlink(arg["outside"] + "/keep.txt")


@attempt("removing a folder outside", changed)
def by_rmdir(arg):
    os.rmdir(arg["outside"] + "/sub")


@attempt("making a folder outside", changed)
def by_mkdir(arg):
    os.mkdir(arg["outside"] + "/made")


@attempt("renaming a file outside", changed)
def by_renaming(arg):
    os.rename(arg["outside"] + "/keep.txt", arg["outside"] + "/kept.txt")


@attempt("making a symbolic link outside", changed)
def by_symlink(arg):
    os.symlink("/etc", arg["outside"] + "/to-etc")


@attempt("making a hard link outside", changed)
def by_link(arg):
    os.link(arg["outside"] + "/keep.txt", arg["outside"] + "/again")


@attempt("making a named pipe outside", changed)
def by_fifo(arg):
    os.mkfifo(arg["outside"] + "/pipe")


@attempt("making a device outside", changed, needs=root_only)
def by_device(arg):
    os.mknod(arg["outside"] + "/null", 0o20666, os.makedev(1, 3))


@attempt("making a device where it may write, and reading the disk by it", changed, needs=root_only)
def by_device_inside(arg):
    place = arg["granted"] + "/memory"
    os.mknod(place, 0o20666, os.makedev(1, 3))
    os.link(place, arg["outside"] + "/null")


@attempt("making a socket outside", changed)
def by_socket(arg):
    import socket

    hold(socket.socket(socket.AF_UNIX)).bind(arg["outside"] + "/socket")


@attempt("changing the mode of a file outside", changed)
def by_chmod(arg):
    os.chmod(arg["outside"] + "/keep.txt", 0o4777)


@attempt("changing the mode of a file outside by its descriptor", changed)
def by_fchmod(arg):
    descriptor = try_each(
        lambda: os.open(arg["outside"] + "/keep.txt", os.O_RDONLY),
        lambda: os.open(arg["outside"] + "/keep.txt", os.O_PATH),
    )
    try_each(
        lambda: os.fchmod(descriptor, 0o777),
        lambda: os.chmod(f"/proc/self/fd/{descriptor}", 0o777),
        lambda: syscall(452, descriptor, b"", 0o777, 0x1000),
    )


@attempt("changing the owner of a file outside", changed, needs=root_only)
def by_chown(arg):
    os.lchown(arg["outside"] + "/keep.txt", 1, 1)


@attempt("changing the times of a file outside", changed)
def by_utime(arg):
    os.utime(arg["outside"] + "/keep.txt", (0, 0))


@attempt("changing the times of a file outside to now, by the C library", changed)
def by_futimens(arg):
    if libc().utimes((arg["outside"] + "/keep.txt").encode(), None):
        raise OSError(ctypes.get_errno(), "utimes")


@attempt("giving a file outside an attribute", changed)
def by_setxattr(arg):
    os.setxattr(arg["outside"] + "/keep.txt", "user.mark", b"x")


@attempt("taking an attribute from a file outside", changed)
def by_removexattr(arg):
    os.removexattr(arg["secret"], "user.token")


@attempt("freezing a file outside", frozen, needs=root_only)
def by_chattr(arg):
    import fcntl

    descriptor = os.open(arg["outside"] + "/keep.txt", os.O_RDONLY)
    fcntl.ioctl(descriptor, 0x40086602, struct.pack("l", 0x10))


@attempt("naming a nameless file outside", changed)
def by_nameless(arg):
    descriptor = os.open(arg["granted"], os.O_TMPFILE | os.O_WRONLY, 0o600)
    os.write(descriptor, b"x")
    target = (arg["outside"] + "/nameless").encode()
    way = f"/proc/self/fd/{descriptor}".encode()
    link = libc().linkat
    if link(-100, way, -100, target, 0x400) and link(descriptor, b"", -100, target, 0x1000):
        raise OSError(ctypes.get_errno(), "linkat")


@attempt("making a nameless file outside", changed)
def by_nameless_outside(arg):
    descriptor = os.open(arg["outside"], os.O_TMPFILE | os.O_RDWR, 0o600)
    libc().linkat(
        -100,
        f"/proc/self/fd/{descriptor}".encode(),
        -100,
        (arg["outside"] + "/nameless").encode(),
        0x400,
    )


@attempt("writing a file outside through a mapping", changed)
def by_mmap(arg):
    import mmap

    descriptor = os.open(arg["outside"] + "/keep.txt", os.O_RDWR)
    mmap.mmap(descriptor, 0)[0:3] = b"NOT"


@attempt("punching a hole into a file outside", changed)
def by_fallocate(arg):
    descriptor = os.open(arg["outside"] + "/keep.txt", os.O_RDWR)
    os.posix_fallocate(descriptor, 0, 9000)


@attempt("writing a file outside with fopen of the C library", changed)
def by_fopen(arg):
    own = libc()
    own.fopen.restype = ctypes.c_void_p
    stream = own.fopen((arg["outside"] + "/c").encode(), b"w")
    if not stream:
        raise OSError(ctypes.get_errno(), "fopen")
    own.fclose(ctypes.c_void_p(stream))


@attempt("writing a database outside with sqlite3", changed)
def by_sqlite(arg):
    import sqlite3

    connection = sqlite3.connect(arg["outside"] + "/new.sqlite")
    connection.execute("create table t (x)")
    connection.commit()


@attempt("making a file outside by the dbm of the C library", changed)
def by_dbm(arg):
    import _dbm

    _dbm.open(arg["outside"] + "/database", "c").close()


@attempt("writing the history of readline outside", changed)
def by_readline(arg):
    import readline

    readline.add_history("x")
    readline.write_history_file(arg["outside"] + "/history")


@attempt("compiling a module into a folder outside", changed)
def by_compiling(arg):
    import py_compile

    source = arg["granted"] + "/x.py"
    open(source, "w").write("x = 1\n")
    py_compile.compile(source, cfile=arg["outside"] + "/x.pyc", doraise=True)


@attempt("unpacking an archive with .. in its names", changed)
def by_unpacking(arg):
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("../outside/unpacked")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(arg["granted"], filter="fully_trusted")


@attempt("writing into a folder that may only be read", changed)
def by_writing_readable(arg):
    open(arg["readable"] + "/note.txt", "w").write("changed")


@attempt("removing from a folder that may only be read", changed)
def by_removing_readable(arg):
    os.unlink(arg["readable"] + "/note.txt")


@attempt("changing the mode of what may only be read", changed)
def by_chmod_readable(arg):
    os.chmod(arg["readable"] + "/note.txt", 0o777)


@attempt("rewriting its own code for the next start", changed)
def by_own_code(arg):
    open(arg["plugin"] + "/later.py", "w").write("x = 1")


@attempt("compiling its own code to something else for the next start", planted)
def by_own_cache(arg):
    folder = arg["plugin"] + "/__pycache__"
    os.makedirs(folder, exist_ok=True)
    open(folder + "/" + arg["mark"] + ".pyc", "wb").write(b"x")


@attempt("putting a file into the interpreter's site-packages", planted)
def by_site_packages(arg):
    import sysconfig

    place = sysconfig.get_path("purelib") + "/" + arg["mark"] + ".pth"
    open(place, "w").write("# nothing\n")


@attempt("putting a file into the folder for temporary files of all", litter, after=True)
def by_tmp(arg):
    open("/tmp/" + arg["mark"], "w").write("x")


@attempt("putting a file into the machine's shared memory", shared_memory)
def by_shared_memory(arg):
    open("/dev/shm/" + arg["mark"], "w").write("x")


@attempt("writing into the log of the kernel", kernel_log, needs=root_only)
def by_kmsg(arg):
    os.write(os.open("/dev/kmsg", os.O_WRONLY), arg["mark"].encode())
