"""The user decides what is let in, and a project only makes it stricter."""

from __future__ import annotations

from pathlib import Path

import pytest

from kurt_ext.config import Config
from kurt_ext.errors import ConfigError
from kurt_ext.places import Places
from kurt_ext.validator_settings import SecuritySettings, settings


def chosen(
    project: Path, mine: str = "", its: str = "", *, trusted: bool = False
) -> SecuritySettings:
    places = Places(str(project))
    for file, text in ((places.user_config, mine), (places.project_config, its)):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(f"[validator]\n{text}\n", encoding="utf-8")
    return settings(Config.load(places, trusted=trusted))


def test_without_a_word_the_defaults_count(project: Path) -> None:
    assert chosen(project) == SecuritySettings()
    assert SecuritySettings().admits(60, "medium") and not SecuritySettings().admits(59.9, "high")


def test_the_user_may_loosen_and_tighten(project: Path) -> None:
    found = chosen(project, 'min_score = 10\nreserved_prefixes = ["com.us."]\nmax_risk = "low"')
    assert (found.min_score, found.reserved_prefixes, found.max_risk) == (10, ("com.us.",), "low")


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize(
    ("mine", "its", "field", "value"),
    [
        ("min_score = 70", "min_score = 0", "min_score", 70),
        ("min_score = 70", "min_score = 90", "min_score", 90),
        ("", "min_score = 0", "min_score", 60),
        ('max_risk = "medium"', 'max_risk = "critical"', "max_risk", "medium"),
        ("", 'max_risk = "low"', "max_risk", "low"),
        ("max_file_size_mb = 1", "max_file_size_mb = 99", "max_file_size_mb", 1),
        ("", "max_file_size_mb = 2", "max_file_size_mb", 2),
        ('blocked_imports = ["a"]', 'blocked_imports = ["b"]', "blocked_imports", ("a", "b")),
        ('blocked_imports = ["a"]', "blocked_imports = []", "blocked_imports", ("a",)),
        (
            'reserved_prefixes = ["x."]',
            'reserved_prefixes = ["y."]',
            "reserved_prefixes",
            ("x.", "y."),
        ),
        (
            'allowed_extensions = [".py", ".md"]',
            'allowed_extensions = [".md", ".exe"]',
            "allowed_extensions",
            (".md",),
        ),
    ],
)
def test_a_project_only_tightens(
    project: Path, mine: str, its: str, field: str, value: object, trusted: bool
) -> None:
    assert getattr(chosen(project, mine, its, trusted=trusted), field) == value


def test_a_projects_own_ids_count_once_it_is_trusted(project: Path) -> None:
    its = 'known_ids = ["com.example.forged"]'
    assert chosen(project, "", its).known_ids == ()
    assert chosen(project, "", its, trusted=True).known_ids == ("com.example.forged",)


@pytest.mark.parametrize(
    "line",
    [
        "min_score = 101",
        'min_score = "60"',
        "min_score = true",
        'max_risk = "some"',
        "max_file_size_mb = 0",
        'allowed_extensions = ["py"]',
        'blocked_imports = "os"',
        "known_ids = [1]",
    ],
)
def test_what_cannot_be_understood_is_an_error_at_its_place(project: Path, line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        chosen(project, line)
    assert raised.value.at == f"{Places(str(project)).user_config}:2:1"
    assert raised.value.cause and "must be" in raised.value.cause


def test_a_key_that_nothing_reads_is_a_warning_with_its_neighbour(project: Path) -> None:
    places = Places(str(project))
    Path(places.project_config).write_text("[validator]\nmin_scor = 70\n", encoding="utf-8")
    (finding,) = Config.load(places).findings
    assert (finding.rule, finding.line, finding.column) == ("config-unknown", 2, 1)
    assert "min_score" in finding.fix
