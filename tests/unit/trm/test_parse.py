"""TRM Labs answers as records, in the shapes of 2023 and of 2026."""

import json
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chainalysis.parse import Unreadable, document
from ingestion.trm import parse
from ingestion.trm.schemas import TABLES

INDICATOR_2023 = {
    "category": "Sanctions", "categoryId": "69", "categoryRiskScoreLevel": 15, "categoryRiskScoreLevelLabel": "Severe",
    "incomingVolumeUsd": "1.000000000000000001", "outgoingVolumeUsd": "0", "riskType": "OWNERSHIP",
    "totalVolumeUsd": "1.000000000000000001",
}  # fmt: skip
SCREENING_2023 = {
    "accountExternalId": None, "address": "0xAB", "addressIncomingVolumeUsd": "123.45",
    "addressOutgoingVolumeUsd": "0", "addressTotalVolumeUsd": "123.45", "addressRiskIndicators": [INDICATOR_2023],
    "addressSubmitted": "0xab", "chain": "ethereum", "externalId": None, "trmAppUrl": "https://trm.invalid",
    "entities": [
        {"category": "Mixer", "categoryId": "66", "confidenceScoreLabel": "High", "entity": "Sample Mixer",
         "riskScoreLevel": 10, "riskScoreLevelLabel": "High", "trmAppUrl": "https://trm.invalid", "trmUrn": "/e/1"}
    ],
}  # fmt: skip
SCREENING_2026 = SCREENING_2023 | {
    "accountUuid": "u", "addressBehavioralSignatures": [], "addressHighestRiskScoreLevel": 10,
    "addressHighestRiskScoreLevelLabel": "High", "addressIncomingTransactionCount": "114",
    "addressOutgoingTransactionCount": None, "addressTotalTransactionCount": "114", "multiChainRequestUuid": "m",
    "screenedAt": "2026-09-15T09:22:50.745Z", "trmGraphVisualizerUrl": None,
}  # fmt: skip
TRANSFER = {
    "accountExternalId": "A1", "asset": "btc", "assetAmount": "0.100000000000000001", "chain": "bitcoin",
    "destinationAddress": "bc1q", "externalId": "exchange:deposit:D1", "fiatCurrency": "USD", "fiatValue": None,
    "onchainReference": "aa", "timestamp": "2026-01-01T10:00:00.000Z", "transferType": "CRYPTO_DEPOSIT",
    "accountUuid": "u", "alerts": None, "assetAddress": None, "counterparties": None, "riskScoreLevel": None,
    "riskScoreLevelLabel": None, "screenStatus": "PROCESSING", "screenStatusFailedReason": None,
    "sourceAddress": None, "submittedAt": "2026-01-01T11:00:00.000Z", "trmAppUrl": "https://trm.invalid", "uuid": "t1",
}  # fmt: skip
ALERT = {
    "closedAt": None, "closedJustification": None, "closedReason": None, "isValid": True,
    "issuedAt": "2026-01-01T12:00:00.000Z", "ownedByUserEmail": None, "riskScoreLevel": 10,
    "riskScoreLevelLabel": "High", "ruleUuid": "r", "status": "OPEN", "statusUpdatedAt": None,
    "statusUpdatedByUserEmail": None, "transferAccountExternalId": "A1", "transferExternalId": "exchange:deposit:D1",
    "transferUuid": "t1", "trmAppUrl": "https://trm.invalid", "updatedAt": None, "updatedByUserEmail": None,
    "uuid": "a1",
}  # fmt: skip


def read(answer: dict) -> object:
    return document(json.dumps(answer).encode())


def test_the_shape_of_2023_has_its_level_from_what_it_lists_and_no_time():
    row, exposures = parse.screening(read(SCREENING_2023))
    assert (row["risk_score_level_code"], row["screened_at"], row["unknown_members"]) == ("15", None, None)
    assert row["total_volume_usd"] == Decimal("123.45")
    assert [(e["element_code"], e["category_id"], e["risk_score_level_code"]) for e in exposures] == [
        ("risk_indicator", "69", "15"),
        ("entity", "66", "10"),
    ]
    assert exposures[0]["total_volume_usd"] == Decimal("1.000000000000000001")


def test_the_shape_of_2026_says_its_level_and_time_itself():
    row, _ = parse.screening(read(SCREENING_2026))
    assert (row["risk_score_level_code"], row["unknown_members"]) == ("10", None)
    assert row["screened_at"] == datetime(2026, 9, 15, 9, 22, 50, 745000)


def test_members_of_a_later_shape_are_kept_whole_and_named():
    later = SCREENING_2026 | {"addressMood": {"level": 0.1}}
    later["addressRiskIndicators"] = [INDICATOR_2023 | {"hue": 1}]
    row, _ = parse.screening(read(later))
    assert row["unknown_members"] == "addressRiskIndicators.hue, screening.addressMood"
    assert json.loads(row["answer_json"]) == later


def test_half_a_character_is_kept_escaped_in_the_answer_and_no_text():
    row = parse.alert(read(ALERT | {"closedJustification": "\ud83d"}))
    pa.Table.from_pylist([row], schema=TABLES["alerts"])
    assert json.loads(row["answer_json"])["closedJustification"] == "\ud83d"
    with pytest.raises(Unreadable, match="status holds a NUL or half a character"):
        parse.alert(read(ALERT | {"status": "OPEN\ud83d"}))


def test_a_processing_transfer_has_nulls_for_lists():
    row, counterparties = parse.transfer(read(TRANSFER))
    assert (row["screen_status_code"], row["asset_amount"], counterparties) == (
        "PROCESSING",
        Decimal("0.100000000000000001"),
        [],
    )


@pytest.mark.parametrize(
    ("reader", "whole"),
    [("screening", SCREENING_2023), ("transfer", TRANSFER), ("alert", ALERT)],
    ids=lambda v: str(v)[:9],
)
@given(data=st.data())
def test_any_change_of_a_member_is_read_or_said_to_be_unreadable(reader, whole, data):
    wrong = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()) | st.just({"a": 1})
    changed = {**whole, data.draw(st.sampled_from(sorted(whole))): data.draw(wrong)}
    try:
        read_row = getattr(parse, reader)(changed)
    except Unreadable as problem:
        assert str(problem)
        return
    row = read_row if isinstance(read_row, dict) else read_row[0]
    assert json.loads(row["answer_json"]) == changed
    table = {"screening": "address_screenings", "transfer": "transfers", "alert": "alerts"}[reader]
    pa.Table.from_pylist([row], schema=TABLES[table])
    if not isinstance(read_row, dict):
        pa.Table.from_pylist(read_row[1], schema=TABLES["exposures"])
