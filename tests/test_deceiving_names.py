"""Names and words in code that are not what they seem."""

from pathlib import Path

import pytest

from kurt_ext.checks.deceiving_names import RULES, check
from kurt_ext.checks.subject import Subject
from kurt_ext.manifest import read


def found(folder: Path, code: str) -> set[str]:
    (folder / "main.py").write_text(code, encoding="utf-8")
    findings = list(check(Subject(read(str(folder)))))
    assert {finding.rule for finding in findings} <= set(RULES)
    assert all(finding.line and finding.column and finding.evidence for finding in findings)
    return {finding.rule for finding in findings}


@pytest.mark.parametrize(
    "code, rule",
    [
        ("𝐞𝐱𝐞𝐜(text)", "disguised-name"),
        ("ｅｖａｌ(text)", "disguised-name"),
        ("𝓸𝓼 = 1\nos = 2", "disguised-name"),
        ("def is_ok(): ...\ndef is_оk(): ...", "twin-names"),
        ("def еval(x): ...", "twin-names"),
        ("def g(a, \u3164=1): ...", "invisible-name"),
        ("\u115fx = 1", "invisible-name"),
        ("chеck = 1", "mixed-script-name"),
        ("ok = group != 'ad\u200bmin'", "unseen-in-string"),
        ("ok = group != 'admin\u200b'", "unseen-in-string"),
        ("ok = group != 'аdmin'", "lookalike-string"),
    ],
)
def test_a_name_in_disguise_is_found(tmp_path: Path, code: str, rule: str) -> None:
    assert rule in found(tmp_path, code + "\n")


@pytest.mark.parametrize(
    "code",
    [
        "Δx = λ * 2\nµ = 1\nσ_max = π",
        "имя = 'Анна'\nпривет_мир = имя",
        "変数 = 1\nname_名前 = 2\nदर = 3",
        "größe = 1\nnaïve = 'café'",
        "x = 'Привет, мир'  # пример",
        "x = '\U0001f468\u200d\U0001f469'",
        "μs = 1e-6\nαβ = 2\nθ1 = 3",
        "pattern = '[\u200b-\u200d]'",
    ],
)
def test_names_of_another_language_are_fine(tmp_path: Path, code: str) -> None:
    assert not found(tmp_path, code + "\n")


def test_what_is_not_python_raises_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, "é = (\n'''") == set()
