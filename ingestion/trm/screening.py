"""One run against TRM Labs: addresses screened, transfers registered and polled.

Belongs here: the order of the requests and what each answer means. Nothing is written: it all goes into `Reading`s. The
list of alerts has `alerts`.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from requests.auth import HTTPBasicAuth

from ingestion import ledger
from ingestion.chainalysis.parse import Unreadable
from ingestion.ledger import Address, Movement
from ingestion.members import text
from ingestion.reading import Counted, Reading
from ingestion.trm import count, parse
from ingestion.trm.schemas import FEED
from ingestion.vendor import Refusal, Vendor, VendorError

ADDRESSES, TRANSFERS = "/public/v2/screening/addresses", "/public/v2/tm/transfers"
PER_REQUEST, PER_SECOND = 5, 10
FIRST_POLL_DELAY, LONGEST_POLL_DELAY = 0.1, 10.0
CHAINS = {"bsc": "binance_smart_chain", "avalanche": "avalanche_c_chain"}

Progress = Callable[[str, int, int], None]


def client(api_url: str, api_key: str | None, attempts: int = 7) -> Vendor:
    """The connection to the vendor. The key is both user name and password. Raises VendorError without a key."""
    if not api_key:
        raise VendorError("TRM Labs: no API key. Set SOURCES__TRM__API_KEY or sources.trm.api_key.")
    auth = HTTPBasicAuth(api_key, api_key)
    return Vendor(FEED, "TRM Labs", api_url, auth=auth, per_second=PER_SECOND, attempts=attempts)


def addresses_to_screen(found: list[Movement]) -> list[Address]:
    """The counterparties never screened, and those that had a movement since; one that was refused comes again then."""
    rows = ledger.landed(FEED, "address_screenings", "chain_code, address_submitted, ledger_known_at")
    refused = ledger.landed(
        FEED, "rejects", "raw_record ->> '$.chain', raw_record ->> '$.address', first_seen_at, table_name"
    )
    asked = {(chain, address): at for chain, address, at in rows}
    asked |= {(chain, address): at for chain, address, at, table in refused if table == "address_screenings"}
    return [
        one
        for one in ledger.counterparties(found)
        if asked.get((chain_of(one.chain_code), one.address), datetime.min) < one.known_at
    ]


def chain_of(chain_code: str) -> str:
    """The vendor's name of one of our chains."""
    return CHAINS.get(chain_code, chain_code)


def screen_addresses(vendor: Vendor, wanted: list[Address], progress: Progress) -> Reading:
    """Screens the addresses, at most five a request. One that the vendor refuses does not keep back its neighbours."""
    reading = Reading(FEED, ADDRESSES, ("address_screenings", "exposures"))
    for start in range(0, len(wanted), PER_REQUEST):
        batch = wanted[start : start + PER_REQUEST]
        try:
            _screen(vendor, batch, reading)
        except Refusal:
            for one in batch:
                try:
                    _screen(vendor, [one], reading)
                except Refusal as refusal:
                    share = reading.count("address_screenings", count.screening(_asked(one)))
                    said = f"the vendor refused it with HTTP {refusal.status}: {refusal.message}"
                    reading.reject("address_screenings", one.known_at, "refused_by_vendor", said, _asked(one), share)
        progress("addresses screened", start + len(batch), len(wanted))
    return reading


def _screen(vendor: Vendor, batch: list[Address], reading: Reading) -> None:
    items = vendor.post(ADDRESSES, [_asked(one) for one in batch]).data
    if not isinstance(items, list):
        raise VendorError(f"TRM Labs answered {ADDRESSES} with something that is not a list. Is the address its API's?")
    unanswered = {(chain_of(one.chain_code), one.address): one for one in batch}
    newest = max(one.known_at for one in batch)
    for item in items:
        share = reading.count("address_screenings", count.screening(item), count.volume(item))
        details = [reading.count("exposures", *one) for one in count.screening_exposures(item)]
        try:
            row, exposures = parse.screening(item)
            asked = unanswered.pop((row["chain_code"], row["address_submitted"]), None)
            if asked is None:
                raise Unreadable("nobody asked for this chain and address in this request")
        except Unreadable as problem:
            _reject_whole(reading, "address_screenings", newest, problem, item, item, share, details)
            continue
        # Nobody can have known the answer before the movement that it was asked for.
        known_at = max(row["screened_at"] or asked.known_at, asked.known_at)
        screening_id = f"{row['chain_code']}:{row['address_submitted']}@{known_at.isoformat()}"
        asked_for = {"screening_id": screening_id, "ledger_known_at": asked.known_at}
        reading.land("address_screenings", known_at, {**row, **asked_for}, answer=item)
        for exposure in exposures:
            reading.land("exposures", known_at, {**exposure, "screening_id": screening_id})
    for one in unanswered.values():
        share = reading.count("address_screenings", count.screening(_asked(one)))
        reading.reject("address_screenings", one.known_at, "no_answer", "the answer leaves it out", _asked(one), share)


def _asked(one: Address) -> dict:
    return {"address": one.address, "chain": chain_of(one.chain_code), "accountExternalId": one.account_id}


def _reject_whole(
    reading: Reading,
    table: str,
    known_at: datetime,
    problem: Unreadable,
    answer: Any,
    record: Any,
    share: Counted,
    details: list[Counted],
) -> None:
    """An answer that cannot be read, and with it each of the exposures it lists; `share` and `details` are as what they
    were counted."""
    said = text(record)
    reading.reject(table, known_at, "unreadable_answer", str(problem), said, share, answer=answer, part=problem.part)
    for number, detail in enumerate(details):
        said = f"its answer cannot be read: {problem}"
        exposure = {"exposure_no": number, "answer": text(record)}
        reading.reject("exposures", known_at, "unreadable_answer", said, exposure, detail)


def monitor_transfers(
    vendor: Vendor, found: list[Movement], poll_seconds: float, compare_count: bool, progress: Progress
) -> Reading:
    """Registers the movements the vendor does not have and asks until each is finished, for `poll_seconds` at most; one
    that is still processing lands as such and is asked about again by the next run.

    The control total is the vendor's own count of the transfers it holds, with `compare_count`: less those that earlier
    runs accounted for, more the later states and the refusals of this run."""
    reading = Reading(FEED, TRANSFERS, ("transfers", "exposures"))
    states = {ours: (uuid, status) for ours, uuid, status in _landed_states()}
    rejected = {ours: code for ours, table, code in _rejected_transfers() if table == "transfers"}
    held = len(states) + sum(code == "unreadable_answer" for ours, code in rejected.items() if ours not in states)
    uncounted = 0
    waiting: list[tuple[Movement, Any, bool]] = []
    for number, movement in enumerate(found, 1):
        uuid, status = states.get(movement.ledger_transfer_id, (None, None))
        if status in parse.FINISHED or movement.ledger_transfer_id in rejected:
            continue
        try:
            item = _state(vendor, movement, uuid)
        except Refusal as refusal:
            asked = registration(movement)
            share = reading.count("transfers", count.transfer(asked))
            said = f"the vendor refused it with HTTP {refusal.status}: {refusal.message}"
            reading.reject("transfers", movement.known_at, "refused_by_vendor", said, asked, share)
            uncounted += 1
            continue
        waiting.append((movement, item, uuid is not None))
        progress("transfers registered", number, len(found))
    for movement, item, was_pending in _finished(vendor, waiting, poll_seconds, progress):
        if was_pending and _status(item) not in parse.FINISHED:
            continue
        _land_transfer(reading, movement, item, was_pending)
        uncounted += was_pending
    if compare_count and not reading.is_empty:
        reading.states("transfers", max(_held_by(vendor) - held, 0) + uncounted)
    return reading


def _held_by(vendor: Vendor) -> int:
    """How many transfers the vendor says it holds, in whatever state."""
    counts = vendor.get(f"{TRANSFERS}/count-by-status").data
    if not isinstance(counts, dict) or not all(type(one) is int and one >= 0 for one in counts.values()):
        raise VendorError(
            f"TRM Labs answered {TRANSFERS}/count-by-status with {text(counts):.200}, which is no count of transfers "
            "by status. Ask the vendor; SOURCES__TRM__COMPARE_COUNT=false loads without comparing."
        )
    return sum(counts.values())


def _state(vendor: Vendor, movement: Movement, uuid: str | None) -> Any:
    if uuid is not None:
        try:
            return vendor.get(f"{TRANSFERS}/{uuid}").data
        except Refusal as refusal:
            if refusal.status != 404:
                raise
    # Never registered, or forgotten by the vendor: resubmission is ignored, so this is safe after a crash too.
    return vendor.post(TRANSFERS, registration(movement)).data


def _landed_states() -> list[tuple]:
    return ledger.landed(FEED, "transfers", "ledger_transfer_id, transfer_uuid, screen_status_code")


def _rejected_transfers() -> list[tuple]:
    return ledger.landed(FEED, "rejects", "raw_record ->> '$.externalId', table_name, reason_code")


def registration(movement: Movement) -> dict:
    """The body that registers a movement. Our transfer id is its externalId, so that registering again is harmless."""
    return {
        "accountExternalId": movement.account_id,
        "asset": movement.asset_code.lower(),
        "assetAmount": None if movement.amount is None else format(movement.amount.normalize(), "f"),
        "chain": chain_of(movement.chain_code),
        "destinationAddress": movement.output_address,
        "externalId": movement.ledger_transfer_id,
        "fiatCurrency": "USD",
        "fiatValue": None,
        "onchainReference": movement.tx_hash,
        "timestamp": movement.moved_at.isoformat(timespec="milliseconds") + "Z",
        "transferType": "CRYPTO_DEPOSIT" if movement.is_deposit else "CRYPTO_WITHDRAWAL",
    }


def _status(item: Any) -> Any:
    return item.get("screenStatus") if isinstance(item, dict) else None


def _finished(
    vendor: Vendor, waiting: list[tuple[Movement, Any, bool]], poll_seconds: float, progress: Progress
) -> list[tuple[Movement, Any, bool]]:
    delay, waited = FIRST_POLL_DELAY, 0.0
    while waited < poll_seconds:
        open_ones = [n for n, (_, item, _) in enumerate(waiting) if _status(item) == "PROCESSING" and item.get("uuid")]
        if not open_ones:
            break
        progress("still processing", len(open_ones), len(waiting))
        time.sleep(delay)
        waited, delay = waited + delay, min(delay * 2, LONGEST_POLL_DELAY)
        for n in open_ones:
            movement, item, was_pending = waiting[n]
            waiting[n] = movement, vendor.get(f"{TRANSFERS}/{item['uuid']}").data, was_pending
    return waiting


def _land_transfer(reading: Reading, movement: Movement, item: Any, was_pending: bool) -> None:
    share = reading.count("transfers", count.transfer(item))
    details = [reading.count("exposures", key) for key in count.transfer_exposures(item)]
    try:
        row, counterparties = parse.transfer(item)
        if row["ledger_transfer_id"] != movement.ledger_transfer_id:
            raise Unreadable(f"externalId {row['ledger_transfer_id']!r} is not that of the transfer asked about")
    except Unreadable as problem:
        record = {"externalId": movement.ledger_transfer_id, "answer": item}
        _reject_whole(reading, "transfers", movement.known_at, problem, item, record, share, details)
        return
    # The vendor does not say when it finished: a later state is known after the earlier one.
    known_at = max(row["submitted_at"] or movement.known_at, movement.known_at)
    known_at += timedelta(microseconds=1 if was_pending else 0)
    screening_id = f"{row['transfer_uuid']}@{row['screen_status_code']}"
    is_whole = row["screen_status_code"] in parse.FINISHED
    reading.land("transfers", known_at, {**row, "screening_id": screening_id}, answer=item, is_whole=is_whole)
    for counterparty in counterparties:
        reading.land("exposures", known_at, {**counterparty, "screening_id": screening_id})
