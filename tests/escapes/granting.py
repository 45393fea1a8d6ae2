"""Manifests that ask for what stands for more than it seems."""

# ruff: noqa: F403, SIM115
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import os
from .evidence import changed, planted, planted_at_home, told, told_of_the_house


@attempt(
    "declaring the folder of another plugin, and rewriting its code", changed, writes=("{other}",)
)
def other_plugin(arg):
    open(arg["other"] + "/main.py", "a").write("# and mine")


@attempt(
    "declaring a file of another plugin by dots", changed, writes=("../com.example.other/main.py",)
)
def other_by_dots(arg):
    open(arg["other"] + "/main.py", "a").write("# and mine")


@attempt("declaring the folder of all plugins", changed, writes=("..",))
def all_plugins(arg):
    open(arg["other"] + "/main.py", "a").write("# and mine")


@attempt("declaring a folder of its own code", changed, writes=("./helpers",))
def own_code(arg):
    open(arg["plugin"] + "/helpers/code.py", "a").write("# and mine")


@attempt("declaring the folder that its code is compiled to", planted, writes=("./__pycache__",))
def own_cache(arg):
    os.makedirs(arg["plugin"] + "/__pycache__", exist_ok=True)
    open(arg["plugin"] + f"/__pycache__/{arg['mark']}.pyc", "wb").write(b"x")


@attempt(
    "declaring the folder above what is started at login", planted_at_home, writes=("~/.config",)
)
def autostart(arg):
    folder = arg["home"] + "/.config/autostart"
    os.makedirs(folder, exist_ok=True)
    open(f"{folder}/{arg['mark']}.desktop", "w").write("x")


@attempt(
    "declaring the folder above the user's own packages", planted_at_home, writes=("~/.local",)
)
def own_packages(arg):
    folder = arg["home"] + "/.local/lib/python3/site-packages"
    os.makedirs(folder, exist_ok=True)
    open(f"{folder}/{arg['mark']}.pth", "w").write("x")


@attempt("declaring the home of the user", planted_at_home, writes=("~",))
def home(arg):
    open(f"{arg['home']}/.bash{arg['mark']}", "w").write("x")


@attempt("declaring what /proc tells of whoever reads it", told_of_the_house, reads=("/proc/self",))
def proc(arg):
    found = []
    for name in ("cmdline", "environ"):
        try:
            found.append(open(f"/proc/{arg['host']}/{name}").read())
        except OSError as error:
            found.append(str(error))
    return found


@attempt("declaring the whole machine", told, reads=("/",))
def everything(arg):
    return open(arg["secret"]).read()


@attempt("declaring a folder of its own that is a link to another", told, reads=("./data",))
def own_link(arg):
    return open(arg["plugin"] + "/data/secret.txt").read()


@attempt(
    "declaring to write a folder of its own that is a link to another", changed, writes=("./data",)
)
def own_writable_link(arg):
    open(arg["plugin"] + "/data/new", "w").write("x")
