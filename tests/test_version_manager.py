"""The documented class; and the faults P38 to P43 of other implementations, none possible here."""

from __future__ import annotations

import json
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_loadorder import plugin
from test_semver import a_version

import kurt_ext
from kurt_ext import errors, manifest, semver
from kurt_ext.errors import (
    CircularDependencyError,
    KurtError,
    PluginLoadError,
    PluginValidationError,
    PluginVersionConflictError,
    VersionError,
)
from kurt_ext.models import PluginCapability, PluginDependency, PluginMetadata
from kurt_ext.version_manager import PluginVersionManager

manager = PluginVersionManager()
JUNK = ["", " ", "1", "1.2", "1.*", "*", "1.2.3.4", "v1.2.3", "latest", "١.٢.٣", "01.2.3", "1.2.3-"]


# -- as documented -----------------------------------------------------------------


def test_the_class_is_public() -> None:
    assert kurt_ext.PluginVersionManager is PluginVersionManager


def test_the_documents_examples_hold() -> None:
    metadata = plugin("com.example.app", "com.example.mathlib >=2.0.0", "com.example.utils")
    assert manager.satisfies_constraint(version="1.5.2", constraint=">=1.0.0,<2.0.0") is True
    available = [
        ("com.example.mathlib", "2.0.0"),
        ("com.example.mathlib", "2.1.0"),
        ("com.example.utils", "1.0.0"),
    ]
    assert manager.resolve_dependencies(metadata, available) == [
        "com.example.mathlib@2.1.0",
        "com.example.utils@1.0.0",
    ]
    hosted = plugin("a", min_runtime_version="1.0.0", max_runtime_version="*")
    assert manager.check_runtime_compatibility(plugin_metadata=hosted, runtime_version="1.5.0")


@given(a_version())
def test_a_version_is_parsed_into_three_numbers(text: str) -> None:
    found = manager.parse_version(text)
    release = text.partition("+")[0].partition("-")[0]
    assert found == tuple(map(int, release.split(".")))


@given(a_version(), a_version())
def test_versions_are_compared_by_precedence(one: str, other: str) -> None:
    assert manager.compare_versions(one, other) == semver.compare(one, other)
    assert manager.compare_versions(other, one) == -semver.compare(one, other)


@pytest.mark.parametrize(
    ("made_for", "running", "works"),
    [
        ("1.0.0", "1.0.0", True),
        ("1.0.0", "1.9.3", True),
        ("1.2.0", "1.1.9", False),
        ("1.0.0", "2.0.0", False),
        ("1.0.0", "2.0.0-rc.1", False),
        ("1.0.0", "1.1.0-rc.1", True),
        ("1.0.0", "1.0.0-rc.1", False),
        ("0.2.0", "0.2.9", True),
        ("0.2.0", "0.3.0", False),
        ("1.0.0-rc.1", "1.0.0", True),
        ("1.0.0+build", "1.0.0", True),
    ],
)
def test_a_plugin_made_for_one_host_works_with_those_that_keep_its_promises(
    made_for: str, running: str, works: bool
) -> None:
    assert manager.check_runtime_compatibility(made_for, running) is works
    by_name = manager.check_runtime_compatibility(plugin_version=made_for, runtime_version=running)
    assert by_name is works


@pytest.mark.parametrize(
    ("running", "works"),
    [("0.9.9", False), ("1.0.0", True), ("2.0.0", True), ("2.0.1", False), ("1.0.0-rc.1", False)],
)
def test_a_plugin_says_for_which_hosts_it_is(running: str, works: bool) -> None:
    metadata = plugin("a", min_runtime_version="1.0.0", max_runtime_version="2.0.0")
    assert manager.check_runtime_compatibility(metadata, running) is works
    assert (
        manager.check_runtime_compatibility(plugin_metadata=metadata, runtime_version=running)
        is works
    )
    assert manager.check_runtime_compatibility(plugin("a"), running) is True


def test_half_a_question_about_the_host_is_a_mistake_of_the_caller() -> None:
    ask: Any = manager.check_runtime_compatibility
    for arguments in ({"runtime_version": "1.0.0"}, {"plugin_version": "1.0.0"}, {}):
        with pytest.raises(
            TypeError, match=r"^give a plugin or a version, and the runtime version$"
        ):
            ask(**arguments)


def test_the_latest_version_is_a_release_where_there_is_one() -> None:
    assert manager.get_latest_version(["1.2.0", "1.10.0", "1.9.0"]) == "1.10.0"
    assert manager.get_latest_version(["1.0.0", "2.0.0-rc.1"]) == "1.0.0"
    assert manager.get_latest_version(iter(["2.0.0-rc.1", "2.0.0-rc.2"])) == "2.0.0-rc.2"
    with pytest.raises(VersionError, match=r"^there is no latest of no versions$") as caught:
        manager.get_latest_version([])
    assert caught.value.hint == "give it at least one, such as 1.0.0"
    assert caught.value.cause == "the list of versions is empty"


# -- dependencies ------------------------------------------------------------------


def test_dependencies_are_named_in_the_order_in_which_they_can_be_loaded() -> None:
    available = [
        plugin("lib", "core ^1", version="1.0.0"),
        plugin("lib", "core ^2", version="2.0.0"),
        plugin("log"),
        plugin("core", version="1.4.0"),
        plugin("core", version="2.0.0"),
        plugin("app", version="7.0.0"),
    ]
    app = plugin("app", "log", "lib <2", version="1.0.0")
    assert manager.resolve_dependencies(app, available) == ["log@1.0.0", "core@1.4.0", "lib@1.0.0"]
    newest = plugin("app", "lib", "log", version="1.0.0")
    assert manager.resolve_dependencies(newest, available) == [
        "log@1.0.0",
        "core@2.0.0",
        "lib@2.0.0",
    ]


def test_of_what_can_be_loaded_at_once_the_plugins_own_order_is_kept() -> None:
    pairs = [(name, "1.0.0") for name in "abcdz"]
    app = plugin("app", "d", "b", "c")
    assert manager.resolve_dependencies(app, pairs) == ["d@1.0.0", "b@1.0.0", "c@1.0.0"]
    deep = [plugin("b", "z", "a"), *[pair for pair in pairs if pair[0] != "b"]]
    assert manager.resolve_dependencies(app, deep) == [
        "d@1.0.0",
        "c@1.0.0",
        "a@1.0.0",
        "z@1.0.0",
        "b@1.0.0",
    ]


def test_a_plugin_that_needs_nothing_has_an_empty_list() -> None:
    assert manager.resolve_dependencies(plugin("a"), []) == []


def test_optional_dependencies_may_be_absent() -> None:
    app = plugin("app", "a", "z >=2?")
    assert manager.resolve_dependencies(app, [("a", "1.0.0")]) == ["a@1.0.0"]
    assert manager.resolve_dependencies(app, [("a", "1.0.0"), ("z", "1.0.0")]) == ["a@1.0.0"]
    assert manager.resolve_dependencies(app, [("a", "1.0.0"), ("z", "2.0.0")]) == [
        "a@1.0.0",
        "z@2.0.0",
    ]
    found = manager.explain_dependencies(app, [("a", "1.0.0"), ("z", "1.0.0")])
    assert found.pins == {"a": "1.0.0", "app": "1.0.0"}
    assert list(found.notes) == ["app"]


def test_what_is_impossible_is_none_and_explained_on_request() -> None:
    app = plugin("app", "lib >=2", "log")
    available = [("lib", "1.0.0"), ("log", "1.0.0")]
    assert manager.resolve_dependencies(app, available) is None
    with pytest.raises(PluginVersionConflictError) as caught:
        manager.explain_dependencies(app, available)
    assert caught.value.story == ("app 1.0.0 needs lib >=2", "of lib there is 1.0.0")


def test_a_circle_is_reported_whole() -> None:
    app = plugin("app", "lib")
    for ask in (manager.resolve_dependencies, manager.explain_dependencies):
        with pytest.raises(CircularDependencyError) as caught:
            ask(app, [plugin("lib", "core"), plugin("core", "app")])
        assert caught.value.cycle == ("app", "lib", "core")


# -- P38: a constraint of any form has a meaning, and what is none is a typed error ---


@pytest.mark.parametrize(
    ("constraint", "fit", "unfit"),
    [
        (">=1.0.0,<2.0.0", "1.5.2", "2.0.0"),
        (">=1.0.0, <2.0.0, !=1.5.0", "1.5.2", "1.5.0"),
        ("!=1.5.0", "1.5.1", "1.5.0"),
        ("=1.5.0", "1.5.0", "1.5.1"),
        ("1.*", "1.9.0", "2.0.0"),
        (" 1.5.0", "1.5.0", "1.5.1"),
        (" >= 1.0.0", "1.0.0", "0.9.0"),
    ],
)
def test_p38_compound_constraints_and_further_operators_work(
    constraint: str, fit: str, unfit: str
) -> None:
    assert manager.satisfies_constraint(fit, constraint)
    assert not manager.satisfies_constraint(unfit, constraint)


@given(st.text("0123.x*><=!^~,- ab", max_size=10) | st.text(max_size=10))
def test_p38_what_is_no_constraint_or_no_version_is_a_typed_error(text: str) -> None:
    asked: list[tuple[Any, tuple[str, ...]]] = [
        (manager.satisfies_constraint, ("1.0.0", text)),
        (manager.satisfies_constraint, (text, "*")),
        (manager.parse_version, (text,)),
        (manager.compare_versions, ("1.0.0", text)),
        (manager.check_runtime_compatibility, (text, "1.0.0")),
        (manager.check_runtime_compatibility, ("1.0.0", text)),
        (manager.get_latest_version, ([text],)),
    ]
    for ask, arguments in asked:
        try:
            ask(*arguments)
        except VersionError as error:
            assert isinstance(error, KurtError)
            assert isinstance(error, ValueError)
            assert error.hint


# -- P39: below 1.0.0 the leftmost number that is not 0 is what may break ------------


def test_p39_a_caret_below_one_pins_the_minor() -> None:
    assert manager.satisfies_constraint("0.1.9", "^0.1.0")
    for version in ("0.2.0", "0.9.9", "1.0.0", "0.0.9"):
        assert not manager.satisfies_constraint(version, "^0.1.0")
    assert manager.satisfies_constraint("0.0.3", "^0.0.3")
    assert not manager.satisfies_constraint("0.0.4", "^0.0.3")


# -- P40: pre-releases and builds ----------------------------------------------------


@pytest.mark.parametrize("version", ["1.0.0-rc.1", "1.0.0+build.7", "1.0.0-alpha.1+exp.sha"])
def test_p40_prerelease_and_build_versions_are_versions_everywhere(version: str) -> None:
    assert plugin("a", version=version).version == version
    assert manager.parse_version(version) == (1, 0, 0)
    assert manager.compare_versions(version, version) == 0
    assert manager.satisfies_constraint(version, f"={version}")
    assert manager.get_latest_version([version, "0.9.0-rc.1"]) == version
    app = plugin("app", f"a {version}")
    assert manager.resolve_dependencies(app, [("a", version)]) == [f"a@{version}"]
    assert PluginDependency(plugin_id="a", version_constraint=f">={version}")


# -- P41: what the model takes for a version the parser takes too, and the other way --


@pytest.mark.parametrize("text", JUNK)
@pytest.mark.parametrize("field", ["version", "min_runtime_version", "max_runtime_version"])
def test_p41_what_is_no_version_is_refused_by_model_reader_and_parser(
    field: str, text: str
) -> None:
    if (field, text) == ("max_runtime_version", "*"):
        return
    with pytest.raises(pydantic.ValidationError):
        plugin("a", **{field: text})
    with pytest.raises(pydantic.ValidationError):
        PluginCapability(name="a", version=text)
    with pytest.raises(VersionError):
        manager.parse_version(text)


@given(st.text("0123456789.-+abv*x", max_size=12) | a_version())
def test_p41_the_model_and_the_parser_agree_on_every_text(text: str) -> None:
    def accepted(ask: Any, *refusals: type[Exception]) -> bool:
        try:
            ask(text)
        except refusals:
            return False
        return True

    parsed = accepted(manager.parse_version, VersionError)
    modelled = accepted(lambda text: plugin("a", version=text), pydantic.ValidationError)
    assert parsed == modelled
    if parsed:
        hosted = plugin("a", max_runtime_version=text, min_runtime_version=text)
        assert manager.check_runtime_compatibility(hosted, text)
        assert manager.get_latest_version([text]) == text


def test_p41_no_fourth_number_is_cut_off() -> None:
    with pytest.raises(VersionError, match=r"'1\.2\.3\.4' is not a version"):
        manager.parse_version("1.2.3.4")


# -- P42: a typo in a manifest is told -------------------------------------------------


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("permisions", "permissions"), ("dependancies", "dependencies"), ("versoin", "version")],
)
def test_p42_an_unknown_key_is_refused_by_the_model_and_told_by_the_reader(
    typo: str, meant: str
) -> None:
    content = {
        "plugin_id": "com.example.a",
        "name": "A",
        "version": "1.0.0",
        "description": "Does something.",
        "plugin_type": "kind",
        "entry_point": "main",
    }
    assert PluginMetadata.model_validate(content).plugin_id == "com.example.a"
    with pytest.raises(pydantic.ValidationError, match=typo):
        PluginMetadata.model_validate({**content, typo: {}})
    _, findings = manifest.parse_plugin_json(json.dumps({**content, typo: {}}).encode())
    told = [finding for finding in findings if typo in finding.message]
    assert told
    assert any(meant in f"{one.message} {one.fix}" for one in told)
    with pytest.raises(pydantic.ValidationError):
        PluginDependency.model_validate({"plugin_id": "a", "version_constrain": "*"})


# -- P43: one tree of errors, and each of them is raised -------------------------------


def test_p43_the_errors_of_plugins_have_one_base_and_the_conflict_is_raised() -> None:
    for kind in (PluginLoadError, PluginValidationError, PluginVersionConflictError):
        assert issubclass(kind, KurtError)
        assert kind is not KurtError
    every = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, KurtError) for kind in every)
    with pytest.raises(PluginVersionConflictError) as caught:
        manager.explain_dependencies(plugin("app", "lib >=2"), [("lib", "1.0.0")])
    assert caught.value.exit_code == 6
    assert caught.value.as_dict()["code"] == "version-conflict"
