"""The canonical tables of the exchange ledger. Amounts are in units of their asset, times are UTC."""

from ingestion.tabular import AMOUNT, TIMESTAMP, Column, Table

FEED = "exchange"
RAILS = ("crypto", "fiat")
STATUSES = ("completed", "failed", "cancelled", "pending")


def _amount(name: str, minimum: str = "zero") -> Column:
    return Column(name, AMOUNT, required=True, minimum=minimum)


def _asset(name: str = "asset_code") -> Column:
    return Column(name, required=True, is_asset=True)


_EVENT_AT = Column("event_at", TIMESTAMP, required=True)

DEPOSITS = Table(
    "deposits",
    (
        Column("deposit_id", required=True),
        Column("account_id", required=True),
        Column("rail_code", required=True, codes=RAILS),
        _asset(),
        _amount("amount"),
        Column("chain_code"),
        Column("from_address"),
        Column("to_address"),
        Column("tx_hash"),
        Column("bank_reference"),
        Column("status_code", required=True, codes=STATUSES),
        _EVENT_AT,
        Column("ip_address"),
        Column("device_id"),
    ),
    key=("deposit_id",),
    event="event_at",
    asset="asset_code",
    amount="amount",
    addresses=("from_address", "to_address"),
)

WITHDRAWALS = Table(
    "withdrawals",
    (
        Column("withdrawal_id", required=True),
        Column("account_id", required=True),
        Column("rail_code", required=True, codes=RAILS),
        _asset(),
        _amount("amount"),
        _amount("fee_amount"),
        Column("chain_code"),
        Column("to_address"),
        Column("tx_hash"),
        Column("beneficiary_account"),
        Column("bank_reference"),
        Column("status_code", required=True, codes=STATUSES),
        _EVENT_AT,
        Column("ip_address"),
        Column("device_id"),
    ),
    key=("withdrawal_id",),
    event="event_at",
    asset="asset_code",
    amount="amount",
    addresses=("to_address",),
)

INTERNAL_TRANSFERS = Table(
    "internal_transfers",
    (
        Column("internal_transfer_id", required=True),
        Column("from_account_id", required=True),
        Column("to_account_id", required=True),
        _asset(),
        _amount("amount"),
        Column("status_code", required=True, codes=STATUSES),
        _EVENT_AT,
    ),
    key=("internal_transfer_id",),
    event="event_at",
    asset="asset_code",
    amount="amount",
)

TRADES = Table(
    "trades",
    (
        Column("trade_id", required=True),
        Column("account_id", required=True),
        Column("side_code", required=True, codes=("buy", "sell")),
        _asset("base_asset_code"),
        _asset("quote_asset_code"),
        _amount("base_amount", minimum="positive"),
        _amount("quote_amount"),
        _amount("price", minimum="positive"),
        _amount("fee_amount"),
        _EVENT_AT,
    ),
    key=("trade_id",),
    event="event_at",
    asset="base_asset_code",
    amount="base_amount",
)

ADDRESSES = Table(
    "addresses",
    (
        Column("address", required=True),
        Column("chain_code", required=True),
        Column("role_code", required=True, codes=("deposit", "hot_wallet", "cold_wallet")),
        Column("account_id"),
        Column("assigned_at", TIMESTAMP, required=True),
    ),
    key=("address",),
    event="assigned_at",
    addresses=("address",),
)

TABLES = (DEPOSITS, WITHDRAWALS, INTERNAL_TRANSFERS, TRADES, ADDRESSES)
