"""The main job on files that nobody here wrote: it reconciles, and finds what is known to be in them."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from main_job import REPOSITORY, environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real_run(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> tuple[dict, duckdb.DuckDBPyConnection]:
    """The accounting of the run and its warehouse."""
    checkout = tmp_path_factory.mktemp("real") / "checkout"
    checkout.mkdir()
    (checkout.parent / "shared").mkdir()
    (checkout.parent / "shared/data").symlink_to(shared_data)
    home = checkout / ".plumbline-real"
    result = subprocess.run(
        [sys.executable, str(REPOSITORY / "examples/real_files/run.py")],
        env=environment(home),
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (kept,) = (home / "accounting").glob("*.json")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        yield json.loads(kept.read_text()), warehouse


def test_it_reconciles(real_run):
    accounting, _ = real_run
    feeds = {row["feed"]: row for row in accounting["feeds"]}
    assert feeds["exchange"]["source_rows"] == 59_847
    assert {name: row["unexplained_rows"] for name, row in feeds.items()} == dict.fromkeys(feeds, 0)
    assert {row["scenario"]: row["unexplained"] for row in accounting["scenarios"]} == {
        row["scenario"]: 0 for row in accounting["scenarios"]
    }


def test_ofac_history_between_the_two_publications(real_run):
    _, warehouse = real_run
    changes = warehouse.execute(
        "select change_code, count(*) from marts.fct_watchlist_changes where list_code = 'ofac_sdn' group by 1"
    ).fetchall()
    assert dict(changes) == {"added": 1_858, "removed": 261, "changed": 836}
    mentions = warehouse.execute(
        "select published_at, count(*) filter (not is_overflow), count(*) "
        "from raw_watchlists.digital_currency_addresses group by 1 order by 1"
    ).fetchall()
    # Sixteen more stand wholly or partly in the overflow file of the remarks.
    assert [counts for _, *counts in mentions] == [[2, 2], [81, 97]]


def test_recorded_kyt_answer_reaches_the_transfer(real_run):
    _, warehouse = real_run
    (row,) = warehouse.execute(
        "select s.screening_status_code, s.vendor_amount_usd, c.outcome_code "
        "from intermediate.int_transfer_screenings s join scenarios.scn_tm28_direct_exposure c using (transfer_id) "
        "where s.transfer_id = 'exchange:deposit:KYT-received'"
    ).fetchall()
    # The vendor finished, valued the transfer, and found no direct exposure.
    assert row == ("screened", Decimal("141.94"), "below_threshold")


def test_rejects_name_their_reason(real_run):
    _, warehouse = real_run
    (reason,) = warehouse.execute("select reason from raw_exchange.rejects").fetchone()
    assert "decimal" in reason
    assert warehouse.execute("select count(*) from raw_bank.rejects").fetchone() == (0,)
    counted = warehouse.execute("select count(*) from raw_bank.entries where message_type_code = 'camt.054'").fetchone()
    assert counted == (2,)


def test_alerts_touch_planted_patterns(real_run, shared_data: Path):
    import pandas as pd

    _, warehouse = real_run
    evidence = warehouse.execute("select evidence_transfer_ids from marts.fct_alerts").fetchall()
    planted = pd.read_parquet(shared_data / "labelled/small/transactions.parquet").query("isSAR == 1")
    planted = set("T" + planted["tx_seq"].astype(str))
    touching = [ids for (ids,) in evidence if planted & {part.split(":")[-1] for part in ids.split(";")}]
    assert len(evidence) >= 20 and len(touching) >= 10
