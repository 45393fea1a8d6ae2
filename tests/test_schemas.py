"""A stranger's schema fills in, checks and ends; it fetches nothing and shows no secret."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.errors import ManifestError
from kurt_ext.schemas import Schema, pointer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


NODE = obj(value={"default": 0}, next={"$ref": "#/$defs/node"})
GREEDY = obj(next={"$ref": "#/$defs/node", "default": {}}, value={"default": 1})


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        ({}, {"a": 1}, {"a": 1}),
        (obj(a={"default": 1}), {}, {"a": 1}),
        (obj(a={"default": 1}), {"a": None}, {"a": None}),
        (obj(a={"default": None}), {}, {"a": None}),
        (obj(a={"type": "integer"}), {}, {}),
        (obj(a=True), {}, {}),
        # nested objects
        (obj(a=obj(b={"default": 1})), {"a": {}}, {"a": {"b": 1}}),
        (obj(a=obj(b={"default": 1})), {"a": 3}, {"a": 3}),
        (obj(a=obj(b={"default": 1})), {}, {"a": {"b": 1}}),
        (obj(a={**obj(b={"default": 1}), "required": ["c"]}), {}, {}),
        (obj(a={**obj(b={"default": 1}), "required": ["b"]}), {}, {"a": {"b": 1}}),
        (obj(a={"properties": {"b": {"default": 1}}}), {}, {}),
        (obj(a={**obj(b={"default": 1}), "default": {}}), {}, {"a": {"b": 1}}),
        (obj(a={**obj(b={"default": 1}), "default": {"c": 2}}), {}, {"a": {"b": 1, "c": 2}}),
        # lists
        ({"properties": {"a": {"items": obj(b={"default": 1})}}}, {"a": [{}, 3, {"b": 2}]},
         {"a": [{"b": 1}, 3, {"b": 2}]}),
        ({"properties": {"a": {"prefixItems": [obj(b={"default": 1})], "items": False}}},
         {"a": [{}, {}]}, {"a": [{"b": 1}, {}]}),
        # references and allOf
        ({**obj(a={"$ref": "#/$defs/x"}), "$defs": {"x": {"default": 7}}}, {}, {"a": 7}),
        ({**obj(a={"$ref": "#/$defs/x", "default": 8}), "$defs": {"x": {"default": 7}}}, {},
         {"a": 8}),
        ({"$ref": "#/$defs/x", "$defs": {"x": obj(a={"default": 1})}}, {}, {"a": 1}),
        ({"allOf": [obj(a={"default": 1}), obj(a={"default": 2}, b={"default": 3})]}, {},
         {"a": 1, "b": 3}),
        ({"anyOf": [obj(a={"default": 1}), obj(b={"default": 2})]}, {}, {}),
        ({**obj(a={"$ref": "#/$defs/a~1b%20c/allOf/0"}),
          "$defs": {"a/b c": {"allOf": [{"default": 1}]}}}, {}, {"a": 1}),
        ({"allOf": [{"$ref": "#"}], **obj(a={"default": 1})}, {}, {"a": 1}),
        # schemas that contain themselves
        ({**NODE, "$defs": {"node": NODE}}, {}, {"value": 0, "next": {"value": 0}}),
        ({**NODE, "$defs": {"node": NODE}}, {"next": {"next": {}}},
         {"value": 0, "next": {"value": 0, "next": {"value": 0, "next": {"value": 0}}}}),
        ({**obj(root={"$ref": "#/$defs/node"}), "$defs": {"node": GREEDY}}, {"root": {}},
         {"root": {"value": 1, "next": {"value": 1, "next": {}}}}),
    ],
)  # fmt: skip
def test_defaults_are_filled_in(
    schema: dict[str, Any], value: dict[str, Any], filled: dict[str, Any]
) -> None:
    assert Schema(schema, "x").filled(value) == filled


def test_what_is_filled_in_is_nobody_elses() -> None:
    source = obj(a={"default": [1]}, b=obj(c={"default": {}}))
    value: dict[str, Any] = {"b": {}}
    made = Schema(source, "x").filled(value)
    made["a"].append(2)
    made["b"]["c"]["d"] = 1
    assert source == obj(a={"default": [1]}, b=obj(c={"default": {}})) and value == {"b": {}}


@given(st.dictionaries(st.sampled_from("abcd"), JSON))
def test_what_is_given_is_kept_and_filling_twice_changes_nothing(value: dict[str, Any]) -> None:
    schema = Schema(obj(a=obj(x={"default": 1}), b={"items": obj(y={"default": []})}), "x")
    made = schema.filled(value)
    assert schema.filled(made) == made
    for key, inner in value.items():
        if not isinstance(inner, (dict, list)):
            assert made[key] == inner


BOMB = {
    f"d{n}": obj(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"})
    for n in range(40)
} | {"d40": {"default": 1}}


def test_defaults_that_double_with_each_level_are_refused() -> None:
    schema = Schema({"$ref": "#/$defs/d0", "$defs": BOMB}, "com.example.a's config_schema")
    with pytest.raises(ManifestError, match=r"com\.example\.a") as caught:
        schema.filled({})
    assert "10,000" in (caught.value.cause or "")


HOSTILE = [
    ("^(a+)+$", "a" * 5000 + "!"),
    ("^(a|a)*$", "a" * 5000 + "!"),
    ("(x+x+)+y", "x" * 5000),
    ("^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$", "a" * 5000),
]


@pytest.mark.parametrize(("pattern", "text"), HOSTILE)
@pytest.mark.parametrize("word", ["properties", "patternProperties", "propertyNames"])
def test_a_hostile_pattern_ends_at_once(pattern: str, text: str, word: str) -> None:
    # In a process of its own, so that one that does not end fails this test alone.
    schema: dict[str, Any] = {
        "properties": {"properties": {"a": {"pattern": pattern}}},
        "patternProperties": {"patternProperties": {pattern: {"type": "integer"}}},
        "propertyNames": {"propertyNames": {"pattern": pattern}},
    }[word]
    value = {"a": text} if word == "properties" else {text: ""}
    script = (
        "from kurt_ext.schemas import Schema\n"
        f"schema = Schema({schema!r}, 'x'); value = {value!r}\n"
        "schema.filled(value); schema.secrets(value); schema.problems(value, [('a',)])"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)


@pytest.mark.parametrize("pattern", ["(?=a)b", "(a)\\1", "("])
def test_a_pattern_that_has_no_linear_time_is_refused(pattern: str) -> None:
    with pytest.raises(ManifestError):
        Schema(obj(a={"pattern": pattern}), "x")


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:9/x", "file:///etc/passwd", "data:,1", "other.json", "#/gone"]
)
def test_nothing_is_fetched(reference: str) -> None:
    with pytest.raises(ManifestError, match="JSON Schema"):
        Schema(obj(a={"$ref": reference}), "x")


def test_a_secret_is_in_no_sentence() -> None:
    schema = Schema(
        {
            **obj(
                token={"type": "string", "minLength": 90},
                login={"oneOf": [obj(password={"type": "integer"}), {"type": "string"}]},
                plain={"maximum": 3},
            ),
            "required": ["more"],
        },
        "x",
    )
    value = {"token": "ab", "login": {"password": "hunter22"}, "plain": 7}
    problems = dict(schema.problems(value, [("token",), ("login", "password")]))
    assert set(problems) == {"/token", "/login", "/plain", ""}
    assert "ab" not in problems["/token"] and "hunter22" not in str(problems)
    assert problems["/plain"].startswith("7 is greater")
    assert "hunter22" in str(schema.problems(value))


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        (obj(a={"writeOnly": True}), {"a": "x", "b": "y"}, {("a",)}),
        (obj(a={"format": "password"}), {"a": {"deep": "x"}}, {("a",)}),
        (obj(a=obj(b={"writeOnly": True})), {"a": {"b": 1}}, {("a", "b")}),
        (obj(a={"items": {"writeOnly": True}}), {"a": ["x", "y"]}, {("a", 0), ("a", 1)}),
        ({"additionalProperties": {"format": "password"}}, {"a": "x"}, {("a",)}),
        ({"patternProperties": {"^z": {"format": "password"}}}, {"a": "x"}, {("a",)}),
        ({**obj(a={"$ref": "#/$defs/s"}), "$defs": {"s": {"writeOnly": True}}}, {"a": 1}, {("a",)}),
        ({"anyOf": [obj(a={"writeOnly": True}), obj(b={})]}, {"a": 1, "b": 2}, {("a",)}),
        ({"if": {}, "then": obj(a={"allOf": [{"writeOnly": True}]})}, {"a": 1}, {("a",)}),
        (obj(a={"writeOnly": False, "format": "email"}), {"a": 1}, set()),
        (obj(a={"writeOnly": True}), {}, set()),
    ],
)
def test_what_the_schema_calls_secret_is_found(
    schema: dict[str, Any], value: dict[str, Any], found: set[tuple[Any, ...]]
) -> None:
    assert Schema(schema, "x").secrets(value) == found


def test_what_everybody_may_know_is_published() -> None:
    schema = Schema(obj(a={"default": "x", "enum": ["x", "y"]}, b={"items": {"const": 1}}), "x")
    assert schema.published(("a",)) == ["x", "x", "y"]
    assert schema.published(("b", 3)) == [1]
    assert schema.published(("c",)) == []


@pytest.mark.parametrize(
    ("path", "text"), [((), ""), (("a", 0), "/a/0"), (("a/b", "~", ""), "/a~1b/~0/")]
)
def test_a_pointer_is_spelt_as_its_standard_says(path: tuple[Any, ...], text: str) -> None:
    assert pointer(path) == text


def test_a_value_that_json_has_no_word_for_is_a_problem() -> None:
    assert Schema(obj(a={"type": "string"}), "x").problems({"a": object()})[0][0] == ""
