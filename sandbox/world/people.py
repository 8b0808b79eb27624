"""Customers of the sandbox exchange: parties, their accounts, bank accounts, devices and IP addresses. All invented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.world.addresses import iban, iban_country
from sandbox.world.calendar import Calendar
from sandbox.world.definitions import COUNTRIES, DAY, HOUR, US
from sandbox.world.streams import Streams, hex_strings

SEGMENTS = ("retail", "professional", "business")
LEVELS = ("none", "basic", "full", "enhanced")
KYC_STATUSES = ("approved", "pending", "rejected")
RISKS = ("low", "medium", "high")
COUNTRY_CODES = tuple(COUNTRIES)
NONE = -1  # "no value" in an int64 time column

_FIRST = [
    "Ada",
    "Alba",
    "Amir",
    "Anouk",
    "Arne",
    "Berit",
    "Bruno",
    "Carla",
    "Cem",
    "Dara",
    "Dion",
    "Edda",
    "Elio",
    "Emre",
    "Enya",
    "Femke",
    "Fenna",
    "Goran",
    "Hanne",
    "Ilse",
    "Imani",
    "Ivo",
    "Jarek",
    "Jonna",
    "Kaja",
    "Kian",
    "Lale",
    "Levi",
    "Livia",
    "Luka",
    "Maren",
    "Milo",
    "Nadia",
    "Nils",
    "Noor",
    "Oona",
    "Orla",
    "Pavel",
    "Pia",
    "Quinn",
    "Rasa",
    "Remy",
    "Runa",
    "Sami",
    "Senna",
    "Sol",
    "Talia",
    "Tariq",
    "Ulla",
    "Uma",
    "Veit",
    "Vera",
    "Wim",
    "Yara",
    "Yusuf",
    "Zeno",
    "Zora",
]
_LAST_HEAD = [
    "Al",
    "Bar",
    "Bel",
    "Bre",
    "Cor",
    "Dal",
    "Der",
    "Eck",
    "Fal",
    "Gar",
    "Hol",
    "Ive",
    "Jan",
    "Kel",
    "Lor",
    "Mar",
    "Nor",
    "Ost",
    "Pel",
    "Quar",
    "Ros",
    "Sel",
    "Tor",
    "Ulm",
    "Ver",
    "Wes",
    "Zan",
]
_LAST_TAIL = [
    "berg",
    "bury",
    "dahl",
    "den",
    "feld",
    "gard",
    "hagen",
    "heim",
    "holt",
    "ic",
    "ini",
    "kova",
    "land",
    "lund",
    "mann",
    "mont",
    "nes",
    "ova",
    "quist",
    "rup",
    "ski",
    "son",
    "stad",
    "stone",
    "ter",
    "vik",
    "wood",
]
_TRADES = [
    "Consulting",
    "Digital",
    "Energy",
    "Foods",
    "Freight",
    "Games",
    "Holdings",
    "Imports",
    "Logistics",
    "Media",
    "Mining",
    "Retail",
    "Studios",
    "Systems",
    "Trading",
    "Travel",
]
_FORMS = {
    "GB": "Ltd",
    "IE": "Ltd",
    "US": "LLC",
    "NL": "B.V.",
    "FR": "SARL",
    "ES": "S.L.",
    "IT": "S.r.l.",
    "LT": "UAB",
    "SG": "Pte Ltd",
    "AE": "FZE",
    "TR": "A.S.",
    "NG": "Ltd",
}
_OCCUPATIONS = [
    "accountant",
    "civil servant",
    "craftsman",
    "doctor",
    "driver",
    "engineer",
    "entrepreneur",
    "lawyer",
    "nurse",
    "pensioner",
    "sales clerk",
    "software developer",
    "student",
    "teacher",
    "trader",
    "unemployed",
]
_OCCUPATION_INCOME = np.array([1.2, 1.0, 0.9, 1.9, 0.7, 1.4, 1.5, 1.8, 0.8, 0.6, 0.6, 1.6, 0.25, 1.0, 1.7, 0.2])


@dataclass
class People:
    """Struct of arrays. Party columns have one element a party, account columns one an account; times are int64 us.

    `account_party[i]` is the party of account i; the first `parties` accounts are the parties' main accounts, in
    party order.
    """

    parties: int
    party_id: np.ndarray
    name: np.ndarray
    is_company: np.ndarray
    segment: np.ndarray
    country: np.ndarray
    nationality: np.ndarray
    birth: np.ndarray  # datetime64[D], NaT for companies
    income: np.ndarray  # whole units of its currency, 0 = not declared
    income_ccy: np.ndarray
    occupation: np.ndarray
    is_pep: np.ndarray
    level: np.ndarray
    status: np.ndarray
    risk: np.ndarray
    review: np.ndarray
    kyc_delay: np.ndarray  # days by which the KYC rows are delivered too late
    weight: np.ndarray  # relative activity, heavy-tailed
    scale: np.ndarray  # typical transfer in USD
    account_id: np.ndarray
    account_party: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    last_activity: np.ndarray
    bank_account: np.ndarray
    devices: np.ndarray
    ips: np.ndarray

    @property
    def accounts(self) -> int:
        return len(self.account_id)


def _choice(rng: np.random.Generator, shares: list[float], count: int) -> np.ndarray:
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, rng.random(count), side="right"), len(shares) - 1)


def _names(rng: np.random.Generator, is_company: np.ndarray, country: np.ndarray) -> np.ndarray:
    count = len(is_company)
    first, head = rng.integers(0, len(_FIRST), count), rng.integers(0, len(_LAST_HEAD), count)
    tail, trade = rng.integers(0, len(_LAST_TAIL), count), rng.integers(0, len(_TRADES), count)
    names = np.empty(count, dtype=object)
    for i in range(count):
        last = _LAST_HEAD[head[i]] + _LAST_TAIL[tail[i]]
        if is_company[i]:
            names[i] = f"{last} {_TRADES[trade[i]]} {_FORMS.get(COUNTRY_CODES[country[i]], 'GmbH')}"
        else:
            names[i] = f"{_FIRST[first[i]]} {last}"
    return names


def make_people(count: int, calendar: Calendar, streams: Streams) -> People:
    """`count` parties with one account each, and a second account for three in a hundred."""
    rng = streams("people", "attributes")
    is_company = rng.random(count) < 0.07
    segment = np.where(is_company, 2, np.where(rng.random(count) < 0.12, 1, 0))
    country = _choice(rng, [share for share, _ in COUNTRIES.values()], count)
    abroad = rng.random(count) < 0.08
    nationality = np.where(abroad, _choice(rng, [1.0] * len(COUNTRIES), count), country)
    age_days = (np.clip(18 + rng.gamma(3.2, 6.5, count), 18, 88) * 365.25).astype(np.int64)
    birth = np.datetime64(calendar.start, "D") - age_days
    birth[is_company] = np.datetime64("NaT")
    occupation = rng.integers(0, len(_OCCUPATIONS), count)
    # nobody is a pensioner at 30 or a student at 50
    occupation[(occupation == _OCCUPATIONS.index("pensioner")) & (age_days < 60 * 365)] = 0
    occupation[(occupation == _OCCUPATIONS.index("student")) & (age_days > 32 * 365)] = 1
    occupation[age_days > 70 * 365] = _OCCUPATIONS.index("pensioner")
    income = np.exp(rng.normal(np.log(38_000), 0.45, count)) * _OCCUPATION_INCOME[occupation]
    income = np.where(is_company, np.exp(rng.normal(np.log(900_000), 1.0, count)), income)
    income = np.maximum(np.round(income, -2), 1_200).astype(np.int64)
    income[rng.random(count) < 0.04] = 0
    is_pep = (rng.random(count) < 0.004) & ~is_company
    level = np.where(is_company | is_pep, 3, _choice(rng, [0.01, 0.14, 0.85], count))
    status = np.where(level == 0, 1, _choice(rng, [0.995, 0.003, 0.002], count))
    risky_place = np.isin(country, [COUNTRY_CODES.index(c) for c in ("AE", "TR", "NG")])
    risk = np.where(is_pep, 2, np.clip(_choice(rng, [0.72, 0.24, 0.04], count) + risky_place, 0, 2))
    review_days = np.where(risk == 2, 365, np.where(risk == 1, 730, 1_095))
    review = np.datetime64(calendar.start, "D") + (rng.random(count) * review_days).astype(np.int64) - 20
    spread = rng.normal(0, 1, count)
    scale = np.where(segment == 2, 2_600, np.where(segment == 1, 700, 160)) * np.exp(0.75 * spread)
    weight = np.exp(rng.normal(0, 1.25, count)) * np.where(segment == 2, 2.2, np.where(segment == 1, 2.0, 1.0))
    weight = np.minimum(weight, 40 * np.median(weight))
    weight[rng.random(count) < 0.06] = 0.0  # customers who do nothing in the period

    accounts = _make_accounts(count, country, calendar, streams)
    ids = streams("people", "ids").permutation(count)
    delay = np.zeros(count, dtype=np.int64)
    opened_here = accounts["opened"][:count] >= calendar.start_us
    late = opened_here & (rng.random(count) < 0.02)
    delay[late] = rng.integers(2, 7, int(late.sum()))
    return People(
        parties=count,
        party_id=np.array([f"P{10_000_000 + 7 * i:08d}" for i in ids.tolist()], dtype=object),
        name=_names(streams("people", "names"), is_company, country),
        is_company=is_company,
        segment=segment,
        country=country,
        nationality=nationality,
        birth=birth,
        income=income,
        income_ccy=np.array([COUNTRIES[c][1] for c in COUNTRY_CODES], dtype=object)[country],
        occupation=np.where(is_company, None, np.array(_OCCUPATIONS, dtype=object)[occupation]),
        is_pep=is_pep,
        level=level,
        status=status,
        risk=risk,
        review=review,
        kyc_delay=delay,
        weight=weight,
        scale=scale,
        **accounts,
    )


def _make_accounts(count: int, country: np.ndarray, calendar: Calendar, streams: Streams) -> dict[str, np.ndarray]:
    rng = streams("people", "accounts")
    second = np.sort(rng.permutation(count)[: count * 3 // 100])
    party = np.concatenate([np.arange(count), second])
    total = len(party)
    age = (np.minimum(rng.exponential(520, total), 2_900) * DAY).astype(np.int64) + 2 * DAY
    opened = calendar.start_us - age // US * US
    fresh = np.zeros(total, dtype=bool)
    fresh[:count] = rng.random(count) < 0.12
    opened[fresh] = calendar.start_us + rng.integers(0, calendar.days, int(fresh.sum())) * DAY
    opened[fresh] += (rng.random(int(fresh.sum())) * 14 * 3_600).astype(np.int64) * US + 6 * HOUR
    # a party's second account is opened after its first
    opened[count:] = np.maximum(opened[second] + 40 * DAY, opened[count:])
    late_second = opened[count:] >= calendar.end_us
    opened[count:][late_second] = opened[second][late_second] + HOUR
    recent = calendar.start_us - (rng.random(total) * 38 * DAY).astype(np.int64) // US * US - HOUR
    last = np.where(opened < calendar.start_us, np.maximum(recent, opened), NONE)
    numbers = rng.integers(10**12, 10**17, total)
    place = [iban_country(COUNTRY_CODES[c]) for c in country[party]]
    devices = hex_strings(rng, total * 2, 6, "dev-")
    ips = np.frombuffer(rng.bytes(3 * 3 * total), dtype=np.uint8).reshape(-1, 3)
    # 198.18.0.0/15 is set aside for tests (RFC 2544): no real customer's address can appear
    addresses = np.array([f"198.{18 + (a & 1)}.{b}.{c}" for a, b, c in ips.tolist()], dtype=object)
    return {
        "account_id": np.array([f"A{30_000_000 + 11 * i:08d}" for i in rng.permutation(total).tolist()], dtype=object),
        "account_party": party,
        "opened": opened,
        "closed": np.full(total, NONE, dtype=np.int64),
        "last_activity": last,
        "bank_account": np.array([iban(c, n) for c, n in zip(place, numbers.tolist(), strict=True)], dtype=object),
        "devices": devices.reshape(total, 2),
        "ips": addresses.reshape(total, 3),
    }
