from __future__ import annotations

import ast
import base64
import csv
import email
import hashlib
import importlib.metadata
import json
import os
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record

from kurt_ext import distinfo
from kurt_ext.errors import ManifestError

WORDS = {"fetcher": ("kurt.engine", "fetch"), "mapper": ("kurt.engine", "map")}


def implement(kind: str, cls: str | None, name: str | None) -> dict[str, str | None]:
    return {"type": kind, "class": cls, "name": name}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("kurt.tool", "archive", "kurt_skills.web_archiver.skill:Archive")]),
        (
            {"implements": [implement("fetcher", "F", "web"), implement("mapper", "M", "web")]},
            [
                ("kurt.engine", "fetch.web", "kurt_skills.web_archiver.skill:F"),
                ("kurt.engine", "map.web", "kurt_skills.web_archiver.skill:M"),
            ],
        ),
        (
            {"implements": [implement("chart", "C", "pie")]},
            [("kurt.chart", "pie", "kurt_skills.web_archiver.skill:C")],
        ),
        (
            {"entry_point": "archiver.core"},
            [("kurt.tool", "archive", "kurt_skills.web_archiver.archiver.core:Archive")],
        ),
        (
            {"implements": [implement("tool", "A", None)]},
            [("kurt.tool", "web-archiver", "kurt_skills.web_archiver.skill:A")],
        ),
        (
            {"source": "plugin.json", "type": "tool", "entry_point": "main", "implements": []},
            [("kurt.tool", "web-archiver", "kurt_skills.web_archiver.main")],
        ),
        (
            {"implements": []},
            [("kurt.skills", "web-archiver", "kurt_skills.web_archiver.skill")],
        ),
        (
            {"implements": [], "type": "fetcher", "entry_point": "skill:fetch"},
            [("kurt.engine", "fetch.web-archiver", "kurt_skills.web_archiver.skill:fetch")],
        ),
        (
            {
                "implements": [],
                "type": "tool",
                "entry_point": "skill:fetch",
                "metadata": {"kurt/name": "get"},
            },
            [("kurt.tool", "get", "kurt_skills.web_archiver.skill:fetch")],
        ),
        (
            {"implements": [implement("tool", "A", "x"), implement("tool", "B", "x")]},
            [("kurt.tool", "x", "kurt_skills.web_archiver.skill:A")],
        ),
    ],
)
def test_what_a_manifest_offers(fields: dict[str, Any], expected: list[distinfo.Offer]) -> None:
    assert distinfo.offers(record(**fields), WORDS) == expected


def test_a_skill_without_code_offers_nothing() -> None:
    assert distinfo.offers(record(), WORDS, code=False) == []
    assert "entry_points.txt" not in distinfo.files(record(), "/skills/x", [])


def test_a_reverse_dns_id_is_imported_under_its_slug() -> None:
    plugin = record(
        "com.example.calculator", type="tool", entry_point="main", implements=[], source="x"
    )
    assert distinfo.offers(plugin, WORDS) == [
        ("kurt.tool", "com.example.calculator", "kurt_skills.com_example_calculator.main")
    ]
    assert distinfo.dist_info_name(plugin) == ("kurt_skill_com_example_calculator-0.1.0.dist-info")


IDENTIFIER = st.text(string.ascii_lowercase, min_size=1, max_size=6)
GROUP = st.lists(IDENTIFIER, min_size=1, max_size=3).map(lambda parts: ".".join(["kurt", *parts]))
NAME = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
    lambda text: text[0] not in "[#" and "=" not in text
)
VALUE = st.tuples(IDENTIFIER, st.none() | IDENTIFIER).map(
    lambda pair: f"kurt_skills.{pair[0]}" + (f":{pair[1]}" if pair[1] else "")
)
OFFERS = st.dictionaries(st.tuples(GROUP, NAME), VALUE, max_size=8).map(
    lambda found: [(group, name, value) for (group, name), value in found.items()]
)


@given(OFFERS)
def test_the_text_is_byte_for_byte_what_setuptools_writes(offers: list[distinfo.Offer]) -> None:
    setuptools = pytest.importorskip("setuptools._entry_points")
    given_to_setuptools: dict[str, list[str]] = {}
    for group, name, value in offers:
        given_to_setuptools.setdefault(group, []).append(f"{name} = {value}")
    expected = setuptools.render(setuptools.load(given_to_setuptools))
    assert distinfo.entry_points_text(offers) == expected


@given(OFFERS)
def test_what_is_written_is_read_back(offers: list[distinfo.Offer]) -> None:
    groups = distinfo.parse_entry_points(distinfo.entry_points_text(offers).encode())
    read = [(group, *pair) for group, pairs in groups.items() for pair in pairs]
    assert read == sorted(offers)


LINES = st.lists(
    st.sampled_from(
        [
            "[kurt.a]",
            "[ b ]",
            "x = y:z",
            "x=y",
            " # note",
            "",
            "  k  =  v = w  ",
            "[c] = d",
            "é = ü",
        ]
    ),
    max_size=10,
).map(lambda lines: "\n".join(["[first]", *lines]))


@given(LINES)
def test_a_sound_file_is_read_as_importlib_metadata_reads_it(text: str) -> None:
    groups = distinfo.parse_entry_points(text.encode())
    read = {(group, *pair) for group, pairs in groups.items() for pair in pairs}
    stock = importlib.metadata.EntryPoints._from_text(text)  # type: ignore[attr-defined]
    assert read == {(point.group, point.name, point.value) for point in stock}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"[a]\nx = y\nbroken\n", 3),
        (b"x = y\n[a]\n", 1),
        (b"[a]\n\nx = \n", 3),
        (b"[a]\n = y\n", 2),
        (b"[a]\nx = y\nz = \xff\n", 3),
        ("\ufeff[a]\nx = y\n".encode(), 1),
        (b"\x00\x01\x02", 1),
    ],
)
def test_a_malformed_file_is_an_error_with_its_line(data: bytes, line: int) -> None:
    with pytest.raises(ValueError, match=f"^line {line}: "):
        distinfo.parse_entry_points(data)


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    try:
        distinfo.parse_entry_points(b"[a]\n" + data)
    except ValueError as error:
        assert str(error).startswith("line ")


@pytest.mark.parametrize(
    "offer",
    [
        ("kurt.a", "x\n[console_scripts]\nls", "kurt_skills.a.skill:A"),
        ("kurt.a", "x\u2028y", "kurt_skills.a.skill:A"),
        ("kurt.a", "x = os:system #", "kurt_skills.a.skill:A"),
        ("kurt.a", " x", "kurt_skills.a.skill:A"),
        ("kurt.a", "[x]", "kurt_skills.a.skill:A"),
        ("kurt.a", "#x", "kurt_skills.a.skill:A"),
        ("kurt.a", "", "kurt_skills.a.skill:A"),
        ("kurt.a", "\ud800", "kurt_skills.a.skill:A"),
        ("kurt.a", "x", "kurt_skills.a.skill:A\ny = os:system"),
        ("kurt.a", "x", "kurt_skills.a.skill:A[extra]"),
        ("kurt.a", "x", "kurt_skills..skill"),
        ("kurt.a", "x", ""),
        ("kurt.a]\n[b", "x", "kurt_skills.a.skill:A"),
        ("", "x", "kurt_skills.a.skill:A"),
    ],
)
def test_a_part_that_would_smuggle_in_a_line_is_refused(offer: distinfo.Offer) -> None:
    with pytest.raises(ManifestError):
        distinfo.entry_points_text([offer])


def test_a_newline_in_a_manifest_begins_no_field_of_the_metadata() -> None:
    text = distinfo.metadata_text(
        record(description="one\nRequires-Dist: evil", author="a\r\nName: b", tags=["x\ny"])
    )
    parsed = email.message_from_string(text)
    assert parsed["Summary"] == "one Requires-Dist: evil"
    assert parsed.get_all("Name") == ["kurt-skill-web-archiver"]
    assert parsed.get_all("Requires-Dist") is None


def test_only_python_requirements_are_requirements() -> None:
    text = distinfo.metadata_text(
        record(
            requires=["httpx>=0.27"],
            requires_api=["archive-org"],
            dependencies=[
                {"plugin_id": "com.example.a", "version_constraint": "*", "optional": False}
            ],
        )
    )
    assert email.message_from_string(text).get_all("Requires-Dist") == ["httpx>=0.27"]


def test_the_version_of_a_distribution_is_pep_440() -> None:
    beta = record(version="1.0.0-beta.2")
    assert distinfo.dist_info_name(beta) == "kurt_skill_web_archiver-1.0.0b2.dist-info"
    assert "\nVersion: 1.0.0b2\n" in distinfo.metadata_text(beta)
    assert json.loads(distinfo.kurt_json(beta))["version"] == "1.0.0-beta.2"


def test_the_manifest_is_the_json_of_the_standard_library() -> None:
    plain = record(description='ä "quoted"', config={"a": [1, None, {"b": True}]})
    expected = json.dumps(plain, indent=2, sort_keys=True) + "\n"
    assert distinfo.kurt_json(plain).decode() == expected


def test_the_record_names_every_file_with_its_hash(tmp_path: Path) -> None:
    folder = str(tmp_path)
    plain = record()
    content = distinfo.files(plain, folder, distinfo.offers(plain, WORDS))
    directory = distinfo.dist_info_name(plain)
    files = {f"{directory}/{name}": data for name, data in content.items()}
    files["kurt_skills/web_archiver/__init__.py"] = distinfo.stub(folder)
    rows = {row[0]: row[1:] for row in csv.reader(content["RECORD"].decode().splitlines())}
    assert rows.keys() == files.keys()
    for name, data in files.items():
        if name.endswith("/RECORD"):
            assert rows[name] == ["", ""]
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert rows[name] == [f"sha256={digest}", str(len(data))]
    assert set(content) == {
        "METADATA",
        "WHEEL",
        "entry_points.txt",
        "INSTALLER",
        "REQUESTED",
        "direct_url.json",
        "RECORD",
        "kurt.json",
    }
    assert content["INSTALLER"] == b"kurt\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
@given(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20))
def test_any_path_of_a_folder_survives(name: str) -> None:
    folder = os.fsdecode(b"/skills/" + os.fsencode(name.encode("utf-8", "replace")))
    content = distinfo.files(record(), folder, [])
    url = json.loads(content["direct_url.json"])
    assert url["dir_info"] == {"editable": True}
    from urllib.parse import unquote_to_bytes

    assert unquote_to_bytes(url["url"]) == b"file://" + os.fsencode(folder)
    assert re.fullmatch(r"[\x21-\x7e]+", url["url"])
    first = ast.parse(distinfo.stub(folder)).body[0]
    assert isinstance(first, ast.Assign)
    assert ast.literal_eval(first.value) == [folder]


def test_the_bytes_of_a_shim_stay_unless_its_format_is_raised() -> None:
    """Raise `shimstate.FORMAT` with the digest: only so are existing shims written anew."""
    from kurt_ext.shimstate import FORMAT

    plain = record()
    content = distinfo.files(plain, "/skills/web-archiver", distinfo.offers(plain, WORDS))
    whole = b"".join([content[name] for name in sorted(content)])
    assert (FORMAT, hashlib.sha256(whole).hexdigest()[:16]) == (1, "ec8438b8e2b9d3f9")
