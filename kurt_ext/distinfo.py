"""A manifest as the files of a ``*.dist-info`` directory, and ``entry_points.txt`` back again.

One writer for both ends: the shim of a folder and the wheel that setuptools
builds from it hold the same bytes in ``entry_points.txt`` and ``kurt.json``.
"""

from __future__ import annotations

import os

from .errors import ManifestError
from .jsontext import dumps, quote
from .names import DISTRIBUTION_PREFIX, PACKAGE, distribution_name, package_name, slug
from .versions import to_pep440

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    Record = Mapping[str, Any]
    Offer = tuple[str, str, str]
    Words = Mapping[str, tuple[str, str]]

__all__ = [
    "dist_info_name",
    "entry_points_text",
    "files",
    "is_dist_info",
    "kurt_json",
    "metadata_text",
    "offers",
    "parse_entry_points",
    "stub",
]

#: Group of skills whose extensions are known only once their code has run.
_REGISTERING = "kurt.skills"
#: Module that holds a skill's code where the manifest names no other.
_MODULE = "skill"
_WHEEL = b"Wheel-Version: 1.0\nGenerator: kurt-ext\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_CONSTANT = {"WHEEL": _WHEEL, "INSTALLER": b"kurt\n", "REQUESTED": b""}
_STUB = """\
# Written by kurt-ext: imports the skill in this folder as the package that lies here.
__path__ = [%s]
__file__ = __spec__.origin = __loader__.path = %s
__spec__.submodule_search_locations = __path__
exec(
    compile(
        __loader__.get_data(__file__) if __import__("os").path.isfile(__file__) else b"",
        __file__,
        "exec",
        dont_inherit=True,
    )
)
"""


def offers(record: Record, words: Words, code: bool = True) -> list[Offer]:
    """Return the entry points ``(group, name, value)`` that a skill offers, as setuptools sorts.

    A manifest that lists ``implements`` says with it all that there is. Else
    its ``type`` and ``entry_point`` are one extension named as the skill, or
    as the metadata key ``kurt/name`` says. Code without either registers what
    it has when it runs, in the group ``kurt.skills``.

    :param words: word of a manifest → (namespace, prefix of the name there),
        from the entry-point group ``kurt.implements``; an unknown word ``X``
        means the namespace ``kurt.X``.
    :param code: whether the skill has code to import; without there is nothing to offer.
    """
    if not code:
        return []
    package = package_name(record["id"])
    entry_point: str | None = record["entry_point"]
    target = f"{package}.{entry_point or _MODULE}"
    found: dict[tuple[str, str], str] = {}
    for item in record["implements"]:
        group, name = _place(item["type"], item.get("name") or record["id"], words)
        module, attribute = target.partition(":")[0], item.get("class")
        found.setdefault((group, name), f"{module}:{attribute}" if attribute else module)
    if not found:
        name = record["metadata"].get("kurt/name") or record["id"]
        if record["type"]:
            found[_place(record["type"], name, words)] = target
        else:
            found[_REGISTERING, name] = target
    return sorted([(group, name, value) for (group, name), value in found.items()])


def _place(word: str, name: str, words: Words) -> tuple[str, str]:
    namespace, prefix = words.get(word) or (f"kurt.{word}", "")
    return namespace, f"{prefix}.{name}" if prefix else name


def entry_points_text(offers: Iterable[Offer]) -> str:
    """Return the text of ``entry_points.txt``, byte for byte what setuptools writes.

    Empty where nothing is offered; setuptools writes no file then.

    :raises ManifestError: where a part would not survive the format, or would
        smuggle a line of its own into it.
    """
    lines: list[str] = []
    last = None
    for offer in sorted(offers):
        group, name, value = offer
        _check_offer(offer)
        if group != last:
            lines.append(f"\n[{group}]" if lines else f"[{group}]")
            last = group
        lines.append(f"{name} = {value}")
    lines.append("")
    return "\n".join(lines)


def _check_offer(offer: Offer) -> None:
    group, name, value = offer
    if not group.replace(".", "").replace("-", "").replace("_", "").isalnum():
        raise ManifestError(f"{group!r} cannot be a group of entry points")
    if not name.isprintable() or not name or name != name.strip() or name[0] in "[#" or "=" in name:
        raise ManifestError(
            f"{name!r} cannot be the name of an entry point",
            hint="write a name of letters, digits, '.', '-' and '_'",
        )
    for part in value.replace(":", ".", 1).split("."):
        if not part.isidentifier():
            raise ManifestError(
                f"{value!r} names no module and object that could be imported",
                hint="write it like skill:Archive",
            )


def kurt_json(record: Record) -> bytes:
    """Return the manifest as the bytes of ``kurt.json``."""
    return dumps(record, indent=2).encode("ascii") + b"\n"


def dist_info_name(record: Record) -> str:
    """Return the directory's name: ``kurt_skill_web_archiver-0.1.0.dist-info``."""
    name = distribution_name(record["id"]).replace("-", "_")
    return f"{name}-{to_pep440(record['version'])}.dist-info"


def is_dist_info(name: str) -> bool:
    """Tell whether a directory of that name carries a skill as :func:`dist_info_name` names it."""
    return name.endswith(".dist-info") and name.startswith(DISTRIBUTION_PREFIX.replace("-", "_"))


def metadata_text(record: Record) -> str:
    """Return the core metadata (version 2.1) of the skill's distribution.

    ``Requires-Dist`` holds the manifest's Python requirements alone: the id of
    another skill written there would be looked up on the package index.
    """
    fields = [
        ("Metadata-Version", "2.1"),
        ("Name", distribution_name(record["id"])),
        ("Version", to_pep440(record["version"])),
        ("Summary", record["description"]),
        ("Home-page", record["homepage"]),
        ("Author", record["author"]),
        ("License", record["license"]),
        ("Keywords", ",".join(record["tags"])),
        ("Requires-Python", record["requires_python"]),
        *[("Requires-Dist", requirement) for requirement in record["requires"]],
    ]
    # A field is one line: a newline in a value would begin a field of its own.
    return "".join([f"{name}: {' '.join(text.split())}\n" for name, text in fields if text])


def stub(folder: str) -> bytes:
    """Return the ``__init__.py`` through which a skill's folder is imported as a package.

    The import system must see the folder wherever it looks: ``__path__`` for
    submodules, the spec and the loader for resources, ``get_data`` and reload.
    """
    init = os.path.join(folder, "__init__.py")
    return (_STUB % (ascii(folder), ascii(init))).encode("ascii")


def files(record: Record, folder: str, offers: Iterable[Offer]) -> dict[str, bytes]:
    """Return name → content of every file in the dist-info of a folder, ``RECORD`` included.

    :param folder: absolute path of the skill's folder.
    :raises ManifestError: as :func:`entry_points_text`.
    """
    content = {
        "METADATA": metadata_text(record).encode("utf-8", "replace"),
        **_CONSTANT,
        "direct_url.json": _direct_url(folder),
        "kurt.json": kurt_json(record),
    }
    text = entry_points_text(offers)
    if text:
        content["entry_points.txt"] = text.encode()
    content["RECORD"] = _record(record, folder, content)
    return content


def _direct_url(folder: str) -> bytes:
    path = folder.replace(os.sep, "/") if os.sep != "/" else folder
    safe = b"/:~-._"
    url = "".join(
        [
            chr(byte) if byte in safe or (byte < 128 and chr(byte).isalnum()) else f"%{byte:02X}"
            for byte in os.fsencode(path)
        ]
    )
    slashes = "//" if url.startswith("/") else "///"
    text = quote(f"file:{slashes}{url}")
    return f'{{"dir_info": {{"editable": true}}, "url": {text}}}\n'.encode()


def _record(record: Record, folder: str, content: Mapping[str, bytes]) -> bytes:
    directory = dist_info_name(record)
    rows = [
        f"{directory}/{name},sha256={_constant.get(name) or _hash(data)},{len(data)}\n"
        for name, data in content.items()
    ]
    data = stub(folder)
    rows.append(f"{PACKAGE}/{slug(record['id'])}/__init__.py,sha256={_hash(data)},{len(data)}\n")
    rows.append(f"{directory}/RECORD,,\n")
    return "".join(rows).encode()


def _hash(data: bytes) -> str:
    """Return the SHA-256 as RECORD spells it: URL-safe base64 without padding."""
    global _digest
    if _digest is None:
        _digest = _load_hash()
        _constant.update({name: _digest(known) for name, known in _CONSTANT.items()})
    return _digest(data)


_digest: Callable[[bytes], str] | None = None
_constant: dict[str, str] = {}  # the hashes of the files that are the same for every skill


def _load_hash() -> Callable[[bytes], str]:
    from binascii import b2a_base64

    sha256 = _sha256()
    table = bytes.maketrans(b"+/", b"-_")

    def digest(data: bytes) -> str:
        text: bytes = b2a_base64(sha256(data).digest(), newline=False)
        return text.translate(table, b"=").decode("ascii")

    return digest


def _sha256() -> Any:
    # hashlib loads OpenSSL, which costs more than hashing a thousand files.
    for module in ("_sha2", "_sha256"):  # the interpreter's own, since 3.12 and before it
        try:
            return __import__(module).sha256
        except ImportError:
            continue
    from hashlib import sha256  # an interpreter built without them

    return sha256


def parse_entry_points(data: bytes) -> dict[str, list[tuple[str, str]]]:
    """Return group → its ``(name, value)`` pairs in the order of the file.

    :raises ValueError: where the file is not UTF-8, a line stands before the
        first group, or a line is not ``name = value``; the message begins with
        ``line N: ``. `importlib.metadata` reports such a file as an error of
        the whole environment.
    """
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {number}: not UTF-8 ({error.reason})") from None
    groups: dict[str, list[tuple[str, str]]] = {}
    pairs: list[tuple[str, str]] | None = None
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line[0] == "#":
            continue
        if line[0] == "[" and line[-1] == "]":
            pairs = groups.setdefault(line.strip("[]"), [])
            continue
        name, equals, value = line.partition("=")
        name, value = name.rstrip(), value.lstrip()
        if pairs is None:
            raise ValueError(f"line {number}: {line[:80]!r} stands before the first [group]")
        if not equals or not name or not value:
            raise ValueError(f"line {number}: {line[:80]!r} is not 'name = value'")
        pairs.append((name, value))
    return groups
