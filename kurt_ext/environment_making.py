"""Fill a folder with a Python environment, by uv where it is there, else by venv and pip.

Both are run as programs, never imported, and told everything on their command line:
neither their own configuration nor the project's is read, since it may name further
indexes. The index is the one that ``UV_DEFAULT_INDEX``, ``UV_INDEX_URL`` or
``PIP_INDEX_URL`` names, else their default; nothing is added to it.

Nothing that is installed is run: only wheels are taken, unless the operator allows
builds; they are unpacked by the interpreter that the environment is made from, never by
the environment's own, which would execute a ``.pth`` file at once.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .errors import RequirementError

if TYPE_CHECKING:
    from .environment_sources import Settled

__all__ = ["Failed", "Interpreter", "Sources", "fill", "here", "index_url", "probe", "program"]

Echo = Callable[[str], None]

#: Seconds that one program may take: the download of the largest libraries on a slow line.
_PATIENCE = 1800.0
#: Lines of a program's output that an error shows, and that are kept for it.
_SHOWN, _KEPT = 20, 400
#: Variables that a program is given: places, proxies, certificates, patience; nothing
#: that says where to install from.
_PASSED = frozenset(
    "PATH HOME USER LOGNAME LANG LC_ALL LC_CTYPE TMPDIR TEMP TMP SYSTEMROOT WINDIR COMSPEC "
    "PATHEXT APPDATA LOCALAPPDATA PROGRAMDATA USERPROFILE XDG_CACHE_HOME XDG_DATA_HOME "
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy "
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NETRC "
    "PIP_CERT PIP_CLIENT_CERT PIP_PROXY PIP_CACHE_DIR PIP_DEFAULT_TIMEOUT PIP_TIMEOUT PIP_RETRIES "
    "UV_CACHE_DIR UV_HTTP_TIMEOUT UV_HTTP_RETRIES UV_LINK_MODE UV_SYSTEM_CERTS "
    "UV_NATIVE_TLS".split()
)
_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
#: What a Python is asked about itself; the keys of ``markers`` are PEP 508's.
_PROBE = """
import json, os, platform, sys, sysconfig
full = lambda v: "%d.%d.%d" % v[:3] + ("" if v[3] == "final" else v[3][0] + str(v[4]))
print(json.dumps({
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "tag": sys.implementation.cache_tag,
    "platform": sysconfig.get_platform(),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": full(sys.implementation.version),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    },
}))
"""


class Interpreter(NamedTuple):
    """A Python that environments are made from.

    :param path: its executable; of a virtual environment, the one that it stands on.
    :param tag: its cache tag, such as ``cpython-311``.
    :param platform: as ``sysconfig.get_platform`` has it.
    :param markers: the values of PEP 508's markers.
    """

    path: str
    tag: str
    platform: str
    markers: Mapping[str, str]

    @property
    def version(self) -> str:
        """The full version, such as ``3.11.7``."""
        return self.markers["python_full_version"]


class Sources(NamedTuple):
    """Where distributions may come from.

    :param wheelhouse: a folder of wheels, the only place asked; the index if None.
    :param offline: use no network; without a wheelhouse, only what uv has in its cache.
    :param allow_source: build what has no wheel, which runs its code.
    """

    wheelhouse: str | None = None
    offline: bool = False
    allow_source: bool = False


class Failed(Exception):
    """A program that ended badly; ``output`` is what it said, terminal escapes removed."""

    def __init__(self, program: str, output: str) -> None:
        super().__init__(program)
        self.program = program
        self.output = output


def here() -> Interpreter:
    """Return the Python of this process."""
    import platform
    import sysconfig

    from packaging.markers import default_environment

    markers = {key: str(value) for key, value in default_environment().items()}
    markers["python_full_version"] = platform.python_version()
    path = getattr(sys, "_base_executable", None) or sys.executable
    tag = sys.implementation.cache_tag or sys.implementation.name
    return Interpreter(path, tag, sysconfig.get_platform(), markers)


def probe(python: str) -> Interpreter:
    """Return another Python by the path of its executable.

    :raises RequirementError: when it cannot be run, or is older than 3.11.
    """
    import json

    try:
        said = _run("python", [python, "-I", "-S", "-B", "-c", _PROBE], cwd=None, seconds=60)
        found = Interpreter(**json.loads(said.splitlines()[-1]))
    except (Failed, OSError, ValueError, IndexError, TypeError) as error:
        raise RequirementError(
            f"{python} is no Python that an environment can be made from",
            cause=getattr(error, "output", None) or str(error),
            at=python,
        ) from None
    if tuple(map(int, found.markers["python_version"].split("."))) < (3, 11):
        raise RequirementError(
            f"{python} is Python {found.version}, and a plugin's worker needs 3.11", at=python
        )
    return found


def program() -> str | None:
    """Return the path of uv, beside this Python or on ``PATH``; None: pip does it."""
    name = "uv.exe" if os.name == "nt" else "uv"
    beside = os.path.join(os.path.dirname(sys.executable), name)
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which("uv")
    # A folder of PATH that depends on the working directory is the project's to fill.
    return found if found and os.path.isabs(found) else None


def index_url(environ: Mapping[str, str] | None = None) -> str:
    """Return the index that is asked, credentials and all; empty: the programs' own default."""
    env = os.environ if environ is None else environ
    return next((env[name] for name in _INDEX if env.get(name)), "")


def fill(
    folder: str,
    final: str,
    interpreter: Interpreter,
    settled: Settled,
    sources: Sources,
    echo: Echo,
) -> tuple[str, str]:
    """Make an environment in a folder that does not exist yet; return its Python and packages.

    :param final: where the folder will be moved to; bytecode names it.
    :returns: two paths: the interpreter, and site-packages.
    :raises Failed: when a program ended badly.
    :raises RequirementError: when pip is asked for what only uv can do.
    """
    uv = program()
    if uv is not None:
        venv = [uv, "venv", "--quiet", "--no-config", "--no-project", "--no-python-downloads"]
        venv += ["--python", interpreter.path, folder]
        install = [uv, "pip", "install", "--no-config", "--no-progress", "--no-python-downloads"]
        install += ["--no-sources", "--python", interpreter.path]
        install += ["--offline"] if sources.offline or sources.wheelhouse else []
    else:
        if sources.offline and not sources.wheelhouse:
            raise RequirementError(
                "pip cannot work offline without a folder of wheels",
                hint="kurt config set sandbox.wheelhouse FOLDER, or install uv",
            )
        venv = [interpreter.path, "-I", "-m", "venv", "--without-pip", folder]
        install = [*_pip(folder, interpreter), "install", "--disable-pip-version-check"]
        install += ["--no-input", "--no-compile", "--progress-bar", "off"]
    _run("venv", venv, cwd=os.path.dirname(folder), echo=echo)
    python, site = _within(folder)
    install += ["--target", site]
    if not sources.allow_source:
        install += ["--only-binary", ":all:"]
    if sources.wheelhouse:
        install += ["--no-index", "--find-links", sources.wheelhouse]
    _install(install, folder, settled, echo)
    _compile(interpreter, site, os.path.join(final, os.path.relpath(site, folder)))
    return python, site


def _install(command: Sequence[str], folder: str, settled: Settled, echo: Echo) -> None:
    """Install what is wanted; of a lock first that, and then what our worker needs besides."""
    name = "pip" if "-m" in command else "uv"

    def run(lines: Sequence[str], *options: str) -> None:
        file = os.path.join(folder, "wanted.txt")
        _write(file, lines)
        _run(name, [*command, *options, "--requirement", file], cwd=folder, echo=echo)

    if not settled.hashed:
        run([*settled.lines, *settled.worker])
        return
    run(
        [" ".join([pin, *[f"--hash={one}" for one in hashes]]) for pin, hashes in settled.hashed],
        "--require-hashes",
    )
    pins = os.path.join(folder, "pins.txt")
    # No extras: pip refuses them in constraints.
    _write(pins, [re.sub(r"\[.*\]", "", pin) for pin, _ in settled.hashed])
    run(settled.worker, "--constraint", pins)


def _write(path: str, lines: Sequence[str]) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def _pip(folder: str, interpreter: Interpreter) -> list[str]:
    """Return the words that run pip: our own, else one in an environment of its own."""
    from importlib.machinery import PathFinder

    # Not by the finders of others: setuptools' own has something to say about pip.
    if PathFinder.find_spec("pip") is not None:
        words = [sys.executable, "-I", "-m", "pip"]
    else:
        place = f"{folder}.pip"
        _run("venv", [interpreter.path, "-I", "-m", "venv", place], cwd=os.path.dirname(folder))
        words = [_within(place)[0], "-I", "-m", "pip"]
    same = os.path.realpath(interpreter.path) == os.path.realpath(here().path)
    return words if same else [*words, "--python", interpreter.path]


def _within(folder: str) -> tuple[str, str]:
    """Return the interpreter and the site-packages of an environment."""
    if os.name == "nt":
        return os.path.join(folder, "Scripts", "python.exe"), os.path.join(
            folder, "Lib", "site-packages"
        )
    library = os.path.join(folder, "lib")
    (version,) = [name for name in os.listdir(library) if name.startswith(("python", "pypy"))]
    return os.path.join(folder, "bin", "python"), os.path.join(library, version, "site-packages")


def _compile(interpreter: Interpreter, site: str, final: str) -> None:
    """Write bytecode, which a worker never does; what cannot be compiled is left alone."""
    words = [interpreter.path, "-I", "-S", "-B", "-m", "compileall", "-qq", "-j0"]
    try:
        _run("compileall", [*words, "-s", site, "-p", final, site], cwd=site)
    except Failed:
        pass  # a file for another Python among the others


def _run(
    name: str,
    command: Sequence[str],
    *,
    cwd: str | None,
    echo: Echo | None = None,
    seconds: float = _PATIENCE,
) -> str:
    """Run a program to its end, and return what it said; line by line to ``echo`` meanwhile."""
    kept: deque[str] = deque(maxlen=_KEPT)
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=os.name != "nt",
        )
    except OSError as error:
        raise Failed(name, f"{command[0]}: {error.strerror or error}") from None
    timer = threading.Timer(seconds, _kill, (process,))
    timer.daemon = True
    timer.start()
    with process:
        try:
            for line in process.stdout or ():
                kept.append(_clean(line))
                if echo is not None and kept[-1]:
                    echo(kept[-1])
            code = process.wait()
        except BaseException:
            _kill(process)
            raise
        finally:
            timer.cancel()
    if code:
        raise Failed(name, "\n".join([line for line in kept if line][-_SHOWN:]))
    return "\n".join(kept)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if key in _PASSED}
    url = index_url()
    if url:
        # Not on the command line, which every user of the machine can read.
        environ |= {"UV_DEFAULT_INDEX": url, "PIP_INDEX_URL": url}
    return environ | {"PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1", "PYTHONUTF8": "1"}


def _clean(line: str) -> str:
    """Return a line of a program's as a log may hold it: no escapes, no password of the index."""
    from .output import printable

    url = index_url()
    secret = url.partition("://")[2].rpartition("@")[0]
    if secret:
        line = line.replace(secret, "…")
    return printable(line.rstrip().expandtabs(4))
