"""Publishing through the server: who may, what is refused, and what stays."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from market.conftest import CODE, write_skill
from starlette.testclient import TestClient

from kurt_ext.market.verifying import verify
from kurt_ext.places import Places
from kurt_ext.server.apart import Refusal, ask
from kurt_ext.server.database import Database, connect, place_of
from kurt_ext.server.tokens import Tokens

from .conftest import DATABASES, Serve

pytestmark = pytest.mark.slow
PATH = "/api/v1/plugins"
Bearer = Callable[..., dict[str, str]]


def packed(folder: Path, top: str = "") -> bytes:
    """Return a zip of a folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                made.write(path, top + path.relative_to(folder).as_posix())
    return out.getvalue()


@pytest.fixture
def database(place: str) -> Iterator[Database]:
    found = connect(place, "market")
    yield found
    found.close()


@pytest.fixture
def bearer(database: Database) -> Bearer:
    """Return a function that makes a token, as the headers of a request."""

    def make(publisher: str = "ada", **options: Any) -> dict[str, str]:
        _, text = Tokens(database).new(publisher, **options)
        return {"Authorization": f"Bearer {text}"}

    return make


@pytest.fixture
def theirs(project: Path) -> Path:
    return write_skill(project / "theirs" / "caller")


@pytest.mark.parametrize("kind", DATABASES)
def test_a_release_comes_in_once_and_stays_as_it_is(
    client: TestClient, bearer: Bearer, theirs: Path, root: Path, database: Database
) -> None:
    headers = bearer()
    first = client.post(PATH, content=packed(theirs, "caller-main/"), headers=headers)
    assert first.status_code == 201, first.text
    row = first.json()
    assert (row["plugin_id"], row["version"], row["publisher"]) == ("caller", "1.0.0", "ada")
    assert row["security_score"] >= 60 and row["new"]
    assert client.get(f"{PATH}/caller").json()["publisher"] == "ada"
    assert "caller" in client.get("/skills/caller").text
    again = client.post(PATH, content=packed(theirs), headers=headers)
    assert again.status_code == 200 and not again.json()["new"]
    (theirs / "skill.py").write_text(CODE + "# more\n")
    other = client.post(PATH, content=packed(theirs), headers=headers)
    assert other.status_code == 409 and other.json()["error"]["code"] == "release-exists"
    from kurt_ext.market.reading import reader_of

    assert not verify(reader_of(str(root))).findings
    log = database.read("SELECT publisher, action, skill, outcome FROM audit ORDER BY number")
    assert log == [
        ("ada", "upload", "caller", "done"),
        ("ada", "upload", "caller", "same"),
        ("ada", "upload", "caller", "refused"),
    ]


def test_a_wheel_comes_in_by_its_name(
    client: TestClient, bearer: Bearer, project: Path, places: Places
) -> None:
    name = "greet_more-1.0.0-py3-none-any.whl"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("greet_more.py", CODE)
        info = "greet_more-1.0.0.dist-info/"
        made.writestr(
            info + "METADATA",
            "Metadata-Version: 2.1\nName: greet-more\nVersion: 1.0.0\n"
            "Summary: Greets somebody.\nLicense: MIT\nAuthor: Ada\n",
        )
        made.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(info + "entry_points.txt", "[kurt.tool]\ngreet = greet_more:Greet\n")
        made.writestr(info + "RECORD", "")
    answer = client.post(PATH, content=out.getvalue(), params={"filename": name}, headers=bearer())
    assert answer.status_code == 201, answer.text
    told = client.get(f"{PATH}/greet-more/versions/1.0.0").json()
    assert told["filename"] == name
    assert client.get(told["download_url"]).content == out.getvalue()
    assert name in client.get("/skills/greet-more").text
    for wrong in ("../x.whl", "x.zip", "a/b.whl", ".whl/", "x" * 2000 + ".whl"):
        refused = client.post(PATH, content=b"x", params={"filename": wrong}, headers=bearer())
        assert refused.status_code == 422, wrong


def test_an_index_whose_key_is_gone_is_left_as_it_is(
    client: TestClient, bearer: Bearer, root: Path, theirs: Path
) -> None:
    before = (root / "kurt/v1/index.json").read_bytes()
    with (root / "market.toml").open("a") as stream:
        stream.write('key = "gone"\n')
    answer = client.post(PATH, content=packed(theirs), headers=bearer())
    assert answer.status_code == 500 and str(root) not in answer.text
    assert (root / "kurt/v1/index.json").read_bytes() == before


def test_without_a_token_that_counts_nothing_comes_in(
    client: TestClient, bearer: Bearer, theirs: Path, database: Database
) -> None:
    data = packed(theirs)
    spent = bearer()
    tokens = Tokens(database)
    tokens.revoke(tokens.rows()[-1].id)
    late = bearer(days=1)
    database.write("UPDATE token SET expires = '2020-01-01T00:00:00Z' WHERE revoked IS NULL")
    for headers in (
        {},
        spent,
        late,
        {"Authorization": "Bearer kurt_nothing"},
        {"Authorization": "Bearer " + "x" * 500},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer ' OR 1=1 --"},
    ):
        answer = client.post(PATH, content=data, headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get(f"{PATH}/caller").status_code == 404


def test_a_token_publishes_as_its_publisher_alone(
    client: TestClient, bearer: Bearer, project: Path
) -> None:
    folder = write_skill(project / "theirs" / "greeter", "2.0.0")
    answer = client.post(PATH, content=packed(folder), headers=bearer("eve"))
    assert answer.status_code == 409
    assert "published by market" in answer.json()["error"]["message"]
    yank = f"{PATH}/greeter/versions/1.0.0/yank"
    assert client.post(yank, json={"reason": "x"}, headers=bearer("eve")).status_code == 403
    assert client.get(f"{PATH}/greeter").json()["version"] == "1.1.0"


@pytest.mark.parametrize("kind", DATABASES)
def test_a_version_is_withdrawn_and_offered_again(client: TestClient, bearer: Bearer) -> None:
    path = f"{PATH}/greeter/versions/1.1.0/yank"
    headers = bearer("market")
    assert client.post(path, json={"reason": "it shouts"}, headers=headers).json()["yanked"]
    assert client.get(f"{PATH}/greeter").json()["version"] == "1.0.0"
    assert client.delete(path, headers=headers).json()["yanked"] is False
    assert client.get(f"{PATH}/greeter").json()["version"] == "1.1.0"
    nothing = client.post(
        f"{PATH}/greeter/versions/9.9.9/yank", json={"reason": "x"}, headers=headers
    )
    assert nothing.status_code == 404


def test_what_the_validator_refuses_is_refused_with_its_lines(
    client: TestClient, bearer: Bearer, theirs: Path
) -> None:
    (theirs / "skill.py").write_text(CODE + "\nimport os\nos.system('rm -rf ~')\n")
    answer = client.post(PATH, content=packed(theirs), headers=bearer())
    problem = answer.json()["error"]
    assert answer.status_code == 422 and problem["code"] == "validation-failed"
    assert any(row["path"] == "skill.py" and row["line"] for row in problem["findings"])
    assert "/tmp" not in answer.text
    assert client.get(f"{PATH}/caller").status_code == 404


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("SKILL.md", "---\nname: x\n---\n")
        made.writestr("big", b"\0" * (12 << 20))
    return out.getvalue()


def _climbing() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("SKILL.md", "---\nname: x\n---\n")
        made.writestr("../evil.py", "x")
    return out.getvalue()


def _named(name: str, manifest: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(name, manifest)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "archive-refused"),
        (b"nothing", "archive-refused"),
        (b"\x1f\x8b\x08\x00" + b"x" * 100, "archive-refused"),
        (_bomb(), "archive-refused"),
        (_climbing(), "archive-refused"),
        (_named("SKILL.md", "---\nname: ../../up\n---\n"), "manifest-invalid"),
        (_named("plugin.json", "[" * 100_000), "manifest-invalid"),
        (_named("SKILL.md", "---\nname: x\nkeys: " + "[" * 30_000 + "\n---\n"), "manifest-invalid"),
    ],
)
def test_what_is_no_skill_is_refused(
    client: TestClient, bearer: Bearer, data: bytes, code: str
) -> None:
    answer = client.post(PATH, content=data, headers=bearer())
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == code
    assert "/tmp" not in answer.text and "Traceback" not in answer.text


def test_what_is_too_large_is_not_read_to_its_end(
    client: TestClient, bearer: Bearer, root: Path
) -> None:
    with (root / "market.toml").open("a") as stream:
        stream.write("max-bytes = 1000\nmax-files = 1\n")
    headers = bearer()
    assert client.post(PATH, content=b"x" * 10_000, headers=headers).status_code == 413

    def endless() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    assert client.post(PATH, content=endless(), headers=headers).status_code == 413


def test_a_judgement_ends_with_its_limits(root: Path, project: Path, theirs: Path) -> None:
    scratch = project / "scratch"
    scratch.mkdir()
    (scratch / "upload.zip").write_bytes(packed(theirs))
    job = {
        "do": "judge",
        "scratch": str(scratch),
        "upload": str(scratch / "upload.zip"),
        "root": str(root),
        "project": str(project),
        "publisher": "ada",
    }
    for limits in ({"wall": 0.05}, {"wall": 60, "memory": 40 << 20}):
        with pytest.raises(Refusal) as refused:
            ask(job, **limits)  # type: ignore[arg-type]
        assert refused.value.status == 422
        assert refused.value.problem["code"] == "limit-exceeded"


@pytest.mark.parametrize("kind", DATABASES)
def test_uploads_are_counted_by_token_and_by_address(
    serve: Serve, bearer: Bearer, theirs: Path
) -> None:
    client = serve(uploads=2)
    headers = bearer()
    codes = [client.post(PATH, content=b"x", headers=headers).status_code for _ in range(3)]
    assert codes == [422, 422, 429]
    assert client.post(PATH, content=b"x", headers=bearer("eve")).status_code == 429


def test_tokens_cannot_be_guessed_for_long(serve: Serve, bearer: Bearer) -> None:
    client = serve(guesses=3)
    wrong = {"Authorization": "Bearer kurt_wrong"}
    codes = [client.post(PATH, content=b"", headers=wrong).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]


def test_a_token_is_kept_as_its_digest_and_for_its_owner_alone(
    bearer: Bearer, database: Database
) -> None:
    text = bearer()["Authorization"].removeprefix("Bearer ")
    for path in Path(database.place).parent.iterdir():
        assert text.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(Path(database.place).parent.stat().st_mode) == 0o700


def test_the_folder_of_the_marketplace_holds_no_secret(
    client: TestClient, bearer: Bearer, root: Path, theirs: Path
) -> None:
    client.post(PATH, content=packed(theirs), headers=bearer())
    assert not [path for path in root.rglob("*") if "sqlite" in path.name]


def test_a_newer_database_is_left_alone(places: Places, root: Path) -> None:
    from kurt_ext.errors import StorageError

    path = place_of(places.data, str(root))
    connect(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError):
        connect(path)


def test_two_releases_at_once_are_both_there(
    serve: Serve, bearer: Bearer, project: Path, root: Path
) -> None:
    client = serve(judges=2)
    headers = bearer()
    folders = [write_skill(project / "theirs" / name) for name in ("first", "second")]
    codes: list[int] = []

    def send(folder: Path) -> None:
        codes.append(client.post(PATH, content=packed(folder), headers=headers).status_code)

    threads = [threading.Thread(target=send, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201, 201]
    index = json.loads((root / "kurt/v1/index.json").read_text())
    assert {"first", "second"} <= {row["id"] for row in index["skills"]}
