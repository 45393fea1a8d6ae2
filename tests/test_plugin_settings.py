"""A plugin's settings are four layers as one, checked, and each value knows its layer."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record
from trees import grow

from kurt_ext import errors
from kurt_ext.config import Config
from kurt_ext.config_file import read
from kurt_ext.instances import plugin_config
from kurt_ext.models import PluginConfig
from kurt_ext.plugin_settings import Effective, effective
from kurt_ext.settings import Settings

ID = "com.example.calculator"
SCHEMA = {
    "type": "object",
    "properties": {
        "precision": {"type": "integer", "default": 10, "minimum": 1, "maximum": 50},
        "cache_enabled": {"type": "boolean", "default": True},
        "api_key": {"type": "string"},
        "modes": {"type": "array", "default": ["fast"]},
        "http": {
            "type": "object",
            "properties": {"timeout": {"default": 30}, "retries": {"default": 3}},
        },
    },
}


class Host:
    """The files around one plugin, and what they come to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def config(self, user: str = "", project: str = "", *, trusted: bool = True) -> Config:
        layers = []
        for scope, text in (("user", user), ("project", project)):
            if text:
                file = grow(self.folder / scope, {"kurt.toml": text}) / "kurt.toml"
                layer, findings = read(str(file), scope)
                assert not findings, findings
                layers.append(layer)
        return Config(layers, project=str(self.folder / "project"), trusted=trusted)

    def __call__(
        self,
        schema: dict[str, Any] | None = None,
        shipped: dict[str, Any] | None = None,
        user: str = "",
        project: str = "",
        given: Any = None,
        *,
        env: dict[str, str] | None = None,
        trusted: bool = True,
        **fields: Any,
    ) -> Effective:
        config = self.config(user, project, trusted=trusted)
        folder = self.folder / "skill"
        if shipped is not None:
            grow(folder, {"config.json": json.dumps(shipped, indent=1)})
        made = record(
            ID, config_schema=SCHEMA if schema is None else schema, config=shipped or {}, **fields
        )
        settings = config.resolve(ID, env or {})
        return effective(made, config, given, settings=settings, skill=ID, folder=str(folder))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def own(text: str) -> str:
    return f'[skill."{ID}"]\n{text}\n'


def table(text: str) -> str:
    return f'[plugin."{ID}"]\n{text}\n'


def test_p11_config_json_and_the_defaults_of_the_schema_are_applied(host: Host) -> None:
    config = host(shipped={"config": {"precision": 15}, "priority": 5, "auto_load": True}).config
    assert config.config == {
        "precision": 15,
        "cache_enabled": True,
        "modes": ["fast"],
        "http": {"timeout": 30, "retries": 3},
    }
    assert (config.plugin_id, config.priority, config.auto_load) == (ID, 5, True)


def test_each_layer_has_the_last_word_over_those_below(host: Host) -> None:
    layers: list[dict[str, Any]] = [
        {"shipped": {"config": {"precision": 1}}},
        {"user": own("precision = 2")},
        {"project": own("precision = 3")},
        {"given": {"config": {"precision": 4}}},
    ]
    seen, together = [host().config.config["precision"]], {}
    origins = [host().origins["/precision"].layer]
    for layer in layers:
        together.update(layer)
        found = host(**together)
        seen.append(found.config.config["precision"])
        origins.append(found.origins["/precision"].layer)
    assert seen == [10, 1, 2, 3, 4]
    assert origins == ["default", "config.json", "user", "project", "call"]


def test_objects_are_joined_at_every_depth_and_lists_are_replaced(host: Host) -> None:
    found = host(
        shipped={"config": {"http": {"headers": {"a": "1", "b": "1"}}, "modes": ["x", "y"]}},
        user=own('http.headers.b = "2"\nhttp.timeout = 9'),
        given={"config": {"http": {"headers": {"c": "3"}}, "modes": ["z"]}},
    )
    assert found.config.config["http"] == {
        "headers": {"a": "1", "b": "2", "c": "3"},
        "timeout": 9,
        "retries": 3,
    }
    assert found.config.config["modes"] == ["z"]
    layers = {place: source.layer for place, source in found.origins.items()}
    assert layers == {
        "/http/headers/a": "config.json",
        "/http/headers/b": "user",
        "/http/headers/c": "call",
        "/http/timeout": "user",
        "/http/retries": "default",
        "/modes": "call",
        "/precision": "default",
        "/cache_enabled": "default",
    }


def test_an_origin_names_file_line_and_column(host: Host) -> None:
    found = host(
        shipped={"config": {"modes": ["a"], "http": {"timeout": 1}}},
        user="\n" + own("precision = 7"),
        project=table("priority = 3"),
    )
    at = {place: str(source) for place, source in found.origins.items()}
    assert at["/precision"] == f"{host.folder}/user/kurt.toml:3:1"
    assert at["/http/timeout"] == f"{host.folder}/skill/config.json:7:4"
    assert at["/cache_enabled"] == "the default"
    assert str(found.switches["priority"]) == f"{host.folder}/project/kurt.toml:2:1"
    assert found.switches["enabled"].as_dict() == {
        "layer": "default",
        "file": None,
        "line": 0,
        "column": 0,
    }


@given(
    st.lists(
        st.recursive(
            st.integers(0, 3),
            lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        ).filter(lambda value: isinstance(value, dict)),
        min_size=3,
        max_size=3,
    )
)
def test_every_value_is_that_of_the_layer_that_its_origin_names(
    tables: list[dict[str, Any]],
) -> None:
    shipped, mine, called = tables
    layer = {"file": "f", "scope": "user", "kinds": {}, "skills": {ID: mine}}
    config = Config([layer])
    made = record(ID, config={"config": shipped})
    found = effective(made, config, {"config": called}, settings=mine, skill=ID)
    by_layer = {"config.json": shipped, "user": mine, "call": called}
    for place, source in found.origins.items():
        ours: Any = found.config.config
        theirs: Any = by_layer[source.layer]
        for part in place.split("/")[1:]:
            ours, theirs = ours[part], theirs[part]
        assert ours == theirs


SWITCHES: list[tuple[str, Any, Any, Any]] = [
    ("enabled", False, True, False),
    ("auto_load", True, False, True),
    ("priority", 1, 2, 3),
]


@pytest.mark.parametrize(("word", "shipped", "toml", "given"), SWITCHES)
def test_how_it_is_loaded_has_the_same_layers(
    host: Host, word: str, shipped: Any, toml: Any, given: Any
) -> None:
    text = table(f"{word} = {json.dumps(toml)}")
    assert getattr(host(shipped={word: shipped}).config, word) == shipped
    found = host(shipped={word: shipped}, user=text)
    assert getattr(found.config, word) == toml and found.switches[word].layer == "user"
    found = host(shipped={word: shipped}, user=text, given={word: given})
    assert getattr(found.config, word) == given and found.switches[word].layer == "call"


def test_limits_of_isolation_are_joined(host: Host) -> None:
    found = host(
        shipped={"sandbox_config_override": {"max_execution_time_seconds": 10, "memory": 1}},
        user=table("sandbox_config_override.memory = 2"),
    )
    assert found.config.sandbox_config_override == {"max_execution_time_seconds": 10, "memory": 2}


def test_p17_the_time_of_a_hook_is_set_for_one_plugin(host: Host) -> None:
    limit = {"sandbox_config_override": {"max_execution_time_seconds": 10}}
    assert host().timeout_seconds is None
    assert host(shipped=limit).timeout_seconds == 10
    assert host(shipped=limit, user=table("timeout_seconds = 2.5")).timeout_seconds == 2.5


def test_a_plugin_config_gives_only_what_was_set_in_it(host: Host) -> None:
    shipped = {"enabled": False, "priority": 7}
    found = host(shipped=shipped, given=PluginConfig(plugin_id=ID, config={"precision": 20}))
    assert (found.config.enabled, found.config.priority) == (False, 7)
    assert found.config.config["precision"] == 20
    found = host(shipped=shipped, given=PluginConfig(plugin_id=ID, enabled=True))
    assert found.config.enabled is True


@pytest.mark.parametrize(
    ("given", "place", "said"),
    [
        ({"precision": 1}, "/precision", "below config"),
        ({"plugin_id": "com.other.x"}, "/plugin_id", "com.other.x"),
        (PluginConfig(plugin_id="com.other.x"), "/plugin_id", "com.other.x"),
        ({"config": 3}, "/config", "int"),
        ({"priority": "first"}, "/priority", "whole number"),
        ({"enabled": 1}, "/enabled", "boolean"),
        ({"sandbox_config_override": []}, "/sandbox_config_override", "object"),
        (
            {"sandbox_config_override": {"max_execution_time_seconds": 0}},
            "/sandbox_config_override/max_execution_time_seconds",
            "above 0",
        ),
    ],
)
def test_what_a_caller_gives_wrongly_is_refused(
    host: Host, given: Any, place: str, said: str
) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        host(given=given)
    assert [pointer for pointer, _ in caught.value.problems] == [place]
    assert said in caught.value.render() and caught.value.skill == ID and caught.value.hint


class TestUnfit:
    @pytest.mark.parametrize(
        ("layers", "at", "hint"),
        [
            (
                {"shipped": {"config": {"precision": 51}}},
                "/skill/config.json:3:3",
                f"kurt config set 'skill.\"{ID}\".precision' VALUE",
            ),
            (
                {"user": own("precision = 51")},
                "/user/kurt.toml:2:1",
                f"kurt config set 'skill.\"{ID}\".precision' VALUE",
            ),
            ({"given": {"config": {"precision": 51}}}, None, "give precision another value"),
        ],
    )
    def test_pointer_place_and_remedy_are_named(
        self, host: Host, layers: dict[str, Any], at: str | None, hint: str
    ) -> None:
        with pytest.raises(errors.ConfigError, match="config_schema") as caught:
            host(**layers)
        error = caught.value
        assert error.problems == (("/precision", "51 is greater than the maximum of 50"),)
        assert error.at == (f"{host.folder}{at}" if at else None)
        assert (error.hint or "").startswith(hint) and error.skill == ID

    def test_p12_a_required_setting_that_is_missing_is_named(self, host: Host) -> None:
        with pytest.raises(errors.ConfigError) as caught:
            host({**SCHEMA, "required": ["api_key"]})
        assert "api_key" in (caught.value.cause or "")
        assert caught.value.hint == f"kurt config set 'skill.\"{ID}\".api_key' env:VARIABLE"

    def test_what_is_no_mapping_is_the_caller_s_mistake(self, host: Host) -> None:
        with pytest.raises(errors.ConfigError, match="is no mapping but a int") as caught:
            host(given=42)
        assert caught.value.skill == ID

    def test_every_problem_is_told_with_its_layer(self, host: Host) -> None:
        with pytest.raises(errors.ConfigError) as caught:
            host(
                shipped={"config": {"modes": 3}},
                user=own("precision = 0"),
                given={"config": {"cache_enabled": "no"}},
            )
        lines = {line.partition(": ")[0]: line for line in (caught.value.cause or "").split("\n")}
        assert set(lines) == {"/precision", "/modes", "/cache_enabled"}
        assert "user/kurt.toml:2:1" in lines["/precision"]
        assert "config.json:3:3" in lines["/modes"]
        assert "(the call)" in lines["/cache_enabled"]

    def test_a_schema_that_is_none_is_named(self, host: Host) -> None:
        with pytest.raises(errors.ManifestError, match=ID):
            host({"type": "nonsense"})

    def test_the_key_of_a_service_is_not_for_the_schema_to_refuse(self, host: Host) -> None:
        strict = {"properties": {"a": {}}, "additionalProperties": False}
        text = own('wayback = "x"')
        with pytest.raises(errors.ConfigError):
            host(strict, user=text)
        assert host(strict, user=text, requires_api=["wayback"]).config.config == {"wayback": "x"}


class TestSecrets:
    def test_what_came_from_the_environment_is_shown_nowhere(self, host: Host) -> None:
        text = own('plain = "env:VAR"\nlist = ["env:VAR", "b"]\ndeep.er = "env:OTHER"')
        found = host(user=text, env={"VAR": "hunter22", "OTHER": "hunter33"})
        config = found.config.config
        assert config["plain"] == "hunter22" and config["deep"]["er"] == "hunter33"
        assert {"hunter22", "hunter33"} <= set(found.secrets)
        for shown in (repr(config), str(config), repr(found), repr(found.config), f"{config}"):
            assert "hunter" not in shown
        assert "hunter" not in repr(pickle.loads(pickle.dumps(config)))
        assert found.masker.text("hunter22 and hunter33") == "*** and ***"

    def test_what_the_schema_calls_secret_is(self, host: Host) -> None:
        schema = {
            "properties": {"pin": {"writeOnly": True}, "p": {"items": {"format": "password"}}}
        }
        found = host(schema, given={"config": {"pin": 12345, "p": ["hunter22"]}})
        assert set(found.secrets) == {"12345", "hunter22"}
        assert "12345" not in repr(found) and "hunter22" not in repr(found)

    def test_by_its_name_a_text_is_and_a_number_only_in_what_is_shown(self, host: Host) -> None:
        given = {"config": {"api_key": "hunter22", "max_tokens": 4096, "auth": {"user": "me"}}}
        found = host(given=given)
        assert found.secrets == ("hunter22",)
        assert "hunter22" not in repr(found) and "4096" not in repr(found)

    def test_what_the_manifest_publishes_is_none(self, host: Host) -> None:
        schema = {"properties": {"auth": {"enum": ["basic", "bearer"]}, "key": {"default": "name"}}}
        assert host(schema, given={"config": {"auth": "basic"}}).secrets == ()

    @pytest.mark.parametrize("secret", ["x", "hunter22", 'with "quotes"\n'])
    @pytest.mark.parametrize(
        "part", [{"type": "integer"}, {"minLength": 90}, {"enum": ["a"]}, {"pattern": "^z"}]
    )
    def test_no_problem_shows_one(self, host: Host, part: dict[str, Any], secret: str) -> None:
        schema = {"properties": {"zzz": part, "in": {"properties": {"token": part}}}}
        with pytest.raises(errors.ConfigError) as caught:
            host(schema, user=own('zzz = "env:Z"\nin.token = "env:Z"'), env={"Z": secret})
        shown = [text for _, text in caught.value.problems]
        assert len(shown) == 2
        for text in shown:
            assert text.startswith("*** ") and json.dumps(secret) not in text

    def test_an_empty_secret_masks_nothing(self, host: Host) -> None:
        assert host(given={"config": {"api_key": ""}}).secrets == ()


def test_a_project_that_is_not_trusted_may_only_take_away(host: Host) -> None:
    shipped = {"auto_load": True}
    text = table("enabled = true\nauto_load = false\npriority = 1\ntimeout_seconds = 1")
    found = host(shipped=shipped, project=text, trusted=False)
    config = found.config
    assert (config.enabled, config.auto_load, config.priority) == (True, False, 100)
    assert found.timeout_seconds is None
    off = host(user=table("enabled = true"), project=table("enabled = false"), trusted=False)
    assert off.config.enabled is False
    on = host(user=table("enabled = false"), project=table("enabled = true"), trusted=False)
    assert on.config.enabled is False


def test_the_old_door_gives_the_same(host: Host) -> None:
    made = record(ID, config_schema=SCHEMA, config={"config": {"precision": 4}})
    settings = Settings({"api_key": "hunter22"}, ["api_key"])
    config = plugin_config(made, settings, ID)
    assert config["precision"] == 4 and config["cache_enabled"] is True
    assert "hunter22" not in repr(config) and config["api_key"] == "hunter22"


def test_a_manifest_without_a_schema_takes_everything_and_imports_no_validator(
    host: Host,
) -> None:
    given = {"config": {"a": {"b": [1, {"c": None}]}}}
    assert host({}, given=given).config.config == given["config"]
