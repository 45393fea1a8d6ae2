"""Kurt's fields as the text values that portable metadata allows, and back.

The Agent Skills specification lets a program keep its own data under
``metadata``, as a flat mapping of texts. This is the table of what stands where:

- a list of words is the words with blanks between them; where a word has a
  blank in it, the list is a JSON array;
- ``kurt/implements`` is ``TYPE:NAME=MODULE:CLASS`` for each extension;
- a permission is ``kurt/permissions.network-hosts`` and so on;
- what has more structure is JSON.
"""

from __future__ import annotations

from . import rules, strictjson
from .errors import ManifestError
from .fields import PERMISSIONS, READERS
from .jsontext import dumps
from .readers import checked, mapping, texts
from .sources import Refused, show, spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .readers import Notes
    from .sources import Pointer

__all__ = ["KEYS", "PREFIX", "decode", "encode", "read", "to_text"]

PREFIX = "kurt/"
_MODULE = "skill"

#: Key of portable metadata → (key of the record, form of the text).
KEYS = {
    "version": ("version", "text"),
    "author": ("author", "text"),
    "kurt/type": ("type", "text"),
    "kurt/entry-point": ("entry_point", "text"),
    "kurt/homepage": ("homepage", "text"),
    "kurt/requires-python": ("requires_python", "text"),
    "kurt/min-runtime-version": ("min_runtime_version", "text"),
    "kurt/max-runtime-version": ("max_runtime_version", "text"),
    "kurt/tags": ("tags", "words"),
    "kurt/requires": ("requires", "words"),
    "kurt/requires-api": ("requires_api", "words"),
    "kurt/implements": ("implements", "implements"),
    "kurt/capabilities": ("capabilities", "json"),
    "kurt/dependencies": ("dependencies", "json"),
    "kurt/config-schema": ("config_schema", "json"),
    **{
        f"kurt/permissions.{name.replace('_', '-')}": (f"permissions.{name}", "words")
        for name in PERMISSIONS
    },
    "kurt/permissions.native-code": ("permissions.native_code", "flag"),
}


def decode(form: str, text: str) -> Any:
    """Return the value that a text of one of the forms in :data:`KEYS` stands for.

    :raises ManifestError: where it is not of that form.
    """
    if form == "text":
        return text
    if form == "words":
        return _words(text)
    if form == "json":
        return _json(text)
    if form == "implements":
        return [_implementation(word) for word in _words(text)]
    if text in ("true", "false"):
        return text == "true"
    raise ManifestError(f"{show(text)} is neither true nor false", hint='write "true" or "false"')


def _words(text: str) -> list[Any]:
    if not text.startswith("["):
        return text.split()
    value = _json(text)
    if not all(isinstance(item, str) for item in value):
        raise ManifestError(
            f"{show(text)} is not a list of texts", hint="write words with blanks between them"
        )
    return list(value)


def _json(text: str) -> Any:
    try:
        return strictjson.load(text.encode(), "the value", [])
    except Refused as refused:
        raise ManifestError(
            f"{show(text)} is not JSON",
            cause=refused.finding.message,
            hint="write it as JSON on one line",
        ) from None


def _implementation(word: str) -> dict[str, str]:
    left, equals, right = word.partition("=")
    kind, colon, name = left.partition(":")
    module, second, path = right.partition(":")
    if equals and colon and second and kind and name and module and path:
        return {"type": kind, "name": name, "class": path, "module": module}
    raise ManifestError(
        f"{show(word)} does not say what is implemented",
        cause="it is TYPE:NAME=MODULE:CLASS",
        hint="write it like kind:archive=skill:WebArchiver",
    )


def encode(record: Mapping[str, Any], permissions: bool = False) -> dict[str, str]:
    """Return the portable metadata of a record, in the order of :data:`KEYS`, then its own.

    What a record says by silence is left out.

    :param permissions: whether the manifest states its permissions, if only as none.
    """
    result: dict[str, str] = {}
    for key, (field, form) in KEYS.items():
        value: Any = record
        for part in field.split("."):
            value = value[part]
        if field == "entry_point" and _said_by_implements(record):
            continue
        if value in (None, [], {}, False) or (field == "max_runtime_version" and value == "*"):
            continue
        result[key] = _text(form, value, record)
    if permissions and not any(key.startswith("kurt/permissions.") for key in result):
        # "None" that is said is not the same as nothing said: publishing asks for it.
        result["kurt/permissions.native-code"] = "false"
    if record["version"] == "0.0.0":
        result.pop("version", None)
    for key, value in record["metadata"].items():
        result.setdefault(key, value)
    return result


def _said_by_implements(record: Mapping[str, Any]) -> bool:
    # Its module stands in `kurt/implements`; that of no entry point at all is `skill`.
    module = record["entry_point"]
    return bool(record["implements"] and module) and module != _MODULE and ":" not in module


def _text(form: str, value: Any, record: Mapping[str, Any]) -> str:
    if form == "text":
        return str(value)
    if form == "flag":
        return "true"
    if form == "json":
        return dumps(value)
    if form == "implements":
        module = (record["entry_point"] or _MODULE).partition(":")[0]
        value = [f"{item['type']}:{item['name']}={module}:{item['class']}" for item in value]
    if any(not word or word.split() != [word] for word in value) or value[0].startswith("["):
        return dumps(value)
    return " ".join(value)


def to_text(value: Any) -> str:
    """Return a value as the text that stands for it in portable metadata."""
    if isinstance(value, str):
        return value
    return "" if value is None else dumps(value)


def _flat(value: Any, at: Pointer, notes: Notes) -> dict[str, str]:
    """Read the flat mapping of texts that portable metadata is.

    A value with a structure of its own becomes JSON text, so that nothing is lost.
    """
    result: dict[str, str] = {}
    for key, item in mapping(value, at, notes).items():
        result[key] = to_text(item)
        if isinstance(item, (bool, int)):
            message = f"{spell((*at, key))} is to be text"
            notes.add(
                "number-for-text", "info", message, (*at, key), f'write it as "{result[key]}"'
            )
        elif item is not None and not isinstance(item, str):
            message = f"{spell((*at, key))} is to be text; it was kept as JSON"
            notes.warn("nested-metadata", message, (*at, key), "write it as one text")
    return result


def read(record: dict[str, Any], value: Any, given: set[str], notes: Notes) -> set[str]:
    """Read ``metadata`` into ``record``: kurt's own keys to their fields, the rest as it is.

    :param given: the keys of the record that stand at the top level.
    :returns: the keys of the record that stand here.
    """
    modules: set[str] = set()
    placed: set[str] = set()
    for key, word in _flat(value, ("metadata",), notes).items():
        at: Pointer = ("metadata", key)
        if key not in KEYS:
            record["metadata"][key] = word
            if key == "kurt/name":
                checked(rules.extension_name)(word, at, notes)
            elif key.startswith(PREFIX):
                notes.unknown(key, {**KEYS, "kurt/name": None}, ("metadata",))
            continue
        name, form = KEYS[key]
        try:
            raw = decode(form, word)
        except ManifestError as error:
            notes.broken(error, at)
            continue
        if name == "implements":
            modules.update([item.pop("module") for item in raw])
        _place(record, name, raw, at, given, notes)
        placed.add(name.partition(".")[0])
    _module(record, modules, notes)
    return placed


def _place(
    record: dict[str, Any], name: str, raw: Any, at: Pointer, given: set[str], notes: Notes
) -> None:
    """Put a field of portable metadata where it belongs, unless it stands there already."""
    target, _, part = name.rpartition(".")
    if part == "native_code":
        found: Any = raw
    else:
        found = (texts if target else READERS[name])(raw, at, notes)
    if found is None:
        return
    home = record[target] if target else record
    if (target or name) in given and home[part] != found:
        message = f"{spell(at)} says {show(str(found))}, {part} above says {show(str(home[part]))}"
        notes.error("manifest-conflict", message, at, "delete one of them")
        return
    home[part] = found


def _module(record: dict[str, Any], modules: set[str], notes: Notes) -> None:
    """Take the module that portable ``implements`` names for the record's entry point."""
    known = (record["entry_point"] or "").partition(":")[0]
    for module in sorted(modules):
        at: Pointer = ("metadata", "kurt/implements")
        if not known and len(modules) == 1:
            if module != "skill":
                record["entry_point"] = checked(rules.entry_point)(module, at, notes)
        elif module != known:
            message = f"{spell(at)} names the module {show(module)} beside another"
            notes.error("manifest-conflict", message, at, "put all of it into one module")
