"""Pages on this machine, and the check that nothing of a connection is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dialers import no_thread_left, pages


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return the port of a server with a few pages."""
    with pages() as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """See that no thread outlives a test."""
    yield
    no_thread_left()
