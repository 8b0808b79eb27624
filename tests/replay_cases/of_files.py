"""Cases of deliveries, in our own formats and those of others."""

import json
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest
from confluent_kafka import Producer

from ingestion.bank import entry as camt_entry
from ingestion.bank import mt940, nacha
from ingestion.bank.message import UnusableFile, UnusableRecord
from ingestion.travel_rule import parse as travel_rule
from replay_cases.common import Case, files, refusing, unknown
from sandbox import kafka as sandbox_kafka

camt, tagpacks = import_module("ingestion.bank.parse"), import_module("ingestion.tagpacks.parse")


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
