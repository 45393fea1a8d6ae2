"""What /proc tells about others, and lets be done to them."""

# ruff: noqa: F403, SIM115
from __future__ import annotations

from .attempt import attempt, root_only
from .deeds import *
from .deeds import os
from .evidence import says, says_known, told, told_of_the_house


@attempt("reading the environment of another process", told)
def environment_of_victim(arg):
    return open(f"/proc/{arg['victim']}/environ").read()


@attempt("reading the arguments of another process", told)
def arguments_of_victim(arg):
    return open(f"/proc/{arg['victim']}/cmdline").read()


@attempt("reading the memory of another process", told)
def memory_of_victim(arg):
    with open(f"/proc/{arg['victim']}/mem", "rb", 0) as memory:
        memory.seek(arg["address"])
        return memory.read(64).decode(errors="replace")


@attempt("reading what another process has open", told)
def file_of_victim(arg):
    return open(f"/proc/{arg['victim']}/fd/{arg['descriptor']}").read()


@attempt("reading the environment of the host", told_of_the_house)
def environment_of_host(arg):
    found = []
    pid = arg["host"]
    for each in {pid, os.getppid()}:
        found.append(open(f"/proc/{each}/environ").read())
    return found


@attempt("reading the environment of every process that it can see", told_of_the_house)
def environment_of_all(arg):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and entry != str(os.getpid()):
            try:
                found.append(open(f"/proc/{entry}/environ").read()[:20000])
            except OSError:
                pass
    return [text for text in found if "".join(arg["house_half"]) in text]


@attempt("listing the processes of the machine", told)
def processes(arg):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            found.append(open(f"/proc/{entry}/cmdline").read())
    return [text for text in found if "command-" in text and arg["victim"]]


@attempt("listing the connections of the machine", says(lambda stage, outcome: _connection(stage)))
def connections(arg):
    lines = open("/proc/net/tcp").read().splitlines()
    wanted = f"{arg['tcp']:04X}"
    return [
        " ".join(line.split()[:4]) + " " + line.split()[9] for line in lines[1:] if wanted in line
    ]


def _connection(stage):
    wanted = f":{stage._tcp['tcp']:04X} "
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        if wanted in line and " 0A " in line:
            return line.split()[9]
    return ""


@attempt("listing what is mounted", says_known("/proc/self/mounts"))
def mounts(arg):
    return open("/proc/self/mounts").read()


@attempt("reading the identity of the machine", says_known("/proc/cmdline", "/proc/version"))
def machine(arg):
    return [open("/proc/cmdline").read(), open("/proc/version").read()]


@attempt("reading the settings of the kernel", says(lambda stage, outcome: _boot()))
def settings(arg):
    return open("/proc/sys/kernel/random/boot_id").read()


def _boot():
    return open("/proc/sys/kernel/random/boot_id").read().strip()


@attempt(
    "writing a setting of the kernel",
    says(lambda stage, outcome: _writable(stage)),
    needs=root_only,
)
def writing_settings(arg):
    path = "/proc/sys/kernel/core_uses_pid"
    with open(path, "r+") as file:
        return "wrote " + str(file.write(open(path).read())) + " " + arg["mark"]


def _writable(stage):
    return "wrote 2 " + stage.mark


@attempt("finding the folder of the program of another process", told)
def folder_of_victim(arg):
    return open(f"/proc/{arg['victim']}/cwd/../../../../../..{arg['secret']}").read()
