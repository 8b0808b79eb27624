"""OpenSanctions in the FollowTheMoney form: whole (`entities.ftm.json`) and as changes (`entities.delta.json`).

The data is licensed CC BY-NC 4.0: commercial users need a licence of the publisher.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion import bounded, wire
from ingestion.control_totals import RECORD_HASH_SQL
from ingestion.deliveries import refuse_long_lines
from ingestion.watchlists.dates import precision
from ingestion.watchlists.model import (
    DELETED,
    LISTED,
    Found,
    Rejected,
    UnusablePublication,
    checked,
    child,
    entry,
    text_of,
)
from ingestion.watchlists.xml import Counted

NAMES = ("name", "alias", "weakAlias", "previousName", "abbreviation")
IDENTIFIERS = {
    "birthDate": "birth_date", "nationality": "nationality", "citizenship": "citizenship", "country": "country",
    "passportNumber": "passport", "idNumber": "national_identifier", "taxNumber": "tax_number", "innCode": "inn",
    "registrationNumber": "business_registration", "ogrnCode": "ogrn", "leiCode": "lei", "swiftBic": "bic",
    "imoNumber": "imo", "mmsi": "mmsi", "wikidataId": "wikidata",
}  # fmt: skip
OPS = {"ADD": "ADD", "MOD": "MOD", "DEL": DELETED}
_VOLATILE = ("first_seen", "last_seen", "last_change", "referents")
_BATCH = 1 << 24
"""Bytes of lines that are counted at once."""
_ODD = re.compile(rb"[0-9]{4300}|[:,\[]\s*-?(?:nan|inf)|\\u", re.IGNORECASE)
"""What one reader of JSON takes and another does not: endless numbers, numbers that are none, half a surrogate pair."""


def parse(path: Path, *, is_delta: bool) -> Iterator[Found]:
    """The records of one publication or of one set of changes, each entity followed by its parts. A deleted entity is
    an entry without parts."""
    seen: set[str] = set()
    with path.open("rb") as stream:
        for line in stream:
            if line.strip():
                yield from _line(line, is_delta, seen)


def _line(line: bytes, is_delta: bool, seen: set[str]) -> Iterator[Found]:
    text = line.decode("utf-8", "backslashreplace").strip()
    try:
        said, has_repeated = _said(line)
    except ValueError as error:
        yield Rejected("entries", "not_json", f"the line cannot be read as JSON: {error}", text)
        return
    op, entity = LISTED, said
    if is_delta:
        op = OPS.get(said.get("op")) if isinstance(said, dict) else None
        entity = said.get("entity") if isinstance(said, dict) else None
        if op is None:
            yield from _without_use(entity, "unknown_op", "the line is no ADD, MOD or DEL", text)
            return
    if has_repeated:
        yield from _without_use(entity, "repeated_member", "a member is given twice", text)
        return
    if not isinstance(entity, dict) or not isinstance(entity.get("id"), str | None):
        yield from _without_use(entity, "not_an_entity", "the line holds no entity with an id", text)
        return
    if not isinstance(entity.get("properties", {}), dict):
        reason, number = "the properties of the entity are no mapping", entity.get("id") or ""
        yield Rejected("entries", "not_an_entity", reason, text, number)
        return
    number = entity.get("id")
    found = list(_entity(entity, number or "", op, not is_delta, text))
    yield from checked(found, number, seen)


def _said(line: bytes) -> tuple[object, bool]:
    """The line's JSON, all of it text that a table can hold, and whether a member is given twice in it (the first of
    them counts, as it does for the count). Raises ValueError."""
    repeated = []

    def once(pairs: list[tuple[str, object]]) -> dict:
        found = dict(reversed(pairs))
        repeated.extend(pairs[len(found) :])
        return found

    said = bounded.json_of(line.decode("utf-8"), object_pairs_hook=once)
    if b"\\u" in line:  # half a surrogate pair can be escaped and is no character
        json.dumps(said, ensure_ascii=False).encode()
    return said, bool(repeated)


def _without_use(entity: object, code: str, reason: str, text: str) -> Iterator[Found]:
    usable = isinstance(entity, dict) and isinstance(entity.get("properties", {}), dict)
    number = wire.key(wire.said(entity, "id"))
    found = list(_entity(entity, number, LISTED, False, text)) if usable else []
    yield Rejected("entries", code, reason, text, number)
    for one in found[1:]:
        table, row = one
        yield Rejected(table, code, reason, json.dumps(row, ensure_ascii=False), number)


def _entity(entity: Mapping, number: str, op: str, is_whole: bool, text: str) -> Iterator[Found]:
    content = {key: value for key, value in entity.items() if key not in _VOLATILE}
    yield entry(
        number,
        text,
        content=json.dumps(content, ensure_ascii=False, sort_keys=True),
        op_code=op,
        is_whole=is_whole,
        entry_type=_text(entity.get("schema")),
        name=_text(entity.get("caption")),
        program=text_of(_values(entity, "programId") or _values(entity, "program") or _values(entity, "topics"), "; "),
        listed_on_text=_text(entity.get("first_seen")),
        remarks=text_of(_values(entity, "notes"), "\n"),
    )
    for kind in NAMES:
        for name in _values(entity, kind):
            quality = "weak" if kind == "weakAlias" else None
            yield child("names", number, name_type=kind, name_quality=quality, name=name)
    for kind, place_type in (("address", "address"), ("birthPlace", "birth_place")):
        for place in _values(entity, kind):
            yield child("places", number, place_type=place_type, address=place)
    for kind, identifier_type in IDENTIFIERS.items():
        for value in _values(entity, kind):
            how, problem = precision(value) if kind == "birthDate" else (None, None)
            yield child(
                "identifiers", number, identifier_type=identifier_type,
                value=value, date_precision_code=how, is_valid=problem is None, invalid_reason_code=problem,
            )  # fmt: skip
    if entity.get("schema") == "CryptoWallet":
        code = (_values(entity, "currency") or _values(entity, "currencySymbol") or ["UNKNOWN"])[0]
        for mention_no, address in enumerate(_values(entity, "publicKey"), 1):
            yield child("digital_currency_addresses", number, asset_code=code, address=address, mention_no=mention_no)


def _values(entity: Mapping, name: str) -> list[str]:
    values = entity.get("properties", {}).get(name)
    values = values if isinstance(values, list) else []
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def count(path: Path, *, is_delta: bool) -> Counted:
    """Records by table: lines, and the values of the properties as DuckDB's JSON functions count them. Raises
    UnusablePublication for an empty whole publication and for a last line that is cut off, Oversized for a line that
    must not be held in memory."""
    refuse_long_lines(path)
    counted, batch, size, last = Counted(), [], 0, b"\n"
    with path.open("rb") as stream, duckdb.connect() as connection:
        for line in stream:
            last = line
            if line.strip():
                batch.append(line.decode() if _is_countable(line) else "")
                size += len(line)
            if size >= _BATCH:
                _add(counted, connection, batch, is_delta)
                batch, size = [], 0
        _add(counted, connection, batch, is_delta)
    if not counted.totals["entries"] and not is_delta:
        raise UnusablePublication("it is empty")
    if not last.endswith(b"\n") and not _is_json(last):
        raise UnusablePublication("its last line is cut off")
    return counted


def _is_json(line: bytes) -> bool:
    try:
        _said(line)
    except ValueError:
        return False
    return True


def _is_countable(line: bytes) -> bool:
    """Whether DuckDB may count the line's parts: not those of a line that is no text, or that only its reader takes."""
    is_odd = line.count(b"[") + line.count(b"{") > bounded.DEEPEST or _ODD.search(line)
    try:
        return _is_json(line) if is_odd else bool(line.decode())
    except UnicodeDecodeError:
        return False


def _add(counted: Counted, connection: duckdb.DuckDBPyConnection, lines: list[str], is_delta: bool) -> None:
    lengths = "coalesce(json_array_length(entity -> 'properties' -> '{}'), 0)".format
    sums = {
        "names": " + ".join(map(lengths, NAMES)),
        "places": " + ".join(map(lengths, ("address", "birthPlace"))),
        "identifiers": " + ".join(map(lengths, IDENTIFIERS)),
        "digital_currency_addresses": "case when entity ->> 'schema' = 'CryptoWallet' "
        f"then {lengths('publicKey')} else 0 end",
    }
    held = pa.table({"line": pa.array(lines, pa.string())})
    connection.register("held", held)
    share = RECORD_HASH_SQL.format("coalesce(entity ->> 'id', '') || '|'")
    wanted = [f"coalesce(sum({expression}), 0)" for expression in ("1", *sums.values())]
    wanted += [f"coalesce(sum({share} * cast({expression} as hugeint)), 0)" for expression in ("1", *sums.values())]
    found = connection.execute(
        f"select {', '.join(wanted)} "  # noqa: S608 (names of this module)
        f"from (select {'''line::json -> 'entity' ''' if is_delta else 'line::json'} as entity from held "
        "where json_valid(line))"
    ).fetchall()[0]
    objects = "(select line::json as one from held where json_valid(line)"
    objects += " union all select line::json -> 'entity' from held where json_valid(line))" if is_delta else ")"
    names = connection.execute(
        f"select distinct unnest(json_keys(one)) from {objects} where json_type(one) = 'OBJECT'"  # noqa: S608 (names of this module)
    ).fetchall()
    counted.names |= {name for (name,) in names}
    connection.unregister("held")
    tables = ("entries", *sums)
    for table, number, digest in zip(tables, found[: len(tables)], found[len(tables) :], strict=True):
        counted.totals[table] += int(number)
        counted.digests[table] += int(digest)
    counted.add("entries", "", len(lines) - int(found[0]))
