"""What can be made to happen in the vendors' world while the server runs."""

from datetime import date

import pytest
import requests

from sandbox.vendor import Vendor, in_thread
from sandbox.vendor.bitcoin_rpc import BITCOIN_RPC_PATH
from sandbox.vendor.esplora import ESPLORA_PATH
from sandbox.vendor.events import EVENTS_PATH
from sandbox.vendor.marble import PATH as MARBLE_PATH
from sandbox.vendor.trm import TRM_PATH
from sandbox.world import generate


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    generate(folder, customers=15, days=3, seed=5, start=date(2026, 1, 1), progress=lambda stage: None)
    vendor = Vendor(folder)
    with in_thread(vendor) as url:
        vendor.url = url
        yield vendor


def happen(server: Vendor, **events: object) -> requests.Response:
    return requests.post(server.url + EVENTS_PATH, json=events, timeout=9)


def test_a_chain_is_reorganised_for_every_node_and_explorer_alike(server):
    chains = [server.mounted(path).chain for path in (BITCOIN_RPC_PATH, ESPLORA_PATH)]
    head = chains[0].head
    blocks = head - list(chains[0].blocks())[-3].number + 1
    before = chains[0].hash(head)
    said = happen(server, reorganise={"chain": "bitcoin", "blocks": blocks, "lost": 1}).json()["reorganise"]
    assert chains[0].hash(head) == chains[1].hash(head) != before and len(said["lost"]) == 1
    assert [chain.find(said["lost"][0]) for chain in chains] == [None, None]


def test_lists_cases_and_shapes_change(server):
    assert happen(server, edition=0, until="2026-01-01", trm_shape=2023).status_code == 200
    assert server.publications.at == 0
    assert server.mounted(MARBLE_PATH).world.until == date(2026, 1, 1)
    assert server.mounted(TRM_PATH).shape == 2023


def test_kyt_names_categories_where_it_is_told_to(server):
    registry = server.registry
    assert happen(server, kyt_category=True).json() == {"kyt_category": True}
    assert registry._shaped(b'{"categoryId":21}') == b'{"categoryId":21,"category":"exchange"}'
    assert happen(server, kyt_category=False).json() == {"kyt_category": False}
    assert registry._shaped(b'{"categoryId":21}') == b'{"categoryId":21}'


@pytest.mark.parametrize(
    ("event", "says"),
    [({"rain": 1}, "there is no event rain"), ({"edition": 99}, "editions"), ({"trm_shape": 1999}, "2023 and 2026")],
)
def test_what_cannot_happen_is_said(server, event, says):
    answer = happen(server, **event)
    assert answer.status_code == 400 and says in answer.json()["message"]
