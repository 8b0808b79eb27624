"""Customers whose payments and trades lie on and beside the limits of the scenarios on communities, layers, chains,
neighbourhoods, trades and months; added to the population of `population`, whose own random numbers stay as they are.

What belongs here: rows only. Not here: any rule (see `scenarios_graph` and `scenarios_trading`).
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

DAY, HOUR, MOMENT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1)
HALF = 84 * HOUR
PROFILE = {"segment_code": "retail", "jurisdiction_code": "EU", "party_type_code": "person"}


class Teller:
    """Appends payments between customers (capitals) and strangers, and their trades."""

    def __init__(self, population, start: datetime) -> None:
        self.population, self.start, self.serial = population, start, 0

    def pay(self, payer: str, payee: str, at: datetime, usd: str | Decimal | None, **more: object) -> str:
        """A completed payment in USD; returns its transfer id."""
        self.serial += 1
        inside = payer[0].isupper(), payee[0].isupper()
        kind = "internal_transfer" if all(inside) else "withdrawal" if inside[0] else "deposit"
        common = PROFILE | {
            "transfer_id": f"exchange:{kind}:G{self.serial:05d}",
            "transfer_type_code": kind,
            "rail_code": "internal" if all(inside) else "fiat",
            "legs_expected": sum(inside),
            "asset_code": "USD",
            "usd": usd,
            "event_at": at,
            "account_opened_at": self.start - 900 * DAY,
        }
        for side, me, other in (("out", payer, payee), ("in", payee, payer)):
            if me[0].isupper():
                named = f"A-{other}" if other[0].isupper() else other
                own = {"party_id": me, "account_id": f"A-{me}", "counterparty_id": named, "direction_code": side}
                self.population.leg(**common | own | more)
        return common["transfer_id"]

    def trade(self, party: str, at: datetime, side: str, base: str, quote_usd: str | None, asset: str = "BTC") -> None:
        """A trade against USD with a fee of a fifth of a per cent."""
        self.serial += 1
        leg = self.population.leg(
            **PROFILE,
            transfer_id=f"exchange:trade:G{self.serial:05d}",
            transfer_type_code="trade",
            rail_code="trade",
            direction_code="none",
            asset_code=asset,
            amount=base,
            event_at=at,
            party_id=party,
            account_id=f"A-{party}",
            account_opened_at=self.start - 900 * DAY,
        )
        told(self.population, leg, side, quote_usd)


def told(population, leg: dict, side: str, quote_usd: str | Decimal | None) -> None:
    """What the ledger says of a trade beside its leg."""
    quote = None if quote_usd is None else Decimal(quote_usd)
    fee = None if quote is None else (quote / 500).quantize(Decimal("0.01"))
    names = ("leg_id", "transfer_id", "account_id", "party_id", "event_at", "event_date", "known_at")
    row = {name: leg[name] for name in names} | {
        "side_code": side,
        "base_asset_code": leg["asset_code"],
        "quote_asset_code": "USD" if quote is not None else "JUNK",
        "base_amount": leg["amount"],
        "quote_amount": quote or Decimal(1),
        "fee_amount": fee or Decimal(0),
        "quote_usd": quote,
        "fee_usd": fee,
    }
    row["bought_asset_code"] = row["base_asset_code"] if side == "buy" else row["quote_asset_code"]
    population.rows("int_trades").append(row)


def _layers(teller: Teller) -> None:
    first = teller.start + 3 * DAY
    full = [(s, r) for s in range(3) for r in range(3)]
    cases = (
        (full, 72 * HOUR, "500"),
        (full, 72 * HOUR + MOMENT, "500"),
        (full, HOUR, "499.99"),
        ([pair for pair in full if pair[0] < 2], HOUR, "700"),
        ([pair for pair in full if pair[1] < 2], HOUR, "700"),
        ([(s, r) for s in range(4) for r in range(4) if s != r], HOUR, "700"),
        (full[:-1], HOUR, "700"),
    )
    for case, (pairs, span, usd) in enumerate(cases):
        for place, (sender, receiver) in enumerate(pairs):
            at = first + (span if place == len(pairs) - 1 else HOUR / 60 * place)
            teller.pay(f"LS{case}{sender}", f"LR{case}{receiver}", at, usd)
    for sender in range(3):  # a stack: the receivers of the first case pay others alike
        for receiver in range(3):
            teller.pay(f"LR0{sender}", f"z{receiver}", first + 73 * HOUR, "600")


def _communities(teller: Teller) -> None:
    begin = EPOCH + ((teller.start + 12 * DAY - EPOCH) // HALF + 1) * HALF
    cases = (
        (4, "2500", "2500", 2 * HALF - MOMENT),
        (4, "2500", "2500.01", HOUR),
        (4, "2500", "2500", 2 * HALF),
        (4, "2499.99", "0.01", HOUR),
        (3, "9000", "1", HOUR),
        (5, "2500", "900", HALF),
    )
    for case, (size, usd, outside, last) in enumerate(cases):
        for place in range(size):
            at = begin + (last if place == size - 1 else HOUR * place)
            teller.pay(f"C{case}{place}", f"C{case}{(place + 1) % size}", at, usd)
        teller.pay(f"C{case}0", f"bank{case}", begin + HOUR, outside)
    for place in range(18):  # the end is 18 payments from the beginning, and of the same again 16
        teller.pay(f"CW{place:02d}", f"CW{place + 1:02d}", begin + HOUR, "1500")
    for place in range(16):
        teller.pay(f"CX{place:02d}", f"CX{place + 1:02d}", begin + HOUR, "1500")


def _peel_chains(teller: Teller) -> None:
    first = teller.start + 15 * DAY
    good = {"ratios": ("0.9", "0.999", "0.95", "0.95"), "hop": 72 * HOUR, "peel": "1", "known": None, "late": HOUR}
    cases = (
        good,
        good | {"ratios": ("0.9", "0.999", "0.95", "0.8999")},
        good | {"ratios": ("0.9", "0.9991", "0.95", "0.95")},
        good | {"hop": 72 * HOUR + MOMENT},
        good | {"peel": "1.01"},
        good | {"known": 30 * DAY},
        good | {"known": 30 * DAY + MOMENT},
        good | {"ratios": ("0.9", "0.999", "0.95")},
        good | {"late": 72 * HOUR + MOMENT},
        good | {"late": 72 * HOUR},
    )
    for case, told_ in enumerate(cases):
        at, usd = first, Decimal(20_000)
        teller.pay("source", f"V{case}0", at, usd)
        for place, ratio in enumerate(told_["ratios"]):
            change = (usd * Decimal(ratio)).quantize(Decimal("0.01"))
            left = usd - change if told_["peel"] == "1" or place else usd - change + Decimal("0.01")
            late = told_["late"] if place == 1 else HOUR
            teller.pay(f"V{case}{place}", f"shop{case}", at + late, min(left, Decimal(90)) if place > 1 else left)
            at += told_["hop"] if place == 0 else 2 * HOUR
            if told_["known"] and place == 0:
                teller.pay("friend", f"V{case}1", at - told_["known"], "10")
            usd = change
            teller.pay(f"V{case}{place}", f"V{case}{place + 1}", at, usd)


def _swaps(teller: Teller) -> None:
    first = teller.start + 20 * DAY
    cases = (
        ("USDT", HOUR, "buy", 24 * HOUR, "800", "1000"),
        ("USDT", HOUR + MOMENT, "buy", HOUR, "800", "1000"),
        ("USDT", HOUR, "buy", 24 * HOUR + MOMENT, "800", "1000"),
        ("USDT", HOUR, "buy", HOUR, "799.99", "1000"),
        ("USDT", HOUR, "sell", HOUR, "800", "1000"),
        ("XMR", HOUR, "buy", HOUR, "800", "1000"),
        ("USDT", 0 * HOUR, "buy", 0 * HOUR, "500", "500"),
        ("USDT", HOUR, "buy", HOUR, "499", "498"),
        ("JUNK", HOUR, "buy", HOUR, "900", "1000"),
    )
    for case, (came, to_trade, side, to_leave, bought, usd) in enumerate(cases):
        crypto = {"rail_code": "crypto", "counterparty_id": f"coin{case}"}
        party, worth = f"X{case}", None if came == "JUNK" else "1000"
        teller.pay(f"coin{case}", party, first, worth, asset_code=came, amount="5", **crypto)
        teller.trade(party, first + to_trade, side, "5", bought, "XMR")
        leaving = crypto | {"asset_code": "XMR"}
        teller.pay(party, f"coin{case}", first + to_trade + to_leave, usd, **leaving)


def _rounds(teller: Teller) -> None:
    first = teller.start + 22 * DAY
    cases = (
        ((("buy", "1", "10000"), ("sell", "1", "9500")) * 2, 24 * HOUR),
        ((("buy", "1", "10000"), ("sell", "1", "9500.01")) * 2, HOUR),
        ((("buy", "1", "10000"), ("sell", "1", "9500")) * 2, 24 * HOUR + MOMENT),
        ((("buy", "1", "10000"), ("sell", "0.95", "9000")) * 2, HOUR),
        ((("buy", "1", "10000"), ("sell", "0.94999999", "9000")) * 2, HOUR),
        ((("buy", "1", "10000"), ("sell", "1", "8000"), ("buy", "0.01", "100")), HOUR),
        ((("buy", "1", "101000"), ("sell", "1", "99000")) * 2, HOUR),
        ((("buy", "1", "101000"), ("sell", "1", "99000.01")) * 2, HOUR),
        ((("buy", "1", "10000"), ("sell", "1", None), ("buy", "1", "10000"), ("sell", "2", "19000")), HOUR),
        ((("buy", "1", "10000"),) * 4, HOUR),
    )
    for case, (steps, span) in enumerate(cases):
        for place, (side, base, usd) in enumerate(steps):
            at = first + (span if place == len(steps) - 1 else HOUR / 60 * place)
            teller.trade(f"W{case}", at, side, base, usd)


def _neighbours(teller: Teller) -> None:
    """QR and QE are reported and exited ten days after the start, known two days later; case 9 is known late."""
    marked = teller.start + 12 * DAY
    for party, code in (
        ("QR", "reported"),
        ("QE", "exited"),
        ("QE", "reported"),
        ("N5", "reported"),
        ("P003", "exited"),
    ):
        row = {"party_id": party, "mark_code": code, "marked_at": marked - 2 * DAY, "effective_from_at": marked}
        teller.population.rows("int_party_marks").append(row)

    def pay(payer: str, payee: str, at: datetime, usd: str, **more: object) -> None:
        """With strangers in coins: a bank account in common would be an identifier."""
        inside = payer[0].isupper() and payee[0].isupper()
        teller.pay(payer, payee, at, usd, **({} if inside else {"rail_code": "crypto", "asset_code": "USDT"}) | more)

    pay("QR", "Q0", marked, "1000")
    pay("QR", "Q1", marked - MOMENT, "1000")
    pay("Q2", "QE", marked + DAY, "999.99")
    pay("QR", "stranger3", marked - 90 * DAY, "1000")
    pay("stranger3", "Q3", marked, "1000")
    pay("stranger3", "Q4", marked + MOMENT, "1000")
    pay("QE", "stranger5", marked - DAY, "999.99")
    pay("stranger5", "Q5", marked, "5000")
    pay("Q6", "stranger6", marked + DAY, "2000")
    pay("stranger6", "QE", marked + 2 * DAY, "2000")
    pay("Q6", "stranger6", marked + 2 * DAY, "2000")
    pay("QR", "stranger7", marked + DAY, "2000")
    for other in range(101):
        pay("stranger7", f"QH{other}", marked + 2 * DAY, "1")
    pay("stranger7", "Q7", marked + 3 * DAY, "2000")
    pay("QR", "wallet8", marked - 20 * DAY, "20", device_id="device 8")
    pay("wallet9", "Q8", marked + DAY, "1000", device_id="device 8")
    pay("wallet9", "Q9", marked - DAY, "1000", device_id="device 8", known_at=marked + 5 * DAY)
    pay("QR", "bank10", marked - DAY, "20", rail_code="fiat", asset_code="USD")
    pay("bank10", "QB", marked, "1000", rail_code="fiat", asset_code="USD")
    for other in range(11):
        pay(f"wallet{other + 20}", f"QP{other:02d}", marked + DAY, "1000" if other else "20", ip_address="public")
    pay("QR", "wallet40", marked + DAY - HOUR, "20", ip_address="public")
    for other in range(9):
        pay(f"wallet{other + 50}", f"QS{other:02d}", marked + DAY, "1000", ip_address="narrow")
    pay("QR", "wallet60", marked + DAY - HOUR, "20", ip_address="narrow")


def add(population, start: datetime) -> None:
    """All of them, and what the ledger says of the trades that were there before."""
    rng = random.Random(4711)
    before = [leg for leg in population.rows("int_transfer_legs") if leg["transfer_type_code"] == "trade"]
    for leg in before:
        told(population, leg, rng.choice(("buy", "sell")), leg["amount_usd"])
    teller = Teller(population, start)
    for make in (_layers, _communities, _peel_chains, _swaps, _rounds, _neighbours):
        make(teller)
