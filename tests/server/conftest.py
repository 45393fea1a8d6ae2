"""A marketplace behind a server, with skills that a stranger has published."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server extra is not installed")

from market.conftest import write_skill
from starlette.testclient import TestClient

from kurt_ext.market.building import build
from kurt_ext.places import Places
from kurt_ext.server.application import make
from kurt_ext.server.database import place_of
from kurt_ext.server.settings import ServerSettings

from .clusters import Cluster, running, what_is_missing

Serve = Callable[..., TestClient]
#: The databases that a server can remember in; a test that asks for one is run over each.
DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run a Postgres for all tests of this process."""
    missing = what_is_missing()
    if missing is not None:
        pytest.skip(missing)
    with running() as found:
        yield found


@pytest.fixture
def kind() -> str:
    """Return the kind of database; a test that is run over several says so."""
    return "sqlite"


@pytest.fixture
def place(kind: str, places: Places, root: Path, request: pytest.FixtureRequest) -> str:
    """Return where the server of the marketplace remembers."""
    if kind == "postgres":
        found: Cluster = request.getfixturevalue("cluster")
        return found.database()
    return place_of(places.data, str(root))


@pytest.fixture
def places(project: Path) -> Places:
    return Places(str(project))


@pytest.fixture
def root(project: Path, places: Places) -> Path:
    """Return a built marketplace of two skills, one of them in two versions."""
    found = project / "market"
    write_skill(found / "skills" / "waver")
    greeter = write_skill(found / "skills" / "greeter")
    (greeter / "README.md").write_text("# Greeter\n\nIt *greets*.\n")
    assert not build(str(found), places).refused
    more = '  kurt/permissions.network-hosts: "*.example.org"\n'
    write_skill(greeter, "1.1.0", more=more, guide="Read this.\n")
    assert not build(str(found), places).refused
    return found


@pytest.fixture
def serve(root: Path, places: Places, place: str) -> Iterator[Serve]:
    """Return a function that serves the marketplace, by default without limits."""
    clients = []

    def start(**settings: object) -> TestClient:
        chosen = ServerSettings(**{"rate": 0.0, **settings})  # type: ignore[arg-type]
        app = make(str(root), places, chosen, database=place)
        client = TestClient(app, base_url="http://skills.test", follow_redirects=False)
        client.__enter__()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()


@pytest.fixture
def live(root: Path, places: Places) -> Iterator[str]:
    """Serve the marketplace at an address of this machine, and return it."""
    with serving(root, places) as address:
        yield address


@contextmanager
def serving(root: Path, places: Places, **settings: object) -> Iterator[str]:
    """Serve a marketplace in a thread, by uvicorn."""
    import uvicorn

    chosen = ServerSettings(**{"rate": 0.0, **settings})  # type: ignore[arg-type]
    app = make(str(root), places, chosen)
    config = uvicorn.Config(app, log_level="warning", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
