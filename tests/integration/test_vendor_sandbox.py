"""The vendor sandbox over real HTTP on loopback: the vendors' contracts, states and refusals."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sandbox import replay, vendor
from sandbox.vendor import sample

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    sample.write(folder, 40)
    for date, text in (("2025-12-01", "old"), ("2026-01-01", '1,"A",-0- \n')):
        publication = folder / "landing/ofac" / date
        publication.mkdir(parents=True)
        for name in ("sdn.csv", "add.csv", "alt.csv", "sdn_comments.csv"):
            (publication / name).write_text(f"{name} {text}")
    return folder


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return sample.transfers(40)


@dataclass
class InThread:
    """A fresh server in a thread of this process: as real over HTTP as a child process, and started at once."""

    port: int
    token: str = vendor.TOKEN


@pytest.fixture
def server(world):
    with vendor.in_thread(vendor.Vendor(world)) as url:
        yield InThread(int(url.rpartition(":")[2]))


def call(server, method: str, path: str, body: object = None, headers: dict | None = None):
    """(status, headers, body) of one request; with the sandbox's key unless other headers are given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        sent = {"Token": server.token} if headers is None else headers
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def kyt(server, method: str, path: str, body: object = None) -> tuple[int, dict]:
    status, headers, answer = call(server, method, f"/api/kyt{path}", body)
    assert headers.get_content_type() == "application/json"
    return status, json.loads(answer)


def registration(row: dict, **changes) -> dict:
    return {
        "network": "Bitcoin",
        "asset": row["asset"],
        "transferReference": row["transfer_reference"],
        "direction": row["direction"],
    } | changes


def register(server, row: dict, **changes) -> tuple[int, dict]:
    return kyt(server, "POST", f"/v2/users/{row['user_id']}/transfers", registration(row, **changes))


def finished(server, row: dict) -> dict:
    register(server, row)
    for _ in range(4):
        answer = kyt(server, "GET", f"/v2/transfers/{row['external_id']}")[1]
        if answer["updatedAt"]:
            return answer
    raise AssertionError("never finished")


def test_a_request_without_a_key_is_401_and_with_a_wrong_one_403(server):
    assert call(server, "GET", "/api/kyt/v2/categories", headers={})[0] == 401
    assert call(server, "GET", "/api/kyt/v2/categories", headers={"Token": "wrong"})[0] == 403
    assert call(server, "GET", "/api/kyt/v2/categories")[0] == 200


def test_registering_answers_202_with_nulls_and_the_same_id_again(server, rows):
    status, answer = register(server, rows[0])
    assert status == 202
    assert answer["network"] == "BITCOIN"
    assert uuid.UUID(answer["externalId"]).version == 3
    unknown = ("updatedAt", "assetId", "tx", "idx", "usdAmount", "assetAmount", "timestamp", "outputAddress")
    assert {answer[name] for name in unknown} == {None}
    assert register(server, rows[0]) == (202, answer)


def test_only_registered_transfers_are_known(server, rows):
    status, answer = kyt(server, "GET", f"/v2/transfers/{rows[0]['external_id']}")
    assert (status, answer["status"]) == (404, 404)
    assert rows[0]["external_id"] in answer["message"]


def test_a_finished_summary_has_the_vendors_mixed_timestamps(server, rows):
    answer = finished(server, rows[0])
    assert answer["updatedAt"] == "2026-01-01T00:08:00.000001"
    assert answer["timestamp"] == "2026-01-01T00:07:00.000+00:00"
    assert answer["usdAmount"] == 100.25


def test_some_transfers_are_null_at_first_and_some_for_ever(server, rows):
    polls_needed = set()
    for row in rows:
        register(server, row)
        polls = [kyt(server, "GET", f"/v2/transfers/{row['external_id']}")[1]["updatedAt"] for _ in range(4)]
        if row["updated_at"] is None:
            assert polls == [None] * 4
        else:
            polls_needed.add(polls.index(next(filter(None, polls))))
    assert polls_needed >= {0, 1}


def test_exposures_and_alerts_are_the_worlds(server, rows):
    sanctioned, plain = rows[6], rows[0]
    finished(server, sanctioned), finished(server, plain)
    path = f"/v2/transfers/{sanctioned['external_id']}"
    assert kyt(server, "GET", f"{path}/exposures")[1] == {
        "direct": {"name": "Sample Sanctioned Service", "categoryId": 3}
    }
    alerts = kyt(server, "GET", f"{path}/alerts")[1]["alerts"]
    assert [alert["alertLevel"] for alert in alerts] == ["SEVERE", "HIGH"]
    assert kyt(server, "GET", f"{path}/network-identifications")[1] == {"count": 0, "networkIdentificationOrgs": []}
    path = f"/v2/transfers/{plain['external_id']}"
    assert kyt(server, "GET", f"{path}/exposures")[1] == {"direct": {"name": None, "categoryId": None}}
    assert kyt(server, "GET", f"{path}/alerts")[1] == {"alerts": []}


def test_a_reference_with_a_cleaned_address_is_found_by_its_hash_and_echoed(server, rows):
    reference = f"{rows[0]['tx'].upper()}:cleaned"
    status, answer = register(server, rows[0], transferReference=reference)
    assert (status, answer["externalId"], answer["transferReference"]) == (202, rows[0]["external_id"], reference)


def test_a_transfer_the_vendor_never_saw_stays_in_processing(server, rows):
    _, answer = register(server, rows[0], transferReference="ff00:nowhere")
    for _ in range(4):
        assert kyt(server, "GET", f"/v2/transfers/{answer['externalId']}")[1] == answer


@pytest.mark.parametrize(
    "change",
    [{"network": "Moon"}, {"direction": "sideways"}, {"transferReference": "no-colon"}, {"asset": None}, {"asset": 7}],
)
def test_a_bad_registration_is_400_and_says_why(server, rows, change):
    status, answer = register(server, rows[0], **change)
    assert status == 400
    assert next(iter(change)) in answer["message"]


def test_a_body_that_is_no_object_is_400(server):
    path = "/v2/users/u/transfers"
    assert kyt(server, "POST", path, [])[0] == 400
    assert call(server, "POST", f"/api/kyt{path}")[0] == 400


def test_unknown_paths_are_404_and_wrong_methods_405(server):
    assert kyt(server, "GET", "/v3/transfers")[0] == 404
    assert kyt(server, "PUT", "/v2/categories", {})[0] == 405
    assert kyt(server, "GET", "/v2/users/u/transfers")[0] == 405


def test_the_v1_list_pages_filters_and_counts(server, rows):
    for row in rows:
        finished(server, row) if row["updated_at"] else register(server, row)
    every = [alert for row in rows for alert in json.loads(row["alerts"])]
    status, first = kyt(server, "GET", "/v1/alerts/")
    assert (status, first["limit"], first["offset"], first["total"]) == (200, 100, 0, len(every))
    pages = [kyt(server, "GET", f"/v1/alerts/?limit=4&offset={offset}")[1]["data"] for offset in range(0, 20, 4)]
    assert [row for page in pages for row in page] == first["data"]
    assert pages[-1] == [] or len(pages[-1]) < 4
    middle = first["data"][3]["createdAt"]
    later = kyt(server, "GET", f"/v1/alerts/?createdAt_gte={middle}")[1]
    earlier = kyt(server, "GET", f"/v1/alerts/?createdAt_lte={middle}")[1]
    same = sum(row["createdAt"] == middle for row in first["data"])
    assert later["total"] + earlier["total"] - same == len(every)
    assert kyt(server, "GET", "/v1/alerts/?level=SEVERE")[1]["total"] == sum(a["alertLevel"] == "SEVERE" for a in every)
    assert kyt(server, "GET", "/v1/alerts/?limit=0")[0] == 400
    assert kyt(server, "GET", "/v1/alerts/?createdAt_gte=soon")[0] == 400


def test_withdrawal_attempts_are_screened_by_their_address(server, rows):
    paid = rows[13]
    assert (paid["direction"], paid["direct_category_id"]) == ("sent", 3)
    body = {
        "network": "Bitcoin",
        "asset": "BTC",
        "address": paid["output_address"],
        "attemptIdentifier": "attempt-1",
        "assetAmount": "0.10312309",
        "attemptTimestamp": "2026-01-10T00:00:00Z",
    }
    status, attempt = kyt(server, "POST", "/v2/users/u-1/withdrawal-attempts", body)
    assert status == 202
    assert (attempt["assetAmount"], attempt["updatedAt"]) == (0.10312309, "2026-01-10T00:01:02.000+00:00")
    path = f"/v2/withdrawal-attempts/{attempt['externalId']}"
    assert kyt(server, "GET", path) == (200, attempt)
    assert kyt(server, "GET", f"{path}/exposures")[1]["direct"]["categoryId"] == 3
    assert kyt(server, "GET", f"{path}/high-risk-addresses")[1]["chainalysisIdentifications"][0]["categoryId"] == 3
    assert kyt(server, "GET", "/v2/withdrawal-attempts/unknown")[0] == 404


def test_a_restarted_server_forgets_and_gives_the_same_answers_again(world, rows):
    with vendor.start(world) as server:
        before = finished(server, rows[6])
        alerts = kyt(server, "GET", f"/v2/transfers/{rows[6]['external_id']}/alerts")
        port = server.port
    with vendor.start(world, port=port) as server:
        assert kyt(server, "GET", f"/v2/transfers/{rows[6]['external_id']}")[0] == 404
        assert finished(server, rows[6]) == before
        assert kyt(server, "GET", f"/v2/transfers/{rows[6]['external_id']}/alerts") == alerts


def test_faults_on_demand(world):
    with vendor.start(world, arguments=["--faults", "429:2,403:3"]) as server:
        answers = [call(server, "GET", "/api/kyt/v2/categories") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 429, 403]
    assert answers[1][1]["Retry-After"] == "1"
    assert answers[2][1].get_content_type() == "text/html"


def test_ofac_redirects_once_and_honours_validators(server):
    start = "/api/PublicationPreview/exports/sdn.csv"
    status, headers, _ = call(server, "GET", start, headers={})
    assert status == 302
    place = headers["Location"]
    status, headers, body = call(server, "GET", place, headers={})
    assert (status, body) == (200, b'sdn.csv 1,"A",-0- \n')
    assert headers["Last-Modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    etag = headers["ETag"]
    assert call(server, "GET", place, headers={"If-None-Match": etag})[0::2] == (304, b"")
    assert call(server, "GET", place, headers={"If-None-Match": '"other"'})[0] == 200
    assert call(server, "GET", place, headers={"If-Modified-Since": headers["Last-Modified"]})[0] == 304
    assert call(server, "GET", place, headers={"If-Modified-Since": "Wed, 31 Dec 2025 00:00:00 GMT"})[0] == 200
    assert call(server, "GET", "/api/PublicationPreview/exports/nothing.csv", headers={})[0] == 404


def test_a_world_without_vendor_files_does_not_start(tmp_path, capfd):
    with pytest.raises(RuntimeError, match="did not start"):
        vendor.start(tmp_path)
    assert "transfers.parquet is missing" in capfd.readouterr().err


def test_the_server_dies_with_its_parent(world):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from sandbox import vendor; server = vendor.start(sys.argv[1]);"
            "print(server.process.pid, flush=True); time.sleep(60)",
            str(world),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(50):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the server outlived its parent by 5 seconds")


def test_the_replay_answers_what_was_recorded_and_nothing_else(shared_data):
    cassettes = shared_data / "kyt/chainalysis"
    exchanges = [
        interaction
        for path in sorted(cassettes.rglob("*.yml"))
        for interaction in yaml.safe_load(path.read_text(encoding="utf-8"))["http_interactions"]
    ]
    assert len(exchanges) == 26
    with replay.start(cassettes) as server:
        for exchange in exchanges:
            request, response = exchange["request"], exchange["response"]
            path = "/api/kyt" + request["uri"].partition("/api/kyt")[2]
            body = json.loads(request["body"]["string"]) if request["body"]["string"] else None
            status, _, answer = call(server, request["method"].upper(), path, body, {"Token": "any"})
            assert (status, answer.decode()) == (response["status"]["code"], response["body"]["string"])
        status, _, answer = call(server, "GET", "/api/kyt/v1/alerts/?limit=5", headers={"Token": "any"})
        assert status == 404
        assert {"method": "GET", "path": "/api/kyt/v1/alerts/", "query": {}, "body": {}} in json.loads(answer)[
            "recorded"
        ]
        assert call(server, "GET", "/api/kyt/v2/categories", headers={})[0] == 401
