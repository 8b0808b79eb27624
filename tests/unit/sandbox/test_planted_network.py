"""The planted patterns in the money graph and in trades, judged by the oracles over the delivered files: they fire,
near misses do not."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from oracles import scenarios_graph, scenarios_network, scenarios_trading
from oracles.population import Population
from unit.sandbox.definitions_check import csv_rows, labels, load, parquet_rows

from sandbox.world.planted.network import TYPOLOGIES

CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def people(world: Path) -> Population:
    """All completed movements and trades of the world as the oracles read them; a fiat one is with the own bank."""
    found, read = Population(), load(world)
    for party, mine in read.legs.items():
        for leg in mine:
            kind = leg.transfer.split(":")[1]
            side = "in" if leg.inward else "out"
            internal = kind == "internal_transfer"
            found.rows("int_transfer_legs").append(
                {
                    "leg_id": f"{leg.transfer}:{side}",
                    "transfer_id": leg.transfer,
                    "transfer_type_code": kind,
                    "rail_code": "internal" if internal else "fiat" if leg.fiat else "crypto",
                    "direction_code": side,
                    "status_code": "completed",
                    "party_id": party,
                    "account_id": leg.account,
                    "asset_code": leg.asset,
                    "chain_code": "bitcoin" if leg.asset == "BTC" else _chain(leg.counterparty),
                    "amount_usd": leg.usd,
                    "event_at": leg.at,
                    "event_date": leg.at.date(),
                    "counterparty_id": f"bank of {party}" if leg.fiat else leg.counterparty,
                }
            )
    rates = {
        (row["asset_code"], row["rate_date"]): Decimal(row["rate_usd"])
        for row in csv_rows(world / "landing/prices", "rates.csv")
        if row["rate_usd"] != "n/a"
    }
    for row in parquet_rows(world / "landing/exchange", "trades").drop_duplicates("trade_id", keep="last").itertuples():
        at = row.event_at.to_pydatetime()
        rate = rates.get((row.quote_asset_code, at.date().isoformat()))
        common = {
            "leg_id": f"exchange:trade:{row.trade_id}:none",
            "transfer_id": f"exchange:trade:{row.trade_id}",
            "party_id": read.party_of[row.account_id],
            "account_id": row.account_id,
            "event_at": at,
            "event_date": at.date(),
        }
        leg = {
            "transfer_type_code": "trade",
            "rail_code": "trade",
            "direction_code": "none",
            "status_code": "completed",
        }
        found.rows("int_transfer_legs").append(common | leg | {"counterparty_id": None, "amount_usd": Decimal(1)})
        told = {
            name: getattr(row, name) for name in ("side_code", "base_asset_code", "quote_asset_code", "base_amount")
        }
        for name in ("quote", "fee"):
            amount = getattr(row, f"{name}_amount")
            told[f"{name}_usd"] = None if rate is None else (amount * rate).quantize(CENT, ROUND_HALF_UP)
        found.rows("int_trades").append(common | told)
    return found


def _chain(address: str | None) -> str | None:
    return None if not address else "tron" if address.startswith("T") else "ethereum"


def _judge(scenario_id: str, people: Population) -> dict:
    if scenario_id in ("TM20", "TM21", "TM22", "TM23", "TM27"):
        return getattr(scenarios_network, scenario_id.lower())(people.rows("int_transfer_legs"))
    return (scenarios_graph.JUDGES | scenarios_trading.JUDGES)[scenario_id](people)


@pytest.mark.parametrize("scenario_id", TYPOLOGIES)
def test_cases_fire_and_near_misses_do_not(scenario_id: str, world: Path, people: Population) -> None:
    mine = [label for label in labels(world) if label["scenario_id"] == scenario_id]
    assert {label["parameter"] for label in mine} == {"", *TYPOLOGIES[scenario_id].misses}
    verdicts = [verdict for verdict in _judge(scenario_id, people).values() if verdict.outcome == "alerted"]
    for label in mine:
        case = set(label["transfer_ids"].split(";"))
        assert any(verdict.evidence & case for verdict in verdicts) == (label["expected"] == "fire"), label
