"""A plugin's verdict: what is wrong, where, and the score of the document clipped by the worst."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from pathlib import Path
from typing import Any

import pytest
from trees import Tree, grow

from kurt_ext import PluginMetadata, PluginValidationResult, PluginValidator
from kurt_ext.errors import ConfigError
from kurt_ext.scoring import FACTORS

QUIET = (
    "class Plugin:\n    def __init__(self, metadata, config):\n        self.metadata = metadata\n"
)


class Judge:
    """Judge a plugin that is written for it."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "com.example.judged"

    def write(self, code: str = "", files: Tree | None = None, **fields: Any) -> Path:
        manifest = {
            "plugin_id": "com.example.judged",
            "name": "Judged",
            "version": "1.0.0",
            "description": "Is judged.",
            "author": "A <a@example.com>",
            "license": "MIT",
            "plugin_type": "custom",
            "entry_point": "main",
            "permissions": {},
            **fields,
        }
        text = json.dumps({key: value for key, value in manifest.items() if value is not None})
        return grow(self.folder, {"plugin.json": text, "main.py": code + QUIET, **(files or {})})

    def __call__(
        self,
        code: str = "",
        files: Tree | None = None,
        *,
        config: dict[str, Any] | None = None,
        metadata: Any = None,
        **fields: Any,
    ) -> PluginValidationResult:
        folder = self.write(code, files, **fields)
        return asyncio.run(PluginValidator(config).validate_plugin(folder, metadata))


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path)


def test_a_plugin_that_does_nothing_is_harmless(judge: Judge) -> None:
    result = judge()
    assert (result.valid, result.errors, result.security_score) == (True, [], 100.0)
    assert result.risk_level == "low"


CODE = {
    "process": "import os\ndef p():\n    os.system('ls')\n",
    "native": "import ctypes\ndef n():\n    ctypes.CDLL('x')\n",
    "write": "def w():\n    open('cache/x', 'w')\n",
    "network": "import httpx\ndef g():\n    httpx.get('https://api.example.com/x')\n",
    "service": "import openai\nopenai.OpenAI()\n",
    "environment": "import os\nos.environ['TOKEN_A']\n",
}
FACTOR = {**dict.fromkeys(("process", "native"), "dangerous"), **{name: name for name in FACTORS}}
DECLARED: dict[str, tuple[str, Any]] = {
    "process": ("processes", ["ls"]),
    "native": ("native_code", True),
    "write": ("filesystem_write", ["./cache"]),
    "network": ("network_hosts", ["api.example.com"]),
    "service": ("external_apis", ["openai"]),
    "environment": ("environment_variables", ["TOKEN_A"]),
}


@pytest.mark.parametrize("factor", CODE)
def test_p32_what_is_declared_is_allowed_and_costs_its_points(judge: Judge, factor: str) -> None:
    key, value = DECLARED[factor]
    result = judge(CODE[factor], permissions={key: value})
    assert result.valid and result.errors == []
    assert result.security_score == 100 - FACTORS[FACTOR[factor]]
    assert any(key in text and "main.py:" in text for text in result.warnings)


@pytest.mark.parametrize("factor", CODE)
def test_what_is_not_declared_is_an_error_with_line_and_remedy(judge: Judge, factor: str) -> None:
    result = judge(CODE[factor])
    dangerous = FACTOR[factor] == "dangerous"
    assert not result.valid and result.risk_level == ("critical" if dangerous else "high")
    assert result.security_score == (39 if dangerous else 59)
    (error,) = result.errors
    assert error.startswith("main.py:") and f"permissions: {DECLARED[factor][0]}" in error
    line = int(error.split(":")[1])
    assert CODE[factor].split("\n")[line - 1]


def test_all_that_is_declared_costs_each_factor_once(judge: Judge) -> None:
    permissions = dict(DECLARED.values())
    result = judge("".join(CODE.values()) * 2, permissions=permissions)
    assert result.valid
    assert (result.security_score, result.risk_level) == (30.0, "critical")


@pytest.mark.parametrize("code", ["eval('1')\n", "import pickle\npickle.loads(b'')\n"])
def test_no_permission_covers_code_that_is_made_while_it_runs(judge: Judge, code: str) -> None:
    result = judge(code, permissions=dict(DECLARED.values()))
    assert not result.valid and result.risk_level == "critical"
    assert "no permission covers that" in result.errors[0]


@pytest.mark.parametrize(
    ("code", "permissions", "named"),
    [
        (CODE["network"], {"network_hosts": ["other.example.com"]}, "api.example.com"),
        (CODE["environment"], {"environment_variables": ["OTHER"]}, "TOKEN_A"),
    ],
)
def test_another_host_or_variable_than_the_declared_is_an_error(
    judge: Judge, code: str, permissions: dict[str, Any], named: str
) -> None:
    result = judge(code, permissions=permissions)
    assert not result.valid and f"{named} to permissions" in result.errors[0]


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("*.example.com", CODE["network"]),
        ("API.example.com:443", CODE["network"]),
        ("https://api.example.com/v1", CODE["network"]),
    ],
)
def test_a_host_is_declared_by_pattern_and_port(judge: Judge, listed: str, code: str) -> None:
    assert judge(code, permissions={"network_hosts": [listed]}).valid


def test_the_documents_calculator_is_refused_for_its_eval(judge: Judge) -> None:
    code = "async def arithmetic(expression):\n    result = eval(expression)\n    return result\n"
    result = judge(code)
    assert not result.valid and result.risk_level == "critical"
    assert result.errors[0].startswith("main.py:2:14: critical: eval runs code")


def test_p33_a_comment_with_an_address_is_nothing(judge: Judge) -> None:
    result = judge("# see https://example.com and os.system\n")
    assert (result.security_score, result.warnings) == (100.0, [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.pyc", b"\0"),
        ("x.pyd", b"\0"),
        ("x.so.1", b"\0"),
        ("x.EXE", b"MZ\x90\0" + b"\0" * 60),
        ("x.pth", b"import os\n"),
        ("x.pyw", b"import os\nos.system('x')\n"),
        ("lib/x.so", b"\0"),
    ],
)
def test_p34_what_nobody_can_read_is_an_error(judge: Judge, name: str, content: bytes) -> None:
    files: Tree = {name: content}
    if "/" in name:
        files = {"lib": {"x.so": content}}
    result = judge(files=files)
    assert not result.valid and result.security_score <= 59
    assert any(text.startswith(f"{name}:") for text in result.errors)


@pytest.mark.parametrize("name", ["x.ps1", "x.bat", "x.EXE", "x.jar"])
def test_p34_a_program_beside_the_code_is_told(judge: Judge, name: str) -> None:
    result = judge(files={name: b"x"})
    told = result.warnings if name in ("x.ps1", "x.bat") else result.errors
    assert any(text.startswith(f"{name}:") for text in told)
    assert result.security_score <= 79


def test_p34_a_missing_entry_point_is_an_error(judge: Judge) -> None:
    result = judge(entry_point="nowhere")
    assert not result.valid and "nowhere" in result.errors[0]


def test_p35_a_score_that_is_not_low_says_why(judge: Judge) -> None:
    code = "import httpx\ndef g(url):\n    httpx.get(url)\n"
    result = judge(code, permissions={"network_hosts": ["api.example.com"]})
    assert result.valid and result.security_score == 79.0 and result.risk_level == "medium"
    assert "known only when it runs" in result.warnings[0]


@pytest.mark.parametrize(
    "permissions",
    [
        {"filesystem_write": ["/etc"]},
        {"filesystem_read": ["/"]},
        {"environment_variables": ["AWS_SECRET_ACCESS_KEY"]},
        {"system_resources": ["*"]},
        {"network_hosts": ["*"]},
        {"processes": ["bash"]},
    ],
)
def test_p36_a_permission_that_covers_too_much_is_told_and_clips_the_score(
    judge: Judge, permissions: dict[str, Any]
) -> None:
    result = judge(permissions=permissions)
    assert (result.warnings or result.errors) and result.security_score <= 79


def test_p37_links_are_not_followed_and_sizes_are_of_one_file(judge: Judge, tmp_path: Path) -> None:
    grow(tmp_path, {"outside.py": "import os\nos.system('x')\n", "big": {"x.py": "#" * 3_000_000}})
    folder = judge.write(files={"a.txt": "x" * 700_000, "b.txt": "x" * 700_000})
    (folder / "linked").symlink_to(tmp_path / "big")
    validator = PluginValidator({"max_file_size_mb": 1})
    result = asyncio.run(validator.validate_plugin(folder))
    assert [text.partition(":")[0] for text in result.errors] == ["linked"]
    os.unlink(folder / "linked")
    assert asyncio.run(validator.validate_plugin(folder)).valid
    (folder / "b.txt").write_text("x" * 1_100_000)
    (error,) = asyncio.run(validator.validate_plugin(folder)).errors
    assert error.startswith("b.txt: error") and "1 MiB" in error


@pytest.mark.parametrize("content", [b"def (:\n", b"\xff\xfe\0", b"x" * 9 + b"\0"])
def test_what_was_not_looked_into_caps_the_score(judge: Judge, content: bytes) -> None:
    result = judge(files={"other.py": content})
    assert not result.valid and result.security_score <= 59
    assert any("other.py" in text and "not judged" in text for text in result.errors)


class TestHostsRules:
    def test_those_of_the_document(self, judge: Judge) -> None:
        config = {
            "max_file_size_mb": 50,
            "allowed_extensions": [".py", ".json", ".txt", ".md"],
            "blocked_imports": ["os.system", "subprocess", "eval"],
        }
        assert judge(files={"README.md": "x", "LICENSE": "x"}, config=config).valid
        code = "import os, subprocess\nos.system('x')\nx = eval\n"
        result = judge(code, config=config, permissions={"processes": ["x"]})
        for name in ("os.system", "subprocess", "eval"):
            assert any(f"blocked_imports names {name}" in text for text in result.errors), name

    @pytest.mark.parametrize("name", ["x.html", "Makefile", ".env", "x.py.bak"])
    def test_other_extensions_are_refused(self, judge: Judge, name: str) -> None:
        result = judge(files={name: "x"}, config={"allowed_extensions": [".py", ".JSON"]})
        assert [text.partition(":")[0] for text in result.errors] == [name]

    def test_p31_only_the_name_itself_and_what_lies_beneath_it_is_blocked(
        self, judge: Judge
    ) -> None:
        code = "import httpx_mock, sysconfig\nfrom .http import x\nimport xml.sax\n"
        config = {"blocked_imports": ["http", "sys", "xml.dom"]}
        assert judge(code, {"http.py": "x = 1\n"}, config=config).valid
        assert not judge("import http.cookies\n", config=config).valid
        assert not judge("from xml import dom\n", config=config).valid

    @pytest.mark.parametrize(
        "config",
        [
            {"max_file_size": 1},
            {"max_file_size_mb": 0},
            {"max_file_size_mb": True},
            {"allowed_extensions": ".py"},
            {"blocked_imports": [1]},
        ],
    )
    def test_a_rule_that_would_be_misunderstood_is_refused(self, config: dict[str, Any]) -> None:
        with pytest.raises(ConfigError):
            PluginValidator(config)


def test_the_manifest_on_the_disk_is_the_one_that_is_known(judge: Judge) -> None:
    judge.write()
    known = PluginMetadata(plugin_id="com.example.judged", name="Judged", version="1.0.0")
    assert judge(metadata=known).valid
    for field, value in (
        ("plugin_id", "com.example.other"),
        ("version", "1.0.1"),
        ("permissions", {"processes": ["x"]}),
    ):
        other = PluginMetadata.model_validate({**known.model_dump(mode="json"), field: value})
        result = judge(metadata=other)
        assert not result.valid and field in result.errors[0], field


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_a_manifest_has_no_points(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "nothing"
    if there:
        grow(folder, {"main.py": "x = 1\n"})
    result = asyncio.run(PluginValidator().validate_plugin(folder))
    assert (result.valid, result.security_score, result.risk_level) == (False, 0.0, "critical")
    assert result.errors


def test_a_skill_md_is_judged_alike(tmp_path: Path) -> None:
    text = "---\nname: hello\ndescription: Says hello.\nversion: 1.0.0\n---\n"
    folder = grow(tmp_path / "hello", {"SKILL.md": text, "skill.py": "import os\nos.system('x')\n"})
    result = asyncio.run(PluginValidator().validate_plugin(folder))
    assert not result.valid and result.errors[0].startswith("skill.py:2:1: critical")


def test_nothing_is_imported_and_the_event_loop_goes_on(judge: Judge) -> None:
    folder = judge.write("open('imported', 'w')\n")

    async def main() -> int:
        ticks = 0
        task = asyncio.ensure_future(PluginValidator().validate_plugin(folder))
        while not task.done():
            await asyncio.sleep(0)
            ticks += 1
        await task
        return ticks

    assert asyncio.run(main()) > 2
    assert not Path("imported").exists()


def test_the_same_files_have_the_same_verdict(judge: Judge) -> None:
    code = "".join(CODE.values())
    assert judge(code) == judge(code)


def test_the_method_of_the_document_is_async() -> None:
    assert inspect.iscoroutinefunction(PluginValidator().validate_plugin)
