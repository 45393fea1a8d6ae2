"""A server that lies, breaks off or leads astray leaves what was there, and is told of."""

from __future__ import annotations

import os
import socket
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import IntegrityError, KurtError, MarketError, NetworkError
from kurt_ext.market import fetching
from kurt_ext.market.fetching import HttpReader, refuse_address
from kurt_ext.market.reading import reader_of

from .shops import served

PAGE = bytes(range(256)) * 64  # 16 KiB


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_PAUSE", 0.001)
    monkeypatch.setattr(fetching, "_LONGEST_PAUSE", 0.01)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "page").write_bytes(PAGE)
    return folder


def answer(handler: BaseHTTPRequestHandler, status: int, data: bytes = b"", **headers: str) -> bool:
    handler.send_response(status)
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    for key, value in {"Content-Length": str(len(data)), **named}.items():
        handler.send_header(key, value)
    handler.end_headers()
    handler.wfile.write(data)
    return True


@pytest.mark.parametrize("sent", range(0, len(PAGE), 4096))
@pytest.mark.parametrize("lying", [False, True], ids=["with-length", "without-length"])
def test_a_connection_that_is_cut_is_told_and_tried_again(
    root: Path, sent: int, lying: bool
) -> None:
    def cut(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        handler.send_response(200)
        if lying:
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"4000\r\n" + data[:sent])
        else:
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:sent])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    with served(root, cut) as server:
        with pytest.raises(NetworkError):
            HttpReader(server.url).read("page", 1 << 20)
        assert len(server.asked) == 3
        server.mischief = None
        assert HttpReader(server.url).read("page", 1 << 20) == PAGE


def test_a_server_that_recovers_is_not_noticed(root: Path) -> None:
    left = [503, 500]

    def ailing(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        return answer(handler, left.pop()) if left else False

    with served(root, ailing) as server:
        assert HttpReader(server.url).read("page", 1 << 20) == PAGE


@pytest.mark.parametrize(
    ("length", "error"),
    [(1 << 40, IntegrityError), (len(PAGE) + 1, NetworkError)],
    ids=["more-than-allowed", "more-than-sent"],
)
def test_a_size_that_is_a_lie_is_refused(root: Path, length: int, error: type[KurtError]) -> None:
    def lying(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        return answer(handler, 200, data, Content_Length=str(length))

    with served(root, lying) as server, pytest.raises(error):
        HttpReader(server.url).read("page", 1 << 20)


def test_what_has_no_end_is_ended(root: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    with served(root, endless) as server, pytest.raises(IntegrityError, match="more than"):
        HttpReader(server.url).read("page", 1 << 20)


def test_what_comes_too_slowly_is_ended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_WHOLE", 0.2)
    monkeypatch.setattr(fetching, "_PER_MIB", 0.0)

    def dripping(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(50):
            handler.wfile.write(b"x" * 70_000)
            time.sleep(0.02)
        return True

    with served(root, dripping) as server, pytest.raises(NetworkError, match="slowly"):
        HttpReader(server.url).read("page", 1 << 30)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("http://evil.example/page", "another host"),
        ("//evil.example/page", "another host"),
        ("http://2130706433/page", "another host"),
        ("file:///etc/passwd", "another host"),
        ("ftp://127.0.0.1/page", "no way to a market"),
        ("http://user:secret@127.0.0.1/page", "password"),
        ("", "times"),
        ("/page", "times"),
    ],
)
def test_a_redirect_leads_nowhere_else(root: Path, target: str, message: str) -> None:
    def leading(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        return answer(handler, 302, Location=target)

    with served(root, leading) as server, pytest.raises((MarketError, NetworkError)) as caught:
        HttpReader(server.url).read("page", 1 << 20)
    assert message in f"{caught.value.message} {caught.value.cause}"


def test_a_redirect_to_a_host_that_is_named_is_followed(root: Path) -> None:
    with served(root) as other:
        far = other.url.replace("127.0.0.1", "localhost") + "page"

        def leading(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
            return answer(handler, 307, Location=far)

        with served(root, leading) as server:
            assert HttpReader(server.url, hosts=["localhost"]).read("page", 1 << 20) == PAGE
            with pytest.raises(MarketError, match="another host"):
                HttpReader(server.url).read("page", 1 << 20)


def test_a_token_is_sent_to_the_market_alone(root: Path) -> None:
    seen: list[tuple[int, str | None]] = []

    def noting(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        port = handler.server.server_port  # type: ignore[attr-defined]
        seen.append((port, handler.headers.get("Authorization")))
        return False

    with served(root, noting) as other:

        def leading(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
            noting(handler, data)
            return answer(handler, 302, Location=other.url + "page")

        with served(root, leading) as server:
            HttpReader(server.url, token="secret").read("page", 1 << 20)
            ports = (server.server_port, other.server_port)
    assert seen == [(ports[0], "Bearer secret"), (ports[1], None)]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://shop.example/", True),
        ("https://shop.example:8443/base/", True),
        ("http://127.0.0.1:80/", True),
        ("http://localhost/", True),
        ("http://[::1]:8000/", True),
        ("http://shop.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost.evil.example/", False),
        ("https://user:pw@shop.example/", False),
        ("https://user@shop.example/", False),
        ("https://shop.example/#x", False),
        ("https:///nowhere", False),
        ("https://shop.example:99999/", False),
        ("https://shop.example /", False),
        ("https://shöp.example/", False),
        ("ftp://shop.example/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_an_address_is_encrypted_and_plain(url: str, allowed: bool) -> None:
    if allowed:
        refuse_address(url)
    else:
        with pytest.raises(MarketError):
            refuse_address(url)
    if url == "http://shop.example/":
        refuse_address(url, allow_http=True)


@pytest.mark.parametrize(
    "reference", ["../secret", "/etc/passwd", "a/../../b", "a\\b", "C:x", "", "a//b", "nul"]
)
def test_a_reference_that_leads_out_is_never_asked_for(root: Path, reference: str) -> None:
    with served(root) as server:
        with pytest.raises(MarketError, match="no reference"):
            HttpReader(server.url).read(reference, 100)
        assert server.asked == []


def test_a_base_path_is_kept(root: Path) -> None:
    (root / "base").mkdir()
    (root / "base" / "page").write_bytes(b"below")
    with served(root) as server:
        assert HttpReader(server.url + "base").read("page", 100) == b"below"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, MarketError),
        (410, MarketError),
        (401, NetworkError),
        (403, NetworkError),
        (418, NetworkError),
        (429, NetworkError),
    ],
)
def test_a_refusal_is_told(root: Path, status: int, error: type[KurtError]) -> None:
    def refusing(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        return answer(handler, status, b"", Retry_After="7")

    with served(root, refusing) as server, pytest.raises(error) as caught:
        HttpReader(server.url).read("page", 100)
    assert str(status) in str(caught.value.cause)


def test_what_is_packed_unasked_is_refused(root: Path) -> None:
    def packing(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        return answer(handler, 200, b"\x1f\x8b", Content_Encoding="gzip")

    with served(root, packing) as server, pytest.raises(MarketError, match="encoded"):
        HttpReader(server.url).read("page", 100)


def test_nobody_there_is_told() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with pytest.raises(NetworkError, match="cannot be had"):
        HttpReader(f"http://127.0.0.1:{port}/").read("page", 100)


def test_what_speaks_no_http_is_told(root: Path) -> None:
    def babbling(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        handler.wfile.write(b"\0\1\2 not http at all\r\n\r\n")
        return True

    with served(root, babbling) as server, pytest.raises(NetworkError):
        HttpReader(server.url).read("page", 100)


def test_the_last_good_copy_is_asked_about_and_kept(root: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    with served(root) as server:
        first = HttpReader(server.url, cache=cache)
        copy = first.current("page", 1 << 20)
        assert copy.data == PAGE and copy.trouble is None
        assert HttpReader(server.url, cache=cache).offline("page") is None  # not accepted yet
        first.accept()
        again = HttpReader(server.url, cache=cache).current("page", 1 << 20)
        assert again.data is None and again.digest == copy.digest
        kept = HttpReader(server.url, cache=cache)
        assert kept.kept("page", 1 << 20) == PAGE
        os.utime(next(Path(cache).iterdir()), (1, 1))
    gone = HttpReader(server.url, cache=cache).current("page", 1 << 20)
    assert gone.trouble is not None and gone.seen == 1 and gone.digest == copy.digest
    offline = HttpReader(server.url, cache=cache).offline("page")
    assert offline is not None and offline.digest == copy.digest


@pytest.mark.parametrize(("age", "seen"), [(0, b"new"), (60, PAGE)])
def test_what_changed_a_moment_ago_is_not_believed_to_be_the_same(
    root: Path, tmp_path: Path, age: int, seen: bytes
) -> None:
    def in_whole_seconds(handler: BaseHTTPRequestHandler, data: bytes) -> bool:
        same = "If-Modified-Since" in handler.headers
        handler.send_response(304 if same else 200)
        handler.send_header("Last-Modified", formatdate(time.time() - age, usegmt=True))
        handler.send_header("Content-Length", str(0 if same else len(data)))
        handler.end_headers()
        handler.wfile.write(b"" if same else data)
        return True

    with served(root, in_whole_seconds) as server:
        reader = HttpReader(server.url, cache=str(tmp_path / "cache"))
        assert reader.current("page", 1 << 20).data == PAGE
        reader.accept()
        (root / "page").write_bytes(b"new")
        assert (reader.current("page", 1 << 20).data or PAGE) == seen


@pytest.mark.parametrize("harm", [b"", b"{}\n", b"no json\n", b'{"digest": "sha256:00"}\nx'])
def test_a_damaged_copy_is_asked_for_anew(root: Path, tmp_path: Path, harm: bytes) -> None:
    cache = tmp_path / "cache"
    with served(root) as server:
        first = HttpReader(server.url, cache=str(cache))
        first.current("page", 1 << 20)
        first.accept()
        (kept,) = cache.iterdir()
        kept.write_bytes(harm)
        copy = HttpReader(server.url, cache=str(cache)).current("page", 1 << 20)
        assert copy.data == PAGE


def test_a_copy_whose_bytes_changed_is_not_used(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with served(root) as server:
        first = HttpReader(server.url, cache=str(cache))
        first.current("page", 1 << 20)
        first.accept()
        (kept,) = cache.iterdir()
        data: Any = kept.read_bytes()
        kept.write_bytes(data[:-1] + b"!")
        with pytest.raises(MarketError, match="damaged"):
            first.kept("page", 1 << 20)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with served(root) as server:
        reader = HttpReader(server.url, cache=str(tmp_path / "file" / "cache"))
        assert reader.current("page", 1 << 20).data == PAGE
        reader.accept()


@pytest.mark.parametrize("location", ["file://[", "FILE://[", "http://[", "https://[::1/"])
def test_an_address_that_is_none_is_refused_in_words(location: str) -> None:
    with pytest.raises(MarketError, match="is no address"):
        reader_of(location)
