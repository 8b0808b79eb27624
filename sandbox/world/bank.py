"""The bank feed: camt.053 statements of the exchange's client-money accounts, one an account and banking day.

Text is built from templates: an element tree for every entry would take longer than the rest of the world.
Structure: ISO 20022 camt.053.001.08 (EUR, GBP) and .02 (USD).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from sandbox.world.addresses import iban
from sandbox.world.assemble import Ledger, Table
from sandbox.world.calendar import Calendar
from sandbox.world.definitions import ASSETS, COMPLETED, DAY, DELIVERY_DELAY, EUR, GBP, UNIT, USD
from sandbox.world.landing import Delivery, amount_text
from sandbox.world.people import People
from sandbox.world.streams import Streams

_CENT = UNIT // 100


@dataclass(frozen=True)
class ClientAccount:
    """A client-money account: its version of the message and its place."""

    asset: int
    iban: str
    bic: str
    version: str


ACCOUNTS = (
    ClientAccount(EUR, iban("DE", 500_105_170_000_417_001), "SBNXDEFFXXX", "08"),
    ClientAccount(GBP, iban("GB", 20_415_100_417_002), "SBGXGB2LXXX", "08"),
    ClientAccount(USD, iban("GB", 20_415_100_417_003), "SBGXGB2LXXX", "02"),
)

_ENTRY = (
    "<Ntry><NtryRef>{ref}</NtryRef><Amt Ccy=\"{ccy}\">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{status}"
    "<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{servicer}</AcctSvcrRef>"
    "<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>{details}</Ntry>\n"
)  # fmt: skip


def _details(reference: str, name: str, account: str, credit: bool, version: str, text: str) -> str:
    role = "Dbtr" if credit else "Cdtr"
    party = f"<Nm>{escape(name)}</Nm>" if version == "02" else f"<Pty><Nm>{escape(name)}</Nm></Pty>"
    return (
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
        f"<RltdPties><{role}>{party}</{role}><{role}Acct><Id><IBAN>{account}</IBAN></Id></{role}Acct></RltdPties>"
        f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls></NtryDtls>"
    )


@dataclass
class _Movements:
    """Signed cents and entry texts' ingredients of one account, by booking day."""

    day: np.ndarray
    cents: np.ndarray
    reference: np.ndarray
    name: np.ndarray
    account: np.ndarray


def _of(table: Table, asset: int, sign: int, people: People, calendar: Calendar) -> _Movements:
    rows = table.rows
    chosen = np.flatnonzero(~rows.crypto & (rows.asset == asset) & (table.final_status == COMPLETED))
    day = calendar.index(rows.event[chosen])
    weekday = (day + calendar.start.weekday()) % 7
    booked = day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))  # banks book the weekend on Monday
    party = people.account_party[rows.account[chosen]]
    return _Movements(
        booked,
        sign * (rows.units[chosen] // _CENT),
        table.bank_reference[chosen],
        people.name[party],
        rows.bank_account[chosen],
    )


@dataclass
class _Page:
    """The entries of one account and day; `movement` is their signed, `turnover` their unsigned sum in cents."""

    account: ClientAccount
    day: date
    sequence: int
    status: str
    lines: list[str] = field(default_factory=list)
    turnover: int = 0
    movement: int = 0

    def add(self, cents: int, codes: tuple[str, str, str], details: str) -> None:
        place = len(self.lines) + 1
        ccy = ASSETS[self.account.asset]
        self.turnover += abs(cents)
        self.movement += cents
        self.lines.append(
            _ENTRY.format(
                ref=f"{ccy}{self.day:%y%m%d}{place:06d}",
                ccy=ccy,
                amount=_money(abs(cents)),
                sign="CRDT" if cents > 0 else "DBIT",
                status=self.status,
                day=self.day.isoformat(),
                servicer=f"SB{self.sequence:05d}{place:07d}",
                domain=codes[0],
                family=codes[1],
                sub=codes[2],
                details=details,
            )
        )


def _balance(code: str, cents: int, ccy: str, day: date) -> str:
    sign = "CRDT" if cents >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{ccy}">{_money(abs(cents))}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _statement(account: ClientAccount, page: _Page, opening: int) -> str:
    ccy, day = ASSETS[account.asset], page.day
    bic = "BIC" if account.version == "02" else "BICFI"
    created = f"{day + timedelta(days=1)}T01:10:00"
    balances = _balance("OPBD", opening, ccy, day) + _balance("CLBD", opening + page.movement, ccy, day)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{account.version}">\n'
        f"<BkToCstmrStmt><GrpHdr><MsgId>SB{ccy}{day:%Y%m%d}</MsgId><CreDtTm>{created}</CreDtTm>"
        f"<MsgPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></MsgPgntn></GrpHdr>\n"
        f"<Stmt><Id>{ccy}-{day:%Y%m%d}</Id><ElctrncSeqNb>{page.sequence}</ElctrncSeqNb><CreDtTm>{created}</CreDtTm>"
        f"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{day}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{account.iban}</IBAN></Id><Ccy>{ccy}</Ccy>"
        f"<Svcr><FinInstnId><{bic}>{account.bic}</{bic}></FinInstnId></Svcr></Acct>\n"
        f"{balances}{''.join(page.lines)}</Stmt></BkToCstmrStmt></Document>\n"
    )


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def write_bank(root: Path, ledger: Ledger, people: People, calendar: Calendar, streams: Streams) -> dict[str, int]:
    """Statements by delivery day. Returns counts of entries and statements, and of credits the ledger never booked."""
    texts: dict[int, list[tuple]] = {}
    counts = {"entries": 0, "statements": 0, "unmatched_credits": 0}
    for account in ACCOUNTS:
        for item in _account(account, ledger, people, calendar, streams, counts):
            texts.setdefault(item[0], []).append(item[1:])
    for day in sorted(texts):
        business = calendar.day(day)
        delivery = Delivery(
            root / f"delivery={business}", f"bank-{business}", business, calendar.start_us + day * DAY + DELIVERY_DELAY
        )
        for ccy, content, entries, cents in texts[day]:
            common = {"event_date": business.isoformat(), "asset_code": ccy}
            totals = [{"table": "statements", **common, "rows": 1, "amount": None, "hash": None}]
            if entries:
                totals.insert(
                    0,
                    {"table": "entries", **common, "rows": entries, "amount": amount_text(cents * _CENT), "hash": None},
                )
            delivery.add(f"camt053_{ccy}_{business}.xml", "entries", content.encode(), entries, totals)
        delivery.close()
    return counts


def _account(
    account: ClientAccount, ledger: Ledger, people: People, calendar: Calendar, streams: Streams, counts: dict[str, int]
):
    ccy = ASSETS[account.asset]
    rng = streams("bank", ccy)
    parts = [
        _of(ledger.deposits, account.asset, 1, people, calendar),
        _of(ledger.withdrawals, account.asset, -1, people, calendar),
    ]
    day = np.concatenate([p.day for p in parts])
    order = np.argsort(day, kind="stable")
    day = day[order]
    cents = np.concatenate([p.cents for p in parts])[order].tolist()
    reference = np.concatenate([p.reference for p in parts])[order].tolist()
    name = np.concatenate([p.name for p in parts])[order].tolist()
    other = np.concatenate([p.account for p in parts])[order].tolist()
    strays = max(1, round(len(cents) * 0.0004))
    banking_days = [d for d in range(calendar.days) if not calendar.is_weekend(d)]
    stray_days = rng.choice(banking_days, strays).tolist() if banking_days else []
    balance = (2_000_000 + 900 * people.parties * max(1, calendar.days // 30)) * 100
    status = "<Sts>BOOK</Sts>" if account.version == "02" else "<Sts><Cd>BOOK</Cd></Sts>"
    for sequence, number in enumerate(banking_days, start=1):
        page = _Page(account, calendar.day(number), sequence, status)
        for i in range(*np.searchsorted(day, [number, number + 1]).tolist()):
            credit = cents[i] > 0
            codes = ("PMNT", "RCDT" if credit else "ICDT", "ESCT" if account.asset == EUR else "XBCT")
            text = "Deposit" if credit else "Payout"
            page.add(cents[i], codes, _details(reference[i], name[i], other[i], credit, account.version, text))
        for _ in range(stray_days.count(number)):
            sender = iban("LT", int(rng.integers(10**12, 10**15)))
            details = _details("NOTPROVIDED", "Unknown Remitter", sender, True, account.version, "no reference given")
            page.add(int(rng.integers(40_00, 2_400_00)), ("PMNT", "RCDT", "ESCT"), details)
            counts["unmatched_credits"] += 1
        page.add(-int(rng.integers(500, 6_000)), ("ACMT", "MDOP", "CHRG"), "")
        content = _statement(account, page, balance)
        balance += page.movement
        counts["entries"] += len(page.lines)
        counts["statements"] += 1
        yield number, ccy, content, len(page.lines), page.turnover
