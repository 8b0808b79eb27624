"""What identity vendors bring in one run: webhooks from files, applicants over HTTP, as rows, rejects and totals.

Belongs here: what is asked, what is new, how it lands. Requests and answers of a vendor are in the module named after
it.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from ingestion import bounded, control_totals, landing, pipeline, rejects
from ingestion.contract import hold_records
from ingestion.deliveries import DeliveredFile, Delivery, DeliveryError
from ingestion.kyc import count, onfido, persona, sumsub, webhooks
from ingestion.kyc.records import SCHEMAS, Applicant, Reject, Unusable
from ingestion.vendor import Refusal, Vendor, VendorError

FEED = "kyc"
SCHEMA = pipeline.dataset(FEED)
PATTERNS = {"*.jsonl": "webhooks", "*.ndjson": "webhooks"}
ENDPOINTS = {"sumsub": "/resources/applicants", "onfido": "/applicants", "persona": "/inquiries"}
CONNECTIONS = 4
_TIED_TO_NOBODY = {"untied_report", "unknown_applicant"}
"""Reasons that say nothing about the form of a record."""


@dataclass(frozen=True)
class Settings:
    """How one vendor is reached; None or empty: not configured."""

    vendor: str
    api_url: str | None = None
    api_key: str | None = None
    api_secret: str | None = None
    webhooks_url: str | None = None
    webhook_secret: str | None = None

    def needs(self, **given: str | None) -> None:
        """Raises VendorError naming the settings that are missing."""
        missing = [name for name, value in given.items() if not value]
        if missing:
            names = ", ".join(f"SOURCES__KYC__{self.vendor}_{name}".upper() for name in missing)
            raise VendorError(f"{self.vendor.capitalize()} is configured without {names}: set it.")


class Run:
    """One reading of all configured vendors. Raises VendorError and DeliveryError."""

    def __init__(self, start: date | None, end: date | None) -> None:
        self._extracted = landing.Extracted()
        self._start, self._end = start, end
        self._done = pipeline.completed_extracts(FEED)
        self._stored, self._events = _stored()
        self._refused_texts = _standing_rejects()
        self.added: set[str] = set()

    def load(self, settings: Settings) -> None:
        """Adds what a vendor brings."""
        if settings.webhooks_url:
            settings.needs(webhook_secret=settings.webhook_secret)
            self._webhooks(settings)
        if settings.api_url:
            {"sumsub": self._sumsub, "onfido": self._onfido, "persona": self._persona}[settings.vendor](settings)
        self._read_again(settings.vendor)

    def extracted(self) -> landing.Extracted:
        """All of it, each table in one piece."""
        tables = {name: [pa.concat_tables(parts)] for name, parts in self._extracted.tables.items()}
        return landing.Extracted(tables, self._extracted.totals, self._extracted.rejects)

    def _webhooks(self, settings: Settings) -> None:
        found = landing.find(settings.webhooks_url, PATTERNS, _received_at, start=self._start, end=self._end)
        for delivery, file in landing.pairs(found):
            extract_id = f"{settings.vendor}/webhooks/{file.extract_id}"
            if extract_id in self._done:
                continue
            land = _Landing(self._extracted, f"{settings.vendor}/webhooks/{file.uri}", extract_id, delivery.known_at)
            raw, bodies = bounded.lines(file.path), {}
            lines = [line for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
            for line in lines:
                try:
                    webhook = webhooks.read(settings.vendor, line, settings.webhook_secret)
                except Unusable as problem:
                    shown = line.decode("utf-8", "backslashreplace")
                    land.reject(Reject("webhooks", problem, shown, count.webhook(line)))
                    continue
                land.row("webhooks", webhook.row)
                if settings.vendor == "onfido" and webhook.webhook_id not in bodies:
                    self._document(land, webhook)
                bodies[webhook.webhook_id] = webhook.body
                if webhook.applicant_id:
                    key = webhook.vendor, webhook.applicant_id
                    self._events[key] = max(webhook.event_at, self._events.get(key, webhook.event_at))
            keys = {"webhooks": [count.webhook(line) for line in lines]}
            if settings.vendor == "onfido":
                keys["documents"] = count.documents_in(bodies.values())
            land.close(keys, {"webhooks": _stated(delivery, file, count.lines(raw))})

    @staticmethod
    def _document(land: "_Landing", webhook: webhooks.Webhook) -> None:
        try:
            if document := onfido.webhook_document(webhook.content):
                land.row("documents", document)
        except Unusable as problem:
            (key,) = count.documents_in([webhook.body]) or [""]
            land.reject(Reject("documents", problem, webhook.body, key))

    def _sumsub(self, settings: Settings) -> None:
        """Applicants that a webhook spoke of later than what is stored of them, in the order of the events."""
        settings.needs(api_key=settings.api_key, api_secret=settings.api_secret)
        asked = sorted(
            (event_at, applicant_id)
            for (vendor, applicant_id), event_at in self._events.items()
            if vendor == sumsub.VENDOR
            and not self._is_stored(vendor, applicant_id, event_at)
            and _refused_id(vendor, applicant_id, event_at) not in self._done
        )
        found: list[Applicant] = []
        unusable: list[str] = []
        auth = sumsub.Signed(settings.api_key, settings.api_secret)
        with (
            Vendor(FEED, "Sumsub", settings.api_url, prefix="sumsub_", auth=auth) as vendor,
            ThreadPoolExecutor(CONNECTIONS) as pool,
        ):
            answers = list(pool.map(lambda one: sumsub.fetch(vendor, one[1]), asked))
        for (event_at, applicant_id), answer in zip(asked, answers, strict=True):
            try:
                if isinstance(answer, Refusal):
                    raise Unusable("refused", f"the vendor does not give the applicant (HTTP {answer.status})")
                found.append(sumsub.applicant(answer, applicant_id, event_at))
            except Unusable as problem:
                if problem.code != "refused":
                    unusable.append(str(problem))
                shown = "" if isinstance(answer, Refusal) else answer.decode("utf-8", "backslashreplace")
                self._refused(settings.vendor, applicant_id, event_at, problem, shown)
        self._applicants(settings.vendor, found, [], unusable=unusable)

    def _onfido(self, settings: Settings) -> None:
        settings.needs(api_key=settings.api_key)
        auth = onfido.Token(settings.api_key)
        with Vendor(FEED, "Onfido", settings.api_url, prefix="onfido_", auth=auth) as vendor:
            found, rejected = onfido.fetch(vendor)
        self._applicants(settings.vendor, found, rejected)

    def _persona(self, settings: Settings) -> None:
        settings.needs(api_key=settings.api_key)
        auth = persona.Bearer(settings.api_key)
        with Vendor(
            FEED,
            "Persona",
            settings.api_url,
            prefix="persona_",
            auth=auth,
            headers=persona.HEADERS,
            per_minute=persona.PER_MINUTE,
        ) as vendor:
            found, rejected, unchanged = persona.fetch(vendor, lambda *one: self._is_stored(persona.VENDOR, *one))
        self._applicants(settings.vendor, found, rejected, unchanged=unchanged)

    def _is_stored(self, vendor: str, applicant_id: str, updated_at: datetime) -> bool:
        stored = self._stored.get((vendor, applicant_id))
        return stored is not None and updated_at <= stored[0]

    def _applicants(
        self,
        vendor: str,
        found: list[Applicant],
        rejected: list[Reject],
        *,
        unchanged: int = 0,
        unusable: Iterable[str] = (),
    ) -> None:
        """Lands the applicants that are not stored as they are, an extract per day on which they became known.
        `unchanged`: how many more are stored as they are; `unusable`: why others could not be read. Raises VendorError
        where most of what came is not what the vendor's contract says."""
        _hold(vendor, found, rejected, unchanged, unusable)
        self.added.update(*(one.added for one in found))
        by_day: dict[date, list[Applicant]] = defaultdict(list)
        for one in sorted(found, key=lambda one: one.applicant_id):
            _, digests = self._stored.get((vendor, one.applicant_id), (None, ()))
            # What was refused as a whole is only taken in by a replay, which closes its rejects.
            if _digest(one.text) not in digests and one.text not in self._refused_texts:
                by_day[one.known_at.date()].append(one)
        for day, ones in sorted(by_day.items()):
            digest = _digest(*sorted(one.applicant_id + _digest(one.text) for one in ones))
            known_at = max(one.known_at for one in ones)
            extract_id = f"{vendor}/applicants/{day}:{digest[:16]}"
            if extract_id in self._done:
                continue
            self._land(vendor, extract_id, ones, known_at)
        if rejected:
            self._list_rejects(vendor, found, rejected)

    def _land(self, vendor: str, extract_id: str, ones: list[Applicant], known_at: datetime) -> None:
        land = _Landing(self._extracted, ENDPOINTS[vendor], extract_id, known_at)
        for one in ones:
            land.row("applicants", one.row, one.known_at)
            for part in one.parts:
                if isinstance(part, Reject):
                    land.reject(part)
                else:
                    land.row(*part, one.known_at)
        land.close(_together(count.of_answers(vendor, (one.text for one in ones))))

    def _read_again(self, vendor: str) -> None:
        """What a replay wants of applicants that landed, whose documents or reviews were rejected: their answers lie
        whole in the warehouse, so that nobody is asked for them."""
        reading = {"sumsub": sumsub.applicant, "onfido": onfido.kept, "persona": persona.kept}[vendor]
        for extract_id in sorted(pipeline.extracts_read_again()):
            if extract_id.startswith(f"{vendor}/applicants/"):
                kept = _kept(extract_id)
                ones = [reading(answer.encode(), applicant_id, known_at) for answer, applicant_id, known_at in kept]
                if ones:
                    self._land(vendor, extract_id, ones, max(one.known_at for one in ones))

    def _list_rejects(self, vendor: str, found: list[Applicant], rejected: list[Reject]) -> None:
        """Elements of lists that belong to no applicant: an extract of their own, known with the newest of the list."""
        known_at = max((one.known_at for one in found), default=landing.ALWAYS_KNOWN)
        digest = _digest(*sorted(reject.table + reject.record for reject in rejected))
        extract_id = f"{vendor}/unusable:{digest[:16]}"
        if extract_id in self._done:
            return
        land = _Landing(self._extracted, ENDPOINTS[vendor], extract_id, known_at)
        keys: dict[str, list[str]] = defaultdict(list)
        for reject in rejected:
            land.reject(reject)
            keys[reject.table].append(reject.key)
        land.close(keys)

    def _refused(self, vendor: str, applicant_id: str, event_at: datetime, problem: Unusable, shown: str) -> None:
        """An applicant that was announced and cannot be had, with all that its answer holds."""
        land = _Landing(self._extracted, ENDPOINTS[vendor], _refused_id(vendor, applicant_id, event_at), event_at)
        (keys,) = count.of_answers(vendor, [shown])
        record = shown or json.dumps({"applicantId": applicant_id})
        for table, found in keys.items():
            for number, key in enumerate(found, 1):
                part = json.dumps({"number": number, "answer": record})
                land.reject(Reject(table, problem, record if table == "applicants" else part, key))
        land.close(keys)


def _together(answers: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    return {table: [key for keys in answers for key in keys[table]] for table in ("applicants", "documents", "reviews")}


def _hold(vendor: str, found: list[Applicant], rejected: list[Reject], unchanged: int, unusable: Iterable[str]) -> None:
    changed = [reject for reject in rejected if reject.problem.code not in _TIED_TO_NOBODY]
    usable = len(found) + unchanged
    reasons = [*unusable, *(str(reject.problem) for reject in changed if reject.table == "applicants")]
    hold_records(f"applicants of {vendor}", usable, reasons)
    for table in ("documents", "reviews"):
        refused = [reject for reject in [*changed, *(r for one in found for r in one.rejects)] if reject.table == table]
        usable = sum(len(getattr(one, table)) for one in found) + unchanged
        hold_records(f"{table} of {vendor}", usable, (str(reject.problem) for reject in refused))


class _Landing:
    """The rows, rejects and totals of one extract."""

    def __init__(self, extracted: landing.Extracted, source_uri: str, extract_id: str, known_at: datetime) -> None:
        self._extracted, self._source_uri, self._extract_id = extracted, source_uri, extract_id
        self._known_at = known_at
        self._rows: dict[tuple[str, datetime], list[dict]] = defaultdict(list)
        self._numbers: dict[str, int] = defaultdict(int)

    def row(self, table: str, row: dict, known_at: datetime | None = None) -> None:
        self._numbers[table] += 1
        self._rows[table, known_at or self._known_at].append({**row, "_record_no": self._numbers[table]})

    def reject(self, reject: Reject) -> None:
        self._numbers[reject.table] += 1
        self._extracted.rejects.append(
            rejects.row(
                feed_code=FEED,
                table_name=reject.table,
                extract_id=self._extract_id,
                record_no=self._numbers[reject.table],
                reason_code=reject.problem.code,
                reason=str(reject.problem),
                raw_record=reject.record.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
                or "(empty)",
                first_seen_at=self._known_at,
                event_date=self._known_at.date(),
                record_hash=control_totals.record_hash(reject.key, None),
            )
        )

    def close(self, keys: dict[str, list[str]], stated: Mapping[str, tuple[int, str]] = MappingProxyType({})) -> None:
        """Hands the rows over, with what was counted apart from them: the keys of the records by table, and where
        somebody else says how many there are (`stated`), that and who."""
        for (table, known_at), rows in sorted(self._rows.items()):
            self._extracted.add(table, landing.to_table(rows, SCHEMAS[table], known_at, self._extract_id))
        for table, found in keys.items():
            source_rows, captured_by = stated.get(table, (len(found), "independent_count"))
            self._extracted.totals.append(
                control_totals.row(
                    extract_id=self._extract_id,
                    feed_code=FEED,
                    table_name=table,
                    source_rows=source_rows,
                    source_hash=sum(control_totals.record_hash(key, None) for key in found),
                    captured_by=captured_by,
                    source_uri=self._source_uri,
                    known_at=self._known_at,
                )
            )


def _stated(delivery: Delivery, file: DeliveredFile, counted: int) -> tuple[int, str]:
    """The manifest's number of webhooks, else the count."""
    if file.manifest_rows is None:
        return counted, "independent_count"
    if file.manifest_totals:
        raise DeliveryError(f"{file.path}: webhooks have no totals by day or asset, state `rows` alone.")
    return file.manifest_rows, "manifest"


def _received_at(path: Path) -> datetime:
    return landing.newest_moment(bounded.lines(path))


def _refused_id(vendor: str, applicant_id: str, event_at: datetime) -> str:
    return f"{vendor}/applicants/{applicant_id}:refused@{event_at.isoformat()}"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _stored() -> tuple[dict[tuple[str, str], tuple[datetime, set[str]]], dict[tuple[str, str], datetime]]:
    """By vendor and applicant what completed loads brought: the latest moment and the digests of the answers; and the
    latest event that a webhook spoke of."""
    applicants = "max(updated_at), list(distinct sha256(answer_json))"
    stored = {(v, a): (at, set(digests)) for v, a, at, digests in _query("applicants", applicants)}
    return stored, {(v, a): at for v, a, at in _query("webhooks", "max(event_at)") if a}


def _kept(extract_id: str) -> Iterable[tuple]:
    """Answer, applicant and known-at time of the applicants of an extract, in their order."""
    columns = "answer_json, applicant_id, updated_at"
    return _rows("applicants", columns, "_extract_id = ? order by _record_no", extract_id)


def _standing_rejects() -> set[str]:
    """The records of applicants that were rejected whole and are not asked about again just now."""
    rows = _rows("rejects", "raw_record", f"table_name = 'applicants' and {pipeline.stands(FEED)}")
    return {record for (record,) in rows}


def _query(table: str, columns: str) -> Iterable[tuple]:
    return _rows(table, f"vendor_code, applicant_id, {columns}", "true group by all")


def _rows(table: str, columns: str, where: str, *values: str) -> Iterable[tuple]:
    """Columns of the rows of completed loads, `values` in the places of `where`; none before the first load."""
    if not pipeline.warehouse_path().exists():
        return []
    with pipeline.warehouse() as connection:
        if not all(pipeline.has_table(connection, SCHEMA, name) for name in (table, "_dlt_loads")):
            return []
        return connection.execute(
            f"select {columns} from {SCHEMA}.{table} "  # noqa: S608 (names of this module)
            f"where _dlt_load_id in (select load_id from {SCHEMA}._dlt_loads where status = 0) and {where}",
            list(values),
        ).fetchall()
