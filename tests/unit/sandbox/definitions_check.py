"""An independent, plain reading of the six scenarios over the delivered files, for the tests of the sandbox world.

Nothing of the generator is used here: only landing and vendor files, Decimal arithmetic and loops. Where a
definition can be
read in two ways, both are evaluated: a planted case must fire in both, a near miss in neither.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd

CENT = Decimal("0.01")
DAY = timedelta(days=1)
ZERO_TOLERANCE = {1, 3, 23}
FLOORS = {
    2: 1000,
    4: 1000,
    6: 1000,
    12: 1000,
    18: 1000,
    25: 1000,
    28: 1000,
    29: 1000,
    34: 1000,
    35: 1000,
    36: 1000,
    42: 1000,
    43: 1000,
    13: 5000,
    16: 5000,
    19: 5000,
    24: 5000,
    30: 5000,
    33: 5000,
}


@dataclass
class Leg:
    transfer: str
    account: str
    inward: bool
    fiat: bool
    asset: str
    amount: Decimal
    usd: Decimal | None
    at: datetime
    counterparty: str | None


@dataclass
class World:
    legs: dict[str, list[Leg]] = field(default_factory=lambda: defaultdict(list))  # by party
    last_activity: dict[str, datetime] = field(default_factory=dict)  # by account
    addresses: dict[str, tuple[str, date]] = field(default_factory=dict)  # transfer -> (external address text, day)
    party_of: dict[str, str] = field(default_factory=dict)  # by account
    owner: dict[str, str] = field(default_factory=dict)  # transfer -> party


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def csv_rows(folder: Path, pattern: str) -> list[dict]:
    found = []
    for path in sorted(folder.glob(f"delivery=*/{pattern}")):
        with path.open(encoding="utf-8", newline="") as handle:
            found += list(csv.DictReader(handle))
    return found


def parquet_rows(folder: Path, name: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(p) for p in sorted(folder.glob(f"delivery=*/{name}.parquet"))], ignore_index=True)


def load(root: Path) -> World:
    landing, world = root / "landing", World()
    rates = {}
    for row in csv_rows(landing / "prices", "rates.csv"):
        if row["rate_usd"] != "n/a":
            rates[row["asset_code"], row["rate_date"]] = Decimal(row["rate_usd"])
    for row in csv_rows(landing / "kyc", "accounts.csv"):
        world.party_of[row["account_id"]] = row["party_id"]
        if row["last_activity_at"]:
            world.last_activity[row["account_id"]] = datetime.fromisoformat(row["last_activity_at"])

    def usd(asset: str, amount: Decimal, at: datetime) -> Decimal | None:
        rate = rates.get((asset, at.date().isoformat()))
        return None if rate is None else (amount * rate).quantize(CENT, ROUND_HALF_UP)

    def add(account: str, leg: Leg) -> None:
        world.legs[world.party_of[account]].append(leg)
        world.owner[leg.transfer] = world.party_of[account]

    for name, kind, key in (("deposits", "deposit", "deposit_id"), ("withdrawals", "withdrawal", "withdrawal_id")):
        frame = parquet_rows(landing / "exchange", name).drop_duplicates(key, keep="last")
        inward = kind == "deposit"
        for row in frame[frame.status_code == "completed"].itertuples():
            transfer, fiat, at = (
                f"exchange:{kind}:{getattr(row, key)}",
                row.rail_code == "fiat",
                row.event_at.to_pydatetime(),
            )
            external = row.from_address if inward else row.to_address
            add(
                row.account_id,
                Leg(
                    transfer,
                    row.account_id,
                    inward,
                    fiat,
                    row.asset_code,
                    row.amount,
                    usd(row.asset_code, row.amount, at),
                    at,
                    None if fiat else external,
                ),
            )
            if not fiat:
                world.addresses[transfer] = (external, at.date())
    for row in csv_rows(landing / "exchange", "internal_transfers.csv"):
        at = _moment(row["event_at"])
        if (
            row["status_code"] != "completed"
            or at is None
            or not re.fullmatch(r"\d+(\.\d+)?", row["amount"])
            or row["asset_code"] in ("", "???")
        ):
            continue
        asset, amount = row["asset_code"], Decimal(row["amount"])
        value = usd(asset, amount, at)
        transfer = f"exchange:internal_transfer:{row['internal_transfer_id']}"
        add(
            row["from_account_id"],
            Leg(transfer, row["from_account_id"], False, False, asset, amount, value, at, row["to_account_id"]),
        )
        add(
            row["to_account_id"],
            Leg(transfer, row["to_account_id"], True, False, asset, amount, value, at, row["from_account_id"]),
        )
    for legs in world.legs.values():
        legs.sort(key=lambda leg: leg.at)
    return world


def _within(legs: list[Leg], first: datetime, last: datetime) -> list[Leg]:
    return [leg for leg in legs if first <= leg.at <= last]


def _sum(legs: list[Leg]) -> Decimal:
    return sum((leg.usd for leg in legs if leg.usd is not None), Decimal(0))


def structuring(legs: list[Leg]) -> tuple[bool, bool]:
    """(amounts of one currency and direction; all fiat amounts together, valued in USD)"""
    native, band = defaultdict(list), []
    for leg in legs:
        if leg.fiat and 8500 <= leg.amount < 10000:
            native[leg.asset, leg.inward].append(leg)
        if leg.fiat and leg.usd is not None and 8500 <= leg.usd < 10000:
            band.append(leg)

    def fires(chosen: list[Leg]) -> bool:
        return any(len(_within(chosen, leg.at - 7 * DAY, leg.at)) >= 3 for leg in chosen)

    return any(fires(chosen) for chosen in native.values()), fires(band)


def pass_through(legs: list[Leg]) -> tuple[bool, bool]:
    """(one inflow and what leaves in the 24 hours after it; all that came in and left in the 24 hours before an
    outflow)"""
    forward = trailing = False
    for leg in legs:
        if leg.usd is None:
            continue
        if leg.inward and leg.usd >= 5000:
            out = _sum([o for o in _within(legs, leg.at, leg.at + DAY) if not o.inward and o.at > leg.at])
            forward |= out >= leg.usd * Decimal("0.9")
        if not leg.inward:
            before = _within(legs, leg.at - DAY, leg.at)
            inflow = _sum([b for b in before if b.inward])
            trailing |= inflow >= 5000 and _sum([b for b in before if not b.inward]) >= inflow * Decimal("0.9")
    return forward, trailing


def fan_in(legs: list[Leg]) -> tuple[bool, bool]:
    """(senders in the 48 hours before an outflow; senders in any 48 hours and what leaves in the 48 hours after
    the last)"""
    trailing = forward = False
    by_account = defaultdict(list)
    for leg in legs:
        by_account[leg.account].append(leg)
    for own in by_account.values():
        for leg in own:
            window = [w for w in _within(own, leg.at - 2 * DAY, leg.at) if w.inward and w.counterparty]
            if len({w.counterparty for w in window}) < 5:
                continue
            inflow = _sum(window)
            if leg.inward:
                out = _sum([o for o in _within(own, leg.at, leg.at + 2 * DAY) if not o.inward])
                forward |= out >= inflow * Decimal("0.8")
            else:
                out = _sum([o for o in _within(own, leg.at - 2 * DAY, leg.at) if not o.inward])
                trailing |= out >= inflow * Decimal("0.8")
    return trailing, forward


def dormant(legs: list[Leg], last_activity: dict[str, datetime]) -> bool:
    latest = [last_activity[leg.account] for leg in legs if leg.account in last_activity]
    before = max(latest) if latest else None
    for leg in legs:
        if before is not None and leg.at - before >= 180 * DAY and leg.usd is not None and leg.usd >= 5000:
            return True
        before = leg.at if before is None else max(before, leg.at)
    return False


def direct_exposures(root: Path) -> set[str]:
    """Transfer ids whose direct exposure is above its category's floor."""
    frame = pd.read_parquet(root / "vendor" / "transfers.parquet")
    frame = frame[frame.updated_at.notna() & frame.direct_category_id.notna()]
    found = set()
    for transfer, code, usd in zip(frame.ledger_transfer_id, frame.direct_category_id, frame.usd_amount, strict=True):
        if int(code) in ZERO_TOLERANCE and usd > 0 or int(code) in FLOORS and usd > FLOORS[int(code)]:
            found.add(transfer)
    return found


def _addresses(text: str) -> set[str]:
    cleaned = re.sub(r"[\s\u200b\u00a0]+", " ", text.replace("\u200b", "")).strip()
    parts = [re.sub(r"^(bitcoin|ethereum|tron):", "", p.strip(), flags=re.I) for p in re.split(r"[;|,]", cleaned)]
    return {p.lower() if p.lower().startswith(("0x", "bc1")) else p for p in parts if p}


def screened(root: Path, world: World) -> set[str]:
    """Transfer ids with an address that was listed on the day of the transfer."""
    lists = []
    for folder in sorted((root / "landing" / "ofac").iterdir()):
        text = (folder / "sdn.csv").read_text() + (folder / "sdn_comments.csv").read_text()
        found = re.findall(r"Digital Currency Address - \w+ ([0-9A-Za-z]+)", text)
        lists.append(
            (date.fromisoformat(folder.name), {a.lower() if a.lower().startswith(("0x", "bc1")) else a for a in found})
        )
    hits = set()
    for transfer, (text, day) in world.addresses.items():
        current = [listed for published, listed in lists if published <= day][-1]
        if _addresses(text) & current:
            hits.add(transfer)
    return hits


def alerts(root: Path) -> tuple[dict[str, dict[str, tuple[bool, bool]]], World]:
    """scenario -> party (TM28, TM45: transfer) -> fires, under both readings; keys that fire under neither are
    left out."""
    world = load(root)
    found: dict[str, dict[str, tuple[bool, bool]]] = {s: {} for s in ("TM01", "TM06", "TM09", "TM14", "TM28", "TM45")}
    for party, legs in world.legs.items():
        woken = dormant(legs, world.last_activity)
        for scenario, result in (
            ("TM01", structuring(legs)),
            ("TM06", pass_through(legs)),
            ("TM09", fan_in(legs)),
            ("TM14", (woken, woken)),
        ):
            if any(result):
                found[scenario][party] = result
    found["TM28"] = dict.fromkeys(direct_exposures(root), (True, True))
    found["TM45"] = dict.fromkeys(screened(root, world), (True, True))
    return found, world


def labels(root: Path) -> list[dict]:
    with (root / "truth" / "labels.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def manifests(root: Path) -> list[tuple[Path, dict]]:
    return [(p.parent, json.loads(p.read_text())) for p in sorted((root / "landing").glob("*/*/_manifest.json"))]
