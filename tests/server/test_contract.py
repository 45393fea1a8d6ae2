"""The API does what its OpenAPI document says, whatever is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kurt_ext.places import Places
from kurt_ext.server.application import make
from kurt_ext.server.database import connect
from kurt_ext.server.settings import ServerSettings
from kurt_ext.server.tokens import Tokens

from .conftest import DATABASES

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@schemathesis.serializer("application/zip")
def as_it_is(context: Any, value: Any) -> bytes:
    """Send the bytes that a zip should be."""
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogatepass")


@pytest.fixture
def token(place: str) -> dict[str, str]:
    """Return the headers of somebody who may publish."""
    database = connect(place, "market")
    _, text = Tokens(database).new("market")
    database.close()
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def schema(root: Path, places: Places, place: str) -> Any:
    many = 1_000_000
    chosen = ServerSettings(rate=0.0, guesses=many, uploads=many)
    app = make(str(root), places, chosen, database=place)
    yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    app.close()


@pytest.mark.parametrize("kind", DATABASES)
def test_every_operation_answers_as_it_says(schema: Any, token: dict[str, str]) -> None:
    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        asked.add(operation.label)

        @settings(
            max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @schemathesis_given(operation)
        def check(case: Any) -> None:
            answer = case.call(headers=token)
            assert answer.status_code < 500, (case.method, case.path, answer.text)
            case.validate_response(answer, excluded_checks=_others())

        check()
    assert len(asked) == 9


def schemathesis_given(operation: Any) -> Any:
    from hypothesis import given

    return given(case=operation.as_strategy())


def _others() -> list[Any]:
    """Return the checks that ask for what is no rule here.

    What is not called by a name of this API is a file, or is not there: 404 for any method.
    """
    checks = schemathesis.checks
    from schemathesis.specs.openapi import checks as own

    names = ("unsupported_method", "positive_data_acceptance", "negative_data_rejection")
    return [found for name in names if (found := getattr(own, name, getattr(checks, name, None)))]
