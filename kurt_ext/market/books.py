"""The books of a marketplace: what its folder says, what is to be changed, and the change itself.

Nothing is changed in place but ``index.json``, which is replaced last and whole. What
has a digest in its name is written beside the old, so that whoever reads the old
index, and whoever dies half-way, leaves a marketplace that is whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..atomic import write_atomically
from ..errors import MarketError, SignatureError
from ..names import slug
from . import digests
from .documents.base import API_VERSION
from .documents.index import Index, IndexMeta
from .documents.publisher import PublisherDocument
from .documents.skill import SkillDocument
from .files import Files
from .layout import INDEX, INDEX_LIMIT, PUBLISHER_LIMIT, SKILL_LIMIT, TUF, V1
from .listings import listing
from .market_toml import Settings, read_settings
from .notation import to_json, to_lines, to_text
from .reading import FolderReader
from .sweeping import sweep
from .times import seconds, stamp

if TYPE_CHECKING:
    from .signing import PrivateKey

__all__ = ["Books"]

_SIGNATURES_LIMIT = 1 << 20
_DAY = 86_400
#: What every row of an index has.
_KEYS = frozenset(("id", "title", "publisher", "updated", "detail"))
#: What another index has of its own, though nothing has changed.
_MOVING = ("generated", "expires", "snapshot", "signatures")


class Books:
    """What the folder of a marketplace says, and what will be said; hold it while you write.

    :param root: the folder that holds ``kurt/``, or will.
    :param unsigned: an index that was signed may be replaced by one that is not.
    :raises MarketError: when what lies there is no marketplace, or one that is damaged.
    """

    def __init__(self, root: str, *, unsigned: bool = False) -> None:
        self.root = root
        self.unsigned = unsigned
        self.reader = FolderReader(root)
        self.files = Files(self.reader)
        self.settings: Settings = read_settings(root)
        self._text = ""
        self.index: dict[str, Any] | None = self._load_index()
        rows = [] if self.index is None else self.index["skills"]
        #: Id → row of the index.
        self.rows: dict[str, dict[str, Any]] = {row["id"]: row for row in rows}
        self.publishers: dict[str, dict[str, Any]] = (
            {} if self.index is None else dict(self.index["publishers"])
        )
        self._documents: dict[str, dict[str, Any]] = {}
        self._changed: set[str] = set()
        #: Id of a skill → its row, and the line of the index that it was read from.
        self._lines = self._old_lines(rows)
        self._slugs: dict[str, str] | None = None
        #: Number and bytes of a root of The Update Framework that the next commit writes.
        self.coming_root: tuple[int, bytes] | None = None

    def _load_index(self) -> dict[str, Any] | None:
        if not os.path.lexists(self.reader.path(INDEX)):
            return None
        data = self.reader.read(INDEX, INDEX_LIMIT)
        what = f"the index of {self.root}"
        found: dict[str, Any] = {}
        try:
            self._text = data.decode()
            found = json.loads(self._text)
            # Each row was judged when it was written; `kurt market verify` does it again.
            IndexMeta.of(found["meta"], what)
            whole = all(row.keys() >= _KEYS for row in found["skills"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            whole = False
        if not whole or not isinstance(found.get("publishers"), dict):
            raise MarketError(f"{what} is not what it should be", at=self.reader.path(INDEX))
        return found

    def _line(self, row: dict[str, Any]) -> str:
        old = self._lines.get(row["id"])
        return old[1] if old is not None and old[0] is row else to_text(row)

    def _old_lines(self, rows: list[dict[str, Any]]) -> dict[str, tuple[dict[str, Any], str]]:
        """Return the lines of rows in an index that this program has written; none else.

        To take the line as it is costs a tenth of writing the row anew.
        """
        lines = self._text.split("\n")[3:-2]
        self._text = ""
        if len(lines) != len(rows) or not all(
            line.startswith("{") and line.endswith(("}", "},")) for line in lines
        ):
            return {}
        pairs = zip(rows, lines, strict=True)
        return {row["id"]: (row, line.removesuffix(",")) for row, line in pairs}

    @property
    def changed(self) -> frozenset[str]:
        """The skills whose document will be another one."""
        return frozenset(self._changed)

    @property
    def snapshot(self) -> int:
        """The number of the index that lies there; 0 for none."""
        return 0 if self.index is None else int(self.index["meta"]["snapshot"])

    def document(self, name: str) -> dict[str, Any] | None:
        """Return the document of a skill as it is, or will be; None where there is none.

        :raises MarketError: when it is not what the index promises.
        """
        found = self._documents.get(name)
        row = self.rows.get(name)
        if found is None and row is not None:
            found = self._pointed(row["detail"], SKILL_LIMIT)
            SkillDocument.of(found, f"the document of {name}")
            self._documents[name] = found
        return found

    def put(self, document: dict[str, Any]) -> None:
        """Replace the document of a skill, at the next commit.

        :raises MarketError: when it is none.
        """
        SkillDocument.of(document, f"the document of {document.get('id')}")
        self._documents[document["id"]] = document
        self._changed.add(document["id"])

    def namesake(self, name: str) -> str | None:
        """Return the other skill that a name stands for too, to the importer or to pip, if any.

        ``com.example.x``, ``com-example-x`` and ``com_example.x`` are one module.
        """
        if self._slugs is None:
            self._slugs = {slug(one): one for one in sorted(self.rows)}
        other = self._slugs.setdefault(slug(name), name)
        return None if other == name else other

    def publisher(self, name: str) -> dict[str, Any]:
        """Return the document of a publisher; a new one where there is none."""
        pointer = self.publishers.get(name)
        if pointer is None:
            return {"meta": {"api-version": API_VERSION}, "name": name, "since": stamp()}
        return self._pointed(pointer, PUBLISHER_LIMIT)

    def put_publisher(self, document: dict[str, Any]) -> None:
        """Replace the document of a publisher at once beside the old, for the next commit."""
        PublisherDocument.of(document, f"the document of {document.get('name')}")
        name = document["name"]
        self.publishers[name] = self.files.named("publishers", name, document)

    def _pointed(self, pointer: Mapping[str, Any], limit: int) -> dict[str, Any]:
        data = self.reader.read(pointer["url"], limit)
        digests.check(data, pointer["digest"], pointer["url"], pointer["size"])
        found: dict[str, Any] = json.loads(data)
        return found

    def commit(
        self,
        *,
        advisories: Mapping[str, Any] | None = None,
        key: PrivateKey | None = None,
        renew: bool = False,
        also: Callable[[Books], None] | None = None,
        now: float | None = None,
    ) -> bool:
        """Write what has changed, the index last; return whether there is a new index.

        An index of which nothing has changed is written again once half of its time is up, and
        where another key signs it than before.

        :param advisories: all advisories; as they were if None.
        :param key: signs the index.
        :param renew: write a new index in any case.
        :param also: writes what others read, before the index.
        :param now: the time, for the documents.
        """
        for name in sorted(self._changed):
            document = self._documents[name]
            pointer = self.files.named("skills", name, document)
            self.rows[name] = listing(document, pointer)
        meta = self._meta(advisories, now)
        skills = [self.rows[name] for name in sorted(self.rows)]
        before = self.index
        unsigned = before is not None and "signatures" not in before["meta"]
        tuf_layer = self._layer()
        if tuf_layer is not None:
            renew = renew or tuf_layer.is_behind(self)
        if key is not None:
            renew = renew or key.id not in self._signers(before)
        else:
            renew = renew or (self.unsigned and before is not None and not unsigned)
        if before is not None and not renew and not self._is_due(before, now):
            same = {**meta, **{key: before["meta"].get(key) for key in _MOVING}}
            old = {**dict.fromkeys(_MOVING), **before["meta"]}
            if (same, skills, self.publishers) == (old, before["skills"], before["publishers"]):
                return False
        if key is None and before is not None and not unsigned:
            self._refuse_unsigned()
        if key is not None:
            meta["signatures"] = f"{V1}/signatures/{meta['snapshot']}.json"
        found = {"meta": meta, "publishers": self.publishers, "skills": skills}
        new = [self.rows[name] for name in sorted(self._changed)]
        Index.of({**found, "skills": new}, "the new index")
        lines = [self._line(row) for row in skills]
        data = to_lines({"meta": meta, "publishers": self.publishers}, "skills", lines)
        if key is not None:
            self.files.write(meta["signatures"], to_json(key.sign_index(data)))
        count = tuf_layer.write(self, data, key) if tuf_layer is not None else None
        if also is not None:
            self.index = found
            also(self)
        self.files.settle()
        os.makedirs(os.path.dirname(self.reader.path(INDEX)), exist_ok=True)
        write_atomically(self.reader.path(INDEX), data)
        self.index = found
        self._changed.clear()
        if count is not None:
            count()
        sweep(self.reader, before, found)
        return True

    def _layer(self) -> ModuleType | None:
        """Return what writes the metadata of The Update Framework, where there is a root."""
        if self.coming_root is None and not os.path.isdir(self.reader.path(TUF)):
            return None
        from . import tuf_layer

        return tuf_layer

    def _signers(self, index: Mapping[str, Any] | None) -> set[str]:
        """Return the ids of the keys that have signed an index; none where nobody can tell."""
        named = index["meta"].get("signatures") if index is not None else None
        if named is None:
            return set()
        try:
            document = json.loads(self.reader.read(named, _SIGNATURES_LIMIT))
            return {str(one["key"]) for one in document["signatures"]}
        except (MarketError, ValueError, KeyError, TypeError):
            return set()

    def _refuse_unsigned(self) -> None:
        if not self.unsigned:
            raise SignatureError(
                "the index was signed, and the new one would not be",
                cause="whoever trusts its key would refuse it",
                at=self.root,
                hint="name the key: --key NAME, or key = NAME in market.toml; "
                "without one from now on: kurt market build --unsigned",
            )

    def _meta(self, advisories: Mapping[str, Any] | None, now: float | None) -> dict[str, Any]:
        chosen = self.settings
        moment = seconds(stamp(now))
        meta: dict[str, Any] = {
            "api-version": API_VERSION,
            "name": chosen.name,
            "generated": stamp(moment),
            "expires": stamp(moment + chosen.days * _DAY),
            "snapshot": self.snapshot + 1,
        }
        for key in ("title", "homepage"):
            if getattr(chosen, key):
                meta[key] = getattr(chosen, key)
        if advisories is not None:
            if advisories["advisories"]:
                meta["advisories"] = self.files.named("advisories", "all", advisories)
        elif self.index is not None and "advisories" in self.index["meta"]:
            meta["advisories"] = self.index["meta"]["advisories"]
        return meta

    def _is_due(self, before: Mapping[str, Any], now: float | None) -> bool:
        """Return whether more than half of an index's time is up."""
        meta = before["meta"]
        begin, end = seconds(meta["generated"]), seconds(meta["expires"])
        return seconds(stamp(now)) - begin > (end - begin) / 2
