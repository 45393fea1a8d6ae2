"""A Postgres of the test's own: in a folder of its own, at a socket there, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Cluster", "running", "what_is_missing"]

_DEBIAN = Path("/usr/lib/postgresql")


def _programs() -> Path | None:
    """Return the folder of the server's programs, which Debian keeps off the path."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = [path for path in _DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    return max(versions, key=lambda path: float(path.parent.name), default=None)


def what_is_missing() -> str | None:
    """Return why there can be no Postgres here; None where there can."""
    if _programs() is None:
        return "no Postgres on this machine (apt-get install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "the postgres extra is not installed"
    return None


class Cluster:
    """A server that runs.

    :param socket: the folder of its socket.
    """

    def __init__(self, socket: Path, data: Path, programs: Path) -> None:
        self.socket = socket
        self._data = data
        self._programs = programs
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "postgres", user: str = "kurt") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@/{name}?host={self.socket}"

    def database(self) -> str:
        """Make an empty database, and return its address."""
        self._count += 1
        name = f"market_{self._count}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, name: str = "postgres") -> None:
        """Execute a statement as the owner of everything."""
        import psycopg

        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start the server, and wait for it."""
        import psycopg

        settings = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=50"]
        words = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.socket)]
        for setting in settings:
            words += ["-c", setting]
        self._process = subprocess.Popen(
            words, cwd=self.socket, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_user()
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, "Postgres has ended"
                assert time.monotonic() < deadline, "Postgres does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        """End the server at once, with every connection to it, as a machine that dies."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None


def _user() -> dict[str, object]:
    """Return how a program is started that refuses to be root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise AssertionError("no user but root")


@contextmanager
def running() -> Iterator[Cluster]:
    """Run a Postgres until the block ends."""
    programs = _programs()
    assert programs is not None
    base = Path(tempfile.mkdtemp(prefix="kurt-pg-", dir="/tmp"))  # a socket's path is short
    user = _user()
    if user:
        os.chown(base, user["user"], user["group"])  # type: ignore[arg-type]
    try:
        subprocess.run(
            [
                *(str(programs / "initdb"), "-D", str(base / "data"), "-U", "kurt", "-A", "trust"),
                *("--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions"),
            ],
            cwd=base,
            check=True,
            capture_output=True,
            **user,  # type: ignore[call-overload]
        )
        cluster = Cluster(base, base / "data", programs)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)
