from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kurt_ext import frontmatter, yamltext
from kurt_ext.findings import Finding
from kurt_ext.sources import MAX_DEPTH, Refused

WORDS = st.sampled_from(
    [
        *("true", "True", "TRUE", "false", "null", "Null", "~", "yes", "no", "on", "off", "y", "n"),
        *("0", "1", "-1", "+1", "-0", "007", "012", "0o7", "0x1f", "1_000", "1.10", "1e3", ".5"),
        *(
            "1:30",
            "2026-02-09",
            "2026-02-09T10:00:00Z",
            ".nan",
            ".inf",
            "=",
            "<<",
            "-",
            "--",
            "---",
        ),
        *("9223372036854775807", "9223372036854775808", "99999999999999999999999999999"),
        *(
            "a b",
            "a  b",
            "a#b",
            "a #b",
            "#a",
            "a:b",
            "a: b",
            "a :b",
            "a:",
            ":a",
            "- a",
            "-a",
            "? a",
        ),
        *("'a'", '"a"', "'a", '"a', "'a''b'", '"a\\nb"', "'a' b", '"a" # b', "'a: b'", '"#"', "''"),
        *(
            "[a]",
            "[]",
            "[a, b]",
            "[a, 'b']",
            "[a,]",
            "[,a]",
            "[a: b]",
            "[a",
            "a]",
            "[[a]]",
            "[1, no]",
        ),
        *(
            "{}",
            "{a: b}",
            "{a",
            "|",
            ">",
            "|-",
            ">=3.10",
            "&a b",
            "*a",
            "!a b",
            "!!str a",
            "%a",
            "@a",
        ),
        *(
            "`a`",
            "é",
            "😀",
            "日本",
            "a\u00a0b",
            "a\u2028b",
            "a\x85b",
            "a\ufeffb",
            "a\tb",
            "https://x.y/z",
        ),
        *(
            "./data",
            "*.example.org",
            "Read Bash(python:*)",
            "Example <user@example.com>",
            "it's",
            "x,",
        ),
    ]
)
TEXT = WORDS | st.text("abcé:#-'\"[]{},|>&*!%@` \t\\01", max_size=10)
KEYS = st.sampled_from(
    [
        "a",
        "b",
        "name",
        "a-b",
        "kurt/x.y",
        "A1",
        "true",
        "1",
        "",
        "a b",
        '"a"',
        "<<",
        "é",
        "- a",
        "-",
    ]
)
INDENT = st.sampled_from(["", "", "", " ", "  ", "  ", "    ", "\t"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    form = draw(st.integers(0, 7))
    head = draw(INDENT)
    if form <= 3:
        return f"{head}{draw(KEYS)}:{draw(st.sampled_from([' ', ' ', '', '  ']))}{draw(TEXT)}"
    if form == 4:
        return f"{head}{draw(KEYS)}:"
    if form == 5:
        return f"{head}- {draw(TEXT)}"
    if form == 6:
        return f"{head}- {draw(KEYS)}: {draw(TEXT)}"
    return draw(st.sampled_from(["", "  ", "# a", "  # a", "...", "--- a", "%YAML 1.1"]) | TEXT)


SAFE = st.sampled_from(
    [
        *(
            "a",
            "a b",
            "it's",
            "1.10",
            "no",
            "7",
            "0",
            "012",
            "true",
            "null",
            "~",
            "a, b",
            "a]c",
            "1:30",
        ),
        *(
            "'a: b'",
            '"#"',
            "''",
            '""',
            "[a, b]",
            "['x', 7, no]",
            "[]",
            "{}",
            "https://x.y",
            "é 😀",
            "a#b",
        ),
        *(
            "Example <a@b>",
            "(x)",
            "2026-02-09",
            "./data",
            "x:y",
            "t",
            "0.1.0",
            "a - b",
            "a -b",
            "+1",
        ),
    ]
)


@st.composite
def mapping(draw: st.DrawFn, indent: int = 0, level: int = 0, first: str = "") -> list[str]:
    """Lines of a mapping as people write it; ``first`` stands before the first key."""
    result: list[str] = []
    for key in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)):
        pad = first if first and not result else " " * indent
        form = draw(st.integers(0, 9)) if level < 3 else 0
        if form <= 6:
            result.append(f"{pad}{key}:{draw(st.sampled_from([' ', ' ', '  ']))}{draw(SAFE)}")
        elif form == 7:
            result += [f"{pad}{key}:", *draw(mapping(indent + draw(st.integers(1, 3)), level + 1))]
        else:
            result += [f"{pad}{key}:", *draw(sequence(indent + draw(st.integers(0, 3)), level + 1))]
        if not draw(st.integers(0, 5)):
            result.append(draw(st.sampled_from(["", "  ", "# note", "      # note"])))
    return result


@st.composite
def sequence(draw: st.DrawFn, indent: int, level: int) -> list[str]:
    result: list[str] = []
    dash = " " * indent + "- "
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            result.append(dash + draw(SAFE))
        else:
            result += draw(mapping(indent + 2, level + 1, dash))
    return result


@st.composite
def bent(draw: st.DrawFn) -> str:
    """A document that is good, or good but for one or two places."""
    rows = draw(mapping())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        at = draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        form = draw(st.integers(0, 5))
        if form == 0:
            rows[at] = draw(INDENT) + row
        elif form == 1:
            rows[at] = row[1:]
        elif form == 2:
            rows[at] = row.partition(": ")[0] + ": " + draw(TEXT)
        elif form == 3:
            rows.insert(at, draw(lines()))
        elif form == 4:
            del rows[at : at + 1]
            rows = rows or [""]
        else:
            cut = draw(st.integers(0, len(row)))
            rows[at] = row[:cut] + draw(TEXT) + row[cut:]
    return "\n".join(rows)


DOCUMENTS = bent() | bent() | st.lists(lines(), max_size=9).map("\n".join)


def same(one: object, two: object) -> bool:
    """Compare without taking True for 1."""
    return repr(one) == repr(two)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(DOCUMENTS)
@example("a:\n- b\n- c: d\n  e: f\nb:\n  c: [x, 'y']\n  d:\n  - 1\n")
@example("a: b\n# c\n\nd:\n  # e\n  f: g\n")
@example("a:\n  - b:\n    - c\n  - d:\n    e: f\n")
def test_where_the_plain_reader_answers_it_answers_as_pyyaml_does(text: str) -> None:
    marks: Any = {}
    found = frontmatter.plain(text, 5, marks)
    if found is None:
        return
    findings: list[Finding] = []
    value, places = yamltext.load(text, "SKILL.md", 5, findings)
    assert same(value, found)
    assert findings == []
    assert {key: places[key] for key in marks} == marks


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_the_strict_reader_answers_as_a_reader_of_plain_text_scalars_would(text: str) -> None:
    """Held to PyYAML's BaseLoader, which takes every scalar for text."""
    findings: list[Finding] = []
    try:
        value, _ = yamltext.load(text, "SKILL.md", 1, findings)
    except Refused as refused:
        assert refused.finding.fatal and refused.finding.line
        return
    if any(finding.rule == "unquoted-value" for finding in findings):
        return
    assert spelt(value, yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))


def spelt(value: Any, base: Any) -> bool:
    """Return whether ``base``, all text, is what ``value`` was written as."""
    if isinstance(value, dict):
        return list(value) == list(base) and all(spelt(value[key], base[key]) for key in value)
    if isinstance(value, list):
        return len(value) == len(base) and all(map(spelt, value, base))
    if value is None:
        return base is None or base.lower() in ("", "~", "null")
    return bool(base.lower() == str(value).lower())


COMMON = """\
name: web-archiver
version: 0.1.0
author: Example <user@example.com>
description: Archive web pages to Internet Archive
tags: [web, archival, automation]
requires_python: ">=3.10"
implements:
  - type: kind
    class: WebArchiver
    name: archive
permissions:
  network_hosts:
    - web.archive.org
  native_code: false
metadata:
  kurt/tags: 'a b'
"""


def test_the_common_manifest_needs_no_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamltext, "load", None)
    found, marks = frontmatter.load(COMMON, "SKILL.md", 2, [])
    assert found is not None and marks is None
    assert found["implements"] == [{"type": "kind", "class": "WebArchiver", "name": "archive"}]
    assert found["permissions"] == {"network_hosts": ["web.archive.org"], "native_code": False}
    places = frontmatter.locate(COMMON, "SKILL.md", 2)
    assert places["name",] == (2, 1)
    assert places["implements", 0, "class"] == (10, 5)
    assert places["permissions", "network_hosts", 0] == (14, 7)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", "1.10"),
        ("no", "no"),
        ("on", "on"),
        ("2026-02-09", "2026-02-09"),
        ("012", "012"),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        (".nan", ".nan"),
        ("+1", "+1"),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("9223372036854775807", 2**63 - 1),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("'7'", "7"),
        ('"true"', "true"),
        ("|-\n  7", "7"),
    ],
)
@pytest.mark.parametrize("tail", ["", "\nb: |\n  block"])
def test_a_scalar_is_text_unless_every_yaml_takes_it_for_something_else(
    text: str, value: object, tail: str
) -> None:
    found, _ = frontmatter.load(f"a: {text}{tail}", "SKILL.md", 1, [])
    assert found is not None and same(found["a"], value)


REFUSALS = [
    ("a: 1\na: 2", "duplicate-key", 2, 1),
    ("m:\n  a: 1\n  a: 2", "duplicate-key", 3, 3),
    ("a: {b: 1, b: 2}", "duplicate-key", 1, 11),
    ("a: &x 1\nb: *x", "yaml-alias", 1, 4),
    ("a: *x", "yaml-alias", 1, 4),
    ("a: !!python/object:os.system x", "yaml-tag", 1, 4),
    ("a: !x y", "yaml-tag", 1, 4),
    ("<<: {a: 1}", "yaml-merge", 1, 1),
    ("? [a]\n: b", "yaml-key", 1, 3),
    ('"": a', "yaml-key", 1, 1),
    ("a: " + "[" * 30_000, "too-deep", 1, 3 + MAX_DEPTH),
    ("- " * 30_000, "too-deep", 1, 2 * MAX_DEPTH + 1),
    ("a: " + "{b: " * 100, "too-deep", 1, 4 + 4 * (MAX_DEPTH - 1)),
    ("a: b\n--- c", "yaml-documents", 2, 1),
    ('a: "\\0"', "nul-character", 1, 4),
    ("a: b\x07", "control-character", 1, 5),
    ("é: ü\x1b[31m", "control-character", 1, 5),
    ("a:\n\t- b", "yaml-syntax", 2, 1),
    ("a: [b, c", "yaml-syntax", 1, 4),
    ('a: "b', "yaml-syntax", 1, 4),
    ("name: x\nthis line says nothing\nb: c", "yaml-syntax", 2, 1),
    ("a: b\n  c: d", "yaml-syntax", 2, 4),
    ("- a\n- b", "front-matter-not-mapping", 1, 0),
    ("just text", "front-matter-not-mapping", 1, 0),
    ("", "front-matter-not-mapping", 1, 0),
    ("# nothing", "front-matter-not-mapping", 1, 0),
    ("a: \u2028\nb: &x 1", "yaml-alias", 2, 4),
]


@pytest.mark.parametrize(("text", "rule", "line", "column"), REFUSALS)
def test_what_yaml_must_not_do_here_is_an_error_with_its_place(
    text: str, rule: str, line: int, column: int
) -> None:
    findings: list[Finding] = []
    found, _ = frontmatter.load(text, "SKILL.md", 11, findings)
    assert found is None
    (finding,) = findings
    assert (finding.rule, finding.severity) == (rule, "error")
    assert (finding.line, finding.column) == (line + 10, column)
    assert finding.fix
    assert finding.message.isprintable()


def test_an_alias_bomb_costs_nothing() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}, *{old}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    tracemalloc.start()
    try:
        assert frontmatter.load(bomb, "SKILL.md", 1, [])[0] is None
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("description: Use when: x", "Use when: x"),
        ("description: it's: x", "it's: x"),
        ("description: >=3.10", ">=3.10"),
        ("description: @scope/x", "@scope/x"),
        ("description: `x` y", "`x` y"),
        ("description: *.example.org", "*.example.org"),
        ("description: %x", "%x"),
        ("description: - x", "- x"),
    ],
)
def test_a_value_that_lacks_its_quotes_is_read_as_text_with_a_finding(
    text: str, value: str
) -> None:
    findings: list[Finding] = []
    found, _ = frontmatter.load(f"name: a\n{text}\nb: c", "SKILL.md", 2, findings)
    assert found == {"name": "a", "description": value, "b": "c"}
    (finding,) = findings
    assert (finding.rule, finding.severity) == ("unquoted-value", "warning")
    assert (finding.line, finding.column) == (3, 14)
    assert "'" in finding.fix


def test_a_number_beyond_64_bits_stays_text_with_a_finding() -> None:
    findings: list[Finding] = []
    found, _ = frontmatter.load("a: 99999999999999999999", "SKILL.md", 1, findings)
    assert found == {"a": "9" * 20}
    assert [finding.rule for finding in findings] == ["number-too-large"]


SPLITS = [
    (b"---\na: b\n---\nbody", "a: b\n", 2, b"body", []),
    (b"---\r\na: b\r\n---\r\nbody\r\n", "a: b\n", 2, b"body\r\n", []),
    (b"---  \na: b\n--- \t\nbody", "a: b\n", 2, b"body", []),
    (b"---\na: b\n---", "a: b\n", 2, b"", []),
    (b"---\n---\nbody", "", 2, b"body", []),
    (b"---\na: |\n  ---\n---\nb", "a: |\n  ---\n", 2, b"b", []),
    (b"---\na: b\n----\n---x\n---\nb", "a: b\n----\n---x\n", 2, b"b", []),
    (b"\xef\xbb\xbf---\na: b\n---\nbody", "a: b\n", 2, b"body", ["byte-order-mark"]),
    (b"\n \n---\na: b\n---\nbody", "a: b\n", 4, b"body", ["front-matter-late"]),
    (b"---\na: b\n...\nbody\n---\n", "a: b\n", 2, b"body\n---\n", ["front-matter-dots"]),
    (b"---\ra: b\r---\rbody\r", "a: b\n", 2, b"body\r", ["carriage-return"]),
    (b"", None, 0, b"", ["front-matter-missing"]),
    (b"\n\n", None, 0, b"", ["front-matter-missing"]),
    (b"# Title\n", None, 0, b"", ["front-matter-missing"]),
    (b"--- a\nb: c\n---\n", None, 0, b"", ["front-matter-missing"]),
    (b"x\n---\nb: c\n---\n", None, 0, b"", ["front-matter-missing"]),
    (b"---\na: b\n", None, 0, b"", ["front-matter-unclosed"]),
    (b"---", None, 0, b"", ["front-matter-unclosed"]),
    (b"---\n" + b"\n" * 100_000, None, 0, b"", ["front-matter-unclosed"]),
    (b"\n" * 100_000, None, 0, b"", ["front-matter-missing"]),
    (b"---\n" + b"a" * 65_537 + b"\n---\n", None, 0, b"", ["front-matter-too-large"]),
    (b"---\na: \xff\n---\n", None, 0, b"", ["not-utf-8"]),
    ("---\na: b\n---\n".encode("utf-16"), None, 0, b"", ["not-utf-8"]),
    ("---\na: b\n---\n".encode("utf-16-le"), None, 0, b"", ["nul-character"]),
    (b"---\na: \0\n---\n", None, 0, b"", ["nul-character"]),
]


@pytest.mark.parametrize(("data", "text", "line", "body", "rules"), SPLITS)
def test_front_matter_is_found_or_a_finding_says_why_not(
    data: bytes, text: str | None, line: int, body: bytes, rules: list[str]
) -> None:
    findings: list[Finding] = []
    front = frontmatter.split(data, "SKILL.md", findings)
    assert [finding.rule for finding in findings] == rules
    assert front.text == text
    if text is not None:
        assert front.line == line
        assert data[front.body :] == body


def test_front_matter_of_just_the_limit_is_read() -> None:
    data = b"---\n" + b"#" * (frontmatter.MAX_FRONT_MATTER - 1) + b"\n---\n"
    findings: list[Finding] = []
    assert frontmatter.split(data, "SKILL.md", findings).text is not None
    assert findings == []


def test_the_place_of_a_wrong_byte_counts_characters() -> None:
    findings: list[Finding] = []
    frontmatter.split("---\né: ü".encode() + b"\xff", "SKILL.md", findings)
    assert (findings[0].line, findings[0].column) == (2, 5)


@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: f"---\n{text}\n---".encode())
)
def test_no_bytes_are_without_an_answer(data: bytes) -> None:
    findings: list[Finding] = []
    front = frontmatter.split(data, "SKILL.md", findings)
    if front.text is None:
        assert any(finding.fatal for finding in findings)
        return
    found, _ = frontmatter.load(front.text, "SKILL.md", front.line, findings)
    assert (found is None) == any(finding.fatal for finding in findings)
    assert data.count(b"\n") + data.count(b"\r") + 1 >= max([f.line for f in findings], default=0)
