"""What oracles read of a warehouse that dbt built over upstream tables made by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SCENARIO_MODELS = {
    "TM01": "scn_tm01_structuring_fiat",
    "TM06": "scn_tm06_rapid_in_out",
    "TM09": "scn_tm09_fan_in",
    "TM14": "scn_tm14_dormant_reactivation",
    "TM28": "scn_tm28_direct_exposure",
    "TM45": "scn_tm45_address_screening",
    "TM11": "scn_tm11_velocity_count",
    "TM12": "scn_tm12_large_vs_history",
    "TM13": "scn_tm13_peer_deviation",
    "TM15": "scn_tm15_new_account_surge",
    "TM16": "scn_tm16_staggered_then_silent",
    "TM19": "scn_tm19_benford",
    "TM38": "scn_tm38_login_mismatch",
    "TM39": "scn_tm39_profile_change_then_withdrawal",
    "TM40": "scn_tm40_elder_novice_surge",
    "TM41": "scn_tm41_off_profile",
    "TM02": "scn_tm02_structuring_travel_rule",
    "TM03": "scn_tm03_many_small",
    "TM04": "scn_tm04_low_value_band",
    "TM05": "scn_tm05_aggregate_near_threshold",
    "TM07": "scn_tm07_deposit_withdraw_no_trade",
    "TM08": "scn_tm08_mirroring_commission",
    "TM10": "scn_tm10_fan_out",
    "TM17": "scn_tm17_round_amounts",
    "TM18": "scn_tm18_same_amount_repeats",
    "TM20": "scn_tm20_layering_path",
    "TM21": "scn_tm21_round_trip",
    "TM22": "scn_tm22_scatter_gather",
    "TM23": "scn_tm23_gather_scatter",
    "TM27": "scn_tm27_chain_hop",
    "TM29": "scn_tm29_indirect_exposure",
    "TM30": "scn_tm30_post_designation",
    "TM31": "scn_tm31_mixer",
    "TM33": "scn_tm33_cumulative_small_exposure",
    "TM34": "scn_tm34_unhosted_heavy",
    "TM35": "scn_tm35_high_risk_services",
    "TM36": "scn_tm36_shared_infrastructure",
    "TM37": "scn_tm37_many_customers_one_address",
    "TM43": "scn_tm43_high_risk_corridor",
    "TM44": "scn_tm44_travel_rule_gap",
    "TM24": "scn_tm24_bipartite",
    "TM25": "scn_tm25_closed_community",
    "TM26": "scn_tm26_peel_chain",
    "TM32": "scn_tm32_privacy_coin_swap",
    "TM42": "scn_tm42_trade_at_loss",
    "TM46": "scn_tm46_anomaly",
    "TM47": "scn_tm47_proximity",
}


def load_seed(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """A seed of ours as `reference.<name>`, as dbt would load it, ready to be changed by a test."""
    seeds = yaml.safe_load((PROJECT / "seeds/_scenario_seeds.yml").read_text())["seeds"]
    types = next(seed["config"]["column_types"] for seed in seeds if seed["name"] == name)
    names = {"string": "varchar"}
    columns = {column: names.get(kind, kind) for column, kind in types.items()}
    con.execute("create schema if not exists reference").fetchall()
    con.read_csv(str(PROJECT / f"seeds/{name}.csv"), header=True, columns=columns).create(f"reference.{name}")


def table(home: Path, name: str) -> list[dict]:
    """All rows of <schema>.<table>, as dicts."""
    return rows(home, f"select * from {name}")  # noqa: S608 (names come from the tests)


def rows(home: Path, query: str) -> list[dict]:
    """The result of a query on the warehouse, as dicts."""
    con = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    try:
        return con.sql(query).to_arrow_table().to_pylist()
    finally:
        con.close()
