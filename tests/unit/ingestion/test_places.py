"""When the record numbers of an extract that is read again still mean the same."""

from datetime import datetime

import pyarrow as pa
import pytest

from ingestion import places, rejects

FILE, TOPIC = "a.csv:1", "kafka:t/0:0-9"


def read(extract: str, rows: list[int], refused: list[int]) -> dict[str, pa.Table]:
    return {
        "events": pa.table({"_extract_id": pa.array([extract] * len(rows)), "_record_no": pa.array(rows, pa.int64())}),
        "rejects": pa.table({
            "extract_id": pa.array([extract] * len(refused), pa.string()),
            "table_name": pa.array(["events"] * len(refused), pa.string()),
            "record_no": pa.array(refused, pa.int64()),
        }),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("extract", "landed", "refused", "now", "still", "anew", "moved"),
    [
        (FILE, {1, 3}, {2}, [1, 2, 3], [], False, False),  # put right
        (FILE, {1, 3}, {2}, [1, 3], [2], False, False),  # not put right
        (FILE, {1, 3}, {2}, [1, 2, 3, 4], [], False, True),  # the refused record was two
        (FILE, {1, 3}, {2}, [1, 2], [], False, True),  # it is none any more, and the others moved up
        (FILE, set(), {1}, [1, 2, 3], [], True, False),  # nobody could count what was in the file
        (FILE, set(), {1}, [], [1, 2], False, False),  # and nothing of it can be used
        (TOPIC, {1, 3}, {2}, [2, 3], [], False, False),  # the topic dropped its first offset
    ],
)
def test_numbers_agree_or_the_extract_lands_anew_or_is_left_alone(extract, landed, refused, now, still, anew, moved):
    then = places.Held()
    then.numbers[extract, "events"] = landed | refused
    then.with_rows = {extract} if landed else set()
    found = places.other_than_then({extract}, then, read(extract, now, still))
    assert found == ({extract} if anew else set(), {extract} if moved else set())


def test_a_reject_of_an_extract_under_another_id_is_another_reject():
    row = rejects.row(
        feed_code="f", table_name="t", extract_id=FILE, record_no=1, reason_code="c", reason="r", raw_record="",
        first_seen_at=datetime(2026, 1, 1),
    )  # fmt: skip
    (table,) = places.renamed({"rejects": rejects.to_table([row])}, {FILE: "b"}).values()
    assert table["extract_id"].to_pylist() == table["_extract_id"].to_pylist() == ["b"]
    assert table["reject_id"].to_pylist() == [rejects.identity("f", "t", "b", 1)] != [row["reject_id"]]
