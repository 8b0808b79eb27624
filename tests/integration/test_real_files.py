"""The main job on files that nobody here wrote: every number of docs/guide/real-files.md, told from the run."""

import csv
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd
import pytest
import real_blocks
import yaml
from main_job import REPOSITORY, environment

pytestmark = pytest.mark.nightly
# Four need investigators' decisions, three a transfer in their period: the ledger ends a year before the newest list.
UNMEASURED = {
    "productive_alert_rate", "false_positive_ratio", "decided_within_sla_share", "sar_over_30_days_share",
    "alerts_per_1000_active_customers", "alerts_per_1m_transfers", "direct_exposure_share",
}  # fmt: skip


class RealRun(NamedTuple):
    """A finished run: its exit code, where it wrote, what `plumbline status --json` says of it, and its warehouse."""

    exit_code: int
    status: dict
    warehouse: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple]:
        return self.warehouse.execute(sql).fetchall()


@pytest.fixture(scope="module")
def real_run(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, status):
    """The run, on real files beside an empty checkout."""
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
    assert result.returncode in (0, 1), result.stdout + result.stderr
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        yield RealRun(result.returncode, status(home), warehouse)


def test_the_run_is_trusted_and_its_status_is_what_it_kept(real_run: RealRun):
    assert real_run.exit_code == 0
    status = real_run.status
    assert status["trusted"] is True
    assert (status["checks"]["failed"], status["checks"]["failed_names"]) == (0, [])
    assert status["run"]["target"] == "duckdb"


def test_it_reconciles(real_run: RealRun):
    feeds = {row["feed"]: row for row in real_run.status["feeds"]}
    exchange = feeds["exchange"]
    assert (exchange["source_rows"], exchange["rejected_rows"], exchange["monitored_rows"]) == (59_847, 1, 59_846)
    assert round(Decimal(str(exchange["source_usd"]))) == 250_760_185
    assert {name: row["unexplained_rows"] for name, row in feeds.items()} == dict.fromkeys(feeds, 0)
    scenarios = {row["scenario"]: row for row in real_run.status["scenarios"]}
    assert {name: (row["unexplained"], row["errored"]) for name, row in scenarios.items()} == dict.fromkeys(
        scenarios, (0, 0)
    )


def test_the_one_reject_of_the_ledger_names_its_reason(real_run: RealRun):
    ((reason,),) = real_run.rows("select reason from raw_exchange.rejects")
    assert "0.0012491460339192617" in reason and "decimal" in reason


def test_ofac_history_between_the_two_publications(real_run: RealRun):
    changes = real_run.rows(
        "select change_code, count(*) from marts.fct_watchlist_changes where list_code = 'ofac_sdn' group by 1"
    )
    assert dict(changes) == {"added": 1_858, "removed": 261, "changed": 836}
    mentions = real_run.rows(
        "select published_at, count(*) filter (not is_overflow), count(*) "
        "from raw_watchlists.digital_currency_addresses group by 1 order by 1"
    )
    # Sixteen more stand wholly or partly in the overflow file of the remarks.
    assert [counts for _, *counts in mentions] == [[2, 2], [81, 97]]
    assert real_run.rows("select asset_code from intermediate.int_sanctioned_addresses where not is_valid") == [
        ("ETH",)
    ]


def test_the_list_of_the_un(real_run: RealRun):
    entries = real_run.rows(
        "select entry_type, count(*) from raw_watchlists.entries where list_code = 'un_sc' group by 1 order by 1"
    )
    assert entries == [("entity", 273), ("individual", 730)]
    without_value = (
        "select count(*) from raw_watchlists.identifiers where list_code = 'un_sc' and coalesce(value, '') = ''"
    )
    assert real_run.rows(without_value) == [(21,)]


def test_attribution_is_what_the_packs_say(real_run: RealRun, shared_data: Path):
    """Counted from the YAML here: asset, kind and label of each tag; a pack's own words hold where a tag has none."""
    packs = sorted((shared_data / "attribution/tagpacks/packs").rglob("*.yaml"))
    said = []
    for path in packs:
        pack = yaml.load(path.read_text(), yaml.CSafeLoader)
        for tag in pack["tags"]:
            words = pack | tag
            kind = words.get("abuse") or words.get("category") or ""
            address, label = str(words["address"]).strip(), str(words["label"]).strip()
            said.append((path, address, words["currency"].upper(), kind, label))
    assert (len(packs), len(said), len(set(said))) == (74, 36_149, 36_143), "six tags stand in their pack twice"
    landed = real_run.rows("select count(*), count(distinct pack_uri) from raw_tagpacks.tags")
    assert (landed, real_run.rows("select count(*) from raw_tagpacks.rejects")) == ([(36_149, 74)], [(0,)])
    attributed = real_run.rows(
        "select asset_code, vendor_category_id, label, count(*) from intermediate.int_address_attributions group by all"
    )
    assert {(asset, kind, label): count for asset, kind, label, count in attributed} == Counter(
        tuple(words) for _, _, *words in set(said)
    )


def test_recorded_kyt_answers_reach_the_transfers(real_run: RealRun):
    screened = real_run.rows(
        "select s.transfer_id, s.screening_status_code, s.vendor_amount_usd, c.outcome_code, c.reason_code "
        "from intermediate.int_transfer_screenings s join scenarios.scn_tm28_direct_exposure c using (transfer_id) "
        "order by 1"
    )
    # The vendor finished the deposit, valued it, and found no direct exposure; the withdrawal was never answered.
    assert screened == [
        ("exchange:deposit:KYT-received", "screened", Decimal("141.94"), "below_threshold", "no_exposure"),
        ("exchange:withdrawal:KYT-sent", "pending", None, "not_evaluable", "screening_pending"),
    ]


def test_statements_and_those_that_do_not_balance(real_run: RealRun):
    assert real_run.rows("select count(*) from raw_bank.rejects") == [(0,)]
    files = (
        "select message_type_code, count(distinct _extract_id), count(*) from raw_bank.statements group by 1 order by 1"
    )
    assert real_run.rows(files) == [("camt.053", 6, 7), ("camt.054", 2, 2)]
    balanced = real_run.rows("select is_balanced, count(*) from raw_bank.statements group by 1 order by 1 nulls last")
    assert balanced == [(False, 5), (True, 2), (None, 2)]
    wrong = real_run.rows(
        "select distinct opening_balance_amount + entries_net_amount, closing_balance_amount "
        "from raw_bank.statements where not is_balanced"
    )
    assert wrong == [(Decimal("27.00"), Decimal("-27.00"))]
    assert "raw_bank/statements soda_failed_rows_every_statement_balances" in real_run.status["checks"]["warned_names"]


def test_blocks_are_the_rows_that_another_exporter_made_of_them(real_run: RealRun, shared_data: Path):
    def rows(table: str, where: str) -> list[dict]:
        relation = real_run.warehouse.table(f"raw_onchain.{table}").filter(where).order("_extract_id, _record_no")
        return relation.to_arrow_table().to_pylist()

    real_blocks.assert_as_expected(rows, shared_data)
    rejects = real_run.rows("select reason_code, reason, count(*) from raw_onchain.rejects group by all")
    advice = "the block was asked for without its transactions: ask with `true`"
    assert rejects == [("hash_only_transaction", advice, 3)]
    touching = "select count(*) from intermediate.int_chain_transfers where match_status_code <> 'out_of_scope'"
    assert real_run.rows(touching) == [(0,)]


def test_alerts_touch_planted_patterns(real_run: RealRun, shared_data: Path):
    alerts = real_run.rows("select scenario_id, evidence_transfer_ids from marts.fct_alerts")
    raised = {
        "TM07": 12, "TM08": 2, "TM09": 27, "TM10": 16, "TM12": 272, "TM13": 6, "TM15": 996, "TM18": 3, "TM20": 8,
        "TM23": 48,
    }  # fmt: skip
    assert Counter(scenario for scenario, _ in alerts) == raised
    assert {row["scenario"]: row["alerts"] for row in real_run.status["scenarios"] if row["alerts"]} == raised
    planted = pd.read_parquet(shared_data / "labelled/small/transactions.parquet").query("isSAR == 1")
    pattern_of = dict(zip("T" + planted["tx_seq"].astype(str), planted["patternID"], strict=True))
    with (shared_data / "labelled/small/truth_patterns.csv").open(newline="") as file:
        typology_of = {row["pattern_id"]: row["typology"] for row in csv.DictReader(file)}
    names = [[transfer.split(":")[-1] for transfer in ids.split(";")] for _, ids in alerts]
    found = [{pattern_of[name] for name in evidence if name in pattern_of} for evidence in names]
    touching = Counter(scenario for (scenario, _), patterns in zip(alerts, found, strict=True) if patterns)
    assert touching == {"TM09": 15, "TM10": 15, "TM13": 2, "TM15": 116, "TM18": 2, "TM20": 4, "TM23": 17}
    assert Counter(typology_of[str(pattern)] for pattern in set().union(*found)) == {
        "fan_in": 5, "fan_out": 4, "cycle": 5, "bipartite": 5, "stack": 4, "scatter_gather": 4, "gather_scatter": 3,
    }  # fmt: skip


def test_what_the_scenarios_have_to_see(real_run: RealRun):
    """The ledger is fiat and internal transfers: the chain scenarios exclude all but the two recorded by the vendor."""
    for model in ("scn_tm28_direct_exposure", "scn_tm45_address_screening"):
        rows = real_run.warehouse.table(f"scenarios.{model}").filter("reason_code not in ('not_crypto', 'trade')")
        looked_at = rows.project("transfer_id").distinct().order("transfer_id").fetchall()
        assert looked_at == [("exchange:deposit:KYT-received",), ("exchange:withdrawal:KYT-sent",)]
    unmeasured = {row["kri"] for row in real_run.status["kris"] if row["value"] is None}
    assert unmeasured == UNMEASURED
