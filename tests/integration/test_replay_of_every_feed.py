"""Whatever feed a reject is of: once the code that refused it is put right, a replay brings its record in, once.

Each case loads a little of one kind of source while one record of it is refused, puts that right and replays. The
refusal stands between records that are fine, so that a record which took another's place would show.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from aiohttp import web
from confluent_kafka import Producer

from ingestion import pipeline, replay, validation
from ingestion.bank import entry as camt_entry
from ingestion.bank import mt940, nacha
from ingestion.bank.message import UnusableFile, UnusableRecord
from ingestion.behaviour import behaviour_source
from ingestion.cases import marble, unit21
from ingestion.cases.wire import Unusable as UnusableCase
from ingestion.chainalysis import addresses, attempts
from ingestion.chainalysis import parse as kyt
from ingestion.elliptic import parse as elliptic
from ingestion.kyc import onfido, persona, sumsub, webhooks
from ingestion.kyc.records import Unusable as UnusableIdentity
from ingestion.onchain import parse as onchain
from ingestion.onchain import rpc
from ingestion.travel_rule import parse as travel_rule
from sandbox import kafka as sandbox_kafka
from sandbox import vendor
from sandbox.vendor import in_thread, sample

camt, tagpacks = import_module("ingestion.bank.parse"), import_module("ingestion.tagpacks.parse")
DAY = "delivery=2026-01-01"
ADDRESS, HASH = "0x" + "ab" * 20, "0x" + "cd" * 32
TRANSFER = rpc.TRANSFER


@dataclass
class Case:
    """`settings` are those of the feed's source. `refuse` makes the code refuse some of it, and is taken back before
    the replay. `brings`: how many records come in by table; `rejects`: how many rejects there are before, where that
    differs; `beside`: what else lands with them."""

    feed: str
    settings: dict[str, Any]
    refuse: Callable[[pytest.MonkeyPatch], None]
    brings: dict[str, int]
    rejects: int = 0
    beside: dict[str, int] = field(default_factory=dict)


def refusing(module: ModuleType, name: str, problem: Exception, is_bad: Callable[..., bool] = lambda *_: True):
    """Makes a function of the code refuse what `is_bad`."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        right = getattr(module, name)

        def refused(*given: Any, **named: Any) -> Any:
            if is_bad(*given):
                raise problem
            return right(*given, **named)

        patch.setattr(module, name, refused)

    return apply


def unknown(column: str, code: str):
    """Makes the rules of canonical tables refuse a code in a column."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        right = validation._check

        def check(declared, stored, values, verdict):
            right(declared, stored, values, verdict)
            if declared.name == column:
                wrong = pc.fill_null(pc.equal(values, code), False)
                verdict.add(column, wrong, "unknown_code", "{0!r} is not known".format, stored)

        patch.setattr(validation, "_check", check)

    return apply


def narrow(table: str, column: str, pattern: str):
    """Makes the rules of an on-chain table refuse what a pattern does not match in a column."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        columns = onchain.TABLES[table]
        kinds = {c.name: dataclasses.replace(c.kind, pattern=pattern) if c.name == column else c.kind for c in columns}
        patch.setitem(onchain.TABLES, table, tuple(dataclasses.replace(c, kind=kinds[c.name]) for c in columns))

    return apply


def files(folder: Path, **contents: str | bytes) -> str:
    """A delivery of these files (`a__b` is a.b); gives its bucket."""
    place = folder / "bucket" / DAY
    place.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (place / name.replace("__", ".")).write_bytes(raw)
    return str(folder / "bucket")


class Answers:
    """A vendor that answers by path, whatever else it is asked; a page behind the first is empty."""

    def __init__(self, by_path: dict[str, Any] | Callable[[str, Any], Any]) -> None:
        self.by_path = by_path

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        path = unquote(request.path)
        given = self.by_path(path, json.loads(body or b"null")) if callable(self.by_path) else self.by_path.get(path)
        if request.query.get("page", "1") != "1" and isinstance(given, dict):
            given = {name: [] for name in given}
        return web.json_response(given, status=404 if given is None else 200)


def serve(case: ExitStack, answers: Any) -> str:
    return case.enter_context(in_thread(Answers(answers)))


def ledger(home: Path, rows: list[dict]) -> None:
    """A warehouse whose exchange ledger holds these movements."""
    home.mkdir(parents=True, exist_ok=True)
    common = {"rail_code": "crypto", "status_code": "completed", "from_address": "", "_known_at": datetime(2026, 2, 1)}
    common |= {"_extract_id": "x", "_record_no": 1, "_dlt_load_id": "done"}
    with pipeline.warehouse() as connection:
        connection.register("given", pa.Table.from_pylist([common | row for row in rows]))
        connection.execute(
            """
            create schema raw_exchange;
            create table raw_exchange._dlt_loads as select 'done' as load_id, 0 as status;
            create table raw_exchange.deposits as
                select id as deposit_id, * exclude (kind, id) from given where kind = 'deposit';
            create table raw_exchange.withdrawals as
                select id as withdrawal_id, * exclude (kind, id) from given where kind = 'withdrawal';
            """
        ).fetchall()


def own_address(home: Path, chain: str, address: str) -> None:
    """A warehouse whose exchange ledger names this address as the exchange's own."""
    home.mkdir(parents=True, exist_ok=True)
    with pipeline.warehouse() as connection:
        connection.execute(
            """
            create schema if not exists raw_exchange;
            create table if not exists raw_exchange._dlt_loads as select 'done' as load_id, 0 as status;
            create table if not exists raw_exchange.control_totals as
                select 'x' as extract_id, 'done' as _dlt_load_id, timestamp '2026-01-01' as known_at;
            create table if not exists raw_exchange.rejects as select null::timestamp as replayed_at where false;
            create table if not exists raw_exchange.addresses (chain_code text, address text, _dlt_load_id text);
            """
        )
        connection.execute("insert into raw_exchange.addresses values (?, ?, 'done')", [chain, address])


# Files


def prices(folder: Path, case: ExitStack) -> Case:
    head = "asset_code,rate_date,rate_usd,source\n"
    bucket = files(folder, rates__csv=head + "".join(f"{a},2026-01-01,1,x\n" for a in ("BTC", "NEWCOIN", "ETH")))
    return Case("prices", {"bucket_url": bucket}, unknown("asset_code", "NEWCOIN"), {"rates": 1})


EVENT = {
    "event_type_code": "login", "outcome_code": "success", "account_id": "a1", "device_id": "d1",
    "ip_address": "198.18.0.1", "country_code": "DE", "event_at": "2026-01-01T10:00:00Z",
}  # fmt: skip
EVENTS = [EVENT | {"event_id": f"e{n}", "country_code": "XK" if n == 2 else "DE"} for n in range(1, 5)]


def behaviour_files(folder: Path, case: ExitStack) -> Case:
    columns = ("event_id", *EVENT, "party_id", "user_agent_hash", "payload_json")
    lines = [",".join(event.get(name, "") for name in columns) for event in EVENTS]
    bucket = files(folder, events__csv="\n".join([",".join(columns), *lines, ""]))
    return Case("behaviour", {"bucket_url": bucket}, unknown("country_code", "XK"), {"events": 1})


def behaviour_kafka(folder: Path, case: ExitStack) -> Case:
    servers = case.enter_context(sandbox_kafka.broker())
    producer = Producer({"bootstrap.servers": servers, "log_level": 2})
    for number, event in enumerate(EVENTS):
        producer.produce("behaviour", json.dumps(event).encode(), partition=0, timestamp=1_767_225_600_000 + number)
    assert producer.flush(30) == 0
    settings = dict(bootstrap_servers=servers)
    return Case("behaviour", settings, unknown("country_code", "XK"), {"events": 1})


def tags(folder: Path, case: ExitStack) -> Case:
    pack = "title: t\ncreator: c\ncurrency: BTC\nsource: s\ntags:\n" + "".join(
        f"  - address: a{n}\n    label: l{n}\n" for n in range(1, 4)
    )
    bucket = files(folder, pack__yaml=pack)
    bad = tagpacks._UnusableTag("strange", "no")
    refuse = refusing(tagpacks, "_row", bad, lambda fields, _: fields["address"] == "a2")
    return Case("tagpacks", {"bucket_url": bucket}, refuse, {"tags": 1})


def _message(number: int) -> dict:
    person = {"naturalPerson": {"name": {"nameIdentifier": [
        {"primaryIdentifier": f"N{number}", "nameIdentifierType": "LEGL"}]}}}  # fmt: skip
    return {
        "messageId": f"m{number}", "direction": "incoming", "status": "ACK", "createdAt": "2026-01-01T10:00:00Z",
        "ivms101": {"originator": {"originatorPersons": [person]}, "beneficiary": {}},
    }  # fmt: skip


def travel_rule_messages(folder: Path, case: ExitStack) -> Case:
    lines = "".join(json.dumps(_message(number)) + "\n" for number in range(1, 4))
    bucket = files(folder, messages__jsonl=lines)
    bad = travel_rule.Unusable("strange", "no")
    refuse = refusing(travel_rule, "_message", bad, lambda message, _: message.messageid == "m2")
    brings = {"messages": 1, "persons": 1}
    return Case("travel_rule", {"bucket_url": bucket}, refuse, brings)


def _camt(name: str) -> str:
    def entry(amount: str, status: str = "BOOK", *details: str) -> str:
        inner = "".join(
            f'<TxDtls><Amt Ccy="EUR">{share}</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>' for share in details
        )
        return (
            f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>{status}</Sts>'
            f"<BookgDt><Dt>2026-01-05</Dt></BookgDt><NtryDtls>{inner}</NtryDtls></Ntry>"
        )

    entries = entry("1.00") + entry("5.00", "INFO", "2.00", "3.00") + entry("4.00")
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr>'
        f"<MsgId>{name}</MsgId><CreDtTm>2026-01-05T20:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id><Acct><Id><IBAN>DE02</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"
    )


def bank_camt(folder: Path, case: ExitStack) -> Case:
    """An entry of two payments keeps two places while it is refused."""
    bucket = files(folder, statement__xml=_camt("M"))

    def refuse(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(camt_entry, "STATUSES", ("BOOK",))

    return Case("bank", {"bucket_url": bucket}, refuse, {"entries": 2})


def bank_camt_whole(folder: Path, case: ExitStack) -> Case:
    bucket = files(folder, whole__xml=_camt("W"))
    refuse = refusing(camt, "read", UnusableFile("not_camt", "no"), lambda raw: b"<MsgId>W" in raw)
    return Case("bank", {"bucket_url": bucket}, refuse, {"entries": 4, "statements": 1})


def bank_mt940(folder: Path, case: ExitStack) -> Case:
    lines = [f":61:2601050105C{n},00NTRFREF{n}//B{n}" for n in (1, 2, 3)]
    text = "\n".join([":20:REF", ":25:DE02/EUR", ":28C:5/1", ":60F:C260104EUR0,", *lines, ":62F:C260105EUR6,", "-", ""])
    bucket = files(folder, statement__sta=text)
    bad = UnusableRecord("strange", "no")
    refuse = refusing(mt940, "_payment", bad, lambda line, _: "REF2" in line)
    return Case("bank", {"bucket_url": bucket}, refuse, {"entries": 1})


def bank_nacha(folder: Path, case: ExitStack) -> Case:
    rdfi = "07640125"
    details = [
        f"622{rdfi}1{'123456'.ljust(17)}{n * 100:010}{'ID-1'.ljust(15)}{'JANE DOE'.ljust(22)}  0{rdfi}{n:07}"
        for n in (1, 2, 3)
    ]
    sums = f"{sum(3 * [int(rdfi)]):010}{0:012}{600:012}"
    head = "101 076401251 0764012512601051830A094101" + "FEDERAL RESERVE".ljust(23) + "EXCHANGE".ljust(23) + " " * 8
    batch = f"5200{'EXCHANGE'.ljust(16)}{' ' * 20}1234567890PPD{'DEPOSIT'.ljust(10)}      2601060071{rdfi}{1:07}"
    end = f"8200{3:06}{sums}1234567890{' ' * 25}{rdfi}{1:07}"
    lines = [head, batch, *details, end, f"9{1:06}{1:06}{3:08}{sums}{' ' * 39}", *["9" * 94] * 3]
    bucket = files(folder, payments__ach="\n".join([*lines, ""]))
    bad = UnusableRecord("strange", "no")
    refuse = refusing(nacha, "_payment", bad, lambda records, _: records[0].endswith("2"))
    return Case("bank", {"bucket_url": bucket}, refuse, {"entries": 1})


def _transaction(number: int, sender: str = ADDRESS) -> dict:
    return {
        "hash": "0x" + f"{number:02x}" * 32, "from": sender, "to": ADDRESS, "value": hex(number), "nonce": "0x1",
        "blockNumber": "0x5", "blockHash": HASH, "transactionIndex": hex(number), "gas": "0x1", "gasPrice": "0x1",
        "input": "0x",
    }  # fmt: skip


def _log(number: int) -> dict:
    word = "0x" + "0" * 24 + "ab" * 20
    return {
        "address": ADDRESS, "topics": [TRANSFER, word, word], "data": f"0x{number:064x}", "logIndex": hex(number),
        "transactionHash": "0x" + f"{number:02x}" * 32, "blockNumber": "0x5", "blockHash": HASH,
    }  # fmt: skip


def _block(*transactions: dict) -> dict:
    return {
        "number": "0x5", "hash": HASH, "parentHash": "0x" + "00" * 32, "timestamp": hex(1_767_225_600),
        "transactions": list(transactions),
    }  # fmt: skip


STRANGE = rpc._Unusable("strange", "no")
NO_TWO = "[013-9]+"


def onchain_rows(folder: Path, case: ExitStack) -> Case:
    columns = ("hash", "block_number", "from_address", "value", "block_timestamp", "transaction_index")
    rows = [("0x" + f"{n:02x}" * 32, "5", ADDRESS, str(n), "1767225600", str(n)) for n in (1, 2, 3)]
    lines = [",".join(columns), *(",".join(row) for row in rows), ""]
    bucket = files(folder, ethereum_transactions__csv="\n".join(lines))
    refuse = narrow("ethereum_transactions", "value", NO_TWO)
    return Case("onchain", {"bucket_url": bucket}, refuse, {"ethereum_transactions": 1})


def onchain_bitcoin(folder: Path, case: ExitStack) -> Case:
    def line(number: int) -> dict:
        put = {"index": 0, "type": "p2pkh", "addresses": [f"1a{number}"], "value": number}
        return {
            "hash": f"t{number}", "block_number": 5, "block_hash": "b", "block_timestamp": 1767225600,
            "is_coinbase": False, "inputs": [], "outputs": [put],
        }  # fmt: skip

    text = "".join(json.dumps(line(number)) + "\n" for number in (1, 2, 3))
    bucket = files(folder, bitcoin_transactions__json=text)
    refuse = narrow("bitcoin_outputs", "address", "1[^2]*")
    return Case("onchain", {"bucket_url": bucket}, refuse, {"bitcoin_outputs": 1})


def onchain_answers(folder: Path, case: ExitStack) -> Case:
    answer = {"jsonrpc": "2.0", "id": 1, "result": [_log(1), _log(2), _log(3)]}
    block = {"jsonrpc": "2.0", "id": 1, "result": _block(_transaction(1), _transaction(2), _transaction(3))}
    bucket = files(folder, eth_getLogs__json=json.dumps(answer), eth_getBlockByNumber__json=json.dumps(block))

    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(rpc, "_transfer", STRANGE, lambda log, _: log["logIndex"] == "0x2")(patch)
        refusing(rpc, "_transaction", STRANGE, lambda one, _: one["value"] == "0x2")(patch)

    brings = {"ethereum_transactions": 1, "ethereum_token_transfers": 1}
    return Case("onchain", {"bucket_url": bucket}, refuse, brings)


def onchain_answer_whole(folder: Path, case: ExitStack) -> Case:
    """Nobody could count what is in it, so that it lands as an extract of its own."""
    answer = {"jsonrpc": "2.0", "id": 1, "result": [_log(4), _log(5), _log(6)]}
    bucket = files(folder, whole_eth_getLogs__json=json.dumps(answer))
    refuse = refusing(rpc, "parse", onchain.UnusableFile("not_json", "no"), lambda raw: b'"0x6"' in raw)
    brings = {"ethereum_token_transfers": 3}
    return Case("onchain", {"bucket_url": bucket}, refuse, brings, rejects=1)


# Nodes and explorers


def ethereum_node(folder: Path, case: ExitStack) -> Case:
    block = _block(_transaction(1), _transaction(2), _transaction(3))
    receipts = [
        {"transactionHash": one["hash"], "blockHash": HASH, "logs": [], "status": "0x1"}
        for one in block["transactions"]
    ]

    def answer(_: str, asked: dict) -> dict:
        results = {"eth_blockNumber": "0x5", "eth_getBlockByNumber": block, "eth_getBlockReceipts": receipts}
        return {"jsonrpc": "2.0", "id": 1, "result": results[asked["method"]]}

    url = serve(case, answer)
    settings = dict(ethereum_rpc_url=url, ethereum_start_block=5)
    refuse = refusing(rpc, "_transaction", STRANGE, lambda one, _: one["value"] == "0x2")
    return Case("onchain", settings, refuse, {"ethereum_transactions": 1})


def bitcoin_node(folder: Path, case: ExitStack) -> Case:
    transactions = [
        {"txid": f"t{n}", "vin": [{"coinbase": "00"}], "vout": [
            {"value": n, "n": 0, "scriptPubKey": {"type": "p2pkh", "address": f"1a{n}"}}]}
        for n in (1, 2, 3)
    ]  # fmt: skip
    block = {"hash": "b5", "height": 5, "time": 1767225600, "tx": transactions, "confirmations": 1}

    def answer(_: str, asked: dict) -> dict:
        results = {"getblockcount": 5, "getblockhash": "b5", "getblock": block}
        return {"result": results[asked["method"]], "error": None, "id": 1}

    url = serve(case, answer)
    settings = dict(bitcoin_rpc_url=url, bitcoin_start_block=5)
    return Case("onchain", settings, narrow("bitcoin_outputs", "address", "1[^2]*"), {"bitcoin_outputs": 1})


def esplora(folder: Path, case: ExitStack) -> Case:
    own_address(folder / "home", "bitcoin", "1own")
    put = {"scriptpubkey_type": "p2pkh", "scriptpubkey_address": "1own"}
    listed = [
        {"txid": f"t{n}", "vin": [], "vout": [put | {"value": n}], "status": {
            "confirmed": True, "block_height": n, "block_hash": f"b{n}", "block_time": 1767225600 + n}}
        for n in (3, 2, 1)
    ]  # fmt: skip

    def answer(path: str, _: Any) -> Any:
        return {"confirmed": True} if path.endswith("/status") else listed if path.endswith("/chain") else []

    url = serve(case, answer)
    refuse = narrow("bitcoin_outputs", "value", NO_TWO)
    return Case("onchain", dict(esplora_url=url), refuse, {"bitcoin_outputs": 1})


def etherscan(folder: Path, case: ExitStack) -> Case:
    own_address(folder / "home", "ethereum", ADDRESS)
    common = {
        "timeStamp": "1767225600", "nonce": "1", "blockHash": HASH, "transactionIndex": "0", "from": ADDRESS,
        "to": ADDRESS, "gas": "21000", "gasPrice": "1", "input": "0x", "isError": "0", "txreceipt_status": "1",
    }  # fmt: skip
    rows = [common | {"hash": "0x" + f"{n:02x}" * 32, "value": str(n), "blockNumber": str(n)} for n in (1, 2, 3)]

    async def answer(request: web.BaseRequest) -> web.Response:
        result = rows if request.query["action"] == "txlist" else []
        return web.json_response({"status": "1", "message": "OK", "result": result})

    url = case.enter_context(in_thread(answer))
    refuse = narrow("ethereum_transactions", "value", NO_TWO)
    settings = dict(etherscan_url=url, etherscan_key="k")
    return Case("onchain", settings, refuse, {"ethereum_transactions": 1})


def blockscout(folder: Path, case: ExitStack) -> Case:
    own_address(folder / "home", "ethereum", ADDRESS)
    common = {
        "block_hash": HASH, "block_number": 5, "from": {"hash": ADDRESS}, "to": {"hash": ADDRESS},
        "timestamp": "2026-01-01T00:00:05.000000Z", "token": {"address_hash": ADDRESS}, "transaction_hash": HASH,
    }  # fmt: skip
    items = [common | {"log_index": n, "total": {"value": str(n)}} for n in (1, 2, 3)]

    def answer(path: str, _: Any) -> dict:
        return {"items": items if path.endswith("token-transfers") else [], "next_page_params": None}

    url = serve(case, answer)
    refuse = narrow("ethereum_token_transfers", "value", NO_TWO)
    settings = dict(blockscout_url=url)
    return Case("onchain", settings, refuse, {"ethereum_token_transfers": 1})


# Identity vendors and case systems

NO = UnusableIdentity("strange", "no")


SUMSUB = ("A1", "A2", "A3", "A4", "A5")


def _sumsub(case: ExitStack, folder: Path) -> dict[str, Any]:
    def about(identifier: str) -> dict:
        documents = [{"idDocType": "PASSPORT", "number": f"{identifier}-{n}", "country": "DEU"} for n in (1, 2, 3)]
        review = {"reviewId": f"r-{identifier}", "reviewStatus": "completed"}
        return {
            "id": identifier, "createdAt": "2026-01-01 05:05:14", "review": review, "info": {"idDocs": documents},
        }  # fmt: skip

    url = serve(case, {f"/resources/applicants/{one}/one": about(one) for one in SUMSUB})
    kept = folder / "webhooks" / DAY
    kept.mkdir(parents=True)
    lines = []
    for one in SUMSUB:
        body = json.dumps({"applicantId": one, "type": "applicantReviewed", "createdAtMs": "2026-01-01 06:00:00.000"})
        lines.append(json.dumps({"received_at": "2026-01-01T06:00:01Z", "headers": {}, "body": body}))
    (kept / "webhooks.jsonl").write_text("\n".join(lines) + "\n")
    return dict(
        sumsub_api_url=url,
        sumsub_api_key="k",
        sumsub_api_secret="s",
        sumsub_webhooks_url=str(folder / "webhooks"),
        sumsub_webhook_secret="w",
    )


def _unsigned(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(webhooks, "verify", lambda *_: None)


def sumsub_all(folder: Path, case: ExitStack) -> Case:
    """A document of an applicant that landed, a whole applicant, and a webhook that lets its applicant be asked."""

    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(sumsub, "_document", NO, lambda said, *_: said["number"] == "A2-1")(patch)
        refusing(sumsub, "applicant", NO, lambda answer, asked, _: asked == "A3")(patch)
        refusing(webhooks, "read", NO, lambda vendor, line, secret: b"A4" in line)(patch)

    brings = {"webhooks": 1, "applicants": 1, "documents": 4, "reviews": 1}
    beside = {"applicants": 1, "documents": 3, "reviews": 1}
    return Case("kyc", _sumsub(case, folder), refuse, brings, beside=beside)


def _onfido(case: ExitStack) -> dict[str, Any]:
    made = "2026-01-01T05:05:14Z"
    people = [{"id": f"O{n}", "created_at": made} for n in (1, 2, 3, 4)]
    runs = [
        {"id": f"r{n}{m}", "applicant_id": f"O{n}", "status": "approved", "created_at": made}
        for n in (1, 2, 3, 4) for m in (1, 2)
    ]  # fmt: skip
    url = serve(case, {"/applicants": {"applicants": people}, "/workflow_runs": {"workflow_runs": runs}})
    return dict(onfido_api_url=url, onfido_api_key="k")


def onfido_all(folder: Path, case: ExitStack) -> Case:
    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(onfido, "_review", NO, lambda found, run: run["id"] == "r21")(patch)
        refusing(onfido, "applicant", NO, lambda whole: whole["applicant"]["id"] == "O3")(patch)

    return Case("kyc", _onfido(case), refuse, {"applicants": 1, "reviews": 3})


def _persona(case: ExitStack) -> dict[str, Any]:
    made = {"status": "approved", "created-at": "2026-01-01T05:05:14Z"}
    inquiries = [{"type": "inquiry", "id": f"inq_{n}", "attributes": made} for n in (1, 2, 3)]
    document = {"id-class": "pp", "country-code": "DE"}
    included = {
        n: [{"type": "verification/government-id", "id": f"ver_{n}{m}", "attributes": document} for m in (1, 2)]
        for n in (1, 2, 3)
    }
    answers = {"/reports": {"data": []}, "/inquiries": {"data": inquiries}}
    answers |= {f"/inquiries/inq_{n}": {"data": inquiries[n - 1], "included": included[n]} for n in (1, 2, 3)}
    url = serve(case, answers)
    return dict(persona_api_url=url, persona_api_key="k")


def persona_all(folder: Path, case: ExitStack) -> Case:
    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(persona, "_document", NO, lambda said, _: said["id"] == "ver_21")(patch)
        refusing(persona, "applicant", NO, lambda whole, _: whole["inquiry"]["id"] == "inq_3")(patch)

    brings, beside = {"documents": 1, "applicants": 1}, {"documents": 2, "reviews": 1}
    return Case("kyc", _persona(case), refuse, brings, beside=beside)


def marble_case(folder: Path, case: ExitStack) -> Case:
    cases = [
        {"id": f"c{n}", "created_at": "2026-01-01T05:05:14Z", "status": "closed", "outcome": "unset"} for n in (1, 2, 3)
    ]
    more = {"pagination": {"has_more": False}}
    url = serve(case, {"/v1beta/cases": {"data": cases} | more, "/v1beta/decisions": {"data": []} | more})
    refuse = refusing(marble, "_row", UnusableCase("strange", "no"), lambda kind, record, at: record["id"] == "c2")
    settings = dict(marble_base_url=url, marble_api_key="k")
    return Case("cases", settings, refuse, {"records": 1})


def unit21_alert(folder: Path, case: ExitStack) -> Case:
    alerts = [{"unit21_id": f"{n}", "created_at": 1767225600, "status": "OPEN"} for n in (1, 2, 3)]
    answers = {"/cases/list": {"cases": [], "total_count": 0}, "/sars/list": {"sars": [], "total_count": 0}}
    url = serve(case, answers | {"/alerts/list": {"alerts": alerts, "total_count": 3}})
    bad = UnusableCase("strange", "no")
    refuse = refusing(unit21, "_row", bad, lambda kind, record, at: record["unit21_id"] == "2")
    settings = dict(unit21_base_url=url, unit21_api_key="k")
    return Case("cases", settings, refuse, {"records": 1})


# Analytics vendors

UNREADABLE = kyt.Unreadable("no")


def _chainalysis(folder: Path, case: ExitStack) -> dict[str, Any]:
    sample.write(folder / "world", 12)
    rows = []
    for one in sample.transfers(12):
        kind, number = one["ledger_transfer_id"].split(":")[1:]
        rows.append({
            "kind": kind, "id": number, "account_id": one["user_id"], "asset_code": one["asset"],
            "amount": one["asset_amount"], "chain_code": "bitcoin", "tx_hash": one["tx"],
            "to_address": one["output_address"], "event_at": one["timestamp"], "status_code": "completed",
        })  # fmt: skip
    pending = [rows[1] | {"kind": "withdrawal", "id": f"P{n}", "status_code": "pending"} for n in (1, 2, 3)]
    ledger(folder / "home", [*rows, *pending])
    handler = vendor.Vendor(folder / "world")
    url = case.enter_context(in_thread(handler))
    return dict(api_url=url + vendor.KYT_PATH, api_key=handler.token, poll_seconds=0.2, attempts=2)


def chainalysis_kyt(folder: Path, case: ExitStack) -> Case:
    """One of each: a transfer, and of transfers that landed the exposures, an alert, and a state of it; an attempt."""
    reference = sample.transfers(12)[4]["transfer_reference"].encode()

    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(kyt, "summary", UNREADABLE, lambda body, *_: reference in body)(patch)
        refusing(kyt, "exposure", UNREADABLE, lambda body, *_: b"Sanctioned" in body)(patch)
        refusing(kyt, "alert", UNREADABLE, lambda item, *_: item["alertLevel"] == "SEVERE")(patch)
        refusing(kyt, "alert_state", UNREADABLE, lambda row, *_: row["level"] == "SEVERE")(patch)
        refusing(attempts, "row", UNREADABLE, lambda one, _: one.attempt.attempt_identifier == "P2")(patch)

    brings = dict.fromkeys(("transfers", "exposures", "alerts", "alert_states", "withdrawal_attempts"), 1)
    return Case("chainalysis", _chainalysis(folder, case), refuse, brings, beside={"exposures": 1})


def _moved(folder: Path) -> None:
    ledger(folder / "home", [
        {
            "kind": kind, "id": f"{kind}{n}", "account_id": "u1", "asset_code": "BTC", "amount": n,
            "chain_code": "bitcoin", "tx_hash": f"{n:064x}", "to_address": f"to{n}", "from_address": f"from{n}",
            "event_at": datetime(2026, 1, 1),
        } for kind in ("deposit", "withdrawal") for n in (1, 2, 3)
    ])  # fmt: skip


def chainalysis_address(folder: Path, case: ExitStack) -> Case:
    _moved(folder)
    answer = {"risk": "Low", "addressIdentifications": [], "exposures": []}
    url = serve(case, lambda path, _: answer | {"address": path.rpartition("/")[2]})
    settings = dict(risk_url=url, api_key="k")
    refuse = refusing(addresses, "_screening", UNREADABLE, lambda answer, *_: answer["address"] == "from2")
    return Case("chainalysis", settings, refuse, {"address_screenings": 1})


def elliptic_analysis(folder: Path, case: ExitStack) -> Case:
    _moved(folder)
    made = "2026-01-02T00:00:00.000Z"

    def answer(path: str, asked: Any) -> dict:
        if asked is None:
            return {"items": [], "total_items": 0, "total_pages": 1}
        identity = f"{asked['type']}-{asked['subject']['hash']}-{asked['subject'].get('output_address')}"
        return {
            "id": identity, "type": asked["type"], "subject": asked["subject"], "risk_score": None, "created_at": made,
            "evaluation_detail": [], "contributions": [], "analysed_at": made, "updated_at": made,
            "process_status": "complete", "screening_id": "s", "workflow_status": "active",
            "cluster_entities": [{"name": "n", "category": "Exchange"}],
        }  # fmt: skip

    url = serve(case, answer)
    settings = dict(api_url=url, api_key="k", api_secret="czE=", attempts=2)
    refuse = refusing(elliptic, "analysis", UNREADABLE, lambda item: "from2" in item["id"])
    return Case("elliptic", settings, refuse, {"analyses": 1, "exposures": 1})


GROUPS = {
    "prices": (prices,),
    "behaviour": (behaviour_files, behaviour_kafka),
    "tagpacks": (tags,),
    "travel rule": (travel_rule_messages,),
    "bank": (bank_camt, bank_camt_whole, bank_mt940, bank_nacha),
    "chain files": (onchain_rows, onchain_bitcoin, onchain_answers, onchain_answer_whole),
    "nodes and explorers": (ethereum_node, bitcoin_node, esplora, etherscan, blockscout),
    "identity vendors": (sumsub_all, onfido_all, persona_all),
    "case systems": (marble_case, unit21_alert),
    "chainalysis": (chainalysis_kyt,),
    "addresses": (chainalysis_address,),
    "elliptic": (elliptic_analysis,),
}
"""Kinds of source that one load brings together: a load of dlt takes longer than all that is asked of them."""


def together(cases: list[Case]) -> Case:
    """Several kinds of one feed's sources as one."""

    def refuse(patch: pytest.MonkeyPatch) -> None:
        for case in cases:
            case.refuse(patch)

    brings, beside = Counter(), Counter()
    for case in cases:
        brings.update(case.brings)
        beside.update(case.beside)
    return Case(
        cases[0].feed,
        {name: value for case in cases for name, value in case.settings.items()},
        refuse,
        dict(brings),
        rejects=sum(case.rejects or sum(case.brings.values()) for case in cases),
        beside=dict(beside),
    )


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def landed(feed: str) -> dict[str, list[tuple]]:
    """What the feed's tables hold, without when it came."""
    tables = query(
        "select table_name from information_schema.columns "  # noqa: S608 (names of this module)
        f"where table_schema = 'raw_{feed}' and column_name = '_extract_id' and table_name not in "
        "('control_totals', 'rejects')"
    )
    own = "exclude (_dlt_load_id, _known_at, _extract_id, _record_no)"
    return {t: sorted(map(str, query(f"select * {own} from raw_{feed}.{t}"))) for (t,) in tables}  # noqa: S608 (as above)


def doubled(feed: str) -> list[tuple]:
    """Places of extracts in which more than one record lies."""
    return [
        row
        for table in landed(feed)
        for row in query(
            f"select '{table}', _extract_id, _record_no from raw_{feed}.{table} group by all having count(*) > 1"  # noqa: S608 (names of the catalogue)
        )
    ]


def uncounted(feed: str) -> list[tuple]:
    """Extracts and tables whose control total is neither landed nor rejected. A reject that came in where it lay counts
    as landed."""
    rows = " union all ".join(f"select '{t}' as t, _extract_id as e from raw_{feed}.{t}" for t in landed(feed))  # noqa: S608 (as above)
    return query(f"""
        with open as (
            select table_name as t, extract_id as e from raw_{feed}.rejects
            where replayed_at is null and reject_id not in (
                select reject_id from raw_{feed}.rejects where replayed_at is not null and _extract_id = extract_id)
        ),
        held as (select t, e, count(*) as n from (from open union all {rows}) group by all),
        stated as (
            select table_name as t, extract_id as e, sum(source_rows) as m from raw_{feed}.control_totals group by all
        )
        select * from held full join stated using (t, e) where coalesce(n, 0) <> coalesce(m, 0)
    """)  # noqa: S608 (as above)


@pytest.fixture(params=GROUPS)
def case(request, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(webhooks, "verify", lambda *_: None)
    with ExitStack() as stack:
        yield together([make(tmp_path, stack) for make in GROUPS[request.param]])


def test_what_was_refused_comes_in_exactly_once(case: Case):
    def make():
        return pipeline.source_of(case.feed)(**case.settings)

    with pytest.MonkeyPatch.context() as patch:
        case.refuse(patch)
        pipeline.run(make(), case.feed)
        before = landed(case.feed)
        assert replay.open_rejects(case.feed).num_rows == case.rejects
    assert replay.replay(case.feed, make=make) == replay.Outcome(case.feed, case.brings, 0)
    after = landed(case.feed)
    more = {table: len(rows) - len(before[table]) for table, rows in after.items()}
    assert +Counter(more) == Counter(case.brings) + Counter(case.beside)
    for table, rows in after.items():
        assert set(before[table]) <= set(rows)
        assert len(set(rows)) == len(rows)
    assert replay.open_rejects(case.feed).num_rows == 0
    assert doubled(case.feed) == uncounted(case.feed) == []
    assert replay.replay(case.feed, make=make) == replay.Outcome(case.feed, {}, 0)
    pipeline.run(make(), case.feed)
    assert landed(case.feed) == after


def test_what_no_replay_can_bring_in_is_said(home: Path):
    with sandbox_kafka.broker() as servers:
        producer = Producer({"bootstrap.servers": servers, "log_level": 2})
        producer.produce("behaviour", None, key="k", partition=0, timestamp=1_767_225_600_000)
        assert producer.flush(30) == 0
        pipeline.run(behaviour_source(bootstrap_servers=servers), "behaviour")
    outcome = replay.replay("behaviour")
    assert (outcome.brought_in, outcome.still_rejected) == ({}, 1)
    assert "deletes its key and is no event" in outcome.notes[0]
