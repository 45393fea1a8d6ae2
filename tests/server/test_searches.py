"""An answer is the same whether it comes by way of the route or not."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from market.conftest import write_skill
from starlette.testclient import TestClient

from kurt_ext.market.building import build
from kurt_ext.places import Places
from kurt_ext.server.answers import SearchAnswer
from kurt_ext.server.searches import wish_of

from .conftest import Serve

PATH = "/api/v1/plugins/search?"
#: A number that only the route reads: so the same question is answered by it.
BY_THE_ROUTE = "limit=%2B20"
TEXTS = st.sampled_from(
    ["greeter", "greet", "wavr", "greets people", "x", "", "é", "GREETER", "a+b"]
)
PAIRS = st.lists(
    st.tuples(st.sampled_from(["query", "q"]), TEXTS)
    | st.tuples(st.sampled_from(["plugin_type", "type"]), st.sampled_from(["tool", "engine", ""]))
    | st.tuples(st.just("tags"), st.sampled_from(["demo", "demo,greeting", " demo ,", "", "no"]))
    | st.tuples(st.sampled_from(["permissions", "without"]), st.sampled_from(["network_hosts", ""]))
    | st.tuples(st.just("min_score"), st.sampled_from(["0", "50", "100"]))
    | st.tuples(st.just("publisher"), st.sampled_from(["market", "nobody", ""]))
    | st.tuples(st.just("offset"), st.sampled_from(["0", "1", "100000"]))
    | st.tuples(st.just("other"), st.text(max_size=5)),
    max_size=5,
)


@given(pairs=PAIRS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_both_ways_answer_with_the_same_bytes(
    client: TestClient, pairs: list[tuple[str, str]]
) -> None:
    query = urlencode(pairs)
    assert wish_of(query.encode()) is not None
    assert wish_of(f"{query}&{BY_THE_ROUTE}".encode()) is None
    first, second = client.get(PATH + query), client.get(f"{PATH}{query}&{BY_THE_ROUTE}")
    assert (
        (first.status_code, first.content)
        == (second.status_code, second.content)
        == (200, first.content)
    )
    assert first.headers == second.headers
    assert (
        SearchAnswer.model_validate_json(first.content).model_dump_json().encode() == first.content
    )


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=", "limit=x", "limit=1.0", "limit=007", "limit=-1"),
        *("offset=100001", "offset=1e3", "offset=-1", "min_score=", "min_score=101"),
        *("min_score=1.5", "limit=%D9%A3", "query=" + "a" * 257, "publisher=" + "a" * 129),
        "&".join(["tags=a"] * 33),
    ],
)
def test_what_is_not_ordinary_is_left_to_the_route(query: str) -> None:
    assert wish_of(query.encode()) is None


def test_texts_are_told_as_they_are(serve: Serve, root: Path, places: Places) -> None:
    path = write_skill(root / "skills" / "teller")
    text = (path / "SKILL.md").read_text()
    hard = 'Says \\"downloads\\":0, and \\\\ 日本語 \U0001f600 </script>.'
    (path / "SKILL.md").write_text(text.replace("description: ", f'description: "{hard}" # '))
    assert not build(str(root), places).refused
    client = serve()
    (row,) = client.get(PATH + "query=teller").json()["plugins"]
    assert row["description"] == 'Says "downloads":0, and \\ 日本語 \U0001f600 </script>.'
    whole = client.get("/api/v1/plugins/teller").json()
    assert row == {key: whole[key] for key in row}


def test_a_download_is_counted_in_what_is_found(client: TestClient) -> None:
    before = client.get(PATH + "query=greeter").json()["plugins"][0]
    client.get("/api/v1/plugins/greeter/versions/latest/download")
    after = client.get(PATH + "query=greeter&limit=5").json()["plugins"][0]
    assert after == {**before, "downloads": before["downloads"] + 1}


def test_what_is_withdrawn_meanwhile_is_not_told_any_more(
    client: TestClient, root: Path, places: Places
) -> None:
    assert client.get(PATH + "query=greeter").json()["plugins"][0]["version"] == "1.1.0"
    path = write_skill(root / "skills" / "greeter", "1.2.0")
    (path / "guide.md").write_text("More.\n")
    assert not build(str(root), places).refused
    assert client.get(PATH + "query=greeter").json()["plugins"][0]["version"] == "1.2.0"


def test_a_damaged_catalogue_is_told_without_its_place(
    serve: Serve, root: Path, places: Places
) -> None:
    client = serve()
    (catalogue,) = Path(places.cache, "servers").rglob("catalogue-*.sqlite")
    data = bytearray(catalogue.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    catalogue.write_bytes(data)
    answer = client.get(PATH + "query=greeter+waver")
    assert answer.status_code == 500
    assert json.loads(answer.content)["error"]["code"]
    assert str(places.cache) not in answer.text
