"""What happens in the vendors' world on demand: a block is replaced, a review is made, a list is published.

Belongs here: `POST /sandbox/events`, and what each event changes. Not here: what goes wrong with an answer (`faults`).
"""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from aiohttp import web

from sandbox.vendor.chain_data import ChainData

EVENTS_PATH = "/sandbox/events"


class Events:
    """The events of one server. `handlers` gives every vendor's handler, `registry` what was registered with KYT."""

    def __init__(self, registry: Any, handlers: Callable[[], Iterable[Any]]) -> None:
        self._registry, self._handlers = registry, handlers
        self._kinds = {
            "reorganise": self._reorganise, "review": self._review, "rescreen": self._rescreen,
            "edition": self._edition, "until": self._until, "trm_shape": self._trm_shape,
            "kyt_category": self._kyt_category,
        }  # fmt: skip

    async def control(self, request: web.BaseRequest) -> web.Response:
        """`POST` with a JSON object of events: name -> what about. Says what each did."""
        if request.method != "POST":
            return web.json_response({"message": "POST"}, status=405)
        try:
            asked = json.loads(await request.read())
            unknown = asked.keys() - self._kinds.keys()
            if unknown:
                raise ValueError(f"there is no event {min(unknown)}: choose from {', '.join(self._kinds)}")
            return web.json_response({name: self._kinds[name](about) for name, about in asked.items()})
        except (AttributeError, KeyError, TypeError, ValueError, LookupError) as problem:
            return web.json_response({"message": str(problem)}, status=400)

    def _having(self, attribute: str) -> list[Any]:
        return [handler for handler in self._handlers() if hasattr(handler, attribute)]

    def _reorganise(self, about: dict) -> dict:
        """`{"chain": "bitcoin", "blocks": 3, "lost": 1}`: the newest blocks are replaced by others; of the newest
        transactions in them so many are in none of the new ones."""
        chains = {id(one.chain): one.chain for one in self._having("chain") if isinstance(one.chain, ChainData)}
        chosen = [chain for chain in chains.values() if chain.chain == about["chain"]]
        if not chosen:
            raise ValueError(f"there is no chain {about['chain']}")
        first = chosen[0].head - int(about["blocks"]) + 1
        hashes = [row["hash"] for block in chosen[0].blocks() if block.number >= first for row in block.transactions]
        lost = hashes[len(hashes) - int(about.get("lost", 0)) :]
        for chain in chosen:
            chain.reorganise(first, dict.fromkeys(lost))
        return {"from": first, "lost": lost}

    def _review(self, about: dict) -> dict:
        """`{"status": "Closed", "at": "2026-01-05T10:00:00"}`: an investigator gives the newest listed Chainalysis
        alert, or the one named by `alert`, another status."""
        alert = about.get("alert") or self._registry.listed_alerts()[-1]["alertIdentifier"]
        by = about.get("by", "investigator@exchange.example")
        self._registry.review(alert, about["status"], datetime.fromisoformat(about["at"]), by)
        return {"alert": alert}

    def _rescreen(self, about: dict) -> dict:
        """`{"kind": "wallet", "id": ..., "risk_score": 9.5}`: Elliptic analyses something again by itself."""
        (elliptic,) = self._having("rescreen")
        return {"screening": elliptic.rescreen(about["kind"], about["id"], float(about["risk_score"])).get("id")}

    def _edition(self, number: int) -> int:
        """The publishers' current edition, from 0 for the oldest."""
        (publications,) = self._having("editions")
        if not 0 <= number < len(publications.editions):
            raise ValueError(f"there are the editions 0 to {len(publications.editions) - 1}")
        publications.at = number
        return number

    def _until(self, day: str) -> str:
        """The last business day of which case systems tell."""
        for handler in self._having("world"):
            if hasattr(handler.world, "until"):
                handler.world.until = date.fromisoformat(day)
        return day

    def _trm_shape(self, year: int) -> int:
        """The year whose members TRM's wallet screenings have: 2023 or 2026."""
        if year not in (2023, 2026):
            raise ValueError("the shapes are 2023 and 2026")
        (trm,) = self._having("shape")
        trm.shape = year
        return year

    def _kyt_category(self, is_named: bool) -> bool:
        """Whether Chainalysis KYT names the category beside its id in exposures and alerts, as newer answers do."""
        self._registry.with_category = bool(is_named)
        return self._registry.with_category
