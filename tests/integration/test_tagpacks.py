"""TagPacks through dlt into a real warehouse: lying packs, deliveries, and the real collection."""

from datetime import date, datetime
from pathlib import Path

import record_hashes

from ingestion import pipeline
from ingestion.tagpacks import tagpacks_source
from orchestration.soda import check_name, read_contracts, verify

REPOSITORY = Path(__file__).parents[2]
PACK = """title: A pack
creator: Someone
currency: BTC
label: shop
confidence: forensic
source: https://example.invalid
lastmod: 2026-01-{day:02d}
tags:
- address: 1abc
- address: 1def
"""


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def load(bucket: Path | None) -> object:
    return pipeline.run(tagpacks_source(bucket_url=str(bucket) if bucket else None), "tagpacks")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


UNEXPLAINED = """
    select _extract_id, sum(stated), sum(landed)
    from (
        select extract_id as _extract_id, source_rows as stated, 0 as landed from raw_tagpacks.control_totals
        union all select _extract_id, 0, 1 from raw_tagpacks.tags
        union all select extract_id, 0, 1 from raw_tagpacks.rejects
    )
    group by all having sum(stated) <> sum(landed)
"""


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_tagpacks":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


every_hash_agrees = record_hashes.agree_after_each_test("tagpacks")


def test_lying_packs_were_known_on_their_newest_change(home, tmp_path):
    put(tmp_path / "in/deep/a.yaml", PACK.format(day=5) + "- {address: 1new, lastmod: 2026-01-09}\n")
    put(tmp_path / "in/deep/b.yml", PACK.format(day=5).replace("lastmod: 2026-01-05\n", ""))
    put(tmp_path / "in/broken.yaml", PACK.format(day=5) + "  bad: 'never closed\n")
    put(tmp_path / "in/LICENSE", "text")
    load(tmp_path / "in")
    assert query("select pack_uri, _known_at, count(*) from raw_tagpacks.tags group by all order by all") == [
        ("deep/a.yaml", datetime(2026, 1, 9), 3),
        ("deep/b.yml", datetime(1970, 1, 1), 2),
    ]
    assert query("select reason_code, count(*) from raw_tagpacks.rejects group by all") == [("not_yaml", 2)]
    assert query(UNEXPLAINED) == []
    assert not load(tmp_path / "in").loads_ids
    put(tmp_path / "in/deep/b.yml", PACK.format(day=6))
    load(tmp_path / "in")
    assert query("select lastmod, _known_at, count(*) from raw_tagpacks.tags where pack_uri like '%b.yml' group by all "
                 "order by all") == [
        (date(2026, 1, 6), datetime(2026, 1, 6), 2),
        (None, datetime(1970, 1, 1), 2),
    ]  # fmt: skip


def test_without_a_bucket_and_with_deliveries(home, tmp_path):
    load(None)
    assert query("select count(*) from raw_tagpacks.tags") == [(0,)]
    put(tmp_path / "in/delivery=2026-02-01/a.yaml", PACK.format(day=5))
    load(tmp_path / "in")
    assert query("select distinct _known_at, pack_uri from raw_tagpacks.tags") == [
        (datetime(2026, 2, 2), "delivery=2026-02-01/a.yaml")
    ]


def test_the_real_collection_loads_whole(home, shared_data):
    packs = shared_data / "attribution/tagpacks/packs"
    load(packs)
    assert query("select count(*), count(distinct pack_uri) from raw_tagpacks.tags") == [
        (36_149, len(list(packs.rglob("*.yaml"))))
    ]
    assert query("select count(*) from raw_tagpacks.rejects") == [(0,)]
    assert query(UNEXPLAINED) == []
    several = "select count(*) from (select address from raw_tagpacks.tags group by address having count(*) > 1)"
    assert query(several)[0][0] > 0
    assert failed_checks() == {
        "Every tag says how sure it is and where it is from",
        "No pack says the same thing twice",
    }
