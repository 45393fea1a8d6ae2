"""Judge a skill strictly, by the profile of where it is to go, and rewrite a SKILL.md for it.

Two profiles. ``agentskills`` is the Agent Skills specification: what passes loads in
every host. ``publish`` asks in addition for what a stranger needs before installing a
skill: version, licence, author, permissions, a description that says something.
"""

from __future__ import annotations

import os

from . import compact, frontmatter, manifest, names, skillmd
from .errors import ManifestError, UsageError
from .fields import MAX_COMPATIBILITY, MAX_DESCRIPTION
from .findings import Finding
from .sources import fetch, mark, show, spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .sources import Marks, Pointer

__all__ = ["PROFILES", "agentskills", "check", "publish", "to_portable"]

_SKILL = "SKILL.md"
#: Findings of the lenient reader that other programs' readers trip over.
_TRIPS = frozenset(["byte-order-mark", "front-matter-late", "front-matter-dots", "unquoted-value"])
#: Shorter than this, no description says what a skill does and when to use it.
_MIN_DESCRIPTION = 20
_WHEN = ("when", "use ", "use:", "uses", "using", "for ", "if ")
_PLACEHOLDERS = ("todo", "tbd", "fixme", "lorem ipsum", "description here")


def check(folder: str, profile: str) -> list[Finding]:
    """Return the findings of a profile about a skill's folder.

    :param profile: a name in :data:`PROFILES`.
    :raises UsageError: for another one.
    """
    if profile not in PROFILES:
        raise UsageError(
            f"there is no profile {show(profile)}",
            hint="--profile " + "|".join(PROFILES),
            candidates=tuple(PROFILES),
        )
    return PROFILES[profile](folder)


def agentskills(folder: str) -> list[Finding]:
    """Return where a folder's SKILL.md leaves the Agent Skills specification; errors all."""
    path = os.path.join(folder, _SKILL)
    if not os.path.lexists(path):
        message = f"there is no {_SKILL}, the only manifest that the specification knows"
        return [Finding("manifest-missing", "error", message, path=_SKILL, fix=f"write a {_SKILL}")]
    content = fetch(path, _SKILL)
    if isinstance(content, Finding):
        return [content]
    return _strict(content, os.path.basename(os.path.abspath(folder)))


def publish(folder: str) -> list[Finding]:
    """Return what keeps a folder from being published; the deviations that load are errors here."""
    reading = manifest.read(folder)
    findings = []
    for finding in reading.findings:
        if finding.severity == "warning":
            finding = Finding.from_tuple(finding.as_tuple())
            finding.severity = "error"
        findings.append(finding)
    if _SKILL in reading.files:
        seen = {(f.line, f.column, f.fatal) for f in findings if f.path == _SKILL}
        strict = agentskills(folder)
        findings += [f for f in strict if not f.line or (f.line, f.column, True) not in seen]
    if reading.record is not None and reading.files:
        findings += _unpublishable(reading)
    return findings


#: Name of a profile → what judges a folder by it.
PROFILES: dict[str, Callable[[str], list[Finding]]] = {
    "agentskills": agentskills,
    "publish": publish,
}


def _unpublishable(reading: manifest.Reading) -> list[Finding]:
    """Return what a stranger would miss in a record that can be read."""
    record = reading.record or {}
    path = reading.files[0]
    wanted = [
        ("license", "license", "name it, such as MIT"),
        ("author", "author", "write Name <address>"),
    ]
    if record["version"] == "0.0.0":
        wanted.append(("version", "version", "begin with 0.1.0"))
    if reading.code and "permissions" not in reading.stated:
        wanted.append(("permissions", "permissions", "declare them, if only as none: {}"))
        if path == _SKILL:
            wanted[-1] = (*wanted[-1][:2], 'or kurt/permissions.native-code: "false" for none')
    findings = [
        Finding("publish-missing", "error", f"{word} is not declared", path=path, fix=fix)
        for key, word, fix in wanted
        if key in ("version", "permissions") or not record[key]
    ]
    text = record["description"] or ""
    lowered = text.lower()
    if len(text) < _MIN_DESCRIPTION or lowered in (record["id"], record["name"].lower()):
        message = "the description does not say what the skill does"
        fix = "say what it does and when to use it"
        findings.append(Finding("poor-description", "error", message, path=path, fix=fix))
    elif any(word in lowered for word in _PLACEHOLDERS):
        message = "the description is a placeholder"
        findings.append(Finding("poor-description", "error", message, path=path))
    elif not any(word in lowered for word in _WHEN):
        message = "the description does not say when to use the skill"
        fix = "add a sentence that begins with: Use when"
        findings.append(Finding("poor-description", "warning", message, path=path, fix=fix))
    return findings


def _strict(data: bytes, folder_name: str | None) -> list[Finding]:
    """Return where the bytes of a SKILL.md leave the specification."""
    findings: list[Finding] = []
    front = frontmatter.split(data, _SKILL, findings)
    values = None
    known: Marks | None = None
    if front.text is not None:
        values, known = frontmatter.load(front.text, _SKILL, front.line, findings)
    result = []
    for finding in findings:
        if finding.fatal or finding.rule in _TRIPS:
            finding.severity = "error"
            result.append(finding)
    if front.text is None or values is None:
        return result
    marks = known if known is not None else frontmatter.locate(front.text, _SKILL, front.line)

    def error(rule: str, message: str, at: Pointer = (), fix: str = "") -> None:
        line, column = mark(marks, at)
        place = {"path": _SKILL, "line": line or front.line, "column": column}
        result.append(Finding(rule, "error", message, fix=fix, **place))  # type: ignore[arg-type]

    for key in values:
        if key not in skillmd.PORTABLE:
            fix = "run `kurt skill fmt --portable`, which moves it under metadata"
            error("not-portable", f"{spell((key,))} is not a key of the specification", (key,), fix)
    _strict_values(values, folder_name, error)
    _strict_yaml(front, result)
    return result


def _strict_values(
    values: dict[str, Any], folder_name: str | None, error: Callable[..., None]
) -> None:
    """Report where the six fields break the specification's rules."""
    for key in ("name", "description"):
        if not isinstance(values.get(key), str) or not values[key].strip():
            missing = values.get(key) in (None, "") or isinstance(values.get(key), str)
            message = f"{key} is {'missing' if missing else 'not text'}"
            error("missing-field" if missing else "wrong-type", message, (key,), f"add {key}: …")
    for key in ("license", "compatibility", "allowed-tools"):
        if key in values and (not isinstance(values[key], str) or not values[key].strip()):
            error("wrong-type", f"{key} is not text", (key,), "write text, or delete the key")
    name = values.get("name")
    if isinstance(name, str) and name.strip():
        try:
            if "." in name:
                hint = f"write it like {name.replace('.', '-')}"
                raise ManifestError(f"{show(name)} has a dot in it", hint=hint)
            names.skill_name(name.strip())
        except ManifestError as broken:
            error("invalid-name", f"name: {broken.message}", ("name",), broken.hint or "")
        else:
            if folder_name is not None and name.strip() != folder_name:
                message = f"name is {show(name)}, the folder is {show(folder_name)}"
                error("name-and-folder", message, ("name",), "rename the folder, or the skill")
    for key, limit in (("description", MAX_DESCRIPTION), ("compatibility", MAX_COMPATIBILITY)):
        if isinstance(values.get(key), str) and len(values[key]) > limit:
            message = f"{key} has {len(values[key]):,} characters; {limit:,} are allowed"
            error("too-long", message, (key,), "say it in fewer words")
    metadata = values.get("metadata", {})
    if not isinstance(metadata, dict):
        error("wrong-type", "metadata is not a mapping of texts", ("metadata",))
        return
    for key, value in metadata.items():
        if not isinstance(value, str):
            at = ("metadata", key)
            error("wrong-type", f"{spell(at)} is not text", at, "put it in quotes")


def _strict_yaml(front: frontmatter.FrontMatter, result: list[Finding]) -> None:
    """Report the YAML that the specification's own validator does not read."""
    import yaml

    text = front.text or ""
    at = text.find("---")
    if at >= 0:
        message = "--- within the front matter; many readers take it for its end"
        result.append(_yaml_finding("inner-dashes", message, text, at, front, "write – or --"))
    try:
        # Not the C reader: the validator's is this one's descendant, and as strict.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if getattr(event, "flow_style", False) and event.start_mark is not None:
                start = event.start_mark.index
                message = "a list or mapping in brackets; the specification's validator refuses it"
                fix = "write one item on each line, after a dash"
                result.append(_yaml_finding("flow-style", message, text, start, front, fix))
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        message = f"some readers of YAML refuse this: {error.problem or 'it is odd'}"
        fix = "put the value in quotes, and indent with spaces"
        index = place.index if place is not None else 0
        result.append(_yaml_finding("yaml-syntax", message, text, index, front, fix))


def _yaml_finding(
    rule: str, message: str, text: str, index: int, front: frontmatter.FrontMatter, fix: str
) -> Finding:
    line = text.count("\n", 0, index) + front.line
    column = index - text.rfind("\n", 0, index)
    return Finding(rule, "error", message, path=_SKILL, line=line, column=column, fix=fix)


def to_portable(data: bytes) -> bytes:
    """Rewrite a SKILL.md so that its front matter has only the specification's keys.

    Kurt's fields, and keys that nobody here knows, become texts under
    ``metadata``. Reading the result gives the same record, with these keys in
    its ``metadata``. The body is untouched byte for byte. A file that is portable
    already is returned as it is; of another the front matter's comments are lost.

    :raises ManifestError: where the file cannot be read without an error.
    """
    found: list[Finding] = []
    reading = skillmd.read(data, _SKILL, None, found)
    fatal = [finding for finding in found if finding.fatal]
    if reading is None or fatal:
        first = fatal[0]
        raise ManifestError(
            f"{_SKILL} cannot be rewritten: {first.message}",
            at=first.at,
            hint=first.fix or None,
            findings=found,
        )
    if not _strict(data, None):
        return data
    record, stated = reading
    ignored: list[Finding] = []
    front = frontmatter.split(data, _SKILL, ignored)
    values, _ = frontmatter.load(front.text or "", _SKILL, front.line, ignored)
    lines = [f"name: {_scalar(record['id'])}"]
    for key in ("description", "license", "compatibility", "allowed-tools"):
        value = record[skillmd.KEYS[key]]
        if value is not None:
            lines.append(f"{key}: {_scalar(value)}")
    metadata = compact.encode(record, "permissions" in stated)
    for key, value in (values or {}).items():
        if key not in skillmd.KEYS and key not in skillmd.PORTABLE:
            metadata.setdefault(key, compact.to_text(value))
    if metadata:
        lines.append("metadata:")
        lines += [f"  {_scalar(key)}: {_quoted(value)}" for key, value in metadata.items()]
    eol = "\r\n" if b"\r\n" in data[: front.body] else "\n"
    return eol.join(["---", *lines, "---", ""]).encode() + data[front.body :]


def _scalar(text: str) -> str:
    """Return a text as YAML: bare where every reader takes it for just that text."""
    if (
        text.isprintable()
        and "---" not in text
        and frontmatter.plain(f"key: {text}") == {"key": text}
        and text[0] not in "0123456789.+-=<>~"
        and text.lower() not in ("yes", "no", "on", "off", "y", "n", "true", "false", "null")
    ):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    """Return a text as YAML in double quotes, on one line."""
    result = []
    for char in text:
        code = ord(char)
        if char in '"\\':
            result.append("\\" + char)
        elif char == "\n":
            result.append("\\n")
        elif char.isprintable():
            result.append(char)
        elif code < 0x100:
            result.append(f"\\x{code:02x}")
        else:
            result.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(result).replace("---", "--\\x2d") + '"'
