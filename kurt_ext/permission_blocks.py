"""The ``permissions`` of a manifest as text: found, written out, and put in place of the old.

Whatever else a manifest holds stays byte for byte. What was written is read again, and
compared: a file of an unusual form is refused, and the block can be pasted by hand.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from . import frontmatter, manifest, strictjson
from .compact import KEYS
from .errors import ManifestError, SkillNotFoundError, StorageError
from .grants import LISTS, NATIVE, Grants
from .sources import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .findings import Finding
    from .inference import Unproven

__all__ = ["as_json", "as_yaml", "of_file", "of_folder", "of_wheel", "replaced", "write"]

_WIDTH = 88
_MAX_KURT_JSON = 1 << 20
_PORTABLE = {field.partition(".")[2]: key for key, (field, _) in KEYS.items()}


def of_folder(folder: str) -> Grants:
    """Return what the manifest of a skill's folder declares.

    :raises ManifestError: where there is none that can be read.
    """
    reading = manifest.read(folder)
    if reading.record is None:
        raise _unreadable(folder, reading.findings)
    return Grants.of(reading.record["permissions"])


def of_file(path: str) -> Grants:
    """Return what one manifest file declares, a ``kurt.json`` too.

    :raises ManifestError: where it cannot be read.
    """
    name = os.path.basename(path)
    content = fetch(path, name)
    if not isinstance(content, bytes):
        raise _unreadable(path, [content])
    if name == "kurt.json":
        return _of_record(content, path)
    parse = manifest.parse_skill_md if name.endswith(".md") else manifest.parse_plugin_json
    record, findings = parse(content, path=name)
    if record is None:
        raise _unreadable(path, findings)
    return Grants.of(record["permissions"])


def of_wheel(path: str) -> Grants:
    """Return what the skills of a wheel declare together.

    :raises ManifestError: where it is no wheel of a skill.
    """
    import zipfile

    from .grants import union

    found: Grants | None = None
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                folder, _, name = info.filename.rpartition("/")
                if name != "kurt.json" or not folder.endswith(".dist-info") or "/" in folder:
                    continue
                if info.file_size > _MAX_KURT_JSON:
                    raise ManifestError(f"{info.filename} is too large to be a manifest", at=path)
                grants = _of_record(archive.read(info), path)
                found = grants if found is None else union(found, grants)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise ManifestError(f"{path} is not a wheel", cause=str(error), at=path) from error
    if found is None:
        raise ManifestError(
            f"{path} holds no skill", cause="there is no kurt.json in its dist-info", at=path
        )
    return found


def _of_record(data: bytes, path: str) -> Grants:
    try:
        record = json.loads(data)
        return Grants.of(record["permissions"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"{path} is not a manifest of kurt's", at=path) from error


def _unreadable(path: str, findings: Iterable[Finding]) -> ManifestError:
    told = list(findings)
    first = next((one for one in told if one.fatal), None)
    return ManifestError(
        f"{path} cannot be read as a manifest",
        cause=first.message if first else None,
        at=first.at if first else path,
        hint=first.fix or None if first else None,
        findings=told,
    )


def as_yaml(permissions: Mapping[str, Any], notes: Iterable[Unproven] = ()) -> str:
    """Return the block as the front matter of a SKILL.md has it, its lines ended by ``\\n``.

    :param notes: what is not proven, as comments in it.
    """
    comments = [f"  # not proven: {note.at}: {_one_line(note.said)}\n" for note in notes]
    if not permissions:
        return "permissions: {}\n" + "".join(comments)
    lines = ["permissions:\n"]
    for key, value in permissions.items():
        if isinstance(value, bool):
            lines.append(f"  {key}: {'true' if value else 'false'}\n")
            continue
        lines.append(f"  {key}:\n")
        lines += [f"    - {json.dumps(entry, ensure_ascii=False)}\n" for entry in value]
    return "".join([*lines, *comments])


def as_json(permissions: Mapping[str, Any], indent: str = "  ", level: int = 0) -> str:
    """Return the object that plugin.json has under ``permissions``; ``indent`` "" is one line."""
    if not permissions or not indent:
        return json.dumps(permissions, ensure_ascii=False)
    outer, inner, deep = (indent * (level + more) for more in range(3))
    members = []
    for key, value in permissions.items():
        text = json.dumps(value, ensure_ascii=False)
        if len(inner) + len(key) + len(text) > _WIDTH and isinstance(value, list):
            rows = [f"{deep}{json.dumps(entry, ensure_ascii=False)}" for entry in value]
            text = "[\n" + ",\n".join(rows) + f"\n{inner}]"
        members.append(f'{inner}"{key}": {text}')
    return "{\n" + ",\n".join(members) + f"\n{outer}}}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def write(folder: str, permissions: Mapping[str, Any], notes: Iterable[Unproven] = ()) -> list[str]:
    """Write the block into each manifest of a folder; return the files that changed.

    :raises SkillNotFoundError: where there is no manifest.
    :raises ManifestError: where one is of a form in which nothing can be replaced; none is
        written then.
    :raises StorageError: where one cannot be written.
    """
    from .atomic import write_atomically

    names = [name for name in manifest.MANIFESTS if os.path.isfile(os.path.join(folder, name))]
    if not names:
        raise SkillNotFoundError(f"there is no manifest in {folder}", hint="kurt new NAME")
    told = list(notes)
    changed = []
    for name in names:
        path = os.path.join(folder, name)
        content = fetch(path, name)
        if not isinstance(content, bytes):
            raise _unreadable(path, [content])
        after = replaced(content, path, permissions, told)
        if after != content:
            changed.append((path, after))
    for path, after in changed:
        try:
            write_atomically(path, after)
        except OSError as error:
            raise StorageError(f"{path} cannot be written", cause=str(error), at=path) from error
    return [path for path, _ in changed]


def replaced(
    data: bytes, path: str, permissions: Mapping[str, Any], notes: Iterable[Unproven] = ()
) -> bytes:
    """Return a manifest's bytes with another block of permissions.

    :param path: the file; its name says of which form it is.
    :raises ManifestError: where it cannot be read, or nothing else could be left as it is.
    """
    name = os.path.basename(path)
    skill = name.endswith(".md")
    parse = manifest.parse_skill_md if skill else manifest.parse_plugin_json
    before, findings = parse(data, path=name)
    if before is None:
        raise _unreadable(path, findings)
    after = b""
    try:
        after = (_in_yaml if skill else _in_json)(data, permissions, list(notes))
        record, _ = parse(after, path=name)
    except (ValueError, LookupError):
        record = None
    wanted = Grants.of(permissions).as_dict()
    if record is None or record != {**before, "permissions": wanted}:
        block = as_yaml(permissions) if skill else f'"permissions": {as_json(permissions)}'
        raise ManifestError(
            f"the permissions in {path} cannot be replaced without touching the rest",
            cause="it is written in an unusual form",
            at=path,
            hint=f"write them yourself:\n{block}",
        )
    return after


def _in_json(data: bytes, permissions: Mapping[str, Any], _notes: list[Unproven]) -> bytes:
    text = data.decode("utf-8")
    eol = "\r\n" if "\r\n" in text else "\n"
    marks = strictjson.locate(data)
    top = [pointer for pointer in marks if len(pointer) == 1]
    shift = 1 if text.startswith("\ufeff") else 0
    decoder = json.JSONDecoder()

    def span(pointer: tuple[str | int, ...]) -> tuple[int, int, int]:
        """Return where a key begins, and where its value begins and ends."""
        line, column = marks[pointer]
        begins = shift + _line_start(text[shift:], line)
        key = begins + column - 1
        _, end = decoder.raw_decode(text, key)
        start = text.index(":", end) + 1
        start += len(text[start:]) - len(text[start:].lstrip(" \t\r\n"))
        return key, start, decoder.raw_decode(text, start)[1]

    first, _, _ = span(top[0])
    lead = text[text.rfind("\n", 0, first) + 1 : first]
    indent = lead if "\n" in text[:first] and not lead.strip() else ""
    block = as_json(permissions, indent, 1 if indent else 0).replace("\n", eol)
    if ("permissions",) in marks:
        _, start, end = span(("permissions",))
        return (text[:start] + block + text[end:]).encode()
    _, _, end = span(top[-1])
    between = f",{eol}{indent}" if indent else ", "
    return (f'{text[:end]}{between}"permissions": {block}{text[end:]}').encode()


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.index("\n", at) + 1
    return at


def _in_yaml(data: bytes, permissions: Mapping[str, Any], notes: list[Unproven]) -> bytes:
    front = frontmatter.split(data, "SKILL.md", [])
    if front.text is None:
        raise ValueError("no front matter")
    marks = frontmatter.locate(front.text, "SKILL.md", 1)
    lines = front.text.splitlines(keepends=True)
    portable = [p for p in marks if len(p) == 2 and p[0] == "metadata" and p[1] in _portable()]
    if portable and ("permissions",) not in marks:
        lines = _in_metadata(lines, [marks[p][0] - 1 for p in portable], permissions)
    else:
        block = as_yaml(permissions, notes).splitlines(keepends=True)
        if ("permissions",) in marks:
            start = marks["permissions",][0] - 1
            lines[start : _end(lines, start)] = block
        else:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            lines += block
    text = "".join(lines)
    begins = data.index(b"\n", front.start) + 1
    crlf = b"\r\n" in data[: front.body]
    # The text is what stands between the fences, with the line ends of YAML.
    size = len(front.text.encode())
    if crlf:
        size += front.text.count("\n")
        text = text.replace("\n", "\r\n")
    return data[:begins] + text.encode() + data[begins + size :]


def _portable() -> frozenset[str]:
    return frozenset(_PORTABLE[key] for key in (*LISTS, NATIVE))


def _end(lines: list[str], start: int) -> int:
    """Return the line after a block; comments and blanks at its end belong to what follows."""
    end = start + 1
    last = end
    while end < len(lines):
        line = lines[end]
        if line.strip() and not line.startswith((" ", "\t", "#", "-")):
            break
        end += 1
        if line.strip() and not line.startswith("#"):
            last = end
    return last


def _in_metadata(lines: list[str], places: list[int], permissions: Mapping[str, Any]) -> list[str]:
    """Return front matter with other portable keys: ``kurt/permissions.network-hosts: "a b"``."""
    first = min(places)
    lead = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    block = []
    for key, value in (permissions or {NATIVE: False}).items():
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif any(word.split() != [word] for word in value) or value[0].startswith("["):
            text = json.dumps(value, ensure_ascii=False)
        else:
            text = " ".join(value)
        block.append(f"{lead}{_PORTABLE[key]}: {json.dumps(text, ensure_ascii=False)}\n")
    kept = [line for number, line in enumerate(lines) if number not in places]
    return [*kept[:first], *block, *kept[first:]]
