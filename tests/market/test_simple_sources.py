"""What has PyPI's place is what pip and uv were told, and never an extra index."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kurt_ext.market.simple_index import SimpleIndex
from kurt_ext.market.simple_sources import PYPI, own

MINE = "https://mirror.example/simple"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, PYPI),
        ({"PIP_INDEX_URL": MINE}, MINE),
        ({"UV_INDEX_URL": MINE}, MINE),
        ({"UV_DEFAULT_INDEX": MINE}, MINE),
        ({"UV_DEFAULT_INDEX": f"mine={MINE}"}, MINE),
        ({"UV_DEFAULT_INDEX": f"{MINE}?a=b"}, f"{MINE}?a=b"),
        ({"UV_DEFAULT_INDEX": MINE, "PIP_INDEX_URL": "https://other.example/"}, MINE),
        ({"PIP_EXTRA_INDEX_URL": "https://evil.example/"}, PYPI),
        (
            {"UV_INDEX": "https://evil.example/", "UV_EXTRA_INDEX_URL": "https://evil.example/"},
            PYPI,
        ),
        ({"PIP_NO_INDEX": "1"}, None),
        ({"UV_NO_INDEX": "true"}, None),
        ({"PIP_NO_INDEX": "0"}, PYPI),
    ],
)
def test_the_environment_says_it(environ: dict[str, str], url: str | None) -> None:
    found = own({"PIP_CONFIG_FILE": os.devnull, **environ})
    assert (found.url if found else None) == url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"[global]\nindex-url = {MINE}\nextra-index-url = https://evil.example/\n", MINE),
        (f"[global]\nindex_url = https://x.example/\n[install]\nindex-url = {MINE}\n", MINE),
        ("[global]\nno-index = true\n", None),
        ("[global]\nextra-index-url = https://evil.example/\n", PYPI),
        ("no section", PYPI),
        ("\xff\xfe", PYPI),
    ],
)
def test_pips_configuration_says_it(tmp_path: Path, text: str, url: str | None) -> None:
    (tmp_path / "pip.conf").write_bytes(text.encode("latin-1"))
    found = own({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path)})
    assert (found.url if found else None) == url


def test_the_users_file_counts_and_the_environment_more(tmp_path: Path) -> None:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    file = tmp_path / ".config" / "pip" / "pip.conf"
    file.write_text(f"[global]\nindex-url = {MINE}\ntrusted-host = a.example b.example:8080\n")
    found = own({"HOME": str(tmp_path)})
    assert found == (MINE, str(file), ("a.example", "b.example"))
    other = own({"HOME": str(tmp_path), "PIP_INDEX_URL": "https://other.example/"})
    assert other is not None and other.url == "https://other.example/"


def test_a_password_is_in_what_pip_is_told_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = SimpleIndex("team", "https://ada:secret@team.example/simple")
    assert index.url == "https://team.example/simple/"
    assert index.secret_url == "https://ada:secret@team.example/simple/"
    (tmp_path / "netrc").write_text("machine team.example login ada password s2\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert SimpleIndex("team", "https://team.example/simple")._reader is not None
    assert SimpleIndex("team", str(tmp_path)).url == f"{tmp_path.as_uri()}/"
