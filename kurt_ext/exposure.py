"""What a skill's code uses of the world, by reading it: the factors of the plugin document.

A use is a *reference*, not a call: ``run = os.system`` is one. How far names are
followed, `references` says; what cannot be followed is said to be so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .checks.subject import Subject, is_test
from .findings import Finding
from .names import PACKAGE, UNREAD
from .references import Scope
from .sources import show

__all__ = ["FACTORS", "Use", "check", "uses"]

#: Factor → (points, permissions that declare it, severity where none does, what it does).
#: The points are the plugin document's ("Security Score & Risk Level").
FACTORS: dict[str, tuple[int, tuple[str, ...], str, str]] = {
    "evaluation": (30, (), "critical", "runs code that is made while it runs"),
    "process": (30, ("processes",), "critical", "starts programs"),
    "native": (30, ("native_code",), "critical", "runs native code"),
    "write": (15, ("filesystem_write",), "high", "writes or deletes files"),
    "network": (10, ("network_hosts",), "high", "talks to the network"),
    "service": (10, ("external_apis",), "high", "uses an external service"),
    "environment": (5, ("environment_variables",), "high", "reads the environment"),
}
#: Dotted name → factor; a name means itself and what lies beneath it.
_NAMES: dict[str, str] = {
    name: factor
    for factor, names in {
        "evaluation": (
            "builtins.eval builtins.exec builtins.compile code codeop runpy pickle _pickle dill "
            "cloudpickle marshal shelve jsonpickle types.CodeType "
            "importlib.util.spec_from_file_location importlib.machinery.SourceFileLoader "
            "sys.settrace sys.setprofile yaml.unsafe_load yaml.UnsafeLoader "
            "yaml.full_load"
        ),
        "process": (
            "os.system os.popen os.execl os.execle os.execlp os.execlpe os.execv os.execve "
            "os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv "
            "os.spawnve os.spawnvp os.spawnvpe os.posix_spawn os.posix_spawnp os.fork os.forkpty "
            "os.startfile os.kill os.killpg posix nt subprocess _posixsubprocess pty popen2 "
            "asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess "
            "multiprocessing concurrent.futures.ProcessPoolExecutor pexpect sh anyio.run_process "
            "anyio.open_process trio.run_process"
        ),
        "native": "ctypes _ctypes cffi _cffi_backend",
        "write": (
            "os.remove os.unlink os.rmdir os.removedirs os.rename os.renames os.replace os.mkdir "
            "os.makedirs os.link os.symlink os.chmod os.chown os.truncate os.utime os.mkfifo "
            "shutil.rmtree shutil.move shutil.copy shutil.copy2 shutil.copyfile shutil.copytree "
            "shutil.unpack_archive shutil.make_archive"
        ),
        "network": (
            "socket _socket socketserver ssl http.client http.server urllib.request ftplib "
            "smtplib imaplib poplib telnetlib nntplib xmlrpc requests httpx httpx2 aiohttp urllib3 "
            "websockets websocket paramiko asyncio.open_connection asyncio.start_server "
            "asyncio.open_unix_connection anyio.connect_tcp trio.open_tcp_stream webbrowser "
            "pycurl dns grpc zmq"
        ),
        "service": (
            "openai anthropic cohere mistralai boto3 botocore google.cloud googleapiclient azure "
            "stripe twilio slack_sdk telegram discord github gitlab sendgrid huggingface_hub"
        ),
        "environment": "os.environ os.environb os.getenv os.getenvb os.putenv os.unsetenv",
    }.items()
    for name in names.split()
}
#: Names that only look like the use of what lies above them.
_HARMLESS = (
    "urllib.request.pathname2url", "urllib.request.url2pathname", "asyncio.subprocess.PIPE",
    "socket.gethostname", "ssl.SSLError", "http.client.HTTPException", "http.client.responses",
    "pickle.PickleError", "subprocess.CalledProcessError", "subprocess.TimeoutExpired",
    "requests.exceptions", "httpx.HTTPError", "shelve.__doc__", "multiprocessing.cpu_count",
)  # fmt: skip
#: Modules that others import, and that are reached through them: ``glob.os.system``.
_REACHED = ("os", "posix", "nt", "subprocess", "builtins", "socket", "ctypes", "shutil", "pickle")
#: Methods of any object that surely write; of files, paths and archives.
_WRITING = (
    "write_text",
    "write_bytes",
    "unlink",
    "rmdir",
    "symlink_to",
    "hardlink_to",
    "touch",
    "mkdir",
)
_ESCAPES = ("__subclasses__", "__globals__", "__builtins__", "f_globals", "f_builtins")
_IMPORTING = ("builtins.__import__", "importlib.import_module")
_READERS = ("os.getenv", "os.environ.get", "os.environ", "os.environ.pop", "os.getenvb")


class Use(NamedTuple):
    """One use at one place.

    :param factor: a key of :data:`FACTORS`, or ``unknown`` where a name cannot be followed.
    :param what: the dotted name, as ``os.system``.
    :param target: the host or variable where the code spells it, else "".
    """

    factor: str
    what: str
    node: ast.AST
    target: str = ""


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each factor of each module: declared, or an error where it is not."""
    granted = (subject.record or {}).get("permissions") or {}
    tests = {
        _dotted(path): path for path in subject.paths if path.endswith(".py") and is_test(path)
    }
    entries = {subject.entry_module, *[module for _, _, module in subject.implements()]}
    waiting = [*subject.modules, *{path for name in entries for path in _reached(name, tests)}]
    for path in waiting:  # grows while it is read
        tree = subject.tree(path)
        if tree is None:
            yield from _unread(subject, path)
            continue
        for name, node in _own_names(tree, path, calls=bool(tests)):
            reached = _reached(name, tests)
            waiting += [test for test in reached if test not in waiting]
            if not UNREAD.isdisjoint(name.split(".")):
                message = f"{name}: what lies there is not looked into, and not imported"
                yield subject.finding("not-analysed", "high", message, node, path=path)
        told: set[tuple[str, str, str]] = set()
        for use in uses(tree):
            finding = _judged(subject, path, use, granted)
            key = (finding.rule, use.what, use.target)
            if key not in told:  # the first place tells of each
                told.add(key)
                yield finding
    if len(subject.paths) >= 10_000:
        yield subject.finding("not-analysed", "high", "there are too many files to look at")


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _own_names(tree: ast.Module, path: str, *, calls: bool) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may name a module of the skill itself, from its folder on.

    :param calls: look at the calls that import, too.
    """
    folder = path.split("/")[:-1]
    scope: Scope | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            names = [whole, *[f"{whole}.{alias.name}".lstrip(".") for alias in node.names]]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif calls and isinstance(node, ast.Call) and node.args:
            scope = scope or Scope(tree)
            is_import = scope.dotted(node.func) in _IMPORTING
            text = (scope.text(node.args[0]) if is_import else None) or ""
            names = [text.lstrip("."), ".".join([*folder, text.lstrip(".")])]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield ".".join(parts[2:] if parts[0] == PACKAGE else parts), node


def _reached(name: str, tests: Mapping[str, str]) -> Iterator[str]:
    """Yield the tests of a skill that an import of ``name`` may run; its code then."""
    parts = name.split(".") if tests else []
    for end in range(1, len(parts) + 1):
        whole = ".".join(parts[:end])
        if whole in tests:
            yield tests[whole]
        if parts[end - 1] in ("tests", "test"):  # __all__ may name whatever lies in it
            yield from (path for test, path in tests.items() if test.startswith(f"{whole}."))


def _unread(subject: Subject, path: str) -> Iterator[Finding]:
    line, column, reason = subject.unparsed.get(
        path, (0, 0, "it is no plain file of 1 MiB or less")
    )
    message = f"it was not looked into: {reason}"
    yield subject.finding("not-analysed", "high", message, (path, line, column))


def _judged(subject: Subject, path: str, use: Use, granted: Mapping[str, Any]) -> Finding:
    """Return what is to be said of a use, by what the manifest declares."""
    if use.factor == "unknown":
        message = f"{use.what}: what is meant is known only when it runs"
        fix = "write the name out"
        return subject.finding("unprovable-use", "medium", message, use.node, path=path, fix=fix)
    _, keys, severity, does = FACTORS[use.factor]
    spelled = f"{use.what} {does}"
    allowed = any(granted.get(key) for key in keys)
    if allowed and use.target and not _covers(granted[keys[0]], use.target):
        message = f"{spelled}: {show(use.target)}, which {keys[0]} does not name"
        fix = f"add {use.target} to permissions: {keys[0]}"
        return subject.finding(
            f"undeclared-{use.factor}", severity, message, use.node, path=path, fix=fix
        )
    if allowed:
        severity = "medium" if FACTORS[use.factor][0] == 30 else "low"
        message = f"{spelled}, as {keys[0]} declares"
        return subject.finding(f"declared-{use.factor}", severity, message, use.node, path=path)
    if not keys:
        message, fix = f"{spelled}, and no permission covers that", "do without it"
    else:
        message = f"{spelled}, and the manifest does not declare {keys[0]}"
        fix = f"declare permissions: {keys[0]}, or do without it"
    return subject.finding(
        f"undeclared-{use.factor}", severity, message, use.node, path=path, fix=fix
    )


def _covers(listed: Any, target: str) -> bool:
    wanted = target.casefold()
    for item in listed if isinstance(listed, (list, tuple)) else ():
        pattern = str(item).casefold().partition("://")[2] or str(item).casefold()
        named = pattern.partition(":")[0].partition("/")[0]
        beneath = named.startswith("*.") and wanted.endswith(named[1:])
        if named in ("*", wanted) or beneath:
            return True
    return False


def uses(tree: ast.Module) -> Iterator[Use]:
    """Yield what a module uses, in the order of its text."""
    scope = Scope(tree)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found: list[tuple[int, int, Use]] = []
    named: set[str] = set()
    for node, name in scope.expressions(tree):
        named |= {name} if name else set()
        for use in _at(scope, node, name, calls.get(id(node))):
            found.append((node.lineno, node.col_offset, use))
    for one in ast.walk(tree):
        if isinstance(one, (ast.Import, ast.ImportFrom)):
            for use in _imported(one, named):
                found.append((one.lineno, one.col_offset, use))
    yield from (use for _, _, use in sorted(found, key=lambda one: one[:2]))


def _at(scope: Scope, node: ast.expr, name: str | None, call: ast.Call | None) -> Iterator[Use]:
    """Yield the uses that one expression is.

    :param name: the dotted name that it stands for, unless a longer one contains it.
    :param call: the call whose function it is.
    """
    if isinstance(node, ast.Attribute) and node.attr in _ESCAPES:
        yield Use("evaluation", f"….{node.attr}", node)
    elif isinstance(node, ast.Call):
        yield from _called(scope, node)
    factor = _factor(name) if name else None
    if name and factor:
        yield Use(factor, name.removeprefix("builtins."), node, _target(name, node, call, scope))


def _imported(node: ast.Import | ast.ImportFrom, named: set[str]) -> Iterator[Use]:
    """Yield what an import brings that the module then names nowhere, or not by its name."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.level or not node.module:
            return
        names = [node.module if name == "*" else f"{node.module}.{name}" for name in names]
        if names == [node.module] and any(one.startswith(f"{node.module}.") for one in _NAMES):
            yield Use("unknown", f"from {node.module} import *", node)
    for name in names:
        factor = _factor(name)
        if factor and not any(one == name or one.startswith(f"{name}.") for one in named):
            yield Use(factor, name, node)


#: The arguments of a file's ``open``; None stands for ``**``.
_OF_OPEN = {"mode", "buffering", "encoding", "errors", "newline", None}


def _called(scope: Scope, node: ast.Call) -> Iterator[Use]:
    name = scope.dotted(node.func)
    if name in ("builtins.open", "io.open", "os.open", "codecs.open", "gzip.open", "bz2.open"):
        if _writes(scope, name, node):
            yield Use("write", f"{name.removeprefix('builtins.')}()", node)
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _WRITING:
        yield Use("write", f"….{node.func.attr}()", node)
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "open":
        if name is None:
            yield from _opened(scope, node)
    elif name == "builtins.getattr" or name in _IMPORTING:
        subject = node.args[0] if node.args else None
        of_module = name != "builtins.getattr" or (
            subject is not None and scope.dotted(subject) is not None
        )
        if of_module and scope.dotted(node) is None:
            yield Use("unknown", f"{name.removeprefix('builtins.')}(…)", node)


def _opened(scope: Scope, node: ast.Call) -> Iterator[Use]:
    """Yield what the method ``open`` of something may be: a path's takes the mode first."""
    words = {word.arg: word.value for word in node.keywords}
    if set(words) - _OF_OPEN:  # opener.open(request, timeout=5)
        return
    mode = words.get("mode", node.args[0] if node.args else None)
    text = scope.text(mode) if mode is not None else ""
    if text is None or None in words:
        yield Use("unknown", "….open(…)", node)
    elif set(text) <= set("rwxabtU+") and any(sign in text for sign in "wax+"):
        yield Use("write", "….open()", node)


def _writes(scope: Scope, name: str, node: ast.Call) -> bool:
    """Return whether a call of open writes, or may."""
    given = [word.value for word in node.keywords if word.arg in ("mode", "flags")]
    mode = given[0] if given else node.args[1] if len(node.args) > 1 else None
    if mode is None:
        return any(word.arg is None for word in node.keywords)
    if name == "os.open":
        return "O_RDONLY" not in ast.dump(mode) or "O_CREAT" in ast.dump(mode)
    text = scope.text(mode)
    return text is None or any(sign in text for sign in "wax+")


def _target(name: str, node: ast.AST, call: ast.Call | None, scope: Scope) -> str:
    """Return the host or the variable that a use is about, where the code spells it."""
    if isinstance(node, ast.Subscript) and _factor(name) == "environment":
        return scope.text(node.slice) or ""
    if call is None or not call.args:
        return ""
    factor = _factor(name)
    first = scope.text(call.args[0])
    if first is None:
        return ""
    if factor == "environment" and name in _READERS:
        return first
    if factor == "network" and "://" in first:
        try:
            return urlsplit(first).hostname or ""
        except ValueError:
            return ""
    return ""


def _factor(name: str) -> str | None:
    if name.startswith(_HARMLESS):
        return None
    parts = name.split(".")
    for start in range(len(parts)):
        if start and parts[start] not in _REACHED:
            continue
        for end in range(len(parts), start, -1):
            factor = _NAMES.get(".".join(parts[start:end]))
            if factor is not None:
                return factor
    return None
