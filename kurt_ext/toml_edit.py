"""Change one key of a TOML text, and leave every other byte of it as it was.

tomlkit makes the change. Whatever it makes is read again, and compared outside
the key: where something else was lost or moved, the value's own characters are
replaced instead, or a table is appended.
"""

from __future__ import annotations

import tomllib
from typing import Any

from .toml_positions import scan

__all__ = ["GONE", "assign", "to_toml"]

#: In the place of a value: remove the key.
GONE: Any = object()


def assign(text: str, path: tuple[str, ...], value: Any) -> str:
    """Return the text with one key set, or removed where the value is :data:`GONE`.

    Windows line ends and a byte order mark stay. The text is returned as it is where it
    says so already.

    :param text: valid TOML.
    :param path: the key's parts; tables that are not there begin to be.
    :raises ValueError: when the key lies in what is no table, or cannot be changed alone.
    """
    plain = text.removeprefix("\ufeff")
    mark = text[: len(text) - len(plain)]
    windows = "\r\n" in plain and "\n" not in plain.replace("\r\n", "")
    if windows:
        plain = plain.replace("\r\n", "\n")
    data = tomllib.loads(plain)
    wanted = _apply(data, path, value)
    if wanted == data:
        return text
    fitting = [wanted]
    if value is GONE:
        # A table that no line of its own makes goes with the last of what it held.
        fitting += [
            _apply(wanted, path[:depth], GONE)
            for depth in range(len(path) - 1, 0, -1)
            if not _at(wanted, path[:depth])
        ]
    if path in scan(plain).pairs:
        ways = [_with_tomlkit, _cut if value is GONE else _in_its_place]
    else:
        # tomlkit would put a key behind the comments that introduce the next table.
        ways = [_beneath_its_header, _with_tomlkit, _at_the_end]
    for way in ways:
        try:
            changed = way(plain, path, value)
            if tomllib.loads(changed) in fitting and _only(plain, changed, path):
                return mark + (changed.replace("\n", "\r\n") if windows else changed)
        except Exception:
            # tomlkit raises much beside its own errors; the next way is tried,
            # and what is returned has been read again.
            continue
    raise ValueError(f"{'.'.join(path)} cannot be changed without touching other keys")


def _at(data: Any, path: tuple[str, ...]) -> Any:
    """Return what plain data has at a path."""
    for part in path:
        data = data[part]
    return data


def to_toml(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    import tomlkit

    if isinstance(value, dict):
        pairs = [f"{tomlkit.key(key).as_string()} = {to_toml(value[key])}" for key in value]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join([to_toml(item) for item in value])}]"
    return str(tomlkit.item(value).as_string())


def _only(old: str, new: str, path: tuple[str, ...]) -> bool:
    """Return whether two texts differ in one key's pair and the white space around it."""
    before, after = _span(old, path), _span(new, path)
    if before and after:
        return (old[: before[0]], old[before[1] :]) == (new[: after[0]], new[after[1] :])
    if before is None and after is None:
        # A whole table: nothing of it can be left to compare with.
        return True
    longer, shorter, (start, end) = (old, new, before) if before else (new, old, after or (0, 0))
    line_end = longer.find("\n", end)
    if longer[end:line_end].lstrip().startswith("#"):
        end = line_end  # the comment goes with its key
    head, tail = longer[:start].rstrip(), longer[end:].lstrip()
    if not (shorter.startswith(head) and shorter.endswith(tail)):
        # A table that is new at the end: its header stands before the key.
        return after is not None and new.startswith(old.rstrip())
    return shorter[len(head) : len(shorter) - len(tail)].strip() == ""


def _span(text: str, path: tuple[str, ...]) -> tuple[int, int] | None:
    """Return begin and end of the key's pair, or of the one whose inline table holds it."""
    pairs = scan(text).pairs
    for length in range(1, len(path) + 1):
        if path[:length] in pairs:
            start, _, end = pairs[path[:length]]
            return start, end
    return None


def _with_tomlkit(text: str, path: tuple[str, ...], value: Any) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for part in path[:-1]:
        table = table[part]
    key = path[-1]
    if value is GONE:
        del table[key]
    elif key in table and isinstance(value, list) and isinstance(table[key], list):
        _change_array(table, key, value)
    else:
        table[key] = value
    return str(tomlkit.dumps(document))


def _change_array(table: Any, key: str, names: list[Any]) -> None:
    """Take out and append single names, so that the comments beside the others stay."""
    array = table[key]
    for name in [name for name in array.unwrap() if name not in names]:
        array.remove(name)
    for name in names:
        if name not in array:
            array.append(name)
    if array.unwrap() != names:
        table[key] = names


def _in_its_place(text: str, path: tuple[str, ...], value: Any) -> str:
    """Replace nothing but the value's own characters."""
    import tomlkit

    _, start, end = scan(text).pairs[path]
    return text[:start] + str(tomlkit.item(value).as_string()) + text[end:]


def _cut(text: str, path: tuple[str, ...], value: Any) -> str:
    """Take out the line, or the lines, of a pair."""
    start, _, end = scan(text).pairs[path]
    return text[: text.rfind("\n", 0, start) + 1] + text[_line_end(text, end) :]


def _beneath_its_header(text: str, path: tuple[str, ...], value: Any) -> str:
    """Write a new pair below the last one of its table."""
    import tomlkit

    found = scan(text)
    begin, end = found.headers[path[:-1]]
    following = min([start for start, _ in found.headers.values() if start > begin] or [len(text)])
    pairs = [pair for pair in found.pairs.values() if end < pair[0] < following]
    first = min(pairs)[0] if pairs else begin
    indent = text[text.rfind("\n", 0, first) + 1 : first]
    at = _line_end(text, max([pair[2] for pair in pairs] or [end]))
    line = tomlkit.document()
    line[path[-1]] = value
    head = text[:at]
    if not head.endswith("\n"):
        head += "\n"
    return head + indent + str(tomlkit.dumps(line)) + text[at:]


def _line_end(text: str, offset: int) -> int:
    """Return the offset behind the line that an offset lies in."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _at_the_end(text: str, path: tuple[str, ...], value: Any) -> str:
    """Append the key's table, which is then not there yet, as text."""
    import tomlkit

    if value is GONE:
        return text
    fragment = tomlkit.document()
    table: Any = fragment
    for number, part in enumerate(path[:-1], 1):
        table[part] = tomlkit.table(is_super_table=number < len(path) - 1)
        table = table[part]
    table[path[-1]] = value
    if text and not text.endswith("\n"):
        text += "\n"
    gap = "\n" if text and not text.endswith("\n\n") else ""
    return text + gap + str(tomlkit.dumps(fragment))


def _apply(data: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return plain data with one key set, or removed where the value is ``GONE``."""
    head, rest = path[0], path[1:]
    result = dict(data)
    if rest:
        inner = result.get(head, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{head!r} is not a table")
        if value is GONE and head not in result:
            return result
        result[head] = _apply(inner, rest, value)
    elif value is GONE:
        result.pop(head, None)
    else:
        result[head] = value
    return result
