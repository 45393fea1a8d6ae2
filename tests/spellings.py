"""Ways to reach what is dangerous, each with the name, or the rule, that must be seen."""

from __future__ import annotations

import base64
import codecs
import zlib
from collections.abc import Mapping

Code = str | Mapping[str, str]

_B64 = base64.b64encode(b"system").decode()
_OS64 = base64.b64encode(b"os").decode()
_PAYLOAD = base64.b64encode(b"import os; os.system('id')").decode()
_ZIPPED = zlib.compress(b"import os; os.system('id')")
_ROT = codecs.encode("system", "rot13")
_HEX = b"system".hex()

#: Names under which one thing is known, and imports of all kinds.
ALIASES: list[tuple[str, Code]] = [
    ("os.system", "import os\nos.system('id')"),
    ("os.system", "import os as o\no.system('id')"),
    ("os.system", "from os import system\nsystem('id')"),
    ("os.system", "from os import system as s\ns('id')"),
    ("os.system", "import os\ns = os.system\ns('id')"),
    ("os.system", "import os\na = b = os\nb.system('id')"),
    ("os.system", "import os\na, b = 1, os\nb.system('id')"),
    ("os.system", "import os\n(a, (b, c)) = 1, (2, os)\nc.system('id')"),
    ("os.system", "import os\n[a, *b] = [os, 1]\na.system('id')"),
    ("os.system", "import posix\nposix.system('id')"),
    ("os.system", "from posix import system\nsystem('id')"),
    ("os.system", "import nt\nnt.system('id')"),
    ("os.system", "import shutil\nshutil.os.system('id')"),
    ("os.system", "import logging\nlogging.os.system('id')"),
    ("os.system", "import random\nrandom._os.system('id')"),
    ("os.system", "from shutil import os\nos.system('id')"),
    ("os.system", "from os import *\nsystem('id')"),
    ("os.system", "import os.path\nos.system('id')"),
    ("os.system", "def f():\n    import os\n    os.system('id')"),
    ("os.system", "class A:\n    import os\nA.os.system('id')"),
    ("os.system", "class A:\n    from os import system\nA.system('id')"),
    ("os.system", "try:\n    import fast as os\nexcept ImportError:\n    import os\nos.system('')"),
    ("os.system", "import sys\nif sys.platform == 'x':\n    import os\nos.system('id')"),
    ("subprocess.run", "import subprocess as sp\nsp.run(['id'])"),
    ("subprocess.Popen", "from subprocess import Popen as P\nP(['id'])"),
    ("subprocess.check_output", "import subprocess\nsubprocess.check_output('id', shell=True)"),
    ("socket.socket", "import socket\nsocket.socket()"),
    ("socket.socket", "import _socket\n_socket.socket()"),
    ("socket.socket", "import ssl\nssl.socket.socket()"),
    ("pickle.loads", "import pickle\npickle.loads(b'')"),
    ("pickle.loads", "import _pickle\n_pickle.loads(b'')"),
    ("ctypes.CDLL", "import ctypes\nctypes.CDLL('x')"),
    ("pty.spawn", "import pty\npty.spawn('sh')"),
    ("os.popen", "from os import popen\npopen('id').read()"),
    ("os.execv", "import os\nos.execv('/bin/sh', ['sh'])"),
]

BUILTINS: list[tuple[str, Code]] = [
    ("eval", "eval('1')"),
    ("eval", "e = eval\ne('1')"),
    ("eval", "import builtins\nbuiltins.eval('1')"),
    ("eval", "import builtins as b\nb.eval('1')"),
    ("eval", "from builtins import eval as e\ne('1')"),
    ("eval", "__builtins__.eval('1')"),
    ("eval", "__builtins__['eval']('1')"),
    ("eval", "__builtins__['ev' + 'al']('1')"),
    ("eval", "getattr(__builtins__, 'eval')('1')"),
    ("eval", "import builtins\ngetattr(builtins, 'ev' + 'al')('1')"),
    ("eval", "import builtins\nbuiltins.__dict__['eval']('1')"),
    ("eval", "import builtins\nvars(builtins)['eval']('1')"),
    ("eval", "import builtins\nvars(builtins).get('eval')('1')"),
    ("eval", "import sys\nsys.modules['builtins'].eval('1')"),
    ("eval", "import sys\ngetattr(sys.modules.get('builtins'), 'eval')('1')"),
    ("eval", "globals()['__builtins__']['eval']('1')"),
    ("eval", "__import__('builtins').eval('1')"),
    ("eval", "print.__self__.eval('1')"),
    ("exec", "exec('x = 1')"),
    ("exec", "[exec][0]('x = 1')"),
    ("exec", "list(map(exec, ['x = 1']))"),
    ("compile", "compile('1', 'x', 'eval')"),
    ("open", "open('/data/x', 'w')"),
    ("io.open", "import io\nio.open('/data/x', 'w')"),
    ("open", "import builtins\nbuiltins.open('/data/x', 'w')"),
    ("open", "o = open\nwith o('/data/x', 'w') as f:\n    f.write('1')"),
    ("codecs.open", "import codecs\ncodecs.open('/data/x', 'w')"),
]

CONTAINERS: list[tuple[str, Code]] = [
    ("os.system", "import os\n[os][0].system('id')"),
    ("os.system", "import os\n(os,)[0].system('id')"),
    ("os.system", "import os\n{'a': os}['a'].system('id')"),
    ("os.system", "import os\nd = {'a': os.system}\nd['a']('id')"),
    ("os.system", "import os\nd = {'a': os.system}\nd.get('a')('id')"),
    ("os.system", "import os\nd = dict(a=os.system)\nd['a']('id')"),
    ("os.system", "import os\nd = dict([('a', os.system)])\nd['a']('id')"),
    ("os.system", "import os\nfor f in [os.system]:\n    f('id')"),
    ("os.system", "import os\nfor f in {'x': os.system}.values():\n    f('id')"),
    ("os.system", "import os\nfor k, f in {'x': os.system}.items():\n    f('id')"),
    ("os.system", "import os\n[f('id') for f in (os.system,)]"),
    ("os.system", "import os\n{f('id') for f in [os.system]}"),
    ("os.system", "import os\n{1: f('id') for f in [os.system]}"),
    ("os.system", "import os\nany(f('id') for f in [os.system])"),
    ("os.system", "import os\nx = [os.system, print]\nx.pop(0)('id')"),
    ("os.system", "import os\nx = [print, os.system]\nx[-1]('id')"),
    ("os.system", "import os\nx = [print, os.system, len]\nx[1:2][0]('id')"),
    ("os.system", "import os\nnext(iter([os.system]))('id')"),
    ("os.system", "import os\nlist(map(os.system, ['id']))"),
    ("os.system", "import os\nsorted(['id'], key=os.system)"),
    ("os.system", "import os\nlist(filter(os.system, ['id']))"),
    ("os.system", "import os\nx = {**{'a': os.system}}\nx['a']('id')"),
    ("os.system", "import os\nx = [*[os.system]]\nx[0]('id')"),
    ("os.system", "import os\nd = {}\nd['a'] = os.system\nd['a']('id')"),
    ("os.system", "import os\nx = []\nx.append(os.system)\nx[0]('id')"),
    ("os.system", "import os\nx = []\nx += [os.system]\nx[0]('id')"),
    ("os.system", "import os, operator\noperator.itemgetter(0)([os.system])('id')"),
    ("os.system", "import os\nmatch os.system:\n    case f:\n        f('id')"),
    ("os.system", "import os\nmatch [os.system]:\n    case [f]:\n        f('id')"),
    ("os.system", "import os\n(f := os.system)('id')"),
    ("os.system", "import os\nif (f := os.system):\n    f('id')"),
    ("os.system", "import os\n(os.system if x else print)('id')"),
    ("os.system", "import os\n(None or os.system)('id')"),
    ("os.system", "import os, types\ntypes.SimpleNamespace(f=os.system).f('id')"),
    (
        "os.system",
        "import os, collections\nN = collections.namedtuple('N', 'f')\nN(os.system).f('')",
    ),
]

FUNCTIONS: list[tuple[str, Code]] = [
    ("os.system", "import os\nf = lambda c: os.system(c)\nf('id')"),
    ("os.system", "import os\ndef f(c, run=os.system):\n    run(c)\nf('id')"),
    ("os.system", "import os\ndef f(*, run=os.system):\n    run('id')\nf()"),
    ("os.system", "import os\ndef f():\n    return os.system\nf()('id')"),
    ("os.system", "import os\ndef f():\n    return os\nf().system('id')"),
    ("os.system", "import os\ndef f(g):\n    g('id')\nf(os.system)"),
    ("os.system", "import os\ndef f(g):\n    return g\nf(os.system)('id')"),
    (
        "os.system",
        "import os\ndef outer():\n    g = os.system\n    def f():\n        g('id')\n    f()",
    ),
    ("os.system", "import os\ndef f():\n    yield os.system\nfor g in f():\n    g('id')"),
    ("os.system", "import os\ndef f():\n    yield from [os.system]\nnext(f())('id')"),
    (
        "os.system",
        "import os\nasync def f():\n    return os.system\nasync def g():\n    (await f())('')",
    ),
    ("os.system", "import os\nasync def f():\n    os.system('id')"),
    (
        "os.system",
        "import os\nr = None\ndef f():\n    global r\n    r = os.system\ndef g():\n    r('id')",
    ),
    (
        "os.system",
        "import os\ndef o():\n    r = None\n    def f():\n        nonlocal r\n"
        "        r = os.system\n"
        "    f()\n    r('id')",
    ),
    ("os.system", "import os\nfrom functools import partial\npartial(os.system, 'id')()"),
    ("os.system", "import os, functools\nrun = functools.partial(os.system)\nrun('id')"),
    ("os.system", "from operator import attrgetter\nimport os\nattrgetter('system')(os)('id')"),
    ("module-handed-on", "import operator, os\noperator.methodcaller('system', 'id')(os)"),
    ("os.system", "import shutil, operator\noperator.attrgetter('os.system')(shutil)('id')"),
    (
        "os.system",
        "import functools, shutil\nfunctools.reduce(getattr, ['os', 'system'], shutil)('')",
    ),
    ("os.system", "import os\n@os.system\ndef f():\n    pass"),
    ("os.system", "import os\ndef d(f):\n    return os.system\n@d\ndef f(): pass\nf('id')"),
    (
        "os.system",
        "import os, asyncio\nasync def f():\n    await asyncio.to_thread(os.system, 'id')",
    ),
    ("os.system", "import os, threading\nthreading.Thread(target=os.system, args=('id',)).start()"),
    ("os.system", "import os, atexit\natexit.register(os.system, 'id')"),
    ("os.system", "import os\ndef f(*rest):\n    rest[0]('id')\nf(os.system)"),
    ("os.system.__call__", "import os\nos.system.__call__('id')"),
    ("os.system", "import os\nos.__getattribute__('system')('id')"),
    ("os.system", "import os\nobject.__getattribute__(os, 'system')('id')"),
    ("os.system", "import os, inspect\ninspect.getattr_static(os, 'system')('id')"),
    (
        "os.system",
        "import os, contextlib\nwith contextlib.nullcontext(os) as o:\n    o.system('id')",
    ),
]

CLASSES: list[tuple[str, Code]] = [
    ("os.system", "import os\nclass A:\n    run = os.system\nA.run('id')"),
    ("os.system", "import os\nclass A:\n    run = os.system\nA().run('id')"),
    ("os.system", "import os\nclass A:\n    run = staticmethod(os.system)\nA().run('id')"),
    (
        "os.system",
        "import os\nclass A:\n    def __init__(self):\n        self.r = os.system\n"
        "    def go(self):\n        self.r('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    def __init__(self):\n        self.o = os\n"
        "    def go(self):\n        self.o.system('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    @property\n    def o(self):\n        return os\n"
        "    def go(self):\n        self.o.system('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    o = os\nclass B(A):\n    def go(self):\n"
        "        self.o.system('')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    def get(self):\n        return os.system\nA().get()('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    @classmethod\n    def get(cls):\n        return os\n"
        "A.get().system('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    @staticmethod\n    def get():\n        return os\n"
        "A.get().system('id')",
    ),
    (
        "os.system",
        "import os\nclass M(type):\n    def __new__(m, *a):\n        os.system('id')\n"
        "        return type.__new__(m, *a)\nclass A(metaclass=M): pass",
    ),
    (
        "os.system",
        "import os\nclass A:\n    def __init_subclass__(cls):\n        os.system('id')\n"
        "class B(A): pass",
    ),
    (
        "os.system",
        "import os\nclass D:\n    def __get__(self, o, t):\n        return os.system\n"
        "class A:\n    x = D()\nA().x('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    def __getattr__(self, n):\n        return getattr(os, 'system')\n"
        "A().anything('id')",
    ),
    (
        "os.system",
        "import os\nclass A:\n    def __call__(self, c):\n        os.system(c)\nA()('id')",
    ),
    ("os.system", "import os\nclass A:\n    def __del__(self):\n        os.system('id')\nA()"),
    ("os.system", "import os\nA = type('A', (), {'run': os.system})\nA.run('id')"),
    (
        "os.system",
        "import os\nclass A:\n    def __enter__(self):\n        return os\n"
        "    def __exit__(self, *a): pass\nwith A() as o:\n    o.system('id')",
    ),
    (
        "os.system",
        "import os, enum\nclass E(enum.Enum):\n    A = os.system\nE.A.value('id')",
    ),
    (
        "os.system",
        "import os\nfrom dataclasses import dataclass, field\n@dataclass\nclass A:\n"
        "    run: object = os.system\nA().run('id')",
    ),
]

NAMES: list[tuple[str, Code]] = [
    ("os.system", "import os\ngetattr(os, 'system')('id')"),
    ("os.system", "import os\ngetattr(os, 'sys' + 'tem')('id')"),
    ("os.system", "import os\ngetattr(os, 'sys' 'tem')('id')"),
    ("os.system", "import os\ngetattr(os, ''.join(['sys', 'tem']))('id')"),
    ("os.system", "import os\ngetattr(os, ''.join(('s', 'y', 's', 't', 'e', 'm')))('id')"),
    ("os.system", "import os\ngetattr(os, ''.join(c for c in 'system'))('id')"),
    ("os.system", "import os\ngetattr(os, ''.join(chr(c) for c in [115,121,115,116,101,109]))('')"),
    ("os.system", "import os\ngetattr(os, ''.join(map(chr, [115,121,115,116,101,109])))('id')"),
    (
        "os.system",
        "import os\ngetattr(os, ''.join(chr(c ^ 1) for c in [114,120,114,117,100,108]))('')",
    ),
    ("os.system", "import os\ngetattr(os, 'metsys'[::-1])('id')"),
    ("os.system", "import os\ngetattr(os, ''.join(reversed('metsys')))('id')"),
    ("os.system", "import os\ngetattr(os, 'xsystemx'[1:-1])('id')"),
    ("os.system", "import os\ngetattr(os, 'SYSTEM'.lower())('id')"),
    ("os.system", "import os\ngetattr(os, 's_y_s_t_e_m'.replace('_', ''))('id')"),
    ("os.system", "import os\ngetattr(os, '  system '.strip())('id')"),
    ("os.system", "import os\ngetattr(os, 'a system'.split()[1])('id')"),
    ("os.system", "import os\ngetattr(os, 'a:system'.partition(':')[2])('id')"),
    ("os.system", "import os\ngetattr(os, '%s%s' % ('sys', 'tem'))('id')"),
    ("os.system", "import os\ngetattr(os, '{}{}'.format('sys', 'tem'))('id')"),
    ("os.system", "import os\ngetattr(os, '{1}{0}'.format('tem', 'sys'))('id')"),
    ("os.system", "import os\na = 'tem'\ngetattr(os, f'sys{a}')('id')"),
    ("os.system", "import os\ngetattr(os, '\\x73ystem')('id')"),
    ("os.system", "import os\ngetattr(os, b'system'.decode())('id')"),
    ("os.system", "import os\ngetattr(os, bytes([115,121,115,116,101,109]).decode())('id')"),
    ("os.system", f"import os\ngetattr(os, bytes.fromhex('{_HEX}').decode())('id')"),
    ("os.system", f"import os, base64\ngetattr(os, base64.b64decode('{_B64}').decode())('id')"),
    (
        "os.system",
        f"import os\nfrom base64 import b64decode as d\ngetattr(os, d('{_B64}').decode())('')",
    ),
    ("os.system", f"import os, codecs\ngetattr(os, codecs.decode('{_ROT}', 'rot13'))('id')"),
    ("os.system", f"import os, binascii\ngetattr(os, binascii.unhexlify('{_HEX}').decode())('id')"),
    ("os.system", f"import os, codecs\ngetattr(os, codecs.decode('{_HEX}', 'hex').decode())('id')"),
    (
        "os.system",
        f"import os, zlib\ngetattr(os, zlib.decompress({zlib.compress(b'system')!r}).decode())('')",
    ),
    ("computed-attribute", "import os\nn = 'sys'\nn += 'tem'\ngetattr(os, n)('id')"),
    ("os.system", "import os\nn = 'sys'\nm = n + 'tem'\ngetattr(os, m)('id')"),
    ("os.system", "import os\ndef n():\n    return 'system'\ngetattr(os, n())('id')"),
    ("os.system", "import os\nclass A:\n    n = 'system'\ngetattr(os, A.n)('id')"),
    ("os.system", "import os\nos.__dict__['system']('id')"),
    ("os.system", "import os\nvars(os)['system']('id')"),
    ("os.system", "import os\nglobals()['os'].system('id')"),
    ("os.system", "import os\nlocals()['os'].system('id')"),
    ("os.system", "import os\ng = getattr\ng(os, 'system')('id')"),
    ("os.system", "import os\nfor n in ['system']:\n    getattr(os, n)('id')"),
    ("os.system", "import os\ngetattr(os, str('system'))('id')"),
    ("os.system", "import os\ngetattr(os, 'system', None)('id')"),
    ("os.system", "import os\nfrom operator import add\ngetattr(os, add('sys', 'tem'))('id')"),
    ("os.system", "import os\nd = {'a': 'system'}\ngetattr(os, d['a'])('id')"),
]

IMPORTS: list[tuple[str, Code]] = [
    ("os.system", "__import__('os').system('id')"),
    ("os.system", "__import__('o' + 's').system('id')"),
    ("os.system", "i = __import__\ni('os').system('id')"),
    ("os.system", "__import__(name='os').system('id')"),
    ("os.system", "import importlib\nimportlib.import_module('os').system('id')"),
    ("os.system", "from importlib import import_module as m\nm('os').system('id')"),
    ("os.system", "import importlib\nimportlib.__import__('os').system('id')"),
    ("os.system", "import importlib\nm = importlib.import_module('os')\nf = m.system\nf('id')"),
    ("os.system", "import sys\nsys.modules['os'].system('id')"),
    ("os.system", "import sys\nsys.modules.get('os').system('id')"),
    ("os.system", f"import base64\n__import__(base64.b64decode('{_OS64}').decode()).system('id')"),
    ("os.system", "getattr(__import__('os'), 'system')('id')"),
    ("os.system", "import pkgutil\npkgutil.resolve_name('os:system')('id')"),
    ("os.system", "import pkgutil\npkgutil.resolve_name('os.system')('id')"),
    ("os.system", "import pydoc\npydoc.locate('os.system')('id')"),
    (
        "os.system",
        "from importlib.metadata import EntryPoint\nEntryPoint('n', 'os:system', 'g').load()('id')",
    ),
    ("subprocess.run", "__import__('subprocess').run(['id'])"),
    ("subprocess.run", "[m.run(['id']) for m in map(__import__, ['subprocess'])]"),
    ("os.system", "import os\nexec('os.system(\"id\")')"),
    ("os.system", 'eval(\'__import__("os").system("id")\')'),
    ("os.system", "c = compile('import os; os.system(1)', 'x', 'exec')\nexec(c)"),
    ("os.system", f"import base64\nexec(base64.b64decode('{_PAYLOAD}'))"),
    ("os.system", f"import base64\nexec(base64.b64decode('{_PAYLOAD}').decode('utf-8'))"),
    ("os.system", f"import zlib\nexec(zlib.decompress({_ZIPPED!r}))"),
    ("os.system", "exec('exec(\"import os; os.system(1)\")')"),
    ("os.system", "x: \"__import__('os').system('id')\" = 1"),
    ("os.system", "def f(x: \"__import__('os').system('id')\"): pass"),
]

MODULES: list[tuple[str, Code]] = [
    (
        "os.system",
        {"main.py": "from .a import run\nrun('id')", "a.py": "from os import system as run"},
    ),
    ("os.system", {"main.py": "from . import a\na.os.system('id')", "a.py": "import os"}),
    ("os.system", {"main.py": "from .a import *\nos.system('id')", "a.py": "import os"}),
    (
        "os.system",
        {
            "main.py": "from .a import *\nrun('')",
            "a.py": "from .b import *",
            "b.py": "from os import system as run",
        },
    ),
    (
        "os.system",
        {"main.py": "import os\nfrom .a import N\ngetattr(os, N)('id')", "a.py": "N = 'system'"},
    ),
    (
        "os.system",
        {
            "main.py": "import os\nfrom . import a\ngetattr(os, a.A + a.B)('')",
            "a.py": "A = 'sys'\nB = 'tem'",
        },
    ),
    (
        "os.system",
        {
            "main.py": "import os\nfrom .a import n\ngetattr(os, n('tem'))('')",
            "a.py": "def n(x):\n    return 'sys' + x",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from .a import call\ncall(__import__('os').system)",
            "a.py": "def call(f):\n    f('id')",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from .a import A\nA().go('id')",
            "a.py": "import os\nclass A:\n    def go(self, c):\n        os.system(c)",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from . import a\na.anything('id')",
            "a.py": "import os\ndef __getattr__(n):\n    return os.system",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from .p import run\nrun('id')",
            "p/__init__.py": "from .q import run",
            "p/q.py": "from os import system as run",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from .p.q import x\nx('id')",
            "p/__init__.py": "",
            "p/q.py": "from ..r import x",
            "r.py": "from os import system as x",
        },
    ),
    (
        "os.system",
        {
            "main.py": "import importlib\nimportlib.import_module('.a', __package__).r('')",
            "a.py": "from os import system as r",
        },
    ),
    (
        "os.system",
        {
            "main.py": "if 1:\n    from .a import r\nelse:\n    from .b import r\nr('')",
            "a.py": "r = print",
            "b.py": "from os import system as r",
        },
    ),
    (
        "os.system",
        {"main.py": "from .a import D\nD['k']('id')", "a.py": "import os\nD = {'k': os.system}"},
    ),
    (
        "os.system",
        {
            "main.py": (
                "from .a import B\nclass C(B):\n    def go(self):\n        self.o.system('')"
            ),
            "a.py": "import os\nclass B:\n    o = os",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from .a import b\nb.os.system('id')",
            "a.py": "from . import b",
            "b.py": "import os",
        },
    ),
    (
        "os.system",
        {
            "main.py": "from .a import x",
            "a.py": "from .main import y\nx = 1",
            "main2.py": "",
            "b.py": "import os\nos.system('id')",
        },
    ),
]

OTHERS: list[tuple[str, Code]] = [
    ("socket.socket().connect", "import socket\nS = socket.socket\nS().connect(('1.2.3.4', 1))"),
    (
        "socket.create_connection",
        "from socket import create_connection as c\nc(('evil.example', 1))",
    ),
    (
        "urllib.request.urlopen",
        "from urllib import request\nrequest.urlopen('https://evil.example')",
    ),
    ("urllib.request.urlopen", "import urllib.request as r\nr.urlopen('https://evil.example')"),
    ("requests.post", "import requests\npost = requests.post\npost('https://evil.example')"),
    ("httpx.get", "import httpx\ngetattr(httpx, 'get')('https://evil.example')"),
    ("pickle.loads", "from pickle import loads as l\nl(b'')"),
    ("marshal.loads", "import marshal\nmarshal.loads(b'')"),
    ("shutil.rmtree", "from shutil import rmtree\nrmtree('/data')"),
    ("os.remove", "import os\nos.remove('/data/x')"),
    ("ctypes.CDLL", "from ctypes import *\nCDLL('x')"),
    ("sys.settrace", "import sys\nsys.settrace(print)"),
    ("os.fork", "import os\nos.fork()"),
    ("os.kill", "import os\nos.kill(1, 9)"),
    ("yaml.load", "import yaml\nyaml.load('x', Loader=yaml.Loader)"),
]

TABLES = {
    "aliases": ALIASES,
    "builtins": BUILTINS,
    "containers": CONTAINERS,
    "functions": FUNCTIONS,
    "classes": CLASSES,
    "names": NAMES,
    "imports": IMPORTS,
    "modules": MODULES,
    "others": OTHERS,
}
SPELLINGS = [(group, name, code) for group, rows in TABLES.items() for name, code in rows]
