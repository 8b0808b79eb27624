"""What is delivered: same seed same bytes, manifests that an independent count confirms, statements that balance."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd
import pytest
from lxml import etree
from unit.sandbox.definitions_check import csv_rows, manifests, parquet_rows

from sandbox.world import generate

KEYS = {
    "deposits": "deposit_id",
    "withdrawals": "withdrawal_id",
    "internal_transfers": "internal_transfer_id",
    "trades": "trade_id",
    "addresses": "address",
    "parties": "party_id",
    "accounts": "account_id",
    "outcomes": "case_id",
    "events": "event_id",
}
AMOUNTS = {"trades": "base_amount", "deposits": "amount", "withdrawals": "amount", "internal_transfers": "amount"}
ASSETS = {
    "trades": "base_asset_code",
    "deposits": "asset_code",
    "withdrawals": "asset_code",
    "internal_transfers": "asset_code",
}


def digests(root: Path) -> dict[str, str]:
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_seed_same_bytes_and_another_seed_another_world(tmp_path: Path):
    first = generate(tmp_path / "a", customers=40, days=5, seed=3)
    second = generate(tmp_path / "b", customers=40, days=5, seed=3)
    other = generate(tmp_path / "c", customers=40, days=5, seed=4)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert first.as_json() == second.as_json()
    assert digests(tmp_path / "a") != digests(tmp_path / "c")
    assert other.seed == 4


def test_generating_again_replaces_what_was_there(tmp_path: Path):
    generate(tmp_path, customers=5, days=2)
    generate(tmp_path, customers=5, days=1)
    assert sorted(p.name for p in (tmp_path / "landing" / "exchange").iterdir()) == [
        "delivery=2025-12-31",
        "delivery=2026-01-01",
    ]


@pytest.mark.parametrize(("customers", "days"), [(0, 5), (5, 0)])
def test_impossible_sizes_are_refused(tmp_path: Path, customers: int, days: int):
    with pytest.raises(ValueError, match="at least one"):
        generate(tmp_path, customers=customers, days=days)


def test_progress_is_told(tmp_path: Path):
    stages: list[str] = []
    generate(tmp_path, customers=3, days=2, progress=stages.append)
    assert stages[0] == "customers and counterparties" and "truth" in stages


def test_every_manifest_lists_exactly_the_files_beside_it(world: Path):
    found = manifests(world)
    assert {folder.parent.name for folder, _ in found} == {
        "exchange", "kyc", "bank", "onchain", "ofac", "cases", "tagpacks", "prices", "travel_rule", "behaviour",
    }  # fmt: skip
    for folder, manifest in found:
        names = sorted(f["name"] for f in manifest["files"])
        assert names == sorted(p.name for p in folder.iterdir() if p.name != "_manifest.json")
        for file in manifest["files"]:
            assert file["sha256"] == hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest()


def record_hash(key: str, amount: Decimal | None) -> int:
    text = f"{key}|{'' if amount is None else f'{amount:.18f}'}"
    return int(hashlib.md5(text.encode()).hexdigest()[:15], 16)


def _count(path: Path, table: str, business: str) -> dict:
    """Totals of a canonical file by event date and asset, from the file alone."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    else:
        rows = pd.read_parquet(path).to_dict("records")
    found: dict = defaultdict(lambda: [0, Decimal(0), 0])
    for row in rows:
        key, amount, day, asset = row.get(KEYS.get(table)), None, None, None
        if table in AMOUNTS:
            asset = row[ASSETS[table]] or None
            try:
                amount = Decimal(row[AMOUNTS[table]])
            except InvalidOperation:
                amount = None
            at = pd.to_datetime(row["event_at"], errors="coerce")
            day = business if pd.isna(at) else at.date().isoformat()
        elif table == "events":
            day = row["event_at"].date().isoformat()
        elif table == "rates":
            key, day, asset = f"{row['asset_code']}:{row['rate_date']}", row["rate_date"], row["asset_code"]
            amount = None if row["rate_usd"] == "n/a" else Decimal(row["rate_usd"])
        entry = found[day, asset]
        entry[0] += 1
        entry[1] += amount or 0
        entry[2] += record_hash(key, amount)
    return found


def test_control_totals_of_canonical_files_agree_with_an_independent_count(world: Path):
    checked = 0
    for folder, manifest in manifests(world):
        if folder.parent.name not in ("exchange", "kyc", "cases", "prices", "behaviour"):
            continue
        for file in manifest["files"]:
            found = _count(folder / file["name"], file["table"], manifest["business_date"])
            assert sum(v[0] for v in found.values()) == file["rows"] == sum(t["rows"] for t in file["totals"])
            for total in file["totals"]:
                rows, amount, hashed = found[total["event_date"], total["asset_code"]]
                assert (rows, hashed) == (total["rows"], int(total["hash"]))
                assert total["amount"] is None or Decimal(total["amount"]) == amount
                checked += 1
    assert checked > 500


def test_control_totals_of_chain_files_agree_with_an_independent_count(world: Path):
    for folder, manifest in manifests(world):
        if folder.parent.name != "onchain":
            continue
        totals = {(f["name"], t.get("table"), t["asset_code"]): t for f in manifest["files"] for t in f["totals"]}
        lines = (folder / "bitcoin_transactions.json").read_text().splitlines()
        for side in ("inputs", "outputs"):
            items = [item for line in lines for item in json.loads(line)[side]]
            total = totals["bitcoin_transactions.json", f"bitcoin_{side}", "BTC"]
            assert total["rows"] == len(items)
            assert Decimal(total["amount"]) == Decimal(sum(i["value"] for i in items)) / 10**8
        ether = pd.read_parquet(folder / "ethereum_transactions.parquet")
        total = totals["ethereum_transactions.parquet", None, "ETH"]
        assert total["rows"] == len(ether)
        assert Decimal(total["amount"]) == Decimal(sum(int(v) for v in ether.value)) / 10**18


def _children(element, path: str) -> list:
    return element.xpath("/".join(f"*[local-name()='{name}']" for name in path.split("/")))


def test_statements_balance_and_their_manifest_counts_them(world: Path):
    seen, closing = 0, {}
    for folder, manifest in manifests(world):
        if folder.parent.name != "bank":
            continue
        assert date.fromisoformat(manifest["business_date"]).weekday() < 5
        for file in manifest["files"]:
            statement = _children(etree.parse(folder / file["name"]).getroot(), "BkToCstmrStmt/Stmt")[0]
            signed = {"CRDT": 1, "DBIT": -1}

            def money(element, signed=signed) -> Decimal:
                return signed[_children(element, "CdtDbtInd")[0].text] * Decimal(_children(element, "Amt")[0].text)

            balances = {_children(b, "Tp/CdOrPrtry/Cd")[0].text: money(b) for b in _children(statement, "Bal")}
            entries = [money(e) for e in _children(statement, "Ntry")]
            assert balances["OPBD"] + sum(entries) == balances["CLBD"]
            account = _children(statement, "Acct/Id/IBAN")[0].text
            assert closing.get(account, balances["OPBD"]) == balances["OPBD"]
            closing[account] = balances["CLBD"]
            total = next(t for t in file["totals"] if t.get("table", "entries") == "entries")
            assert (total["rows"], Decimal(total["amount"])) == (len(entries), sum(abs(e) for e in entries))
            seen += 1
    assert seen >= 3 * 16


def test_bank_entries_carry_the_ledgers_reference(world: Path):
    booked = set()
    for path in (world / "landing" / "bank").glob("*/*.xml"):
        booked |= set(etree.parse(path).getroot().xpath("//*[local-name()='EndToEndId']/text()"))
    deposits = parquet_rows(world / "landing" / "exchange", "deposits")
    fiat = deposits[(deposits.rail_code == "fiat") & (deposits.status_code == "completed")]
    last_banking_day = max(p.parent.name[9:] for p in (world / "landing" / "bank").glob("*/*.xml"))
    expected = set(fiat[fiat.event_at.dt.strftime("%Y-%m-%d") <= last_banking_day].bank_reference)
    weekend = set(fiat[fiat.event_at.dt.strftime("%Y-%m-%d") > last_banking_day].bank_reference)
    assert expected - weekend <= booked
    assert "NOTPROVIDED" in booked  # a credit without ledger row


def test_ledger_movements_are_on_their_chains(world: Path):
    onchain = world / "landing" / "onchain"
    seen: dict[str, set] = {"bitcoin": set(), "ethereum": set(parquet_rows(onchain, "ethereum_transactions").hash)}
    for path in onchain.glob("*/bitcoin_transactions.json"):
        for line in path.read_text().splitlines():
            tx = json.loads(line)
            seen["bitcoin"] |= {(tx["hash"], o["addresses"][0], o["value"]) for o in tx["outputs"]}
    deposits = parquet_rows(world / "landing" / "exchange", "deposits")
    ledger = deposits[deposits.tx_hash.notna()]
    ledger = ledger[ledger.event_at.between("2026-01-01 02:00", "2026-01-24 20:00")]
    bitcoin = ledger[ledger.chain_code == "bitcoin"]
    assert len(bitcoin) > 20
    rows = zip(bitcoin.tx_hash, bitcoin.to_address, bitcoin.amount, strict=True)
    assert all((h, a, int(v * 10**8)) in seen["bitcoin"] for h, a, v in rows)
    assert set(ledger[ledger.chain_code == "ethereum"].tx_hash) <= seen["ethereum"]


def test_lists_change_inside_the_world(world: Path):
    editions = [
        {line.split(",")[0] for line in (folder / "sdn.csv").read_text().splitlines()}
        for folder in sorted((world / "landing" / "ofac").iterdir())
    ]
    assert len(editions) == 3
    assert editions[1] - editions[0] and editions[0] - editions[1] and editions[2] - editions[1]
    assert (world / "landing" / "ofac" / "2025-12-31" / "sdn_comments.csv").stat().st_size > 0


def test_first_deposits_happen_on_the_day_of_opening(world: Path):
    opened = {r["account_id"]: r["opened_at"][:10] for r in csv_rows(world / "landing" / "kyc", "accounts.csv")}
    deposits = parquet_rows(world / "landing" / "exchange", "deposits")
    days = deposits.event_at.dt.strftime("%Y-%m-%d")
    same = [d == opened[a] for a, d in zip(deposits.account_id, days, strict=True)]
    assert sum(same) >= 10
    # and nothing happens before the account exists
    assert all(d >= opened[a] for a, d in zip(deposits.account_id, days, strict=True))
