"""What a window has read is compared with the legs: a leg that a feature forgets is a red run, not a missed alert."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dbt_command import compiled, dbt
from oracles import population, warehouse

ODD_DAY = "extract(day from event_at) % 2 = 1"
ROWS = "every_leg_has_its_row_of_features"
PARTIES = "party_windows_read_every_leg"
CHECKS = {
    "feat_transfer__velocity": ("velocity_windows_read_every_leg", "velocity_windows_see_every_counterparty"),
    "feat_transfer__flow": ("flow_windows_read_every_leg",),
    "feat_transfer__structuring": ("structuring_windows_read_every_leg",),
    "feat_transfer__history": ("history_windows_read_every_leg",),
    "feat_transfer__exposure": ("exposure_columns_hold_every_exposure",),
    "feat_party_day__activity": (PARTIES,),
    **{f"feat_transfer__{family}": (PARTIES, ROWS) for family in ("bands", "benford", "peers")},
    "scn_tm09_fan_in": ("fan_in_follows_all_the_money",),
}
# That no leg lacks its row is checked; what their windows have read is judged by the oracles alone so far.
WINDOWS_NOT_CHECKED_YET = (
    *(f"feat_transfer__{family}" for family in (
        "behaviour", "breadth", "cadence", "corridor", "counterparty", "profile", "repetition", "shared",
        "travel_rule", "turnaround",
    )),
    "feat_transfer_category__exposure",
)  # fmt: skip
CHECKS |= {model: (ROWS,) for model in WINDOWS_NOT_CHECKED_YET}
A_LEG = "and party_id is not null"
LOST = f"{A_LEG} and not ({ODD_DAY})"
# (model, the check that must see it, a piece of the compiled model, what a mistake makes of it)
DEFECTS = [
    ("feat_transfer__flow", 0, "case when direction_code = 'out' then amount_usd end as out_usd",
     f"case when direction_code = 'out' and not ({ODD_DAY}) then amount_usd end as out_usd"),
    ("feat_transfer__flow", 0, "then event_at end as out_at", f"and not ({ODD_DAY}) then event_at end as out_at"),
    ("feat_transfer__flow", 0, "interval 24 hours following", "interval 23 hours following"),
    ("feat_transfer__velocity", 0, "case when direction_code = 'in' then 1 end as in_one",
     "case when direction_code = 'in' and amount_usd > 1000 then 1 end as in_one"),
    ("feat_transfer__velocity", 0, "then amount_usd end as out_usd",
     f"and not ({ODD_DAY}) then amount_usd end as out_usd"),
    ("feat_transfer__velocity", 0, "partition by party_id order by event_at range between interval 7 days",
     "partition by account_id order by event_at range between interval 7 days"),
    ("feat_transfer__velocity", 0, "case when amount_usd is null then 1 end", "case when amount_usd = 0 then 1 end"),
    ("feat_transfer__velocity", 1, "then counterparty_id end as sender_id",
     f"and not ({ODD_DAY}) then counterparty_id end as sender_id"),
    ("feat_transfer__velocity", 1, "then counterparty_id end as receiver_id",
     "then account_id end as receiver_id"),
    ("feat_transfer__structuring", 0, "case when is_in_band then 1 end as band_one",
     f"case when is_in_band and not ({ODD_DAY}) then 1 end as band_one"),
    ("feat_transfer__structuring", 0, "case when is_in_band then amount end as band_amount",
     f"case when is_in_band and not ({ODD_DAY}) then amount end as band_amount"),
    ("feat_transfer__structuring", 0, "amount >= band_low_amount", "amount > band_low_amount"),
    ("feat_transfer__history", 0, "count(amount_usd) over",
     f"count(case when not ({ODD_DAY}) then amount_usd end) over"),
    ("feat_transfer__history", 0, "sum(amount_usd) over", f"sum(case when not ({ODD_DAY}) then amount_usd end) over"),
    ("feat_transfer__history", 0, "where status_code = 'completed' and party_id is not null",
     "where status_code = 'completed' and party_id is not null and transfer_type_code <> 'trade'"),
    ("feat_transfer__exposure", 0, "where exposure_type_code = 'DIRECT'",
     "where exposure_type_code = 'DIRECT' and exposure_usd < 5000"),
    ("feat_transfer__exposure", 0, "sum(case when category_code = 'ransomware' then exposure_usd end)",
     "sum(case when category_code = 'ransomware' and exposure_usd > 1000 then exposure_usd end)"),
    ("feat_transfer__exposure", 0, "count(case when is_zero_tolerance then 1 end)",
     "count(case when is_zero_tolerance and exposure_usd > 0 then 1 end)"),
    ("feat_party_day__activity", 0, "sum(case when direction_code = 'in' then amount_usd end)",
     f"sum(case when direction_code = 'in' and not ({ODD_DAY.replace('event_at', 'event_date')}) then amount_usd end)"),
    ("feat_transfer__bands", 0, "case when is_subthreshold then amount_usd end",
     f"case when is_subthreshold and not ({ODD_DAY}) then amount_usd end"),
    ("feat_transfer__bands", 0, "case when rail_code = 'fiat' and amount_usd is not null then 1 end",
     "case when rail_code = 'fiat' and amount_usd > 1000 then 1 end"),
    ("feat_transfer__benford", 0, "count(case when first_digit = '7' then 1 end)",
     f"count(case when first_digit = '7' and not ({ODD_DAY}) then 1 end)"),
    ("feat_transfer__peers", 0, "partition by party_id order by event_at range between interval 30 days",
     "partition by party_id order by event_at range between interval 29 days"),
    *((f"feat_transfer__{family}", 1, A_LEG, LOST) for family in ("bands", "benford", "peers")),
    *((model, 0, A_LEG, LOST) for model in WINDOWS_NOT_CHECKED_YET[:-1]),
    ("feat_transfer_category__exposure", 0, "and rail_code = 'crypto'",
     f"and rail_code = 'crypto' and not ({ODD_DAY})"),
    ("scn_tm09_fan_in", 0, "and direction_code in ('in', 'out')", f"and (direction_code = 'in' or not ({ODD_DAY}))"),
]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made population with its features and scenarios, which pass the checks."""
    home = tmp_path_factory.mktemp("windows")
    population.make().write(home / "warehouse.duckdb")
    checks = sorted({name for names in CHECKS.values() for name in names})
    seeds = (
        "path:seeds/scenarios.csv",
        "scenario_parameters",
        "jurisdictions",
        "int_scenario_parameters",
        "int_money_edges",
    )
    models = (*seeds, "path:models/features", "path:models/scenarios")
    dbt(home, "build", "--indirect-selection", "empty", "--select", *models, *checks)
    return home


@pytest.fixture
def breaks(built: Path, tmp_path: Path) -> Callable[..., dict[str, int]]:
    """Builds a model again with a piece of its SQL replaced, in a copy, and counts what each of its checks returns."""

    def build(model: str, right: str = "", wrong: str = "") -> dict[str, int]:
        shutil.copy(built / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
        sql = compiled(model)
        assert right in sql, f"nothing in {model} is {right!r}: the defect cannot be planted any more"
        schema = "scenarios" if model.startswith("scn") else "features"
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
            con.execute(f"create or replace table {schema}.{model} as {sql.replace(right, wrong)}").fetchall()
            return {name: len(con.execute(compiled(name)).fetchall()) for name in CHECKS[model]}

    return build


def test_every_feature_table_has_its_check() -> None:
    tables = {path.stem for path in (warehouse.PROJECT / "models/features").glob("feat_*.sql")}
    assert tables == {model for model in CHECKS if model.startswith("feat")}
    assert {(model, number) for model, names in CHECKS.items() for number in range(len(names))} == {
        (model, number) for model, number, *_ in DEFECTS
    }


@pytest.mark.parametrize("model", CHECKS)
def test_the_models_as_they_are_lose_nothing(model: str, breaks) -> None:
    assert set(breaks(model).values()) == {0}


@pytest.mark.parametrize(("model", "number", "right", "wrong"), DEFECTS)
def test_a_window_that_forgets_is_found(model: str, number: int, right: str, wrong: str, breaks) -> None:
    assert breaks(model, right, wrong)[CHECKS[model][number]] > 0


@pytest.mark.parametrize(
    "model", [model for model in CHECKS if model.startswith("feat") and model not in WINDOWS_NOT_CHECKED_YET]
)
def test_a_leg_without_a_row_is_found(model: str, breaks) -> None:
    found = breaks(model, A_LEG, LOST)
    assert found[CHECKS[model][0]] > 0


@pytest.mark.parametrize("scenario_id", ["TM01", "TM06", "TM09", "TM14"])
def test_a_leg_without_a_row_is_an_error_of_the_scenario_also_where_it_is_not_judged(
    scenario_id: str, built: Path, tmp_path: Path
) -> None:
    shutil.copy(built / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    family = {"TM01": "structuring", "TM06": "flow", "TM09": "velocity", "TM14": "history"}[scenario_id]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        lost = con.execute(
            f"delete from features.feat_transfer__{family} where direction_code = 'out' and {ODD_DAY} returning leg_id"  # noqa: S608
        ).fetchall()
        rows = con.sql(compiled(warehouse.SCENARIO_MODELS[scenario_id]))
        missing = rows.filter("outcome_code = 'errored' and reason_code = 'feature_missing'")
        errored = missing.project("leg_id").fetchall()
    assert len(lost) > 50
    assert sorted(errored) == sorted(lost)
