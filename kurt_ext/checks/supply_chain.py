"""Ask where what a skill needs is fetched from, and whether it is what it seems.

Whoever installs a skill installs its requirements, and runs what they run. An index of
its own, an address instead of a name, or a name one slip from a well-known one brings
code that nobody has judged, and that can be another tomorrow.

Bad::

    requirements.txt: --extra-index-url http://example.com/simple
    requirements.txt: reqeusts>=2
    requirements.txt: archive @ git+https://example.com/archive.git

Good::

    requirements.txt: requests>=2.32,<3
    requirements.txt: --index-url https://pypi.org/simple
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..findings import Finding
from ..sources import show
from .requirement_text import Place, Verdict, judge
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "foreign-index",
    "trusted-host",
    "direct-address",
    "editable-requirement",
    "build-option",
    "odd-requirement",
    "lookalike-requirement",
    "installer-settings",
    "publishing-settings",
    "install-hook",
)
CATEGORY = "supply_chain"
_MAX_LINES = 5_000
_LISTS = re.compile(
    r"(?:requirements|constraints)[^/]*\.(?:txt|in)|(?:requirements|reqs)/[^/]+\.txt"
)
_INSTALLERS = frozenset(
    (
        *("pip.conf", "pip.ini", "uv.toml", ".condarc", ".npmrc", ".yarnrc", ".yarnrc.yml"),
        *("pydistutils.cfg", ".pydistutils.cfg", "bunfig.toml"),
    )
)
_HOOKS = ("preinstall", "install", "postinstall", "prepare", "preprepare", "prepublish")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is amiss with what the folder's files would have installed."""
    for path in subject.paths:
        name = path.rpartition("/")[2].lower()
        reader = _reader(path.lower(), name)
        if reader is None:
            continue
        data = subject.source(path)
        if data is None:
            continue
        text = data.decode("utf-8", "replace")
        for line, (rule, severity, message, fix) in reader(text):
            evidence = _line(text, line)
            yield Finding(
                *(rule, severity, message),
                path=path,
                line=line,
                fix=fix,
                category=CATEGORY,
                evidence=evidence,
            )
    for number, text in enumerate(_stated(subject)):
        at = subject.at(("requires", number), ("metadata", "kurt/requires"))
        for rule, severity, message, fix in judge(text):
            yield subject.finding(rule, severity, message, at, fix=fix, evidence=text[:200])


def _stated(subject: Subject) -> list[str]:
    return list((subject.record or {}).get("requires", ()))


def _line(text: str, line: int) -> str:
    lines = text.splitlines()
    return lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""


def _reader(path: str, name: str) -> Any:
    """Return what reads a file of that name; None where it is nobody's list."""
    if _LISTS.fullmatch(name) or _LISTS.fullmatch("/".join(path.split("/")[-2:])):
        return _requirements
    if name in _INSTALLERS:
        return _settings
    if name == ".pypirc":
        return _publishing
    if name in ("pyproject.toml", "pipfile"):
        return _toml
    if name == "setup.cfg":
        return _cfg
    if name == "setup.py":
        return _setup
    if name == "package.json":
        return _package
    if name in ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml"):
        return _conda
    return _script if name.endswith(".py") else None


def _requirements(text: str) -> Iterator[Place]:
    hashed = "--hash=" in text
    number = 0
    lines = iter(text.splitlines()[:_MAX_LINES])
    for line in lines:
        number += 1
        start = number
        while line.endswith("\\"):
            line = line[:-1] + " " + next(lines, "")
            number += 1
        for verdict in judge(line, hashed=hashed):
            yield start, verdict


_INDEX_KEY = re.compile(
    r"\s*[\"']?(?:global\.)?(extra[-_]index[-_]url|index[-_]url|index|find[-_]links|trusted[-_]host|"
    r"allow[-_]insecure[-_]host|registry|npmregistryserver|@[\w.-]+:registry|channel_alias|"
    r"default-index|url|_authtoken|//\S+:_auth\w*|channels)[\"']?\s*[=:]\s*(.*)",
    re.IGNORECASE,
)


def _settings(text: str) -> Iterator[Place]:
    """Judge the settings of an installer, which it obeys where it is started in the folder."""
    grave = False
    for number, line in enumerate(text.splitlines()[:_MAX_LINES], 1):
        found = _INDEX_KEY.match(line)
        if not found or line.lstrip().startswith(("#", ";")):
            continue
        key, value = found[1].lower(), found[2].strip(" \"'[]")
        if key.startswith(("trusted", "allow")):
            grave = True
            message = f"{show(value)} is trusted without a certificate"
            yield number, Verdict("trusted-host", "high", message, "delete the line")
        elif "auth" in key:
            grave = True
            message = "it holds a key to an index"
            yield number, Verdict("publishing-settings", "high", message, "delete the line")
        elif not _usual(value):
            grave = True
            message = f"an installer that is started here would fetch from {show(value)}"
            yield number, Verdict("foreign-index", "high", message, "delete the file")
    if not grave:
        message = "it changes how an installer works that is started here"
        yield 0, Verdict("installer-settings", "low", message, "delete the file")


def _usual(value: str) -> bool:
    from .requirement_text import is_usual_index

    return is_usual_index(value) or value.lower() in (
        "conda-forge",
        "defaults",
        "",
        "https://registry.npmjs.org",
        "https://registry.npmjs.org/",
    )


def _publishing(text: str) -> Iterator[Place]:
    severity = "high" if re.search(r"^\s*(?:password|token)\s*[=:]", text, re.M) else "medium"
    message = "it holds where, and as whom, its author publishes"
    yield 0, Verdict("publishing-settings", severity, message, "delete the file")


def _toml(text: str) -> Iterator[Place]:
    import tomllib

    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    lines = text.splitlines()

    def at(needle: str) -> int:
        return next((number for number, line in enumerate(lines, 1) if needle in line), 0)

    for requirement in _listed(document):
        for verdict in judge(requirement):
            yield at(requirement.split("\n")[0]), verdict
    for url, needle, verified in _sources(document):
        if not verified:
            message = f"{show(url)} is trusted without a certificate"
            yield at(needle), Verdict("trusted-host", "high", message, "delete the setting")
        elif not _usual(url):
            message = f"its requirements would be fetched from {show(url)}"
            yield at(needle), Verdict("foreign-index", "high", message, "delete the source")
    for name, address in _addresses(document):
        for verdict in judge(f"{name} @ {address}"):
            yield at(address.rpartition("@")[0][-30:] or address[-30:]), verdict
    yield from _backend(document, at)


def _get(document: object, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def _listed(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the requirements, as PEP 508 texts, that a pyproject.toml lists."""
    groups = [_get(document, "project", "dependencies"), _get(document, "build-system", "requires")]
    groups.append(_get(document, "dependencies"))  # of a script's block
    groups += [_get(document, "tool", "uv", "dev-dependencies")]
    for tables in (
        _get(document, "project", "optional-dependencies"),
        _get(document, "dependency-groups"),
    ):
        if isinstance(tables, Mapping):
            groups += tables.values()
    for group in groups:
        if isinstance(group, list):
            yield from (one for one in group if isinstance(one, str))
    for table in _tables(document):
        # Versions are of another form there, and matter less than the name.
        yield from (name for name in table if name.lower() != "python")


def _tables(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    poetry = _get(document, "tool", "poetry")
    found = [_get(poetry, "dependencies"), _get(poetry, "dev-dependencies")]
    groups = _get(poetry, "group")
    if isinstance(groups, Mapping):
        found += [_get(group, "dependencies") for group in groups.values()]
    if "source" in document or "packages" in document:  # a Pipfile
        found += [document.get("packages"), document.get("dev-packages")]
    return [table for table in found if isinstance(table, Mapping)]


def _sources(document: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield (address, what its line holds, whether its certificate is looked at)."""
    groups = [
        document.get("source"),
        _get(document, "tool", "poetry", "source"),
        _get(document, "tool", "pdm", "source"),
        _get(document, "tool", "uv", "index"),
    ]
    for group in groups:
        for one in group if isinstance(group, list) else ():
            url = _get(one, "url")
            if isinstance(url, str):
                yield url, url, _get(one, "verify_ssl") is not False
    for program in (("tool", "uv"), ("tool", "uv", "pip"), ("tool", "pip")):
        for key in ("index-url", "extra-index-url", "find-links"):
            value = _get(document, *program, key)
            for url in value if isinstance(value, list) else [value]:
                if isinstance(url, str):
                    yield url, url, True
        hosts = _get(document, *program, "allow-insecure-host")
        for host in hosts if isinstance(hosts, list) else ():
            yield str(host), str(host), False
    links = _get(document, "tool", "setuptools", "dependency-links")
    for url in links if isinstance(links, list) else ():
        yield str(url), str(url), True


def _addresses(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, address) of what poetry, uv or pipenv fetch from an address."""
    tables = _tables(document)
    sources = _get(document, "tool", "uv", "sources")
    if isinstance(sources, Mapping):
        tables.append(sources)
    for table in tables:
        for name, entry in table.items():
            for one in entry if isinstance(entry, list) else [entry]:
                git, url = _get(one, "git"), _get(one, "url") or _get(one, "file")
                revision = _get(one, "rev") or _get(one, "ref") or _get(one, "tag")
                if isinstance(git, str):
                    yield name, f"git+{git}@{revision}" if revision else f"git+{git}"
                elif isinstance(url, str) and "://" in url:
                    yield name, url


def _backend(document: Mapping[str, Any], at: Any) -> Iterator[Place]:
    """Judge what a build would run of the folder itself."""
    fix = "let a published build backend do it"
    for keys, needle in (
        (("build-system", "backend-path"), "backend-path"),
        (("tool", "hatch", "build", "hooks", "custom"), "hooks.custom"),
        (("tool", "setuptools", "cmdclass"), "cmdclass"),
        (("tool", "pdm", "build", "run-setuptools"), "run-setuptools"),
        (("tool", "poetry", "build"), "poetry.build"),
    ):
        if _get(document, *keys):
            message = f"{'.'.join(keys)} runs code of the folder when it is built"
            yield at(needle), Verdict("install-hook", "medium", message, fix)


def _cfg(text: str) -> Iterator[Place]:
    """Judge a setup.cfg: lists of requirements, links and options of easy_install."""
    wanted = ("install_requires", "setup_requires", "tests_require", "requires")
    key = section = ""
    for number, line in enumerate(text.splitlines()[:_MAX_LINES], 1):
        if line.startswith("["):
            section, key = line.strip("[] \t").lower(), ""
            continue
        value = line.strip()
        if line[:1] not in (" ", "\t") and "=" in line:
            key, _, value = (part.strip() for part in line.partition("="))
            key = key.lower().replace("-", "_")
        if not value or value.startswith(("#", ";")):
            continue
        if key in wanted or section == "options.extras_require":
            for verdict in judge(value):
                yield number, verdict
        elif key in ("dependency_links", "index_url", "find_links", "extra_index_url"):
            if not _usual(value):
                message = f"its requirements would be fetched from {show(value)}"
                yield number, Verdict("foreign-index", "high", message, "delete the line")
        elif key == "cmdclass":
            message = "it runs code of the folder when it is installed"
            yield number, Verdict("install-hook", "high", message, "delete the line")


def _setup(text: str) -> Iterator[Place]:
    """Judge a setup.py by its text; what its code does, other checks say."""
    for found in re.finditer(r"\b(cmdclass|dependency_links)\s*=", text):
        line = text.count("\n", 0, found.start()) + 1
        if found[1] == "cmdclass":
            message = "it runs code of the folder when it is installed"
            yield line, Verdict("install-hook", "high", message, "delete the argument")
        else:
            message = "it names addresses to fetch requirements from"
            yield line, Verdict("foreign-index", "high", message, "delete the argument")
    for found in re.finditer(r"\b(?:install|setup|tests?)_requires?\s*=\s*\[([^\]]*)\]", text):
        for quoted in re.finditer(r"[\"']([^\"'\n]+)[\"']", found[1]):
            line = text.count("\n", 0, found.start(1) + quoted.start()) + 1
            for verdict in judge(quoted[1]):
                yield line, verdict
    yield from _script(text)


def _package(text: str) -> Iterator[Place]:
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    lines = text.splitlines()

    def at(needle: str) -> int:
        return next((number for number, line in enumerate(lines, 1) if needle in line), 0)

    scripts = _get(document, "scripts")
    for hook in _HOOKS if isinstance(scripts, Mapping) else ():
        if scripts.get(hook):
            message = f"{hook} runs {show(str(scripts[hook]))} when it is installed"
            yield at(f'"{hook}"'), Verdict("install-hook", "high", message, "delete the script")
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        table = _get(document, group)
        for name, version in table.items() if isinstance(table, Mapping) else ():
            if isinstance(version, str) and re.match(r"(?:git|https?|file|ssh)\b.*[:/]", version):
                message = f"{show(str(name))} is fetched from {show(version)}"
                yield (
                    at(f'"{name}"'),
                    Verdict("direct-address", "medium", message, "name a version"),
                )


def _conda(text: str) -> Iterator[Place]:
    inside = ""
    for number, line in enumerate(text.splitlines()[:_MAX_LINES], 1):
        value = line.strip()
        if value.rstrip(":") in ("channels", "dependencies", "- pip") and value.endswith(":"):
            inside = value.strip("-: ")
        elif value.startswith("- "):
            item = value[2:].strip(" \"'")
            if inside == "channels" and "://" in item and "conda.anaconda.org" not in item:
                message = f"its requirements would be fetched from {show(item)}"
                yield number, Verdict("foreign-index", "high", message, "name a usual channel")
            elif inside == "pip":
                for verdict in judge(item):
                    yield number, verdict


@cache
def _block() -> re.Pattern[str]:
    return re.compile(r"(?m)^# /// script\s*$\n((?:^#(?: .*)?$\n)+?)^# ///\s*$")


def _script(text: str) -> Iterator[Place]:
    """Judge the block at the head of a script in which it lists its requirements (PEP 723)."""
    if "# /// script" not in text:
        return
    found = _block().search(text)
    if found is None:
        return
    before = text.count("\n", 0, found.start(1))
    block = "\n".join(
        [line[2:] if line[:2] == "# " else line[1:] for line in found[1].splitlines()]
    )
    for line, verdict in _toml(block):
        yield (line + before if line else before + 1), verdict
