"""Links, moves and races: making a granted name mean something else."""

# ruff: noqa: F403, F405, SIM115
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import ctypes, os, struct, time
from .evidence import changed, told


@attempt("reading through a symbolic link in a granted folder", told)
def by_symlink(arg):
    link = arg["granted"] + "/link"
    os.symlink(arg["secret"], link)
    return open(link).read()


@attempt("reading through a symbolic link to a folder above", told)
def by_folder_link(arg):
    link = arg["granted"] + "/up"
    os.symlink("..", link)
    return open(link + "/outside/secret.txt").read()


@attempt("writing through a symbolic link in a granted folder", changed)
def by_writing_through(arg):
    link = arg["granted"] + "/link"
    os.symlink(arg["outside"] + "/keep.txt", link)
    open(link, "w").write("not kept")


@attempt("reading a secret file through a hard link in a granted folder", told)
def by_hard_link(arg):
    os.link(arg["secret"], arg["granted"] + "/hard")
    return open(arg["granted"] + "/hard").read()


@attempt("writing an outside file through a hard link in a granted folder", changed)
def by_hard_writing(arg):
    os.link(arg["outside"] + "/keep.txt", arg["granted"] + "/hard")
    open(arg["granted"] + "/hard", "w").write("not kept")


@attempt("linking a path descriptor into a granted folder", told)
def by_linking_descriptor(arg):
    handle = os.open(arg["secret"], os.O_PATH)
    target = (arg["granted"] + "/there").encode()
    way = f"/proc/self/fd/{handle}".encode()
    link = libc().linkat
    if link(handle, b"", -100, target, 0x1000) and link(-100, way, -100, target, 0x400):
        raise OSError(ctypes.get_errno(), "linkat")
    return open(target).read()


@attempt("moving a secret file into a granted folder", told)
def by_moving(arg):
    os.rename(arg["secret"], arg["granted"] + "/mine")
    return open(arg["granted"] + "/mine").read()


@attempt("moving a whole folder into a granted one", told)
def by_moving_folder(arg):
    os.rename(arg["outside"], arg["granted"] + "/mine")
    return open(arg["granted"] + "/mine/secret.txt").read()


@attempt("moving a file out of the granted folder", changed)
def by_planting(arg):
    open(arg["granted"] + "/plant", "w").write("planted")
    os.rename(arg["granted"] + "/plant", arg["outside"] + "/plant")


@attempt("exchanging a granted file with one outside", told)
def by_exchange(arg):
    open(arg["granted"] + "/mine", "w").write("x")
    call = libc().renameat2
    if call(-100, (arg["granted"] + "/mine").encode(), -100, arg["secret"].encode(), 2):
        raise OSError(ctypes.get_errno(), "renameat2")
    return open(arg["granted"] + "/mine").read()


@attempt("putting the granted folder itself in the place of another", changed)
def by_moving_itself(arg):
    os.rename(arg["granted"], arg["base"] + "/elsewhere")


@attempt("winning a race between a link's check and its use", told)
def by_race(arg):
    import threading

    spot, good = arg["granted"] + "/spot", arg["granted"] + "/good"
    open(good, "w").write("good")
    os.symlink(good, spot)
    over = threading.Event()

    def flip():
        number = 0
        while not over.is_set():
            number += 1
            fresh = f"{arg['granted']}/fresh"
            os.symlink(arg["secret"] if number % 2 else good, fresh)
            os.replace(fresh, spot)

    thread = threading.Thread(target=flip, daemon=True)
    thread.start()
    end = time.monotonic() + 0.3
    found = ""
    while time.monotonic() < end and "good" in (found or "good"):
        try:
            found = open(spot).read()
        except OSError:
            found = ""
    over.set()
    thread.join()
    return found


@attempt("winning a race between a folder's check and its use", told)
def by_folder_race(arg):
    import threading

    spot, good = arg["granted"] + "/spot", arg["granted"] + "/good"
    os.mkdir(good)
    open(good + "/secret.txt", "w").write("good")
    os.symlink(good, spot)
    over = threading.Event()

    def flip():
        number = 0
        while not over.is_set():
            number += 1
            fresh = f"{arg['granted']}/fresh"
            os.symlink(arg["outside"] if number % 2 else good, fresh)
            os.replace(fresh, spot)

    thread = threading.Thread(target=flip, daemon=True)
    thread.start()
    end = time.monotonic() + 0.3
    found = ""
    while time.monotonic() < end and "good" in (found or "good"):
        try:
            found = open(spot + "/secret.txt").read()
        except OSError:
            found = ""
    over.set()
    thread.join()
    return found


@attempt("putting a link where the next start looks for its grant", told, at="turns")
def by_swapping_grant(arg):
    spot = arg["granted"] + "/later"
    if arg["turn"] == 0:
        os.rename(spot, spot + ".old")
        os.symlink(arg["outside"], spot)
        return "swapped"
    return open(spot + "/secret.txt").read()


@attempt("putting a link where it is looked for after a crash", told, at="crash")
def by_crashing(arg):
    spot = arg["granted"] + "/later"
    if arg["turn"] == 0:
        os.rename(spot, spot + ".old")
        os.symlink(arg["outside"], spot)
        os._exit(1)
    return open(spot + "/secret.txt").read()


@attempt("putting a link in the middle of what is looked for after a crash", told, at="crash")
def by_crashing_deeply(arg):
    deep = arg["granted"] + "/deep"
    if arg["turn"] == 0:
        os.rename(deep, deep + ".old")
        os.mkdir(deep)
        os.symlink(arg["outside"], deep + "/inner")
        os._exit(1)
    return open(deep + "/inner/secret.txt").read()


@attempt("putting a link in the middle of the next start's grant", told, at="turns")
def by_swapping_parent(arg):
    inner = arg["granted"] + "/deep/inner"
    if arg["turn"] == 0:
        os.rename(arg["granted"] + "/deep", arg["granted"] + "/deep.old")
        os.mkdir(arg["granted"] + "/fake")
        os.symlink(arg["outside"], arg["granted"] + "/fake/inner")
        os.rename(arg["granted"] + "/fake", arg["granted"] + "/deep")
        return "swapped"
    return open(inner + "/secret.txt").read()


@attempt("making the next start write its scratch files elsewhere", changed, at="turns")
def by_swapping_scratch(arg):
    import tempfile

    if arg["turn"] == 0:
        place = os.environ.get("TMPDIR") or arg["granted"]
        try:
            os.rename(place, place + ".old")
        except OSError:
            pass
        os.symlink(arg["outside"], place)
        return place
    return tempfile.mkstemp()[1] or struct.pack("B", 1)
