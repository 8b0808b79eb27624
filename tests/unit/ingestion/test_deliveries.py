"""Deliveries and manifests: what is accepted, and what each refusal tells its reader."""

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion import control_totals
from ingestion.deliveries import DeliveryError, deliveries, not_yet_loaded

PATTERNS = {"deposits.csv": "deposits", "deposits-*.csv": "deposits", "trades.csv": "trades"}


def put(folder: Path, name: str, content: str = "deposit_id\nd1\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    return folder / name


def manifest(folder: Path, *names: str, **changes) -> None:
    files = [
        {
            "name": name,
            "table": "deposits",
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            "rows": 1,
            "totals": [{"event_date": "2026-01-01", "asset_code": "BTC", "rows": 1, "amount": "1.5", "hash": 7}],
        }
        for name in names
    ]
    content = {"delivery_id": "D-1", "delivered_at": "2026-01-02T02:00:00Z", "business_date": "2026-01-01"}
    (folder / "_manifest.json").write_text(json.dumps({**content, "files": files, **changes}))


def test_an_unset_bucket_has_no_deliveries_and_a_wrong_one_is_an_error(tmp_path):
    assert deliveries(None, PATTERNS) == []
    with pytest.raises(DeliveryError, match="is not a folder: set bucket_url"):
        deliveries(str(tmp_path / "nowhere"), PATTERNS)
    with pytest.raises(DeliveryError, match="not a local folder"):
        deliveries("s3://bucket/landing", PATTERNS)


def test_a_manifest_says_when_the_delivery_became_known_and_what_it_holds(tmp_path):
    folder = tmp_path / "anything"
    path = put(folder, "deposits.csv")
    manifest(folder, "deposits.csv")
    (found,) = deliveries(tmp_path.as_uri(), PATTERNS)
    assert (found.delivery_id, found.known_at, found.business_date) == (
        "D-1",
        datetime(2026, 1, 2, 2),
        date(2026, 1, 1),
    )
    (file,) = found.files
    assert file.extract_id == f"anything/deposits.csv:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    (total,) = control_totals.from_manifest("exchange", found, file)
    assert (total["source_rows"], total["source_amount"], total["source_hash"]) == (1, Decimal("1.5"), Decimal(7))
    assert (total["captured_by"], total["source_uri"]) == ("manifest", "anything/deposits.csv")


def test_without_a_manifest_the_folder_name_says_it_and_never_the_file_time(tmp_path):
    put(tmp_path / "delivery=2026-01-01", "deposits-1.csv")
    put(tmp_path / "delivery=2026-01-01T1330", "deposits-1.csv")
    first, second = deliveries(str(tmp_path), PATTERNS)
    assert (first.known_at, first.business_date) == (datetime(2026, 1, 1, 13, 30), date(2026, 1, 1))
    assert (second.known_at, second.business_date) == (datetime(2026, 1, 2), date(2026, 1, 1))
    assert second.files[0].manifest_totals is None


@pytest.mark.parametrize("name", ["january", "delivery=2026-13-01", "delivery=2026-1-1"])
def test_a_folder_that_cannot_be_dated_is_an_error(tmp_path, name):
    put(tmp_path / name, "deposits.csv")
    with pytest.raises(DeliveryError, match="delivery=YYYY-MM-DD"):
        deliveries(str(tmp_path), PATTERNS)


def test_a_feed_may_date_its_folders_itself_and_then_take_loose_files(tmp_path):
    put(tmp_path, "deposits.csv")
    (found,) = deliveries(str(tmp_path), PATTERNS, known_at_from=lambda folder: datetime(2020, 5, 1))
    assert (found.known_at, found.business_date, found.files[0].uri) == (
        datetime(2020, 5, 1),
        date(2020, 5, 1),
        "deposits.csv",
    )
    with pytest.raises(DeliveryError, match="outside a delivery folder"):
        deliveries(str(tmp_path), PATTERNS)


def test_a_file_the_manifest_names_and_nobody_delivered(tmp_path):
    put(tmp_path / "d", "deposits.csv")
    manifest(tmp_path / "d", "deposits.csv")
    (tmp_path / "d" / "deposits.csv").unlink()
    with pytest.raises(DeliveryError, match=r"d/deposits.csv is named in _manifest.json and missing: deliver it"):
        deliveries(str(tmp_path), PATTERNS)


def test_a_file_the_manifest_does_not_name(tmp_path):
    put(tmp_path / "d", "deposits.csv")
    manifest(tmp_path / "d", "deposits.csv")
    put(tmp_path / "d", "trades.csv")
    with pytest.raises(DeliveryError, match=r"d/trades.csv is not named in _manifest.json: add it"):
        deliveries(str(tmp_path), PATTERNS)


def test_a_file_changed_after_its_manifest(tmp_path):
    put(tmp_path / "d", "deposits.csv")
    manifest(tmp_path / "d", "deposits.csv")
    put(tmp_path / "d", "deposits.csv", "deposit_id\nd2\n")
    with pytest.raises(
        DeliveryError, match=r"d/deposits.csv is not the file its manifest describes .*deliver the file"
    ):
        deliveries(str(tmp_path), PATTERNS)


def test_a_manifest_whose_totals_do_not_add_up(tmp_path):
    put(tmp_path / "d", "deposits.csv")
    manifest(tmp_path / "d", "deposits.csv")
    content = json.loads((tmp_path / "d" / "_manifest.json").read_text())
    content["files"][0]["rows"] = 2
    (tmp_path / "d" / "_manifest.json").write_text(json.dumps(content))
    with pytest.raises(DeliveryError, match="has 2 rows, but its totals add up to 1"):
        deliveries(str(tmp_path), PATTERNS)


def test_one_file_may_hold_the_records_of_several_tables(tmp_path):
    put(tmp_path / "d", "deposits.csv")
    manifest(tmp_path / "d", "deposits.csv")
    content = json.loads((tmp_path / "d" / "_manifest.json").read_text())
    content["files"][0]["totals"].append({"table": "trades", "event_date": None, "asset_code": "BTC", "rows": 3})
    (tmp_path / "d" / "_manifest.json").write_text(json.dumps(content))
    (found,) = deliveries(str(tmp_path), PATTERNS)
    (file,) = found.files
    totals = control_totals.from_manifest("exchange", found, file)
    assert [(t["table_name"], t["source_rows"], t["source_amount"]) for t in totals] == [
        ("deposits", 1, Decimal("1.5")),
        ("trades", 3, None),
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"delivered_at": "2026-01-02"}', '{"files": []}'])
def test_a_manifest_that_is_none(tmp_path, content):
    put(tmp_path / "d", "_manifest.json", content)
    with pytest.raises(DeliveryError, match="cannot be read as a manifest"):
        deliveries(str(tmp_path), PATTERNS)


def test_an_unknown_file_is_an_error_and_a_hidden_one_is_not_a_delivery(tmp_path):
    put(tmp_path / "delivery=2026-01-01", ".DS_Store")
    put(tmp_path / "delivery=2026-01-01", "_SUCCESS")
    assert deliveries(str(tmp_path), PATTERNS)[0].files == []
    put(tmp_path / "delivery=2026-01-01", "deposit.csv")
    with pytest.raises(DeliveryError, match="deposit.csv is none of the expected files"):
        deliveries(str(tmp_path), PATTERNS)


def test_a_window_is_half_open_in_business_dates(tmp_path):
    for day in (1, 2, 3):
        put(tmp_path / f"delivery=2026-01-0{day}", "deposits.csv")
    found = deliveries(str(tmp_path), PATTERNS, start=date(2026, 1, 2), end=date(2026, 1, 3))
    assert [delivery.business_date.day for delivery in found] == [2]


def test_only_extracts_not_loaded_yet_remain_and_a_changed_file_is_a_new_extract(tmp_path):
    put(tmp_path / "delivery=2026-01-01", "deposits.csv")
    found = deliveries(str(tmp_path), PATTERNS)
    completed = {found[0].files[0].extract_id}
    assert not_yet_loaded(found, completed) == []
    put(tmp_path / "delivery=2026-01-01", "deposits.csv", "deposit_id\nd2\n")
    assert len(not_yet_loaded(deliveries(str(tmp_path), PATTERNS), completed)) == 1
