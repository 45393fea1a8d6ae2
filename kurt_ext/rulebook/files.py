"""The rules of a manifest as a file: that it is there, and is text, YAML or JSON."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

ENTRIES = {
    "byte-order-mark": Entry(
        "A manifest begins with its first character, not with a byte order mark.",
        "Other readers take the mark for text, and do not find the first ---.",
    ),
    "carriage-return": Entry(
        "Lines end in a line feed, with or without a carriage return before it.",
        "Most programs take a file with lone carriage returns for one long line.",
    ),
    "control-character": Entry(
        "A manifest holds no control characters.",
        "Printed to a terminal they can hide or change what is shown.",
    ),
    "duplicate-key": Entry(
        "A key is given once.",
        "Of two values one reader takes the first, another the last.",
        "version: 1.0.0 … version: 2.0.0",
        "version: 2.0.0",
    ),
    "folder-unreadable": Entry(
        "The folder of a skill can be listed.",
        "Without its names nobody knows which manifest and code it has.",
    ),
    "foreign-manifest": Entry(
        "A plugin.json is kurt's, or a SKILL.md lies beside it.",
        "Other programs use the same file name for another format.",
    ),
    "front-matter-dots": Entry(
        "The front matter ends with a line ---.",
        "YAML lets ... end it too, but other readers of SKILL.md do not.",
    ),
    "front-matter-late": Entry(
        "The first line of SKILL.md is ---.",
        "Other readers take a file that begins with anything else for plain text.",
    ),
    "front-matter-missing": Entry(
        "SKILL.md begins with front matter: keys between two lines ---.",
        "Name and description stand there; without them the skill cannot be listed.",
        "# My skill",
        "--- / name: my-skill / description: … / ---",
    ),
    "front-matter-not-mapping": Entry(
        "The front matter is lines of key: value.",
        "Text or a list alone names no field.",
        "- web-archiver",
        "name: web-archiver",
    ),
    "front-matter-too-large": Entry(
        "The front matter has at most 65,536 bytes.",
        "It is read at every look; what is longer belongs into the body, which is not.",
    ),
    "front-matter-unclosed": Entry(
        "The front matter is closed by a second line ---.",
        "Without it the whole file would be read as keys.",
    ),
    "json-constant": Entry(
        "A number in plugin.json is a JSON number: NaN and Infinity are none.",
        "Readers other than Python's refuse the whole file.",
        '"pace": NaN',
        '"pace": null',
    ),
    "json-syntax": Entry(
        "plugin.json is JSON, as RFC 8259 has it.",
        "No field of a file that cannot be parsed can be trusted.",
        '{"tags": ["a",]}',
        '{"tags": ["a"]}',
    ),
    "manifest-missing": Entry(
        "A skill's folder holds a SKILL.md or a plugin.json; the portable form, a SKILL.md.",
        "The manifest is all that is read to list a skill.",
    ),
    "manifest-not-a-file": Entry(
        "A manifest is a regular file.",
        "Reading a pipe or a device could wait for ever.",
    ),
    "manifest-too-large": Entry(
        "A manifest has at most 1 MiB.",
        "It is read whole, for every skill of every folder.",
    ),
    "manifest-unreadable": Entry(
        "A manifest can be opened and read by you.",
        "A skill that cannot be read is listed as broken, and never run.",
    ),
    "not-an-object": Entry(
        "plugin.json holds one object of fields.",
        "A list or a text names no field.",
        '["com.example.calc"]',
        '{"plugin_id": "com.example.calc"}',
    ),
    "not-utf-8": Entry(
        "A manifest is UTF-8.",
        "In another encoding it says something else on every machine.",
    ),
    "nul-character": Entry(
        "No text holds a NUL or half a surrogate pair, not even by an escape.",
        "No file name and no valid UTF-8 can hold them, so that later steps fail.",
    ),
    "too-deep": Entry(
        "Values are nested no deeper than a manifest needs.",
        "A file of brackets alone could end the program that reads it.",
    ),
    "unquoted-value": Entry(
        "A value with ': ', ' #' or a leading sign stands in quotes.",
        "YAML reads it as something else or refuses it; kurt reads the text that was meant.",
        "description: Fetch: get a page",
        'description: "Fetch: get a page"',
    ),
    "yaml-alias": Entry(
        "Front matter has no anchors (&) and aliases (*).",
        "A few lines of them can stand for gigabytes, and most often they are text unquoted.",
        "tags: *common",
        "tags: [web, archive]",
    ),
    "yaml-documents": Entry(
        "Front matter is one YAML document.",
        "What stands in a second one would be read by nobody.",
    ),
    "yaml-key": Entry(
        "A key is a word.",
        "Lists, mappings and nothing as a key are lost on the way to JSON.",
        "? [a, b] : c",
        "a-b: c",
    ),
    "yaml-merge": Entry(
        "Front matter has no merge key (<<).",
        "What it merges is not seen where it counts, and other readers do not know it.",
    ),
    "yaml-syntax": Entry(
        "Front matter is YAML.",
        "No field of a file that cannot be parsed can be trusted.",
        "\tname: my-skill",
        "name: my-skill",
    ),
    "yaml-tag": Entry(
        "Front matter has no tags (!).",
        "In other readers a tag builds objects, and so runs code.",
        "version: !!python/name:os.system",
        "version: 1.0.0",
    ),
}
