"""Values come out of a frame as they went in; what cannot be sent says where it lies."""

from __future__ import annotations

import tracemalloc
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from kurt_ext.contract import Progress, Result
from kurt_ext.errors import KurtError, LimitError, PluginValidationError, UsageError
from kurt_ext.sandbox.failures import RemoteError, cleaned, failure_from, failure_to
from kurt_ext.sandbox.frames import MAX_DEPTH, MAX_MEMBERS, Malformed
from kurt_ext.sandbox.payloads import Unsendable, decode, encode


def through(value: Any) -> Any:
    text, blob = encode(value)
    return decode(text, b"".join(bytes(piece) for piece in blob))


keys = st.one_of(st.text(), st.sampled_from(["$b", "$$b", "$", "$result", "$t", "a"]))
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(),
        st.binary(),
        st.sampled_from(["$b", '"$b"', "x" * 40_000, "\ud800", b"y" * 70_000, '"$' * 20_000]),
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=15,
)


@settings(deadline=None)
@given(values)
def test_values_come_out_as_they_went_in(value: Any) -> None:
    assert through(value) == value


class Colour(Enum):
    RED = "red"


class Count(IntEnum):
    ONE = 1


class Model(BaseModel):
    name: str
    data: bytes
    when: date


@dataclass
class Point:
    x: int
    y: Any


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        ({1}, [1]),
        (frozenset([None]), [None]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"$b": (1,)}), {"$b": [1]}),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        (date(2020, 2, 29), "2020-02-29"),
        (datetime(2020, 2, 29, 12, tzinfo=UTC), "2020-02-29T12:00:00+00:00"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("/a/b"), "/a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Count.ONE, 1),
        (
            Model(name="$b", data=b"\x00\xff", when=date(2020, 1, 2)),
            {"name": "$b", "data": b"\x00\xff", "when": "2020-01-02"},
        ),
        (Point(1, {"$b": b"z"}), {"x": 1, "y": {"$b": b"z"}}),
    ],
)
def test_what_json_has_not_has_one_form(value: Any, expected: Any) -> None:
    assert through(value) == expected
    assert through({"a": [value]}) == {"a": [expected]}


def test_a_result_is_a_result_again() -> None:
    made = Result(False, {"$b": b"x"}, ["no"], {"took": 1}, [{"name": "look"}])
    assert through([made]) == [made]


def test_a_progress_is_a_progress_again() -> None:
    made = through(Progress("counting", 1, 2, {"$b": b"x"}))
    assert (made.message, made.current, made.total, made.data) == (
        "counting",
        1,
        2,
        {"$b": b"x"},
    )


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "value is of builtins.object"),
        ({"a": [1, {"b": object()}]}, "value['a'][1]['b'] is of builtins.object"),
        (Result(True, {"f": len}), "value.data['f'] is of builtins.builtin_function_or_method"),
        ([iter(())], "value[0] is of builtins.tuple_iterator"),
        ({"a": ValueError("x")}, "value['a'] is of builtins.ValueError"),
        (1j, "value is of builtins.complex"),
        ([int], "value[0] is of builtins.type"),
    ],
)
def test_what_cannot_be_sent_is_named_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(Unsendable) as caught:
        encode(value)
    assert place in str(caught.value)


def test_a_value_in_itself_and_one_too_deep_cannot_be_sent() -> None:
    around: list[Any] = []
    around.append(around)
    deep: Any = 1
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    for value in (around, deep, {(1, 2): 3}, [0] * (MAX_MEMBERS + 1)):
        with pytest.raises(Unsendable):
            encode(value)
    assert through(deep[0]) == deep[0]


def test_what_looks_like_many_members_in_a_text_is_none() -> None:
    table = "a,b,[c],{d}\n" * 200_000
    assert through({"table": table}) == {"table": table}


@pytest.mark.parametrize(
    ("text", "blob"),
    [
        (b'{"$b":[0,3]}', b"ab"),
        (b'{"$b":[0,1]}', b"ab"),
        (b'{"$b":[1,1]}', b"ab"),
        (b'[{"$b":[0,2]},{"$b":[0,2]}]', b"ab"),
        (b'[{"$b":[0,2]},{"$b":[1,1]}]', b"ab"),
        (b'{"$b":[0,-1]}', b""),
        (b'{"$b":[-1,1]}', b"a"),
        (b'{"$b":[0.0,1]}', b"a"),
        (b'{"$b":[false,1]}', b"a"),
        (b'{"$b":[0,1,2]}', b"a"),
        (b'{"$b":"ab"}', b"ab"),
        (b'{"$b":[0,1],"a":1}', b"a"),
        (b'{"$t":[0,1]}', b"\xff"),
        (b'{"$x":1}', b""),
        (b'{"$":1}', b""),
        (b'{"$b":[0,1],"$$a":1}', b"a"),
        (b'{"$result":1}', b""),
        (b'{"$result":{"success":1}}', b""),
        (b'{"$result":{"success":true,"exec":1}}', b""),
        (b'{"$result":{"errors":"text"}}', b""),
        (b'{"$progress":{"message":1}}', b""),
        (b'{"$progress":{"current":"a"}}', b""),
        (b'{"$progress":{"current":true}}', b""),
        (b'{"$progress":{"data":[1]}}', b""),
        (b"[]", b"ab"),
    ],
)
def test_a_forged_reference_or_mark_is_refused(text: bytes, blob: bytes) -> None:
    with pytest.raises(Malformed):
        decode(text, blob)


def test_few_bytes_cannot_be_made_many() -> None:
    text = b"[" + b",".join([b'{"$b":[0,1000]}'] * 10_000) + b"]"
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            decode(text, b"x" * 1000)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@settings(deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=10))
def test_any_frame_is_a_value_or_refused(text: bytes, blob: bytes) -> None:
    try:
        decode(text, blob)
    except Malformed:
        return


@settings(deadline=None)
@given(values)
def test_any_failure_is_an_error_or_refused(value: Any) -> None:
    try:
        error = failure_from(value)
    except Malformed:
        return
    assert isinstance(error, (KurtError, RemoteError))
    str(error), repr(error)


def test_an_error_of_ours_arrives_as_itself() -> None:
    sent = LimitError("too\x1b[31m much", limit="max_reply_mb", allowed=3, hint="less", skill="s")
    try:
        raise sent
    except LimitError as error:
        came = failure_from(through(failure_to(error)))
    assert isinstance(came, LimitError)
    assert (came.message, came.limit, came.allowed) == ("too much", "max_reply_mb", 3)
    assert (came.hint, came.skill) == ("less", "s")
    assert "Traceback" in came.__notes__[0]


def test_a_class_that_is_not_in_our_tree_is_not_made() -> None:
    for code in ("remote", "Exception", "os.system", "", None, ["usage"]):
        came = failure_from({"kurt": {"code": code, "message": "m", "more": {"args": [1]}}})
        assert type(came) is KurtError
    class_with_data = failure_from(
        {"kurt": {"code": "validation-failed", "message": "m", "more": {"validation_result": {}}}}
    )
    assert isinstance(class_with_data, PluginValidationError)
    assert class_with_data.validation_result is None


def test_what_an_error_holds_beside_its_message_is_calm_and_bounded() -> None:
    came = failure_from(
        {
            "kurt": {
                "code": "usage",
                "message": "m" * 100_000,
                "cause": ["a"],
                "candidates": ["c" * 10_000] * 10_000,
                "more": {"hint": {"a": 1}, "skill": 3, "message": ["x"]},
            },
            "traceback": "t" * 1_000_000,
        }
    )
    assert isinstance(came, UsageError)
    assert came.cause is None
    assert len(came.message) <= 4096
    assert len(came.candidates) == 100
    assert sum(map(len, came.__notes__)) <= 16_384
    assert len(came.render()) < 100_000


class Silent(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_another_exception_arrives_by_name_message_and_traceback() -> None:
    def boom() -> None:
        raise ZeroDivisionError("over \x1b]0;title\x07zero")

    try:
        boom()
    except ZeroDivisionError as error:
        came = failure_from(through(failure_to(error)))
    assert isinstance(came, RemoteError)
    assert (came.type, came.message) == ("ZeroDivisionError", "over zero")
    assert "in boom" in came.traceback
    assert str(came) == "ZeroDivisionError: over zero"
    assert isinstance(failure_from(failure_to(Silent())), RemoteError)


@given(st.text())
def test_cleaned_text_has_no_control_character_but_line_and_tab(text: str) -> None:
    assert all(c.isprintable() or c in "\n\t\u200d" for c in cleaned(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31;1mred\x1b[0m", "ared"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1bPq#0;2\x1b\\sixel", "sixel"),
        ("\x1b(Ba\x1bcb", "ab"),
        ("\x9b2Jx", "x"),
        ("50%\r\n", "50%\\r\n"),
        ("\u202eevil", "\\u202eevil"),
    ],
)
def test_terminal_sequences_are_taken_out(text: str, expected: str) -> None:
    assert cleaned(text) == expected
