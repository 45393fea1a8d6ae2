from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.jsontext import dumps

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.sampled_from([None, 1, 2, 4]))
def test_the_text_is_that_of_the_standard_library(value: object, indent: int | None) -> None:
    assert dumps(value, indent) == json.dumps(value, sort_keys=True, indent=indent)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_a_number_that_json_lacks_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dumps(value)


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, b"bytes"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_type_that_json_lacks_is_refused(value: object, indent: int | None) -> None:
    with pytest.raises(TypeError):
        dumps(value, indent)
