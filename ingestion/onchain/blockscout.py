"""Blockscout, asked about the exchange's own addresses on Ethereum.

Belongs here: its paging, and its items as rows. What all explorers share is in `explorers`.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ingestion.contract import changed
from ingestion.onchain import count, shapes
from ingestion.onchain.count import Totals
from ingestion.onchain.explorers import REORGANISED, Explorer, from_block, new_rows
from ingestion.onchain.live import Extract
from ingestion.vendor import Refusal, VendorError


class Blockscout(Explorer):
    """Blockscout's API v2: `transactions` and ERC-20 `token-transfers` of an address, newest first; the next page is
    asked for with the object that the page before ends with."""

    title, transport = "Blockscout", "blockscout"
    tables = {
        "transactions": ("ethereum_transactions", "hash"),
        "token-transfers": ("ethereum_token_transfers", "transaction_hash", "log_index"),
    }

    def __init__(self, url: str) -> None:
        super().__init__(url, per_second=5)

    def listing(self, name: str, address: str, held: dict, blocks: tuple[int, int] | None = None) -> list[Extract]:
        lowest, read = from_block(held, REORGANISED, blocks), []
        wanted = {"type": "ERC-20"} if name == "token-transfers" else {}
        following: dict = {}
        while following is not None:
            page = self.get(f"/api/v2/addresses/{address}/{name}", {**wanted, **following})
            page = shapes.BLOCKSCOUT_PAGE.of(page, self.added)
            items = self._items(name, page["items"])
            read += items
            following = page["next_page_params"]
            if items and items[-1]["block_number"] < lowest:
                break
        new = new_rows(read, _blockscout_identity, held, blocks)
        present = {_blockscout_identity(item)[0] for item in read}
        # A transaction of this API does not say its block's hash, so only token transfers can be seen to be gone.
        replaced = self.replaced(name, address, held, present, lowest)
        if not new:
            return replaced
        times = [(_blockscout_identity(item), _utc(item["timestamp"])) for item in new]
        extract = self.made(name, address, times, held)
        raw = json.dumps(new).encode()
        if name == "transactions":
            extract.rows = {"ethereum_transactions": [_blockscout_transaction(item) for item in new]}
            extract.totals = [
                count.listed(raw, "ethereum_transactions", "$.timestamp", "$.none", "$.value", ("$.hash",))
            ]
        else:
            extract.rows = {"ethereum_token_transfers": [_blockscout_transfer(item) for item in new]}
            extract.totals = [
                count.listed(
                    raw,
                    "ethereum_token_transfers",
                    "$.timestamp",
                    "$.token.address_hash",
                    None,
                    ("$.transaction_hash", "$.log_index", "$.total.value"),
                )
            ]
        return [extract, *replaced]

    def blocks_at(self, numbers: Sequence[int]) -> tuple[list[dict], Totals]:
        asked = [self._block(number) for number in numbers]
        found = [block for block in asked if block is not None]
        rows = [
            {
                "chain_code": "ethereum",
                "number": block["height"],
                "hash": block["hash"],
                "parent_hash": block["parent_hash"],
                "block_timestamp": int(_utc(block["timestamp"]).replace(tzinfo=UTC).timestamp()),
            }
            for block in found
        ]
        return rows, count.listed(
            json.dumps(found).encode(), "blocks", "$.timestamp", "$.none", None, ("$.height", "$.hash")
        )

    def _block(self, number: int) -> dict | None:
        try:
            return shapes.BLOCKSCOUT_BLOCK.of(self.vendor.get(f"/api/v2/blocks/{number}").data, self.added)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise VendorError(f"Blockscout refused a block (HTTP {refusal.status}: {refusal.message}).") from None

    def _items(self, name: str, listed: list) -> list[dict]:
        """The items of a page that are in a block; one that is not mined yet has the block number null."""
        waiting = [item for item in listed if isinstance(item, dict) and item.get("block_number", 0) is None]
        items = shapes.BLOCKSCOUT_ITEM[name].each([item for item in listed if item not in waiting], self.added)
        for item in items:
            shapes.BLOCKSCOUT_PARTY.each([item[side] for side in ("from", "to") if item[side] is not None], set())
            if name == "token-transfers":
                shapes.BLOCKSCOUT_TOTAL.of(item["total"], self.added)
                if not isinstance(_token_of(item), str):
                    raise changed("the token of Blockscout's token transfer has no address")
            _utc(item["timestamp"])
        return items


def _utc(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise changed("a timestamp of Blockscout is no ISO time") from None


def _blockscout_identity(item: dict) -> tuple:
    if "log_index" in item:
        key = f"{item['transaction_hash'].lower()} {item['log_index']}"
        return key, item["block_number"], str(item.get("block_hash") or "").lower()
    return item["hash"].lower(), item["block_number"], ""  # a transaction of this API does not say its block's hash


def _token_of(item: dict) -> Any:
    return item["token"].get("address_hash") or item["token"].get("address")


def _hash_of(party: dict | None) -> str | None:
    return party["hash"].lower() if party else None


def _blockscout_transaction(item: dict) -> dict:
    return {
        "hash": item["hash"],
        "nonce": item.get("nonce"),
        "block_number": item["block_number"],
        "transaction_index": item.get("position"),
        "from_address": _hash_of(item["from"]),
        "to_address": _hash_of(item["to"]),
        "value": item["value"],
        "gas": item.get("gas_limit"),
        "gas_price": item.get("gas_price"),
        "input": item.get("raw_input"),
        "block_timestamp": _utc(item["timestamp"]),
        "max_fee_per_gas": item.get("max_fee_per_gas"),
        "max_priority_fee_per_gas": item.get("max_priority_fee_per_gas"),
        "transaction_type": item.get("type"),
        "receipt_status": {"ok": 1, "error": 0}.get(item.get("status")),
    }


def _blockscout_transfer(item: dict) -> dict:
    return {
        "token_address": _token_of(item).lower() or None,
        "from_address": _hash_of(item["from"]),
        "to_address": _hash_of(item["to"]),
        "value": item["total"]["value"],
        "transaction_hash": item["transaction_hash"],
        "log_index": item["log_index"],
        "block_number": item["block_number"],
        "block_timestamp": _utc(item["timestamp"]),
        "block_hash": item.get("block_hash"),
    }
