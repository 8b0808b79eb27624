"""Every list from its publisher's server, with the faults publishers are known for, into a real warehouse."""

import logging
from pathlib import Path

import list_world
import pytest
import record_hashes

from ingestion import pipeline
from ingestion.vendor import VendorUnavailable
from ingestion.watchlists import fetch, watchlists_source
from orchestration.soda import check_name, read_contracts, verify
from sandbox.vendor import EU_TOKEN, ListFaults
from sandbox.vendor.list_entries import editions, entries

REPOSITORY = Path(__file__).parents[2]
TABLES = ("entries", "names", "places", "identifiers", "digital_currency_addresses")
LANDED = " union all ".join(f"select '{t}', _extract_id, 0, 1 from raw_watchlists.{t}" for t in TABLES)  # noqa: S608 (our names)
UNEXPLAINED = f"""
    select table_name, extract_id, sum(stated), sum(landed) from (
        select table_name, extract_id, source_rows as stated, 0 as landed from raw_watchlists.control_totals
        union all {LANDED}
        union all select table_name, extract_id, 0, 1 from raw_watchlists.rejects
    ) group by all having sum(stated) <> sum(landed)
"""  # noqa: S608 (our names)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return list_world.make(tmp_path_factory.mktemp("lists"))


def load(**lists: str):
    source = watchlists_source(eu_fsf_token=EU_TOKEN, retry_seconds=0.01, **lists)
    return pipeline.run(source, "watchlists")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def counts(list_code: str) -> tuple[int, ...]:
    """Rows by table, in the order of TABLES."""
    of_list = f"where list_code = '{list_code}'"
    return tuple(query(f"select count(*) from raw_watchlists.{t} {of_list}")[0][0] for t in TABLES)  # noqa: S608 (our names)


every_hash_agrees = record_hashes.agree_after_each_test("watchlists")


@pytest.mark.parametrize("form", ["ofac_xml", "ofac_advanced"])
def test_ofac_says_the_same_in_each_of_its_forms(home, world, form):
    with list_world.published(world) as (server, places):
        server.at = 1
        load(ofac_sdn_url=places["ofac_csv"])
        addresses = "select entry_id, asset_code, address from raw_watchlists.digital_currency_addresses"
        by_csv = set(query(addresses))
        said = "select entry_id, name || '|' || program from raw_watchlists.entries"
        people = dict(query(said))
        names_of = "select entry_id, name_no, name from raw_watchlists.names"
        names = set(query(names_of))
        load(ofac_sdn_url=places[form])
        code = {"ofac_advanced": "ofac_advanced_xml"}.get(form, form)
        of_form = f"_extract_id in (select _extract_id from raw_watchlists.entries where format_code = '{code}')"  # noqa: S608 (our names)
        assert set(query(f"{addresses} where {of_form}")) == by_csv
        assert dict(query(f"{said} where {of_form}")) == people
        assert set(query(names_of)) == names
    assert query(UNEXPLAINED) == []


def test_all_lists_land_and_the_same_publication_is_not_loaded_again(home, world, caplog):
    with list_world.published(world) as (_, places), caplog.at_level(logging.WARNING):
        wanted = {
            "ofac_sdn_url": places["ofac_advanced"],
            "un_sc_url": places["un"],
            "eu_fsf_url": places["eu"],
            "uk_sl_url": places["uk_csv"],
            "opensanctions_url": places["opensanctions"],
        }
        load(**wanted)
        before = {code: counts(code) for code in ("ofac_sdn", "un_sc", "eu_fsf", "uk_sl", "opensanctions")}
        load(**wanted)
        load(**{**wanted, "ofac_sdn_url": str(world / "landing/ofac")})
    listed = entries(editions(world)[-1].folder)
    addresses = sum(len(entry.addresses) for entry in listed)
    for code in ("un_sc", "eu_fsf", "uk_sl"):
        assert counts(code) == before[code]
        assert (counts(code)[0], counts(code)[-1]) == (len(listed), addresses)
    assert counts("opensanctions")[0] == len(listed) + addresses
    assert query(UNEXPLAINED) == []
    assert query("select count(*) from raw_watchlists.rejects") == [(0,)]
    # The same publication by folder, in another form, is one more word of the same list and not a second list
    assert query("select count(distinct published_at), count(distinct list_code) from raw_watchlists.entries "
                 "where list_code = 'ofac_sdn'") == [(3, 1)]  # fmt: skip
    assert "CC BY-NC 4.0" in caplog.text
    assert EU_TOKEN not in caplog.text


def test_the_same_bytes_by_folder_and_by_address_are_one_publication(home, world):
    with list_world.published(world) as (server, places):
        load(ofac_sdn_url=str(world / "landing/ofac"))
        before = counts("ofac_sdn")
        for at in range(3):
            server.at = at
            load(ofac_sdn_url=places["ofac_csv"])
    assert counts("ofac_sdn") == before


def test_partial_dates_keep_their_text_and_impossible_ones_are_shown(home, world):
    with list_world.published(world) as (_, places):
        load(uk_sl_url=places["uk_xml"])
    found = set(
        query(
            "select date_precision_code, is_valid, invalid_reason_code from raw_watchlists.identifiers "
            "where identifier_type = 'birth_date'"
        )
    )
    assert {("day", True, None), ("month", True, None), ("year", True, None)} <= found
    assert found <= {
        ("day", True, None),
        ("month", True, None),
        ("year", True, None),
        ("day", False, "impossible_date"),
    }
    assert query("select count(*) from raw_watchlists.identifiers where value like 'dd/mm/____'") != [(0,)]
    assert "Every identifier can be one" in failed_checks()


def test_opensanctions_follows_the_changes_and_starts_anew_when_they_are_gone(home, world):
    with list_world.published(world) as (server, places):
        for at in range(3):
            server.at = at
            load(opensanctions_url=places["opensanctions"])
        load(opensanctions_url=places["opensanctions"])
        published = query(
            "select format_code, op_code, count(*) > 0 from raw_watchlists.entries group by all order by all"
        )
        assert published == [("ftm", "LISTED", True), ("ftm_delta", "ADD", True), ("ftm_delta", "DEL", True)]
        assert query("select count(distinct extract_id) from raw_watchlists.control_totals") == [(3,)]
        assert query(UNEXPLAINED) == []


def test_a_gap_in_the_changes_is_filled_by_the_whole_list(home, world, monkeypatch):
    with list_world.published(world) as (server, places):
        server.at = 0
        load(opensanctions_url=places["opensanctions"])
        server.at = 2
        made = server._make
        monkeypatch.setattr(
            server, "_make", lambda name: b'{"versions": {}}' if name.endswith("/delta.json") else made(name)
        )
        load(opensanctions_url=places["opensanctions"])
    assert query("select is_whole, count(distinct published_at) from raw_watchlists.entries group by all") == [
        (True, 2)
    ]


def test_bursts_of_errors_and_cut_downloads_are_tried_again(home, world):
    faults = ListFaults(errors={"/content": 4}, cuts={"consolidated.xml": 2, "entities.ftm.json": 1})
    with list_world.published(world, faults) as (_, places):
        load(eu_fsf_url=places["eu"], un_sc_url=places["un"], opensanctions_url=places["opensanctions"])
    assert {code for (code,) in query("select distinct list_code from raw_watchlists.entries")} == {
        "eu_fsf", "opensanctions", "un_sc",
    }  # fmt: skip
    assert query(UNEXPLAINED) == []
    assert not any(faults.errors.values()) and not any(faults.cuts.values())


def test_a_publisher_that_stays_away_keeps_its_last_publication(home, world, caplog, monkeypatch):
    monkeypatch.setattr(fetch, "ATTEMPTS", 2)
    faults = ListFaults()
    with list_world.published(world, faults) as (server, places):
        server.at = 0
        load(eu_fsf_url=places["eu"], un_sc_url=places["un"])
        before = counts("eu_fsf")
        server.at = 1
        faults.errors["/content"] = 1000
        load(eu_fsf_url=places["eu"], un_sc_url=places["un"])
        assert counts("eu_fsf") == before and before[0] > 0
        assert query("select count(distinct published_at) from raw_watchlists.entries where list_code = 'un_sc'") == [
            (2,)
        ]
        assert "last publication stays in force" in caplog.text and EU_TOKEN not in caplog.text
        with pytest.raises(VendorUnavailable):
            load(eu_fsf_url=places["eu"])


def test_a_list_that_cannot_be_read_makes_the_feed_stale_and_the_others_land(home, world, monkeypatch):
    from orchestration.assets.feeds import UP_TO_DATE, _check_results, _unread

    monkeypatch.setattr(fetch, "ATTEMPTS", 2)
    faults = ListFaults(errors={"UK-Sanctions-List.xml": 1000})
    with list_world.published(world, faults) as (_, places):
        settings = {"un_sc_url": places["un"], "eu_fsf_url": places["eu"], "uk_sl_url": places["uk_xml"]}
        source = watchlists_source(**settings, eu_fsf_token="wrong", retry_seconds=0.001)
        pipeline.run(source, "watchlists")
        assert counts("un_sc")[0] > 0 and counts("eu_fsf")[0] == counts("uk_sl")[0] == 0
        stale = _unread(source)
        (check,) = [one for one in _check_results("watchlists", source, stale) if one.check_name == UP_TO_DATE]
        assert not check.passed and check.metadata["reason"].text == stale
        assert "eu_fsf was not read" in stale and "token" in stale and "wrong" not in stale
        assert "uk_sl was not read" in stale and "un_sc" not in stale
        faults.errors.clear()
        source = watchlists_source(**settings, eu_fsf_token=EU_TOKEN)
        pipeline.run(source, "watchlists")
        assert _unread(source) is None and counts("eu_fsf")[0] > 0 and counts("uk_sl")[0] > 0


def test_an_unusable_publication_is_rejected_whole_and_the_others_land(home, tmp_path, world):
    (tmp_path / "un/2026-01-05").mkdir(parents=True)
    (tmp_path / "un/2026-01-05/cut.xml").write_bytes(b"<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID>")
    load(un_sc_url=str(tmp_path / "un"), ofac_sdn_url=str(world / "landing/ofac"))
    assert not load(un_sc_url=str(tmp_path / "un"), ofac_sdn_url=str(world / "landing/ofac")).loads_ids
    ((reason, raw),) = query("select reason, raw_record from raw_watchlists.rejects")
    assert "may be cut off" in reason and raw == "cut.xml"
    assert query(UNEXPLAINED) == []
    assert counts("un_sc")[0] == 0 and counts("ofac_sdn")[0] > 0
    assert "No list waits for a usable publication" in failed_checks()


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_watchlists":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


def test_the_real_list_of_the_united_nations(home, shared_data):
    load(un_sc_url=str(shared_data / "watchlists/un"))
    assert query("select entry_type, count(*) from raw_watchlists.entries group by all order by all") == [
        ("entity", 273),
        ("individual", 730),
    ]
    assert query("select distinct published_at::varchar from raw_watchlists.entries") == [("2026-02-27 00:00:09.554",)]
    assert counts("un_sc")[1:4] == (3130, 1445, 1990)
    assert query(UNEXPLAINED) == []
    invalid = dict(
        query("select invalid_reason_code, count(*) from raw_watchlists.identifiers where not is_valid group by 1")
    )
    assert invalid == {"no_value": invalid["no_value"]}
