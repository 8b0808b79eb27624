"""TRM's answers counted on the wire: the keys of the records in them, read without the parser.

Belongs here: where an answer says what its records are. What they mean is `parse`'s business.
"""

from decimal import Decimal
from typing import Any

from ingestion.wire import amount, key, listed, said


def screening(item: Any) -> str:
    """The key of a screened address (or of the question about one, which names both alike)."""
    return key(said(item, "chain"), said(item, "addressSubmitted") or said(item, "address"))


def volume(item: Any) -> Decimal | None:
    """The volume of a screened address, USD."""
    return amount(item, "addressTotalVolumeUsd")


def screening_exposures(item: Any) -> list[tuple[str, Decimal | None]]:
    """The keys of what the answer about an address lists, each with its volume, USD, where it states one."""
    subject = screening(item)
    indicators = [
        (key(subject, "risk_indicator", said(one, "categoryId"), None), amount(one, "totalVolumeUsd"))
        for one in listed(item, _INDICATORS)
    ]
    entities = [
        (key(subject, "entity", said(one, "categoryId"), said(one, "entity")), None) for one in listed(item, _ENTITIES)
    ]
    return indicators + entities


def transfer(item: Any) -> str:
    """The key of a registered transfer in its present state."""
    return key(said(item, "externalId"), said(item, "screenStatus"))


def transfer_exposures(item: Any) -> list[str]:
    """The keys of what the answer about a transfer lists."""
    subject = said(item, "externalId")
    return [
        key(subject, "counterparty", said(one, "categoryId"), said(one, "displayName"))
        for one in listed(item, "counterparties")
    ]


def alert(item: Any) -> str:
    """The key of an alert in its present state."""
    return key(said(item, "uuid"), said(item, "status"))


_INDICATORS, _ENTITIES = "addressRiskIndicators", "entities"
