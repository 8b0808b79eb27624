"""Turn public, independently made files into the deliveries that Plumbline reads.

Usage: python examples/real_files/prepare.py DATA OUT

DATA is a folder with `labelled/small` (a simulated bank world with planted laundering patterns) and
`kyt/chainalysis/v2` (recorded KYT exchanges). OUT receives `exchange/`, `kyc/` and `prices/` deliveries in the
bring-your-own-files format, without manifests, as a user without an export job of their own would write them, and
`labels.csv`, the planted patterns, which no loader reads: `plumbline detection --labels` compares alerts with them.
The other feeds of this example read their published files as they are (see `.dlt/config.toml` beside this script).

Assumptions, because the source does not say: step 0 is 2025-01-01 UTC, the currency is USD, residence is US; the
transfers of one step are spread evenly over its day in their own order. Amounts are written as the exact shortest
decimal of the number in the file; nothing is rounded.
"""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import yaml

FIRST_DAY = date(2025, 1, 1)
OUTSIDE = -1  # any negative account is the world outside the two simulated banks: -1 sink, -2 source


def plain(number: float) -> str:
    """Shortest decimal that is this float, without an exponent."""
    return format(Decimal(repr(number)), "f")


def movements(data: Path) -> pd.DataFrame:
    """The simulated transfers with a time (UTC) for each, in file order."""
    rows = pd.read_parquet(data / "labelled/small/transactions.parquet").sort_values("tx_seq")
    rank = rows.groupby("step").cumcount()
    per_step = rows.groupby("step")["tx_seq"].transform("size")
    offset = pd.to_timedelta(rows["step"], unit="D") + pd.to_timedelta(rank * 86_400 // per_step, unit="s")
    rows["event_at"] = (pd.Timestamp(FIRST_DAY) + offset).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows["day"] = [(FIRST_DAY + timedelta(days=int(step))).isoformat() for step in rows["step"]]
    rows["amount"] = rows["amount"].map(plain)
    return rows


def fiat_movement(rows: pd.DataFrame, id_column: str, account: str) -> pd.DataFrame:
    """Rows as canonical fiat deposits or withdrawals of the account in column `account`."""
    return pd.DataFrame(
        {
            "day": rows["day"],
            id_column: "T" + rows["tx_seq"].astype(str),
            "account_id": "A" + rows[account].astype(str),
            "rail_code": "fiat",
            "asset_code": "USD",
            "amount": rows["amount"],
            "status_code": "completed",
            "event_at": rows["event_at"],
        }
    )


def recorded_kyt_movements(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The deposit and the withdrawal behind the recorded KYT registrations, as ledger rows."""

    def recorded(name: str) -> dict:
        interaction = yaml.safe_load((data / f"kyt/chainalysis/{name}.yml").read_text())["http_interactions"][0]
        return {
            "user": interaction["request"]["uri"].split("/users/")[-1].split("/")[0],
            "request": json.loads(interaction["request"]["body"]["string"] or "{}", parse_float=Decimal),
            "answer": json.loads(interaction["response"]["body"]["string"], parse_float=Decimal),
        }

    def row(registration: dict, id_column: str, amount: Decimal, timestamp: str) -> dict:
        tx_hash, address = registration["request"]["transferReference"].split(":")
        event_at = datetime.fromisoformat(timestamp).astimezone(UTC)
        return {
            "day": event_at.date().isoformat(),
            id_column: f"KYT-{registration['request']['direction']}",
            "account_id": registration["user"],
            "rail_code": "crypto",
            "asset_code": registration["request"]["asset"],
            "amount": format(amount, "f"),
            "chain_code": registration["request"]["network"].lower(),
            "to_address": address,
            "tx_hash": tx_hash,
            "status_code": "completed",
            "event_at": event_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    received, sent = recorded("v2/register_transfer_received"), recorded("v2/register_transfer_sent")
    summary = recorded("v2/get_transfer")["answer"]
    listed = recorded("v1/get_sent_transfers")["answer"]["data"]
    (sending,) = [t for t in listed if t["transferReference"] == sent["request"]["transferReference"]]
    return (
        pd.DataFrame([row(received, "deposit_id", summary["assetAmount"], summary["timestamp"])]),
        pd.DataFrame([row(sent, "withdrawal_id", sending["amount"], sending["timestamp"])]),
    )


COLUMNS = {
    "deposits": [
        *("deposit_id", "account_id", "rail_code", "asset_code", "amount", "chain_code", "from_address", "to_address"),
        *("tx_hash", "bank_reference", "status_code", "event_at", "ip_address", "device_id"),
    ],
    "withdrawals": [
        *("withdrawal_id", "account_id", "rail_code", "asset_code", "amount", "fee_amount", "chain_code", "to_address"),
        *("tx_hash", "beneficiary_account", "bank_reference", "status_code", "event_at", "ip_address", "device_id"),
    ],
    "internal_transfers": [
        *(
            "internal_transfer_id",
            "from_account_id",
            "to_account_id",
            "asset_code",
            "amount",
            "status_code",
            "event_at",
        ),
    ],
}


def exchange_tables(data: Path) -> dict[str, pd.DataFrame]:
    """Canonical exchange tables, one row per simulated or recorded movement, with its delivery day in `day`."""
    rows = movements(data)
    from_outside, to_outside = rows["nameOrig"] <= OUTSIDE, rows["nameDest"] <= OUTSIDE
    kyt_deposits, kyt_withdrawals = recorded_kyt_movements(data)
    inside = rows[~from_outside & ~to_outside]
    withdrawals = fiat_movement(rows[to_outside], "withdrawal_id", "nameOrig")
    return {
        "deposits": pd.concat([fiat_movement(rows[from_outside], "deposit_id", "nameDest"), kyt_deposits]),
        "withdrawals": pd.concat([withdrawals, kyt_withdrawals]).assign(fee_amount="0"),
        "internal_transfers": pd.DataFrame(
            {
                "day": inside["day"],
                "internal_transfer_id": "T" + inside["tx_seq"].astype(str),
                "from_account_id": "A" + inside["nameOrig"].astype(str),
                "to_account_id": "A" + inside["nameDest"].astype(str),
                "asset_code": "USD",
                "amount": inside["amount"],
                "status_code": "completed",
                "event_at": inside["event_at"],
            }
        ),
    }


def kyc_tables(data: Path) -> dict[str, pd.DataFrame]:
    """Canonical parties and accounts of the simulated customers; salary is monthly."""
    accounts = pd.read_csv(data / "labelled/small/accounts.csv", dtype=str)
    opened_at = f"{FIRST_DAY.isoformat()}T00:00:00Z"
    yearly_income = [str((Decimal(monthly) * 12).quantize(Decimal("0.01"))) for monthly in accounts["SALARY"]]
    parties = pd.DataFrame(
        {
            "party_id": accounts["CUSTOMER_ID"],
            "party_type_code": "person",
            "legal_name": "Customer " + accounts["CUSTOMER_ID"],
            "birth_date": "",
            "residence_country_code": "US",
            "nationality_country_code": "",
            "kyc_level_code": "full",
            "kyc_status_code": "approved",
            "is_pep": "false",
            "declared_annual_income_amount": yearly_income,
            "declared_income_ccy": "USD",
            "occupation": "",
            "segment_code": "retail",
            "risk_rating_code": "medium",
            "next_review_date": "",
            "valid_from_at": opened_at,
        }
    )
    return {
        "parties": parties,
        "accounts": pd.DataFrame(
            {
                "account_id": "A" + accounts["ACCOUNT_ID"],
                "party_id": accounts["CUSTOMER_ID"],
                "account_type_code": "spot",
                "opened_at": opened_at,
                "closed_at": "",
                "last_activity_at": "",
                "valid_from_at": opened_at,
            }
        ),
    }


def labels(data: Path) -> pd.DataFrame:
    """The planted patterns, each with the transfers it consists of."""
    patterns = pd.read_csv(data / "labelled/small/truth_patterns.csv", dtype=str).set_index("pattern_id")["typology"]
    planted = pd.read_parquet(data / "labelled/small/transactions.parquet").query("isSAR == 1").sort_values("tx_seq")
    transfers = ("T" + planted["tx_seq"].astype(str)).groupby(planted["patternID"].astype(str)).agg(";".join)
    table = pd.DataFrame({"typology": patterns, "transfer_ids": transfers}).dropna().reset_index(names="pattern_id")
    return table.assign(expected="fire", scenario_id="").sort_values("pattern_id")


def write(table: pd.DataFrame, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def main(data: Path, out: Path) -> None:
    days = set()
    for name, table in exchange_tables(data).items():
        days.update(table["day"])
        # The recorded movements are years older than the simulated ones: they come, late, with the first of these,
        # because a ledger without the days between would be one with days missing.
        delivered = table["day"].where(table["day"] >= FIRST_DAY.isoformat(), FIRST_DAY.isoformat())
        for day, rows in table.groupby(delivered):
            write(rows.reindex(columns=COLUMNS[name]), out / f"exchange/delivery={day}", name)
    opening = out / f"kyc/delivery={(FIRST_DAY - timedelta(days=1)).isoformat()}"
    for name, table in kyc_tables(data).items():
        write(table, opening, name)
    rates = pd.DataFrame({"asset_code": "USD", "rate_date": sorted(days), "rate_usd": "1", "source": "by definition"})
    for day, rows in rates.groupby("rate_date"):
        write(rows, out / f"prices/delivery={day}", "rates")
    write(labels(data), out, "labels")
    print(f"wrote {len(days)} daily deliveries to {out}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
