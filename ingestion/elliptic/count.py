"""Elliptic's answers counted on the wire: the keys of the records in them, read without the parser.

Belongs here: where an answer says what its records are. What they mean is `parse`'s business.
"""

from typing import Any

from ingestion.elliptic.schemas import NOT_IN_BLOCKCHAIN
from ingestion.wire import at, key, listed, said


def analysis(item: Any) -> str:
    """The key of an analysis in its present state."""
    return key(*_identity(item), said(item, "process_status"))


def never_seen(asked_for: str) -> str:
    """The key of an analysis that there is none of, because what it was asked for was never on chain."""
    return key(f"{NOT_IN_BLOCKCHAIN}:{asked_for}", "none", NOT_IN_BLOCKCHAIN)


def exposures(item: Any) -> list[str]:
    """The keys of the entities, matched elements and contributions that an answer lists."""
    found = [("cluster_entity", one) for one in _things(at(item, "cluster_entities"))]
    for rule in _things(at(item, "evaluation_detail")):
        found += [("matched_element", element) for element in _things(at(rule, "matched_elements"))]
    for one in _things(at(item, "contributions")):
        found += [("contribution", entity) for entity in _things(at(one, "entities")) or [None]]
    return [
        key(
            *_identity(item),
            element,
            said(one, "category"),
            None if element == "matched_element" else said(one, "name"),
        )
        for element, one in found
    ]


def _identity(item: Any) -> tuple[str | None, str]:
    # An analysis that is only just running may have no screening yet.
    return said(item, "id"), said(item, "screening_id") or "none"


def _things(value: Any) -> list:
    """The members of a list, or of an object's lists: a wallet has one for each side."""
    if isinstance(value, dict):
        return [one for side in value for one in listed(value, side)]
    return value if isinstance(value, list) else []
