"""The canonical tables of reference rates: USD for one unit of the asset, fiat too, USD itself 1; one rate for a UTC
day, and where a desk has them also rates that count from their instant on.

A rate for an asset nobody trades does no harm, so the asset is not held against the list of known ones."""

from ingestion.tabular import AMOUNT, DATE, TIMESTAMP, Column, Table

RATES = Table(
    "rates",
    (
        Column("asset_code", required=True),
        Column("rate_date", DATE, required=True),
        Column("rate_usd", AMOUNT, required=True, minimum="positive"),
        Column("source", required=True),
    ),
    key=("asset_code", "rate_date"),
    event="rate_date",
    asset="asset_code",
    amount="rate_usd",
)

HOURLY_RATES = Table(
    "hourly_rates",
    (
        Column("asset_code", required=True),
        Column("rate_at", TIMESTAMP, required=True),
        Column("rate_usd", AMOUNT, required=True, minimum="positive"),
        Column("source", required=True),
    ),
    key=("asset_code",),
    event="rate_at",
    asset="asset_code",
    amount="rate_usd",
)

TABLES = (RATES, HOURLY_RATES)
