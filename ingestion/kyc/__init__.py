"""Customers and their accounts, with their later changes: a change is a further row, nothing is overwritten.

Canonical files bring parties, accounts, documents and reviews; identity vendors (Sumsub, Onfido, Persona) bring
documents and reviews of their own, with the webhooks and answers they come from.
"""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.kyc.parse import TABLES
from ingestion.kyc.records import SCHEMAS
from ingestion.kyc.vendors import FEED, Run, Settings


@dlt.source(name=FEED, section=FEED)
def kyc_source(
    bucket_url: str | None = None,
    sumsub_api_url: str | None = None,
    sumsub_api_key: TSecretStrValue | None = None,
    sumsub_api_secret: TSecretStrValue | None = None,
    sumsub_webhooks_url: str | None = None,
    sumsub_webhook_secret: TSecretStrValue | None = None,
    onfido_api_url: str | None = None,
    onfido_api_key: TSecretStrValue | None = None,
    onfido_webhooks_url: str | None = None,
    onfido_webhook_secret: TSecretStrValue | None = None,
    persona_api_url: str | None = None,
    persona_api_key: TSecretStrValue | None = None,
    persona_webhooks_url: str | None = None,
    persona_webhook_secret: TSecretStrValue | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Iterable[DltResource]:
    """The new KYC deliveries below `bucket_url`, whose business date lies in the half-open window [start, end), and
    what the configured identity vendors know that is not stored yet.

    `<vendor>_api_url`: the vendor's base URL; `<vendor>_webhooks_url`: the folder in which webhooks are kept, their
    signatures made with `<vendor>_webhook_secret`. Raises VendorError, with what to do, when a vendor cannot be used;
    then nothing of the run lands."""
    run = Run(start, end)
    run.load(
        Settings(
            "sumsub", sumsub_api_url, sumsub_api_key, sumsub_api_secret, sumsub_webhooks_url, sumsub_webhook_secret
        )
    )
    run.load(Settings("onfido", onfido_api_url, onfido_api_key, None, onfido_webhooks_url, onfido_webhook_secret))
    run.load(Settings("persona", persona_api_url, persona_api_key, None, persona_webhooks_url, persona_webhook_secret))
    return canonical.resources(
        FEED, TABLES, bucket_url, start, end, schemas=SCHEMAS, beside=run.extracted(), added_fields=run.added
    )
