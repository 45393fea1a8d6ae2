from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import skills_ref
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from manifests import BOTH, PORTABLE, SEED

from kurt_ext import manifest, portable
from kurt_ext.errors import ManifestError, UsageError
from kurt_ext.portable import agentskills, check, publish, to_portable


def skill(path: Path, text: str | bytes, name: str = "a-skill") -> str:
    place = path / name
    place.mkdir(exist_ok=True)
    (place / "SKILL.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(place)


def reference(folder: str) -> bool:
    """Return whether the specification's own validator finds nothing; it may raise."""
    try:
        return not skills_ref.validate(Path(folder))
    except Exception:
        return False


def front(*lines: str) -> str:
    return "\n".join(["---", "name: a-skill", "description: b", *lines, "---", ""])


#: What is written, whether it is a portable skill, and whether the reference says the same.
CASES = [
    (front(), True, True),
    (front("license: MIT", "compatibility: Python 3.11"), True, True),
    (front("metadata:", "  kurt/type: 'x'", '  version: "1.0"'), True, True),
    (front("allowed-tools: Read Write"), True, True),
    (front("# a comment"), True, True),
    (front("license: |", "  several", "  lines"), True, True),
    (front().replace("\n", "\r\n"), True, True),
    (front("version: 1.0.0"), False, True),
    (front("tags: [a, b]"), False, True),
    (front("metadata: {}"), False, True),
    (front("metadata: {a: b}"), False, True),
    (front("license: MIT", "license: MIT"), False, True),
    (front("license: &a MIT"), False, True),
    (front("license: !!str MIT"), False, True),
    (front("license: a: b"), False, True),
    (front("compatibility: " + "x" * 501), False, True),
    (front("compatibility: [a]"), False, True),
    (front("compatibility:", "  a: b"), False, True),
    ("\ufeff" + front(), False, True),
    ("\n" + front(), False, True),
    ("---\nname: a-skill\ndescription: b\n", False, True),
    ("---\nname: a-skill\ndescription: b\n...\n", False, True),
    ("# just a title\n", False, True),
    ("", False, True),
    ("---\n- a\n---\n", False, True),
    ("---\nname: a-skill\n---\n", False, True),
    ("---\nname: a-skill\ndescription:\n---\n", False, True),
    ("---\nname: a-skill\ndescription: ' '\n---\n", False, True),
    ("---\nname: a-skill\ndescription: " + "x" * 1025 + "\n---\n", False, True),
    ("---\nname: a-skill\ndescription: " + "x" * 1024 + "\n---\n", True, True),
    ("---\nname: a-skill\ndescription:\n- b\n---\n", False, True),
    ("---\ndescription: b\n---\n", False, True),
    ("---\nname: other\ndescription: b\n---\n", False, True),
    ("---\nname: A-Skill\ndescription: b\n---\n", False, True),
    ("---\nname: -a\ndescription: b\n---\n", False, True),
    ("---\nname: a--skill\ndescription: b\n---\n", False, True),
    ("---\nname: a.skill\ndescription: b\n---\n", False, True),
    (b"---\nname: a-skill\ndescription: \xff\n---\n", False, True),
    # The specification says a-z, 0-9 and texts; its validator asks for less.
    (front("license:", "  a: b"), False, False),
    (front("license: 42"), False, False),
    (front("license:"), False, False),
    (front("compatibility:"), False, False),
    (front("allowed-tools:", "- Read", "- Write"), False, False),
    (front("metadata:", "  a: 1"), False, False),
    (front("metadata:", "  a:", "    b: c"), False, False),
    (front("metadata:", "- a"), False, False),
    (front("metadata: text"), False, False),
    ("---\nname: a-skill\ndescription: 42\n---\n", False, False),
    ("---\nname: a-skill\ndescription: true\n---\n", False, False),
    # It takes these dashes for the end of the front matter, and what follows for the body.
    (front("license: x --- y"), False, False),
    # A NUL in the body is no matter to it.
    (front() + "\0", False, False),
]


@pytest.mark.parametrize(("text", "good", "agreed"), CASES)
def test_the_profile_judges_as_the_specifications_validator(
    tmp_path: Path, text: str | bytes, good: bool, agreed: bool
) -> None:
    folder = skill(tmp_path, text)
    findings = agentskills(folder)
    assert (not findings) == good, findings
    assert (reference(folder) == good) == agreed
    for finding in findings:
        assert finding.severity == "error" and finding.path == "SKILL.md" and finding.line
        assert finding.fix or finding.rule in ("missing-field", "wrong-type")


def test_letters_beyond_ascii_are_a_name_to_the_validator_alone(tmp_path: Path) -> None:
    folder = skill(tmp_path, "---\nname: été\ndescription: b\n---\n", "été")
    assert reference(folder)
    assert [finding.rule for finding in agentskills(folder)] == ["invalid-name"]


VALUES = st.sampled_from(
    [
        *(
            "a-skill",
            "MIT",
            "'quoted'",
            '"quoted"',
            "a: b",
            "[a]",
            "{a: b}",
            "42",
            "true",
            "no",
            "~",
        ),
        *(
            "",
            "1.10",
            "2026-01-01",
            "&x y",
            "*x",
            "!t y",
            "- a",
            "\n- a\n- b",
            "\n  a: b",
            "\n  a: 1",
        ),
        *(
            "\n  a:\n    b: c",
            "|\n  block\n  more",
            ">-\n  folded",
            "a # comment",
            "é",
            "@x",
        ),
        *("Use when: it fits", ">=3", "\n  kurt/type: 'x'\n  version: '1'", "\tx", "null", '"\\e"'),
    ]
)
FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["license", "compatibility", "metadata", "allowed-tools", "version", "name", "x y"]
        ),
        VALUES,
    ),
    max_size=4,
)
#: Where the profile asks for more than the reference does (see CASES).
STRICTER = {"wrong-type", "nul-character"}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["---\nname: a-skill\ndescription: b\n", "---\n", "---\ndescription: b\n"]),
    FIELDS,
)
def test_what_the_profile_accepts_the_validator_accepts(
    tmp_path: Path, head: str, fields: list[tuple[str, str]]
) -> None:
    text = head + "".join(f"{key}: {value}\n" for key, value in fields) + "---\n"
    folder = skill(tmp_path, text)
    findings = agentskills(folder)
    if not findings:
        assert reference(folder), skills_ref.validate(Path(folder))
    elif reference(folder):
        assert {finding.rule for finding in findings} <= STRICTER, findings


GOOD = PORTABLE.replace('"kind"', '"rater"')


def rules(findings: list[Any]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in findings]


def test_a_good_skill_can_be_published(tmp_path: Path) -> None:
    folder = skill(tmp_path, GOOD, "web-fetch")
    Path(folder, "skill.py").touch()
    assert publish(folder) == []
    assert check(folder, "publish") == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "words"),
    [
        ("license: Apache-2.0\n", "", "publish-missing", "license"),
        ('  author: "Example Org"\n', "", "publish-missing", "author"),
        ('"1.4.0"', '"1.4"', "short-version", "version"),
        ('"1.4.0"', '"latest"', "invalid-version", "version"),
        ('  version: "1.4.0"\n', "", "publish-missing", "version"),
        ("description: Fetches", "description: x\nx: Fetches", "poor-description", "what"),
        ("Fetches a web page", "TODO: describe. Use when", "poor-description", "placeholder"),
        ("name: web-fetch", "name: other", "name-and-folder", "folder"),
        ("metadata:", "colour: red\nmetadata:", "unknown-field", "colour"),
    ],
)
def test_what_a_stranger_would_miss_keeps_a_skill_from_being_published(
    tmp_path: Path, old: str, new: str, rule: str, words: str
) -> None:
    assert old in GOOD
    folder = skill(tmp_path, GOOD.replace(old, new, 1), "web-fetch")
    Path(folder, "skill.py").touch()
    found = [f for f in publish(folder) if f.rule == rule and words in f.message]
    assert found and found[0].severity == "error"


def test_permissions_must_be_declared_if_only_as_none(tmp_path: Path) -> None:
    lines = [line for line in GOOD.splitlines(keepends=True) if "permissions" not in line]
    folder = skill(tmp_path, "".join(lines), "web-fetch")
    assert not any("permissions" in finding.message for finding in publish(folder))
    Path(folder, "skill.py").touch()
    (finding,) = publish(folder)
    assert "permissions" in finding.message and "native-code" in finding.fix
    lines.insert(-1, '  kurt/permissions.native-code: "false"\n')
    skill(tmp_path, "".join(lines), "web-fetch")
    assert publish(folder) == []


def test_a_description_that_does_not_say_when_is_a_warning(tmp_path: Path) -> None:
    text = GOOD.replace("Use when the user gives a URL.", "")
    folder = skill(tmp_path, text, "web-fetch")
    Path(folder, "skill.py").touch()
    assert rules(publish(folder)) == [("poor-description", "warning")]


def test_two_manifests_must_agree_to_be_published(tmp_path: Path) -> None:
    folder = skill(tmp_path, to_portable(SEED.encode()), "web-archiver")
    Path(folder, "skill.py").touch()
    both = {**BOTH, "license": "MIT", "description": "Archives pages. Use when they may vanish."}
    Path(folder, "plugin.json").write_text(json.dumps(both))
    found = publish(folder)
    assert [(f.rule, f.path) for f in found if f.fatal] == [("manifest-conflict", "plugin.json")]


def test_a_folder_without_a_manifest_is_one_error_to_every_profile(tmp_path: Path) -> None:
    for profile in portable.PROFILES:
        (finding,) = check(str(tmp_path), profile)
        assert finding.fatal


def test_an_unknown_profile_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no profile") as caught:
        check(str(tmp_path), "agent-skills")
    assert "agentskills|publish" in (caught.value.hint or "")


def record(data: bytes) -> dict[str, Any]:
    found, findings = manifest.parse_skill_md(data)
    assert found is not None, findings
    return found


def test_the_documents_skill_becomes_portable(tmp_path: Path) -> None:
    made = to_portable(SEED.encode())
    assert made.endswith(SEED.partition("\n---\n")[2].encode())
    assert record(made) == record(SEED.encode())
    assert to_portable(made) == made
    folder = skill(tmp_path, made, "web-archiver")
    assert agentskills(folder) == [] and reference(folder)
    assert b'kurt/implements: "kind:archive=skill:WebArchiver"' in made


def test_a_portable_skill_is_left_as_it_is_with_its_comments() -> None:
    data = GOOD.replace("license:", "# why\nlicense:").encode()
    assert to_portable(data) is data


def test_permissions_that_are_none_stay_declared() -> None:
    data = b"---\nname: a\npermissions: {}\nmetadata:\n  z: y\n---\n"
    made = to_portable(data)
    assert b'kurt/permissions.native-code: "false"' in made
    assert to_portable(made) == made


def test_foreign_fields_become_metadata() -> None:
    data = b"---\nname: a\nuser-invocable: true\nx: [1, {y: z}]\nversion: 1.0.0\n---\nbody"
    assert record(to_portable(data))["metadata"] == {
        "user-invocable": "true",
        "x": '[1, {"y": "z"}]',
    }


@pytest.mark.parametrize("data", [b"", b"---\nname: A B\n---\n", b"---\nname: a\ntags: {}\n---\n"])
def test_what_cannot_be_read_cannot_be_rewritten(data: bytes) -> None:
    with pytest.raises(ManifestError, match="cannot be rewritten") as caught:
        to_portable(data)
    assert caught.value.findings and (caught.value.at or "").startswith("SKILL.md")


WORD = st.text("abcxyz019._-", min_size=1, max_size=8)
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff"),
    min_size=1,
    max_size=20,
) | st.sampled_from(
    ["no", "1.10", "- a", "a: b", "a --- b", "'x'", '"', "\\", "#", "é😀", "[a", "~"]
)
NAME = st.from_regex(r"\A[a-z][a-z0-9]{0,5}\Z")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=5,
)
NATIVE = st.fixed_dictionaries(
    {"name": NAME},
    optional={
        "description": TEXT | st.just("two\nlines"),
        "version": st.sampled_from(["0.1.0", "1.0", "1.2.3-rc.1+b", "0.0.0"]),
        "author": TEXT,
        "license": TEXT,
        "homepage": TEXT,
        "compatibility": TEXT,
        "allowed-tools": TEXT | st.lists(NAME, max_size=2),
        "tags": st.lists(TEXT, max_size=3),
        "type": NAME,
        "entry_point": st.sampled_from(["skill", "main", "skill:fetch", "pkg.mod:Attr"]),
        "implements": st.lists(
            st.fixed_dictionaries(
                {"type": NAME, "class": st.sampled_from(["A", "B"]), "name": WORD.map("n".__add__)}
            ),
            max_size=2,
            unique_by=lambda row: (row["type"], row["name"]),
        ),
        "capabilities": st.lists(
            st.fixed_dictionaries(
                {"name": NAME},
                optional={
                    "description": TEXT,
                    "parameters": st.dictionaries(TEXT, JSON, max_size=2),
                },
            ),
            max_size=2,
            unique_by=lambda row: row["name"],
        ),
        "dependencies": st.lists(
            st.fixed_dictionaries(
                {"plugin_id": NAME.map("com.".__add__)},
                optional={"version_constraint": st.just(">=1.0.0,<2"), "optional": st.booleans()},
            ),
            max_size=2,
            unique_by=lambda row: row["plugin_id"],
        ),
        "requires": st.lists(
            st.sampled_from(["six", "httpx>=0.28", 'x; python_version < "3.12"']), max_size=3
        ),
        "requires_python": st.sampled_from([">=3.11", ">=3.11,<4"]),
        "requires_api": st.lists(TEXT, max_size=2),
        "permissions": st.fixed_dictionaries(
            {},
            optional={
                "network_hosts": st.lists(TEXT, max_size=2),
                "filesystem_read": st.lists(TEXT, max_size=2),
                "native_code": st.booleans(),
            },
        ),
        "config_schema": st.dictionaries(TEXT, JSON, max_size=3),
        "min_runtime_version": st.just("1.0.0"),
        "max_runtime_version": st.sampled_from(["*", "2.0.0"]),
        "metadata": st.dictionaries(
            TEXT.filter(
                lambda key: not key.startswith("kurt/") and key not in ("version", "author")
            ),
            TEXT,
            max_size=3,
        ),
        "x-other": TEXT,
    },
)


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NATIVE, st.binary(max_size=20).filter(lambda body: b"\0" not in body), st.booleans())
def test_rewriting_changes_the_form_and_nothing_else(
    tmp_path: Path, values: dict[str, Any], body: bytes, windows: bool
) -> None:
    text = "---\n" + "".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )
    data = (text + "---\n").replace("\n", "\r\n" if windows else "\n").encode() + body
    before, findings = manifest.parse_skill_md(data)
    assume(before is not None and not any(finding.fatal for finding in findings))
    assert before is not None
    made = to_portable(data)
    after = record(made)
    if "x-other" in values:
        assert after["metadata"].pop("x-other") is not None
        before["metadata"].pop("x-other", None)
    assert after == before
    assert made.endswith(body)
    assert to_portable(made) == made
    if before["description"] and len(before["compatibility"] or "") <= 500:
        folder = skill(tmp_path, made, before["id"])
        assert agentskills(folder) == []
        assert reference(folder)
