"""A synthetic exchange ledger by seed: heavy-tailed, with ties, several accounts a party, movements that do not count.

Belongs here: drawing the numbers; sql/ledger.sql and sql/legs.sql make movements and conformed legs of them. Not here:
believable customers and planted cases, which are the sandbox's.
"""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

SQL = Path(__file__).parent / "sql"
DAYS = 365
MOVEMENTS_PER_ACCOUNT = 50
BUSIEST_SHARE = 0.0025  # 25,000 of 10 million
ASSETS = {  # code: (rail, chain, 1 unit in USD, share of movements)
    "USD": ("fiat", None, "1", 0.35),
    "EUR": ("fiat", None, "1.0812", 0.15),
    "BTC": ("crypto", "bitcoin", "64210.25", 0.20),
    "ETH": ("crypto", "ethereum", "3120.5", 0.15),
    "USDC": ("crypto", "ethereum", "1", 0.15),
}


def script(name: str) -> list[str]:
    """The statements of sql/<name>.sql."""
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    return [statement for statement in text.split(";\n") if statement.strip()]


def execute(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    for statement in script(name):
        connection.execute(statement).fetchall()


def create_movements(connection: duckdb.DuckDBPyConnection, legs: int, seed: int, only_deposits: bool = False) -> None:
    """Creates the temporary tables `movements`, `accounts` and `assets`. The movements have exactly `legs` sides in
    all: an internal transfer has two. Same arguments, same rows.

    Activity by account is lognormal (sigma 1.8) up to BUSIEST_SHARE, a tenth of an account's movements fall into one
    hour and 3 % onto one instant (ties), USD values are lognormal with a hump just under 10,000."""
    generator = np.random.default_rng(seed)
    internal = 0 if only_deposits else int(legs * 0.075)
    count = legs - internal
    account_count = max(20, count // MOVEMENTS_PER_ACCOUNT)

    weights = np.exp(generator.normal(0.0, 1.8, account_count))
    edges = np.cumsum(np.minimum(weights, weights.sum() * BUSIEST_SHARE))
    account = _draw(generator, edges, count)
    other = _draw(generator, edges, count)
    other = np.where(other == account, (other + 1) % account_count, other)

    second = generator.integers(0, DAYS * 86_400, count)
    burst = generator.integers(0, DAYS * 86_400 - 3_600, account_count)[account]
    second = np.where(generator.random(count) < 0.10, burst + generator.integers(0, 3_600, count), second)
    second = np.where(generator.random(count) < 0.03, burst, second)

    # 0 deposit, 1 withdrawal, 2 trade, 3 internal transfer
    kind = generator.choice(3, count, p=(1, 0, 0) if only_deposits else (0.49, 0.46, 0.05)).astype(np.int8)
    kind[:internal] = 3
    cents = np.minimum(np.exp(generator.normal(5.5, 1.6, count)) * 100, 5e9).astype(np.int64) + 1
    cents = np.where(generator.random(count) < 0.02, generator.integers(850_000, 1_000_000, count), cents)

    own = (account.astype(np.int64) * 7_919 + (generator.random(count) ** 2 * 25).astype(np.int64)) % 10**9
    shared = 10**9 + (generator.random(count) ** 3 * max(10, count // 20)).astype(np.int64)

    drawn = {
        "drawn": {
            "movement_no": np.arange(1, count + 1),
            "kind": kind,
            "account_no": account,
            "other_account_no": other,
            "second": second,
            "asset_no": generator.choice(len(ASSETS), count, p=[asset[3] for asset in ASSETS.values()]),
            "cents": cents,
            "counterparty_no": np.where(generator.random(count) < 0.7, own, shared),
            "is_completed": generator.random(count) < 0.97,
        },
        "drawn_accounts": {"account_no": np.arange(account_count)},
        "drawn_assets": {
            "asset_no": np.arange(len(ASSETS)),
            "asset_code": list(ASSETS),
            "rail_code": [asset[0] for asset in ASSETS.values()],
            "chain_code": [asset[1] for asset in ASSETS.values()],
            "rate_text": [asset[2] for asset in ASSETS.values()],
        },
    }
    for name, columns in drawn.items():
        connection.register(name, pa.table(columns))
    execute(connection, "ledger")
    for name in drawn:
        connection.unregister(name)


def create_legs(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates intermediate.int_transfer_legs from the movements, in the order of delivery: by transfer, not party."""
    connection.execute("create schema if not exists intermediate").fetchall()
    execute(connection, "legs")


def _draw(generator: np.random.Generator, edges: np.ndarray, count: int) -> np.ndarray:
    return np.searchsorted(edges, generator.random(count) * edges[-1]).clip(max=len(edges) - 1)
