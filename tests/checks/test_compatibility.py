"""Whether this host and this environment are those that a skill needs."""

from __future__ import annotations

import pytest

from kurt_ext.checks import compatibility, python_version
from kurt_ext.requirements import install_line

from .conftest import Asked, skill_md


def rules(ask: Asked, profile: str | None = None, **fields: object) -> list[tuple[str, str]]:
    found = ask(compatibility.check, {"SKILL.md": skill_md(**fields)}, profile=profile)
    return [(f.rule, f.severity) for f in found]


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        ("1.0.0", "*", []),
        ("0.9.0", "1.0.0", []),
        ("1.0.0-rc.1", None, []),
        ("1.0.1", None, ["host-too-old"]),
        ("99.0.0", None, ["host-too-old"]),
        (None, "0.9.9", ["host-too-new"]),
        (None, "1.0.0-alpha", ["host-too-new"]),
        ("1.0.0+build", "1.0.0+other", []),
    ],
)
def test_the_host_is_compared_by_semver(
    ask: Asked, least: str | None, most: str | None, expected: list[str]
) -> None:
    fields = {"min_runtime_version": least, "max_runtime_version": most}
    assert rules(ask, **fields) == [(rule, "error") for rule in expected]
    assert rules(ask, "publish", **fields) == [(rule, "warning") for rule in expected]


def test_what_is_not_installed_is_named_with_the_line_that_installs_it(ask: Asked) -> None:
    requires = ["pydantic>=2", "no-such-thing>=1.2", "pydantic>=99", "nope; python_version < '3'"]
    found = ask(compatibility.check, {"SKILL.md": skill_md(requires=requires)})
    assert [(f.rule, f.severity) for f in found] == [
        ("requirement-missing", "warning"),
        ("requirement-unfit", "warning"),
    ]
    lines = [install_line([text]) for text in ("no-such-thing>=1.2", "pydantic>=99")]
    assert [f.fix for f in found] == lines
    assert "pydantic>=99" in found[1].message


def test_so_is_what_a_requirements_file_asks_for(ask: Asked) -> None:
    text = "pydantic>=2\n\nno-such-thing # x\n--pre\n-r ../x.txt\n./y.whl\n"
    found = ask(compatibility.check, {"SKILL.md": skill_md(), "requirements.txt": text})
    assert [(f.at, f.rule) for f in sorted(found, key=lambda f: f.line)] == [
        ("requirements.txt:3", "requirement-missing"),
        ("requirements.txt:4", "requirement-option"),
        ("requirements.txt:5", "requirement-outside"),
        ("requirements.txt:6", "requirement-unreadable"),
    ]


def test_another_python_is_a_warning_at_its_line(ask: Asked) -> None:
    (finding,) = ask(python_version.check, {"SKILL.md": skill_md(requires_python=">=99")})
    assert (finding.rule, finding.severity, finding.line) == ("compatibility", "warning", 5)
    assert ask(python_version.check, {"SKILL.md": skill_md(requires_python=">=3.11")}) == []
