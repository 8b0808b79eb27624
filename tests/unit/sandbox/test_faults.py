"""The faults of the vendor sandbox: which are on, whom they hit, and that they leave the content alone."""

import json
import re
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from aiohttp import web
from click.testing import CliRunner

from ingestion.vendor import wait_of
from orchestration.cli import main
from sandbox.vendor import in_thread
from sandbox.vendor.faults import (
    ADDED,
    FAULTS,
    Faults,
    Switches,
    ok_but_limited,
    reset_at,
    reset_in,
    retry_after,
    retry_after_date,
    switches,
)

BODY = {"total": 3, "data": [{"n": 1, "exact": 0.1}, {"n": 2}, {"n": 3}]}


class Served:
    """A vendor of one answer behind faults."""

    def __init__(self, *faults: str, limit=retry_after) -> None:
        self.faults, self.limit = Faults.parse(faults), limit

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        async def answer() -> web.Response:
            return web.json_response(BODY)

        return await self.faults.serve(request, answer, self.limit)


def asked(served: Served, times: int = 60) -> list[tuple[int, bytes | None]]:
    with in_thread(served) as url, requests.Session() as session:
        return [_ask(session, f"{url}/list?n={number % (times // 4)}") for number in range(times)]


def _ask(session: requests.Session, url: str) -> tuple[int, bytes | None]:
    try:
        response = session.get(url, timeout=5)
    except requests.RequestException:
        return 0, None
    return response.status_code, response.content


def test_options_are_read_and_mistakes_named():
    on = Faults.parse(["all", "errors=0.5,down=/a+/b,429:7"]).on
    assert (on.errors, on.down, on.every, on.inserts, on.drift) == (0.5, ("/a", "/b"), ((429, 7),), True, False)
    for wrong, says in (("gremlins", "there is no fault gremlins"), ("errors=2", "between 0 and 1"), ("cuts=x", "'x'")):
        with pytest.raises(ValueError, match=says):
            Faults.parse([wrong])
    assert switches(asdict(on)) == on


def test_the_same_seed_hits_the_same_requests_and_another_one_others():
    given = "errors=0.3,cuts=0.3,limits=0.2"
    first, again, other = (asked(Served(given, f"seed={seed}")) for seed in (1, 1, 2))
    assert first == again != other
    assert {status for status, _ in first} >= {200, 429} and any(status >= 500 for status, _ in first)


def test_a_request_fails_three_times_at_most():
    served = Served("errors=1,cuts=1,limits=1")
    with in_thread(served) as url, requests.Session() as session:
        answers = [_ask(session, f"{url}/one") for _ in range(4)]
    assert answers[0][0] != 200 and json.loads(answers[3][1]) == BODY


def test_rows_are_repeated_and_shuffled_and_nothing_else_changes():
    answers = [json.loads(body) for _, body in asked(Served("duplicates=1,reorders=1"))]
    assert any([row["n"] for row in answer["data"]] != sorted(row["n"] for row in answer["data"]) for answer in answers)
    for answer in answers:
        assert len(answer["data"]) == 4
        assert {json.dumps(row) for row in answer["data"]} == {json.dumps(row) for row in BODY["data"]}
        assert answer["total"] == 3


def test_drift_adds_a_member_to_every_object():
    answer = json.loads(asked(Served("drift"), 4)[0][1])
    assert all(ADDED in part for part in (answer, *answer["data"]))


def test_drift_reaches_what_a_vendor_keeps_of_an_applicant():
    answer = {"data": {"id": "i", "attributes": {"status": "approved"}}}

    async def handle(request: web.BaseRequest) -> web.Response:
        async def said() -> web.Response:
            return web.json_response(answer)

        return await Faults.parse(["drift"]).serve(request, said)

    with in_thread(handle) as url:
        drifted = requests.get(url, timeout=5).json()
    assert all(ADDED in part for part in (drifted, drifted["data"], drifted["data"]["attributes"]))


def test_every_fault_is_described_listed_and_in_the_guide():
    assert set(FAULTS) == {field.name for field in fields(Switches)}
    guide = (Path(__file__).parents[3] / "docs/guide/sandbox.md").read_text()
    table = guide.partition("## Faults on demand")[2].partition("| name | what happens |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall("`([^`]+)`", row)} == set(FAULTS)
    listed = CliRunner().invoke(main, ["sandbox", "serve", "--list-faults"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == list(FAULTS)


@pytest.mark.parametrize("limit", [retry_after, retry_after_date, reset_at, reset_in])
def test_every_style_of_limit_is_understood_although_the_clock_is_wrong(limit):
    with in_thread(Served("limits=1,skew_seconds=3600", limit=limit)) as url:
        response = requests.get(url, timeout=5)
    assert response.status_code == 429
    assert 0 <= wait_of(response.headers) <= 2


def test_members_are_dropped_and_retyped_wherever_they_are():
    answer = json.loads(asked(Served("drop=n,retype=total+exact"), 4)[0][1])
    assert answer == {"total": [3], "data": [{"exact": [0.1]}, {}, {}]}


def test_the_clock_is_wrong_in_every_date_and_for_who_signs():
    class Dated(Served):
        async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
            async def answer() -> web.Response:
                return web.json_response(BODY, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})

            return await self.faults.serve(request, answer, self.limit)

    served = Dated("skew_seconds=90")
    with in_thread(served) as url:
        assert requests.get(url, timeout=5).headers["Date"] == "Thu, 01 Jan 2026 00:01:30 GMT"
    assert 85 < served.faults.clock() - datetime.now(UTC).timestamp() < 95


def test_a_list_that_is_asked_for_with_post_is_disturbed_too():
    with in_thread(Served("duplicates=1,reorders=1")) as url:
        assert len(requests.post(f"{url}/cases/list", json={}, timeout=5).json()["data"]) == 4
        assert requests.post(f"{url}/wallet", json={}, timeout=5).json() == BODY


def test_a_limit_may_come_with_status_200():
    answer = ok_but_limited(1, datetime.now(UTC))
    assert (answer.status, json.loads(answer.body)["status"]) == (200, "0")


def test_what_is_down_is_down_for_every_request():
    assert {status for status, _ in asked(Served("down=/list"), 20)} == {503}


def test_rows_held_back_are_there_after_the_first_page():
    faults, rows = Faults.parse(["inserts"]), list(range(100))
    first = faults.held_back(rows, 0)
    assert 0 < len(first) < 100
    assert faults.held_back(rows, 50) == faults.held_back(rows, 0) == rows
    others = list(range(100, 200))
    assert faults.held_back(others, 0, 30)[:30] == others[:30]
    assert faults.held_back(others, 0, 30) == others
