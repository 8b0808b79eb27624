"""Nodes and explorers over real HTTP: the same rows as from the export, once, and corrected when the chain is."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import record_hashes

from ingestion import pipeline
from ingestion.exchange import exchange_source
from ingestion.onchain import onchain_source
from ingestion.onchain.parse import TABLES
from ingestion.vendor import VendorError, VendorUnavailable
from orchestration.soda import check_name, read_contracts, verify
from sandbox.vendor.bitcoin_rpc import BITCOIN_RPC_PATH, PASSWORD, USER, BitcoinRpc
from sandbox.vendor.blockscout import BLOCKSCOUT_PATH, Blockscout
from sandbox.vendor.esplora import ESPLORA_PATH, Esplora
from sandbox.vendor.ethereum_rpc import ETHEREUM_RPC_PATH, EthereumRpc
from sandbox.vendor.etherscan import ETHERSCAN_PATH, KEY, Etherscan
from sandbox.vendor.server import in_thread
from sandbox.world import generate

REPOSITORY = Path(__file__).parents[2]
EVERYTHING = "true"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate(folder, customers=15, days=4, seed=5, start=date(2026, 1, 1), progress=lambda stage: None)
    return folder


def load(**settings):
    with pipeline.warehouse():  # open, as in a run
        return pipeline.run(onchain_source(**settings), "onchain")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def unexplained() -> list[tuple]:
    landed = " union all ".join(
        f"select '{table}', _extract_id, cast(block_timestamp as date), 0, 1 from raw_onchain.{table}"  # noqa: S608 (names of this test)
        for table in TABLES
    )
    return query(f"""
        select name, extract_id, day, sum(stated), sum(landed)
        from (
            select table_name as name, extract_id, event_date as day, source_rows as stated, 0 as landed
            from raw_onchain.control_totals
            union all {landed}
            union all select table_name, extract_id, event_date, 0, 1 from raw_onchain.rejects
        )
        group by all having sum(stated) <> sum(landed)
    """)  # noqa: S608 (names of this test)


def amounts_agree() -> bool:
    """The source's own sum against what landed, for the tables with an amount."""
    for table, unit in (("ethereum_transactions", 18), ("bitcoin_inputs", 8), ("bitcoin_outputs", 8)):
        ((units,),) = query(f"select coalesce(sum(cast(value as hugeint)), 0) from raw_onchain.{table}")  # noqa: S608 (names of this test)
        stated = query(f"select source_amount from raw_onchain.control_totals where table_name = '{table}'")  # noqa: S608 (names of this test)
        if sum((Decimal(amount or 0).scaleb(unit) for (amount,) in stated), Decimal(0)) != units:
            return False
    return True


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_onchain":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


def contents(table: str, columns: str, where: str) -> list[tuple]:
    return query(f"select distinct {columns} from raw_onchain.{table} where {where} order by all")  # noqa: S608 (names of this test)


TRANSACTION = (
    "hash, block_number, transaction_index, from_address, to_address, value, gas, input, block_timestamp, nonce"
)
TRANSFER = "transaction_hash, log_index, token_address, from_address, to_address, value, block_number, block_timestamp"
OUTPUT = "transaction_hash, index, address, value, block_number, block_hash, block_timestamp, is_coinbase"
INPUT = f"{OUTPUT}, spent_transaction_hash, spent_output_index"


def busy(node) -> list:
    """The blocks of the chain that hold something."""
    return list(node.chain.blocks())


def densest(blocks: list, count: int) -> list:
    """So many neighbours of the blocks as lie closest together."""
    starts = range(len(blocks) - count)
    start = min(starts, key=lambda at: blocks[at + count - 1].number - blocks[at].number)
    return blocks[start : start + count]


every_hash_agrees = record_hashes.agree_after_each_test("onchain")


@pytest.mark.parametrize("without", [frozenset(), frozenset({"eth_getBlockReceipts"})])
def test_an_ethereum_node_gives_the_rows_of_the_export(home_with_export, world, without):
    node = EthereumRpc(world, token="t0k", without=without)
    some = densest(busy(node), 6)
    start, node.chain.head = some[0].number, some[-1].number
    inside = f"block_number between {start} and {node.chain.head}"
    wanted = [
        contents("ethereum_transactions", TRANSACTION, inside),
        contents("ethereum_token_transfers", TRANSFER, inside),
    ]
    with in_thread(node) as url:
        settings = {
            "ethereum_rpc_url": url + ETHEREUM_RPC_PATH,
            "ethereum_rpc_token": "t0k",
            "ethereum_start_block": start,
        }
        load(**settings)
        live = f"{inside} and transport_code = 'ethereum_rpc'"
        got = [
            contents("ethereum_transactions", TRANSACTION, live),
            contents("ethereum_token_transfers", TRANSFER, live),
        ]
        assert got == wanted and all(len(rows) > 1 for rows in got)
        assert not load(**settings).loads_ids
        node.chain.head += 5
        assert load(**settings).loads_ids
    assert unexplained() == [] and amounts_agree()
    assert (
        contents("blocks", "count(*), max(number) - min(number) + 1", EVERYTHING)[0][0] == node.chain.head - start + 1
    )
    assert contents("ethereum_transactions", "receipt_status", live) == ([(None,)] if without else [(1,)])
    assert failed_checks() <= {"Nothing was mined after it became known"}


def test_a_bitcoin_node_gives_the_rows_of_the_export(home_with_export, world):
    node = BitcoinRpc(world)
    wanted = [contents("bitcoin_outputs", OUTPUT, EVERYTHING), contents("bitcoin_inputs", INPUT, EVERYTHING)]
    with in_thread(node) as url:
        settings = {
            "bitcoin_rpc_url": url + BITCOIN_RPC_PATH,
            "bitcoin_rpc_user": USER,
            "bitcoin_rpc_password": PASSWORD,
        }
        load(**settings, bitcoin_start_block=node.chain.first)
        live = "transport_code = 'bitcoin_rpc'"
        assert [contents("bitcoin_outputs", OUTPUT, live), contents("bitcoin_inputs", INPUT, live)] == wanted
        assert not load(**settings).loads_ids
        with pytest.raises(VendorError, match="credentials") as refused:
            load(**(settings | {"bitcoin_rpc_password": "wrong"}))
    assert "wrong" not in str(refused.value)
    assert unexplained() == [] and amounts_agree()


def test_an_old_bitcoin_node_does_not_say_what_is_spent(home, world):
    node = BitcoinRpc(world, with_prevouts=False)
    with in_thread(node) as url:
        load(bitcoin_rpc_url=url + BITCOIN_RPC_PATH, bitcoin_rpc_user=USER, bitcoin_rpc_password=PASSWORD,
             bitcoin_start_block=busy(node)[-5].number)  # fmt: skip
    assert contents("bitcoin_inputs", "address, value", EVERYTHING) == [(None, None)]
    assert unexplained() == []


def test_a_replaced_block_is_read_again_and_the_old_one_kept(home, world):
    node = EthereumRpc(world)
    gone, again, target = densest([block for block in busy(node) if block.transfers], 3)
    node.chain.head = target.number
    lost, moved = gone.transfers[0]["transaction_hash"], again.transfers[0]["transaction_hash"]
    with in_thread(node) as url:
        settings = {"ethereum_rpc_url": url + ETHEREUM_RPC_PATH, "ethereum_start_block": gone.number - 3}
        load(**settings)
        before = query("select number, hash from raw_onchain.blocks order by 1")
        node.chain.reorganise(gone.number, {lost: None, moved: target.number})
        load(**settings)
        assert not load(**settings).loads_ids
    newest = query("""
        select number, hash from raw_onchain.blocks
        qualify row_number() over (partition by number order by _known_at desc) = 1 order by 1
    """)
    assert newest == [(number, node.chain.hash(number)) for number, _ in before]
    assert [row for row in newest if row not in before] == [row for row in newest if row[0] >= gone.number]
    assert set(before) <= set(query("select number, hash from raw_onchain.blocks"))
    versions = query(
        "select block_number, block_hash from raw_onchain.ethereum_transactions "  # noqa: S608 (names of this test)
        f"where hash = '{moved}' order by _known_at"  # noqa: RUF100, S608
    )
    assert [number for number, _ in versions] == [again.number, target.number]
    assert query(f"select count(*) from raw_onchain.ethereum_transactions where hash = '{lost}'") == [(1,)]  # noqa: S608 (a hash of the world)
    assert unexplained() == [] and failed_checks() <= {"Nothing was mined after it became known"}


def test_a_chain_that_changes_while_it_is_read_is_not_loaded(home, world):
    node = EthereumRpc(world)
    honest = node._call
    node.chain.head = node.chain.first + 40

    def unsteady(method, parameters):
        if method == "eth_getBlockReceipts":
            node.chain.reorganise(node.chain.head - 5, {})
        return honest(method, parameters)

    node._call = unsteady
    with in_thread(node) as url, pytest.raises(VendorUnavailable, match="next run"):
        load(ethereum_rpc_url=url + ETHEREUM_RPC_PATH, ethereum_start_block=node.chain.first)


def test_a_failed_transaction_says_so(home, world):
    node = EthereumRpc(world)
    block = busy(node)[-1]
    node.failed.add(block.transactions[0]["hash"])
    with in_thread(node) as url:
        load(ethereum_rpc_url=url + ETHEREUM_RPC_PATH)
    found = dict(query("select hash, receipt_status from raw_onchain.ethereum_transactions"))
    assert found[block.transactions[0]["hash"]] == 0 and len(found) == len(block.transactions)


@pytest.fixture(scope="module")
def loaded(world, tmp_path_factory) -> Path:
    """A data directory with the ledger and the chains' export."""
    folder = tmp_path_factory.mktemp("loaded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(folder))
        pipeline.run(exchange_source(bucket_url=str(world / "landing/exchange")), "exchange")
        load(bucket_url=str(world / "landing/onchain"))
    return folder


@pytest.fixture
def home_with_export(home, loaded) -> Path:
    return Path(shutil.copytree(loaded, home))


OWN = "select lower(address) from raw_exchange.addresses where chain_code = '{}'"
ETHEREUM_OWN = f"(from_address in ({OWN.format('ethereum')}) or to_address in ({OWN.format('ethereum')}))"
BITCOIN_OWN = """transaction_hash in (
    select transaction_hash from (
        select transaction_hash, address from raw_onchain.bitcoin_outputs
        union all select transaction_hash, address from raw_onchain.bitcoin_inputs
    ) where address in (select address from raw_exchange.addresses where chain_code = 'bitcoin'))"""


def test_esplora_gives_the_transactions_of_the_own_addresses(home_with_export, world, monkeypatch):
    monkeypatch.setattr("sandbox.vendor.esplora.PAGE", 3)
    wanted = [contents("bitcoin_outputs", f"{OUTPUT}", BITCOIN_OWN), contents("bitcoin_inputs", INPUT, BITCOIN_OWN)]
    server = Esplora(world)
    with in_thread(server) as url:
        server.chain.head = busy(server)[-20].number
        load(esplora_url=url + ESPLORA_PATH)
        server.chain.head = busy(BitcoinRpc(world))[-1].number
        load(esplora_url=url + ESPLORA_PATH)
        assert not load(esplora_url=url + ESPLORA_PATH).loads_ids
    live = "transport_code = 'esplora'"
    assert [contents("bitcoin_outputs", OUTPUT, live), contents("bitcoin_inputs", INPUT, live)] == wanted
    assert len(wanted[0]) > 30 and unexplained() == []
    pages = "select count(distinct transaction_hash) from raw_onchain.bitcoin_outputs where {} group by _extract_id"
    assert max(query(pages.format(live)))[0] > 3
    assert failed_checks() <= {"Nothing was mined after it became known"}


def test_etherscan_gives_the_transfers_of_the_own_addresses(home_with_export, world, monkeypatch):
    window = 7
    monkeypatch.setattr("ingestion.onchain.etherscan.ETHERSCAN_WINDOW", window)
    called = f"hash in (select hash from raw_onchain.ethereum_transactions where {ETHEREUM_OWN})"  # noqa: S608 (names of this test)
    wanted = contents("ethereum_transactions", TRANSACTION, called)
    transfers = (
        f"transaction_hash in (select transaction_hash from raw_onchain.ethereum_token_transfers where {ETHEREUM_OWN})"  # noqa: S608 (names of this test)
    )
    wanted_transfers = contents("ethereum_token_transfers", TRANSFER, transfers)
    server = Etherscan(world, window=window, limit_every=25)
    with in_thread(server) as url:
        settings = {"etherscan_url": url + ETHERSCAN_PATH, "etherscan_key": KEY}
        load(**settings)
        live = "transport_code = 'etherscan'"
        assert contents("ethereum_transactions", TRANSACTION, live) == wanted
        assert contents("ethereum_token_transfers", TRANSFER, live) == wanted_transfers
        assert not load(**settings).loads_ids
        with pytest.raises(VendorError, match="Invalid API Key") as refused:
            load(**(settings | {"etherscan_key": "wrong-key"}))
    assert "wrong-key" not in str(refused.value)
    assert len(wanted) > 20 and len(wanted_transfers) > 5 and unexplained() == []


def test_blockscout_gives_the_transfers_of_the_own_addresses(home_with_export, world):
    wanted = contents("ethereum_transactions", TRANSACTION, ETHEREUM_OWN)
    wanted_transfers = contents("ethereum_token_transfers", TRANSFER, ETHEREUM_OWN)
    server = Blockscout(world, page=4)
    with in_thread(server) as url:
        server.chain.head = busy(server)[-40].number
        load(blockscout_url=url + BLOCKSCOUT_PATH)
        server.chain.head = busy(EthereumRpc(world))[-1].number
        load(blockscout_url=url + BLOCKSCOUT_PATH)
        assert not load(blockscout_url=url + BLOCKSCOUT_PATH).loads_ids
    live = "transport_code = 'blockscout'"
    assert contents("ethereum_transactions", TRANSACTION, live) == wanted
    assert contents("ethereum_token_transfers", TRANSFER, live) == wanted_transfers
    assert unexplained() == [] and amounts_agree()


def _explorer(world: Path, name: str) -> tuple:
    """Server, settings below a URL, table, and how its transactions and their blocks' chain are named."""
    if name == "esplora":
        return Esplora(world), lambda url: {"esplora_url": url + ESPLORA_PATH}, "bitcoin_outputs"
    if name == "etherscan":
        return (
            Etherscan(world),
            lambda url: {"etherscan_url": url + ETHERSCAN_PATH, "etherscan_key": KEY},
            "ethereum_token_transfers",
        )
    return Blockscout(world), lambda url: {"blockscout_url": url + BLOCKSCOUT_PATH}, "ethereum_token_transfers"


@pytest.mark.parametrize("name", ["esplora", "etherscan", "blockscout"])
def test_a_transaction_that_an_explorer_no_longer_lists_loses_its_block(home_with_export, world, name):
    server, settings, table = _explorer(world, name)
    with in_thread(server) as url:
        load(**settings(url))
        lost, number, old = query(
            f"select transaction_hash, block_number, block_hash from raw_onchain.{table} "  # noqa: S608 (names of this test)
            f"where transport_code = '{name}' order by block_number desc, 1 limit 1"  # noqa: RUF100, S608
        )[0]
        server.chain.reorganise(number, {lost: None})
        load(**settings(url))
        newest = query(f"""
            select hash, _known_at > (
                select max(_known_at) from raw_onchain.{table}
                where transaction_hash = '{lost}' and transport_code = '{name}'
            )
            from raw_onchain.blocks where number = {number} and transport_code = '{name}'
            order by _known_at desc limit 1
        """)  # noqa: S608 (names of this test)
        assert newest == [(server.chain.hash(number), True)] and newest[0][0] != old
        assert not load(**settings(url)).loads_ids
    assert unexplained() == [] and failed_checks() <= {"Nothing was mined after it became known"}


def test_a_list_whose_last_transaction_falls_out_of_the_chain_is_read_again(home_with_export, world, monkeypatch):
    monkeypatch.setattr("sandbox.vendor.esplora.PAGE", 3)
    pages: list[str] = []
    honest = Esplora.__call__

    class Reorganising(Esplora):
        async def __call__(self, request, path="", query=""):
            last = request.path.rpartition("/chain/")[2] if "/chain/" in request.path else ""
            if last and not pages:
                pages.append(last)
                self.chain.reorganise(self.chain.find(last).number, {last: None})
            return await honest(self, request, path, query)

    with in_thread(Reorganising(world)) as url:
        load(esplora_url=url + ESPLORA_PATH)
    live = "transport_code = 'esplora'"
    found = {row[0] for row in contents("bitcoin_outputs", "transaction_hash", live)}
    wanted = {row[0] for row in contents("bitcoin_outputs", "transaction_hash", BITCOIN_OWN)}
    assert pages and found == wanted - set(pages)


def test_a_transport_that_is_down_is_unavailable(home, world, monkeypatch):
    monkeypatch.setattr("ingestion.vendor.FIRST_DELAY", 0.001)
    monkeypatch.setattr("ingestion.vendor.LONGEST_DELAY", 0.001)
    with pytest.raises(VendorUnavailable):
        load(ethereum_rpc_url="http://127.0.0.1:1/x")
