"""The canonical KYC tables. Each row is the party or account as it stood from `valid_from_at` (UTC) on."""

from ingestion.tabular import BOOLEAN, DATE, MONEY, TIMESTAMP, Column, Table

_COUNTRY = {"pattern": "[A-Z]{2}", "pattern_name": "a two-letter ISO 3166 country code"}
_CURRENCY = {"pattern": "[A-Z]{3}", "pattern_name": "a three-letter ISO 4217 currency code"}

PARTIES = Table(
    "parties",
    (
        Column("party_id", required=True),
        Column("party_type_code", required=True, codes=("person", "company")),
        Column("legal_name", required=True),
        Column("birth_date", DATE),
        Column("residence_country_code", required=True, **_COUNTRY),
        Column("nationality_country_code", **_COUNTRY),
        Column("kyc_level_code", required=True, codes=("none", "basic", "full", "enhanced")),
        Column("kyc_status_code", required=True, codes=("approved", "pending", "rejected")),
        Column("is_pep", BOOLEAN, required=True),
        Column("declared_annual_income_amount", MONEY, minimum="zero"),
        Column("declared_income_ccy", **_CURRENCY),
        Column("occupation"),
        Column("segment_code", required=True, codes=("retail", "professional", "business")),
        Column("risk_rating_code", required=True, codes=("low", "medium", "high")),
        Column("next_review_date", DATE),
        Column("valid_from_at", TIMESTAMP, required=True),
    ),
    key=("party_id",),
    event="valid_from_at",
)

ACCOUNTS = Table(
    "accounts",
    (
        Column("account_id", required=True),
        Column("party_id", required=True),
        Column("account_type_code", required=True, codes=("spot",)),
        Column("opened_at", TIMESTAMP, required=True),
        Column("closed_at", TIMESTAMP),
        Column("last_activity_at", TIMESTAMP),
        Column("valid_from_at", TIMESTAMP, required=True),
    ),
    key=("account_id",),
    event="valid_from_at",
)

TABLES = (PARTIES, ACCOUNTS)
