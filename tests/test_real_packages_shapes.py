"""Shapes that ordinary packages are full of are told as what they are, and nothing worse."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from readings import fatal, judged, names, seen

from kurt_ext.analysis.catalogue import meaning

#: What a name stands for here is asked, written down or compared, and never used.
HARMLESS = {
    "a class that an object may be of": """
        import types
        def f(x):
            return isinstance(x, (types.FunctionType, types.CodeType)) or issubclass(
                x, types.LambdaType | types.FunctionType)
        """,
    "a class in an annotation": """
        import subprocess
        def wait(child: subprocess.Popen) -> subprocess.Popen:
            return child
        """,
    "an exception of a library that talks": """
        import pymongo, requests
        def f(work):
            try:
                return work()
            except (pymongo.errors.PyMongoError, requests.RequestException):
                return None
        """,
    "constants of modules that talk": """
        import socket, ssl, winreg
        CODES = [socket.SCM_RIGHTS, ssl.SSL_ERROR_WANT_READ, winreg.HKEY_CURRENT_USER]
        """,
    "the version of a library that talks": """
        import urllib3
        MAJOR = int(urllib3.__version__.split(".")[0])
        NAME = urllib3.request.__name__
        """,
    "a handle of a file on Windows": """
        import msvcrt
        def f(file):
            return msvcrt.get_osfhandle(file.fileno())
        """,
}
#: The same, where they are used after all.
USED = {
    "the test is one of its own": (
        "os.system",
        """
        import os
        def isinstance(a, b):
            return b("ls")
        isinstance(1, os.system)
        """,
    ),
    "the annotation is fetched and called": (
        "subprocess.Popen",
        """
        import subprocess
        def f(x: subprocess.Popen): ...
        f.__annotations__["x"](["ls"])
        """,
    ),
    "a class in capitals": ("smtplib.SMTP", "import smtplib\nMAIL = smtplib.SMTP\n"),
    "a prototype of machine code": ("ctypes.CFUNCTYPE", "import ctypes\nctypes.CFUNCTYPE(None)(1)"),
}


def dedented(code: str) -> str:
    """Return a text of the tables as a module."""
    from textwrap import dedent

    return dedent(code)


@pytest.mark.parametrize("shape", HARMLESS)
def test_what_is_only_asked_is_no_use(shape: str) -> None:
    assert names(dedented(HARMLESS[shape])) == set()


@pytest.mark.parametrize("shape", USED)
def test_what_is_used_in_the_same_place_is(shape: str) -> None:
    name, code = USED[shape]
    assert name in names(dedented(code))


def test_what_is_taken_out_of_unpickled_data_is_not_unpickled_again() -> None:
    code = "import pickle\nstate = pickle.loads(b'')\nfirst = state['a'][0].b\nfirst.c()\n"
    assert [(use.name, use.line) for use in seen(code).uses] == [("pickle.loads", 2)]


@pytest.mark.parametrize(
    ("name", "says", "severity"),
    [
        ("os._exit", "ends the host's process", "high"),
        ("os.abort", "ends the host's process", "high"),
        ("os.kill", "sends a signal to a process", "high"),
        ("os.fork", "makes a copy of the host's process", "critical"),
        ("os.register_at_fork", "runs whenever the host makes a copy of itself", "medium"),
        ("copyreg.pickle", "changes how the whole program pickles objects", "medium"),
        ("winreg.OpenKey", "reads the registry of Windows", "high"),
        ("winreg.SetValueEx", "reaches Windows itself", "critical"),
        ("msvcrt.getwch", "reads or types keys", "high"),
    ],
)
def test_a_name_is_said_to_do_what_it_does(name: str, says: str, severity: str) -> None:
    found = meaning(name)
    assert found is not None
    assert (found.does, found.severity) == (says, severity)


class TestAttributesWithUnderscores:
    @pytest.mark.parametrize("name", ["__traceback__", "__context__", "__cause__", "__notes__"])
    def test_an_exception_is_told_where_it_came_from(self, name: str) -> None:
        assert not seen(f"def f(error):\n    error.{name} = None\n").events

    @pytest.mark.parametrize("name", ["__click_params__", "__attrs_attrs__", "__pydantic_fields__"])
    def test_a_mark_of_a_library_is_no_change_of_what_an_object_is(self, name: str) -> None:
        (event,) = seen(f"def f(thing):\n    thing.{name} = ()\n").events
        assert event.rule == "class-patch" and event.severity == "medium"

    @pytest.mark.parametrize(
        "name",
        [
            "__class__",
            "__code__",
            "__init__",
            "__call__",
            "__getattr__",
            "__radd__",
            "__setstate__",
        ],
    )
    def test_what_python_obeys_is(self, name: str) -> None:
        (event,) = seen(f"def f(thing):\n    thing.{name} = print\n").events
        assert event.rule == "class-patch" and event.severity == "critical"


class TestAModuleNamedLikeAKnownPackage:
    FILES: ClassVar = {
        "main.py": "import requests\ndef go():\n    requests.post('https://a.example/', json=1)\n",
        "requests.py": "def post(*_, **__):\n    return None\n",
    }

    def test_may_be_the_installed_one(self, tmp_path: Path) -> None:
        report = judged(tmp_path / "com.example.judged", self.FILES)
        assert any("a.example" in line for line in fatal(report))

    def test_is_the_skills_own_where_it_is_relative(self, tmp_path: Path) -> None:
        files = {
            **self.FILES,
            "main.py": self.FILES["main.py"].replace("import", "from . import", 1),
        }
        assert fatal(judged(tmp_path / "com.example.judged", files)) == []

    @pytest.mark.parametrize(
        "line", ["from requests import post", "from requests import post as p"]
    )
    def test_counts_by_name_too(self, line: str) -> None:
        code = {**self.FILES, "main.py": f"{line}\n{line.split()[-1]}('https://a.example/')\n"}
        assert "requests.post" in names(code)


class TestFilesBesideARequest:
    REQUEST = "import requests\ndef get(host):\n    return requests.get(f'https://{host}/')\n"

    def rules(self, folder: Path, code: str) -> set[str]:
        report = judged(folder / "com.example.judged", self.REQUEST + code)
        return {finding.rule for finding in report.findings}

    def test_a_file_that_somebody_names_is_no_secret(self, tmp_path: Path) -> None:
        assert "secrets-leave" not in self.rules(
            tmp_path, "def show(path):\n    return open(path).read()\n"
        )

    @pytest.mark.parametrize("path", ["'/var/lib/app.db'", "'/home/' + user + '/notes'"])
    def test_one_that_the_skill_chooses_is(self, tmp_path: Path, path: str) -> None:
        code = f"def show(user):\n    return open({path}).read()\n"
        assert "secrets-leave" in self.rules(tmp_path, code)

    @pytest.mark.parametrize(
        "code",
        [
            "import os\ndef f(name):\n    return os.environ.get(name)\n",
            "import os\ndef f(name):\n    return os.environ[name]\n",
            "import os\ndef f(text):\n    return os.path.expandvars(text)\n",
            "from urllib.request import getproxies\nMINE = getproxies()\n",
        ],
    )
    def test_one_variable_is_not_the_environment(self, tmp_path: Path, code: str) -> None:
        assert "secrets-leave" not in self.rules(tmp_path, code)

    @pytest.mark.parametrize(
        "code", ["dict(os.environ)", "os.environ.copy()", "[os.environ[k] for k in os.environ]"]
    )
    def test_all_of_them_are(self, tmp_path: Path, code: str) -> None:
        code = f"import os\ndef f():\n    return {code}\n"
        assert "secrets-leave" in self.rules(tmp_path, code)


class TestStores:
    @pytest.mark.parametrize(
        "code",
        [
            "import ctypes\nctypes.pythonapi.PyOS_getsig.argtypes = ()\n",
            "import functools\nfunctools.wraps.__doc__ = 'Wrap.'\n",
            "import types\nmade = types.ModuleType('made')\nmade.__dict__['a'] = 1\n",
        ],
    )
    def test_what_changes_nothing_of_others(self, code: str) -> None:
        assert not [event for event in seen(code).events if event.rule == "foreign-store"]

    @pytest.mark.parametrize(
        "code",
        [
            "import ctypes\nctypes.pythonapi.PyOS_getsig.errcheck = print\n",
            "import functools\nfunctools.wraps.__code__ = None\n",
            "import json\njson.__dict__['loads'] = print\n",
        ],
    )
    def test_what_does(self, code: str) -> None:
        assert [event.rule for event in seen(code).events] == ["foreign-store"]


def test_a_part_of_a_library_that_talks_is_as_grave_as_the_library() -> None:
    code = "import ssl\ndef f(name):\n    return getattr(ssl, name)\n"
    assert {event.severity for event in seen(code).events} == {"high"}
    code = code.replace("ssl", "os")
    assert {event.severity for event in seen(code).events} == {"critical"}


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("os.path.dirname('')", "lextab.py"),
        ("os.path.dirname('a')", "lextab.py"),
        ("os.path.dirname('a/b')", "a/lextab.py"),
        ("os.path.dirname('.')", "../lextab.py"),
        ("os.path.dirname('..')", "../../lextab.py"),
        ("os.path.dirname(os.path.dirname('/a/b'))", "/lextab.py"),
    ],
)
def test_a_bare_name_lies_in_the_working_folder(path: str, target: str) -> None:
    code = f"import os\nopen(os.path.join({path}, 'lextab.py'), 'w')\n"
    (use,) = [use for use in seen(code).uses if use.name == "open"]
    assert use.targets == (target,)


def test_a_temporary_name_beside_a_file_lies_in_the_folder_that_is_allowed(tmp_path: Path) -> None:
    code = "def save(name):\n    open('out/.' + name + '.tmp', 'w').write('')\n"
    report = judged(
        tmp_path / "com.example.judged", code, permissions={"filesystem_write": ["./out"]}
    )
    assert fatal(report) == []
