"""Elliptic analyses as records: pure functions from parsed JSON to exact values.

On wallets `evaluation_detail` and `contributions` are objects of two sides, on transactions plain lists; both land in
the same rows, with the side where the vendor says one. `Unreadable` carries the reason as a sentence; a finished
analysis that lacks a member which says how risky its subject is is unreadable, never "no risk".
"""

from collections.abc import Iterator
from typing import Any

from ingestion.chainalysis.parse import Unreadable
from ingestion.members import Members, text

ANALYSIS = {"id", "type", "subject", "customer", "customer_reference", "blockchain_info", "created_at", "updated_at"}
ANALYSIS |= {"analysed_at", "analysed_by", "asset_tier", "cluster_entities", "team_id", "risk_score", "error"}
ANALYSIS |= {"risk_score_detail", "evaluation_detail", "contributions", "detected_behaviors", "changes"}
ANALYSIS |= {"workflow_status", "workflow_status_id", "process_status", "process_status_id", "screening_id"}
ANALYSIS |= {"screening_source", "triggered_rules", "predictive"}
SUBJECT = {"asset", "blockchain", "type", "hash", "output_type", "output_address"}
ENTITY = {"name", "category", "category_id", "entity_id", "actor_id", "is_primary_entity", "is_vasp"}
ENTITY |= {"is_after_sanction_date"}
ENTITY_NEEDS = ("name", "category")
SHARES = {"contribution_percentage", "contribution_value", "counterparty_percentage", "counterparty_value"}
SHARES |= {"indirect_percentage", "indirect_value"}
RULE = {"rule_id", "rule_name", "risk_score", "matched_elements", "matched_behaviors", "rule_history_id"}
RULE |= {"mc_analysis_id", "rule_type"}
ELEMENT = SHARES | {"category", "category_id", "contributions"}
ELEMENT_NEEDS = ("category", "contribution_value", "counterparty_value", "indirect_value")
CONTRIBUTION = SHARES | {"entities", "is_screened_address", "min_number_of_hops", "risk_triggers"}


def analysis(item: Any) -> tuple[dict, list[dict]]:
    """One analysis in its present state: its row of raw `analyses` (without what the ledger says) and its rows of
    `exposures`."""
    added: set[str] = set()
    answer = Members(item, "analysis", ANALYSIS, added)
    subject, scores = answer.object("subject", SUBJECT), answer.object("risk_score_detail")
    if answer["process_status"] == "complete":
        lists = ("cluster_entities",) if answer["type"] == "wallet_exposure" else ()
        answer.needs("risk_score", "evaluation_detail", "contributions", "analysed_at", lists=lists)
        if answer["risk_score"] is not None and answer["evaluation_detail"] is None:
            raise Unreadable("there is a risk_score and no evaluation_detail that it follows from")
    # An analysis that is only just running may have no screening yet.
    keys = {"analysis_id": answer.required("id"), "screening_id": answer.text("screening_id") or "none"}
    exposures = [*_cluster(answer), *_matched(item, added), *_contributed(item, added)]
    error = answer["error"]
    kind = answer.required("type")
    row = {
        **keys,
        "analysis_type_code": kind,
        "subject_type_code": subject.required("type"),
        "asset_code": subject.text("asset"),
        "blockchain_code": subject.text("blockchain"),
        "subject_hash": subject.required("hash"),
        "output_address": subject.text("output_address"),
        "customer_reference": answer.object("customer").text("reference") or answer.text("customer_reference"),
        "risk_score": answer.amount("risk_score"),
        "source_risk_score": scores.amount("source"),
        "destination_risk_score": scores.amount("destination"),
        "process_status_code": answer.required("process_status"),
        "workflow_status_code": answer.text("workflow_status"),
        "screening_source_code": answer.text("screening_source"),
        "error_message": None if error is None else text(error),
        "created_at": answer.moment("created_at"),
        "updated_at": answer.moment("updated_at"),
        "analysed_at": answer.moment("analysed_at"),
        "unknown_members": ", ".join(sorted(added)) or None,
        "answer_json": text(item),
    }
    return row, [
        {**keys, "analysis_type_code": kind, "element_no": number, **exposure}
        for number, exposure in enumerate(exposures, 1)
    ]


def _cluster(answer: Members) -> Iterator[dict]:
    for entity in answer.objects("cluster_entities", ENTITY, ENTITY_NEEDS):
        yield {"element_code": "cluster_entity", **_entity(entity)}


def _matched(item: dict, added: set[str]) -> Iterator[dict]:
    for side, listed in sides(item.get("evaluation_detail"), "evaluation_detail"):
        rule = Members(listed, "evaluation_detail", RULE, added).needs("risk_score", lists=("matched_elements",))
        for element in rule.objects("matched_elements", ELEMENT, ELEMENT_NEEDS):
            yield {
                "element_code": "matched_element",
                "side_code": side,
                "rule_id": rule.text("rule_id"),
                "rule_name": rule.text("rule_name"),
                "rule_risk_score": rule.amount("risk_score"),
                "category_id": element.text("category_id"),
                "category": element.text("category"),
                **_shares(element),
            }


def _contributed(item: dict, added: set[str]) -> Iterator[dict]:
    for side, listed in sides(item.get("contributions"), "contributions"):
        contribution = Members(listed, "contributions", CONTRIBUTION, added)
        contribution.needs("contribution_value", "min_number_of_hops", lists=("entities",))
        shared = {
            "element_code": "contribution",
            "side_code": side,
            "is_screened_address": contribution.flag("is_screened_address"),
            "min_number_of_hops": contribution.whole("min_number_of_hops"),
        }
        shares = _shares(contribution)
        for entity in list(contribution.objects("entities", ENTITY, ENTITY_NEEDS)) or [Members({}, "entities")]:
            yield {**shared, **_entity(entity), **shares}
            shares = {}


def sides(value: Any, name: str) -> Iterator[tuple[str | None, Any]]:
    """The listed things with their side: (source|destination, thing) of a wallet's object, (None, thing) of a
    transaction's list; nothing for null."""
    if isinstance(value, dict) and not value.keys() >= {"source", "destination"}:
        raise Unreadable(f"{name} lacks one of its two sides")
    lists = value.items() if isinstance(value, dict) else [(None, value)]
    for side, listed in lists:
        if side not in (None, "source", "destination"):
            raise Unreadable(f"{name} has a side {side!r}")
        if listed is not None and not isinstance(listed, list):
            raise Unreadable(f"{name} is not a list")
        for one in listed or ():
            yield side, one


def _entity(entity: Members) -> dict:
    return {
        "category_id": entity.text("category_id"),
        "category": entity.text("category"),
        "entity_name": entity.text("name"),
        "is_primary_entity": entity.flag("is_primary_entity"),
    }


def _shares(element: Members) -> dict:
    return {
        f"{kind}_{unit}": value
        for kind in ("contribution", "counterparty", "indirect")
        for unit, value in (
            ("pct", element.amount(f"{kind}_percentage")),
            ("usd", element.object(f"{kind}_value").amount("usd")),
        )
    }
