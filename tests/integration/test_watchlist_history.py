"""The history of every list through the models: added, changed and removed, whether a publisher sends whole lists or
changes, and the same sanctioned addresses whoever lists them."""

import importlib
from pathlib import Path

import duckdb
import hand_made_raw as raw
import list_world
import pytest
from dbt_command import dbt

from ingestion import pipeline
from ingestion.watchlists import watchlists_source
from sandbox.vendor import EU_TOKEN
from sandbox.vendor.list_entries import editions, entries

REPOSITORY = Path(__file__).resolve().parents[2]
LISTS = ("ofac_sdn", "un_sc", "eu_fsf", "uk_sl", "opensanctions")
MODELS = ("+fct_watchlist_changes", "+int_watchlist_names", "+int_watchlist_places", "+int_watchlist_identifiers",
          "+int_sanctioned_addresses")  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return list_world.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def warehouse(world, tmp_path_factory):
    """A warehouse with three editions of every list; OFAC's third comes in another form than the first two."""
    home = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch, list_world.published(world) as (server, places):
        patch.setenv("PLUMBLINE_HOME", str(home))
        for feed in raw.FEEDS:
            if feed != "watchlists":
                source = getattr(importlib.import_module(f"ingestion.{feed}"), f"{feed}_source")
                pipeline.run(source(), feed)
        for at, ofac in enumerate(("ofac_csv", "ofac_csv", "ofac_advanced")):
            server.at = at
            source = watchlists_source(
                ofac_sdn_url=places[ofac],
                un_sc_url=places["un"],
                eu_fsf_url=places["eu"],
                uk_sl_url=places["uk_xml"],
                opensanctions_url=places["opensanctions"],
                eu_fsf_token=EU_TOKEN,
            )
            pipeline.run(source, "watchlists")
    failed = dbt(home, "build", "--select", *MODELS, "--exclude", "sanctioned_address_has_no_floor").failed
    assert not failed, failed
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set search_path = 'intermediate,staging,marts'")
        yield connection


@pytest.fixture(scope="module")
def listed(world) -> list[dict[str, dict]]:
    """By edition: entries by number, as the world wrote them."""
    return [{str(entry.number): entry for entry in entries(edition.folder)} for edition in editions(world)]


def number(entry_id: str) -> str:
    """OFAC's number in another publisher's id of the same entry."""
    return "".join(entry_id.split(".")[1:2]) or entry_id.removeprefix("NK-sbx").removeprefix("SBX")


@pytest.mark.parametrize("list_code", LISTS)
def test_what_each_publication_added_and_removed(warehouse, world, listed, list_code):
    found = warehouse.execute(
        "select published_at, change_code, entry_id from fct_watchlist_changes "
        "where list_code = ? and change_code <> 'changed' and not starts_with(entry_id, 'sbx-')",
        [list_code],
    ).fetchall()
    wanted = set()
    for at, (before, now) in enumerate(zip(listed, listed[1:], strict=False), 1):
        moment = editions(world)[at].published_at.replace(tzinfo=None)
        wanted |= {(moment, "added", one) for one in now.keys() - before.keys()}
        wanted |= {(moment, "removed", one) for one in before.keys() - now.keys()}
    assert {(moment, code, number(entry)) for moment, code, entry in found} == wanted and len(found) == len(wanted)


def test_another_form_changes_nobody(warehouse, listed):
    """The second edition changed remarks in OFAC's CSV; the third came as XML and says nothing new of who stays."""
    changed = warehouse.execute(
        "select list_code, previous_published_at, count(*) from fct_watchlist_changes where change_code = 'changed' "
        "group by all order by all"
    ).fetchall()
    first = warehouse.execute("select min(published_at) from int_watchlist_publications").fetchall()[0][0]
    remarks = sum(1 for one in listed[0].keys() & listed[1].keys() if listed[0][one].remarks != listed[1][one].remarks)
    assert changed == [("ofac_sdn", first, remarks)] and remarks > 0


@pytest.mark.parametrize("list_code", LISTS)
def test_every_list_tells_the_same_sanctioned_addresses(warehouse, world, listed, list_code):
    days = [edition.published_at.date() for edition in editions(world)]
    wanted = set()
    lists = [{address for entry in edition.values() for _, address in entry.addresses} for edition in listed]
    for address in set().union(*lists):
        on = [at for at, addresses in enumerate(lists) if address in addresses]
        assert on == list(range(on[0], on[-1] + 1))
        normal = address.lower() if address.lower().startswith(("0x", "bc1")) else address
        wanted.add((normal, days[on[0]], days[on[-1] + 1] if on[-1] + 1 < len(days) else None))
    found = warehouse.execute(
        "select address, listed_from_date, delisted_on, is_valid, chain_code from int_sanctioned_addresses "
        "where list_code = ?",
        [list_code],
    ).fetchall()
    assert {row[:3] for row in found} == wanted
    assert all(is_valid for *_, is_valid, _ in found)
    assert {chain for *_, chain in found} == {"bitcoin", "ethereum", "tron"}


def test_a_part_that_did_not_change_is_one_span(warehouse):
    """Also over a set of changes that does not mention it."""
    spans = warehouse.execute(
        "select list_code, count(*), count(distinct entry_id || name_no || name) from int_watchlist_names "
        "where list_code <> 'ofac_sdn' group by all"
    ).fetchall()
    assert len(spans) == 4 and all(count == distinct for _, count, distinct in spans)
    open_names = warehouse.execute(
        "select count(*) from int_watchlist_names n left join int_watchlist_entries e using (list_code, entry_id) "
        "where n.valid_to_at is null and e.valid_to_at is not null and e.valid_to_at > n.valid_from_at "
        "and not exists (select 1 from int_watchlist_entries o where o.list_code = n.list_code "
        "and o.entry_id = n.entry_id and o.valid_to_at is null)"
    ).fetchall()
    assert open_names == [(0,)]
