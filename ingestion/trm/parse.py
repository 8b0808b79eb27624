"""TRM Labs answers as records: pure functions from parsed JSON to exact values, in the shapes of 2023 and of 2026.

Volumes arrive as decimals written as text and stay exact. Members added since are named in `unknown_members`; the
answer is kept whole. `Unreadable` carries the reason as a sentence; an answer that lacks a member which says how
risky something is is unreadable, never "no risk".
"""

from datetime import datetime
from typing import Any

from ingestion.chainalysis.parse import Unreadable, timestamp
from ingestion.members import Members, text

SCREENING = {"accountExternalId", "address", "addressIncomingVolumeUsd", "addressOutgoingVolumeUsd"}
SCREENING |= {"addressTotalVolumeUsd", "addressRiskIndicators", "addressSubmitted", "chain", "entities", "externalId"}
SCREENING |= {"trmAppUrl"}
SCREENING |= {"accountUuid", "addressBehavioralSignatures", "addressHighestRiskScoreLevel"}
SCREENING |= {"addressHighestRiskScoreLevelLabel", "addressIncomingTransactionCount", "addressOutgoingTransactionCount"}
SCREENING |= {"addressTotalTransactionCount", "multiChainRequestUuid", "screenedAt", "trmGraphVisualizerUrl"}
VOLUMES = ("addressIncomingVolumeUsd", "addressOutgoingVolumeUsd", "addressTotalVolumeUsd")
INDICATOR = {"category", "categoryId", "categoryRiskScoreLevel", "categoryRiskScoreLevelLabel", "incomingVolumeUsd"}
INDICATOR |= {"outgoingVolumeUsd", "riskType", "totalVolumeUsd", "incomingInstanceCount", "outgoingInstanceCount"}
INDICATOR |= {"totalInstanceCount", "incomingVolumePercent", "outgoingVolumePercent", "totalVolumePercent"}
ENTITY = {"category", "categoryId", "confidenceScoreLabel", "entity", "riskScoreLevel", "riskScoreLevelLabel"}
ENTITY |= {"trmAppUrl", "trmUrn"}
INDICATOR_NEEDS = ("categoryId", "categoryRiskScoreLevel", "totalVolumeUsd")
ENTITY_NEEDS = ("categoryId", "entity", "riskScoreLevel")
TRANSFER = {"accountExternalId", "accountUuid", "alerts", "asset", "assetAddress", "assetAmount", "chain"}
TRANSFER |= {"counterparties", "destinationAddress", "externalId", "fiatCurrency", "fiatValue", "onchainReference"}
TRANSFER |= {"riskScoreLevel", "riskScoreLevelLabel", "screenStatus", "screenStatusFailedReason", "sourceAddress"}
TRANSFER |= {"submittedAt", "timestamp", "transferType", "trmAppUrl", "uuid"}
COUNTERPARTY = {"category", "categoryId", "displayName", "trmUrn"}
COUNTERPARTY_NEEDS = ("categoryId", "category", "displayName")
ALERT = {"closedAt", "closedJustification", "closedReason", "isValid", "issuedAt", "ownedByUserEmail"}
ALERT |= {"riskScoreLevel", "riskScoreLevelLabel", "ruleUuid", "status", "statusUpdatedAt", "statusUpdatedByUserEmail"}
ALERT |= {"transferAccountExternalId", "transferExternalId", "transferUuid", "trmAppUrl", "updatedAt"}
ALERT |= {"updatedByUserEmail", "uuid"}

FINISHED = {"SUCCEEDED", "FAILED"}


def screening(item: Any) -> tuple[dict, list[dict]]:
    """One screened address: its row of raw `address_screenings` (without `ledger_known_at`) and its rows of `exposures`
    (without `screening_id`)."""
    added: set[str] = set()
    answer = Members(item, "screening", SCREENING, added).needs(*VOLUMES, lists=("addressRiskIndicators", "entities"))
    chain, submitted = answer.required("chain"), answer.required("addressSubmitted")
    subject = {"subject_type_code": "address", "subject_id": f"{chain}:{submitted}"}
    exposures = [
        {
            **subject,
            "element_code": "risk_indicator",
            "element_no": number,
            "risk_type_code": indicator.required("riskType"),
            "category_id": indicator.code("categoryId"),
            "category": indicator.text("category"),
            "risk_score_level_code": _level(indicator, "categoryRiskScoreLevel"),
            "total_volume_usd": indicator.amount("totalVolumeUsd"),
            "incoming_volume_usd": indicator.amount("incomingVolumeUsd"),
            "outgoing_volume_usd": indicator.amount("outgoingVolumeUsd"),
            "answer_json": text(item["addressRiskIndicators"][number - 1]),
        }
        for number, indicator in enumerate(answer.objects("addressRiskIndicators", INDICATOR, INDICATOR_NEEDS), 1)
    ]
    exposures += [
        {
            **subject,
            "element_code": "entity",
            "element_no": number,
            "category_id": entity.code("categoryId"),
            "category": entity.text("category"),
            "entity_name": entity.text("entity"),
            "risk_score_level_code": _level(entity, "riskScoreLevel"),
            "answer_json": text(item["entities"][number - 1]),
        }
        for number, entity in enumerate(answer.objects("entities", ENTITY, ENTITY_NEEDS), 1)
    ]
    levels = [exposure["risk_score_level_code"] for exposure in exposures]
    highest = max((int(level) for level in levels if level is not None), default=None)
    row = {
        "address_submitted": submitted,
        "chain_code": chain,
        "address": answer.text("address"),
        "risk_score_level_code": _level(answer, "addressHighestRiskScoreLevel")
        or (None if highest is None else str(highest)),
        "total_volume_usd": answer.amount("addressTotalVolumeUsd"),
        "incoming_volume_usd": answer.amount("addressIncomingVolumeUsd"),
        "outgoing_volume_usd": answer.amount("addressOutgoingVolumeUsd"),
        "screened_at": answer.moment("screenedAt"),
        "unknown_members": _named(added),
        "answer_json": text(item),
    }
    return row, exposures


def transfer(item: Any) -> tuple[dict, list[dict]]:
    """A registered transfer in its present state: its row of raw `transfers` and its counterparties as rows of
    `exposures` (without `screening_id`)."""
    added: set[str] = set()
    answer = Members(item, "transfer", TRANSFER, added)
    status = answer.required("screenStatus")
    if status == "SUCCEEDED":
        answer.needs("riskScoreLevel", lists=("counterparties",))
    elif status == "FAILED":
        answer.needs("screenStatusFailedReason")
    ledger_transfer_id = answer.required("externalId")
    counterparties = [
        {
            "subject_type_code": "transfer",
            "subject_id": ledger_transfer_id,
            "element_code": "counterparty",
            "element_no": number,
            "category_id": counterparty.code("categoryId"),
            "category": counterparty.text("category"),
            "entity_name": counterparty.text("displayName"),
            "answer_json": text(item["counterparties"][number - 1]),
        }
        for number, counterparty in enumerate(answer.objects("counterparties", COUNTERPARTY, COUNTERPARTY_NEEDS), 1)
    ]
    row = {
        "transfer_uuid": answer.required("uuid"),
        "ledger_transfer_id": ledger_transfer_id,
        "account_external_id": answer.text("accountExternalId"),
        "transfer_type_code": answer.text("transferType"),
        "chain_code": answer.text("chain"),
        "asset_code": answer.text("asset"),
        "asset_amount": answer.amount("assetAmount"),
        "fiat_value_usd": answer.amount("fiatValue"),
        "onchain_reference": answer.text("onchainReference"),
        "destination_address": answer.text("destinationAddress"),
        "source_address": answer.text("sourceAddress"),
        "transfer_at": answer.moment("timestamp"),
        "submitted_at": answer.moment("submittedAt"),
        "screen_status_code": status,
        "screen_status_failed_reason": answer.text("screenStatusFailedReason"),
        "risk_score_level_code": _level(answer, "riskScoreLevel"),
        "unknown_members": _named(added),
        "answer_json": text(item),
    }
    return row, counterparties


def alert(item: Any) -> dict:
    """One row of the alerts list: its row of raw `alerts`."""
    added: set[str] = set()
    answer = Members(item, "alert", ALERT, added)
    answer.needs("riskScoreLevel", "statusUpdatedAt", "transferExternalId", "transferUuid", "isValid")
    issued_at = answer.moment("issuedAt")
    if issued_at is None:
        raise Unreadable("issuedAt is missing")
    return {
        "alert_uuid": answer.required("uuid"),
        "transfer_uuid": answer.text("transferUuid"),
        "transfer_external_id": answer.text("transferExternalId"),
        "account_external_id": answer.text("transferAccountExternalId"),
        "rule_uuid": answer.text("ruleUuid"),
        "risk_score_level_code": _level(answer, "riskScoreLevel"),
        "status_code": answer.required("status"),
        "closed_reason_code": answer.text("closedReason"),
        "is_valid": answer.flag("isValid"),
        "issued_at": issued_at,
        "status_updated_at": answer.moment("statusUpdatedAt"),
        "closed_at": answer.moment("closedAt"),
        "updated_at": answer.moment("updatedAt"),
        "unknown_members": _named(added),
        "answer_json": text(item),
    }


def _level(answer: Members, member: str) -> str | None:
    level = answer.whole(member)
    return None if level is None else str(level)


def _named(added: set[str]) -> str | None:
    return ", ".join(sorted(added)) or None


def moment(value: Any) -> datetime | None:
    """A time of an answer as naive UTC; None for none."""
    return timestamp(value)
