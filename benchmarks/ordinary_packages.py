"""Judge ordinary packages of PyPI, each wrapped as a plugin that asks for what it needs.

The wheels come from the registry with pip, once. Each is unpacked beside a plugin.json and a
small main.py that imports the package; the permissions are those that `kurt permissions infer`
works out. What is still said of these packages is either a true capability, which a maintainer
would sign, or a fault of a check: a row of every severe finding is printed for a person to read.

With ``--asked FILE``, rows that a person has read and accepted (JSON: package → rule → why) are
counted apart.
"""

from __future__ import annotations

import argparse
import ast
import email
import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from kurt_ext.checks.subject import Subject
from kurt_ext.findings import SEVERITIES, Finding
from kurt_ext.hostfacts import HostFacts
from kurt_ext.inference import infer
from kurt_ext.manifest import read
from kurt_ext.report import Report
from kurt_ext.validator import Check, installed_checks, judge

#: Packages of Python alone, of many kinds, that many programs use.
NAMES = """
    anyio apscheduler arrow attrs beautifulsoup4 bleach blinker boltons cachetools cattrs certifi
    click colorama cssselect dacite decorator deepdiff docutils faker fastapi feedparser filelock
    flask freezegun gitpython h11 html5lib httpcore httpx humanize icalendar idna iniconfig
    itsdangerous jinja2 jmespath jsonschema lark loguru markdown markdown-it-py marshmallow mistune
    more-itertools networkx openpyxl packaging parso peewee platformdirs pluggy ply prompt_toolkit
    pydantic pyflakes pygments pyjwt pyparsing pypdf pytest python-dateutil python-dotenv pytz
    questionary requests rfc3986 rich schedule simpleeval six sniffio sortedcontainers starlette
    stevedore structlog tabulate tenacity texttable tinydb tomlkit toolz tqdm typer tzlocal urllib3
    uvicorn validators werkzeug xmltodict
""".split()
MAIN = '''"""Offer a package."""

{imports}

def create_plugin(context):
    """Return what the package is made of."""
    return [{tops}]
'''
SEVERE = ("critical", "high", "error")


class Row(NamedTuple):
    """One package that was judged.

    :param seconds: of reading, inferring and judging.
    """

    name: str
    version: str
    modules: int
    seconds: float
    report: Report
    unproven: int


def download(names: list[str], wheels: Path) -> None:
    """Fetch the wheels that are not there yet, without what they depend on."""
    wheels.mkdir(parents=True, exist_ok=True)
    there = {_plain(path.name.partition("-")[0]) for path in wheels.glob("*.whl")}
    wanted = [name for name in names if _plain(name) not in there]
    if wanted:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run(
            [*pip, "--only-binary=:all:", "--dest", str(wheels), *wanted],
            check=True,
        )


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def wrap(wheel: Path, folder: Path) -> str:
    """Unpack a wheel as a plugin without permissions; return the package's version."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (information,) = folder.glob("*.dist-info")
    metadata = email.message_from_string((information / "METADATA").read_text("utf-8"))
    shutil.rmtree(information)
    for data in folder.glob("*.data"):
        shutil.rmtree(data)
    tops = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    tops += sorted(path.stem for path in folder.glob("*.py"))
    for path in folder.rglob("*.py"):
        make_relative(path, len(path.relative_to(folder).parts), set(tops))
    imports = "".join(f"from . import {top}\n" for top in tops)
    (folder / "main.py").write_text(MAIN.format(imports=imports, tops=", ".join(tops)))
    write(folder, str(metadata["Name"]), str(metadata["Version"]), {})
    return str(metadata["Version"])


def make_relative(path: Path, depth: int, tops: set[str]) -> None:
    """Rewrite a module's absolute imports of its own package, as whoever vendors one does.

    :param depth: how many dots lead from it to the plugin's folder.
    """
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text)
    except (SyntaxError, UnicodeDecodeError):
        return
    lines = text.split("\n")
    dots = "." * depth
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            if node.module.partition(".")[0] in tops:
                line = lines[node.lineno - 1]
                place = line.index("from ", len(line) - len(line.lstrip())) + 5
                lines[node.lineno - 1] = line[:place] + dots + line[place:].lstrip()
        elif isinstance(node, ast.Import) and node.lineno == node.end_lineno:
            if not all(one.name.partition(".")[0] in tops for one in node.names):
                continue
            spelled = "; ".join(_relative(one.name, one.asname, dots) for one in node.names)
            line = lines[node.lineno - 1]
            start = len(line.encode()[: node.col_offset].decode())
            end = len(line.encode()[: node.end_col_offset].decode())
            lines[node.lineno - 1] = line[:start] + spelled + line[end:]
    path.write_text("\n".join(lines), "utf-8")


def _relative(name: str, alias: str | None, dots: str) -> str:
    before, _, last = name.rpartition(".")
    if alias or not before:
        return f"from {dots}{before} import {last}" + (f" as {alias}" if alias else "")
    return f"from {dots}{before} import {last} as _; from {dots} import {name.partition('.')[0]}"


def write(folder: Path, name: str, version: str, permissions: dict[str, Any]) -> None:
    """Write the manifest of a wrapped package."""
    numbers = [*version.split("+")[0].split("."), "0", "0"][:3]
    manifest = {
        "plugin_id": f"com.example.wrapped-{_plain(name).replace('_', '-')}",
        "name": f"Wrapped {name}",
        "version": ".".join(str(int("".join(filter(str.isdigit, part)) or 0)) for part in numbers),
        "description": f"Offers what the package {name} does.",
        "author": "An author",
        "license": "MIT",
        "plugin_type": "custom",
        "entry_point": "main",
        "capabilities": [],
        "permissions": permissions,
    }
    (folder / "plugin.json").write_text(json.dumps(manifest, indent=1) + "\n")


def judged(wheel: Path, folder: Path, checks: list[Check], facts: HostFacts) -> Row:
    """Wrap a wheel, give it the permissions that are inferred, and judge it."""
    version = wrap(wheel, folder)
    name = wheel.name.partition("-")[0]
    inferred = infer(Subject(read(str(folder)), facts=facts).analysis.uses)
    write(folder, name, version, inferred.permissions)
    start = time.perf_counter()
    subject = Subject(read(str(folder)), facts=facts)
    report = judge(subject, checks, str(folder))
    seconds = time.perf_counter() - start
    return Row(name, version, len(subject.all_modules), seconds, report, len(inferred.unproven))


def told(finding: Finding) -> str:
    """Return a finding in a line."""
    return f"{finding.severity:8} {finding.rule:28} {finding.at:50} {finding.message}"


def main() -> None:
    """Print a line for every package, its severe findings, and how many there are of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where wheels and folders go")
    parser.add_argument("--asked", type=Path, help="JSON of findings that a person accepted")
    parser.add_argument("--quiet", action="store_true", help="the table alone")
    parser.add_argument("names", nargs="*", help="packages; those of this file if none")
    given = parser.parse_args()
    names = given.names or NAMES
    download(names, given.dir / "wheels")
    accepted = json.loads(given.asked.read_text()) if given.asked else {}
    wanted = {_plain(name) for name in names}
    checks, facts = installed_checks(), HostFacts()
    rows = [
        judged(wheel, given.dir / "plugins" / wheel.name.partition("-")[0], checks, facts)
        for wheel in sorted((given.dir / "wheels").glob("*.whl"))
        if _plain(wheel.name.partition("-")[0]) in wanted
    ]
    counts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for row in rows:
        severe = [finding for finding in row.report.findings if finding.severity in SEVERE]
        signed = accepted.get(row.name.lower(), {})
        left = [finding for finding in severe if finding.rule not in signed]
        found = Counter(finding.severity for finding in severe)
        words = " ".join(f"{found[word]} {word}" for word in SEVERITIES[::-1] if found[word])
        print(
            f"{row.name + ' ' + row.version:34} {row.modules:5} modules {row.seconds:7.2f} s"
            f"  score {row.report.score:3}  {words or '-':24}"
            f" {len(severe) - len(left)} accepted  {row.unproven} not proven"
        )
        if not given.quiet:
            for finding in severe:
                print("   ", "signed" if finding.rule in signed else "      ", told(finding))
        worst = max((finding.severity for finding in left), key=SEVERITIES.index, default="none")
        counts[worst] += 1
        rules.update(finding.rule for finding in left)
    modules, seconds = sum(row.modules for row in rows), sum(row.seconds for row in rows)
    print(f"\n{len(rows)} packages, {modules} modules, {seconds:.1f} s")
    print("worst finding not accepted:", ", ".join(f"{n} {word}" for word, n in counts.items()))
    for rule, number in rules.most_common():
        print(f"  {number:5} {rule}")


if __name__ == "__main__":
    main()
