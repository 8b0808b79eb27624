"""One run against Elliptic: addresses and transactions analysed, the vendor's lists of analyses read.

Belongs here: the order of the requests and what each answer means. Nothing is written: it all goes into `Reading`s.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ingestion import ledger, pipeline
from ingestion.chainalysis.parse import Unreadable
from ingestion.elliptic import count, lists, parse
from ingestion.elliptic.lists import Subject
from ingestion.elliptic.schemas import FEED, NOT_IN_BLOCKCHAIN
from ingestion.elliptic.signing import Signed
from ingestion.ledger import Movement
from ingestion.members import text
from ingestion.reading import Reading
from ingestion.vendor import Refusal, Vendor, VendorError

PER_SECOND, PER_MINUTE = 15, 500
KINDS = {"address": "/wallet", "transaction": "/analyses"}
"""Type of a subject -> the path of its analyses."""

Progress = Callable[[str, int, int], None]
Version = tuple[str, str, str, str | None, datetime | None]


def client(api_url: str, api_key: str | None, api_secret: str | None, attempts: int = 7) -> Vendor:
    """The connection to the vendor. Raises VendorError without key or secret."""
    if not api_key or not api_secret:
        raise VendorError(
            "Elliptic: no API key or secret. Set SOURCES__ELLIPTIC__API_KEY and SOURCES__ELLIPTIC__API_SECRET."
        )
    signed = Signed(api_key, api_secret)
    return Vendor(
        FEED, "Elliptic", api_url, auth=signed, per_second=PER_SECOND, per_minute=PER_MINUTE, attempts=attempts
    )


class Screening:
    """What earlier runs landed, and what this one brings."""

    def __init__(self, vendor: Vendor, found: list[Movement], overlap: timedelta, progress: Progress) -> None:
        """`overlap`: how far before the newest landed analysis the lists are read again, for what the vendor committed
        late."""
        self._vendor, self._found, self._overlap, self._progress = vendor, found, overlap, progress
        rows = ledger.landed(
            FEED,
            "analyses",
            "analysis_id, screening_id, process_status_code, workflow_status_code, updated_at, analysed_at, "
            "subject_type_code, subject_hash, ledger_transfer_id, ledger_known_at",
        )
        self._seen: set[Version] = {row[:5] for row in rows}
        self._asked = {row[0]: row[8:] for row in rows if row[9]}
        """analysis id -> what of the ledger it was asked for: transfer id (None for an address), known at."""
        self._existing = lists.Existing(vendor, {row[0] for row in rows})
        self._addresses = {ledger.plain(row[7]): row[9] for row in rows if row[6] == "address" and row[9]}
        self._transfers = {row[8] for row in rows if row[8]}
        self._newest = max((row[5] for row in rows if row[5]), default=None)
        last = {row[0]: (row[2], row[6]) for row in rows}
        self._running = [(one, kind) for one, (status, kind) in last.items() if status == "running"]
        self._subjects: dict[Subject | None, tuple[str | None, datetime]] = {}
        """What of the ledger an analysis is about that somebody else asked for."""
        for kind, asked_for, known_at, raw in ledger.landed(
            FEED, "rejects", "table_name, raw_record ->> '$.asked_for', first_seen_at, raw_record"
        ):
            if kind == "analyses" and asked_for:
                self._addresses[asked_for] = known_at
                self._transfers.add(asked_for)
            elif kind == "analyses":
                self._seen.add(("rejected", raw, "", None, None))

    def run(self) -> list[Reading]:
        """Analyses what is new, asks again about what was running, and reads what the lists say changed since."""
        return [self._wallets(), self._transactions(), self._unfinished(), *map(self._listed, KINDS.values())]

    def _wallets(self) -> Reading:
        """Counterparties never analysed, and those that had a movement since."""
        reading = Reading(FEED, "/wallet/synchronous", ("analyses", "exposures"))
        moved_at: dict[str, datetime] = {}
        for movement in self._found:
            address = ledger.plain(movement.counterparty_address)
            moved_at[address] = max(movement.moved_at, moved_at.get(address, movement.moved_at))
        newest: dict[str, tuple[datetime, str]] = {}
        for one in ledger.counterparties(self._found):
            known_at, _ = newest.get(one.address, (datetime.min, ""))
            newest[one.address] = max(known_at, one.known_at), one.account_id
        wanted = {a: b for a, b in newest.items() if self._addresses.get(a, datetime.min) < b[0]}
        done = 0
        for address, (known_at, account_id) in newest.items():
            subject = {"asset": "holistic", "blockchain": "holistic", "type": "address", "hash": address}
            body = {"subject": subject, "type": "wallet_exposure", "customer_reference": account_id}
            self._subjects[lists.subject_of(body)] = None, known_at
            if address in wanted:
                self._analyse(reading, body, known_at, None, not_before=moved_at[address])
                done += 1
                self._progress("addresses analysed", done, len(wanted))
        return reading

    def _transactions(self) -> Reading:
        reading = Reading(FEED, "/analyses/synchronous", ("analyses", "exposures"))
        wanted, done = sum(one.ledger_transfer_id not in self._transfers for one in self._found), 0
        for one in self._found:
            subject = {"asset": one.asset_code, "blockchain": one.chain_code, "type": "transaction"}
            subject |= {"hash": one.tx_hash, "output_type": "address", "output_address": one.output_address}
            kind = "source_of_funds" if one.is_deposit else "destination_of_funds"
            body = {"subject": subject, "type": kind, "customer_reference": one.account_id}
            self._subjects.setdefault(lists.subject_of(body), (one.ledger_transfer_id, one.known_at))
            if one.ledger_transfer_id not in self._transfers:
                self._analyse(reading, body, one.known_at, one.ledger_transfer_id)
                done += 1
                self._progress("transactions analysed", done, wanted)
        return reading

    def _analyse(
        self,
        reading: Reading,
        body: dict,
        known_at: datetime,
        transfer_id: str | None,
        not_before: datetime | None = None,
    ) -> None:
        """Takes the analysis that the vendor has made already, where it has, and has one made where not. `not_before`:
        how old it may be."""
        path = KINDS[body["subject"]["type"]]
        try:
            answer = self._existing.take(path, body, not_before) or self._vendor.post(
                reading.endpoint, body, done=lambda: self._existing.take(path, body, not_before, again=True)
            )
        except Refusal as refusal:
            asked_for = transfer_id or body["subject"]["hash"]
            if (
                refusal.status == 404
                and isinstance(refusal.body, dict)
                and refusal.body.get("name") == "NotInBlockchain"
            ):
                reading.count("analyses", count.never_seen(asked_for))
                row = _never_seen(body, known_at, transfer_id, refusal.body)
                reading.land("analyses", known_at, row, is_whole=False)
            else:
                said = f"the vendor refused it with HTTP {refusal.status}: {refusal.message}"
                share = reading.count("analyses", count.never_seen(asked_for))
                record = {"asked_for": asked_for, **body}
                reading.reject("analyses", known_at, "refused_by_vendor", said, record, share)
            return
        self._existing.made(answer.data)
        self._land(reading, answer.data, (transfer_id, known_at), transfer_id or body["subject"]["hash"])

    def _unfinished(self) -> Reading:
        reading = Reading(FEED, "/{wallet|analyses}/{id}", ("analyses", "exposures"))
        for analysis_id, kind in self._running:
            try:
                item = self._vendor.get(f"{KINDS[kind]}/{analysis_id}").data
            except Refusal:
                continue  # the vendor forgot it; what landed stays running, and its age shows
            if self._is_new(item):
                self._land(reading, item, self._asked.get(analysis_id), None)
        return reading

    def _listed(self, path: str) -> Reading:
        """Analyses that the vendor made, finished or changed since `overlap` before the newest landed one. One that
        this loader did not ask for belongs to the ledger's transfer or address that it is about, where there is one."""
        reading = Reading(FEED, path, ("analyses", "exposures"))
        # What a replay asks about again may be of any age.
        is_known = self._newest and not pipeline.rejects_asked_again()
        since = {"analysed_at_after": _millis(self._newest - self._overlap)} if is_known else {}
        for item in lists.read(self._vendor, path, **since):
            if self._is_new(item):
                asked = self._asked.get(lists.identity(item) or "") or self._subjects.get(lists.subject_of(item))
                self._land(reading, item, asked, None)
        return reading

    def _is_new(self, item: Any) -> bool:
        try:
            row, _ = parse.analysis(item)
        except Unreadable:
            version = ("rejected", text(item), "", None, None)
        else:
            version = _version(row)
        return version not in self._seen

    def _land(
        self, reading: Reading, item: Any, asked: tuple[str | None, datetime] | None, asked_for: str | None
    ) -> None:
        """`asked`: the transfer (None for an address) and when the ledger's row became known, of an analysis that was
        asked for. `asked_for` marks a reject as the answer to this question, so that it is not asked again."""
        share = reading.count("analyses", count.analysis(item))
        details = [reading.count("exposures", *one) for one in count.exposures(item)]
        transfer_id, ledger_known_at = asked or (None, None)
        try:
            row, exposures = parse.analysis(item)
        except Unreadable as problem:
            known_at = ledger_known_at or datetime(1970, 1, 1)
            record = {"asked_for": asked_for, "answer": text(item)} if asked_for else text(item)
            about = {"answer": item, "part": problem.part}
            reading.reject("analyses", known_at, "unreadable_answer", str(problem), record, share, **about)
            for number, detail in enumerate(details):
                said = f"its answer cannot be read: {problem}"
                exposure = {"exposure_no": number, "answer": text(item)}
                reading.reject("exposures", known_at, "unreadable_answer", said, exposure, detail)
            self._seen.add(("rejected", text(item), "", None, None))
            return
        self._seen.add(_version(row))
        if asked:
            self._asked[row["analysis_id"]] = asked
        # Nobody can have known the answer before the movement that it was asked for, nor a state before it was made.
        times = (row["analysed_at"], row["updated_at"], row["created_at"], ledger_known_at)
        known_at = max((at for at in times if at), default=datetime(1970, 1, 1))
        own = {"ledger_transfer_id": transfer_id, "ledger_known_at": ledger_known_at}
        is_whole = row["process_status_code"] != "running"
        reading.land("analyses", known_at, {**row, **own}, answer=item, is_whole=is_whole)
        for exposure in exposures:
            reading.land("exposures", known_at, exposure)


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _version(row: dict) -> Version:
    keys = ("analysis_id", "screening_id", "process_status_code", "workflow_status_code", "updated_at")
    return tuple(row[key] for key in keys)


def _never_seen(body: dict, known_at: datetime, transfer_id: str | None, answer: dict) -> dict:
    """An address or transaction that was never on chain is an answer, and no error: a row that says so. The vendor
    gives it no id; ours is made from what was asked."""
    subject = body["subject"]
    asked_for = transfer_id or subject["hash"]
    return {
        "analysis_id": f"{NOT_IN_BLOCKCHAIN}:{asked_for}",
        "screening_id": "none",
        "analysis_type_code": body["type"],
        "subject_type_code": subject["type"],
        "asset_code": subject["asset"],
        "blockchain_code": subject["blockchain"],
        "subject_hash": subject["hash"],
        "output_address": subject.get("output_address"),
        "customer_reference": body["customer_reference"],
        "ledger_transfer_id": transfer_id,
        "process_status_code": NOT_IN_BLOCKCHAIN,
        "ledger_known_at": known_at,
        "answer_json": text(answer),
    }
