"""The ledger's counterparty addresses, asked about at Chainalysis Address Screening and at its free sanctions API.

Belongs here: which addresses, the requests, and the rows that the answers become. Neither answer says when it was made,
so a row is known from the `Date` that the vendor's server put on it.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import duckdb

from ingestion import control_totals, pipeline, rejects, wire
from ingestion.chainalysis import parse
from ingestion.chainalysis.movements import FIRST_ADDRESS, exists
from ingestion.chainalysis.schemas import FEED
from ingestion.contract import changed
from ingestion.control_totals import record_hash
from ingestion.reading import drift
from ingestion.vendor import Answer, Refusal, Vendor, VendorError, date_of

WORKERS = 8
RISK_PER_SECOND = 40
SANCTIONS_PER_MINUTE = 1000
"""The sanctions API allows 5,000 requests in five minutes."""


@dataclass(frozen=True)
class Product:
    """One of the two products: where an address is asked for, the members of its answers that hold rows, and those that
    no answer may lack."""

    code: str
    title: str
    path: str
    lists: tuple[str, ...]
    needs: tuple[str, ...]
    known: frozenset[str]


RISK = Product(
    "risk",
    "Chainalysis Address Screening",
    "/v2/entities/",
    ("addressIdentifications", "exposures"),
    ("risk", "addressIdentifications", "exposures"),
    frozenset(
        {"address", "risk", "riskReason", "cluster", "addressIdentifications", "exposures", "triggers", "status"}
    ),
)
SANCTIONS = Product(
    "sanctions",
    "Chainalysis sanctions API",
    "/api/v1/address/",
    ("identifications",),
    ("identifications",),
    frozenset({"identifications"}),
)


def risk_vendor(url: str, key: str | None, attempts: int) -> Vendor:
    """The client of Address Screening, whose key is the KYT key."""
    headers = {"Token": _key(key, "API_KEY")}
    return Vendor(FEED, RISK.title, url, headers=headers, per_second=RISK_PER_SECOND, attempts=attempts)


def sanctions_vendor(url: str, key: str | None, attempts: int) -> Vendor:
    """The client of the free sanctions API, which has keys of its own."""
    headers = {"X-API-Key": _key(key, "SANCTIONS_API_KEY")}
    limit = SANCTIONS_PER_MINUTE
    return Vendor(FEED, SANCTIONS.title, url, headers=headers, per_minute=limit, attempts=attempts, prefix="sanctions_")


def _key(key: str | None, name: str) -> str:
    if not key:
        raise VendorError(f"Chainalysis: no key. Set SOURCES__CHAINALYSIS__{name}.")
    return key


@dataclass(frozen=True)
class Wanted:
    """The addresses to ask one product about. `ledger_known_at` (naive UTC): when the ledger's newest row became known;
    None without a ledger."""

    addresses: tuple[str, ...] = ()
    ledger_known_at: datetime | None = None


def to_screen(connection: duckdb.DuckDBPyConnection, product: Product, rescreen: timedelta) -> Wanted:
    """Counterparty addresses of the crypto movements in `raw_exchange` that this product was never asked about, that
    had a movement since, or that were last asked about `rescreen` ago: a vendor may name an address at any time.

    The clock is the ledger's, the time when its newest row became known, so that the same ledger asks for the same."""
    if not (exists(connection, "raw_exchange", "deposits") and exists(connection, "raw_exchange", "withdrawals")):
        return Wanted()
    landed = exists(connection, "raw_chainalysis", "address_screenings")
    given = {"first_address": FIRST_ADDRESS}
    given |= {"product_code": product.code, "seconds": rescreen.total_seconds()} if landed else {}
    found = connection.execute(_MOVED + (_aged() if landed else _NEVER_ASKED), given).fetchall()
    return Wanted(tuple(address for address, _ in found), found[0][1] if found else None)


_MOVED = """
with completed as (select load_id from raw_exchange._dlt_loads where status = 0),
field as (
    select from_address as text, _known_at from raw_exchange.deposits
    where rail_code = 'crypto' and _dlt_load_id in (from completed)
    union all
    select to_address, _known_at from raw_exchange.withdrawals
    where rail_code = 'crypto' and _dlt_load_id in (from completed)
),
moved as (
    select trim(regexp_extract(text, $first_address)) as address, max(_known_at) as moved_at,
        (select max(_known_at) from field) as ledger_known_at
    from field where regexp_matches(text, $first_address) group by 1
)
"""

_NEVER_ASKED = "select address, ledger_known_at from moved order by address"


def _aged() -> str:
    return _AGED.replace("$stands", pipeline.stands(FEED))


_AGED = """,
asked as (
    select address, max(asked_at) as asked_at
    from (
        select address, product_code, ledger_known_at as asked_at, _dlt_load_id
        from raw_chainalysis.address_screenings
        union all
        select raw_record ->> '$.address', raw_record ->> '$.product_code',
            cast(raw_record ->> '$.ledger_known_at' as timestamp), _dlt_load_id
        from raw_chainalysis.rejects
        where table_name = 'address_screenings' and $stands
    )
    where product_code = $product_code
        and _dlt_load_id in (select load_id from raw_chainalysis._dlt_loads where status = 0)
    group by address
)
select address, ledger_known_at
from moved left join asked using (address)
where asked_at is null or moved_at > asked_at or ledger_known_at - to_seconds($seconds) >= asked_at
order by address
"""


@dataclass
class Screened:
    """The rows, totals and rejects of one run's address screening."""

    rows: dict[str, list[dict]] = field(default_factory=lambda: defaultdict(list))
    totals: list[dict] = field(default_factory=list)
    rejects: list[dict] = field(default_factory=list)
    added: set[str] = field(default_factory=set)

    def ask(self, product: Product, vendor: Vendor, wanted: Wanted, progress: Callable[[str, int, int], None]) -> None:
        """Asks about the addresses and takes in what is answered. Raises VendorError, also where most answers are not
        what the product's contract says."""
        addresses = wanted.addresses
        by_day: dict[date, list[tuple[str, Answer | Refusal]]] = defaultdict(list)
        with vendor, ThreadPoolExecutor(WORKERS) as executor:
            answers = executor.map(lambda address: _ask(vendor, product, address), addresses)
            for number, (address, answer) in enumerate(zip(addresses, answers, strict=True), 1):
                by_day[_known_at(answer, wanted).date()].append((address, answer))
                if number % 250 == 0 or number == len(addresses):
                    progress(f"{product.code} of addresses", number, len(addresses))
        for day, answered in sorted(by_day.items()):
            self._take_in(product, day, answered, wanted)
        readable = sum(row["product_code"] == product.code for row in self.rows["address_screenings"])
        refused = (one for one in self.rejects if json.loads(one["raw_record"])["product_code"] == product.code)
        if why := drift(f"address_screenings ({product.path}{{address}})", {"": readable}, refused):
            raise changed(why, f"{product.title} at {vendor.base_url}")

    def _take_in(
        self, product: Product, day: date, answered: list[tuple[str, Answer | Refusal]], wanted: Wanted
    ) -> None:
        asked = "\n".join([wanted.ledger_known_at.isoformat(), *(address for address, _ in answered)])
        asked = hashlib.sha256(asked.encode()).hexdigest()[:16]
        extract_id = f"{product.code}/{day.isoformat()}:{asked}"
        newest = max(_known_at(answer, wanted) for _, answer in answered)
        usd = Decimal(0)
        shares: dict[str, list[int]] = {"address_screenings": [], "address_exposures": []}
        numbers: Counter[str] = Counter()

        def number(table: str) -> int:
            numbers[table] += 1
            return numbers[table]

        for address, answer in answered:
            known_at = _known_at(answer, wanted)
            stamp = {"address": address, "product_code": product.code, "_known_at": known_at, "_extract_id": extract_id}
            said = None if isinstance(answer, Refusal) else answer.data
            share = record_hash(wire.key(address, product.code, wire.said(said, "risk")), None)
            shares["address_screenings"].append(share)
            stamp["screening_id"] = f"{product.code}:{address}@{known_at.isoformat()}"
            try:
                if isinstance(answer, Refusal):
                    raise parse.Unreadable(f"the vendor refused it with HTTP {answer.status}: {answer.message}")
                row = _screening(answer.data, product, self.added)
                # Counted in the answer as the vendor wrote it, before any member is looked at.
                members = [(name, member) for name in product.lists for member in _distinct(answer.data.get(name))]
                exposures = [_member(name, member) for name, member in members]
            except parse.Unreadable as problem:
                about = {"address": address, "product_code": product.code}
                about["ledger_known_at"] = wanted.ledger_known_at.isoformat()
                self._reject(about, answer, extract_id, number("address_screenings"), known_at, problem, share)
                continue
            own = {"ledger_known_at": wanted.ledger_known_at, "_record_no": number("address_screenings")}
            self.rows["address_screenings"].append(stamp | row | own)
            shares["address_exposures"] += [_member_hash(address, product, *member) for member in members]
            usd += sum(wire.cents(member, "value") or 0 for _, member in members)
            for position, exposure in enumerate(exposures, 1):
                own = {"member_no": position, "_record_no": number("address_exposures")}
                self.rows["address_exposures"].append(stamp | exposure | own)
        for table, counted in shares.items():
            self.totals.append(
                control_totals.row(
                    extract_id=extract_id,
                    feed_code=FEED,
                    table_name=table,
                    source_rows=len(counted),
                    source_hash=sum(counted),
                    source_amount=usd if table == "address_exposures" else None,
                    captured_by="independent_count",
                    source_uri=f"{product.path}{{address}}",
                    known_at=newest,
                )
            )

    def _reject(
        self,
        about: dict[str, str],
        answer: Answer | Refusal,
        extract_id: str,
        number: int,
        known_at: datetime,
        problem: parse.Unreadable,
        share: int,
    ) -> None:
        refused = isinstance(answer, Refusal)
        said = parse.text(answer.body) if refused else answer.body.decode(errors="replace")
        self.rejects.append(
            rejects.row(
                feed_code=FEED,
                table_name="address_screenings",
                extract_id=extract_id,
                record_no=number,
                reason_code="refused_by_vendor" if refused else "unreadable_answer",
                reason=str(problem),
                raw_record={**about, "answer": said},
                first_seen_at=known_at,
                event_date=known_at.date(),
                record_hash=share,
            )
        )


def _ask(vendor: Vendor, product: Product, address: str) -> Answer | Refusal:
    try:
        return vendor.get(product.path + quote(address, safe=""))
    except Refusal as refusal:
        return refusal


def _known_at(answer: Answer | Refusal, wanted: Wanted) -> datetime:
    """The server's own word for when it answered, naive UTC, but not before the ledger that was asked for was known."""
    answered_at = date_of(answer.headers)
    if answered_at is None:
        raise VendorError(
            "Chainalysis answered about an address without a Date header, so that nobody knows when its answer became "
            "known. Something between here and the vendor takes it away."
        )
    return max(answered_at.replace(tzinfo=None), wanted.ledger_known_at)


def _screening(answer: object, product: Product, added: set[str]) -> dict:
    if not isinstance(answer, dict):
        raise parse.Unreadable("the answer is not a JSON object")
    added |= {f"{product.code}.{name}" for name in answer.keys() - product.known}
    for name in product.needs:
        if name not in answer:
            raise parse.Unreadable(f"{name} is missing from the answer")
    for name in product.lists:
        if not isinstance(answer[name], list):
            raise parse.Unreadable(f"{name} is not a list")
    cluster = answer.get("cluster") or {}
    texts = {
        "risk_code": answer.get("risk"),
        "risk_reason": answer.get("riskReason"),
        "cluster_name": cluster.get("name") if isinstance(cluster, dict) else cluster,
        "cluster_category": cluster.get("category") if isinstance(cluster, dict) else None,
        "status_code": answer.get("status"),
    }
    return {
        **{name: _text(value, name) for name, value in texts.items()},
        "identification_count": len(_distinct(answer[product.lists[0]])),
        "answer_json": parse.text(answer | {name: _distinct(answer[name]) for name in product.lists}),
    }


_MEMBER_NEEDS = {"exposures": ("category", "value")}
_MEMBER_NEEDS |= dict.fromkeys(("addressIdentifications", "identifications"), ("category", "name"))


def _member(list_name: str, member: object) -> dict:
    if not isinstance(member, dict):
        raise parse.Unreadable(f"a member of {list_name} is not a JSON object")
    for name in _MEMBER_NEEDS[list_name]:
        if name not in member:
            raise parse.Unreadable(f"{name} is missing from a member of {list_name}")
    names = {"category": "category", "name": "name", "description": "description"}
    names |= {"exposure_type_code": "exposureType", "direction_code": "direction"}
    return {
        "member_code": _member_code(list_name),
        **{column: _text(member.get(name), name) for column, name in names.items()},
        "value_usd": parse.usd(member.get("value"), "value"),
        "answer_json": parse.text(member),
    }


def _member_code(list_name: str) -> str:
    return "exposures" if list_name == "exposures" else "identifications"


def _member_hash(address: str, product: Product, list_name: str, member: object) -> int:
    """The member's share of the hash, as the answer itself says it."""
    said = wire.said(member, "category"), wire.said(member, "name")
    return record_hash(wire.key(address, product.code, _member_code(list_name), *said), None)


def _distinct(members: list) -> list:
    """The members in a fixed order, each once: a vendor may repeat and shuffle them."""
    return parse.distinct(members)


def _text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise parse.Unreadable(f"{name} {value!r} is not text")
    return value
