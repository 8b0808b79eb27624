"""The canonical KYC tables. A row is the party, account, document or review as it stood from `valid_from_at` (UTC) on.

Vendors' documents and reviews land in the same tables, with the vendor's own codes (`vendors.py`)."""

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

DOCUMENTS = Table(
    "documents",
    (
        Column("document_id", required=True),
        Column("party_id", required=True),
        Column("vendor_code", required=True),
        Column("applicant_id"),
        Column("review_id"),
        Column(
            "document_type_code",
            required=True,
            codes=("passport", "id_card", "driving_licence", "residence_permit", "other"),
        ),
        Column("country_code", **_COUNTRY),
        Column("issued_date", DATE),
        Column("expiry_date", DATE),
        Column("valid_from_at", TIMESTAMP, required=True),
    ),
    key=("document_id",),
    event="valid_from_at",
)

REVIEWS = Table(
    "reviews",
    (
        Column("review_id", required=True),
        Column("party_id", required=True),
        Column("vendor_code", required=True),
        Column("applicant_id"),
        Column("review_type_code", required=True, codes=("identity", "watchlist", "pep", "adverse_media")),
        Column("level_name"),
        Column("status_code", required=True, codes=("pending", "on_hold", "completed")),
        Column("answer_code", codes=("approved", "rejected", "retry")),
        Column("reject_type_code"),
        Column("reject_labels"),
        Column("risk_labels"),
        Column("has_pep_hit", BOOLEAN),
        Column("has_watchlist_hit", BOOLEAN),
        Column("reviewed_at", TIMESTAMP),
        Column("valid_from_at", TIMESTAMP, required=True),
    ),
    key=("review_id",),
    event="valid_from_at",
)

TABLES = (PARTIES, ACCOUNTS, DOCUMENTS, REVIEWS)
