"""A frame is bounded before it is read, and whatever comes apart is put together again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kurt_ext.sandbox.frames import (
    HEADER,
    MAX_DEPTH,
    MAX_MEMBERS,
    Bounds,
    Frame,
    Incoming,
    Malformed,
    is_deep,
    parse,
)

BOUNDS = Bounds({1: (200_000, 200_000), 2: (10, 0)})
frames = st.tuples(
    st.just(1),
    st.integers(0, 2**32 - 1),
    st.one_of(st.binary(max_size=50), st.sampled_from([b"t" * 65_535, b"t" * 70_000])),
    st.one_of(st.binary(max_size=50), st.sampled_from([b"b" * 65_536, b"b" * 140_000])),
)


def packed(frame: tuple[int, int, bytes, bytes]) -> bytes:
    kind, id, text, blob = frame
    return HEADER.pack(kind, id, len(text), len(blob)) + text + blob


def fed(incoming: Incoming, data: bytes, size: int) -> list[tuple[int, int, bytes, bytes]]:
    """Return the frames of what comes in pieces."""
    found: list[Frame] = []

    def read(buffer: memoryview) -> int:
        nonlocal data
        count = min(size, len(buffer), len(data))
        buffer[:count] = data[:count]
        data = data[count:]
        return count

    while data:
        found += incoming.receive(read) or []
    return [(f.kind, f.id, bytes(f.text), bytes(f.blob)) for f in found]


@settings(deadline=None)
@given(st.lists(frames, max_size=6), st.sampled_from([1 << 20, 65_536, 1000, 13, 7]))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    sent: list[tuple[int, int, bytes, bytes]], size: int
) -> None:
    if sum(len(text) + len(blob) for _, _, text, blob in sent) > 50_000:
        size = max(size, 1000)
    incoming = Incoming(BOUNDS)
    assert fed(incoming, b"".join(map(packed, sent)), size) == sent
    assert incoming.is_between


@pytest.mark.parametrize(
    ("kind", "text", "blob"),
    [(1, 200_001, 0), (1, 0, 200_001), (1, 2**32 - 1, 2**32 - 1), (2, 0, 1), (3, 0, 0), (0, 0, 0)],
)
def test_a_header_is_refused_before_anything_of_its_frame_is_read(
    kind: int, text: int, blob: int
) -> None:
    incoming = Incoming(BOUNDS)
    with pytest.raises(Malformed):
        fed(incoming, HEADER.pack(kind, 1, text, blob), 13)


def test_the_end_of_the_stream_is_no_frame() -> None:
    assert Incoming(BOUNDS).receive(lambda buffer: 0) is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_refused(data: bytes) -> None:
    incoming = Incoming(BOUNDS)
    try:
        fed(incoming, data, 17)
    except Malformed:
        return


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_what_json_writes_is_parsed_as_json_does(value: Any) -> None:
    text = json.dumps(value, separators=(",", ":")).encode()
    assert repr(parse(text)) == repr(json.loads(text))


@given(st.binary(max_size=300))
def test_any_text_is_a_value_or_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except Malformed:
        return
    assert repr(value) == repr(json.loads(data))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a":}',
        b"[1,]",
        b"nul",
        b'"' + b"\xff" + b'"',
        b"1 2",
        b"[1] ",
        b"9" * 5000,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" + b"[]," * (MAX_MEMBERS // 2 + 1) + b"[]]",
        b"[" + b"0," * MAX_MEMBERS + b"0]",
    ],
    ids=range(15),
)
def test_what_is_no_value_or_too_much_of_one_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        parse(text)


def test_what_is_just_not_too_much_is_parsed() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert not is_deep(parse(deep))
    assert len(parse(b"[" + b"0," * (MAX_MEMBERS - 2) + b"0]")) == MAX_MEMBERS - 1


def test_brackets_in_a_text_are_no_levels() -> None:
    assert parse(json.dumps("[" * 1000).encode()) == "[" * 1000
