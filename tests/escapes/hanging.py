"""Not ending: at import, in a call, at the end, and after it."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import ctypes, os, sys, time
from .evidence import late, litter, stays

BRIEF = {"seconds": 0.5}


@attempt("never answering", late, limits=BRIEF, patient=True)
def sleeping(arg):
    time.sleep(60)


@attempt("never ending its import", late, limits=BRIEF, patient=True, at="import")
def importing(arg):
    time.sleep(60)


@attempt("computing for ever at its import", late, limits=BRIEF, patient=True, at="import")
def computing_at_import(arg):
    return 9 ** (9**8)


@attempt("waiting for itself", late, limits=BRIEF, patient=True)
def deadlock(arg):
    import threading

    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@attempt("ignoring every signal, and never answering", late, limits=BRIEF, patient=True)
def deaf(arg):
    import signal

    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        time.sleep(1)


@attempt("swallowing every exception, and never answering", late, limits=BRIEF, patient=True)
def stubborn(arg):
    while True:
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            continue


@attempt("holding the interpreter's lock in C", late, limits=BRIEF, patient=True)
def holding_lock(arg):
    ctypes.pythonapi.usleep(60_000_000) if hasattr(ctypes.pythonapi, "usleep") else None
    ctypes.PyDLL(None).sleep(60)


@attempt("stopping itself", late, limits=BRIEF, patient=True)
def stopping(arg):
    os.kill(os.getpid(), 19)
    time.sleep(60)


@attempt("answering from a coroutine that never yields", late, limits=BRIEF, patient=True)
def coroutine(arg):
    async def forever():
        while True:
            pass

    task = forever()
    task.send(None)


@attempt("answering without an end", late, limits=BRIEF, patient=True)
def endless(arg):
    import itertools

    return (
        list(zip(itertools.repeat(0), itertools.repeat(1), strict=False))
        if 0
        else sum(itertools.repeat(1))
    )


@attempt("closing the channel, and never ending", stays, after=True, limits=BRIEF, patient=True)
def closing(arg):
    for descriptor in range(3, 20):
        try:
            os.close(descriptor)
        except OSError:
            pass
    time.sleep(60)


@attempt("never ending at exit", stays, after=True, patient=True)
def at_exit(arg):
    import atexit

    atexit.register(time.sleep, 60)
    return "registered"


@attempt(
    "never ending at exit, registered at its import", stays, after=True, patient=True, at="import"
)
def at_exit_of_import(arg):
    import atexit

    atexit.register(time.sleep, 60)
    return "registered"


@attempt("never ending in a finalizer", stays, after=True, patient=True)
def finalizer(arg):
    import weakref

    class Last:
        pass

    last = hold(Last())
    weakref.finalize(last, time.sleep, 60)
    return "registered"


@attempt("never ending in __del__", stays, after=True, patient=True)
def destructor(arg):
    class Last:
        def __del__(self, sleep=time.sleep):
            sleep(60)

    sys.last_of_all = Last()
    return "made"


@attempt("leaving a thread behind", stays, after=True, patient=True)
def thread(arg):
    import threading

    threading.Thread(target=time.sleep, args=(60,)).start()
    return "started"


@attempt("leaving a computing thread behind", stays, after=True, patient=True)
def computing_thread(arg):
    import threading

    def spin():
        while True:
            pass

    threading.Thread(target=spin).start()
    return "started"


@attempt("leaving a process behind that ignores its end", stays, after=True)
def child(arg):
    import signal

    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child_that_stays(arg)
    return "forked"


@attempt("leaving files in the folder for temporary files", litter, after=True)
def temporary(arg):
    import tempfile

    os.mkdir(os.path.join(tempfile.gettempdir(), arg["mark"]))
    return "made"


@attempt(
    "leaving folders in folders, deeper than anybody counts",
    litter,
    after=True,
    limits={"seconds": 3},
    patient=True,
)
def deep_folders(arg):
    import tempfile

    here = os.open(tempfile.gettempdir(), os.O_RDONLY)
    for name in [arg["mark"], *"x" * 1100]:
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    return "made"


@attempt("leaving folders that nobody may enter", litter, after=True)
def shut_folders(arg):
    import tempfile

    folder = os.path.join(tempfile.gettempdir(), arg["mark"])
    os.makedirs(folder + "/inner")
    os.chmod(folder + "/inner", 0)
    os.chmod(folder, 0)
    return "made"


@attempt("ending its process in the middle of a call", stays, after=True)
def leaving(arg):
    if os.fork() == 0:
        child_that_stays(arg)
    os._exit(0)


@attempt("leaving a process that no longer dies with its parent", stays, after=True)
def orphan(arg):
    libc().prctl(1, 0, 0, 0, 0)
    if os.fork() == 0:
        libc().prctl(1, 0, 0, 0, 0)
        os.setsid()
        child_that_stays(arg)
    return "forked"


@attempt(
    "never ending when it is unloaded", stays, after=True, limits=BRIEF, patient=True, at="end"
)
def sleeping_at_end(arg):
    time.sleep(60)


@attempt(
    "computing for ever when it is unloaded",
    stays,
    after=True,
    limits=BRIEF,
    patient=True,
    at="end",
)
def computing_at_end(arg):
    while True:
        pass


@attempt(
    "swallowing what ends it when it is unloaded",
    stays,
    after=True,
    limits=BRIEF,
    patient=True,
    at="end",
)
def stubborn_at_end(arg):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue


@attempt("leaving a process behind when it is unloaded", stays, after=True, at="end")
def child_at_end(arg):
    if os.fork() == 0:
        child_that_stays(arg)
