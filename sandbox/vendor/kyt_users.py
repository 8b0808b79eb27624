"""What KYT keeps by user (v1): the list of users, one of them, his transfers and his registered addresses.

Belongs here: answers made of what is registered. Paths, keys and statuses are `kyt`'s.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from sandbox.vendor import answers, lists
from sandbox.vendor.registry import Refused, Registration, Registry

LEVELS = ("LOW", "MEDIUM", "HIGH", "SEVERE")
SCORES = {"LOW": "green", "MEDIUM": "amber", "HIGH": "red", "SEVERE": "red"}
ADDRESSES = {"depositaddresses": "deposit", "withdrawaladdresses": "withdrawal"}


class Users:
    """The v1 end-points below `/v1/users/` over one registry. Registered addresses are this process's memory."""

    def __init__(self, registry: Registry, held_back: Callable[[list, int], list]) -> None:
        self._registry, self._held_back = registry, held_back
        self._grouped: tuple[int, dict[str, list[Registration]]] = (0, {})
        self._addresses: dict[tuple[str, str], dict[tuple[str, str], dict]] = defaultdict(dict)

    def get(self, parts: list[str], query: str) -> bytes:
        """The answer to a GET; `parts` are those of the path behind `users`. Raises Refused."""
        match parts:
            case [] | [""]:
                rows = [self._listed(user, found) for user, found in self._by_user().items()]
                return lists.page(rows, query, self._held_back)
            case [user]:
                return self._user(user)
            case [user, "transfers", "received" | "sent" as direction]:
                rows = [_transfer(one) for one in self._of(user) if one.direction == direction]
                return lists.page(rows, query)  # one that came in would change the user's row of the list as well
            case [user, name] if name in ADDRESSES:
                return lists.page([*self._addresses[user, ADDRESSES[name]].values()], query, self._held_back)
        raise Refused(404, f"no such end-point: /v1/users/{'/'.join(parts)}")

    def register(self, user: str, name: str, body: bytes) -> bytes:
        """Registers addresses; the vendor answers what it knows of withdrawal addresses, and of others nothing."""
        try:
            asked = json.loads(body)
            found = [(one["asset"], one["address"]) for one in asked]
        except (ValueError, TypeError, KeyError):
            raise Refused(400, "the body must be a list of objects with asset and address") from None
        kept = self._addresses[user, ADDRESSES[name]]
        if name == "depositaddresses":
            kept |= {(asset, address): {"address": address, "asset": asset} for asset, address in found}
            return b""
        kept |= {(asset, address): self._withdrawal_address(asset, address) for asset, address in found}
        return json.dumps([kept[one] for one in found], separators=(",", ":")).encode()

    def forget(self, user: str, name: str, asset: str, address: str) -> bytes:
        """Deletes a registered address. Raises Refused(404) for one that is none."""
        if self._addresses[user, ADDRESSES[name]].pop((asset, address), None) is None:
            raise Refused(404, f"{address} is not registered")
        return b""

    def _by_user(self) -> dict[str, list[Registration]]:
        """Registrations by user, both in order; grouped anew when there are more of them."""
        registered = self._registry.transfers
        if self._grouped[0] != len(registered):
            known = sorted(registered.values(), key=lambda r: (r.user_id, r.reference))
            self._grouped = len(known), {user: [*found] for user, found in groupby(known, key=lambda r: r.user_id)}
        return self._grouped[1]

    def _of(self, user: str) -> list[Registration]:
        found = self._by_user().get(user)
        if found is None:
            raise Refused(404, f"user {user} is not registered")
        return [one for one in found if one.is_finished]

    def _listed(self, user: str, registrations: list[Registration]) -> dict:
        finished = [one.transfer for one in registrations if one.is_finished]
        levels = [alert["alertLevel"] for one in finished for alert in json.loads(one.alerts)["alerts"]]
        worst = max(levels, key=LEVELS.index, default="LOW") if finished else None
        return {
            "score": SCORES.get(worst),
            "scoreUpdatedDate": _time(max((one.updated_at for one in finished), default=None)),
            "lastActivity": _time(max((one.seen_at for one in finished), default=None)),
            "riskScore": worst,
            "userId": user,
        }

    def _user(self, user: str) -> bytes:
        totals: dict[tuple, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(("received", "sent"), Decimal(0)))
        for one in self._of(user):
            totals[one.transfer.direct_name, one.transfer.category_id][one.direction] += one.transfer.usd_amount or 0
        exposures = [
            {
                "cluster": {"name": name or "unnamed service", "categoryId": category},
                "sentIndirectExposure": total["sent"],
                "sentDirectExposure": total["sent"] if name else Decimal(0),
                "receivedIndirectExposure": total["received"],
                "receivedDirectExposure": total["received"] if name else Decimal(0),
            }
            for (name, category), total in sorted(totals.items(), key=str)
        ]
        said = {"exposureDetails": exposures, **self._listed(user, self._by_user()[user]), "creationDate": None}
        return json.dumps(said, separators=(",", ":"), default=float).encode()

    def _withdrawal_address(self, asset: str, address: str) -> dict:
        known = self._registry.world.paid.get(address)
        return {
            "cluster": _cluster(known) if known else None,
            "chainalysisIdentification": None,
            "address": address,
            "rating": "highRisk" if known and known.alerts != answers.NO_ALERTS else "unknown",
            "asset": asset,
            "customAddress": None,
        }


def _transfer(one: Registration) -> dict:
    transfer = one.transfer
    rated = {"rating": "highRisk" if transfer.alerts != answers.NO_ALERTS else "unknown"}
    return {
        "cluster": _cluster(transfer),
        "amount": transfer.asset_amount,
        "amountUSD": transfer.usd_amount,
        **(rated if one.direction == "received" else {}),
        "asset": transfer.asset,
        "transferReference": one.reference,
        "timestamp": _time(transfer.seen_at),
    }


def _cluster(transfer: answers.Transfer) -> dict | None:
    name = transfer.direct_name
    return None if name is None else {"name": name, "categoryId": transfer.category_id}


def _time(at: datetime | None) -> str | None:
    return None if at is None else answers.seconds_zulu(at)
