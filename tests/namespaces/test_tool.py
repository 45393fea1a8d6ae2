"""Tools: the contract of the skills document, and the faults that must be impossible."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from kurt_ext.contract import Extension, Result
from kurt_ext.errors import CallError, ExtensionNotFoundError, ServiceUnavailableError
from kurt_ext.manager import SkillManager
from kurt_tool import (
    KIND,
    SKILLS,
    TOOLS,
    Tool,
    ToolCanceledError,
    ToolContext,
    ToolExecutionError,
    ToolInputError,
    ToolNotFoundError,
    ToolOutputError,
    ToolResult,
    ToolTimeoutError,
    find_skill_for_tool,
    get_tool,
    register_tool,
)
from kurt_tool import SkillManager as Skills
from kurt_tool.calling import violations
from kurt_tool.read_text import from_html, from_markdown


class In(BaseModel):
    text: str = "x"
    times: int = 1


class Out(BaseModel):
    text: str


class Base(Tool[In, Out]):
    uses = ()

    async def run(self, params: In, context: ToolContext, on_progress: Any = None) -> Any:
        return self.give(params)

    def give(self, params: In) -> Any:
        raise NotImplementedError


def returning(value: Any) -> type[Base]:
    class Returning(Base):
        name = "returning"

        def give(self, params: In) -> Any:
            return value

    return Returning


def raising(error: BaseException) -> type[Base]:
    class Raising(Base):
        name = "raising"

        def give(self, params: In) -> Any:
            raise error

    return Raising


def run(cls: type[Tool[Any, Any]], arguments: Any = None, **options: Any) -> Any:
    with SkillManager() as manager:
        manager.register(KIND.namespace, cls.name or "it", cls)
        return manager.run(cls.name or "it", arguments, **options)


# -- models ------------------------------------------------------------------------


def test_models_come_from_the_type_arguments_or_are_named() -> None:
    assert (Base.InputModel, Base.OutputModel) == (In, Out)

    class Named(Tool[Any, Any]):
        InputModel = In

        def run(self, params: Any, context: Any, on_progress: Any) -> Any:
            return ToolResult()

    assert (Named.InputModel, Named.OutputModel) == (In, None)


@pytest.mark.parametrize(
    "value",
    [
        ToolResult(data={"text": "a"}),
        ToolResult(data=Out(text="a")),
        Out(text="a"),
        {"text": "a"},
    ],
)
def test_every_form_of_an_answer_is_a_checked_result(value: Any) -> None:
    result = run(returning(value))
    assert isinstance(result, Result)
    assert result.data == Out(text="a")


def test_rows_are_checked_one_by_one() -> None:
    result = run(returning(ToolResult(data=[{"text": "a"}, Out(text="b")])))
    assert result.data == [Out(text="a"), Out(text="b")]


@pytest.mark.parametrize("value", [None, "text", 3, object(), [1]])
def test_s2_an_answer_that_is_no_result_is_a_typed_error(value: Any) -> None:
    with pytest.raises(ToolOutputError, match="does not fit"):
        run(returning(value))


def test_s2_the_output_model_is_used() -> None:
    with pytest.raises(ToolOutputError) as caught:
        run(returning(ToolResult(data=[{"text": "a"}, {"txt": 1}])))
    assert caught.value.problems == (("/text", "Field required"),)


def test_s2_a_sync_run_works() -> None:
    class Sync(Tool[In, Out]):
        name = "sync"
        uses = ()

        def run(self, params: In, context: ToolContext, on_progress: Any) -> ToolResult[Out]:
            return ToolResult(data=Out(text=params.text * params.times))

    assert run(Sync, {"text": "ab", "times": 2}).data.text == "abab"


def test_data_of_a_failure_is_not_checked() -> None:
    result = run(returning(ToolResult(success=False, data={"so": "far"}, errors=["no"])))
    assert result.as_dict()["data"] == {"so": "far"}


def test_input_that_does_not_fit_is_told_with_pointers() -> None:
    with pytest.raises(ToolInputError) as caught:
        run(returning(Out(text="a")), {"times": "many", "text": []})
    assert [place for place, _ in caught.value.problems] == ["/text", "/times"]
    assert caught.value.exit_code == 2


# -- errors ------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ToolTimeoutError("late"), ToolCanceledError("stopped")])
def test_s1_its_own_timeout_and_cancellation_are_never_wrapped(error: CallError) -> None:
    with pytest.raises(type(error)) as caught:
        run(raising(error))
    assert caught.value is error


def test_an_exception_is_wrapped_with_its_cause_and_place() -> None:
    with pytest.raises(ToolExecutionError) as caught:
        run(raising(KeyError("gone")))
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.cause == "KeyError: 'gone'"
    assert __file__ in (caught.value.at or "")


def test_s1_cancellation_is_told_to_a_sync_caller_in_the_words_of_tools() -> None:
    with pytest.raises(ToolCanceledError):
        run(raising(asyncio.CancelledError()))


# -- context -----------------------------------------------------------------------


def test_s9_nothing_of_the_context_can_be_changed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "kurt.toml").write_text("[skill.namespaces]\nnested = {list = [{a = 1}]}\n")
    seen: list[ToolContext] = []

    class Look(Tool[Any, Any]):
        name = "look"

        def run(self, params: Any, context: ToolContext, on_progress: Any) -> ToolResult[Any]:
            seen.append(context)
            return ToolResult()

    with SkillManager() as manager:
        manager.register(KIND.namespace, "look", Look, skill="namespaces")
        manager.run("look")
        (context,) = seen
        for name in ("db", "http", "llm", "settings", "services", "new"):
            with pytest.raises(AttributeError):
                setattr(context, name, 1)
        with pytest.raises(AttributeError):
            del context.settings
        nested: Any = context.settings["nested"]
        with pytest.raises(TypeError):
            nested["list"] = 1
        with pytest.raises(TypeError):
            nested["list"][0]["a"] = 2
        with pytest.raises(TypeError):
            context.services["db"] = 1  # type: ignore[index]
        assert not hasattr(context.services, "start")
        assert not hasattr(context, "__dict__")


def test_a_service_that_is_missing_says_so_and_may_be_asked_for_softly() -> None:
    context = ToolContext()
    with pytest.raises(ServiceUnavailableError, match="'http'"):
        _ = context.http
    assert context.services.get("http") is None
    assert ToolContext(http=1).http == 1
    assert ToolContext(services={"queue": 2}, db=3).services["queue"] == 2


# -- contract ----------------------------------------------------------------------


def test_what_is_no_tool_is_told_in_sentences() -> None:
    class Short(Tool[Any, Any]):
        uses = "db"  # type: ignore[assignment]
        InputModel = dict  # type: ignore[assignment]

        def run(self, params: Any) -> Any:  # type: ignore[override]
            return None

    assert violations(object())
    assert violations(Short()) == [
        "InputModel is a type, not a pydantic model class",
        "run must take (self, params, context, on_progress)",
        "uses is a tuple of names of services, or None",
    ]
    assert violations(returning(1)()) == []


def test_a_tool_without_run_is_no_class_to_build() -> None:
    class Empty(Tool[In, Out]):
        name = "empty"

    with pytest.raises(Exception, match="could not be loaded"):
        run(Empty)


def test_options_come_from_the_table_of_the_tool(project: Path) -> None:
    class Wishes(BaseModel):
        word: str = "none"

    class Configured(Base):
        name = "configured"
        Options = Wishes

        def __init__(self, options: Any) -> None:
            self._word = options.word

        def give(self, params: In) -> Any:
            return Out(text=self._word)

    (project / "kurt.toml").write_text('[tool.configured]\nword = "from the file"\n')
    assert run(Configured).data.text == "from the file"
    (project / "kurt.toml").write_text("[tool.configured]\nword = 3\n")
    with pytest.raises(Exception, match="options of configured"):
        run(Configured)


# -- the document's words ------------------------------------------------------------


@pytest.fixture
def default() -> Any:
    yield Skills.default()
    Skills.close_default()


@pytest.mark.usefixtures("default")
def test_the_words_of_the_document_look_at_the_default_manager() -> None:
    @register_tool
    class Greeter(Base):
        name = "greeter"

        def give(self, params: In) -> Any:
            return Out(text="hi")

    assert get_tool("greeter") is Greeter
    assert TOOLS["greeter"] is Greeter
    assert "greeter" in TOOLS and "nothing" not in TOOLS
    assert "read-text" in list(TOOLS)
    assert "kurt-ext" in SKILLS
    found = find_skill_for_tool("read-text")
    assert found is not None and found.name == "kurt-ext"
    on_class = Skills.find_skill_for_tool("read-text")
    assert on_class is not None and on_class.name == "kurt-ext"
    assert find_skill_for_tool("nothing") is None
    assert Skills.load_skill("kurt-ext").name == "kurt-ext"
    assert Skills.default().run("greeter").data.text == "hi"


@pytest.mark.usefixtures("default")
def test_an_unknown_tool_is_not_found_and_suggests() -> None:
    with pytest.raises(ToolNotFoundError) as caught:
        get_tool("read-txt")
    assert isinstance(caught.value, ExtensionNotFoundError)
    assert caught.value.candidates == ("read-text",)
    with pytest.raises(KeyError):
        TOOLS["read-txt"]


@pytest.mark.usefixtures("default")
def test_s9_the_views_are_read_only() -> None:
    for view in (TOOLS, SKILLS):
        assert isinstance(view, Mapping)
        with pytest.raises(TypeError):
            view["x"] = 1  # type: ignore[index]


def test_a_subclass_and_its_base_share_the_default_manager() -> None:
    base = SkillManager.default()
    face = Skills.default()
    assert isinstance(face, Skills)
    base.register("kurt.tool", "shared", returning(Out(text="a")))
    assert face.run("shared").data.text == "a"
    SkillManager.close_default()


def test_register_tool_takes_a_name_and_refuses_none() -> None:
    with pytest.raises(Exception, match="without a name"):
        register_tool(type("Nameless", (Base,), {}))
    Skills.close_default()


# -- results -------------------------------------------------------------------------


def test_a_result_of_the_wrong_shape_is_refused() -> None:
    for wrong in ({"success": 1}, {"errors": "text"}, {"errors": [1]}, {"substeps": ["x"]}):
        with pytest.raises(TypeError):
            Result(**wrong)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_a_result_of_json_values_is_those_values(data: Any) -> None:
    result = ToolResult(data=data, errors=["e"], metadata={"m": data}, substeps=[{"name": "s"}])
    assert result.as_dict() == {
        "success": True,
        "data": data,
        "errors": ["e"],
        "metadata": {"m": data},
        "substeps": [{"name": "s"}],
    }


# -- read-text -----------------------------------------------------------------------

PAGE = """<!doctype html><html><head><title>A  page</title><style>p {}</style></head>
<body><script>alert(1)</script><h1>Head &amp; shoulders</h1>
<p>One <b>two</b>\n three.</p><ul><li>a <a href="/x">link  here</a></li></ul></body></html>"""


def test_html_is_read_as_people_see_it() -> None:
    title, text, links = from_html(PAGE)
    assert title == "A  page"
    assert text == "Head & shoulders\n\nOne two three.\n\na link here"
    assert [(link.text, link.url) for link in links] == [("link here", "/x")]


def test_markdown_keeps_its_lines_and_gives_its_links() -> None:
    title, text, links = from_markdown("# Title\n\n- a [b](http://c)\n  - d\n")
    assert (title, text) == ("Title", "# Title\n\n- a b\n  - d")
    assert links[0].url == "http://c"


@given(st.text())
def test_any_text_can_be_read(source: str) -> None:
    for read in (from_html, from_markdown):
        _, text, _ = read(source)
        assert isinstance(text, str)


def test_read_text_reads_a_file_and_refuses_what_it_cannot(project: Path) -> None:
    (project / "page.html").write_text(PAGE)
    with SkillManager() as manager:
        data = manager.run("read-text", {"path": "page.html"}).data
        assert (data.title.split(), data.words) == (["A", "page"], 9)
        for wrong in ({"path": "none.txt"}, {"path": "page.html", "max_bytes": 3}):
            result = manager.run("read-text", wrong)
            assert not result.success and result.errors


def test_an_extension_says_who_it_is() -> None:
    extension = Extension(KIND, "skill", "name", None)
    assert (extension.reference, extension.namespace) == ("skill:name", "kurt.tool")
