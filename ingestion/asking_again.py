"""Which of a vendor's rejects came in when the vendor was asked again.

Belongs here: what a reject was about, and whether a row answers it. Not here: asking (the feed's own loader) and what
becomes of the reject (`replay`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

# By feed and table: members of the rejected record that name what was asked about, and the columns of the table's rows
# that name the same (`a.b` is the member b of the member a). A record that is a whole listed answer is the same as its
# row's answer_json.
_SUBJECTS: dict[str, dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]] = {
    "chainalysis": {
        "transfers": ((("ledger_transfer_id",), ("ledger_transfer_id",)),),
        "address_screenings": ((("address", "product_code"), ("address", "product_code")),),
        "exposures": ((("external_id",), ("external_id",)),),
        "alerts": ((("externalId",), ("alert_external_id",)), (("alertIdentifier",), ("alert_external_id",))),
        "alert_states": ((("alertIdentifier", "alertStatus"), ("alert_id", "alert_status_code")),),
        "withdrawal_attempts": ((("ledger_transfer_id",), ("ledger_transfer_id",)),),
        "network_identifications": ((("external_id",), ("external_id",)),),
        "users": ((("userId",), ("user_id",)),),
        "user_exposures": ((("userId", "cluster.name"), ("user_id", "cluster_name")),),
        "listed_transfers": (
            (
                ("userId", "direction_code", "transferReference", "asset"),
                ("user_id", "direction_code", "transfer_reference", "asset_code"),
            ),
        ),
        "registered_addresses": (
            (("userId", "kind_code", "asset", "address"), ("user_id", "kind_code", "asset_code", "address")),
        ),
    },
    "trm": {
        "transfers": ((("externalId",), ("ledger_transfer_id",)),),
        "address_screenings": (
            (("chain", "address"), ("chain_code", "address_submitted")),
            (("chain", "addressSubmitted"), ("chain_code", "address_submitted")),
        ),
        "alerts": (),
    },
    "elliptic": {
        "analyses": ((("asked_for",), ("ledger_transfer_id",)), (("asked_for",), ("subject_hash",))),
    },
    "kyc": {
        "applicants": tuple(
            ((member,), ("applicant_id",)) for member in ("applicantId", "id", "applicant.id", "inquiry.id")
        ),
        "reviews": ((("id",), ("review_id",)),),
        "documents": (),
    },
    "cases": {"records": ()},
}
_DETAILS = {"trm": ("exposures",), "elliptic": ("exposures",)}
"""Tables whose rejects come in with the answer that they are a part of."""
_ANSWERS = {
    "kyc": re.compile("(sumsub|onfido|persona)/(applicants/|unusable:)"),
    "cases": re.compile("(marble|unit21)/"),
}
"""What the ids of extracts begin with that a vendor answered, in feeds whose tables files bring as well."""
BY_PLACE = {
    "onchain": ("ethereum_rpc:", "bitcoin_rpc:", "esplora:", "etherscan:", "blockscout:"),
    "behaviour": ("kafka:",),
}
"""By feed what the ids of extracts begin with whose source is asked again for the very same place: blocks of a node,
rows of an explorer's listing, offsets of a topic."""


def named_by(feed: str, table: str) -> list[tuple[tuple[str, str], ...]]:
    """What names a record of the table: members of the rejected record, each with the column of the row that says the
    same; there may be several ways."""
    return [tuple(zip(*subject, strict=True)) for subject in _SUBJECTS.get(feed, {}).get(table, ())]


def is_asked(feed: str) -> bool:
    """Whether a vendor of the feed can be asked again about what it refused or nobody could read."""
    return feed in _SUBJECTS


def is_answer(feed: str, table: str, extract_id: str) -> bool:
    """Whether a table's reject is of an extract that a vendor answered, who is asked again about it."""
    of_a_vendor = table in (*_SUBJECTS.get(feed, ()), *_DETAILS.get(feed, ()))
    return of_a_vendor and (feed not in _ANSWERS or bool(_ANSWERS[feed].match(extract_id)))


def answered(feed: str, rejects: Iterable[Mapping[str, Any]], rows: Mapping[str, pa.Table]) -> dict[str, str]:
    """Reject id -> extract id of the row that answers it, of the rejects that have one among `rows` (by table; raw
    shape). A detail that was rejected because its whole answer was (an exposure) comes in with that answer."""
    rejects = list(rejects)
    found: dict[str, str] = {}
    for table, subjects in _SUBJECTS.get(feed, {}).items():
        if table not in rows or not rows[table].num_rows:
            continue
        mine = [(reject, _record(reject["raw_record"])) for reject in rejects if reject["table_name"] == table]
        given = rows[table].to_pylist()
        whole = {row["answer_json"]: row["_extract_id"] for row in given if row.get("answer_json")}
        found |= {r["reject_id"]: whole[r["raw_record"]] for r, _ in mine if r["raw_record"] in whole}
        for members, columns in subjects:
            extracts = {tuple(row[column] for column in columns): row["_extract_id"] for row in given}
            for reject, record in mine:
                subject = tuple(_member(record, member) for member in members)
                if None not in subject and subject in extracts:
                    found[reject["reject_id"]] = extracts[subject]
    return found | _details(rejects, found)


def rejected_again(
    feed: str, rejects: Iterable[Mapping[str, Any]], again: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Reject id -> extract id of the reject in `again` that is about the same."""
    extracts = {about: reject["extract_id"] for reject in again for about in _about(feed, reject)}
    return {r["reject_id"]: extracts[about] for r in rejects for about in _about(feed, r) if about in extracts}


def _about(feed: str, reject: Mapping[str, Any]) -> list[tuple]:
    record, table = _record(reject["raw_record"]), reject["table_name"]
    named = [
        (table, members, tuple(_member(record, member) for member in members))
        for members, _ in _SUBJECTS.get(feed, {}).get(table, ())
    ]
    return [(table, reject["raw_record"]), *(one for one in named if None not in one[2])]


def _details(rejects: list[Mapping[str, Any]], found: dict[str, str]) -> dict[str, str]:
    """Rejects whose member `answer` is the record of a reject that came in, or the answer in it."""
    parents = {}
    for reject in rejects:
        if into := found.get(reject["reject_id"]):
            for answer in (reject["raw_record"], _record(reject["raw_record"]).get("answer")):
                if isinstance(answer, str):
                    parents[reject["extract_id"], answer] = into
    details = {}
    for reject in rejects:
        answer = _record(reject["raw_record"]).get("answer")
        if isinstance(answer, str) and reject["reject_id"] not in found:
            details[reject["reject_id"]] = parents.get((reject["extract_id"], answer))
    return {reject_id: into for reject_id, into in details.items() if into}


def _member(record: dict[str, Any], path: str) -> Any:
    found: Any = record
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str | int) else None


def _record(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
