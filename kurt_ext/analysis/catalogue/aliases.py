"""One thing, one name: what other names a reference goes by.

``posix.system`` is ``os.system``, ``shutil.os.system`` is it too, and what
``Path("a").parent`` returns is again a path.
"""

from __future__ import annotations

import sys

__all__ = ["ALIASES", "canonical"]

#: Name → the name that the tables know it by; it stands for what lies beneath it, too.
_ALIASES = """
posix nt                                         = os
_socket                                          = socket
_winreg                                          = winreg
_ssl                                             = ssl
_ctypes                                          = ctypes
_pickle                                          = pickle
_io _pyio                                        = io
_thread                                          = threading
_asyncio                                         = asyncio
_imp                                             = imp
_frozen_importlib                                = importlib._bootstrap
_frozen_importlib_external                       = importlib._bootstrap_external
_weakref                                         = weakref
_signal                                          = signal
_sqlite3                                         = sqlite3
_codecs                                          = codecs
_operator                                        = operator
_functools                                       = functools
pkgutil.zipimporter                              = zipimport.zipimporter
_lsprof                                          = cProfile
_tracemalloc                                     = tracemalloc
_multiprocessing                                 = multiprocessing
_curses                                          = curses
_tkinter                                         = tkinter
_dbm _gdbm                                       = dbm
__builtin__ __builtins__                         = builtins
asyncio.subprocess.subprocess                    = subprocess
asyncio.subprocess.create_subprocess_exec        = asyncio.create_subprocess_exec
asyncio.subprocess.create_subprocess_shell       = asyncio.create_subprocess_shell
asyncio.streams.open_connection                  = asyncio.open_connection
asyncio.streams.start_server                     = asyncio.start_server
asyncio.streams.open_unix_connection             = asyncio.open_unix_connection
asyncio.streams.start_unix_server                = asyncio.start_unix_server
asyncio.events.set_event_loop_policy             = asyncio.set_event_loop_policy
httpx.AsyncClient                                = httpx.Client
httpx2.AsyncClient                               = httpx2.Client
httpx._api httpx._client                         = httpx
aiohttp.client.ClientSession                     = aiohttp.ClientSession
sqlite3.dbapi2                                   = sqlite3
concurrent.futures._base                         = concurrent.futures
http.client.HTTPConnection().sock                = socket.socket()
socket.create_connection() socket.SocketType()   = socket.socket()
importlib.util._LazyModule                       = importlib.util.LazyLoader
pickle._Unpickler pickle._loads pickle._load     = pickle.Unpickler
urllib.request.OpenerDirector()                  = urllib.request.build_opener()
tarfile.TarFile.open                             = tarfile.open
PIL.Image.open() PIL.Image.new() PIL.Image.fromarray() = PIL.Image.Image()
PIL.Image.frombytes()                            = PIL.Image.Image()
asyncio.get_event_loop() asyncio.get_running_loop() = asyncio.AbstractEventLoop()
asyncio.new_event_loop() asyncio._get_running_loop() = asyncio.AbstractEventLoop()
asyncio.events.get_event_loop() asyncio.events.get_running_loop() = asyncio.AbstractEventLoop()
asyncio.BaseEventLoop() asyncio.SelectorEventLoop() = asyncio.AbstractEventLoop()
concurrent.futures.process.ProcessPoolExecutor   = concurrent.futures.ProcessPoolExecutor
multiprocessing.get_context()                    = multiprocessing
multiprocessing.context.BaseContext() multiprocessing.context.SpawnContext() = multiprocessing
multiprocessing.context.ForkContext() multiprocessing.context.ForkServerContext() = multiprocessing
multiprocessing.context                          = multiprocessing
multiprocessing.process.Process                  = multiprocessing.Process
multiprocessing.process.BaseProcess              = multiprocessing.Process
multiprocessing.pool.Pool                        = multiprocessing.Pool
pathlib.PosixPath pathlib.WindowsPath            = pathlib.Path
pathlib._local.Path pathlib._local.PosixPath     = pathlib.Path
pathlib.Path.cwd() pathlib.Path.home()           = pathlib.Path()
requests.session() requests.sessions.Session()   = requests.Session()
requests.api requests.sessions                   = requests
ntpath posixpath genericpath                     = os.path
xml.etree.cElementTree                           = xml.etree.ElementTree
"""
#: Methods of a path that return a path.
_OF_PATH = (
    "parent absolute() resolve() expanduser() joinpath() with_name() with_suffix() with_stem() "
    "relative_to() readlink() rename() replace() __truediv__() with_segments()"
)
#: What is always the module of that name: wherever it is held, in a module
#: that is no part of Python, in one that is.
_ANYWHERE = frozenset(["os", "subprocess", "builtins", "ctypes"])
_IN_PACKAGES = _ANYWHERE | {"sys", "importlib", "shutil", "pickle", "marshal", "posix", "nt"}
_IN_PYTHON = _IN_PACKAGES | {"socket", "io", "urllib", "http", "ssl", "tempfile", "runpy", "glob"}


def _read() -> dict[str, str]:
    found = {f"pathlib.Path().{name}": "pathlib.Path()" for name in _OF_PATH.split()}
    for line in _ALIASES.strip().splitlines():
        names, _, target = line.partition(" = ")
        found.update((name, target.strip()) for name in names.split())
    return {name: target for name, target in found.items() if name != target}


ALIASES = _read()


#: What is named as a module of the standard library is, and is another thing.
_OTHERS = frozenset(["asyncio.subprocess", "socket.socket", "glob.glob", "copyreg.pickle"])


def canonical(name: str) -> str:
    """Return the one name that the tables know a reference by.

    Other names of the same module, modules reached through others and methods that
    return another of their kind are undone; applying it twice changes nothing.
    """
    while True:
        parts = _aliased(_reached(name.split(".")))
        changed = ".".join(parts)
        if changed == name:
            return name
        name = changed


def _reached(parts: list[str]) -> list[str]:
    """Return a name from the last module on that it is reached through."""
    if len(parts) == 1:
        return parts
    if parts[0] == "*":
        modules = _ANYWHERE
    elif parts[0] in sys.stdlib_module_names:
        modules = _IN_PYTHON
    else:
        modules = _IN_PACKAGES
    called = False
    for index in range(1, len(parts)):
        called = called or "(" in parts[index - 1]
        part = parts[index].lstrip("_")
        is_module = part in (_ANYWHERE if called else modules)
        if is_module and ".".join(parts[: index + 1]) not in _OTHERS:
            return _reached([part, *parts[index + 1 :]])
    return parts


def _aliased(parts: list[str]) -> list[str]:
    """Return a name with its longest prefix by the name that the tables know."""
    for end in range(len(parts), 0, -1):
        prefix = ".".join(parts[:end])
        target = ALIASES.get(prefix)
        if target is None and prefix.endswith("()"):
            made_by = ALIASES.get(prefix[:-2])
            target = made_by and f"{made_by}()"
        if target:
            return [*target.split("."), *parts[end:]]
    return parts
