"""Custom extensions: anything, called where it can be called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_custom.markdown_table import markdown_table
from kurt_ext.errors import InvalidInputError
from kurt_ext.manager import SkillManager


def test_a_function_is_called_by_its_signature() -> None:
    with SkillManager() as manager:
        call = manager.call("markdown-table")
        assert call.schema["required"] == ["rows"]
        table = manager.run("markdown-table", {"rows": [{"a": 1, "b": "x|y"}, {"a": None}]}).data
        assert table == "| a | b |\n| --- | --- |\n| 1 | x\\|y |\n|  |  |\n"
        with pytest.raises(InvalidInputError, match="do not fit"):
            manager.run("markdown-table", {"lines": []})


def test_an_object_is_loaded_as_it_is_and_not_called() -> None:
    with SkillManager() as manager:
        manager.register("kurt.custom", "answer", 42)
        assert manager.load("answer").obj == 42
        with pytest.raises(InvalidInputError, match="cannot be called"):
            manager.run("answer")


def test_an_async_function_is_awaited() -> None:
    async def later(text: str) -> str:
        return text[::-1]

    with SkillManager() as manager:
        manager.register("kurt.custom", "later", later)
        assert manager.run("later", {"text": "ab"}).data == "ba"


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.text()), min_size=1))
def test_a_table_has_a_line_per_row_whatever_the_cells_hold(rows: list[dict[str, str]]) -> None:
    names = {name for row in rows for name in row}
    lines = markdown_table(rows).splitlines()
    assert len(lines) == (len(rows) + 2 if names else 0)
