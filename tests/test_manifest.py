from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifests import BOTH, PLUGIN, PORTABLE, SEED

from kurt_ext import frontmatter, manifest, strictjson
from kurt_ext.findings import SEVERITIES, Finding
from kurt_ext.sources import MAX_DEPTH, Refused


def folder(path: Path, name: str, **files: str | bytes | dict[str, Any]) -> str:
    """Make a folder; ``SKILL_md="…"`` is the file SKILL.md."""
    place = path / name
    place.mkdir(parents=True)
    for key, content in files.items():
        file = place / key.replace("_", ".")
        if isinstance(content, dict):
            content = json.dumps(content)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(place)


def rules(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in findings]


def skill(front: str, name: str | None = None) -> tuple[Any, tuple[Finding, ...]]:
    return manifest.parse_skill_md(f"---\n{front}\n---\n".encode(), folder_name=name)


def test_the_documents_skill_is_read_without_a_finding(tmp_path: Path) -> None:
    reading = manifest.read(folder(tmp_path, "web-archiver", SKILL_md=SEED, skill_py=""))
    assert reading.ok and reading.findings == () and reading.code
    assert (reading.name, reading.files) == ("web-archiver", ("SKILL.md",))
    record = reading.record
    assert record is not None
    assert record["implements"] == [{"type": "kind", "class": "WebArchiver", "name": "archive"}]
    assert record["requires_python"] == ">=3.10"
    assert record["tags"] == ["web", "archival", "automation"]
    assert record["source"] == "SKILL.md"


def test_the_portable_skill_is_read_into_the_same_fields(tmp_path: Path) -> None:
    reading = manifest.read(folder(tmp_path, "web-fetch", SKILL_md=PORTABLE, skill_py=""))
    assert reading.ok and reading.findings == ()
    record = reading.record
    assert record is not None
    assert record["version"] == "1.4.0" and record["author"] == "Example Org"
    assert record["type"] == "kind" and record["entry_point"] == "skill:fetch"
    assert record["requires"] == ["kurt-ext>=1.0,<2", "httpx>=0.28"]
    assert record["permissions"]["network_hosts"] == ["api.example.com:443", "*.example.org:443"]
    assert record["permissions"]["native_code"] is True
    assert record["metadata"] == {"other/key": "kept"}
    assert "permissions" in reading.stated


def test_the_documents_plugin_is_read_without_a_finding(tmp_path: Path) -> None:
    place = folder(tmp_path, "my-plugin", plugin_json=PLUGIN)
    os.makedirs(os.path.join(place, "calculator"))
    Path(place, "calculator", "main.py").touch()
    reading = manifest.read(place)
    assert reading.ok and reading.findings == () and reading.code
    record = reading.record
    assert record is not None
    assert record["id"] == "com.example.calculator" and record["name"] == "Calculator Plugin"
    for key in ("capabilities", "dependencies", "config_schema", "tags", "homepage"):
        assert record[key] == PLUGIN[key]
    assert record["permissions"]["processes"] == []


def test_every_record_has_the_same_keys_and_only_json_values() -> None:
    one, _ = manifest.parse_skill_md(SEED.encode())
    two, _ = manifest.parse_skill_md(PORTABLE.encode())
    three, _ = manifest.parse_plugin_json(json.dumps(PLUGIN).encode())
    assert one and two and three
    assert list(one) == list(two) == list(three)
    for record in (one, two, three):
        assert json.loads(json.dumps(record)) == record


DEVIATIONS = [
    ("name: a\ndescription: b\npermisions: {}", "unknown-field", 4, "permissions"),
    ("name: a\ndescription: b\nentry-point: x", "unknown-field", 4, "entry_point"),
    ("name: a\ndescription: b\nfoo: x", "unknown-field", 4, ""),
    ("name: a\ndescription: b\nversion: 1.10", "short-version", 4, "1.10.0"),
    ("name: a\ndescription: b\nversion: v2", "short-version", 4, "2.0.0"),
    ("name: a\ndescription: [b, c]", "list-for-text", 3, ""),
    ("name: a\ndescription: 42", "number-for-text", 3, '"42"'),
    ("name: a\nversion: 1.0.0", "missing-field", 2, ""),
    ("name: a\ndescription: b\ntags: x, y", "text-for-list", 4, "[x, y]"),
    ("name: a\ndescription: b\ntags: >\n x,\n\n y", "text-for-list", 4, "[x, y]"),
    ("name: a\ndescription: b\ntags: [x, x]", "repeated-item", 4, ""),
    ("name: a\ndescription: b\nauthor: {name: C, email: c@d}", "mapping-for-text", 4, "C <c@d>"),
    ("name: a\ndescription: b\nauthor: |\n  C\n  D", "line-break", 4, ""),
    ("name: a\ndescription: b\nallowed-tools: [Read, Write]", "list-for-text", 4, "Read Write"),
    ("name: a\ndescription: b\nhooks:\n  x: y", "foreign-hooks", 4, ""),
    ("name: a\ndescription: b\nmodel: x", "foreign-field", 4, ""),
    ("name: a\ndescription: b\nmetadata:\n  x: {y: z}", "nested-metadata", 5, ""),
    ("name: a\ndescription: b\nmetadata:\n  x: 1", "number-for-text", 5, '"1"'),
    ("name: a\ndescription: b\nmetadata:\n  kurt/entrypoint: x", "unknown-field", 5, "entry-point"),
    ("name: a\ndescription: Use when: b", "unquoted-value", 3, "'Use when: b'"),
    (
        "name: a\ndescription: b\npermissions:\n  network_host: [x]",
        "unknown-field",
        5,
        "network_hosts",
    ),
    (
        "name: a\ndescription: b\nimplements:\n  type: k\n  class: C\n  name: n",
        "mapping-for-list",
        4,
        "",
    ),
    ("name: a\ndescription: " + "b" * 1025, "long-description", 3, ""),
]


@pytest.mark.parametrize(("front", "rule", "line", "fix"), DEVIATIONS)
def test_a_deviation_is_read_as_it_was_meant_with_a_finding(
    front: str, rule: str, line: int, fix: str
) -> None:
    record, findings = skill(front, "a")
    assert record is not None
    assert not any(finding.fatal for finding in findings)
    found = [finding for finding in findings if finding.rule == rule and finding.line == line]
    assert found, findings
    assert fix in found[0].fix
    assert found[0].path == "SKILL.md"


def test_what_is_missing_is_said_of_the_first_line_of_the_fields() -> None:
    record, findings = skill("name: a")
    assert record is not None and record["version"] == "0.0.0"
    assert rules(findings) == [("missing-field", "warning"), ("missing-field", "info")]


def test_a_folder_of_another_name_is_a_warning() -> None:
    _, findings = skill("name: a\ndescription: b\nversion: 1.0.0", "other")
    assert rules(findings) == [("name-and-folder", "warning")]


BROKEN = [
    ("name: [a]\ndescription: b\nversion: x y", "invalid-version", 4, "version"),
    ("name: a\nversion: {a: b}", "wrong-type", 3, "version must be text, not a mapping"),
    ("name: a\npermissions: [x]", "wrong-type", 3, "permissions must be a mapping, not a list"),
    (
        "name: a\npermissions:\n  network_hosts: {a: b}",
        "wrong-type",
        4,
        "permissions.network_hosts",
    ),
    ("name: a\npermissions:\n  native_code: maybe", "wrong-type", 4, "native_code must be true or"),
    ("name: a\ntags: {a: b}", "wrong-type", 3, "tags must be a list of texts, not a mapping"),
    ("name: a\ntags: [{a: b}]", "wrong-type", 3, "tags[0] must be text, not a mapping"),
    ("name: a\nmetadata: x", "wrong-type", 3, "metadata must be a mapping, not text"),
    ("name: a\nconfig_schema: [x]", "wrong-type", 3, "config_schema must be a mapping"),
    ("name: a\nimplements: x", "wrong-type", 3, "implements must be a list of mappings"),
    ("name: a\nimplements: [x]", "wrong-type", 3, "implements[0] must be a mapping, not text"),
    (
        "name: a\nimplements:\n- type: k\n  name: n",
        "missing-field",
        4,
        "implements[0].class is missing",
    ),
    ("name: a\nimplements:\n- {type: k, class: 1x, name: n}", "invalid-class", 4, "class"),
    ("name: a\nimplements:\n- {type: K k, class: x, name: n}", "invalid-type", 4, "type"),
    ("name: a\nimplements:\n- {type: k, class: x, name: 'a:b'}", "invalid-name", 4, "name"),
    (
        "name: a\nimplements:\n- {type: k, class: x, name: n}\n- {type: k, class: y, name: n}",
        "repeated-item",
        5,
        "twice",
    ),
    ("name: a\ncapabilities:\n- name: n\n  parameters: x", "wrong-type", 5, "parameters"),
    ("name: a\ndependencies:\n- plugin_id: '../x.y'", "invalid-plugin-id", 4, "plugin id"),
    (
        "name: a\ndependencies:\n- plugin_id: b.c\n  version_constraint: junk",
        "invalid-",
        5,
        "constraint",
    ),
    ("name: a\nrequires_python: 3.10", "invalid-requires-python", 3, "specifier"),
    ("name: a\nrequires_python: '>=3.10 or so'", "invalid-requires-python", 3, "specifier"),
    ("name: a\nrequires: [six, 'not a requirement!']", "invalid-requires", 3, "requirement"),
    ("name: a\nmax_runtime_version: junk", "invalid-max-runtime-version", 3, "version"),
    ("name: a\nmin_runtime_version: '*'", "invalid-min-runtime-version", 3, "version"),
    ("name: a\nentry_point: ../x", "invalid-entry-point", 3, "entry point"),
    ("name: a\nentry_point: main.py:x:y", "invalid-entry-point", 3, "entry point"),
    ("name: a\ntype: A Kind", "invalid-type", 3, "kind"),
    ("name: My Skill", "invalid-name", 2, "skill name"),
    ("name: ..", "invalid-name", 2, ""),
    ("name: '../../etc'", "invalid-name", 2, ""),
    ("name:", "missing-field", 2, "name is missing"),
    ("name: ' '", "missing-field", 2, "name is missing"),
    ("description: b", "missing-field", 2, "name is missing"),
    ('name: "a\\eb"', "control-character", 2, "control character"),
    ('name: a\nauthor: "\\e[31mred"', "control-character", 3, "author"),
    ("name: a\nmetadata:\n  kurt/implements: x", "invalid-kurt/implements", 4, "implemented"),
    ("name: a\nmetadata:\n  kurt/config-schema: '{'", "invalid-kurt/config-schema", 4, "JSON"),
    ("name: a\nmetadata:\n  kurt/permissions.native-code: 'yes'", "invalid-", 4, "true nor false"),
    ("name: a\nmetadata:\n  kurt/name: a b", "invalid-kurt/name", 4, "extension"),
    ("name: a\nversion: 1.0.0\nmetadata:\n  version: 2.0.0", "manifest-conflict", 5, "version"),
    (
        "name: a\nmetadata:\n  kurt/implements: 'k:n=one:C k:m=two:D'",
        "manifest-conflict",
        4,
        "module",
    ),
]


@pytest.mark.parametrize(("front", "rule", "line", "words"), BROKEN)
def test_a_field_that_breaks_its_rule_is_an_error_that_names_it(
    front: str, rule: str, line: int, words: str
) -> None:
    _, findings = skill(front, "folder")
    errors = [finding for finding in findings if finding.fatal]
    found = [f for f in errors if f.rule.startswith(rule) and f.line == line and words in f.message]
    assert found, findings
    assert all(finding.message.isprintable() for finding in findings)


def test_a_name_that_cannot_be_read_leaves_the_folders_for_listings() -> None:
    record, findings = skill("name: My Skill", "folder")
    assert record is not None and record["id"] == "folder"
    assert any(finding.fatal for finding in findings)
    assert any("my-skill" in finding.fix for finding in findings)


def test_a_thousand_unknown_fields_are_forty_findings_and_a_sum() -> None:
    _, findings = skill("name: a\n" + "\n".join(f"x{i}: y" for i in range(1000)))
    assert len(findings) < 50
    assert findings[-1].rule == "many-deviations"


JSON_ERRORS = [
    ("", "json-syntax", 1, 1),
    ("{", "json-syntax", 1, 2),
    ('{"a": 1,}', "json-syntax", 1, 9),
    ('{\n "a": [1,]\n}', "json-syntax", 2, 10),
    ('{"a": 01}', "json-syntax", 1, 8),
    ('{"a": .5}', "json-syntax", 1, 7),
    ('{"a": tru}', "json-syntax", 1, 7),
    ("{'a': 1}", "json-syntax", 1, 2),
    ('{"a" 1}', "json-syntax", 1, 6),
    ('{"a": 1} x', "json-syntax", 1, 10),
    ('{"a": "b\nc"}', "json-syntax", 1, 9),
    ('{"a": "b', "json-syntax", 1, 7),
    ('{"a": "\\x"}', "json-syntax", 1, 8),
    ('{"a": NaN}', "json-constant", 1, 7),
    ('{"a": -Infinity}', "json-constant", 1, 7),
    ('{"a": 1e999}', "number-too-large", 1, 7),
    ('{"a": ' + "9" * 30 + "}", "number-too-large", 1, 7),
    ('{"a": ' + "9" * 100_000 + "}", "number-too-large", 1, 7),
    ('{"a": 1, "a": 2}', "duplicate-key", 1, 10),
    ('{"x": {"a": 1,\n"a": 2}}', "duplicate-key", 2, 1),
    ('{"a": "\\ud800"}', "nul-character", 1, 7),
    ('{"a": "\\u0000"}', "nul-character", 1, 7),
    ("[" * 30_000, "too-deep", 1, MAX_DEPTH + 1),
    ('{"a":' * 1000, "too-deep", 1, 5 * MAX_DEPTH + 1),
]


@pytest.mark.parametrize(("text", "rule", "line", "column"), JSON_ERRORS)
def test_json_that_is_not_strict_is_an_error_with_its_place(
    text: str, rule: str, line: int, column: int
) -> None:
    record, (finding,) = manifest.parse_plugin_json(text.encode())
    assert record is None
    assert (finding.rule, finding.severity) == (rule, "error")
    assert (finding.line, finding.column) == (line, column), finding
    assert finding.message.isprintable()


def _strict(text: str) -> Any:
    """Return what `json` reads, where it is told to be strict."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) != len(items):
            raise ValueError
        return dict(items)

    def constant(word: str) -> Any:
        raise ValueError

    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
).map(json.dumps)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(JSON_TEXTS)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 2))
        text = text[:at] + draw(st.text('{}[],:"\\ntue01-.eE \n', max_size=2)) + text[at + cut :]
    return text


@settings(max_examples=1000)
@given(damaged())
def test_strict_json_is_what_the_standard_library_reads(text: str) -> None:
    try:
        expected = _strict(text)
    except ValueError:
        expected = Refused
    try:
        value = strictjson.load(text.encode(), "x", [])
        marks = strictjson.locate(text.encode())
    except Refused as refused:
        found = refused.finding
        unsound = found.rule in ("nul-character", "number-too-large")
        assert expected is Refused or unsound
        assert found.line >= 1 and found.column >= 1
    else:
        assert repr(value) == repr(expected)
        assert all(1 <= line <= text.count("\n") + 1 for line, _ in marks.values())


def test_reading_good_json_imports_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from kurt_ext import manifest\n"
        "record, findings = manifest.parse_plugin_json(sys.argv[1].encode())\n"
        "assert record and not findings, findings\n"
        "manifest.parse_skill_md(sys.argv[2].encode())\n"
        "extra = {m for m in set(sys.modules) - before if not m.startswith('kurt_ext')}\n"
        "assert not extra - {'__future__', '_json', 'keyword', '_imp'}, extra\n"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(PLUGIN), SEED], check=True)


def test_bad_json_is_explained_where_json_was_not_imported_before() -> None:
    code = (
        "from kurt_ext import manifest\n"
        "for text in (b'{\"a\": \"b', b'{\"a\": \"\\\\x\"}', b'[1, }', b'tru'):\n"
        "    record, findings = manifest.parse_plugin_json(text)\n"
        "    assert record is None and findings[0].rule == 'json-syntax', findings\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


PLUGIN_ERRORS = [
    ({"plugin_id": None}, "plugin_id is missing"),
    ({"plugin_id": "../outside"}, "plugin_id"),
    ({"plugin_id": "../../x.y"}, "plugin_id"),
    ({"version": "1.0"}, "version"),
    ({"version": 1}, "version must be text, not a number"),
    ({"version": ""}, "version is missing"),
    ({"name": None}, "name is missing"),
    ({"plugin_type": None}, "plugin_type is missing"),
    ({"plugin_type": "A Kind"}, "plugin_type"),
    ({"entry_point": None}, "entry_point is missing"),
    ({"tags": "a"}, "tags must be a list of texts, not text"),
    ({"permissions": []}, "permissions must be a mapping, not a list"),
    ({"author": ["a"]}, "author must be text, not a list"),
    ({"config_schema": 1.5}, "config_schema must be a mapping, not a number"),
]


@pytest.mark.parametrize(("change", "words"), PLUGIN_ERRORS)
def test_a_plugin_json_is_held_to_its_types(change: dict[str, Any], words: str) -> None:
    data = json.dumps({**PLUGIN, **change}, indent=1).encode()
    _, findings = manifest.parse_plugin_json(data)
    (key,) = change
    found = [f for f in findings if f.fatal and words in f.message]
    assert found
    if change[key] is not None and found[0].rule != "missing-field":
        line = json.dumps({**PLUGIN, **change}, indent=1).splitlines()[found[0].line - 1]
        assert line.startswith(f' "{key}"'[: found[0].column + 3])


def test_a_misspelt_permission_is_never_passed_over() -> None:
    data = json.dumps({**PLUGIN, "permisions": {}}).encode()
    _, findings = manifest.parse_plugin_json(data)
    assert [(f.rule, f.fix) for f in findings] == [("unknown-field", "did you mean permissions?")]


def test_another_programs_plugin_json_beside_a_skill_is_left_alone(tmp_path: Path) -> None:
    other = {"$schema": "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json", "name": "x"}
    place = folder(tmp_path, "web-archiver", SKILL_md=SEED, skill_py="", plugin_json=other)
    reading = manifest.read(place)
    assert reading.ok and rules(reading.findings) == [("foreign-manifest", "info")]
    alone = manifest.read(folder(tmp_path, "alone", plugin_json=other))
    assert not alone.ok and rules(alone.findings) == [("foreign-manifest", "error")]


def test_two_manifests_that_agree_are_one_record(tmp_path: Path) -> None:
    place = folder(tmp_path, "web-archiver", SKILL_md=SEED, skill_py="", plugin_json=BOTH)
    reading = manifest.read(place)
    assert reading.ok and reading.findings == ()
    record = reading.record
    assert record is not None and record["source"] == "SKILL.md+plugin.json"
    assert record["id"] == "org.example.web-archiver"
    assert record["homepage"] == "https://example.org"
    assert record["permissions"]["network_hosts"] == ["web.archive.org"]
    assert record["tags"] == ["web", "archival", "automation"]


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        ({"plugin_id": "org.example.other"}, "error"),
        ({"version": "0.2.0"}, "error"),
        ({"implements": [{"type": "kind", "class": "Other", "name": "archive"}]}, "error"),
        ({"description": "Something else"}, "warning"),
        ({"requires_python": ">=3.12"}, "warning"),
    ],
)
def test_two_manifests_that_differ_are_reported(
    tmp_path: Path, change: dict[str, Any], severity: str
) -> None:
    both = {**BOTH, **change}
    place = folder(tmp_path, "web-archiver", SKILL_md=SEED, skill_py="", plugin_json=both)
    reading = manifest.read(place)
    assert rules(reading.findings) == [("manifest-conflict", severity)]
    assert reading.findings[0].path == "plugin.json" and reading.findings[0].line
    assert reading.ok == (severity == "warning")


@pytest.mark.parametrize("permissions", ["{}", "{network_hosts: [evil.example]}"])
def test_permissions_must_be_the_same_in_both(tmp_path: Path, permissions: str) -> None:
    text = SEED.replace("implements:", f"permissions: {permissions}\nimplements:")
    place = folder(tmp_path, "web-archiver", SKILL_md=text, skill_py="", plugin_json=BOTH)
    assert rules(manifest.read(place).findings) == [("manifest-conflict", "error")]


def test_config_json_is_read_beside_plugin_json(tmp_path: Path) -> None:
    config = {"plugin_id": BOTH["plugin_id"], "enabled": True, "config": {"precision": 15}}
    place = folder(tmp_path, "a", plugin_json=BOTH, skill_py="", config_json=config)
    reading = manifest.read(place)
    assert reading.ok and reading.record is not None and reading.record["config"] == config


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "json-syntax"),
        ("[]", "wrong-type"),
        ('{"plugin_id": "a.b"}', "manifest-conflict"),
        ('{"enabled": "yes"}', "wrong-type"),
        ('{"priority": 1.5}', "wrong-type"),
        ('{"priority": true}', "wrong-type"),
        (b"\xff", "not-utf-8"),
    ],
)
def test_a_wrong_config_json_is_an_error(tmp_path: Path, content: str | bytes, rule: str) -> None:
    place = folder(tmp_path, "a", plugin_json=BOTH, skill_py="", config_json=content)
    reading = manifest.read(place)
    assert rules(reading.findings) == [(rule, "error")]
    assert reading.findings[0].path == "config.json"


def test_a_skill_that_names_code_must_have_it(tmp_path: Path) -> None:
    reading = manifest.read(folder(tmp_path, "web-archiver", SKILL_md=SEED))
    assert not reading.ok and not reading.code
    assert rules(reading.findings) == [("code-missing", "error")]


def test_a_skill_without_code_is_instructions(tmp_path: Path) -> None:
    text = "---\nname: a\ndescription: b\nversion: 1.0.0\n---\n"
    reading = manifest.read(folder(tmp_path, "a", SKILL_md=text))
    assert reading.ok and not reading.code and reading.findings == ()


def test_a_plugin_must_have_its_module(tmp_path: Path) -> None:
    plugin = {**PLUGIN, "entry_point": "calculator.main"}
    reading = manifest.read(folder(tmp_path, "calculator", plugin_json=plugin, main_py=""))
    assert rules(reading.findings) == [("code-missing", "error")]
    assert "calculator/main.py" in reading.findings[0].message
    assert "entry_point main" in reading.findings[0].fix


@pytest.mark.parametrize("module", ["skill.py", "skill/__init__.py", "skill.cpython-311-x.so"])
def test_code_may_be_a_module_a_package_or_native(tmp_path: Path, module: str) -> None:
    place = folder(tmp_path, "web-archiver", SKILL_md=SEED)
    file = Path(place, module)
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert manifest.read(place).code


def nothing(place: Path) -> None:
    """Leave the manifest out."""


def loop(place: Path) -> None:
    (place / "SKILL.md").symlink_to("SKILL.md")


def dangling(place: Path) -> None:
    (place / "SKILL.md").symlink_to("nowhere")


def pipe(place: Path) -> None:
    os.mkfifo(place / "SKILL.md")


def plugin_pipe(place: Path) -> None:
    os.mkfifo(place / "plugin.json")


def bound(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(place)
        try:
            sock.bind("SKILL.md")
        finally:
            os.chdir(here)


def huge(place: Path) -> None:
    with open(place / "SKILL.md", "wb") as file:
        file.truncate(10 * 1024 * 1024)


def other_case(place: Path) -> None:
    (place / "skill.md").write_text("---\nname: a\n---\n")


@pytest.mark.parametrize(
    ("make", "rule", "words"),
    [
        (nothing, "manifest-missing", "neither"),
        (other_case, "manifest-missing", "neither"),
        (lambda place: (place / "SKILL.md").mkdir(), "manifest-not-a-file", "a directory"),
        (loop, "manifest-unreadable", "symbolic link"),
        (dangling, "manifest-unreadable", "symbolic link"),
        (pipe, "manifest-not-a-file", "a named pipe"),
        (plugin_pipe, "manifest-not-a-file", "a named pipe"),
        (bound, "manifest-not-a-file", "a socket"),
        (huge, "manifest-too-large", "10,485,760"),
        (
            lambda place: (place / "SKILL.md").symlink_to("/dev/zero"),
            "manifest-not-a-file",
            "device",
        ),
        (lambda place: (place / "SKILL.md").touch(), "front-matter-missing", "empty"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")
def test_whatever_lies_in_the_manifests_place_is_one_clear_error(
    tmp_path: Path, make: Any, rule: str, words: str
) -> None:
    place = tmp_path / "odd"
    place.mkdir()
    make(place)
    reading = manifest.read(str(place))
    assert not reading.ok
    assert rules(reading.findings) == [(rule, "error")]
    assert words in reading.findings[0].message


def test_a_manifest_of_ten_megabytes_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge(tmp_path)

    def forbidden(*args: Any) -> int:
        raise AssertionError("opened")

    monkeypatch.setattr(os, "open", forbidden)
    assert rules(manifest.read(str(tmp_path), ["SKILL.md"]).findings) == [
        ("manifest-too-large", "error")
    ]


def test_a_manifest_that_grows_while_it_is_read_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "SKILL.md"
    path.write_text(SEED)
    real = os.open

    def grow(name: str, flags: int) -> int:
        with open(path, "ab") as file:
            file.truncate(10 * 1024 * 1024)
        return real(name, flags)

    monkeypatch.setattr(os, "open", grow)
    assert rules(manifest.read(str(tmp_path)).findings) == [("manifest-too-large", "error")]


def test_a_file_nobody_may_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "SKILL.md").write_text(SEED)

    def refused(*args: Any) -> int:  # chmod stops nobody who is root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    (finding,) = manifest.read(str(tmp_path)).findings
    assert finding.rule == "manifest-unreadable" and "Permission denied" in finding.message


def test_a_folder_that_is_not_there_is_an_error() -> None:
    reading = manifest.read("/nowhere/at/all")
    assert rules(reading.findings) == [("folder-unreadable", "error")]


def test_a_manifest_that_went_after_the_listing_is_an_error(tmp_path: Path) -> None:
    reading = manifest.read(str(tmp_path), ["SKILL.md"])
    assert rules(reading.findings) == [("manifest-unreadable", "error")]


FRONT = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("name", "version", "description", "tags", "implements", "permissions", "author"),
                *("metadata", "requires", "type", "requires_python", "entry_point", "x", "hooks"),
                *("dependencies", "capabilities", "config_schema", "allowed-tools"),
            ]
        ),
        st.sampled_from(
            [
                *(
                    "",
                    " a",
                    " web-archiver",
                    " 1.0.0",
                    " [a, b]",
                    " {a: b}",
                    " >=3.10",
                    " 12",
                    " true",
                ),
                *("\n  - a", "\n  - type: k\n    class: C\n    name: n", "\n  network_hosts: [x]"),
                *("\n  kurt/type: k", "\n  version: 1.0", "\n  x: {y: [z]}", " |\n  a\n  b"),
                *("\n  kurt/implements: k:n=m:C", "\n  kurt/requires: '[1]'", ' "\\e"', " com.A.b"),
            ]
        )
        | st.text(max_size=8).map(lambda text: " " + text),
    ).map("".join)
    | st.text(max_size=12),
    max_size=8,
).map(
    lambda rows: (
        "---\n" + "\n".join(r if ":" in r else r.replace(" ", ": ", 1) for r in rows)
    ).encode()
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.none() | st.binary(max_size=120) | FRONT.map(lambda front: front + b"\n---\n"),
    st.none() | st.binary(max_size=60) | damaged().map(str.encode),
    st.booleans(),
)
def test_a_folder_of_anything_is_a_record_or_an_error(
    tmp_path: Path, skill_md: bytes | None, plugin: bytes | None, code: bool
) -> None:
    place = tmp_path / "any-thing"
    place.mkdir(exist_ok=True)
    for name, content in (
        ("SKILL.md", skill_md),
        ("plugin.json", plugin),
        ("skill.py", b"" if code else None),
    ):
        (place / name).unlink(missing_ok=True)
        if content is not None:
            (place / name).write_bytes(content)
    reading = manifest.read(str(place))
    assert reading.record is not None or any(finding.fatal for finding in reading.findings)
    for finding in reading.findings:
        assert finding.severity in SEVERITIES
        assert finding.message.isprintable() and finding.fix.isprintable()
        assert finding.path in ("", "SKILL.md", "plugin.json")
    if reading.record is not None:
        text = json.dumps(reading.record)
        assert json.loads(text) == reading.record
        text.encode()
        assert reading.record["id"] == reading.name


def test_the_places_of_a_broken_file_are_those_before_the_break() -> None:
    assert strictjson.locate(b'{"a": 1, "b": }') == {("a",): (1, 2), ("b",): (1, 10)}
    assert strictjson.locate(b"\xff") == {}
    assert frontmatter.locate("a: 1\na: 2", "SKILL.md", 2) == {}


def test_a_title_beside_a_plugin_json_is_read_as_the_name_that_it_means(tmp_path: Path) -> None:
    plugin = '{"plugin_id": "org.mine.style-checker", "name": "Style Checker", "version": "1.0.0",'
    plugin += ' "description": "d", "author": "a", "plugin_type": "custom", "entry_point": "main"}'
    for title, ok in (("Style Checker", True), ("Other Thing", False)):
        front = f"---\nname: {title}\ndescription: d\n---\n"
        for name, text in (("SKILL.md", front), ("plugin.json", plugin), ("main.py", "")):
            (tmp_path / name).write_text(text, encoding="utf-8")
        reading = manifest.read(str(tmp_path))
        assert reading.ok is ok
        assert "invalid-name" in [finding.rule for finding in reading.findings]
    (tmp_path / "plugin.json").unlink()
    assert not manifest.read(str(tmp_path)).ok
