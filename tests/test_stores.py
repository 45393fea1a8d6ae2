"""Whether code may set attributes of others is seen in what it was compiled to."""

from __future__ import annotations

from textwrap import indent

import pytest

from kurt_ext.stores import may_patch

#: What a method may do without anybody looking for what it has replaced.
HARMLESS = [
    "self.x = 1",
    "self.x: int = 1",
    "self.x, self.y = 1, 2",
    "self.x += 1",
    "self.x = other.y",
    "self.x[0] = 1",
    "del self.x",
    "x = y = other",
    "other['x'] = 1",
    "return other.x",
    "for self.x in other: pass",
    "with other as self.x: pass",
]
#: What makes it worth a look, in a method and anywhere else.
SUSPECT = [
    "other.x = 1",
    "other.x: int = 1",
    "other.x += 1",
    "other.x += (y := self)",
    "del other.x",
    "self.x.y = 1",
    "self.x.y += 1",
    "self.x, other.y = 1, 2",
    "for other.x in []: pass",
    "with other as other.x: pass",
    "setattr(other, 'x', 1)",
    "object.__setattr__(other, 'x', 1)",
    "other.__dict__['x'] = 1",
    "vars(other)['x'] = 1",
    "mock.patch('json.dumps').start()",
    "wrapt.wrap_function_wrapper('json', 'dumps', other)",
    "exec('other.x = 1')",
    "sys.modules['json'] = other",
]


def compiled(body: str, wrapper: str) -> bool:
    return may_patch(compile(wrapper + indent(body, "    " * wrapper.count(":")), "x", "exec"))


METHOD = "class A:\n  def f(self, other):\n"


@pytest.mark.parametrize("body", HARMLESS)
def test_what_a_method_does_to_itself_is_its_own(body: str) -> None:
    assert not compiled(body, METHOD)


@pytest.mark.parametrize("body", SUSPECT)
@pytest.mark.parametrize("wrapper", [METHOD, "def f(self, other):\n", "if other:\n"])
def test_what_is_set_elsewhere_is_suspect(body: str, wrapper: str) -> None:
    assert compiled(body, wrapper)


def test_what_is_set_beyond_many_names_is_suspect() -> None:
    names = "\n".join(f"name{n} = {n}" for n in range(300))
    assert may_patch(compile(f"{names}\nimport json\njson.attribute = 1", "x", "exec"))
    assert not may_patch(compile(names, "x", "exec"))
