"""TRM Labs' public API v2 over one sandbox world: wallet screening, transaction monitoring, alerts.

Belongs here: the vendor's contract (authentication, status codes, states, paging, limits). What it knows comes from
`attribution`. The memory is the process's.
"""

import base64
import binascii
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.vendor.attribution import Attribution, Known

TRM_PATH = "/trm"
TRM_KEY = "sandbox-trm-key"
MAX_ADDRESSES, MAX_LIMIT, DEFAULT_LIMIT = 5, 100, 10
START = datetime(2026, 1, 1)

# The world's category -> the vendor's: id, name, risk score level.
CATEGORIES = {
    1: ("38", "CSAM Vendor", 15), 2: ("47", "Banned or Controlled Substances", 10), 3: ("69", "Sanctions", 15),
    4: ("10", "High-Risk Exchange", 10), 6: ("34", "Hacked or Exploited Funds", 10), 7: ("65", "Mining", 1),
    9: ("638", "Community Complaint", 5), 12: ("58", "Ransomware", 15), 13: ("66", "Mixer", 10),
    14: ("64", "ICO Scam", 10), 16: ("23", "Gambling", 5), 18: ("61", "Scam", 10),
    19: ("7", "P2P Crypto Marketplace", 5), 21: ("12", "Non-Custodial Exchange", 1), 22: ("65", "Mining", 1),
    23: ("42", "Violent Extremism", 15), 24: ("9", "Cash-to-Crypto", 5), 25: ("69", "Sanctions", 15),
    26: ("16", "Lending", 1), 27: ("6", "DEX", 1), 28: ("45", "Cybercrime Services", 10),
    29: ("45", "Cybercrime Services", 10), 33: ("5", "High-Risk dApp", 5), 34: ("69", "Sanctions", 15),
    35: ("57", "Malware", 10), 42: ("34", "Hacked or Exploited Funds", 10), 43: ("34", "Hacked or Exploited Funds", 10),
}  # fmt: skip
OTHER = ("71", "Cold Wallet", 1)
LEVELS = {None: None, 0: "Unknown", 1: "Low", 5: "Medium", 10: "High", 15: "Severe"}
ADDED_IN_2026 = {"accountUuid", "addressBehavioralSignatures", "addressHighestRiskScoreLevel"}
ADDED_IN_2026 |= {"addressHighestRiskScoreLevelLabel", "addressIncomingTransactionCount"}
ADDED_IN_2026 |= {"addressOutgoingTransactionCount", "addressTotalTransactionCount", "multiChainRequestUuid"}
ADDED_IN_2026 |= {"screenedAt", "trmGraphVisualizerUrl"}


class TrmError(Exception):
    """The request is refused: a status and the vendor's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class _Transfer:
    """A registered transfer: its answer once it is finished, and how many polls find it still processing."""

    processing: dict
    finished: dict
    polls_left: int
    alerts: list[dict] = field(default_factory=list)

    def state(self) -> dict:
        return self.processing if self.polls_left > 0 else self.finished


class Trm:
    """The request handler. `shape` 2023 or 2026 chooses the members of a wallet screening; `per_second` refuses what
    goes over it with 429 and Retry-After (0: no limit); `processing_polls`: how many polls find every eighth transfer
    still processing."""

    def __init__(
        self, world_dir: Path, key: str = TRM_KEY, *, shape: int = 2026, per_second: int = 0, processing_polls: int = 1
    ) -> None:
        self.known = Attribution(world_dir, "trm")
        self.key, self.shape, self.per_second, self.processing_polls = key, shape, per_second, processing_polls
        self.transfers: dict[str, _Transfer] = {}
        self.by_external_id: dict[str, str] = {}
        self._second, self._requests = 0, 0

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        """Answers a request for `path` below TRM_PATH."""
        try:
            self._authenticate(request.headers.get("Authorization", ""))
            if (limited := self._limit()) is not None:
                return limited
            status, body = self._route(request.method, path, query, await request.read())
        except TrmError as error:
            return _error(error.status, str(error))
        return web.json_response(text=_text(body), status=status)

    def _authenticate(self, header: str) -> None:
        kind, _, encoded = header.partition(" ")
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, colon, password = "", "", ""
        right = hmac.compare_digest(user.encode(), self.key.encode()) & hmac.compare_digest(
            password.encode(), self.key.encode()
        )
        if kind.lower() != "basic" or not colon or not right:
            raise TrmError(401, "Unauthorized")

    def _limit(self) -> web.Response | None:
        second = int(time.monotonic())
        self._requests = self._requests + 1 if second == self._second else 1
        self._second = second
        if not self.per_second or self._requests <= self.per_second:
            return None
        refused = _error(429, "Too many requests")
        refused.headers["Retry-After"] = "1"
        return refused

    def _route(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        match method, path.split("/")[1:]:
            case "POST", ["public", "v2", "screening", "addresses"]:
                return 201, self._screen(_json(body))
            case "POST", ["public", "v2", "tm", "transfers"]:
                return 201, self._register(_json(body))
            case "GET", ["public", "v2", "tm", "transfers", "count-by-status"]:
                counts = dict.fromkeys(("PROCESSING", "SUCCEEDED", "FAILED"), 0)
                for transfer in self.transfers.values():
                    counts[transfer.state()["screenStatus"]] += 1
                return 200, counts
            case "GET", ["public", "v2", "tm", "transfers", identity]:
                return 200, self._poll(identity)
            case "GET", ["public", "v2", "tm", "alerts"]:
                return 200, self._listed(dict(parse_qsl(query, keep_blank_values=True)))
            case "POST", ["public", "v1", "sanctions", "screening"]:
                return 201, [self._is_sanctioned(one) for one in _json(body)]
        raise TrmError(404, f"{method} {path} is not served")

    def _screen(self, asked: Any) -> list[dict]:
        if not isinstance(asked, list) or not asked:
            raise TrmError(400, "the body must be a list of addresses")
        if len(asked) > MAX_ADDRESSES:
            raise TrmError(400, f"at most {MAX_ADDRESSES} addresses can be screened at once")
        return [self._screening(one) for one in asked]

    def _screening(self, asked: Any) -> dict:
        if not isinstance(asked, dict) or not isinstance(asked.get("address"), str) or not asked.get("chain"):
            raise TrmError(400, "address and chain are required")
        address = asked["address"]
        if not address.isascii() or not address.isalnum():
            raise TrmError(400, f"address {address!r} is not valid on chain {asked['chain']}")
        known = self.known.find(address)
        sent, received = (known.sent_usd, known.received_usd) if known else (None, None)
        total = None if known is None else sent + received
        category = self.known.category(address, known.category) if known else None
        name = known.name if known else None
        indicators, entities = self._indicators(known, category), []
        if category is not None and name is not None and category == known.category:
            entities.append(_entity(category, name))
        highest = max((one["categoryRiskScoreLevel"] for one in indicators), default=None)
        seen_at = max(known.seen_at, default=START) if known else START
        answer = {
            "accountExternalId": asked.get("accountExternalId"),
            "accountUuid": _uuid("account", asked.get("accountExternalId")),
            "address": address,
            "addressBehavioralSignatures": [],
            "addressHighestRiskScoreLevel": highest,
            "addressHighestRiskScoreLevelLabel": LEVELS[highest],
            "addressIncomingTransactionCount": None if known is None else str(len(known.seen_at)),
            "addressIncomingVolumeUsd": _usd(received),
            "addressOutgoingTransactionCount": None if known is None else str(len(known.seen_at)),
            "addressOutgoingVolumeUsd": _usd(sent),
            "addressRiskIndicators": indicators,
            "addressSubmitted": address,
            "addressTotalTransactionCount": None if known is None else str(len(known.seen_at)),
            "addressTotalVolumeUsd": _usd(total),
            "chain": asked["chain"],
            "entities": entities,
            "externalId": asked.get("externalId"),
            "multiChainRequestUuid": _uuid("request", address),
            "screenedAt": _millis(seen_at),
            "trmAppUrl": f"https://trm.invalid/address/{address}",
            "trmGraphVisualizerUrl": None,
        }
        if self.shape >= 2026:
            return answer
        return {member: value for member, value in answer.items() if member not in ADDED_IN_2026}

    def _indicators(self, known: Known | None, category: int | None) -> list[dict]:
        if known is None:
            return []
        found = []
        if category is not None:
            found.append(self._indicator(category, "OWNERSHIP", known.received_usd, known.sent_usd))
        for kind, other in (("COUNTERPARTY", 16), ("INDIRECT", 13)):
            if self.known.category(f"{kind}|{known.address}", None) is not None:
                found.append(self._indicator(other, kind, known.received_usd / 10, None))
        return found

    def _indicator(self, category: int, risk_type: str, incoming: Decimal | None, outgoing: Decimal | None) -> dict:
        number, name, level = CATEGORIES.get(category, OTHER)
        indicator = {
            "category": name,
            "categoryId": number,
            "categoryRiskScoreLevel": level,
            "categoryRiskScoreLevelLabel": LEVELS[level],
            "incomingVolumeUsd": _usd(incoming),
            "outgoingVolumeUsd": _usd(outgoing),
            "riskType": risk_type,
            "totalVolumeUsd": _usd((incoming or Decimal(0)) + (outgoing or Decimal(0))),
        }
        if self.shape >= 2026:
            counts = ("incomingInstanceCount", "outgoingInstanceCount", "totalInstanceCount")
            shares = ("incomingVolumePercent", "outgoingVolumePercent", "totalVolumePercent")
            indicator |= dict.fromkeys(counts, "1") | dict.fromkeys(shares, "100.00")
        return indicator

    def _register(self, asked: Any) -> dict:
        wanted = ("accountExternalId", "asset", "assetAmount", "chain", "destinationAddress", "externalId")
        wanted += ("onchainReference", "timestamp", "transferType")
        if not isinstance(asked, dict) or not all(isinstance(asked.get(one), str) and asked[one] for one in wanted):
            raise TrmError(400, f"required and text: {', '.join(wanted)}")
        if asked["transferType"] not in ("CRYPTO_DEPOSIT", "CRYPTO_WITHDRAWAL"):
            raise TrmError(400, "transferType must be CRYPTO_DEPOSIT or CRYPTO_WITHDRAWAL")
        external_id = asked["externalId"]
        if external_id not in self.by_external_id:
            made = self._transfer(asked)
            self.by_external_id[external_id] = made.processing["uuid"]
            self.transfers[made.processing["uuid"]] = made
        return self.transfers[self.by_external_id[external_id]].processing

    def _transfer(self, asked: dict) -> _Transfer:
        identity = _uuid("transfer", asked["externalId"])
        direction = "received" if asked["transferType"] == "CRYPTO_DEPOSIT" else "sent"
        found = self.known.payment(asked["onchainReference"], direction, asked["destinationAddress"])
        members = ("accountExternalId", "asset", "assetAmount", "chain", "destinationAddress", "externalId")
        members += ("fiatCurrency", "fiatValue", "onchainReference", "timestamp", "transferType")
        submitted = found.updated_at if found and found.updated_at else _moment(asked["timestamp"])
        processing = {
            **{member: asked.get(member) for member in members},
            "accountUuid": _uuid("account", asked["accountExternalId"]),
            "alerts": None,
            "assetAddress": None,
            "counterparties": None,
            "riskScoreLevel": None,
            "riskScoreLevelLabel": None,
            "screenStatus": "PROCESSING",
            "screenStatusFailedReason": None,
            "sourceAddress": None,
            "submittedAt": _millis(submitted),
            "trmAppUrl": f"https://trm.invalid/transfers/{identity}",
            "uuid": identity,
        }
        if found is None:
            failed = {"screenStatus": "FAILED", "screenStatusFailedReason": "INVALID_ONCHAIN_REFERENCE"}
            return _Transfer(processing, processing | failed, 0)
        key = f"{found.tx}:{found.output_address}"
        category = self.known.category(key, found.counterparty.category)
        number, name, level = CATEGORIES.get(category, OTHER) if category is not None else ("1", "Wallet Cluster", 0)
        finished = processing | {
            "alerts": [],
            "counterparties": [
                {
                    "category": name,
                    "categoryId": number,
                    "displayName": found.counterparty.name if category is not None else None,
                    "trmUrn": f"/entity/sandbox/{number}",
                }
            ],
            "fiatValue": _usd(found.usd),
            "riskScoreLevel": level,
            "riskScoreLevelLabel": LEVELS[level],
            "screenStatus": "SUCCEEDED",
        }
        polls = 10**9 if found.updated_at is None else self.processing_polls if identity[0] in "01" else 0
        alerts = [self._alert(identity, asked, level, submitted)] if level >= 5 else []
        return _Transfer(processing, finished, polls, alerts)

    @staticmethod
    def _alert(transfer: str, asked: dict, level: int, issued: datetime) -> dict:
        return {
            "closedAt": None,
            "closedJustification": None,
            "closedReason": None,
            "isValid": True,
            "issuedAt": _millis(issued + timedelta(seconds=30)),
            "ownedByUserEmail": None,
            "riskScoreLevel": level,
            "riskScoreLevelLabel": LEVELS[level],
            "ruleUuid": _uuid("rule", level),
            "status": "OPEN",
            "statusUpdatedAt": _millis(issued + timedelta(seconds=30)),
            "statusUpdatedByUserEmail": None,
            "transferAccountExternalId": asked["accountExternalId"],
            "transferExternalId": asked["externalId"],
            "transferUuid": transfer,
            "trmAppUrl": f"https://trm.invalid/alerts/{transfer}",
            "updatedAt": _millis(issued + timedelta(seconds=30)),
            "updatedByUserEmail": None,
            "uuid": _uuid("alert", transfer),
        }

    def _poll(self, identity: str) -> dict:
        if identity not in self.transfers:
            raise TrmError(404, f"no transfer {identity}")
        transfer = self.transfers[identity]
        answer = transfer.state()
        transfer.polls_left -= 1
        return answer

    def alerts(self) -> list[dict]:
        """The alerts on finished transfers, as they are now; a test changes them to change a status."""
        return [alert for one in self.transfers.values() if one.polls_left <= 0 for alert in one.alerts]

    def _listed(self, asked: dict[str, str]) -> list[dict]:
        limit = _whole(asked.pop("limit", str(DEFAULT_LIMIT)), "limit", MAX_LIMIT)
        offset = _whole(asked.pop("offset", "0"), "offset", 10**9)
        rows = self.alerts()
        sort = asked.pop("sort[issuedAt]", "desc")
        if sort not in ("asc", "desc"):
            raise TrmError(400, "sort[issuedAt] must be asc or desc")
        for name, value in asked.items():
            member, _, operator = name.removesuffix("]").partition("[")
            if member in ("issuedAt", "statusUpdatedAt") and operator in ("gte", "lte"):
                bound, is_from = _moment(value), operator == "gte"
                rows = [one for one in rows if one[member] and _within(_moment(one[member]), bound, is_from)]
            elif member in ("status", "riskScoreLevel") and operator == "in":
                rows = [one for one in rows if str(one[member]) in value.split(",")]
            elif (member, operator) == ("transferExternalId", "eq"):
                rows = [one for one in rows if one[member] == value]
            else:
                raise TrmError(400, f"unknown parameter {name}")
        rows = sorted(rows, key=lambda one: (one["issuedAt"], one["uuid"]), reverse=sort == "desc")
        return rows[offset : offset + limit]

    def _is_sanctioned(self, asked: dict) -> dict:
        known = self.known.find(str(asked.get("address")))
        return {"address": asked.get("address"), "isSanctioned": bool(known and known.category == 3)}


def _entity(category: int, name: str) -> dict:
    number, vendors_name, level = CATEGORIES.get(category, OTHER)
    return {
        "category": vendors_name,
        "categoryId": number,
        "confidenceScoreLabel": "High",
        "entity": name,
        "riskScoreLevel": level,
        "riskScoreLevelLabel": LEVELS[level],
        "trmAppUrl": f"https://trm.invalid/entities/{number}",
        "trmUrn": f"/entity/sandbox/{number}",
    }


def _within(moment: datetime, bound: datetime, is_from: bool) -> bool:
    return moment >= bound if is_from else moment <= bound


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"code": status, "name": "Error", "message": message}, status=status)


def _text(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise TrmError(400, "the body is not JSON") from None


def _whole(text: str, name: str, highest: int) -> int:
    if not text.isdecimal() or int(text) > highest:
        raise TrmError(400, f"{name} must be a whole number up to {highest}")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TrmError(400, f"{text!r} is not an ISO 8601 time") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _usd(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize(), "f")


def _uuid(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "trm|" + "|".join(map(str, parts))))
