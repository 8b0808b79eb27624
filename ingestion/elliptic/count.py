"""Elliptic's answers counted on the wire: the keys of the records in them, read without the parser.

Belongs here: where an answer says what its records are. What they mean is `parse`'s business.
"""

from decimal import Decimal
from itertools import chain, repeat
from typing import Any

from ingestion.elliptic.schemas import NOT_IN_BLOCKCHAIN
from ingestion.wire import amount, at, key, listed, said


def analysis(item: Any) -> str:
    """The key of an analysis in its present state."""
    return key(*_identity(item), said(item, "process_status"))


def never_seen(asked_for: str) -> str:
    """The key of an analysis that there is none of, because what it was asked for was never on chain."""
    return key(f"{NOT_IN_BLOCKCHAIN}:{asked_for}", "none", NOT_IN_BLOCKCHAIN)


def exposures(item: Any) -> list[tuple[str, Decimal | None]]:
    """The keys of the entities, matched elements and contributions that an answer lists, each with what is contributed,
    USD, where it states that; of several entities of one contribution the first has it."""
    found = [("cluster_entity", one, None) for one in _things(at(item, "cluster_entities"))]
    for rule in _things(at(item, "evaluation_detail")):
        found += [("matched_element", one, _contributed(one)) for one in _things(at(rule, "matched_elements"))]
    for one in _things(at(item, "contributions")):
        usd = chain([_contributed(one)], repeat(None))
        entities = _things(at(one, "entities")) or [None]
        found += [("contribution", *pair) for pair in zip(entities, usd, strict=False)]
    return [
        (
            key(
                *_identity(item),
                element,
                said(one, "category"),
                None if element == "matched_element" else said(one, "name"),
            ),
            usd,
        )
        for element, one, usd in found
    ]


def _contributed(one: Any) -> Decimal | None:
    return amount(one, "contribution_value", "usd")


def _identity(item: Any) -> tuple[str | None, str]:
    # An analysis that is only just running may have no screening yet.
    return said(item, "id"), said(item, "screening_id") or "none"


def _things(value: Any) -> list:
    """The members of a list, or of an object's lists: a wallet has one for each side."""
    if isinstance(value, dict):
        return [one for side in value for one in listed(value, side)]
    return value if isinstance(value, list) else []
