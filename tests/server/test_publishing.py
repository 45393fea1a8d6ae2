"""`kurt market publish` and `yank` to a server: what is sent, and what becomes of refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from market.conftest import CODE, write_skill

from kurt_ext.errors import (
    ConflictError,
    IntegrityError,
    KurtError,
    MarketError,
    NetworkError,
    NotFoundError,
    PluginValidationError,
    PolicyError,
    PublisherError,
    ReleaseExistsError,
    StorageError,
    UsageError,
)
from kurt_ext.market.credentials import token as token_of
from kurt_ext.market.keys import Keyring
from kurt_ext.market.proofs import Proof
from kurt_ext.market.publishers import change
from kurt_ext.market.reading import reader_of
from kurt_ext.market.remote import Remote
from kurt_ext.market.sending import send
from kurt_ext.market.verifying import verify
from kurt_ext.places import Places
from kurt_ext.server.database import connect
from kurt_ext.server.tokens import Tokens

from .conftest import DATABASES, serving
from .processes import served

slow = pytest.mark.slow


@pytest.fixture
def tokens(place: str) -> Iterator[Tokens]:
    database = connect(place, "market")
    yield Tokens(database)
    database.close()


@pytest.fixture
def ada(tokens: Tokens) -> str:
    """Return ada's token."""
    return tokens.new("ada")[1]


@pytest.fixture
def theirs(project: Path) -> Path:
    return write_skill(project / "theirs" / "caller")


def kurt(*words: str, code: int = 0, **environment: str) -> str:
    """Run the command, as its user does; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "kurt_ext", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert done.returncode == code, (words, done.returncode, done.stdout)
    return done.stdout


@slow
@pytest.mark.parametrize("kind", DATABASES)
def test_from_publishing_to_yanking(
    root: Path, theirs: Path, ada: str, place: str, kind: str, project: Path
) -> None:
    """Publish, search, install, publish the next, and yank it, as two people do."""
    env = {"KURT_MARKET_DATABASE": place} if kind == "postgres" else {}
    secret = project / "token"
    secret.write_text(ada + "\n")
    secret.chmod(0o600)
    with served(root, "--workers", "2", "--rate", "0", env=env) as server:
        to = ("--to", server.address)
        kurt("key", "new", "mine")
        said = kurt("market", "publish", str(theirs), *to, "--sign", "mine", KURT_MARKET_TOKEN=ada)
        assert said.startswith("Published ada/caller 1.0.0, score ") and "signed by" in said
        again = kurt("market", "publish", str(theirs), *to, "--token-file", str(secret))
        assert again.startswith("Published already: ada/caller 1.0.0") and "signed by" in again

        kurt("config", "set", "--scope", "user", "market.acme.url", server.address)
        assert "caller" in kurt("search", "caller")
        assert "Installed 1" in kurt("install", "caller", "--yes")
        assert "1.0.0" in kurt("info", "caller")

        (theirs / "skill.py").write_text(CODE + "# more\n")
        clear = kurt("market", "publish", str(theirs), *to, KURT_MARKET_TOKEN=ada, code=6)
        assert "published already, with another content" in clear
        assert "hint: give it a new version, after 1.0.0" in clear

        yank = ("market", "yank", "caller", "1.0.0", "--from", server.address)
        assert kurt(*yank, "--reason", "it shouts", KURT_MARKET_TOKEN=ada) == (
            "Yanked caller 1.0.0\n"
        )
        assert "it shouts" in kurt("audit", code=5)
        assert kurt(*yank, "--undo", KURT_MARKET_TOKEN=ada) == "Offered again: caller 1.0.0\n"
        kurt("audit")
        log = kurt("market", "log", str(root), "--json", **env)
    outcomes = [(row["action"], row["outcome"]) for row in json.loads(log)["data"]]
    assert outcomes == [
        ("upload", "done"),
        ("upload", "same"),
        ("upload", "refused"),
        ("yank", "done"),
        ("unyank", "done"),
    ]
    assert not verify(reader_of(str(root))).findings


@slow
def test_what_the_server_refuses_is_an_error_with_what_to_do(
    root: Path, places: Places, theirs: Path, tokens: Tokens, ada: str
) -> None:
    with serving(root, places) as address:
        remote = Remote(address, ada, pause=_never)
        with pytest.raises(PolicyError) as unknown:
            send(str(theirs), Remote(address, "kurt_wrong"))
        assert "with this token" in unknown.value.message
        assert "KURT_MARKET_TOKEN" in str(unknown.value.hint)

        (theirs / "skill.py").write_text(CODE + "\nimport os\nos.system('rm -rf ~')\n")
        with pytest.raises(PluginValidationError) as invalid:
            send(str(theirs), remote)
        found = invalid.value.validation_result.findings
        assert any(one.path == "skill.py" and one.line and one.fatal for one in found)
        assert "\n".join(map(str, found)) == invalid.value.cause
        assert str(invalid.value.at).startswith(f"{theirs}/skill.py:")

        taken = write_skill(theirs.parent / "greeter", "9.0.0")
        with pytest.raises(ConflictError) as another:
            send(str(taken), remote)
        assert "published by market, not by ada" in another.value.message
        with pytest.raises(PolicyError):
            remote.yank("greeter", "1.0.0", "no")
        with pytest.raises(NotFoundError):
            remote.yank("nobody", "1.0.0", "no")
        with pytest.raises(UsageError) as wrong:
            send(str(theirs), remote, publisher="eve")
        assert "publishes as ada, not as eve" in wrong.value.message

        with (root / "market.toml").open("a") as stream:
            stream.write("max-bytes = 100\nmax-files = 0\n")
        with pytest.raises(MarketError) as large:
            send(str(theirs), remote)
        assert "more than" in large.value.message and "max-bytes" in str(large.value.hint)

    with serving(root, places, uploads=1) as address:
        busy = Remote(address, tokens.new("eve")[1], pause=_never)
        with pytest.raises(NetworkError) as often:
            for _ in range(3):
                busy.publish(b"x", path="x")
        assert often.value.status == 429 and "try again in" in str(often.value.hint)


@slow
def test_the_first_key_is_the_publishers_and_another_must_be_listed(
    root: Path, places: Places, theirs: Path, ada: str
) -> None:
    ring = Keyring(places)
    first, second = ring.new("first"), ring.new("second")
    with serving(root, places) as address:
        remote = Remote(address, ada)
        assert send(str(theirs), remote, key=first).key == first.id
        write_skill(theirs, "1.1.0")
        with pytest.raises(PublisherError) as stranger:
            send(str(theirs), remote, key=second)
        assert f"--add-key {second.public}" in str(stranger.value.hint)
        change(str(root), "ada", add_key=second.public)
        assert send(str(theirs), remote, key=second).key == second.id
        assert send(str(theirs), remote).key == second.id
        change(str(root), "ada", revoke_key=second.id)
        write_skill(theirs, "1.2.0")
        with pytest.raises(ConflictError) as revoked:
            send(str(theirs), remote, key=second)
        assert "is revoked" in revoked.value.message
        forged = Proof(first.raw, Proof.of(first, "caller", _other()).signature)
        with pytest.raises(MarketError) as wrong:
            remote.publish(_zip(theirs), path=str(theirs), proof=forged)
        assert "not over caller 1.2.0" in wrong.value.message
    assert not verify(reader_of(str(root))).findings


def _other() -> dict[str, Any]:
    return {
        "source": {"digest": "sha256:" + "0" * 64},
        "permissions-digest": "sha256:" + "0" * 64,
        "publisher": "ada",
        "version": "1.2.0",
    }


def _zip(folder: Path) -> bytes:
    from .test_uploads import packed

    return packed(folder)


@slow
def test_a_wheel_is_sent_by_its_path(root: Path, places: Places, project: Path, ada: str) -> None:
    wheel = project / "greet_more-1.0.0-py3-none-any.whl"
    _write_wheel(wheel)
    key = Keyring(places).new("mine")
    with serving(root, places) as address:
        found = send(str(wheel), Remote(address, ada), key=key)
        assert (found.name, found.new, found.key) == ("greet-more", True, key.id)
        assert not send(str(wheel), Remote(address, ada)).new


def _write_wheel(path: Path) -> None:
    import zipfile

    info = "greet_more-1.0.0.dist-info/"
    about = "Metadata-Version: 2.1\nName: greet-more\nVersion: 1.0.0\nSummary: Greets somebody.\n"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("greet_more.py", CODE)
        made.writestr(info + "METADATA", about + "License: MIT\nAuthor: Ada\n")
        made.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(info + "entry_points.txt", "[kurt.tool]\ngreet = greet_more:Greet\n")
        made.writestr(info + "RECORD", "")


# -- servers that misbehave ----------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes]
HOLDER = json.dumps({"publisher": "ada", "max_bytes": 1 << 20, "max_wheel_bytes": 1}).encode()


class Odd(HTTPServer):
    """A server that answers as it is told, in turn; None hangs up."""

    def __init__(self, answers: list[Answer | None]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, bytes, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        assert isinstance(self.server, Odd)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        secret = self.headers.get("authorization", "")
        self.server.asked.append((self.command, self.path, body, secret))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, headers, data = answer
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[Callable[..., tuple[Odd, str]]]:
    """Return a function that starts a server that gives these answers."""
    started = []

    def start(*answers: Answer | None) -> tuple[Odd, str]:
        server = Odd(list(answers))
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server, f"http://127.0.0.1:{server.server_port}/shop"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def _never(seconds: float) -> None:
    raise AssertionError(f"nobody waits {seconds} seconds here")


def _receipt(**more: Any) -> bytes:
    row = {
        "plugin_id": "caller",
        "version": "1.0.0",
        "publisher": "ada",
        "new": True,
        "security_score": 90,
        "digest": "sha256:" + "1" * 64,
        "signed_by": None,
        "snapshot": 3,
    }
    return json.dumps({**row, **more}).encode()


def test_a_server_that_is_busy_is_asked_again_with_the_same_bytes(odd: Any) -> None:
    waits: list[float] = []
    server, url = odd(
        (503, {"Retry-After": "7"}, b"{}"), None, (502, {}, b"<html>"), (201, {}, _receipt())
    )
    receipt = Remote(url, "kurt_x", pause=waits.append).publish(b"zip", path="x")
    assert receipt.version == "1.0.0" and receipt.security_score == 90
    assert waits[0] == 7 and len(waits) == 3
    assert set(server.asked) == {("POST", "/shop/api/v1/plugins", b"zip", "Bearer kurt_x")}


def test_patience_has_an_end(odd: Any) -> None:
    problem = json.dumps({"error": {"code": "locked", "message": "others write"}}).encode()
    _, url = odd(*[(503, {"Retry-After": "9999"}, problem)] * 8)
    waits: list[float] = []
    with pytest.raises(NetworkError) as caught:
        Remote(url, "kurt_x", pause=waits.append).publish(b"zip", path="x")
    assert len(waits) == 7 and max(waits) <= 30
    assert caught.value.status == 503 and "others write" in str(caught.value.cause)


def test_who_is_not_there_is_told() -> None:
    waits: list[float] = []
    with pytest.raises(NetworkError) as caught:
        Remote("http://127.0.0.1:1/", "kurt_x", pause=waits.append).holder()
    assert caught.value.exit_code == 7 and caught.value.hint
    assert sum(waits) < 5


def test_who_waits_is_told_of_it(
    odd: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from kurt_ext.commands.market_server import the_server
    from kurt_ext.session import Session

    waits: list[float] = []
    monkeypatch.setattr("kurt_ext.commands.market_server.time.sleep", waits.append)
    monkeypatch.setenv("KURT_MARKET_TOKEN", "kurt_x")
    _, url = odd((503, {"Retry-After": "5"}, b""), (200, {}, HOLDER))
    assert the_server(Session(), url, None).holder().publisher == "ada"
    assert waits == [5]
    assert "is busy, and is asked again in 5 seconds" in capfd.readouterr().err


def test_a_token_follows_no_redirect(odd: Any) -> None:
    other, elsewhere = odd()
    _, url = odd((307, {"Location": elsewhere}, b""))
    with pytest.raises(MarketError) as caught:
        Remote(url, "kurt_x").holder()
    assert elsewhere in str(caught.value.cause) and "--to URL" in str(caught.value.hint)
    assert other.asked == []


@pytest.mark.parametrize(
    ("status", "data", "error", "word"),
    [
        (200, b"<html>hello</html>", MarketError, "no server"),
        (404, b"not found", MarketError, "no server"),
        (405, b"", MarketError, "no server"),
        (200, b"[]", MarketError, "no server"),
        (200, b"[" * 100_000, MarketError, "no server"),
        (200, b'{"publisher": 1}', MarketError, "cannot be understood"),
        (
            200,
            b'{"publisher": "ada", "max_bytes": true, "max_wheel_bytes": 1}',
            MarketError,
            "cannot be understood",
        ),
        (200, b"x" * (2 << 20), IntegrityError, "more than"),
        (401, b"", PolicyError, "token"),
        (403, b'{"error": {"code": "forbidden", "message": "no"}}', PolicyError, "no"),
        (404, b'{"error": {"code": "not-found", "message": "none"}}', NotFoundError, "none"),
        (409, b'{"error": {"code": "release-exists", "message": "m"}}', ReleaseExistsError, "m"),
        (409, b'{"error": {"code": "?", "message": "m"}}', ConflictError, "m"),
        (413, b"{}", MarketError, "more than"),
        (422, b'{"error": {"code": "archive-refused", "message": "m"}}', MarketError, "m"),
        (422, b'{"error": {"code": "what", "message": 7}}', MarketError, "does not say why"),
        (422, b"{}", MarketError, "does not say why"),
        (429, b"{}", NetworkError, "too often"),
        (500, b"oh", NetworkError, "cannot do it now"),
        (
            422,
            b'{"error": {"code": "validation-failed", "findings": [1, {"severity": "odd"}, '
            b'{"severity": "high", "message": "m", "line": -1, "path": 5}]}}',
            PluginValidationError,
            "validator",
        ),
    ],
)
def test_each_answer_is_an_error_of_its_own(
    odd: Any, status: int, data: bytes, error: type[KurtError], word: str
) -> None:
    _, url = odd((status, {}, data))
    with pytest.raises(error) as caught:
        Remote(url, "kurt_secret", pause=_never).holder()
    assert word in caught.value.message
    assert "kurt_secret" not in caught.value.render()


def test_what_was_published_must_be_what_was_sent(odd: Any, theirs: Path) -> None:
    for wrong in ({}, {"publisher": "eve"}, {"version": "2.0.0"}, {"plugin_id": "other"}):
        _, url = odd((200, {}, HOLDER), (201, {}, _receipt(**wrong)))
        with pytest.raises(IntegrityError):
            send(str(theirs), Remote(url, "kurt_x", pause=_never))


# -- the token -----------------------------------------------------------------------


def test_a_token_is_read_where_no_other_can(project: Path) -> None:
    file = project / "token"
    file.write_text(" kurt_abc \n")
    file.chmod(0o600)
    assert token_of(str(file), {"KURT_MARKET_TOKEN": "kurt_other"}) == "kurt_abc"
    assert token_of(None, {"KURT_MARKET_TOKEN": "kurt_other\n"}) == "kurt_other"
    file.chmod(0o640)
    with pytest.raises(StorageError) as caught:
        token_of(str(file), {})
    assert caught.value.hint == f"chmod 600 {file}"
    os.mkfifo(project / "pipe", 0o600)
    with pytest.raises(StorageError):
        token_of(str(project / "pipe"), {})


@pytest.mark.parametrize("text", ["", " ", "two words", "x" * 600, "caf\u00e9", "a\x1bb"])
def test_what_is_no_token_is_not_sent(text: str, project: Path) -> None:
    with pytest.raises(UsageError) as caught:
        token_of(None, {"KURT_MARKET_TOKEN": text})
    assert not text.strip() or text not in caught.value.render()
    file = project / "token"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(UsageError):
        token_of(str(file), {})


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("publish theirs/caller --to https://skills.test", 2, "KURT_MARKET_TOKEN"),
        ("publish theirs/caller --to http://skills.test", 1, "not encrypted"),
        ("publish theirs/caller --to https://a:b@skills.test", 1, "password"),
        ("publish theirs/caller --to https://skills.test --key x", 2, "--key is for a folder"),
        ("publish theirs/caller --to m --token-file x", 2, "--token-file is for a server"),
        ("publish theirs/caller --to https://skills.test --token-file x", 2, "cannot be read"),
        ("yank caller 1.0.0 --from https://skills.test --undo", 2, "KURT_MARKET_TOKEN"),
        ("yank caller 1.0.0 --from https://skills.test --undo --key x", 2, "--key"),
    ],
)
def test_words_that_do_not_fit_a_server(
    theirs: Path, words: str, code: int, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from kurt_ext.cli import run

    assert run(["market", *words.split()]) == code
    assert says in capfd.readouterr().err


def test_a_market_that_may_be_asked_without_encryption_may_be_published_to(
    theirs: Path, project: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kurt_ext.commands.market_server import the_server
    from kurt_ext.session import Session

    kurt("config", "set", "--scope", "user", "market.inner.url", "http://skills.test/")
    kurt("config", "set", "--scope", "user", "market.inner.allow_http", "true")
    monkeypatch.setenv("KURT_MARKET_TOKEN", "kurt_x")
    assert the_server(Session(), "http://skills.test", None).url == "http://skills.test/"
    with pytest.raises(MarketError):
        the_server(Session(), "http://other.test", None)
