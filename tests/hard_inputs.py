"""Code that is made to be dear to judge: each must end, and none may raise."""

# ruff: noqa: E501 - a program on one line is one row of the table
from __future__ import annotations

import base64
import lzma
import zlib
from collections.abc import Mapping

Code = str | Mapping[str, str]

HARD: dict[str, Code] = {
    "parens3000": "x = " + "(" * 3000 + "1" + ")" * 3000,
    "lists3000": "x = " + "[" * 3000 + "]" * 3000,
    "unary60000": "x = " + "-" * 60000 + "1",
    "not20000": "x = " + "not " * 20000 + "1",
    "concat2900": "x = " + " + ".join(['"a"'] * 2900),
    "concat20000": "x = " + " + ".join(['"a"'] * 20000),
    "pow": 'x = 9**9**9\nimport os\ngetattr(os,"s"*9**9)',
    "mul": 'x = "a"*10**9\ny = b"a"*10**9\nz=[1]*10**9\nimport os\ngetattr(os,x)',
    "mul2": 'import os\nx = "a"*60000\ny=x*1000\nz=y+y\nw="".join([x]*10000)\ngetattr(os,w)("")\nq=x.replace("a",x)\ngetattr(os,q)("")',
    "shift": "x = 1<<10**9\nimport os\ngetattr(os, str(x))",
    "literal4M": 'x = "' + "a" * (4 << 20) + '"\nimport os\nos.system(x)',
    "literal4Mexec": 'exec("' + "a=1;" * (1 << 20) + '")',
    "newlines": "\n" * 100000 + "x=1",
    "recur": 'def f():\n    return f()\nf = f()\nf()\nimport os\ngetattr(os,f())("")',
    "recur2": 'def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nimport os\ngetattr(os,f("a"))("")',
    "recur3": 'def f(x):\n    return f(x + "a")\nimport os\ngetattr(os,f("a"))("")',
    "fib": 'def f(x):\n    return f(x + "a") + f(x + "b") + f(x+"c")\nimport os\ngetattr(os,f("a"))("")',
    "selfclass": "class A(A):\n    x = A.x\nA.x.y()\nclass B(C): pass\nclass C(B): pass\nB().x()\nC.y()",
    "selfclass2": "class A:\n    def __init__(self):\n        self.x = self.x\n        self.y=self.z\n        self.z=self.y\n    def f(self):\n        self.x()\n        self.y()\n        return self.f().f()",
    "selfprop": "class A:\n    @property\n    def x(self):\n        return self.x.x\n    def __enter__(self):\n        with self as s:\n            return s\nA().x()\nwith A() as b: b.x()",
    "f=f()": 'f = f()\nf().g().h()\nx = x.y\nx()\na = b\nb = a\na()\na=[a]\na[0]()\nd={"x":d}\nd["x"]()',
    "lists": "x = [" + ",".join(map(str, range(200000))) + "]",
    "dicts": "x = {"
    + ",".join(f'"{i}":{i}' for i in range(100000))
    + '}\nimport os\nos.system(x["5"])',
    "dictsfn": "import os\nx = {"
    + ",".join(f'"{i}":os.system' for i in range(20000))
    + '}\nx["5"]("")',
    "assign20000": "import os\n" + "".join(f'x = "a{i}"\n' for i in range(20000)) + "os.system(x)",
    "assign20000b": "import os\n"
    + "".join(f'x = x + "a{i}"\n' for i in range(20000))
    + "os.system(x)",
    "aug20000": 'import os\nx=""\n'
    + "".join(f'x += "a{i}"\n' for i in range(20000))
    + "os.system(x)",
    "fns5000": "".join(f"def f{i}():\n    return f{i + 1}()\n" for i in range(5000)) + "f0()",
    "fnsall": "".join(
        f"def f{i}():\n    return f{(i * 7) % 2000}() + f{(i * 13) % 2000}()\n" for i in range(2000)
    )
    + "f0()",
    "fnsargs": "".join(
        f'def f{i}(x):\n    return f{i + 1}(x + "a") + f{i + 2}(x + "b")\n' for i in range(2000)
    )
    + 'import os\ngetattr(os, f0("x"))("")',
    "sameparam": "def f(x):\n    return x()\n" + "".join(f"f(f(a{i}))\n" for i in range(5000)),
    "samemeth": "class A:\n    def get(self, x):\n        return x.get(x)\n"
    + "".join(f"A().get(A().get(y{i}.get(z)))\n" for i in range(3000)),
    "chain attr": "x" + ".a" * 20000,
    "chain call": "x" + ".a()" * 900,
    "chain call deep": "x" + ".a()" * 5000,
    "chain sub": "x" + "[0]" * 3000,
    "callnest": "f(" * 90 + "1" + ")" * 90,
    "callnest big": "f(" * 5000 + "1" + ")" * 5000,
    "lambda nest": "lambda: " * 90 + "1",
    "nested fn": "".join(" " * i + f"def f{i}():\n" for i in range(90)) + " " * 90 + "pass",
    "ifelse": "x = " + "1 if a else " * 3000 + "2",
    "elif": "if a: pass\n" + "".join(f"elif a{i}: pass\n" for i in range(3000)),
    "boolop": "x = " + " or ".join(["a"] * 20000),
    "compare": "x = " + " < ".join(["a"] * 20000),
    "fstring": 'x = f"' + "{a}" * 20000 + '"\nimport os\nos.system(x)',
    "fnest": "import os\ngetattr(os, f\"{f'{a}'}\")",
    "compr": "[x " + "for x in x " * 200 + "]",
    "comprnest": "[" * 80 + "x" + " for x in x]" * 80,
    "explode": 'x0 = "a"\n'
    + "".join(f"x{i + 1} = x{i} + x{i}\n" for i in range(60))
    + 'import os\ngetattr(os,x60)("")',
    "explode2": "x0 = [1]\n"
    + "".join(f"x{i + 1} = [x{i}, x{i}]\n" for i in range(60))
    + "import os\nos.system(x60)",
    "explode3": 'x0 = {"a":1}\n'
    + "".join(f'x{i + 1} = {{**x{i}, "b{i}": x{i}}}\n' for i in range(60))
    + "import os\nos.system(x60)",
    "explode4": "x0 = [1,2]\n"
    + "".join(f"x{i + 1} = x{i} + x{i}\n" for i in range(60))
    + "import os\nos.system(x60)",
    "explode5": "x0 = (1,2)\n"
    + "".join(f"x{i + 1} = [*x{i}, *x{i}]\n" for i in range(60))
    + "import os\nos.system(x60)",
    "explode6": 'x0 = ("a","b")\n'
    + "".join(f"x{i + 1} = [y for y in x{i}] + [z for z in x{i}]\n" for i in range(40))
    + "import os\nos.system(x40)",
    "explode7": 'a = ["a"]*4000\nb=[[x for x in a] for y in a]\nc=[[[x for x in a] for y in a] for z in a]\nimport os\nos.system(c)',
    "explode8": 'a="a"*4000\nb=list(map(lambda x: list(map(lambda y: list(map(lambda z: z, a)), a)), a))\nimport os\nos.system(b)',
    "seqeq": "x0=[[1],[2]]\n"
    + "".join(f"x{i + 1} = [x{i}, x{i}] if a else [x{i}, x{i}]\n" for i in range(40))
    + "import os\nos.system(x40)",
    "seqeq2": "\n".join(
        f"x{i} = [x{i - 1}, x{i - 1}]\ny{i} = [y{i - 1}, y{i - 1}]\nz{i}= x{i} if a else y{i}"
        for i in range(1, 40)
    )
    .replace("x0", "[1]")
    .replace("y0", "[1]")
    + "\nimport os\nos.system(z39)",
    "parteq": "import functools,os\np0=functools.partial(f)\nq0=functools.partial(f)\n"
    + "\n".join(
        f"p{i}=functools.partial(p{i - 1},p{i - 1})\nq{i}=functools.partial(q{i - 1},q{i - 1})\nr{i}=p{i} if a else q{i}"
        for i in range(1, 40)
    )
    + "\nr39()",
    "partself": "import functools\np=functools.partial(p,p)\np()\nq=functools.partial(r)\nr=functools.partial(q)\nq()\nr()",
    "b64bomb": 'import zlib,base64\nx = zlib.decompress(base64.b64decode("'
    + base64.b64encode(zlib.compress(b"a" * 20_000_000)).decode()
    + '"))\nexec(x)',
    "lzmabomb": "import lzma\nx = lzma.decompress("
    + repr(lzma.compress(b"a" * 20_000_000))
    + ")\nexec(x)",
    "bigint": 'x = int("9"*4000)\ny = int("9"*5000)\nimport os\ngetattr(os,str(x))',
    "bigint2": "x = " + "9" * 4000 + '\ny = x % 7\nz="%d" % x',
    "bigint3": "x = 0x"
    + "f" * 100000
    + '\nimport os\ngetattr(os,"%d"%x)\ngetattr(os,str(x))\ngetattr(os,f"{x}")\ngetattr(os,"{}".format(x))',
    "fmtwidth": 'import os\ngetattr(os,"%999999999d" % 1)\ngetattr(os,"{:999999999}".format(1))\ngetattr(os,"{:{}}".format(1,999999999))\ngetattr(os,f"{1:999999999}")\ngetattr(os,"%*d" % (999999999,1))',
    "fmt prec": 'import os\ngetattr(os,"%.99d"%1)\ngetattr(os,"a".ljust(10**9))\ngetattr(os,"a".expandtabs(10**9))\ngetattr(os,"\\t"*1000+"".expandtabs(4000))\nx=("\\t"*60000).expandtabs(4000)\ngetattr(os,x)',
    "fmt many": 'import os\nx="{:999}"*1000\ngetattr(os,x.format(*range(1000)))\ngetattr(os, ("%999d"*1000) % tuple(range(1000)))',
    "translate": 'import os\ngetattr(os,"a".join(["b"*60000]*4000))',
    "split": 'import os\nx=("a "*30000).split()\ngetattr(os,"".join(x))\ny=" ".join(x)\ngetattr(os,y*5)\ng="".join([c for c in y])\ngetattr(os,g)',
    "strcmp": 'import os\nx = "a"*60000\n'
    + "".join(f'x{i}=x+"{i}"\n' for i in range(300))
    + "getattr(os, "
    + "+".join(f"x{i}" for i in range(300))
    + ")",
    "getattr nest": "import os\n" + "getattr(" * 80 + "os" + ',"a")' * 80,
    "attr explosion": "import os\nx = os\n" + "".join("x = x.a\n" for i in range(3000)) + "x()",
    "sub explosion": "import os\nx = os\n" + "".join("x = x[0](x)\n" for i in range(3000)) + "x()",
    "callcall": "import os\nx = os.a\n" + "".join("x = x()\n" for i in range(3000)) + "x()",
    "execs": "import os\n" + "".join(f'exec("os.system({i})")\n' for i in range(3000)),
    "execs2": 'import os\nx="exec(x);"*1000\nexec(x)',
    "execbig": 'exec("' + "os.system(1);" * 19000 + '")',
    "evalself": 'x = "eval(x)"\neval(x)',
    "evaldbl": 'x = "eval(x);eval(x);eval(x)"\nexec(x)',
    "evaldbl2": 'x = "eval(x);eval(x);eval(x)"*200\nexec(x)',
    "annots": "".join(f"x{i}: \"f(eval('1'))\" = 1\n" for i in range(5000)),
    "stars": "from .main import *\nfrom . import *\nx()\ny()",
    "globals": 'globals()["x"] = globals()\nglobals()["x"]["x"]["x"]["y"]()\nx=globals()["x"]\nx()',
    "decorators": "@f\n" * 3000 + "def f(): pass\nf()",
    "decorself": "@f\ndef f(x): return f\n@f(f)\n@f\ndef g(): return g()\ng()()()",
    "gen": "def f():\n    yield from f()\nfor x in f():\n    for y in x: y()",
    "walrus": "(x := (y := (x := y)))\nx()",
    "unpack": "(" + ",".join(f"a{i}" for i in range(3000)) + ") = b\n" + "a1()",
    "unpackself": "a, b = b, a\na()\na, *b = a\nb()\n[a, [b, c]] = [b, [a, c]]\nc()",
    "matchnest": "match x:\n" + "".join(f"    case [{i}, *a]:\n        a()\n" for i in range(2000)),
    "try": "".join(" " * i + "try:\n" for i in range(60))
    + " " * 60
    + "pass\n"
    + "".join(" " * i + "except E: pass\n" for i in range(59, -1, -1)),
    "reduce": 'import functools,os\nfunctools.reduce(getattr, ["a"]*4000, os)()',
    "attrgetter": 'import operator,os\noperator.attrgetter("a."*100000+"b")(os)()',
    "dotted import": "import " + ".".join(["a"] * 3000) + "\n" + "a." * 20 + "x()",
    "many imports": "".join(f"import m{i}\nm{i}.f()\n" for i in range(5000)),
    "many aliases": "import os\na0 = os\n"
    + "".join(f"a{i + 1} = a{i}\n" for i in range(3000))
    + 'a3000.system("")',
    "classes": "".join(f"class C{i + 1}(C{i}):\n    pass\n" for i in range(3000))
    + "C3000().x()\nC3000.y.z()",
    "diamond": "class C0: pass\nclass D0: pass\n"
    + "".join(
        f"class C{i + 1}(C{i},D{i}): pass\nclass D{i + 1}(C{i},D{i}): pass\n" for i in range(200)
    )
    + "C200().x()",
    "fields": "class A:\n    def f(self):\n"
    + "".join(f"        self.x = self.x.y{i}\n" for i in range(3000))
    + "        self.x()",
    "path": 'from pathlib import Path\np = Path("a")\n'
    + "".join('p = p / "x"\n' for i in range(3000))
    + 'p.write_text("")',
    "path2": 'from pathlib import Path\np = Path("a")' + ' / "x"' * 3000 + '\np.write_text("")',
    "path3": 'from pathlib import Path\np = Path("a")' + ".parent" * 3000 + '\np.write_text("")',
    "joins": "import os\np = os.path.join(" + ",".join(['"a"'] * 3000) + ')\nopen(p,"w")',
    "urls": "import httpx\n" + "".join(f'httpx.get("https://a{i}.example")\n' for i in range(5000)),
    "formats": "".join(f'x = "{{0.__globals__}}{i}".format(f)\n' for i in range(3000)),
    "bu spread": 'x0 = ("a","b")\n'
    + "".join(f"x{i + 1} = [*x{i}, *x{i}]\nx{i + 1}[0]()\nf(x{i + 1})()\n" for i in range(60)),
    "bu dict": 'x0 = {"a":1}\n'
    + "".join(f'x{i + 1} = {{**x{i}, "b{i}": x{i}}}\nx{i + 1}["b"]()\n' for i in range(200)),
    "bu seqeq": 'x0=y0=["a"]\n'
    + "\n".join(
        f"x{i} = [x{i - 1}, x{i - 1}]\nx{i}[0]()\ny{i} = [y{i - 1}, y{i - 1}]\ny{i}[0]()\nz{i}= x{i} if a else y{i}\nz{i}[0]()"
        for i in range(1, 60)
    ),
    "bu part": "import functools,os\np0=functools.partial(f)\nq0=functools.partial(f)\n"
    + "\n".join(
        f"p{i}=functools.partial(p{i - 1},p{i - 1})\np{i}()\nq{i}=functools.partial(q{i - 1},q{i - 1})\nq{i}()\nr{i}=p{i} if a else q{i}\nr{i}()"
        for i in range(1, 60)
    ),
    "bu text": 'import os\nx0="ab"\n'
    + "".join(f"x{i + 1} = x{i} + x{i}\ngetattr(os,x{i + 1})()\n" for i in range(60)),
    "bu fmt": 'import os\nx0="ab"*30000\n'
    + "".join(
        f'x{i + 1} = "{{0}}{{0}}{{0}}".format(x{i})\ny{i}="%s%s"%(x{i},x{i})\nz{i}=f"{{x{i}}}{{x{i}}}"\ngetattr(os,x{i + 1}+y{i}+z{i})()\n'
        for i in range(60)
    ),
    "bu rep": 'import os\nx0="ab"*30000\n'
    + "".join(
        f'x{i + 1} = x{i}.replace("a","aaaaaaaa")\ngetattr(os,x{i + 1})()\n' for i in range(60)
    ),
    "bu list": 'import os\nx0=list("ab"*2000)\n'
    + "".join(f"x{i + 1} = [x{i} for y in x{i}]\nx{i + 1}[0]()\n" for i in range(20)),
    "bu map": 'import os\nx0=list("ab"*2000)\n'
    + "".join(f"x{i + 1} = list(map(lambda y: x{i}, x{i}))\nx{i + 1}[0]()\n" for i in range(20)),
    "bu ns": "x0=globals()\n"
    + "".join(f'x{i + 1} = vars(x{i})\nx{i + 1}["a"]()\n' for i in range(500)),
    "bu union": "import os\n"
    + "".join(
        f"x{i}=[x{(i * 7) % 50},x{(i * 11) % 50},x{(i * 13) % 50}]\nx{i}[0][0][0][0][0]()\n"
        for i in range(50)
    ),
    "bu path": 'from pathlib import Path\np0=Path("a")\n'
    + "".join(f'p{i + 1}=p{i}/p{i}\np{i + 1}.write_text("")\n' for i in range(60)),
    "bu path2": 'import os\np0="a"\n'
    + "".join(f'p{i + 1}=os.path.join(p{i},p{i})\nopen(p{i + 1},"w")\n' for i in range(60)),
    "bu b64": 'import base64,os\np0="a"*60000\n'
    + "".join(
        f"p{i + 1}=base64.b64decode(p{i}+p{i})+base64.b64decode(p{i}+p{i})\ngetattr(os,p{i + 1})()\n"
        for i in range(60)
    ),
    "bu enc": 'import codecs,os\np0="a"*60000\n'
    + "".join(
        f'p{i + 1}=p{i}.encode("unicode_escape").decode("utf-7")+p{i}\ngetattr(os,p{i + 1})()\n'
        for i in range(60)
    ),
    "punycode": 'import codecs,os\nx=("a"*60000+"-"+"b"*60000).encode().decode("punycode")\ngetattr(os,x)\ny=("a"*60000).encode("idna")\nz=("\u00e9"*60000).encode("punycode")\nw=("\u00e9\u0431"*30000).encode("idna")\ngetattr(os,z)\ngetattr(os,y)\ngetattr(os,w)',
    "uu": 'import codecs,os,binascii\nx=codecs.decode("a"*60000,"uu")\ny=binascii.a2b_uu("b"*60000)\ngetattr(os,x+y)\nz="a"*60000\nz.encode("zip").decode("zip").encode("bz2")\ngetattr(os,z.encode("zip"))',
    "exec big": 'y="a;"*100000\n' + "exec(y)\n" * 3000,
    "exec bomb": 'x="["*90+"]"*90\nexec(x*100)\nexec("-"*60000+"1")\nexec("a"+".a"*60000)\nexec("a"+"()"*60000)\neval("9**9**9")',
    "zipbombs": "import zlib,os\nz="
    + repr(zlib.compress(b"a" * 1000000))
    + "\n"
    + "".join(f'getattr(os,zlib.decompress(z)+b"{i}")\n' for i in range(500)),
    "bigconst": "import os\n"
    + "".join(f'x{i}="a"*60000+"{i}"\ngetattr(os,x{i})()\n' for i in range(3000)),
    "hash coll": "import os\nx=["
    + ",".join('["a"]' for _ in range(4000))
    + "]\nfor y in x: y()\ng=[f(y) for y in x]\nf(x)()\nx[n]()\nfor z in x[n]: z()",
    "or wide": "x="
    + " or ".join(f"[{i}]" for i in range(4000))
    + "\nx()\n"
    + "".join(f"y={i} or [x]\n" for i in range(3000))
    + "y()",
    "params": "def f(x):\n    x()\n    x.a.b()\n"
    + "".join(f"f([{i},[{i}]])\n" for i in range(4000)),
    "fmtbig": 'x = "' + "{a.b}" * 100000 + '"',
    "mutual": {
        "main.py": "from .a import *\nfrom . import a",
        "a.py": "from .main import *\nfrom .b import *\nx=y\ny=x",
        "b.py": "from .a import *\nfrom .b import *\nz=x()\ny=z",
    },
    "many mods": {
        **{
            f"m{i}.py": f"from .m{(i + 1) % 500} import *\nfrom .m{(i + 2) % 500} import *\nx{i}()\nfoo()"
            for i in range(500)
        },
        "main.py": "from .m0 import *",
    },
    "many mods2": {
        **{
            f"m{i}.py": f"from .m{(i + 1) % 500} import f\ndef g{i}(x): return f(x)\nf(1)"
            for i in range(500)
        },
        "main.py": "from .m0 import f\nf()",
    },
    "star cross": {
        **{
            f"m{i}.py": "".join(f"from .m{j} import *\n" for j in range(40)) + "foo()\nbar()"
            for i in range(40)
        },
        "main.py": "from .m0 import *",
    },
    "getattr mod": {
        "main.py": "from . import a\na.x()",
        "a.py": "def __getattr__(n):\n    from . import a\n    return a.y\n",
    },
}
