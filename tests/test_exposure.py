"""What code uses is read from it, however it spells the name, and no more than it uses."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.exposure import FACTORS, uses


def found(text: str) -> set[tuple[str, str]]:
    return {(use.factor, use.what) for use in uses(ast.parse(text))}


P30 = [
    ("import builtins\ngetattr(builtins, 'ev' + 'al')('1')", "evaluation", "eval"),
    ("import builtins\nbuiltins.eval('1')", "evaluation", "eval"),
    ("e = eval\ne('1')", "evaluation", "eval"),
    ("import shutil\nshutil.rmtree('x')", "write", "shutil.rmtree"),
    ("from shutil import rmtree as r\nr('x')", "write", "shutil.rmtree"),
    ("import asyncio\nasyncio.create_subprocess_shell('x')", "process",
     "asyncio.create_subprocess_shell"),
    ("import pickle\npickle.loads(b'')", "evaluation", "pickle.loads"),
    ("import pty\npty.spawn('x')", "process", "pty.spawn"),
    ("import runpy\nrunpy.run_path('x')", "evaluation", "runpy.run_path"),
    ("import posix\nposix.system('x')", "process", "posix.system"),
    ("import _posixsubprocess as p\np.fork_exec()", "process", "_posixsubprocess.fork_exec"),
    ("import ftplib\nftplib.FTP('x')", "network", "ftplib.FTP"),
    ("import smtplib\nsmtplib.SMTP('x')", "network", "smtplib.SMTP"),
    ("import glob\nglob.os.system('x')", "process", "glob.os.system"),
    ("().__class__.__base__.__subclasses__()", "evaluation", "….__subclasses__"),
    ("import pathlib\npathlib.Path('x').unlink()", "write", "….unlink()"),
    ("import aiohttp\naiohttp.ClientSession()", "network", "aiohttp.ClientSession"),
]  # fmt: skip
SPELLINGS = [
    ("exec('x')", "evaluation", "exec"),
    ("__import__('o' + 's').popen('x')", "process", "os.popen"),
    ("import importlib\nimportlib.import_module('subprocess').run('x')", "process",
     "subprocess.run"),
    ("import sys\nsys.modules['os'].system('x')", "process", "os.system"),
    ("import os\nvars(os)['system']('x')", "process", "os.system"),
    ("import os\nos.__dict__['system']('x')", "process", "os.system"),
    ("__builtins__['eval']('1')", "evaluation", "eval"),
    ("globals()['__builtins__']['eval']('1')", "evaluation", "eval"),
    ("import os\nn = 'sys' + 'tem'\ngetattr(os, n)('x')", "process", "os.system"),
    ("import os\ngetattr(os, ''.join(['sys', 'tem']))('x')", "process", "os.system"),
    ("import os\ngetattr(os, 'metsys'[::-1])('x')", "process", "os.system"),
    ("import os\nn = 'sys'\ngetattr(os, f'{n}tem')('x')", "process", "os.system"),
    ("import os as o\np = o\nq = p.system\nq('x')", "process", "os.system"),
    ("import subprocess", "process", "subprocess"),
    ("from subprocess import run", "process", "subprocess.run"),
    ("from pickle import *", "evaluation", "pickle"),
    ("import ctypes\nctypes.CDLL('x')", "native", "ctypes.CDLL"),
    ("open('x', 'w')", "write", "open()"),
    ("open('x', mode='a')", "write", "open()"),
    ("open('x', mode=m)", "write", "open()"),
    ("open('x', **k)", "write", "open()"),
    ("import os\nos.open('x', os.O_WRONLY)", "write", "os.open()"),
    ("p.open('r+')", "write", "….open()"),
    ("p.open(mode='wb', buffering=0)", "write", "….open()"),
    ("p.open(mode)", "unknown", "….open(…)"),
    ("p.open(**k)", "unknown", "….open(…)"),
    ("import openai\nopenai.OpenAI()", "service", "openai.OpenAI"),
    ("import os\nos.environ['A']", "environment", "os.environ"),
    ("def f():\n    import os\n    return os.getenv('A')", "environment", "os.getenv"),
    ("import os\ngetattr(os, name)", "unknown", "getattr(…)"),
    ("import importlib\nimportlib.import_module(name)", "unknown", "importlib.import_module(…)"),
    ("__import__(name)", "unknown", "__import__(…)"),
    ("from os import *", "unknown", "from os import *"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "factor", "what"), P30 + SPELLINGS)
def test_p30_a_use_is_found_however_it_is_spelled(text: str, factor: str, what: str) -> None:
    assert (factor, what) in found(text)


P31 = [
    "import httpx_mock, sysconfig, os_utils, executor_helpers, subprocesses",
    "from .http_client import x\nfrom .subprocess import run\nrun()",
    "from . import subprocess\nsubprocess.run()",
    "import re\nre.compile('x')",
    "def eval(x): return x\neval(1)",
    "class A:\n    def exec(self): pass\nA().exec()",
    "def f(open): open('x', 'w')",
    "open('x')\nopen('y', 'rb')\nimport tarfile\ntarfile.open('x')",
    "opener.open(request, timeout=5)\nbrowser.open('https://example.com/a')\np.open()",
    "p.open('rb')\np.open(encoding='utf-8')",
    "import os\nos.path.join('a')\nos.getcwd()",
    "import subprocess\ntry:\n    f()\nexcept subprocess.CalledProcessError:\n    pass",
    "from urllib.parse import urlsplit\nurlsplit('x')",
    "getattr(self, name)\ngetattr(x, 'system')",
    "import importlib\nimportlib.import_module('json')",
    "# https://example.com\nx = 'https://example.com eval( os.system'",
    "'''import subprocess'''",
]


@pytest.mark.parametrize("text", P31)
def test_p31_what_only_looks_like_a_use_is_none(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("import os\nos.environ['KEY']", "KEY"),
        ("import os\nos.environ.get('KEY', 1)", "KEY"),
        ("import os\nos.getenv('KEY')", "KEY"),
        ("import os\ne = os.environ\ne['KEY']", "KEY"),
        ("import httpx\nhttpx.get('https://api.example.com:8443/x')", "api.example.com"),
        ("import httpx\nhttpx.get(url)", ""),
        ("import httpx\nhttpx.get('https://[bad')", ""),
    ],
)
def test_what_a_use_is_about_is_told_where_it_is_spelled(text: str, target: str) -> None:
    assert target in [use.target for use in uses(ast.parse(text))]


def test_uses_come_in_the_order_of_the_text() -> None:
    text = "import os\nos.getenv('A')\nopen('x', 'w')\neval('1')\n"
    lines = [use.node.lineno for use in uses(ast.parse(text))]  # type: ignore[attr-defined]
    assert lines == [2, 3, 4]


def test_the_points_are_those_of_the_document() -> None:
    points = {factor: row[0] for factor, row in FACTORS.items()}
    assert points["evaluation"] == points["process"] == points["native"] == 30
    assert (points["write"], points["network"], points["service"], points["environment"]) == (
        15, 10, 10, 5,
    )  # fmt: skip


NAMES = st.sampled_from(["os", "eval", "getattr", "x", "sys", "modules", "environ", "__import__"])
EXPRESSIONS: Any = st.recursive(
    NAMES | st.sampled_from(["'os'", "'ev'", "1", "f'{x}'"]),
    lambda inner: (
        st.tuples(inner, NAMES).map(lambda p: f"({p[0]}).{p[1]}")
        | st.tuples(inner, inner).map(lambda p: f"({p[0]})({p[1]})")
        | st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]")
        | st.tuples(inner, inner).map(lambda p: f"({p[0]} + {p[1]})")
        | inner.map(lambda e: f"({e})[::-1]")
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(NAMES, EXPRESSIONS), max_size=5))
def test_no_code_breaks_the_reader(lines: list[tuple[str, str]]) -> None:
    text = "import os, sys\n" + "".join(f"{name} = {value}\n" for name, value in lines)
    list(uses(ast.parse(text)))


def test_code_that_is_nested_deeply_or_long_ends() -> None:
    for text in ("x = " + "-" * 80 + "1", "a = " + ".b".join("c" * 90), "e = eval\n" * 3000):
        list(uses(ast.parse(text)))
    chain = "x0 = 'a'\n" + "".join(f"x{n} = x{n - 1} + x{n - 1}\n" for n in range(1, 60))
    list(uses(ast.parse(chain + "import os\ngetattr(os, x59)")))
