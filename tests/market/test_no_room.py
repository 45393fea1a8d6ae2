"""Where nothing can be written, a market is told so, and read all the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.places import Places

from .shops import Kurt, Shop

ID = "com.example.archiver"


@pytest.fixture
def stall(tmp_path: Path, kurt: Kurt) -> Shop:
    """Return the user's market, a folder with one plugin."""
    made = Shop(tmp_path / "market")
    made.sell(ID)
    made.open()
    assert kurt("config", "set", "--scope", "user", "market.stall.url", str(made.root)).code == 0
    return made


Deny = Callable[..., None]


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Deny:
    """Return a function that lets nothing be made below a folder any more, even for root."""

    def below(folder: Path | str, reason: int = errno.EROFS) -> None:
        base = os.path.realpath(folder)
        whole = os.open, os.mkdir

        def refuse(path: Any) -> None:
            if isinstance(path, str) and os.path.abspath(path).startswith(base):
                raise OSError(reason, os.strerror(reason), path)

        def opened(path: Any, flags: int, *more: Any, **words: Any) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                refuse(path)
            return whole[0](path, flags, *more, **words)

        def made(path: Any, *more: Any, **words: Any) -> None:
            refuse(path)
            whole[1](path, *more, **words)

        monkeypatch.setattr(os, "open", opened)
        monkeypatch.setattr(os, "mkdir", made)

    return below


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    stall: Shop, kurt: Kurt, deny: Deny, project: Path
) -> None:
    Path(Places().cache).mkdir(parents=True, exist_ok=True)
    (Path(Places().cache) / "markets").write_text("in the way")
    assert [row["id"] for row in kurt("search").data["skills"]] == [ID]
    assert kurt("install", ID).code == 0
    assert kurt("outdated").code == 0


def test_what_was_seen_and_cannot_be_noted_is_told(stall: Shop, kurt: Kurt, deny: Deny) -> None:
    deny(Places().data)
    found = kurt("search")
    assert [row["id"] for row in found.data["skills"]] == [ID]
    assert "Read-only file system" in found.warning("market-not-noted")["message"]


@pytest.mark.parametrize("reason", [errno.EROFS, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize(
    "words",
    [
        ("market", "mirror", "MARKET", "deep/mirror"),
        ("market", "publish", f"MARKET/skills/{ID}", "--to", "deep/new"),
        ("market", "build", "MARKET"),
        ("market", "yank", ID, "1.0.0", "--from", "MARKET", "--reason", "x"),
        ("market", "status", ID, "archived", "--from", "MARKET"),
        ("key", "new", "mine"),
        ("install", ID),
        ("uninstall", ID),
        ("prune",),
    ],
    ids=lambda value: value if isinstance(value, int) else " ".join(value[:2]),
)
def test_whoever_writes_says_where_it_cannot(
    stall: Shop, kurt: Kurt, deny: Deny, tmp_path: Path, words: tuple[str, ...], reason: int
) -> None:
    if words[0] == "uninstall":
        assert kurt("install", ID).code == 0
    before = sorted(map(str, stall.root.rglob("*")))
    stall.sell(ID, "1.1.0")
    deny(tmp_path / "project", reason)
    deny(tmp_path / "market", reason)
    deny(tmp_path / "home", reason)
    ran = kurt(*[word.replace("MARKET", str(stall.root)) for word in words])
    assert ran.code == 1, ran
    assert "unexpectedly" not in ran["error"]["message"], ran
    assert os.strerror(reason) in ran["error"]["cause"]
    assert set(before) >= {path for path in before if os.path.exists(path)}
