"""A digest is of these bytes and no others, and two trees never have the same one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.errors import IntegrityError
from kurt_ext.market import digests

HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
PATHS = st.text(st.characters(exclude_characters="\0\n", codec="utf-8"), min_size=1, max_size=8)
TREES = st.dictionaries(PATHS, st.binary(max_size=8), max_size=6)


def tree(files: dict[str, bytes]) -> str:
    return digests.of_tree({path: digests.of_bytes(data) for path, data in files.items()})


def test_the_tree_is_framed_as_agent_skills_discovery_does_it() -> None:
    files = {"SKILL.md": b"# Hello\n", "scripts/run.sh": b"#!/bin/sh\n"}
    expected = "34f7a8c484e9991f3e71a309f31332d6335efc01f544105c4185a7c4ab12eb1e"
    assert tree(files) == "sha256:" + expected


@given(TREES, TREES)
def test_trees_with_one_digest_are_one_tree(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (tree(one) == tree(other)) == (one == other)


def test_p22_names_and_boundaries_count() -> None:
    trees: list[dict[str, bytes]] = [
        {"a.py": b"xy", "b.py": b"z"},
        {"a.py": b"x", "b.py": b"yz"},
        {"evil_name.pth": b"xyz"},
        {"a.py": b"xyz", "b.py": b""},
        {"a.py": b"xyz"},
    ]
    assert len({tree(files) for files in trees}) == len(trees)


def test_one_path_twice_is_no_tree() -> None:
    with pytest.raises(IntegrityError):
        digests.of_tree([("a", HELLO), ("a", HELLO)])


def test_bytes_and_files_have_the_same_digest(tmp_path: Path) -> None:
    file = tmp_path / "hello"
    file.write_bytes(b"hello")
    assert digests.of_bytes(b"hello") == HELLO
    assert digests.of_file(str(file)) == (HELLO, 5)
    assert digests.of_file(str(file), 5) == (HELLO, 5)
    with pytest.raises(IntegrityError, match="more than 4 bytes"):
        digests.of_file(str(file), 4)


@pytest.mark.skipif(os.name == "nt", reason="needs links and pipes")
def test_only_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        digests.of_file(str(tmp_path / "link"))
    for name in ("pipe", "."):
        with pytest.raises((OSError, IntegrityError)):
            digests.of_file(str(tmp_path / name))


def test_what_was_promised_is_returned() -> None:
    assert digests.check(b"hello", HELLO, "the file", 5) == b"hello"


@pytest.mark.parametrize(
    ("data", "digest", "size"),
    [
        (b"hello!", HELLO, None),
        (b"hello", HELLO, 6),
        (b"hello", HELLO.upper(), None),
        (b"hello", HELLO[7:], None),
        (b"hello", "", None),
        (b"", HELLO, None),
    ],
)
def test_anything_else_is_refused(data: bytes, digest: str, size: int | None) -> None:
    with pytest.raises(IntegrityError):
        digests.check(data, digest, "the file", size)


def test_permissions_have_one_digest_in_any_order() -> None:
    one = {"network_hosts": ["a", "b"], "native_code": False}
    other = {"native_code": False, "network_hosts": ["b", "a", "b"]}
    assert digests.of_permissions(one) == digests.of_permissions(other)
    for wider in ({"network_hosts": ["a"]}, {"native_code": True}):
        assert digests.of_permissions(one) != digests.of_permissions(one | wider)
