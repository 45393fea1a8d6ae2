"""Processes: starting one, becoming another, leaving one behind."""

# ruff: noqa: F403, F405, SIM115
from __future__ import annotations

from .attempt import attempt, x86_only
from .deeds import *
from .deeds import ctypes, os, struct, time
from .evidence import more_processes_than, process_left, process_marked, stays, told

BRIEF = {"seconds": 0.5}


@attempt("forking", process_left)
def fork(arg):
    if os.fork() == 0:
        child_that_stays(arg)
    time.sleep(0.05)


@attempt("forking with the C library", process_left)
def fork_in_c(arg):
    if libc().fork() == 0:
        child_that_stays(arg)
    time.sleep(0.05)


@attempt("forking with the system call clone", process_left, needs=x86_only)
def clone(arg):
    if syscall(56, 17, 0, 0, 0, 0) == 0:
        child_that_stays(arg)
    time.sleep(0.05)


@attempt("forking with the system call clone3", process_left)
def clone3(arg):
    wish = ctypes.create_string_buffer(struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
    if syscall(435, wish, 88) == 0:
        child_that_stays(arg)
    time.sleep(0.05)


@attempt("forking a brother instead of a child", process_left, needs=x86_only)
def clone_parent(arg):
    if syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
        child_that_stays(arg)
    time.sleep(0.05)


@attempt("forking with the system call vfork", process_left, needs=x86_only)
def old_fork(arg):
    if syscall(57) == 0:
        child_that_stays(arg)
    time.sleep(0.05)


@attempt("forking with a terminal", process_left)
def fork_with_terminal(arg):
    pid, master = os.forkpty()
    if pid == 0:
        child_that_stays(arg)
    hold(master)
    time.sleep(0.05)


@attempt("starting a program with subprocess", process_left)
def by_subprocess(arg):
    import subprocess

    hold(subprocess.Popen([arg["python"], "-ISc", "import time; time.sleep(20)", arg["mark"]]))
    time.sleep(0.02)


@attempt("starting a program with posix_spawn", process_left)
def by_spawn(arg):
    words = [arg["python"], "-ISc", "import time; time.sleep(20)", arg["mark"]]
    os.posix_spawn(arg["python"], words, {})
    time.sleep(0.02)


@attempt("starting a program past subprocess and its audit", process_left)
def by_fork_exec(arg):
    import _posixsubprocess

    words = [arg["python"].encode(), b"-ISc", b"import time; time.sleep(20)", arg["mark"].encode()]
    read, write = os.pipe()
    _posixsubprocess.fork_exec(
        words,
        (words[0],),
        True,
        (write,),
        None,
        [],
        -1,
        -1,
        -1,
        -1,
        -1,
        -1,
        read,
        write,
        True,
        False,
        -1,
        None,
        None,
        None,
        -1,
        None,
        False,
    )
    time.sleep(0.05)


@attempt("asking a shell for a secret", told)
def by_shell(arg):
    return os.popen(f"cat '{arg['secret']}'").read()


@attempt("asking a shell in the C library for a secret", told)
def by_system(arg):
    libc().system(f"cat '{arg['secret']}' > '{arg['granted']}/told'".encode())


@attempt("starting a pool of processes", process_left)
def by_multiprocessing(arg):
    import multiprocessing

    context = multiprocessing.get_context("fork")
    hold(context.Process(target=child_that_stays, args=(arg,), daemon=False)).start()
    time.sleep(0.05)


@attempt("becoming another program", process_marked, limits=BRIEF, patient=True)
def becoming(arg):
    os.execv(arg["python"], [arg["python"], "-ISc", "import time; time.sleep(20)", arg["mark"]])


@attempt("becoming another program by a descriptor", process_marked, limits=BRIEF, patient=True)
def becoming_by_descriptor(arg):
    program = os.open(arg["python"], os.O_RDONLY)
    words = [b"python", b"-ISc", b"import time; time.sleep(20)", arg["mark"].encode(), None]
    vector = (ctypes.c_char_p * 5)(*words)
    libc().fexecve(program, vector, (ctypes.c_char_p * 1)(None))
    raise OSError(ctypes.get_errno(), "fexecve")


@attempt("running a program that it wrote into memory", process_left)
def from_memory(arg):
    program = os.memfd_create("x", 0)
    os.write(program, open(arg["python"], "rb").read())
    words = ["python", "-ISc", "import time; time.sleep(20)", arg["mark"]]
    os.posix_spawn(f"/proc/self/fd/{program}", words, {})
    time.sleep(0.02)


@attempt("running a program that it wrote into a granted folder", process_left)
def from_granted(arg):
    import subprocess

    program = arg["granted"] + "/program"
    with open(program, "wb") as file:
        file.write(open(arg["python"], "rb").read())
    os.chmod(program, 0o755)
    hold(subprocess.Popen([program, "-ISc", "import time; time.sleep(20)", arg["mark"]]))
    time.sleep(0.05)


@attempt("running a program through the loader of the C library", process_left)
def by_loader(arg):
    import subprocess

    words = [arg["python"], "-ISc", "import time; time.sleep(20)", arg["mark"]]
    hold(subprocess.Popen(["/lib64/ld-linux-x86-64.so.2", *words]))
    time.sleep(0.05)


@attempt("leaving a daemon behind", stays, after=True)
def daemon(arg):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            child_that_stays(arg)
        os._exit(0)
    os.wait()


@attempt(
    "leaving a daemon behind although it may start programs",
    stays,
    after=True,
    processes=4,
    programs=("/usr/bin/setsid", "/bin/sh", "{python}"),
)
def daemon_allowed(arg):
    import subprocess

    words = [arg["python"], "-ISc", "import time; time.sleep(20)", arg["mark"]]
    hold(subprocess.Popen(["/usr/bin/setsid", *words]))
    hold(
        subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                f"'{arg['python']}' -ISc 'import time; time.sleep(20)' {arg['mark']} &",
            ]
        )
    )
    time.sleep(0.1)


@attempt(
    "reading a secret by a program that it may start",
    told,
    processes=4,
    programs=("/usr/bin/cat", "/bin/cat"),
)
def reading_allowed(arg):
    import subprocess

    return subprocess.run(
        ["/bin/cat", arg["secret"]], capture_output=True, timeout=3
    ).stdout.decode()


@attempt(
    "starting another program than those that it may start",
    process_left,
    processes=4,
    programs=("/usr/bin/true",),
)
def other_program(arg):
    import subprocess

    copy = arg["granted"] + "/program"
    with open(copy, "wb") as file:
        file.write(open(arg["python"], "rb").read())
    os.chmod(copy, 0o755)
    hold(subprocess.Popen([copy, "-ISc", "import time; time.sleep(20)", arg["mark"]]))
    time.sleep(0.05)


@attempt(
    "being more processes than it may be",
    more_processes_than(8),
    open_in=("process", "kernel", "strong for root"),
    processes=4,
    programs=("/usr/bin/sleep",),
)
def many(arg):
    read, write = os.pipe()
    started = 0
    for _ in range(24):
        try:
            if os.fork() == 0:
                call_itself(arg["mark"])
                os.write(write, b"x")
                child_that_stays(arg, 5)
            started += 1
        except OSError:
            break
    while started > 0:
        started -= len(os.read(read, 24))
