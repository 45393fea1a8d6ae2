"""What a skill needs is read from its uses: as narrow as the code tells, and no guess."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.analysis.catalogue import Meaning
from kurt_ext.analysis.uses import Use, analyse
from kurt_ext.errors import ManifestError, SkillNotFoundError
from kurt_ext.grants import LISTS, Grants
from kurt_ext.inference import infer, merged
from kurt_ext.manifest import parse_plugin_json, parse_skill_md
from kurt_ext.permission_blocks import as_json, as_yaml, replaced, write

SUBJECTS = {
    "filesystem_read": "path",
    "filesystem_write": "path",
    "network_hosts": "url",
    "external_apis": "",
    "environment_variables": "variable",
    "processes": "program",
    "native_code": "",
    "system_resources": "",
}


def use(
    key: str,
    *targets: str,
    proven: bool = True,
    name: str = "some.name",
    path: str = "skill.py",
    line: int = 1,
    reachable: bool = True,
    subject: str | None = None,
) -> Use:
    meaning = Meaning(
        "x", "high", key, "does it", subject=SUBJECTS[key] if subject is None else subject
    )
    return Use(name, meaning, path, line, 1, True, targets, proven, reachable, False, name)


NEEDS = [
    # list, target, entries, proven
    ("network_hosts", "https://api.example.com/v1?x#y", ["api.example.com"], True),
    ("network_hosts", "http://API.example.com:8080/", ["api.example.com:8080"], True),
    ("network_hosts", "https://good.example@evil.com/", ["evil.com"], True),
    ("network_hosts", "https://….api.example.com/z", ["*.api.example.com"], False),
    ("network_hosts", "https://….com/z", [], False),
    ("network_hosts", "https://api-….example.com/z", ["*.example.com"], False),
    ("network_hosts", "https://api.example.com/…", ["api.example.com"], False),
    ("network_hosts", "https://api.example.com…", ["api.example.com"], False),
    ("network_hosts", "https://api.example.com:…/", ["api.example.com"], False),
    ("network_hosts", "…/v1", [], False),
    ("network_hosts", "https://…", [], False),
    ("network_hosts", "file:///etc/passwd", [], True),
    ("filesystem_read", "/var/lib/x/data.csv", ["/var/lib/x/data.csv"], True),
    ("filesystem_read", "/var/lib/x/….csv", ["/var/lib/x"], False),
    ("filesystem_read", "/var/lib/x…", ["/var/lib"], False),
    ("filesystem_read", "/…", [], False),
    ("filesystem_read", "~/…", [], False),
    ("filesystem_read", "…", [], False),
    ("filesystem_read", "~/notes/../x", ["~/x"], True),
    ("filesystem_read", "<skill>/data.json", [], True),
    ("filesystem_read", "<skill>/data/….json", [], False),
    ("filesystem_read", "<skill>/../other", ["../other"], True),
    ("filesystem_read", "<temp>/x", [], True),
    ("filesystem_read", "<site-packages>/x", [], False),
    ("filesystem_read", "data.json", ["./data.json"], True),
    ("filesystem_write", "<temp>/x", [], True),
    ("filesystem_write", "<temp>/….csv", [], False),
    ("filesystem_write", "<skill>/cache/x", ["./cache/x"], True),
    ("filesystem_write", "C:\\Data\\x", ["c:/data/x"], True),
    ("environment_variables", "API_KEY", ["API_KEY"], True),
    ("environment_variables", "APP_…", ["APP_*"], False),
    ("environment_variables", "APP…", [], False),
    ("environment_variables", "_…", [], False),
    ("processes", "ffmpeg", ["ffmpeg"], True),
    ("processes", "/opt/x/ffmpeg", ["/opt/x/ffmpeg"], True),
    ("processes", "git log | wc -l", ["git", "wc"], True),
    ("processes", "git log …", ["git"], False),
    ("processes", "git $(x)", [], False),
    ("processes", "…", [], False),
    ("processes", "<python>/bin/python", ["python"], True),
]


@pytest.mark.parametrize(("key", "target", "entries", "proven"), NEEDS)
def test_a_use_needs_what_it_names(key: str, target: str, entries: list[str], proven: bool) -> None:
    found = infer([use(key, target, proven="…" not in target)])
    assert found.permissions == ({key: entries} if entries else {})
    assert (not found.unproven) is proven
    assert found.reasons == {(key, entry): ("skill.py:1",) for entry in entries}


def test_services_native_code_and_resources() -> None:
    found = infer(
        [
            use("external_apis", name="openai.OpenAI().chat"),
            use("external_apis", name="unheard_of.Client"),
            use("native_code", name="ctypes.CDLL"),
            use("system_resources", name="psutil.sensors_battery"),
        ]
    )
    assert found.permissions == {"external_apis": ["openai", "unheard_of"], "native_code": True}
    assert found.reasons["native_code", "true"] == ("skill.py:1",)
    assert [note.key for note in found.unproven] == ["system_resources"]


def test_what_is_not_proven_has_its_place() -> None:
    found = infer([use("network_hosts", "https://….a.example.com", proven=False, line=7)])
    assert [note.as_dict() for note in found.unproven] == [
        {
            "list": "network_hosts",
            "at": "skill.py:7",
            "what": "some.name does it: https://….a.example.com",
        }
    ]


def test_a_name_that_tells_nothing_counts_only_where_nothing_else_does() -> None:
    session = use("network_hosts", name="requests.Session", subject="", line=3)
    assert [note.at for note in infer([session]).unproven] == ["skill.py:3"]
    assert infer([session, use("network_hosts", "https://a.example.com")]).unproven == ()
    assert infer([session, use("external_apis", name="openai.OpenAI")]).unproven == ()
    whole = use("environment_variables", name="os.environ", subject="")
    assert infer([whole, use("environment_variables", "A")]).unproven


def test_a_test_that_nothing_imports_needs_nothing() -> None:
    target = ("network_hosts", "https://a.example.com")
    assert infer([use(*target, path="tests/test_x.py", reachable=False)]).permissions == {}
    assert infer([use(*target, path="tests/test_x.py")]).permissions
    assert infer([use(*target, path="other.py", reachable=False)]).permissions


def test_what_another_entry_covers_is_left_to_it_with_its_reasons() -> None:
    found = infer(
        [
            use("filesystem_write", "/d/….csv", proven=False, line=1),
            use("filesystem_write", "/d/x", line=2),
            use("filesystem_read", "/d/y", line=3),
            use("filesystem_read", "/e", line=4),
            use("network_hosts", "https://x.a.example", line=5),
            use("network_hosts", "https://….a.example", proven=False, line=6),
        ]
    )
    assert found.permissions == {
        "filesystem_read": ["/e"],
        "filesystem_write": ["/d"],
        "network_hosts": ["*.a.example"],
    }
    assert found.reasons["filesystem_write", "/d"] == ("skill.py:1", "skill.py:2", "skill.py:3")
    assert found.reasons["network_hosts", "*.a.example"] == ("skill.py:5", "skill.py:6")


targets = {
    "network_hosts": st.sampled_from(["https://a.example/x", "http://b.a.example:81", "[::1]"]),
    "filesystem_read": st.sampled_from(["/a/b", "~/x", "c/../d", "<skill>/x", "<temp>/y"]),
    "filesystem_write": st.sampled_from(["/a/b", "/a", "~/x/..", "<skill>/x", "<temp>/y"]),
    "environment_variables": st.sampled_from(["A", "B_C"]),
    "processes": st.sampled_from(["git", "/usr/bin/git", "git log | wc"]),
}


@given(
    st.lists(
        st.sampled_from(sorted(targets)).flatmap(
            lambda key: st.tuples(st.just(key), targets[key], st.integers(1, 99))
        ),
        max_size=8,
    )
)
def test_what_was_inferred_covers_every_use(rows: list[tuple[str, str, int]]) -> None:
    uses = [use(key, target, line=line) for key, target, line in rows]
    found = infer(uses)
    grants = Grants.of(found.permissions)
    assert found.unproven == ()
    for key, target, _ in rows:
        assert grants.covers(key, target)
    assert infer(reversed(uses)) == found
    assert {(k, e) for k, v in found.permissions.items() for e in v} == set(found.reasons)


def test_a_declared_entry_stays_where_the_code_does_not_tell_all() -> None:
    declared = Grants.of(
        {
            "network_hosts": ["from-config.example", "api.frankfurter.app"],
            "external_apis": ["frankfurter", "slack"],
            "environment_variables": ["OLD"],
            "system_resources": ["gpu"],
        }
    )
    found = infer(
        [
            use("network_hosts", "…", proven=False),
            use("network_hosts", "https://api.frankfurter.app/latest"),
        ]
    )
    assert merged(declared, found) == {
        "network_hosts": ["api.frankfurter.app", "from-config.example"],
        "external_apis": ["frankfurter"],
        "system_resources": ["gpu"],
    }
    assert merged(declared, infer([use("native_code")])) == {
        "system_resources": ["gpu"],
        "native_code": True,
    }


# Into the manifest.

NEW = {"network_hosts": ["*.a.example", 'odd "one"'], "native_code": True}
SKILL = b"""---
# who it is
name: web-archiver   # a comment
description: Archives pages; use it when a page must be kept.
version: 1.0.0
permissions:
  # mine
  network_hosts: [old.example]

# about the rest
license: MIT
---

# Body
permissions: stay
"""


@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_a_block_in_front_matter_is_replaced_and_nothing_else(eol: bytes) -> None:
    notes = infer([use("network_hosts", "…", proven=False, line=3)]).unproven
    data = SKILL.replace(b"\n", eol)
    after = replaced(data, "SKILL.md", NEW, notes)
    expected = SKILL.replace(
        b"permissions:\n  # mine\n  network_hosts: [old.example]\n",
        b'permissions:\n  network_hosts:\n    - "*.a.example"\n    - "odd \\"one\\""\n'
        b"  native_code: true\n  # not proven: skill.py:3: some.name does it: \xe2\x80\xa6\n",
    )
    assert after == expected.replace(b"\n", eol)
    assert replaced(after, "SKILL.md", NEW, notes) == after


def test_a_block_is_added_where_there_is_none() -> None:
    data = b"---\nname: a\ndescription: b\n---\nBody\n"
    after = replaced(data, "SKILL.md", {"processes": ["git"]})
    assert after == (
        b'---\nname: a\ndescription: b\npermissions:\n  processes:\n    - "git"\n---\nBody\n'
    )
    assert b"permissions: {}\n" in replaced(after, "SKILL.md", {})


def test_a_portable_manifest_keeps_its_form() -> None:
    data = b"""---
name: a
description: b
metadata:
  version: "1.0.0"
  kurt/permissions.network-hosts: "x.example"
  kurt/permissions.native-code: "true"
  other: "1"
---
"""
    after = replaced(data, "SKILL.md", {"processes": ["git", "wc"], "network_hosts": ["a b", "c"]})
    assert (
        after
        == b"""---
name: a
description: b
metadata:
  version: "1.0.0"
  kurt/permissions.processes: "git wc"
  kurt/permissions.network-hosts: "[\\"a b\\", \\"c\\"]"
  other: "1"
---
"""
    )
    assert b'kurt/permissions.native-code: "false"' in replaced(after, "SKILL.md", {})


PLUGIN = {
    "plugin_id": "com.example.a",
    "name": "A",
    "version": "1.0.0",
    "plugin_type": "tool",
    "entry_point": "a",
    "permissions": {"network_hosts": ["old.example"]},
    "tags": ["permissions"],
}


@pytest.mark.parametrize("indent", [None, 2, 4, "\t"])
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_object_in_plugin_json_is_replaced_and_nothing_else(
    indent: int | str | None, eol: str, has: bool, mark: str
) -> None:
    plugin = {key: value for key, value in PLUGIN.items() if has or key != "permissions"}
    text = mark + json.dumps(plugin, indent=indent).replace("\n", eol) + eol
    after = replaced(text.encode(), "plugin.json", NEW).decode()
    assert json.loads(after.removeprefix("\ufeff")) == {**plugin, "permissions": NEW}
    order = list(plugin) if has else [*plugin, "permissions"]
    assert list(json.loads(after.removeprefix("\ufeff"))) == order
    if has:
        assert after.startswith(text.partition('"permissions": ')[0])
        assert after.endswith(text.partition('"old.example"]}')[2] if indent is None else text[-9:])
    assert ("\n" in after.strip()) is ("\n" in text.strip())
    assert "\n" not in after.replace(eol, "")
    assert replaced(after.encode(), "plugin.json", NEW).decode() == after


def test_a_long_list_in_plugin_json_has_an_entry_on_each_line() -> None:
    hosts = [f"host-{number}.example.com" for number in range(6)]
    text = as_json({"network_hosts": hosts})
    assert json.loads(text) == {"network_hosts": hosts}
    assert max(map(len, text.splitlines())) < 60


@given(
    st.dictionaries(
        st.sampled_from([*LISTS]),
        st.lists(
            st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20),
            min_size=1,
            max_size=3,
            unique=True,
        ),
        max_size=4,
    )
)
def test_what_is_written_is_what_is_read(permissions: dict[str, list[str]]) -> None:
    wanted = Grants.of(permissions).as_dict()
    skill, _ = parse_skill_md(replaced(SKILL, "SKILL.md", permissions), path="SKILL.md")
    plugin, _ = parse_plugin_json(
        replaced(json.dumps(PLUGIN).encode(), "plugin.json", permissions), path="plugin.json"
    )
    assert skill is not None
    assert plugin is not None
    assert skill["permissions"] == plugin["permissions"] == wanted


def test_an_unusual_form_is_refused_with_the_block_to_paste() -> None:
    data = b"---\nname: a\ndescription: b\npermissions: {network_hosts:\n[x.example]}\n---\n"
    with pytest.raises(ManifestError, match="cannot be replaced") as caught:
        replaced(data, "SKILL.md", NEW)
    assert as_yaml(NEW) in (caught.value.hint or "")
    with pytest.raises(ManifestError, match="cannot be read"):
        replaced(b"{", "plugin.json", NEW)


def test_both_manifests_of_a_folder_are_written_or_none(tmp_path: Path) -> None:
    with pytest.raises(SkillNotFoundError):
        write(str(tmp_path), NEW)
    skill, plugin = tmp_path / "SKILL.md", tmp_path / "plugin.json"
    skill.write_bytes(SKILL)
    plugin.write_text("{")
    with pytest.raises(ManifestError):
        write(str(tmp_path), NEW)
    assert skill.read_bytes() == SKILL
    plugin.write_text(json.dumps(PLUGIN))
    assert write(str(tmp_path), NEW) == [str(skill), str(plugin)]
    assert write(str(tmp_path), NEW) == []


def test_a_variable_read_by_its_key_is_needed() -> None:
    code = "import os\nfrom os import environ as e\na = os.environ['A_KEY']\nb = lambda: e['B']\n"
    found = infer(analyse(["skill.py"], lambda _: ast.parse(code), ["skill"]).uses)
    assert found.permissions == {"environment_variables": ["A_KEY", "B"]}
    assert found.unproven == ()
