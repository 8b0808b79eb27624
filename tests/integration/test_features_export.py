"""`plumbline features export`: a frame with every feature of every leg, and nothing that the moment could not know."""

from pathlib import Path

import duckdb
import pytest

KEYS = ["leg_id", "transfer_id", "direction_code", "event_at", "event_date"]
IDENTIFIERS = {"party_id", "account_id", "counterparty_id", "device", "ip", "bank_account", "payout_address"}


@pytest.fixture(scope="module")
def frame(finished_home: Path, tmp_path_factory, plumbline) -> tuple[duckdb.DuckDBPyRelation, str]:
    """The frame with labels, and what the command said."""
    file = tmp_path_factory.mktemp("export") / "frame.parquet"
    result = plumbline("features", "export", str(file), "--labels", home=finished_home)
    assert result.returncode == 0, result.stderr
    with duckdb.connect() as connection:
        yield connection.read_parquet(str(file)), result.stdout


@pytest.fixture
def warehouse(finished_home: Path):
    with duckdb.connect(str(finished_home / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def test_it_has_a_row_for_each_counted_leg_in_order(frame, warehouse):
    rows, said = frame
    legs = rows.project("event_at, leg_id").fetchall()
    assert legs == sorted(legs)
    expected = warehouse.sql("select leg_id from features.feat_transfer__velocity").fetchall()
    assert sorted(leg for _, leg in legs) == sorted(leg for (leg,) in expected)
    assert f"{len(legs):,} legs with {len(rows.columns) - len(KEYS) - 4} features" in said


def test_its_values_are_those_of_the_feature_tables(frame, warehouse):
    rows, _ = frame
    some = {"velocity": "in_amount_usd_24h", "exposure": "direct_exposure_count", "peers": "peer_count"}
    for family, column in some.items():
        found = rows.filter(f"{family}__{column} is not null").project(f"leg_id, {family}__{column}").fetchall()
        table = warehouse.table(f"features.feat_transfer__{family}")
        assert sorted(found) == sorted(table.filter(f"{column} is not null").project(f"leg_id, {column}").fetchall())
        assert found


def test_no_column_looks_ahead_or_names_anybody(frame, warehouse):
    rows, _ = frame
    names = [name.partition("__")[2] or name for name in rows.columns]
    assert not [name for name in names if "_next" in name or name.startswith("next_")]
    assert not set(names) & IDENTIFIERS
    look = "select count(*) from information_schema.columns where table_schema = 'features' and column_name = ?"
    for name in ("outflow_usd_next_24h", "next_activity_at", "silent_days_next", "device", "counterparty_id"):
        assert warehouse.execute(look, [name]).fetchall()[0][0], f"{name} is no feature any more: this shows nothing"


def test_labels_are_the_gravest_decision_and_say_when_it_was_known(frame, warehouse):
    rows, said = frame
    labels = rows.filter("label_outcome_code is not null")
    assert labels.filter("label_decided_at is null or label_known_at < label_decided_at").fetchall() == []
    productive = labels.filter("label_is_productive").project("label_outcome_code").distinct().fetchall()
    assert {code for (code,) in productive} <= {"escalated", "sar_filed"}
    graver = warehouse.sql(
        "select distinct legs.leg_id from marts.fct_alert_legs as legs inner join marts.fct_case_outcomes as outcomes "
        "using (alert_id) where outcomes.outcome_code = 'sar_filed'"
    ).fetchall()
    filed = labels.filter("label_outcome_code = 'sar_filed'").project("leg_id").fetchall()
    in_frame = {leg for (leg,) in rows.project("leg_id").fetchall()}
    assert {leg for (leg,) in filed} == {leg for (leg,) in graver} & in_frame
    assert f"{len(labels):,} of them with a label" in said and len(labels)


def test_the_same_warehouse_gives_the_same_bytes(finished_home, tmp_path, plumbline):
    files = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for file in files:
        assert plumbline("features", "export", str(file), home=finished_home).returncode == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.parquet", "second.parquet"]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [((), "plumbline run"), (("--as-of", "2026-01-02"), "plumbline run --as-of 2026-01-02T00:00:00Z")],
)
def test_what_was_not_built_is_asked_for(tmp_path, plumbline, arguments, advice):
    result = plumbline("features", "export", str(tmp_path / "frame.parquet"), *arguments, home=tmp_path / "home")
    assert result.returncode == 1
    assert advice in result.stderr
    assert not (tmp_path / "frame.parquet").exists()
