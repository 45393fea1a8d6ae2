"""The API and the files of a marketplace, as its clients ask for them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from hashlib import sha256
from pathlib import Path

import pytest
from market.conftest import write_skill
from starlette.testclient import TestClient

from kurt_ext import PluginRegistry
from kurt_ext.market.building import build
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.publishing import set_status, yank
from kurt_ext.market.reading import reader_of
from kurt_ext.places import Places

from .conftest import Serve

ADVISORY = {
    "id": "ACME-1",
    "modified": "2026-11-21T12:00:00Z",
    "summary": "greets the wrong person",
    "affected": [
        {
            "package": {"ecosystem": "Kurt:market", "name": "greeter"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.1.0"}]}],
        }
    ],
}


def test_every_file_of_the_index_is_served_where_it_lies(client: TestClient, root: Path) -> None:
    count = 0
    for base in ("kurt", "files", "simple", ".well-known", ".claude-plugin"):
        for path in (root / base).rglob("*"):
            if path.is_file():
                answer = client.get("/" + path.relative_to(root).as_posix())
                assert answer.status_code == 200 and answer.content == path.read_bytes(), path
                assert answer.headers["x-content-type-options"] == "nosniff"
                count += 1
    assert count > 12


@pytest.mark.parametrize(
    "path",
    [
        "/market.toml",
        "/.market.lock",
        "/.made.json",
        "/skills/greeter/SKILL.md",
        "/files/../market.toml",
        "/files/%2e%2e/market.toml",
        "/files/..%2fmarket.toml",
        "/files//etc/passwd",
        "/files/sha256",
        "/files/sha256/",
        "/kurt/v1/skills",
        "/kurt/v1/%00",
        "/kurt/v1/a%5cb",
        "/simple/../market.toml",
        "/kurt/v1/" + "a/" * 30 + "x",
    ],
)
def test_nothing_else_is(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_link_in_the_folder_leads_nowhere(client: TestClient, root: Path) -> None:
    (root / "kurt" / "v1" / "way").symlink_to(root / "market.toml")
    assert client.get("/kurt/v1/way").status_code == 404


def test_what_has_a_digest_in_its_name_is_kept_for_ever(client: TestClient, root: Path) -> None:
    index = json.loads((root / "kurt/v1/index.json").read_text())
    detail = client.get("/" + index["skills"][0]["detail"]["url"])
    assert "immutable" in detail.headers["cache-control"]
    document = detail.json()
    archive = client.get("/" + document["releases"][0]["source"]["archive"]["url"])
    assert "immutable" in archive.headers["cache-control"]
    assert archive.headers["content-disposition"] == "attachment"
    assert client.get("/kurt/v1/index.json").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/kurt/v1/index.json",
        "/.well-known/agent-skills/index.json",
        "/",
        "/skills/greeter",
        "/publishers/market",
        "/api/v1/plugins/search?query=greet",
        "/api/v1/plugins/greeter",
        "/api/v1/plugins/greeter/versions/latest",
        "/api/v1/plugins/greeter/versions/1.0.0/download",
    ],
)
def test_what_is_as_it_was_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    again = client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    head = client.head(path)
    if "download" not in path:
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == tag


def test_a_search_answers_as_the_document_says(client: TestClient) -> None:
    found = client.get(
        "/api/v1/plugins/search",
        params={"query": "greeting", "plugin_type": "tool", "tags": "demo,greeting", "limit": 1},
    ).json()
    assert found["total"] == 2 and len(found["plugins"]) == 1
    row = found["plugins"][0]
    assert row["plugin_id"] == "greeter" and row["version"] == "1.1.0"
    assert row["description"].startswith("Greets") and row["downloads"] == 0
    assert row["rating"] is None
    second = client.get("/api/v1/plugins/search?q=greeting&offset=1").json()
    assert [row["plugin_id"] for row in second["plugins"]] == ["waver"]


def test_typing_errors_are_forgiven_and_told(client: TestClient) -> None:
    found = client.get("/api/v1/plugins/search?query=greetr").json()
    assert found["corrected"] == {"greetr": "greeter"}


@pytest.mark.parametrize(
    "query",
    [
        *('"', "*", "NEAR(", "a OR b", "id:greeter", "') --", "\x00", "\ud7ff", "-", "^", "{", "%"),
        "a" * 256,
        "é" * 200,
        " ".join("abcdefgh"),
    ],
)
def test_no_query_is_read_as_syntax(client: TestClient, query: str) -> None:
    answer = client.get("/api/v1/plugins/search", params={"query": query})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=x", "offset=-1", "offset=99999999999", "min_score=nan"),
        "query=" + "a" * 257,
    ],
)
def test_what_is_out_of_bounds_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/plugins/search?{query}").status_code == 422


def test_a_version_tells_where_it_is_downloaded_and_its_checksum(client: TestClient) -> None:
    told = client.get("/api/v1/plugins/greeter/versions/1.1.0").json()
    assert told["download_url"].startswith("http://skills.test/api/v1/plugins/greeter/")
    answer = client.get(told["download_url"])
    assert "sha256:" + sha256(answer.content).hexdigest() == told["checksum"]
    assert answer.headers["x-checksum-sha256"] in told["checksum"]
    assert told["permissions_in_words"] == ["talk to every host beneath example.org"]
    assert told["manifest"]["id"] == "greeter"


def test_downloads_are_counted_and_outlive_the_server(serve: Serve) -> None:
    first = serve()
    for _ in range(3):
        first.get("/api/v1/plugins/greeter/versions/latest/download")
    first.__exit__(None, None, None)
    first.__exit__ = lambda *_: None  # type: ignore[method-assign,misc]
    assert serve().get("/api/v1/plugins/greeter").json()["downloads"] == 3


def test_an_archive_that_kurt_takes_is_counted_too(client: TestClient, root: Path) -> None:
    (path,) = root.glob("files/archives/*/greeter-1.1.0.zip")
    address = "/" + path.relative_to(root).as_posix()
    client.head(address)
    tag = client.get(address).headers["etag"]
    client.get(address, headers={"If-None-Match": tag})
    assert client.get("/api/v1/plugins/greeter").json()["downloads"] == 1


def test_the_host_that_was_asked_is_the_one_that_is_told(client: TestClient) -> None:
    path = "/api/v1/plugins/greeter/versions/latest"
    for host in ("one.test", "two.test"):
        told = client.get(path, headers={"Host": host}).json()
        assert told["download_url"].startswith(f"http://{host}/")
    for host in ("evil.test/x", "a b", "<script>", ""):
        assert client.get(path, headers={"Host": host}).status_code == 400


def test_a_url_that_was_given_is_told_whatever_host_is_named(serve: Serve) -> None:
    told = serve(url="https://skills.example.org/").get("/api/v1/plugins/greeter").json()
    assert told["url"] == "https://skills.example.org/skills/greeter"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/plugins/nobody",
        "/api/v1/plugins/greeter/versions/9.9.9",
        "/api/v1/plugins/..%2f..%2fetc",
        "/api/v1/plugins/%00",
        "/api/v1/plugins/gr%C3%A9eter",
        "/api/v1/nothing",
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_yanked_version_and_an_advisory_are_told(
    client: TestClient, root: Path, places: Places
) -> None:
    (root / "kurt/v1/advisories/ACME-1.json").parent.mkdir(exist_ok=True)
    (root / "kurt/v1/advisories/ACME-1.json").write_text(json.dumps(ADVISORY))
    build(str(root), places)
    yank(str(root), "greeter", "1.1.0", "it greets nobody")
    told = client.get("/api/v1/plugins/greeter").json()
    assert told["version"] == "1.0.0"
    rows = {row["version"]: row for row in told["versions"]}
    assert rows["1.1.0"]["yanked_reason"] == "it greets nobody"
    assert rows["1.0.0"]["advisories"] == ["ACME-1"]
    page = client.get("/skills/greeter/1.1.0").text
    assert "it greets nobody" in page
    assert "greets the wrong person" in client.get("/skills/greeter").text


def test_of_what_is_quarantined_nothing_is_given(client: TestClient, root: Path) -> None:
    set_status(str(root), "greeter", "quarantined", "it steals")
    answer = client.get("/api/v1/plugins/greeter/versions/1.0.0/download")
    assert answer.status_code == 403
    assert client.get("/api/v1/plugins/greeter/versions/1.0.0").json()["available"] is False
    assert "it steals" in client.get("/skills/greeter").text


def test_what_is_published_meanwhile_is_served_at_once(
    client: TestClient, root: Path, places: Places
) -> None:
    assert client.get("/api/v1/plugins/caller").status_code == 404
    write_skill(root / "skills" / "caller")
    build(str(root), places)
    assert client.get("/api/v1/plugins/caller").status_code == 200
    assert "caller" in client.get("/").text


def test_a_broken_index_leaves_the_one_before(client: TestClient, root: Path) -> None:
    (root / "kurt/v1/index.json").write_text("{")
    assert client.get("/api/v1/plugins/greeter").status_code == 200
    (root / "kurt/v1/index.json").unlink()
    assert client.get("/api/v1/plugins/greeter").status_code == 200


def test_whoever_asks_too_much_waits(serve: Serve) -> None:
    client = serve(rate=0.001, burst=3)
    assert [client.get("/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert int(client.get("/").headers["retry-after"]) > 0


def test_it_tells_nothing_of_this_machine(client: TestClient, root: Path) -> None:
    for path in (root / "kurt/v1/skills").iterdir():
        path.write_text("{}")
    for path in ("/api/v1/plugins/greeter", "/skills/greeter"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert str(root) not in answer.text and "/tmp" not in answer.text


def test_the_registry_of_the_document_works_over_the_server(
    serve: Serve, root: Path, project: Path, live: str
) -> None:
    async def story() -> None:
        folder = project / "plugins"
        folder.mkdir()
        async with PluginRegistry(folder, marketplace_url=live) as registry:
            found = await registry.search_marketplace("greeter", limit=1)
            assert [row.plugin_id for row in found] == ["greeter"]
            path = await registry.download_plugin("greeter", "1.0.0")
            installed = await registry.install_plugin("greeter", path)
            assert (installed / "skill.py").is_file()

    asyncio.run(story())


def test_a_mirror_is_made_of_the_server(root: Path, project: Path, live: str) -> None:
    mirror(reader_of(live), str(project / "copy"))
    assert (project / "copy/kurt/v1/index.json").read_bytes() == (
        root / "kurt/v1/index.json"
    ).read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="ended by a signal of Unix")
def test_the_command_serves_until_it_is_interrupted(root: Path) -> None:
    line = [sys.executable, "-m", "kurt_ext", "market", "serve", str(root), "--port", "0"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address is not None, said
        with urllib.request.urlopen(address[0] + "api/v1/plugins/greeter") as answer:
            assert json.load(answer)["plugin_id"] == "greeter"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
