"""The rules of a manifest's fields, and what the stricter profiles ask besides."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

ENTRIES = {
    "code-missing": Entry(
        "The module that the manifest names lies in the folder.",
        "Otherwise the first call finds out, and not the author.",
        "entry_point: main  (and no main.py)",
        "entry_point: skill",
    ),
    "flow-style": Entry(
        "In the portable form, lists and mappings are written line by line.",
        "The specification's own validator refuses brackets and braces.",
        "allowed: [a, b]",
        "metadata: / kurt/tags: a b",
    ),
    "foreign-field": Entry(
        "A key of another program is left to that program.",
        "It does no harm; kurt does nothing that it asks for.",
    ),
    "foreign-hooks": Entry(
        "Hooks are for another program, and kurt never runs them.",
        "They are commands: whoever shares the folder with that program should know them.",
    ),
    "inner-dashes": Entry(
        "In the portable form, no --- stands within the front matter.",
        "Simple readers cut the file at it.",
        "description: fast --- and small",
        "description: fast – and small",
    ),
    "invalid-name": Entry(
        "A field's value has the form that the field asks for; the message says which.",
        "A name or version of another form cannot be compared, installed or called.",
        "name: Web Fetch",
        "name: web-fetch",
    ),
    "line-break": Entry(
        "Fields other than the description are one line.",
        "They are shown in tables; a line break there was read as a blank.",
    ),
    "list-for-text": Entry(
        "A text is written as one text, not as a list.",
        "Other readers refuse the list; it was read as its items, joined.",
        "license: [MIT]",
        "license: MIT",
    ),
    "long-description": Entry(
        "A description has at most 1,024 characters.",
        "Hosts cut it there, perhaps before it says when to use the skill.",
    ),
    "manifest-conflict": Entry(
        "What two places of a skill's manifests state, they state alike.",
        "Otherwise it would be another skill for each program that reads it.",
        "SKILL.md: version: 1.0.0, plugin.json: 1.1.0",
        "SKILL.md: version: 1.1.0, plugin.json: 1.1.0",
    ),
    "many-deviations": Entry(
        "Only the first deviations of a manifest are listed.",
        "A file of nothing else would fill the screen; mend those and look again.",
    ),
    "mapping-for-list": Entry(
        "A list is written as a list, also where it has one item.",
        "Other readers refuse the mapping; it was read as the only item.",
        "implements: {type: …}",
        "implements: [{type: …}]",
    ),
    "mapping-for-text": Entry(
        "An author is one text: Name <address>.",
        "Other readers, and core metadata, know only the text.",
        "author: {name: Ann, email: a@b.example}",
        "author: Ann <a@b.example>",
    ),
    "missing-field": Entry(
        "A field that every skill needs is there.",
        "Without a name nobody can call it, without a description nobody knows when to.",
    ),
    "name-and-folder": Entry(
        "A skill's name is that of its folder.",
        "Other programs go by the folder, and would call it by another name than kurt.",
        "skills/archiver with name: web-archiver",
        "skills/web-archiver with name: web-archiver",
    ),
    "nested-metadata": Entry(
        "Values under metadata are texts.",
        "The specification knows only texts there; yours was kept as JSON in a text.",
        "metadata: / owner: {team: web}",
        "metadata: / owner: web",
    ),
    "not-portable": Entry(
        "In the portable form, the top level has only the specification's six keys.",
        "Strict readers refuse a file with others; `kurt skill fmt --portable` moves them.",
        "tags: [web]",
        "metadata: / kurt/tags: web",
    ),
    "number-for-text": Entry(
        "A text that looks like a number stands in quotes.",
        "YAML reads 1.10 as 1.1 and yes as true; other readers then refuse it.",
        "license: 0",
        'license: "0"',
    ),
    "number-too-large": Entry(
        "A whole number has at most 64 bits.",
        "Readers in other languages round it without a word.",
        "config: 18446744073709551616",
        'config: "18446744073709551616"',
    ),
    "poor-description": Entry(
        "A description says what the skill does and when to use it.",
        "It is all that a person or a model has to choose by.",
        "description: A skill",
        "description: Archives a web page. Use when a page must outlive its site.",
    ),
    "publish-missing": Entry(
        "A published skill declares licence, author, version and permissions.",
        "Without them a stranger may not, or will not, install it.",
    ),
    "repeated-item": Entry(
        "No item of a list occurs twice, and no two extensions share kind and name.",
        "The second one could never be reached, or means a slip of the pen.",
    ),
    "short-version": Entry(
        "A version is MAJOR.MINOR.PATCH (SemVer 2.0).",
        "Others cannot be ordered; it was completed with zeros.",
        "version: v1.2",
        "version: 1.2.0",
    ),
    "text-for-list": Entry(
        "A list is written as a list.",
        "It was cut at its commas or blanks; other readers refuse it or take it whole.",
        "tags: web archive",
        "tags: [web, archive]",
    ),
    "too-long": Entry(
        "In the portable form, description and compatibility keep the specification's lengths.",
        "Strict readers refuse what is longer.",
    ),
    "unknown-field": Entry(
        "A key is one that something reads.",
        "It is a slip of the pen, or says something that has no effect.",
        "descripton: …",
        "description: …",
    ),
    "wrong-type": Entry(
        "A field has the type that the manifest's reference gives it.",
        "Nobody can tell what a value of another type was to mean.",
        "permissions: none",
        "permissions: {}",
    ),
}
