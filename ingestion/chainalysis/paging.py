"""The vendor's v1 lists, read whole although rows come in while they are read."""

from collections.abc import Awaitable, Callable

from ingestion.chainalysis import parse
from ingestion.vendor import VendorUnavailable

PAGE = 100
READINGS = 5


async def whole_list(name: str, page: Callable[[int], Awaitable[bytes]], identity: Callable[[dict], str]) -> list[dict]:
    """Every row of a list, once; `page(offset)` asks for `PAGE` rows from there on, `identity` is what a row is about.

    A row that comes into the list between two pages shifts the rest: one row is then answered twice and one not at all.
    So what was read is kept and the list read again, until as many different rows were seen as its `total` says.
    Raises VendorUnavailable when that never happens, Unreadable on an answer that is no list."""
    found: dict[str, dict] = {}
    for _ in range(READINGS):
        offset = 0
        while True:
            total, rows = parse.listing(await page(offset))
            read = {identity(row): row for row in rows}
            found |= read
            offset += len(read)
            if not read or offset >= total:
                break
        if len(found) >= total:
            return list(found.values())
    raise VendorUnavailable(
        f"Chainalysis KYT: the {name} list says total {total} and holds {len(found)} different {name}, read {READINGS} "
        "times. It changes faster than it can be read, or the vendor's paging is wrong; run again when it is quiet, or "
        "ask the vendor."
    )
