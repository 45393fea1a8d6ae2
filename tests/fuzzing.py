"""Make Python that nobody would write, manifests that nobody would, and bytes that are neither.

All of it comes from one `random.Random`, so that hypothesis can shrink it, and a seed repeats it.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from near_misses import NEAR_MISSES
from spellings import SPELLINGS

__all__ = ["folder", "modules", "mutated", "program"]

_NAMES = "os sys a b c f g A B self cls x y eval getattr open print __name__ __file__".split()
_ATTRIBUTES = (
    "system path environ modules a b f run get __dict__ __class__ __globals__ __call__ append "
    "format join parent write_text read x y items values"
).split()
_TEXTS = (
    "os sys system eval a b __globals__ a.b {0} {0.a} %s https://a.example/ /etc/passwd ~/.ssh id"
).split()
_MODULES = ["os", "sys", "subprocess", "socket", "httpx", "pathlib", "importlib", "builtins", "a"]
_LOCAL = ["a", "b", "p", "p.q", "main", ""]
_FILES = ["main.py", "a.py", "b.py", "p/__init__.py", "p/q.py", "tests/test_a.py"]
_CALLS = (
    "getattr eval exec open __import__ map list dict tuple partial vars globals locals type super "
    "reversed sorted iter next attrgetter reduce Path chr bytes str"
).split()


class _Grammar:
    """A program's text, its size bounded by a number of parts."""

    def __init__(self, random: Random, parts: int) -> None:
        self.random = random
        self.parts = parts

    def pick(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def some(self, make: Callable[[], str], most: int = 3) -> list[str]:
        return [make() for _ in range(self.random.randint(0, most))]

    # -- expressions

    def name(self) -> str:
        return str(self.pick(_NAMES))

    def constant(self) -> str:
        return str(
            self.pick(
                [
                    repr(self.pick(_TEXTS)),
                    repr(self.pick(_TEXTS).encode()),
                    "1",
                    "-1",
                    "None",
                    "True",
                    "...",
                    "1.5",
                    "10**9",
                ]
            )
        )

    def expression(self, depth: int = 0) -> str:
        self.parts -= 1
        if depth > 5 or self.parts < 0:
            return self.name() if self.random.random() < 0.6 else self.constant()
        return str(self.pick(_EXPRESSIONS)(self, depth + 1))

    def attribute(self, depth: int) -> str:
        return f"({self.expression(depth)}).{self.pick(_ATTRIBUTES)}"

    def call(self, depth: int) -> str:
        arguments = self.some(lambda: self.expression(depth))
        if self.random.random() < 0.2:
            arguments.append(self.pick(["*", "**"]) + self.expression(depth))
        elif self.random.random() < 0.3:
            arguments.append(f"{self.pick(['key', 'a', 'mode'])}={self.expression(depth)}")
        function = self.pick(_CALLS) if self.random.random() < 0.5 else self.expression(depth)
        return f"({function})({', '.join(arguments)})"

    def subscript(self, depth: int) -> str:
        if self.random.random() < 0.3:
            return f"({self.expression(depth)})[{self.pick(['::-1', '1:', ':2', '0:x'])}]"
        return f"({self.expression(depth)})[{self.expression(depth)}]"

    def binary(self, depth: int) -> str:
        sign = self.pick(["+", "%", "*", "/", "-", "|", "^", "//", "**", "<<", "@"])
        return f"({self.expression(depth)}) {sign} ({self.expression(depth)})"

    def logic(self, depth: int) -> str:
        sign = self.pick(["and", "or", "==", "is", "in", "<"])
        return f"({self.expression(depth)}) {sign} ({self.expression(depth)})"

    def either(self, depth: int) -> str:
        one, two, three = [self.expression(depth) for _ in range(3)]
        return f"({one}) if ({two}) else ({three})"

    def sequence(self, depth: int) -> str:
        items = ", ".join(
            [
                self.pick(["", "", "*"]) + f"({one})"
                for one in self.some(lambda: self.expression(depth))
            ]
        )
        return str(self.pick([f"[{items}]", f"({items},)" if items else "()", f"{{{items or 1}}}"]))

    def mapping(self, depth: int) -> str:
        items = self.some(lambda: f"({self.expression(depth)}): ({self.expression(depth)})")
        if self.random.random() < 0.2:
            items.append(f"**({self.expression(depth)})")
        return "{" + ", ".join(items) + "}"

    def lambda_(self, depth: int) -> str:
        return f"(lambda {self.name()}={self.expression(depth)}, *b: {self.expression(depth)})"

    def walrus(self, depth: int) -> str:
        return f"({self.pick('abxy')} := ({self.expression(depth)}))"

    def comprehension(self, depth: int) -> str:
        loop = f"for {self.pick(['x', 'a, b', '(a, *b)'])} in ({self.expression(depth)})"
        if self.random.random() < 0.3:
            loop += f" if ({self.expression(depth)})"
        inner = f"({self.expression(depth)})"
        return str(self.pick([f"[{inner} {loop}]", f"({inner} {loop})", f"{{{inner}: x {loop}}}"]))

    def formatted(self, depth: int) -> str:
        return f"f'{self.pick(_TEXTS[:4])}{{{self.name()}}}{self.pick(['', 'x', '{a!r:>3}'])}'"

    def unary(self, depth: int) -> str:
        return f"{self.pick(['-', 'not ', '~', '+'])}({self.expression(depth)})"

    def waiting(self, depth: int) -> str:
        return f"({self.pick(['await', 'yield', 'yield from'])} ({self.expression(depth)}))"

    def code(self, depth: int) -> str:
        inner = _Grammar(self.random, 4).expression(4)
        return f"{self.pick(['eval', 'exec', 'compile'])}({inner!r})"

    # -- statements

    def block(self, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randint(1, 3)):
            lines += self.statement(depth)
        return ["    " + line for line in lines]

    def statement(self, depth: int = 0) -> list[str]:
        self.parts -= 1
        if depth > 3 or self.parts < 0:
            return [self.pick(["pass", self.name(), f"{self.name()}()"])]
        return list(self.pick(_STATEMENTS)(self, depth + 1))

    def target(self) -> str:
        return str(
            self.pick(
                [
                    self.pick("abfgxyAB"),
                    "a, b",
                    "[a, *b]",
                    "(a, (b, x))",
                    f"{self.name()}.{self.pick(_ATTRIBUTES)}",
                    f"{self.name()}[{self.expression(4)}]",
                    f"self.{self.pick('abxy')}",
                ]
            )
        )

    def assign(self, depth: int) -> list[str]:
        return [f"{self.target()} = {self.expression()}"]

    def augmented(self, depth: int) -> list[str]:
        return [f"{self.pick('abxy')} {self.pick(['+', '*', '|', '%'])}= {self.expression()}"]

    def annotated(self, depth: int) -> list[str]:
        value = self.pick(["", f" = {self.expression()}"])
        return [f"{self.pick('abxy')}: {self.expression()}{value}"]

    def alone(self, depth: int) -> list[str]:
        return [self.expression()]

    def returned(self, depth: int) -> list[str]:
        word = self.pick(["return", "yield", "raise", "del", "assert"])
        return [f"{word} {self.name() if word == 'del' else self.expression()}"]

    def scoped(self, depth: int) -> list[str]:
        return [f"{self.pick(['global', 'nonlocal'])} {self.pick('abxy')}"]

    def imported(self, depth: int) -> list[str]:
        module, local, name = self.pick(_MODULES), self.pick(_LOCAL), self.pick(_ATTRIBUTES)
        return [
            self.pick(
                [
                    f"import {module}",
                    f"import {module} as {self.pick('abxy')}",
                    f"from {module} import {self.pick(_ATTRIBUTES)} as {self.pick('abxy')}",
                    f"from {module} import *",
                    f"from {self.pick(['.', '..'])}{local} import *",
                    f"from {self.pick(['.', '..'])}{local} import {self.pick(['a', 'b', name])}",
                    f"import {local or 'p.q'}",
                ]
            )
        ]

    def function(self, depth: int) -> list[str]:
        head = self.pick(["def", "async def"])
        arguments = self.pick(
            ["", "a", "self", "a, b=os", "*a, **b", "self, x: A = f", "a, /, *, b=x"]
        )
        lines = [f"{head} {self.pick('fgab')}({arguments}):", *self.block(depth)]
        while self.random.random() < 0.25:
            decorator = self.pick(["property", "staticmethod", "f", "A", "classmethod", "f(x)"])
            lines.insert(0, f"@{decorator}")
        return lines

    def method(self, depth: int) -> list[str]:
        name = self.pick(
            "__init__ __call__ __get__ __enter__ __getattr__ __init_subclass__ __new__".split()
        )
        return [f"def {name}(self, a=x):", *self.block(depth)]

    def class_(self, depth: int) -> list[str]:
        bases = self.pick(["", "(A)", "(B, A)", "(metaclass=B)", "(f(x))", "(type)", "(os.a)"])
        return [f"class {self.pick('AB')}{bases}:", *self.block(depth)]

    def compound(self, depth: int) -> list[str]:
        head = self.pick(
            [
                f"if {self.expression()}:",
                f"for {self.pick(['x', 'a, b', 'x.y'])} in {self.expression()}:",
                f"while {self.expression()}:",
                f"with {self.expression()} as {self.pick(['x', '(a, b)', 'x.y'])}:",
                "try:",
                f"match {self.expression()}:",
            ]
        )
        if head == "try:":
            return [head, *self.block(depth), "except E as x:", *self.block(depth)]
        if head.startswith("match"):
            case = self.pick(["a", "[a, *b]", "{'x': a, **b}", "A(x=b) | None", "(1 | 2) as a"])
            return [head, f"    case {case}:", *["    " + one for one in self.block(depth)]]
        return [head, *self.block(depth)]


_EXPRESSIONS = [
    *[_Grammar.attribute] * 4,
    *[_Grammar.call] * 5,
    *[_Grammar.subscript] * 2,
    _Grammar.binary,
    _Grammar.logic,
    _Grammar.either,
    _Grammar.sequence,
    _Grammar.mapping,
    _Grammar.lambda_,
    _Grammar.walrus,
    _Grammar.comprehension,
    _Grammar.formatted,
    _Grammar.unary,
    _Grammar.waiting,
    _Grammar.code,
]
_STATEMENTS = [
    *[_Grammar.assign] * 4,
    *[_Grammar.alone] * 2,
    *[_Grammar.imported] * 2,
    _Grammar.augmented,
    _Grammar.annotated,
    _Grammar.returned,
    _Grammar.scoped,
    _Grammar.function,
    _Grammar.method,
    _Grammar.class_,
    _Grammar.compound,
]


def program(random: Random, parts: int = 60) -> str:
    """Return a module of about as many statements and expressions; most are Python."""
    grammar = _Grammar(random, parts)
    lines: list[str] = []
    while grammar.parts > 0:
        lines += grammar.statement()
    return "\n".join(lines) + "\n"


_SNIPPETS: list[str | Mapping[str, str]] = [
    *[code for _, _, code in SPELLINGS],
    *[code for _, code in NEAR_MISSES],
]
_WORD = re.compile(r"[A-Za-z_]\w*")


def _swapped(random: Random, text: str) -> str:
    words = [one for one in _WORD.finditer(text) if not keyword.iskeyword(one[0])]
    if not words:
        return text
    word, other = random.choice(words), random.choice(words)
    return text[: word.start()] + other[0] + text[word.end() :]


def _wrapped(random: Random, text: str) -> str:
    head = random.choice(
        ["def f(x=os):", "class A(B):", "try:", "for x in f():", "async def g():", "with a as b:"]
    )
    lines = [head, *["    " + line for line in text.splitlines() or ["pass"]]]
    return "\n".join([*lines, "except E: pass" if head == "try:" else "f()"])


def _spliced(random: Random, text: str) -> str:
    other = random.choice(_SNIPPETS)
    lines = text.splitlines()
    place = random.randint(0, len(lines))
    more = other if isinstance(other, str) else random.choice(list(other.values()))
    return "\n".join([*lines[:place], *more.splitlines(), *lines[place:]])


def _scratched(random: Random, text: str) -> str:
    place = random.randint(0, len(text))
    sign = random.choice("()[]{}'\"\\:=.,* \n\t\0\ufeff\u202e\u0430#@%")
    return text[:place] + sign + text[place + random.randint(0, 1) :]


_CHANGES: list[Callable[[Random, str], str]] = [
    _swapped,
    _swapped,
    _wrapped,
    _spliced,
    _scratched,
    lambda random, text: f"exec({text!r})",
    lambda random, text: "\n".join(random.sample(lines := text.splitlines(), len(lines))),
    lambda random, text: text + "\n" + text,
]


def mutated(random: Random) -> str:
    """Return a known snippet with a few changes."""
    code = random.choice(_SNIPPETS)
    text = code if isinstance(code, str) else random.choice(list(code.values()))
    for _ in range(random.randint(1, 6)):
        if len(text) < 20_000:
            text = random.choice(_CHANGES)(random, text)
    return text


def modules(random: Random) -> dict[str, str]:
    """Return the modules of a skill; ``main.py`` is among them."""
    paths = ["main.py", *random.sample(_FILES[1:], random.randint(0, 3))]
    return {
        path: mutated(random) if random.random() < 0.5 else program(random, random.randint(5, 80))
        for path in paths
    }


def _bytes(random: Random, text: bytes) -> bytes:
    data = bytearray(text)
    for _ in range(random.randint(0, 8)):
        place = random.randint(0, len(data))
        data[place : place + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
    return bytes(data)


def _value(random: Random, depth: int = 0) -> Any:
    kinds: list[Any] = [
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "x",
        "../x",
        "\u202e",
        "*",
        "main",
        "a" * 300,
    ]
    if depth < 3:
        kinds += [[_value(random, depth + 1)], {"a": _value(random, depth + 1)}, {}, []]
    return random.choice(kinds)


def _manifest(random: Random) -> bytes:
    fields: dict[str, Any] = {
        "plugin_id": "com.example.judged",
        "name": "Judged",
        "version": "1.0.0",
        "plugin_type": "custom",
        "entry_point": "main",
        "permissions": {"network_hosts": ["*.example.com"], "filesystem_write": ["./x"]},
        "dependencies": [{"plugin_id": "com.example.a"}],
        "config_schema": {"type": "object"},
    }
    for key in random.sample(list(fields), random.randint(0, 4)):
        fields[key] = _value(random)
    for key in (
        random.sample(list(fields["permissions"] or {}), 1)
        if isinstance(fields["permissions"], dict) and fields["permissions"]
        else ()
    ):
        if random.random() < 0.3:
            fields["permissions"][key] = _value(random)
    return json.dumps(fields).encode("utf-8", "surrogatepass")


def folder(random: Random) -> dict[str, bytes]:
    """Return path → bytes of a skill whose files may be anything."""
    skill = b"---\nname: judged\ndescription: Is judged.\nversion: 1.0.0\n---\n# Judged\n\nText.\n"
    files = {"plugin.json": _manifest(random)} if random.random() < 0.7 else {"SKILL.md": skill}
    if random.random() < 0.2:
        files["SKILL.md"] = skill
    files["main.py" if "plugin.json" in files else "skill.py"] = mutated(random).encode(
        "utf-8", "surrogatepass"
    )
    if random.random() < 0.3:
        name = random.choice(["x.txt", "x.so", "x.pkl", "x.zip", "x.pyc", ".env", "config.json"])
        files[name] = random.randbytes(random.randint(0, 64))
    for name in list(files):
        if random.random() < 0.4:
            files[name] = _bytes(random, files[name])
        elif random.random() < 0.1:
            files[name] = random.randbytes(random.randint(0, 200))
    return files
