"""Constants of the sandbox world: assets, places, categories, and the scenario definitions its planted cases are
built around.

What belongs here: values that several modules of the world share. What does not: anything random (see `streams`)
and anything about how a file is written (see `landing`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

US = 1_000_000  # microseconds in a second: every time in the world is an int64 of microseconds since 1970 UTC
HOUR = 3_600 * US
DAY = 24 * HOUR
UNIT = 100_000_000  # every ledger amount is an int64 of 1e-8 of the asset, so that no amount is ever a float

ASSETS = ("BTC", "ETH", "USDT", "USDC", "EUR", "USD", "GBP")
BTC, ETH, USDT, USDC, EUR, USD, GBP = range(7)
FIAT = (EUR, USD, GBP)
# quantum of each asset in 1e-8 units: bitcoin and ether move in 1e-8, tokens in 1e-6, fiat in cents
QUANTUM = (1, 1, 100, 100, 1_000_000, 1_000_000, 1_000_000)

CHAINS = ("bitcoin", "ethereum", "tron")
BITCOIN, ETHEREUM, TRON = range(3)
VENDOR_NETWORKS = ("BITCOIN", "ETHEREUM", "TRON")
TOKEN_CONTRACTS = {
    USDT: "0xdac17f958d2ee523a2206206994597c13d831ec7",
    USDC: "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
}
TOKEN_DECIMALS = 6

RAILS = ("crypto", "fiat")
STATUSES = ("completed", "failed", "cancelled", "pending")
COMPLETED, FAILED, CANCELLED, PENDING = range(4)

DELIVERY_DELAY = 26 * HOUR  # business day D is delivered at D+1 02:00 UTC

# country: share of customers, IBAN country, bank letters, IBAN body length in digits after the bank code, currency
COUNTRIES = {
    "DE": (0.20, "EUR"),
    "FR": (0.10, "EUR"),
    "NL": (0.09, "EUR"),
    "ES": (0.07, "EUR"),
    "IT": (0.06, "EUR"),
    "AT": (0.04, "EUR"),
    "IE": (0.04, "EUR"),
    "LT": (0.03, "EUR"),
    "GB": (0.16, "GBP"),
    "US": (0.12, "USD"),
    "CH": (0.03, "USD"),
    "AE": (0.02, "USD"),
    "SG": (0.02, "USD"),
    "TR": (0.01, "USD"),
    "NG": (0.01, "USD"),
}

# Chainalysis KYT category ids and names as the vendor publishes them at GET /v2/categories
CATEGORIES = {
    None: "", 1: "child abuse material", 2: "darknet market", 3: "sanctioned entity", 4: "no kyc exchange",
    6: "stolen funds", 7: "mining pool", 9: "other", 10: "ethereum contract", 11: "hosted wallet", 12: "ransomware",
    13: "mixing", 14: "ico", 15: "erc20 token", 16: "gambling", 17: "merchant services", 18: "scam",
    19: "p2p exchange", 20: "none", 21: "exchange", 22: "mining", 23: "terrorist financing", 24: "atm",
    25: "sanctioned jurisdiction", 26: "lending", 27: "decentralized exchange", 28: "fraud shop",
    29: "illicit actor-org", 30: "infrastructure as a service", 31: "token smart contract", 32: "smart contract",
    33: "protocol privacy", 34: "special measures", 35: "malware", 36: "online pharmacy", 37: "bridge",
    38: "nft platform - collection", 39: "seized funds", 41: "unnamed service", 42: "stolen bitcoins",
    43: "stolen ether", 999: "custom address",
}  # fmt: skip
ZERO_TOLERANCE = (1, 3, 23)
FLOOR_HIGH_CATEGORIES = (2, 4, 6, 12, 18, 25, 28, 29, 34, 35, 36, 42, 43)
FLOOR_MEDIUM_CATEGORIES = (13, 16, 19, 24, 30, 33)
SEVERE = (1, 3, 12, 23, 25, 34)


@dataclass(frozen=True)
class ScenarioDefaults:
    """Parameters the planted cases and near misses assume. Money in USD, spans in microseconds.

    TM01 structuring: count of fiat amounts in [lo, hi) >= n within the window, and their sum >= the threshold.
    TM06 pass-through: outflow in (t, t + 24 h] / inflow at t >= ratio, inflow >= minimum.
    TM09 fan-in: distinct senders into one account within the window >= n, and share sent on >= share.
    TM14 dormant: seconds since the last activity >= dormancy, and amount >= minimum.
    TM28 direct exposure: amount > floor of the category.
    TM11: transfers in 24 hours >= count, after so many days of history.
    TM12: amount of a retail customer >= minimum, and >= 1.5 times the largest of 90 days or 3 deviations above them.
    TM13: turnover of a retail customer in 30 days >= minimum, and far above the peers.
    TM15: outflow within the window after the first inflow / inflow >= ratio, inflow >= minimum, account of < 30 days.
    TM16: withdrawals >= amount at regular intervals, then silent for the silence.
    TM40: age >= years, outflow in the first month >= minimum.
    TM45: exact address on the list on the day of the transfer; it has no number.
    """

    tm01_low_usd: int = 8_500
    tm01_high_usd: int = 10_000
    tm01_count: int = 3
    tm01_sum_usd: int = 10_000
    tm01_window: int = 7 * DAY
    tm06_ratio_pct: int = 90
    tm06_inflow_usd: int = 5_000
    tm06_window: int = DAY
    tm09_senders: int = 5
    tm09_share_pct: int = 80
    tm09_window: int = 2 * DAY
    tm14_dormancy: int = 180 * DAY
    tm14_amount_usd: int = 5_000
    tm28_floor_zero_usd: int = 0
    tm28_floor_high_usd: int = 1_000
    tm28_floor_medium_usd: int = 5_000
    tm11_count: int = 15
    tm11_history_days: int = 30
    tm12_amount_usd: int = 25_000
    tm13_turnover_usd: int = 100_000
    tm15_ratio_pct: int = 80
    tm15_inflow_usd: int = 5_000
    tm15_window: int = 2 * DAY
    tm16_amount_usd: int = 10_000
    tm16_silence: int = 60 * DAY
    tm40_age_years: int = 65
    tm40_outflow_usd: int = 10_000

    def as_json(self) -> dict[str, int]:
        return asdict(self)


DEFAULTS = ScenarioDefaults()


def severity(category: int | None) -> str:
    """The vendor's alert level for a category under the sandbox exchange's own alert settings."""
    if category in SEVERE:
        return "SEVERE"
    if category in FLOOR_HIGH_CATEGORIES:
        return "HIGH"
    if category in FLOOR_MEDIUM_CATEGORIES:
        return "MEDIUM"
    return "LOW"


def category_floor_usd(category: int | None) -> int | None:
    """Floor in USD above which a direct exposure alerts; None for a category that never does."""
    if category in ZERO_TOLERANCE:
        return DEFAULTS.tm28_floor_zero_usd
    if category in FLOOR_HIGH_CATEGORIES:
        return DEFAULTS.tm28_floor_high_usd
    if category in FLOOR_MEDIUM_CATEGORIES:
        return DEFAULTS.tm28_floor_medium_usd
    return None
