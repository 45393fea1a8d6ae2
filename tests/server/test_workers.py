"""Several processes that serve one marketplace, on one machine and as if on several."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from market.conftest import CODE, write_skill

from kurt_ext.market.reading import reader_of
from kurt_ext.market.verifying import verify
from kurt_ext.server.database import connect
from kurt_ext.server.shared_buckets import SharedBuckets
from kurt_ext.server.tokens import Tokens

from .conftest import DATABASES
from .processes import Server, served
from .test_uploads import packed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for processes")
PATH = "/api/v1/plugins"


@pytest.fixture
def env(place: str) -> dict[str, str]:
    """Return what a server is told of its database, where it is none of its own."""
    return {"KURT_MARKET_DATABASE": place} if "://" in place else {}


@pytest.fixture
def bearer(place: str, root: Path) -> dict[str, str]:
    """Return the headers of somebody who may publish."""
    database = connect(place, "market")
    _, text = Tokens(database).new("ada")
    database.close()
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_a_release_is_there_in_every_worker_at_once(
    root: Path, project: Path, env: dict[str, str], bearer: dict[str, str]
) -> None:
    theirs = write_skill(project / "theirs" / "caller")
    with served(root, "--workers", "3", "--rate", "0", env=env) as server:
        assert server.ask("/healthz").json["status"] == "ok"
        assert len(server.workers()) == 3
        assert {server.ask(f"{PATH}/caller").status for _ in range(12)} == {404}
        answer = server.ask(PATH, "POST", packed(theirs), bearer)
        assert answer.status == 201, answer
        found = [server.ask(f"{PATH}/caller") for _ in range(24)]
        assert {one.status for one in found} == {200}
        assert {server.ask("/healthz").json["snapshot"] for _ in range(12)} == {
            answer.json["snapshot"]
        }
        tags = {one.headers["etag"] for one in found}
        assert len(tags) == 1
        known = {"If-None-Match": tags.pop()}
        assert {server.ask(f"{PATH}/caller", headers=known).status for _ in range(9)} == {304}
        assert server.end() == 0
    assert not verify(reader_of(str(root))).findings


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(root: Path) -> None:
    with served(root, "--workers", "2", "--rate", "0") as server:
        assert server.ask("/healthz").status == 200
        before = server.workers()
        os.kill(min(before), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(server.workers() - before) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert server.ask(f"{PATH}/greeter").status == 200
        assert server.end(signal.SIGINT) == 0


@pytest.mark.slow
def test_workers_count_requests_together(root: Path) -> None:
    with served(root, "--workers", "3", "--rate", "0.1") as server:
        codes = [server.ask(f"{PATH}/greeter").status for _ in range(8)]
    # The burst is ten times the rate, and one at least.
    assert codes == [200] + [429] * 7


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_workers_count_wrong_tokens_together(root: Path, env: dict[str, str]) -> None:
    wrong = {"Authorization": "Bearer kurt_wrong"}
    with served(root, "--workers", "2", "--rate", "0", env=env) as server:
        codes = [server.ask(PATH, "POST", b"x", wrong).status for _ in range(24)]
    assert codes == [401] * 20 + [429] * 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_of_two_writers_of_one_version_one_has_it(
    root: Path, project: Path, env: dict[str, str], bearer: dict[str, str], kind: str
) -> None:
    folders = []
    for number in range(4):
        folder = write_skill(project / f"theirs{number}" / "caller")
        (folder / "skill.py").write_text(CODE + f"# {number}\n")
        folders.append(folder)
    with (
        served(root, "--workers", "2", "--rate", "0", env=env) as one,
        served(root, "--rate", "0", env=env) as other,
    ):

        def send(number: int) -> tuple[int, str]:
            # Two at a time are judged by each; who comes besides is told to come again.
            server = (one, other)[number % 2]
            while True:
                answer = server.ask(PATH, "POST", packed(folders[number]), bearer)
                if answer.status != 503:
                    told = answer.json
                    return answer.status, told.get("digest") or told["error"]["code"]
                time.sleep(0.2)

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(send, range(4)))
        assert sorted(status for status, _ in answers) == [201, 409, 409, 409], answers
        assert {word for status, word in answers if status == 409} == {"release-exists"}
        digest = next(word for status, word in answers if status == 201)
        for server in (one, other):
            told = server.ask(f"{PATH}/caller/versions/1.0.0").json
            assert told["digest"] == digest
        same = next(number for number, (status, _) in enumerate(answers) if status == 201)
        assert other.ask(PATH, "POST", packed(folders[same]), bearer).status == 200
    assert not verify(reader_of(str(root))).findings


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgres"])
def test_the_database_has_writers_wait_where_the_file_system_has_no_locks(
    root: Path, project: Path, env: dict[str, str], bearer: dict[str, str], kind: str
) -> None:
    unlocked = project / "unlocked"
    unlocked.mkdir()
    (unlocked / "sitecustomize.py").write_text("import fcntl\nfcntl.flock = lambda *_: None\n")
    paths = [str(unlocked), os.environ.get("PYTHONPATH", "")]
    env = {**env, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    names = [f"caller{number}" for number in range(6)]
    folders = [write_skill(project / "theirs" / name) for name in names]
    with (
        served(root, "--rate", "0", env=env) as one,
        served(root, "--rate", "0", env=env) as other,
    ):

        def send(number: int) -> int:
            server = (one, other)[number % 2]
            while True:
                answer = server.ask(PATH, "POST", packed(folders[number]), bearer)
                if answer.status != 503:
                    return answer.status
                time.sleep(0.2)

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(send, range(6))) == [201] * 6
        for server in (one, other):
            assert {server.ask(f"{PATH}/{name}").status for name in names} == {200}
    assert not verify(reader_of(str(root))).findings


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_begun_is_ended_before_the_server_is(
    root: Path, project: Path, bearer: dict[str, str], workers: str
) -> None:
    theirs = write_skill(project / "theirs" / "caller")
    with served(root, "--workers", workers, "--rate", "0") as server:
        assert server.ask("/healthz").status == 200
        with ThreadPoolExecutor(1) as threads:
            coming = threads.submit(server.ask, PATH, "POST", packed(theirs), bearer)
            _until_judging(server)
            server.process.terminate()
            assert coming.result().status == 201
        assert server.process.wait(60) in (0, -signal.SIGTERM)
    assert "caller" in (root / "kurt/v1/index.json").read_text()


def _until_judging(server: Server) -> None:
    """Wait until somebody judges what was sent."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except OSError:
                continue
            if b"kurt_ext.server.apart" in words:
                parent = (path.parent / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) in server.workers() | {server.process.pid}:
                    return
        time.sleep(0.01)
    raise AssertionError("nothing is judged")


@pytest.mark.slow
def test_reading_goes_on_without_the_database(
    root: Path, project: Path, request: pytest.FixtureRequest
) -> None:
    from .clusters import running, what_is_missing

    missing = what_is_missing()
    if missing is not None:
        pytest.skip(missing)
    theirs = write_skill(project / "theirs" / "caller")
    with running() as cluster:
        place = cluster.database()
        database = connect(place, "market")
        _, text = Tokens(database).new("ada")
        database.close()
        bearer = {"Authorization": f"Bearer {text}"}
        with served(root, "--rate", "0", env={"KURT_MARKET_DATABASE": place}) as server:
            assert server.ask("/healthz").status == 200
            cluster.stop()
            time.sleep(1.1)  # for so long an answer holds
            assert server.ask("/healthz").status == 503
            assert server.ask(f"{PATH}/greeter").status == 200
            assert server.ask(f"{PATH}/greeter/versions/1.1.0/download").status == 200
            refused = server.ask(PATH, "POST", packed(theirs), bearer)
            assert refused.status == 503 and refused.headers["retry-after"]
            cluster.start()
            assert server.ask(PATH, "POST", packed(theirs), bearer).status == 201
            assert server.end() in (0, -signal.SIGTERM)
        kept = connect(place, "market")
        assert kept.read("SELECT skill, count FROM download") == [("greeter", 1)]
        kept.close()


SHARING = """\
import multiprocessing
from kurt_ext.server.shared_buckets import SharedBuckets

def work(buckets, taken):
    taken.put(sum(buckets.take("ada", 7.0) == 0 for _ in range(200)))

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    buckets, taken = SharedBuckets(1e-6, 500), context.SimpleQueue()
    assert buckets.take("ada", 7.0) == 0
    many = [context.Process(target=work, args=(buckets, taken)) for _ in range(3)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    print(sum(taken.get() for _ in many))
    assert buckets.take("ada", 7.0) > 0 and buckets.take("eve", 7.0) == 0
"""


def test_shared_buckets_are_the_same_in_other_processes(project: Path) -> None:
    script = project / "sharing.py"
    script.write_text(SHARING)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=env
    )
    assert done.stdout == "499\n", done.stderr


def test_shared_buckets_fill_again_and_forget_who_was_quiet() -> None:
    buckets = SharedBuckets(2.0, 2)
    try:
        assert [buckets.take("ada", 1.0) for _ in range(3)] == [0, 0, pytest.approx(0.5)]
        assert buckets.take("ada", 1.5) == 0
        assert buckets.take("ada", 1.5) > 0
        for number in range(200_000):  # three times what there is room for
            buckets.take(str(number), 2.0)
        assert buckets.take("ada", 100.0) == 0
    finally:
        buckets.close()
    assert SharedBuckets(0, 1).take("anybody") == 0
