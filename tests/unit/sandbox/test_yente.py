"""OpenSanctions' matching API in the sandbox: its key, its shape, and that a name finds its entry."""

from pathlib import Path

import list_world
import pytest
import requests

from sandbox.vendor import in_thread
from sandbox.vendor.publications import Publications
from sandbox.vendor.yente import KEY, Yente

QUERY = {"schema": "Person", "properties": {"name": ["nobody"]}}


@pytest.fixture(scope="module")
def yente(tmp_path_factory) -> Yente:
    return Yente(Publications(list_world.make(Path(tmp_path_factory.mktemp("yente")))))


def ask(
    yente: Yente, queries: object, path: str = "/sanctions", key: str = f"ApiKey {KEY}", **asked
) -> requests.Response:
    async def handle(request):
        return await yente(request, path, request.query_string)

    with in_thread(handle) as url:
        headers = {"Authorization": key}
        return requests.post(f"{url}/match{path}", json={"queries": queries}, params=asked, headers=headers, timeout=9)


def test_a_name_finds_its_entry_and_the_threshold_decides_what_matches(yente):
    entity = yente.publications.entities()[0]
    query = QUERY | {"properties": {"name": [entity["caption"].upper()]}}
    answer = ask(yente, {"q1": query, "q2": QUERY}, threshold=0.9, limit=3).json()
    assert answer["limit"] == 3 and set(answer["responses"]) == {"q1", "q2"}
    results = answer["responses"]["q1"]["results"]
    assert entity["id"] in [result["id"] for result in results if result["match"]]
    assert results[0]["score"] == 1.0 and len(results) <= 3
    assert all(result["match"] == (result["score"] >= 0.9) for result in results)
    assert not [result for result in answer["responses"]["q2"]["results"] if result["match"]]


@pytest.mark.parametrize(
    ("queries", "change", "status"),
    [
        ({"q": QUERY}, {"key": "ApiKey wrong"}, 401),
        ({"q": QUERY}, {"path": "/nothing"}, 404),
        ({}, {}, 422),
        ([1], {}, 422),
    ],
)
def test_what_it_refuses_it_refuses_with_a_detail(yente, queries, change, status):
    answer = ask(yente, queries, **change)
    assert answer.status_code == status and answer.json()["detail"]
