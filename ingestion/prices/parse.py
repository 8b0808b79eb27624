"""The canonical table of reference rates: USD for one unit of the asset on the UTC day, fiat too, USD itself 1.

A rate for an asset nobody trades does no harm, so the asset is not held against the list of known ones."""

from ingestion.tabular import AMOUNT, DATE, Column, Table

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

TABLES = (RATES,)
