"""Words become arguments of the type that the schema gives, or one line says why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.argument_fields import fields, spelled, types_of
from kurt_ext.arguments import from_json, from_words, missing, read_json, refuse
from kurt_ext.errors import InvalidInputError, UsageError

SCHEMA: dict[str, Any] = {
    "type": "object",
    "$defs": {"Color": {"type": "string", "enum": ["red", "green"], "description": "a color"}},
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer", "description": "how   many"},
        "ratio": {"type": "number", "default": 0.5},
        "flag": {"type": "boolean"},
        "names": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "color": {"$ref": "#/$defs/Color"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "table": {"type": "object"},
        "any": {},
        "list-or-text": {
            "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]
        },
    },
    "required": ["text"],
}


def read(*words: str, schema: dict[str, Any] = SCHEMA) -> Any:
    """Return the arguments, or the problems where there are any."""
    arguments, problems = from_words(words, schema)
    return problems or arguments


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("text=hello", "hello"),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("text=42", "42"),
        ("text=null", "null"),
        ("count=42", 42),
        ("count=-1", -1),
        ("ratio=1.5", 1.5),
        ("ratio=2", 2),
        ("ratio=1e3", 1000.0),
        ("flag=yes", True),
        ("flag=OFF", False),
        ("flag=1", True),
        ("names=a", ["a"]),
        ("numbers=1", [1]),
        ("color=red", "red"),
        ("maybe=3", 3),
        ("maybe=null", None),
        ("either=3", 3),
        ("either=three", "three"),
        ('table={"a": 1}', {"a": 1}),
        ("any=3", "3"),
        ("any:=3", 3),
        ("list-or-text=a", "a"),
        ("count:=[1]", [1]),  # raw JSON is taken as it stands; the call checks it
        ("text:=null", None),
    ],
)
def test_a_word_is_read_as_its_type(word: str, value: object) -> None:
    key = word.partition("=")[0].rstrip(":")
    assert read(word) == {key: value}


def test_a_key_given_twice_is_a_list() -> None:
    assert read("names=a", "names=b") == {"names": ["a", "b"]}
    assert read("numbers=1", "numbers:=2") == {"numbers": [1, 2]}
    assert read("list-or-text=a", "list-or-text=b") == {"list-or-text": ["a", "b"]}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["count=x"], "count: 'x' is not of type integer"),
        (["count=1.5"], "count: '1.5' is not of type integer"),
        (["count=1_000"], "count: '1_000' is not of type integer"),
        (["count=٣"], "count: '٣' is not of type integer"),
        (["ratio=nan"], "ratio: 'nan' is not of type number"),
        (["flag=maybe"], "flag: 'maybe' is not of type boolean"),
        (["color=grean"], "color: 'grean' is none of red, green; did you mean green?"),
        (["cuont=3"], "cuont: no such argument; did you mean count=…?"),
        (["text"], "'text' is not key=value; did you mean text=…?"),
        (["=x"], "'=x' is not key=value; it takes text, count"),
        (["text=a", "text=b"], "text: was given 2 times, and is no list"),
        (["table=x"], "table: 'x' is not of type object; give JSON with :="),
        (["count:=NaN"], "count: 'NaN' is not JSON"),
        (["count:={"], "count: '{' is not JSON"),
    ],
)
def test_a_word_that_does_not_fit_is_one_line(words: list[str], problem: str) -> None:
    (said,) = read(*words)
    assert said.startswith(problem)


def test_every_problem_is_told_at_once() -> None:
    _, problems = from_words(["count=x", "flag=x"], SCHEMA)
    with pytest.raises(InvalidInputError) as caught:
        refuse([*problems, *missing({"count", "flag"}, SCHEMA)], "skill:extension")
    assert (caught.value.cause or "").count("\n") == 2
    assert caught.value.hint == "kurt run skill:extension --help"


@pytest.mark.parametrize(
    ("schema", "passes"),
    [
        ({}, True),
        ({"properties": {}}, False),
        ({"properties": {"a": {}}}, False),
        ({"properties": {"a": {}}, "additionalProperties": True}, True),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, True),
        ({"additionalProperties": False}, False),
    ],
)
def test_a_key_that_the_schema_does_not_name(schema: dict[str, Any], passes: bool) -> None:
    assert (read("b=1", schema=schema) == {"b": "1"}) is passes


def test_fields_are_described_for_a_reader() -> None:
    found = {field.name: field for field in fields(SCHEMA)}
    assert found["text"].required
    assert not found["count"].required
    assert found["count"].description == "how many"
    assert found["ratio"].default == "0.5"
    assert found["color"].type == "red|green"
    assert found["color"].description == "a color"
    assert found["maybe"].type == "integer or null"
    assert found["names"].type == "list of string"
    assert found["any"].type == "any"


SELF = {"$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}, "$ref": "#/$defs/A"}
LOOP = {"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}
UNION = {"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}]}}, "$ref": "#/$defs/A"}


@pytest.mark.parametrize("schema", [SELF, LOOP, UNION])
def test_a_schema_that_refers_to_itself_ends(schema: dict[str, Any]) -> None:
    assert spelled(schema, schema)
    assert types_of(schema, schema)
    assert fields({"properties": {"a": schema}, **schema}) is not None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_raw_json_survives(value: object) -> None:
    assert read("any:=" + json.dumps(value)) == {"any": value}


@given(st.integers())
def test_integers_survive(value: int) -> None:
    assert read(f"count={value}") == {"count": value}


@given(st.text())
def test_text_survives_as_it_is(value: str) -> None:
    assert read(f"text={value}") == {"text": value}


@given(st.lists(st.text(max_size=20), max_size=5), plain)
def test_no_words_and_no_schema_end_in_another_exception(words: list[str], schema: Any) -> None:
    arguments, _ = from_words(words, SCHEMA)
    assert len(arguments) <= len(words)
    if isinstance(schema, dict):
        arguments, _ = from_words(words, {"properties": {"a": schema}})
        assert isinstance(arguments, dict)


def test_json_arguments_come_from_a_word_a_file_or_stdin(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "arguments.json"
    file.write_text('\ufeff{"text": "x"}', encoding="utf-8")
    assert from_json(read_json(f"@{file}"), SCHEMA) == {"text": "x"}
    assert from_json(read_json('{"count": 1}'), SCHEMA) == {"count": 1}
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO('{"flag": true}'))
    assert from_json(read_json("-"), SCHEMA) == {"flag": True}
    with pytest.raises(UsageError):
        read_json(f"@{tmp_path}/nowhere.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "a JSON array, not an object"),
        ("3", "a JSON integer, not an object"),
        ("{", "not JSON"),
        ('{"count": NaN}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"cuont": 1}', "does not fit"),
    ],
)
def test_json_arguments_that_do_not_fit(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        from_json(text, SCHEMA)
