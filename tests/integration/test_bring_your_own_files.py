"""The guide to the file format is true: its examples load as they stand, and its tables are the declared ones."""

import json
import re
from pathlib import Path

import pytest

from ingestion import behaviour, cases, exchange, kyc, pipeline, prices
from ingestion.control_totals import record_hash
from ingestion.tabular import type_name

GUIDE = (Path(__file__).parents[2] / "docs/guide/bring-your-own-files.md").read_text(encoding="utf-8")
MODULES = (exchange, kyc, cases, prices, behaviour)
TABLES = [table for module in MODULES for table in module.TABLES]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_guide_lists_every_column_as_declared(table):
    section = re.search(rf"### `{table.name}`\n\n(.*?)(?=\n\n|\Z)", GUIDE, re.DOTALL).group(1)
    listed = [[cell.strip() for cell in line.split("|")[1:6]] for line in section.splitlines()[2:]]
    assert [(name, kind, needed) for name, kind, needed, _, _ in listed] == [
        (f"`{column.name}`", type_name(column.type), "yes" if column.required else "") for column in table.columns
    ]
    assert [tuple(re.findall("`(.+?)`", allowed)) for _, _, _, allowed, _ in listed] == [c.codes for c in table.columns]
    (totals,) = [row for row in re.findall(rf"^\| `{table.name}` \|(.*)\|$", GUIDE, re.MULTILINE) if "`" in row]
    assert [cell.strip().strip("`") for cell in totals.split("|")] == [
        table.event,
        table.asset or "",
        table.amount or "",
        ":".join(table.key),
    ]


def test_the_examples_load_without_a_reject(home, tmp_path):
    examples = re.findall(r"`(\w+/delivery=[\d-]+/\w+\.csv)`\n\n\s*```csv\n(.*?)```", GUIDE, re.DOTALL)
    assert len(examples) == 5
    for name, content in examples:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line.strip()}\n" for line in content.splitlines() if line.strip()))
    for module in (exchange, kyc, prices):
        source = getattr(module, f"{module.FEED}_source")(bucket_url=str(tmp_path / module.FEED))
        pipeline.run(source, module.FEED)
    with pipeline.warehouse() as connection:
        counts = {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]  # noqa: S608 (names above)
            for name in ("raw_exchange.deposits", "raw_exchange.withdrawals", "raw_kyc.parties", "raw_prices.rates")
        }
        rejected = sum(
            connection.execute(f"select count(*) from raw_{feed}.rejects").fetchone()[0]  # noqa: S608 (names here)
            for feed in ("exchange", "kyc", "prices")
        )
        deposits = connection.execute("select deposit_id, asset_code, amount from raw_exchange.deposits").fetchall()
    assert (counts, rejected) == (
        {
            "raw_exchange.deposits": 2,
            "raw_exchange.withdrawals": 1,
            "raw_kyc.parties": 2,
            "raw_prices.rates": 2,
        },
        0,
    )
    manifest = json.loads(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL).group(1))
    assert {total["asset_code"]: int(total["hash"]) for total in manifest["files"][0]["totals"]} == {
        asset: record_hash(key, amount) for key, asset, amount in deposits
    }
