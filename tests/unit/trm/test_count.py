"""What TRM's answers are counted and hashed by, against what the parser makes of them."""

from decimal import Decimal

from ingestion.trm import count, parse

SCREENED = {
    "address": "0xAB",
    "addressSubmitted": "0xab",
    "chain": "ethereum",
    "addressIncomingVolumeUsd": "1",
    "addressOutgoingVolumeUsd": "1",
    "addressTotalVolumeUsd": "2",
    "addressRiskIndicators": [
        {"categoryId": 69, "categoryRiskScoreLevel": 15, "riskType": "OWNERSHIP", "totalVolumeUsd": Decimal("1.5")}
    ],
    "entities": [{"categoryId": "7", "entity": "An exchange", "riskScoreLevel": 1}],
}
TRANSFER = {
    "uuid": "u1",
    "externalId": "exchange:deposit:D1",
    "screenStatus": "SUCCEEDED",
    "riskScoreLevel": 5,
    "counterparties": [{"categoryId": 69, "category": "Sanctions", "displayName": "Somebody"}],
}


def keys(rows: list[dict]) -> list[str]:
    """As the warehouse makes them of raw (var record_keys)."""
    return [
        ":".join(row.get(name) or "" for name in ("subject_id", "element_code", "category_id", "entity_name"))
        for row in rows
    ]


def test_an_address_and_what_is_said_of_it_have_the_keys_of_their_rows():
    row, exposures = parse.screening(SCREENED)
    assert count.screening(SCREENED) == f"{row['chain_code']}:{row['address_submitted']}" == "ethereum:0xab"
    amounts = [exposure.get("total_volume_usd") for exposure in exposures]
    assert count.screening_exposures(SCREENED) == [*zip(keys(exposures), amounts, strict=True)] and len(exposures) == 2
    assert count.volume(SCREENED) == row["total_volume_usd"]


def test_a_transfer_and_its_counterparties_have_the_keys_of_their_rows():
    row, exposures = parse.transfer(TRANSFER)
    assert count.transfer(TRANSFER) == f"{row['ledger_transfer_id']}:{row['screen_status_code']}"
    assert count.transfer_exposures(TRANSFER) == keys(exposures) and len(exposures) == 1


def test_another_counterparty_in_the_place_of_one_is_another_key():
    other = TRANSFER | {"counterparties": [TRANSFER["counterparties"][0] | {"categoryId": 70}]}
    assert count.transfer_exposures(other) != count.transfer_exposures(TRANSFER)


def test_what_cannot_be_parsed_is_counted_all_the_same():
    assert count.screening("no object") == ":" and count.screening_exposures({"entities": [None]}) == [
        ("::entity::", None)
    ]
    assert count.transfer(None) == ":" and count.alert([]) == ":"
