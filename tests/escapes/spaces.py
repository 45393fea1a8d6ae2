"""Namespaces, mounts and roots: making another world to do it in."""

# ruff: noqa: F403, F405, SIM115
from __future__ import annotations

from .attempt import attempt, root_only, x86_only
from .deeds import *
from .deeds import ctypes, os, struct
from .evidence import changed, fact_changed, told


@attempt("entering a user namespace of its own", fact_changed("uids"))
def user_namespace(arg):
    uid = os.getuid()
    syscall(272, 0x10000000)
    open("/proc/self/setgroups", "w").write("deny")
    open("/proc/self/uid_map", "w").write(f"0 {uid} 1")


@attempt("entering a user namespace by a thread made with clone", told, needs=x86_only)
def user_namespace_by_clone(arg):
    pid = syscall(56, 0x10000000 | 0x00020000 | 17, 0, 0, 0, 0)
    if pid == 0:
        try:
            text = open(arg["secret"]).read()
            open(arg["granted"] + "/told", "w").write(text)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


@attempt("binding a secret folder over a granted one", told)
def bind_mount(arg):
    if os.getuid():
        uid, gid = os.getuid(), os.getgid()
        syscall(272, 0x10000000 | 0x00020000)
        open("/proc/self/setgroups", "w").write("deny")
        open("/proc/self/uid_map", "w").write(f"0 {uid} 1")
        open("/proc/self/gid_map", "w").write(f"0 {gid} 1")
    else:
        syscall(272, 0x00020000)
    own = libc()
    own.mount(b"none", b"/", None, 0x44000, None)
    if own.mount(arg["outside"].encode(), arg["granted"].encode(), None, 4096, None):
        raise OSError(ctypes.get_errno(), "mount")
    return open(arg["granted"] + "/secret.txt").read()


@attempt("binding a secret folder with the new calls for mounts", told, needs=root_only)
def open_tree(arg):
    syscall(272, 0x00020000)
    libc().mount(b"none", b"/", None, 0x44000, None)
    tree = syscall(428, -100, arg["outside"].encode(), 1 | 0x8000)
    return os.read(os.open("secret.txt", os.O_RDONLY, dir_fd=tree), 99).decode()


@attempt("mounting a file system over a folder outside", changed, needs=root_only)
def tmpfs(arg):
    if libc().mount(b"none", (arg["outside"] + "/sub").encode(), b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")
    os.mkdir(arg["outside"] + "/sub/mounted")


@attempt("calling a folder outside the root", told)
def chroot(arg):
    if os.getuid():
        syscall(272, 0x10000000)
    os.chroot(arg["outside"])
    return os.listdir("/")


@attempt("joining the namespaces of another process", fact_changed("CapEff", "uids", "NSpid"))
def setns(arg):
    if os.getuid():
        syscall(272, 0x10000000)
    syscall(272, 0x04000000 | 0x08000000 | 0x40000000)
    syscall(308, os.pidfd_open(arg["sleeper"]), 0x04000000)
    syscall(272, 0x10000000)


@attempt("taking back the rights of root", fact_changed("CapEff", "CapPrm", "Uid"), needs=root_only)
def setuid(arg):
    libc().prctl(8, 1, 0, 0, 0)  # keep capabilities
    os.setresuid(1, 1, 0)


@attempt("allowing new privileges again", fact_changed("Uid", "Gid", "Groups"), needs=root_only)
def groups(arg):
    os.setgroups([1, 2, 3])


@attempt(
    "filtering its own system calls so that a check fails open",
    fact_changed("Seccomp", "Seccomp_filters"),
)
def own_filter(arg):
    libc().prctl(38, 1, 0, 0, 0)
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
    wish = struct.pack("HxxxxxxQ", 1, ctypes.addressof(program))
    if libc().prctl(22, 2, wish, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


@attempt("changing what a process is by personality", told, needs=x86_only)
def personality(arg):
    if syscall(135, 0x0008) < 0:  # PER_LINUX32
        raise OSError("personality")
    return open(arg["secret"]).read()
