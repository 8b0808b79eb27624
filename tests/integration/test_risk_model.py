"""Four vendors in one risk model: what their answers become, and what happens to words that the reviewed maps lack."""

import importlib
from pathlib import Path

import duckdb
import hand_made_raw as raw
import pytest
import vendor_world
from dbt_command import build, dbt

from ingestion import pipeline
from orchestration.demo import every_feed
from sandbox import vendor

MODELS = ("+fct_vendor_comparisons", "+fct_feed_reconciliation", "+fct_exposures", "+feat_transfer__exposure")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a small world that all vendors were asked about, and the models of this module."""
    folder = tmp_path_factory.mktemp("risk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(folder / "home"))
        world = vendor_world.make(folder)
        patch.setenv("SOURCES__TAGPACKS__BUCKET_URL", str(world / "landing/tagpacks"))
        with vendor.in_thread(vendor.Vendor(world)) as url:
            settings = every_feed(world, url) | {
                "SOURCES__CHAINALYSIS__API_URL": url + vendor.KYT_PATH,
                "SOURCES__CHAINALYSIS__API_KEY": vendor.TOKEN,
                "SOURCES__CHAINALYSIS__POLL_SECONDS": "0.3",
                "SOURCES__CHAINALYSIS__NETWORK_IDENTIFICATIONS": "true",
                "SOURCES__CHAINALYSIS__USER_LISTS": "true",
                "SOURCES__TRM__POLL_SECONDS": "0.3",
            }
            for name, value in settings.items():
                patch.setenv(name, value)
            for feed in raw.FEEDS:
                if feed != "exchange":
                    source = getattr(importlib.import_module(f"ingestion.{feed}"), f"{feed}_source")
                    pipeline.run(source(), feed)
    build(folder / "home", "--select", *MODELS)
    return folder / "home"


def rows(home: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("set search_path = 'intermediate,staging,marts,features,reference'")
        return connection.execute(sql).fetchall()


def test_every_answer_of_every_vendor_is_accounted_for(home):
    assert rows(home, "select feed_code, table_name from fct_feed_reconciliation where not is_reconciled") == []
    found = dict(rows(home, "select vendor_code, count(*) from int_exposures group by 1"))
    assert set(found) == {"chainalysis", "trm", "elliptic", "graphsense"} and min(found.values()) > 0


def test_a_public_tag_is_no_direct_exposure(home):
    assert rows(home, "select distinct exposure_type_code from int_exposures where vendor_code = 'graphsense'") == [
        ("ATTRIBUTED",)
    ]


def test_the_direct_exposure_of_a_transfer_is_counted_once_for_all_vendors(home):
    twice = rows(
        home,
        "select count(*) from (select transfer_id, category_code from int_exposures "
        "where exposure_type_code = 'DIRECT' group by 1, 2 having count(*) > 1)",
    )
    assert twice[0][0] > 0, "no two vendors name the same category: the world is too small for this test"
    assert rows(
        home,
        "select count(*) from feat_transfer__exposure as f "
        "join (select transfer_id, count(distinct category_code) as n "
        "from int_exposures where exposure_type_code = 'DIRECT' group by 1) as e using (transfer_id) "
        "where f.direct_exposure_count <> e.n",
    ) == [(0,)]


def test_disagreement_is_kept_and_measured(home):
    pairs = rows(home, "select distinct subject_type_code, vendor_1_code, vendor_2_code from fct_vendor_comparisons")
    assert {
        ("transfer", "chainalysis", "trm"),
        ("transfer", "chainalysis", "elliptic"),
        ("address", "elliptic", "trm"),
    } <= set(pairs)
    expected = rows(
        home,
        "select count(*) from int_vendor_judgements as a join int_vendor_judgements as b "
        "on a.subject_type_code = b.subject_type_code and a.subject_id = b.subject_id "
        "and a.vendor_code < b.vendor_code",
    )
    assert rows(home, "select count(*) from fct_vendor_comparisons") == expected
    counted = dict(rows(home, "select is_agreed, count(*) from fct_vendor_comparisons group by 1"))
    assert counted[True] > counted[False] > 0
    assert rows(
        home, "select count(*) from fct_vendor_comparisons where is_agreed <> (level_1_code = level_2_code)"
    ) == [(0,)]
    # A transfer that nobody has finished with agrees with nothing.
    assert rows(
        home, "select distinct is_agreed from fct_vendor_comparisons where 'unknown' in (level_1_code, level_2_code)"
    ) == [(None,)]


def test_what_chainalysis_says_of_an_address_bears_on_the_transfers_with_it(home):
    of_addresses = (
        "select distinct t.transfer_id from raw_chainalysis.{} as s join int_transfer_addresses as t "
        "on s.address = t.address_raw and t.role_code = 'counterparty' where {}"
    )
    severe = rows(home, of_addresses.format("address_screenings", "s.risk_code = 'Severe'"))
    listed = rows(home, of_addresses.format("address_exposures", "s.category = 'sanctions'"))
    assert severe and listed
    direct = rows(
        home,
        "select distinct transfer_id from int_exposures where vendor_code = 'chainalysis' "
        "and exposure_type_code = 'DIRECT' and is_zero_tolerance",
    )
    assert set(severe) | set(listed) <= set(direct)
    assert rows(
        home,
        "select level_code, count(*) > 0 from int_vendor_judgements as j join raw_chainalysis.address_screenings as s "
        "on j.subject_id = s.address and j.subject_type_code = 'address' and j.vendor_code = 'chainalysis' "
        "where s.risk_code = 'Severe' or s.product_code = 'sanctions' and s.identification_count > 0 group by 1",
    ) == [("severe", True)]
    pairs = rows(home, "select distinct subject_type_code, vendor_1_code, vendor_2_code from fct_vendor_comparisons")
    assert {("address", "chainalysis", "trm"), ("address", "chainalysis", "elliptic")} <= set(pairs)


def test_what_an_address_dealt_with_is_behind_it(home):
    assert rows(
        home,
        "select distinct exposure_type_code from int_exposures as e join int_chainalysis_findings as f "
        "on f.vendor_exposure_type in ('address_direct', 'address_indirect') and e.vendor_code = 'chainalysis' "
        "and e.exposure_type_code = 'INDIRECT' and e.vendor_category_id = f.vendor_category_id",
    ) == [("INDIRECT",)]
    assert rows(
        home,
        "select count(*) from int_chainalysis_findings where source_code = 'address_screening' "
        "and vendor_amount_usd is not null",
    ) == [(0,)]


def test_an_attempt_and_an_alert_that_is_on_the_list_only_count_for_their_transfers(home):
    """Planted: an attempt with a severe alert, an alert that is lost while its state on the list is not, and words for
    categories that nobody mapped."""
    attempted = rows(
        home,
        "select t.transfer_id from stg_chainalysis__transfers as t where t.direction_code = 'sent' and not exists ("
        "select 1 from int_exposures as e where e.transfer_id = t.transfer_id and e.vendor_code = 'chainalysis' "
        "and e.category_code = 'mixing') order by 1",
    )[0][0]
    rows(
        home,
        "insert into raw_chainalysis.withdrawal_attempts by name select 'at-1' as external_id, "  # noqa: S608 (planted)
        f"'{attempted}' as ledger_transfer_id, user_id, network, asset_code, 'x' as address, 'w-1' as "
        "attempt_identifier, transfer_at as attempted_at, updated_at, 13 as direct_category_id, 'A Mixer' as "
        "direct_name, 'SEVERE' as alert_level_code, 1 as alert_count, 0 as high_risk_address_count, '{}' as "
        "answer_json, '{}' as exposures_json, '{}' as alerts_json, '{}' as high_risk_addresses_json, _known_at, "
        "_extract_id, 999 as _record_no, _dlt_load_id from raw_chainalysis.transfers "
        f"where ledger_transfer_id = '{attempted}' and updated_at is not null limit 1",
    )
    alert_id, listed = rows(
        home,
        "select s.alert_id, min(f.subject_id) from stg_chainalysis__alert_states as s "
        "join int_chainalysis_findings as f on f.answer_id = s.alert_id where s.alert_level_code = 'SEVERE' "
        "group by 1 order by 1",
    )[0]
    external = f"(select external_id from raw_chainalysis.transfers where ledger_transfer_id = '{listed}')"  # noqa: S608 (planted)
    for table in ("alerts", "exposures"):
        rows(home, f"delete from raw_chainalysis.{table} where external_id in {external}")  # noqa: S608 (planted)
    rows(home, f"update raw_chainalysis.alert_states set category = 'Brand New' where alert_id = '{alert_id}'")  # noqa: S608 (planted)
    rows(
        home,
        "update raw_chainalysis.address_exposures set category = 'never heard of' "
        "where member_code = 'identifications' and product_code = 'sanctions'",
    )
    models = ("alerts", "exposures", "alert_states", "address_exposures", "withdrawal_attempts")
    built = dbt(
        home, "build", "--select", *(f"stg_chainalysis__{model}" for model in models), "int_chainalysis_findings",
        "int_exposure_categories", "int_exposures", "int_vendor_judgements",
    )  # fmt: skip
    assert any(name.startswith("accepted_values_int_exposure_categories") for name in built.warned)
    unmapped = rows(
        home,
        "select vendor_category_id from int_exposure_categories where not is_mapped and vendor_code = 'chainalysis'",
    )
    assert {("brand new",), ("never heard of",)} <= set(unmapped)
    judged = (
        "select level_code from int_vendor_judgements where vendor_code = 'chainalysis' "
        "and subject_type_code = 'transfer' and subject_id = '{}'"
    )
    exposed = (
        "select severity_code, entity_name from int_exposures where vendor_code = 'chainalysis' "
        "and transfer_id = '{}' and category_code = '{}'"
    )
    assert rows(home, judged.format(attempted)) == rows(home, judged.format(listed)) == [("severe",)]
    assert rows(home, exposed.format(attempted, "mixing") + " and exposure_type_code = 'DIRECT'") == [
        ("medium", "A Mixer")
    ]
    assert {severity for severity, _ in rows(home, exposed.format(listed, "unmapped"))} == {"high"}


def test_words_that_the_maps_lack_are_seen_and_counted(home):
    """A new category, a new level and a score off the scale, planted in raw."""
    rows(
        home,
        "update raw_trm.exposures set category_id = '9999', category = 'Brand New' "
        "where element_code = 'risk_indicator' and risk_type_code = 'OWNERSHIP'",
    )
    rows(home, "update raw_trm.address_screenings set risk_score_level_code = '7' where risk_score_level_code = '15'")
    rows(home, "update raw_elliptic.analyses set risk_score = 11 where risk_score = 10")
    built = dbt(
        home, "build", "--select", "stg_trm__exposures", "stg_trm__address_screenings", "stg_elliptic__analyses",
        "int_exposure_categories", "int_exposures", "int_vendor_judgements", "fct_vendor_comparisons",
    )  # fmt: skip
    assert any(name.startswith("accepted_values_int_exposure_categories") for name in built.warned)
    assert any(name.startswith("known_codes_int_vendor_judgements") for name in built.warned)
    assert rows(
        home,
        "select vendor_category_id, vendor_category_name from int_exposure_categories "
        "where not is_mapped and vendor_code = 'trm'",
    ) == [("9999", "Brand New")]
    unmapped = rows(
        home,
        "select count(*), min(severity_code) from int_exposures "
        "where vendor_code = 'trm' and category_code = 'unmapped'",
    )
    assert unmapped[0][0] > 0 and unmapped[0][1] == "high"
    levels = rows(
        home, "select vendor_code, vendor_level from int_vendor_judgements where level_code = 'unmapped' group by all"
    )
    assert ("trm", "7") in levels and any(vendor == "elliptic" for vendor, _ in levels)


def test_a_type_of_exposure_that_the_map_lacks_stops_the_run(home):
    """It could be a direct one, which no floor may hide."""
    rows(home, "update raw_trm.exposures set risk_type_code = 'SIDEWAYS' where risk_type_code = 'INDIRECT'")
    built = dbt(home, "build", "--select", "stg_trm__exposures", "int_exposures")
    assert any(name.startswith("known_codes_int_exposures") for name in built.failed)
