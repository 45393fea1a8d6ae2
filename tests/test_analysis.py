"""What code uses is seen, however it is spelled; what only looks like it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from near_misses import NEAR_MISSES
from readings import Code, fatal, judged, names, seen
from spellings import SPELLINGS

from kurt_ext.analysis.uses import Use


def only(code: Code, name: str) -> Use:
    """Return the one use of a name."""
    (use,) = [use for use in seen(code).uses if use.name == name]
    return use


@pytest.mark.parametrize(("name", "code"), [(name, code) for _, name, code in SPELLINGS])
def test_every_spelling_is_seen_through(name: str, code: Code) -> None:
    analysis = seen(code)
    found = {use.name for use in analysis.uses} | {event.rule for event in analysis.events}
    assert name in found
    assert analysis.complete and analysis.reasons == ()


@pytest.mark.parametrize("code", [code for _, _, code in SPELLINGS])
def test_no_spelling_passes_the_validator(tmp_path: Path, code: Code) -> None:
    report = judged(tmp_path / "com.example.judged", code)
    assert not report.valid and report.score <= 59


@pytest.mark.parametrize("code", [code for _, code in NEAR_MISSES])
def test_no_near_miss_is_taken_for_what_it_looks_like(tmp_path: Path, code: Code) -> None:
    report = judged(tmp_path / "com.example.judged", code)
    assert fatal(report) == [] and report.complete
    assert report.score >= 80


def test_the_tables_are_as_large_as_they_claim() -> None:
    assert len(SPELLINGS) >= 250 and len(NEAR_MISSES) >= 130


class TestPlaces:
    def test_a_use_is_where_it_is_called(self) -> None:
        use = only("import os\n\nx = [os.system]\nx[0]('id')\n", "os.system")
        assert (use.path, use.line, use.column, use.called) == ("main.py", 4, 1, True)

    def test_one_that_is_never_called_is_where_it_is_fetched(self) -> None:
        use = only("import os\n\nx = [os.system]\n", "os.system")
        assert (use.path, use.line, use.column, use.called) == ("main.py", 3, 6, False)

    def test_a_call_outranks_a_mention_in_the_same_module(self) -> None:
        use = only("import os\nx = os.system\ndef f():\n    os.system('id')\n", "os.system")
        assert (use.line, use.called) == (4, True)

    def test_every_call_is_told(self) -> None:
        uses = seen("import os\nos.system('a')\nos.system('b')\n").uses
        assert [(use.line, use.targets) for use in uses] == [(2, ("a",)), (3, ("b",))]

    def test_what_a_text_does_is_where_it_is_run(self) -> None:
        use = only("import os\n\nexec('\\n\\n\\nos.system(1)')", "os.system")
        assert use.line == 3

    def test_a_name_of_another_module_is_told_there(self) -> None:
        code = {"main.py": "from .a import run\nrun('id')", "a.py": "import os\nrun = os.system"}
        assert {(use.path, use.line) for use in seen(code).uses} == {("a.py", 2), ("main.py", 2)}


class TestReach:
    FILES: ClassVar[dict[str, str]] = {
        "main.py": "from . import a",
        "a.py": "from .p import b",
        "p/__init__.py": "",
        "p/b.py": "import os\nos.system('id')",
        "c.py": "import os\nos.popen('id')",
        "tests/test_c.py": "from ..c import x",
    }

    def test_what_an_entry_point_imports_is_reachable(self) -> None:
        analysis = seen(self.FILES)
        assert analysis.reachable == {"main.py", "a.py", "p/__init__.py", "p/b.py"}
        assert {use.name: use.reachable for use in analysis.uses} == {
            "os.system": True,
            "os.popen": False,
        }

    @pytest.mark.parametrize(
        "line",
        [
            "from . import c",
            "from .c import *",
            "import importlib\nimportlib.import_module('.c', __package__)",
            "import importlib\nimportlib.import_module(f'.{\"c\"}', __package__)",
            "def f():\n    from . import c",
            "if x:\n    from .c import y",
            "try:\n    from .c import y\nexcept ImportError:\n    pass",
            "import kurt_skills.com_example_x.c",
            "from kurt_skills.any.c import x",
        ],
    )
    def test_all_kinds_of_imports_reach(self, line: str) -> None:
        assert "c.py" in seen({**self.FILES, "main.py": line}).reachable

    @pytest.mark.parametrize(
        "line", ["import c2", "from .d import c", "'from . import c'", "c = 1"]
    )
    def test_what_names_nothing_reaches_nothing(self, line: str) -> None:
        assert "c.py" not in seen({**self.FILES, "main.py": line}).reachable

    def test_a_module_named_like_the_librarys_is_meant_where_it_is_relative(self) -> None:
        code = {"main.py": "import json\nfrom . import os", "json.py": "", "os.py": ""}
        assert seen(code).reachable == {"main.py", "os.py"}

    def test_other_entry_points_are_begun_from(self) -> None:
        assert seen(self.FILES, ["c"]).reachable == {"c.py"}
        assert seen(self.FILES, []).reachable == frozenset()


class TestWhen:
    @pytest.mark.parametrize(
        "code",
        [
            "os.system('id')",
            "if x:\n    os.system('id')",
            "try:\n    os.system('id')\nfinally:\n    pass",
            "for i in x:\n    os.system('id')",
            "with x:\n    os.system('id')",
            "class A:\n    os.system('id')",
            "class A:\n    class B:\n        os.system('id')",
            "[os.system(i) for i in 'x']",
            "x = lambda c=os.system('id'): c",
            "def f(c=os.system('id')): pass",
            "@f(os.system('id'))\ndef g(): pass",
            "def f():\n    os.system('id')\nf()",
            "def f():\n    g()\ndef g():\n    os.system('id')\nf()",
            "class A:\n    def __init__(self):\n        os.system('id')\nA()",
            "class A:\n    @staticmethod\n    def f():\n        os.system('id')\nA.f()",
            "def d(f):\n    os.system('id')\n    return f\n@d\ndef g(): pass",
            "class A:\n    def __init_subclass__(cls):\n        os.system('id')\nclass B(A): pass",
            "(lambda: os.system('id'))()",
            "x: os.system('id') = 1",
        ],
    )
    def test_what_an_import_does_is_told(self, code: str) -> None:
        assert only("import os\n" + code, "os.system").at_import

    @pytest.mark.parametrize(
        "code",
        [
            "def f():\n    os.system('id')",
            "async def f():\n    os.system('id')",
            "f = lambda: os.system('id')",
            "class A:\n    def f(self):\n        os.system('id')\nA",
            "def f():\n    g()\ndef g():\n    os.system('id')",
            "if __name__ == '__main__':\n    os.system('id')",
            "def f():\n    class A:\n        os.system('id')",
        ],
    )
    def test_what_waits_to_be_called_does_not_happen_at_import(self, code: str) -> None:
        assert not only("import os\n" + code, "os.system").at_import


class TestTargets:
    @pytest.mark.parametrize(
        ("expression", "targets", "proven"),
        [
            ("'https://a.example/x'", ("https://a.example/x",), True),
            ("'https://a.example' + '/x'", ("https://a.example/x",), True),
            ("f'https://a.example/{n}'", ("https://a.example/…",), False),
            ("f'https://{n}.example.com/x'", ("https://….example.com/x",), False),
            ("'https://a.example/%s' % n", ("https://a.example/…",), False),
            ("'https://a.example/{}'.format(n)", ("https://a.example/…",), False),
            ("BASE + '/x'", ("https://b.example/x",), True),
            ("BASE + n", ("https://b.example…",), False),
            ("'/'.join([BASE, 'x', n])", ("https://b.example/x/…",), False),
            ("'/'.join([BASE, 'x'])", ("https://b.example/x",), True),
            ("n", (), False),
            ("URLS['a']", ("https://c.example",), True),
            ("BASE if n else URLS['a']", ("https://b.example", "https://c.example"), True),
            ("Config.url", ("https://d.example",), True),
            ("url()", ("https://e.example",), True),
            ("(x := BASE)", ("https://b.example",), True),
            ("str(BASE)", ("https://b.example",), True),
            ("BASE.strip('/')", ("https://b.example",), True),
        ],
    )
    def test_of_an_address_as_much_as_is_spelled(
        self, expression: str, targets: tuple[str, ...], proven: bool
    ) -> None:
        code = (
            "import httpx\nBASE = 'https://b.example'\nURLS = {'a': 'https://c.example'}\n"
            "class Config:\n    url = 'https://d.example'\n"
            "def url():\n    return 'https://e.example'\n"
            f"def f(n):\n    httpx.get({expression})\n"
        )
        use = only(code, "httpx.get")
        assert (use.targets, use.proven) == (targets, proven)

    @pytest.mark.parametrize(
        ("expression", "targets", "proven"),
        [
            ("['ffmpeg', '-i', x]", ("ffmpeg",), True),
            ("('ffmpeg', x)", ("ffmpeg",), True),
            ("['/usr/bin/' + 'git', 'log']", ("/usr/bin/git",), True),
            ("ARGS", ("git",), True),
            ("[PROGRAM, x]", ("rsync",), True),
            ("[x, 'a']", (), False),
            ("x", (), False),
            ("['git', *x]", ("git",), True),
        ],
    )
    def test_of_a_program_its_name(
        self, expression: str, targets: tuple[str, ...], proven: bool
    ) -> None:
        code = (
            "import subprocess\nARGS = ['git', 'log']\nPROGRAM = 'rsync'\n"
            f"def f(x):\n    subprocess.run({expression})\n"
        )
        use = only(code, "subprocess.run")
        assert (use.targets, use.proven) == (targets, proven)

    @pytest.mark.parametrize(
        ("expression", "targets"),
        [
            ("open('/data/x', 'w')", ("/data/x",)),
            ("Path('/data', 'x').write_text('')", ("/data/x",)),
            ("(Path('/data') / 'a' / 'b').write_text('')", ("/data/a/b",)),
            ("Path('/data').joinpath('x').write_text('')", ("/data/x",)),
            ("Path('/data/a').parent.joinpath('b').write_text('')", ("/data/b",)),
            ("(Path.home() / '.bashrc').write_text('')", ("~/.bashrc",)),
            ("Path('~/.x').expanduser().write_text('')", ("~/.x",)),
            ("(Path(__file__).parent / 'x').write_text('')", ("<skill>/x",)),
            ("(Path(__file__).resolve().parent.parent / 'x').write_text('')", ("<skill>/../x",)),
            ("open(os.path.join(os.path.dirname(__file__), 'x'), 'w')", ("<skill>/x",)),
            ("open(os.path.join('/data', 'a', 'b'), 'w')", ("/data/a/b",)),
            ("open(os.path.expanduser('~/x'), 'w')", ("~/x",)),
            ("open(os.path.join(tempfile.gettempdir(), 'x'), 'w')", ("<temp>/x",)),
            ("open('/data/' + n, 'w')", ("/data/…",)),
            ("open(f'/data/{n}.txt', 'w')", ("/data/….txt",)),
            ("open(n, 'w')", ()),
            ("open(os.path.join(os.environ['HOME'], '.x'), 'w')", ("~/.x",)),
        ],
    )
    def test_of_a_file_where_it_lies(self, expression: str, targets: tuple[str, ...]) -> None:
        code = f"import os, tempfile\nfrom pathlib import Path\ndef f(n):\n    {expression}\n"
        (use,) = [u for u in seen(code).uses if u.meaning.permission == "filesystem_write"]
        assert use.targets == targets

    @pytest.mark.parametrize(
        ("expression", "targets", "proven"),
        [
            ("os.environ['A']", ("A",), True),
            ("os.environ.get('A')", ("A",), True),
            ("os.getenv('A')", ("A",), True),
            ("os.environ.get('A' + 'B', 'x')", ("AB",), True),
            ("os.environ.get(PREFIX + '_KEY')", ("X_KEY",), True),
            ("os.environ[n]", (), False),
            ("os.environ.pop('A')", ("A",), True),
            ("dict(os.environ)", (), False),
            ("os.environ.copy()", (), True),
            ("{**os.environ}", (), False),
        ],
    )
    def test_of_the_environment_which_variable(
        self, expression: str, targets: tuple[str, ...], proven: bool
    ) -> None:
        code = f"import os\nPREFIX = 'X'\ndef f(n):\n    return {expression}\n"
        uses = [u for u in seen(code).uses if u.meaning.permission == "environment_variables"]
        assert uses
        assert {target for use in uses for target in use.targets} == set(targets)
        assert all(use.proven for use in uses) is proven


class TestLimits:
    def test_of_code_that_makes_code_three_layers_are_looked_into(self) -> None:
        code = "import os; os.system('id')"
        for layer in range(5):
            analysis = seen(code)
            found = "os.system" in {use.name for use in analysis.uses}
            assert found or not analysis.complete, layer
            assert "exec" in {use.name for use in analysis.uses} or layer == 0
            code = f"exec({code!r})"

    def test_what_takes_too_many_steps_is_given_up_and_said(self) -> None:
        lines = ["def f(x): return x"]
        code = "x0 = 1\n" + "".join(f"x{n + 1} = [x{n}, x{n}]\n" for n in range(200))
        analysis = seen(code + "\n".join(lines) + "\nimport os\nos.system(x200)\n")
        assert "os.system" in names(code + "import os\nos.system(x200)\n")
        for path, why in analysis.reasons:
            assert path == "main.py" and why

    def test_a_call_through_too_many_functions_is_given_up_and_said(self) -> None:
        code = "import os\ndef f0():\n    return 'system'\n"
        code += "".join(f"def f{n}():\n    return f{n - 1}()\n" for n in range(1, 200))
        analysis = seen(code + "getattr(os, f199())('id')\n")
        found = {use.name for use in analysis.uses} | {event.rule for event in analysis.events}
        assert found & {"os.system", "computed-attribute"}
        assert not analysis.complete or "os.system" in found


def test_the_same_code_has_the_same_analysis() -> None:
    for _, _, code in SPELLINGS[::7]:
        one, two = seen(code), seen(code)
        assert (one.uses, one.events, one.references) == (two.uses, two.events, two.references)


def test_the_order_of_files_changes_nothing() -> None:
    files: dict[str, Any] = {
        "main.py": "from .a import *\nfrom .b import *\nrun('id')",
        "a.py": "from .b import run",
        "b.py": "from os import system as run",
        "c.py": "from . import a\na.run('x')",
    }
    expected = seen(files)
    backwards = seen(dict(reversed(files.items())))
    assert expected.uses == backwards.uses and expected.events == backwards.events
    assert expected.reachable == backwards.reachable
