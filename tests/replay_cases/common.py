"""What a case is, how code is made to refuse a record, and sources that answer as they are told."""

import dataclasses
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pyarrow.compute as pc
import pytest
import vendor_world
from aiohttp import web

from ingestion import pipeline, validation
from ingestion.onchain import parse as onchain
from sandbox.vendor import in_thread

DAY = "delivery=2026-01-01"
ADDRESS, HASH = "0x" + "ab" * 20, "0x" + "cd" * 32


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


def ledger(rows: list[dict]) -> None:
    """A warehouse whose exchange ledger holds these movements, with what is the same of all of them."""
    common = {"rail_code": "crypto", "status_code": "completed", "from_address": "", "_known_at": datetime(2026, 2, 1)}
    common |= {"_extract_id": "x", "_record_no": 1, "_dlt_load_id": "done"}
    vendor_world.write_ledger([common | row for row in rows])


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
