"""What the sandbox vendor knows about each transfer of the world, as ready-made answers.

Belongs here: reading `<world>/vendor` once, and the shape and number formats of the KYT answers. Registration state
is in `registry`, HTTP in `server`.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

NO_EXPOSURE = b'{"direct":{"name":null,"categoryId":null}}'
NO_ALERTS = b'{"alerts":[]}'
EXCHANGE = 21
"""The category id of an exchange."""
NO_NETWORKS = b'{"count":0,"networkIdentificationOrgs":[]}'


@dataclass(frozen=True)
class Transfer:
    """One KYT result. `tail` is the finished summary from its `tx` member on (None = the vendor never finishes);
    the head names what the client registered, so it is written per registration. `null_polls` first polls of a
    registration find it still processing."""

    external_id: str
    user_id: str
    asset: str
    network: str
    direction: str
    updated: str | None
    tail: str | None
    exposures: bytes
    alerts: bytes
    null_polls: int
    usd_amount: Decimal | None
    asset_amount: Decimal | None
    output_address: str | None
    tx: str | None
    idx: int | None
    category_id: int | None
    direct_name: str | None
    seen_at: datetime | None
    updated_at: datetime | None


class KytWorld:
    """All KYT results of one sandbox world, found by what a client registers."""

    def __init__(self, world_dir: Path) -> None:
        """Reads `<world_dir>/vendor/{transfers.parquet,categories.json}`. Raises FileNotFoundError naming the file."""
        folder = Path(world_dir) / "vendor"
        for name in ("transfers.parquet", "categories.json"):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder / name} is missing: `plumbline sandbox generate` writes it")
        categories = json.loads((folder / "categories.json").read_text(encoding="utf-8"))
        self.categories = json.dumps(categories, separators=(",", ":"), ensure_ascii=False).encode()
        self.category_names = {c["categoryId"]: c["categoryName"] for c in categories["categories"]}
        self._by_reference: dict[tuple[str, str, str], Transfer] = {}
        self._by_tx: dict[tuple[str, ...], Transfer] = {}
        self.paid: dict[str, Transfer] = {}
        self.rates: dict[str, Decimal] = {}
        for row in pq.read_table(folder / "transfers.parquet").to_pylist():
            self._add(row)

    def _add(self, row: dict) -> None:
        transfer = _transfer(row)
        tx = row["transfer_reference"].partition(":")[0].lower()
        self._by_reference[row["transfer_reference"], transfer.direction, transfer.user_id] = transfer
        self._by_tx[tx, transfer.direction, transfer.user_id] = transfer
        self._by_tx.setdefault((tx, transfer.direction), transfer)
        if transfer.direction == "sent" and transfer.output_address:
            self.paid[transfer.output_address] = transfer
        if transfer.usd_amount and transfer.asset_amount:
            self.rates[transfer.asset] = transfer.usd_amount / transfer.asset_amount

    def find(self, user_id: str, direction: str, reference: str) -> Transfer | None:
        """The result for a registration: by its exact reference, else (the client cleaned the address) by its hash."""
        tx = reference.partition(":")[0].lower()
        return (
            self._by_reference.get((reference, direction, user_id))
            or self._by_tx.get((tx, direction, user_id))
            or self._by_tx.get((tx, direction))
        )


def _transfer(row: dict) -> Transfer:
    updated_at = row["updated_at"]
    return Transfer(
        external_id=row["external_id"],
        user_id=row["user_id"],
        asset=row["asset"],
        network=row["network"].upper(),
        direction=row["direction"],
        updated=micros(updated_at) if updated_at else None,
        tail=_tail(row) if updated_at else None,
        exposures=_exposures(row["direct_name"], row["direct_category_id"]),
        alerts=f'{{"alerts":{row["alerts"] or "[]"}}}'.encode(),
        null_polls=_null_polls(row["external_id"]),
        usd_amount=row["usd_amount"],
        asset_amount=row["asset_amount"],
        output_address=row["output_address"],
        tx=row["tx"],
        idx=row["idx"],
        category_id=row["direct_category_id"],
        direct_name=row["direct_name"],
        seen_at=row["timestamp"],
        updated_at=updated_at,
    )


def _tail(row: dict) -> str:
    return (
        f'"tx":{json.dumps(row["tx"])},"idx":{json.dumps(row["idx"])},"usdAmount":{number(row["usd_amount"])},'
        f'"assetAmount":{number(row["asset_amount"])},"timestamp":"{millis_with_offset(row["timestamp"])}",'
        f'"outputAddress":{json.dumps(row["output_address"])}'
    )


def _exposures(name: str | None, category_id: int | None) -> bytes:
    if name is None and category_id is None:
        return NO_EXPOSURE
    return f'{{"direct":{{"name":{json.dumps(name)},"categoryId":{json.dumps(category_id)}}}}}'.encode()


def networks(transfer: Transfer | None) -> bytes:
    """The vendor's other customers on the other side of a finished transfer: known exchanges are customers."""
    if transfer is None or transfer.category_id != EXCHANGE or not transfer.direct_name:
        return NO_NETWORKS
    return f'{{"count":1,"networkIdentificationOrgs":[{{"name":{json.dumps(transfer.direct_name)}}}]}}'.encode()


def _null_polls(external_id: str) -> int:
    """One transfer in 16 is still processing at the first poll, one in 256 at the second as well."""
    return len(external_id[:2]) - len(external_id[:2].lstrip("0"))


def summary(registration: tuple[str, str, str, str], transfer: Transfer | None) -> bytes:
    """The summary of a registration (external id, asset, network, reference as registered); `transfer` is None while
    the vendor is processing, and all that it has yet to find out is null."""
    external_id, asset, network, reference = registration
    if transfer is None:
        updated = "null"
        tail = '"tx":null,"idx":null,"usdAmount":null,"assetAmount":null,"timestamp":null,"outputAddress":null'
    else:
        updated, tail = f'"{transfer.updated}"', transfer.tail
    return (
        f'{{"updatedAt":{updated},"asset":{json.dumps(asset)},"assetId":null,"network":{json.dumps(network)},'
        f'"transferReference":{json.dumps(reference)},{tail},"externalId":"{external_id}"}}'
    ).encode()


def name_based_id(*parts: str) -> str:
    """The vendor's ids are name-based (version 3) UUIDs: registering the same thing again gives the same id."""
    return str(uuid.uuid3(uuid.NAMESPACE_URL, "|".join(parts)))


def number(value: Decimal | None) -> str:
    """An exact JSON number without exponent or trailing zeros."""
    if value is None:
        return "null"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def micros(moment: datetime) -> str:
    """`2025-01-11T04:45:08.107532`: UTC without saying so (a transfer's updatedAt)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def millis_with_offset(moment: datetime) -> str:
    """`2025-01-11T04:11:37.000+00:00` (a transfer's timestamp, a withdrawal attempt's updatedAt)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+00:00"


def seconds_zulu(moment: datetime) -> str:
    """`2025-01-11T04:11:37Z` (v1 lists)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
