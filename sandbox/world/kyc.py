"""The KYC feed: parties and accounts, their later changes, and rows that arrive days after the customer's first
transfers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sandbox.world.calendar import Calendar
from sandbox.world.definitions import DAY, DELIVERY_DELAY
from sandbox.world.landing import Delivery, Odd, Totals, coded, cuts, record_hashes, texts, times
from sandbox.world.people import COUNTRY_CODES, KYC_STATUSES, LEVELS, NONE, RISKS, SEGMENTS, People
from sandbox.world.streams import Streams

CHANGE_SHARE = 0.02


@dataclass
class Changes:
    """Later versions of parties: what changed, when, and the new residence and risk rating."""

    party: np.ndarray
    at: np.ndarray
    country: np.ndarray
    risk: np.ndarray
    faulty: int  # party whose last change arrives with an unreadable date, -1 = none


def known_day(people: People, calendar: Calendar) -> np.ndarray:
    """Delivery day of each account's KYC rows (-1 = opening delivery)."""
    fresh = people.opened >= calendar.start_us
    day = np.where(fresh, calendar.index(people.opened), -1)
    return np.where(fresh, np.minimum(day + people.kyc_delay[people.account_party], calendar.days - 1), day)


def make_changes(people: People, calendar: Calendar, streams: Streams, dedicated: set[int]) -> Changes:
    """New addresses and risk ratings of parties known from the opening delivery on."""
    rng = streams("kyc", "changes")
    able = np.flatnonzero(people.opened[: people.parties] < calendar.start_us)
    able = able[~np.isin(able, list(dedicated))]
    count = min(len(able), max(2, round(CHANGE_SHARE * people.parties)))
    party = np.sort(rng.permutation(able)[:count])
    at = (
        calendar.start_us
        + (rng.random(count) * (calendar.end_us - calendar.start_us)).astype(np.int64) // 1_000_000 * 1_000_000
    )
    moved = rng.random(count) < 0.6
    country = np.where(moved, rng.integers(0, len(COUNTRY_CODES), count), people.country[party])
    risk = np.where(moved, people.risk[party], np.minimum(people.risk[party] + 1, 2))
    return Changes(party, at, country, risk, int(party[0]) if count else -1)


def _parties(
    people: People, party: np.ndarray, country: np.ndarray, risk: np.ndarray, valid_from: np.ndarray
) -> pa.Table:
    income = people.income[party]
    birth = people.birth[party]
    return pa.table(
        {
            "party_id": texts(people.party_id[party]),
            "party_type_code": coded(people.is_company[party].astype(int), ("person", "company")),
            "legal_name": texts(people.name[party]),
            "birth_date": pa.array(birth.astype("datetime64[D]").astype(object), pa.date32()),
            "residence_country_code": coded(country, COUNTRY_CODES),
            "nationality_country_code": coded(
                np.where(people.is_company[party], NONE, people.nationality[party]), COUNTRY_CODES
            ),
            "kyc_level_code": coded(people.level[party], LEVELS),
            "kyc_status_code": coded(people.status[party], KYC_STATUSES),
            "is_pep": pa.array(people.is_pep[party]),
            "declared_annual_income_amount": texts([f"{v}.00" if v else None for v in income.tolist()]),
            "declared_income_ccy": texts(np.where(income > 0, people.income_ccy[party], None)),
            "occupation": texts(people.occupation[party]),
            "segment_code": coded(people.segment[party], SEGMENTS),
            "risk_rating_code": coded(risk, RISKS),
            "next_review_date": pa.array(people.review[party].astype(object), pa.date32()),
            "valid_from_at": times(valid_from),
        }
    )


def _accounts(people: People, account: np.ndarray) -> pa.Table:
    closed, last = people.closed[account], people.last_activity[account]
    return pa.table(
        {
            "account_id": texts(people.account_id[account]),
            "party_id": texts(people.party_id[people.account_party[account]]),
            "account_type_code": texts(["spot"] * len(account)),
            "opened_at": times(people.opened[account]),
            "closed_at": times(closed, closed == NONE),
            "last_activity_at": times(last, last == NONE),
            "valid_from_at": times(people.opened[account]),
        }
    )


def write_kyc(root: Path, people: People, changes: Changes, calendar: Calendar) -> dict[str, int]:
    """Writes the KYC deliveries, with late rows and later changes; returns the rows by table."""
    known = known_day(people, calendar)
    first = known[: people.parties]
    party = np.concatenate([np.arange(people.parties), changes.party])
    day = np.concatenate([first, calendar.index(changes.at)])
    valid = np.concatenate([people.opened[: people.parties], changes.at])
    country = np.concatenate([people.country, changes.country])
    risk = np.concatenate([people.risk, changes.risk])
    order = np.lexsort((party, day))
    parties = _parties(people, party[order], country[order], risk[order], valid[order])
    party_totals = Totals(None, None, None, record_hashes(people.party_id[party[order]], None), (), len(order))
    party_cuts = cuts(day[order], range(-1, calendar.days))
    account = np.lexsort((np.arange(people.accounts), known))
    accounts = _accounts(people, account)
    account_totals = Totals(None, None, None, record_hashes(people.account_id[account], None), (), len(account))
    account_cuts = cuts(known[account], range(-1, calendar.days))
    faulty_day = calendar.days // 2
    for number in range(-1, calendar.days):
        business = calendar.day(number)
        delivery = Delivery(
            root / f"delivery={business}",
            f"kyc-{business}",
            business,
            calendar.start_us + number * DAY + DELIVERY_DELAY,
        )
        low, high = party_cuts[number]
        odd = [_faulty(people, changes.faulty)] if number == faulty_day and changes.faulty >= 0 else []
        delivery.csv("parties", "parties", parties.slice(low, high - low), party_totals.rows(low, high), odd)
        low, high = account_cuts[number]
        delivery.csv("accounts", "accounts", accounts.slice(low, high - low), account_totals.rows(low, high))
        delivery.close()
    return {"parties": len(order) + (changes.faulty >= 0), "accounts": people.accounts}


def _faulty(people: People, party: int) -> Odd:
    """A further version of a party with an impossible date: a reject, and the earlier version stands."""
    kind = "company" if people.is_company[party] else "person"
    line = (
        f"{people.party_id[party]},{kind},{people.name[party]},,{COUNTRY_CODES[people.country[party]]},,full,approved,false,,,,"
        f"{SEGMENTS[people.segment[party]]},high,,31.02.2026"
    )
    return Odd(line, None, None, None, people.party_id[party], has_amount=False)
