"""Elliptic's AML API v2 over one sandbox world: wallet and transaction analyses, lists, rescreens.

Belongs here: the vendor's contract (signature, status codes, states, paging, limits). What it knows comes from
`attribution`. The memory is the process's.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.vendor.attribution import Attribution, plain

ELLIPTIC_PATH = "/elliptic"
ELLIPTIC_KEY = "sandbox-elliptic-key"
ELLIPTIC_SECRET = base64.b64encode(b"sandbox-elliptic-secret").decode()
MAX_SKEW_MS, MAX_BATCH, MAX_PER_PAGE, DEFAULT_PER_PAGE = 300_000, 100, 500, 20

# The world's category -> the vendor's name and the risk score of its rule (0 to 10).
CATEGORIES = {
    1: ("Child Abuse Material", 10), 2: ("Dark Market", 8), 3: ("Sanctioned Entity", 10), 4: ("No-KYC Exchange", 7),
    6: ("Theft", 8), 7: ("Mining Pool", 1), 9: ("Other", 1), 12: ("Ransomware", 10), 13: ("Mixer", 5),
    14: ("Token Sale", 1), 16: ("Gambling", 4), 17: ("Merchant Services", 1), 18: ("Scam", 7),
    19: ("P2P Exchange", 4), 21: ("Exchange", 0), 22: ("Mining", 0), 23: ("Terrorist Financing", 10), 24: ("ATM", 4),
    25: ("Sanctioned Jurisdiction", 10), 26: ("Lending", 0), 27: ("Decentralized Exchange", 1), 28: ("Fraud Shop", 8),
    29: ("Illicit Organisation", 8), 33: ("Privacy Protocol", 5), 35: ("Malware", 8), 36: ("Online Pharmacy", 7),
    42: ("Theft", 8), 43: ("Theft", 8),
}  # fmt: skip
OTHER = ("Other", 1)


class EllipticError(Exception):
    """The request is refused: a status, the vendor's name of the error and its words."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name = status, name


class Elliptic:
    """The request handler. `per_minute` refuses what goes over it with 429 and X-RateLimit-Reset (0: no limit)."""

    def __init__(
        self,
        world_dir: Path,
        key: str = ELLIPTIC_KEY,
        secret: str = ELLIPTIC_SECRET,
        *,
        per_minute: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.known = Attribution(world_dir, "elliptic")
        self.key, self.secret, self.per_minute = key, base64.b64decode(secret), per_minute
        self.analyses: dict[str, dict[str, dict]] = {"wallet": {}, "analyses": {}}
        self.screenings: dict[tuple[str, str], dict] = {}
        self._clock = clock
        self._asked: Counter[str] = Counter()
        self._minute, self._requests = 0, 0

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        """Answers a request for `path` below ELLIPTIC_PATH."""
        body = await request.read()
        try:
            self._authenticate(request, body)
            if (limited := self._limit()) is not None:
                return limited
            status, answer = self._route(request.method, path, query, body)
        except EllipticError as error:
            return _error(error)
        return web.json_response(text=json.dumps(answer, ensure_ascii=False), status=status)

    def _authenticate(self, request: web.BaseRequest, body: bytes) -> None:
        stamp = request.headers.get("x-access-timestamp", "")
        message = (stamp + request.method + request.raw_path.lower()).encode() + (body or b"{}")
        right = base64.b64encode(hmac.new(self.secret, message, hashlib.sha256).digest()).decode()
        said = request.headers.get("x-access-sign", "")
        is_known = hmac.compare_digest(request.headers.get("x-access-key", "").encode(), self.key.encode())
        if not is_known or not hmac.compare_digest(said.encode(), right.encode()):
            raise EllipticError(401, "UnauthorizedError", "invalid signature")
        if not stamp.isdecimal() or abs(int(stamp) - self._clock() * 1_000) > MAX_SKEW_MS:
            raise EllipticError(401, "UnauthorizedError", "invalid timestamp")

    def _limit(self) -> web.Response | None:
        minute = int(time.time() // 60)
        self._requests = self._requests + 1 if minute == self._minute else 1
        self._minute = minute
        if not self.per_minute or self._requests <= self.per_minute:
            return None
        self._requests = 0  # the sandbox lets the next one through: nobody's test waits for a minute
        refused = _error(EllipticError(429, "TooManyRequestsError", "Too many requests"))
        refused.headers["X-RateLimit-Limit"] = str(self.per_minute)
        refused.headers["X-RateLimit-Remaining"] = "0"
        refused.headers["X-RateLimit-Reset"] = str(int(time.time()) + 1)
        return refused

    def _route(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        match method, path.split("/")[1:]:
            case "POST", ["v2", "wallet" | "analyses" as kind, "synchronous"]:
                return 200, self._analyse(kind, _json(body))
            case "POST", ["v2", "wallet" | "analyses" as kind]:
                return self._batch(kind, _json(body))
            case "GET", ["v2", "wallet" | "analyses" as kind]:
                return 200, self._page(kind, dict(parse_qsl(query, keep_blank_values=True)))
            case "GET", ["v2", "wallet" | "analyses" as kind, identity] if identity in self.analyses[kind]:
                return 200, self.analyses[kind][identity]
            case "GET", ["v2", "wallet", identity, "screenings", screening] if (identity, screening) in self.screenings:
                return 200, self.screenings[identity, screening]
        raise EllipticError(404, "NotFoundError", f"{method} {path} is not there")

    def _batch(self, kind: str, asked: Any) -> tuple[int, list]:
        if not isinstance(asked, list) or not 0 < len(asked) <= MAX_BATCH:
            raise EllipticError(400, "BadRequestError", f"a batch holds 1 to {MAX_BATCH} analyses")
        answers = []
        for one in asked:
            try:
                answers.append(self._analyse(kind, one))
            except EllipticError as error:
                answers.append({"name": error.name, "message": str(error)})
        return (200 if all("id" in answer for answer in answers) else 207), answers

    def _analyse(self, kind: str, asked: Any) -> dict:
        subject = asked.get("subject") if isinstance(asked, dict) else None
        types = ("wallet_exposure",) if kind == "wallet" else ("source_of_funds", "destination_of_funds")
        if not isinstance(subject, dict) or not subject.get("hash") or asked.get("type") not in types:
            raise EllipticError(
                400, "BadRequestError", f"subject with hash, and type {' or '.join(types)} are required"
            )
        asked_about = (plain(subject["hash"]), subject.get("output_address"), asked.get("customer_reference"))
        identity = "|".join(map(str, (asked["type"], *asked_about)))
        self._asked[identity] += 1
        answer = self._wallet(subject) if kind == "wallet" else self._transaction(subject, asked["type"])
        answer |= {
            "id": _uuid("analysis", identity, self._asked[identity]),
            "type": asked["type"],
            "subject": subject,
            "customer": {
                "id": _uuid("customer", asked.get("customer_reference")),
                "reference": asked.get("customer_reference"),
            },
            "team_id": _uuid("team"),
            "screening_id": _uuid("screening", identity, self._asked[identity]),
            "screening_source": "sync",
            "changes": {"risk_score_change": None},
        }
        self._keep(kind, answer)
        return answer

    def _keep(self, kind: str, answer: dict) -> None:
        self.analyses[kind][answer["id"]] = answer
        self.screenings[answer["id"], answer["screening_id"]] = answer

    def rescreen(self, kind: str, identity: str, risk_score: float, after: timedelta = timedelta(days=1)) -> dict:
        """The vendor screens an analysis again on its own, and finds another score: a new screening of the same id."""
        before = self.analyses[kind][identity]
        moment = _millis(datetime.fromisoformat(before["analysed_at"]).replace(tzinfo=None) + after)
        answer = before | {
            "risk_score": risk_score,
            "screening_id": _uuid("screening", identity, moment),
            "screening_source": "automatic_rescreen",
            "analysed_at": moment,
            "updated_at": moment,
            "changes": {"risk_score_change": None},
        }
        self._keep(kind, answer)
        return answer

    def _wallet(self, subject: dict) -> dict:
        known = self.known.find(subject["hash"])
        if known is None:
            raise EllipticError(404, "NotInBlockchain", "the address was never seen on the blockchain")
        category = self.known.category(known.address, known.category)
        name = known.name if category == known.category else None
        total = known.sent_usd + known.received_usd
        source, destination = (_evaluation(category, usd, 1) for usd in (known.sent_usd, known.received_usd))
        vendors_name, score = _of(category)
        return {
            **_frame(max(known.seen_at) if known.seen_at else None, None if category is None else score),
            "blockchain_info": {
                "cluster": {
                    "inflow_value": {"usd": float(known.received_usd)},
                    "outflow_value": {"usd": float(known.sent_usd)},
                }
            },
            "cluster_entities": [] if category is None else [_entity(vendors_name, name)],
            "evaluation_detail": {"source": source, "destination": destination},
            "contributions": {"source": [_contribution(vendors_name, name, total)], "destination": []},
        }

    def _transaction(self, subject: dict, kind: str) -> dict:
        direction = "received" if kind == "source_of_funds" else "sent"
        found = self.known.payment(subject["hash"], direction, subject.get("output_address") or "")
        if found is None:
            raise EllipticError(404, "NotInBlockchain", "the transaction was never seen on the blockchain")
        category = self.known.category(f"{found.tx}:{found.output_address}", found.counterparty.category)
        vendors_name, score = _of(category)
        if found.updated_at is None:
            return _frame(None, None)
        return {
            **_frame(found.updated_at, None if category is None else score),
            "blockchain_info": None,
            "cluster_entities": [],
            "evaluation_detail": _evaluation(category, found.usd, 1),
            "contributions": [_contribution(vendors_name, found.counterparty.name, found.usd)],
        }

    def _page(self, kind: str, asked: dict[str, str]) -> dict:
        per_page = _whole(asked.pop("per_page", str(DEFAULT_PER_PAGE)), "per_page", MAX_PER_PAGE)
        page = _whole(asked.pop("page", "1"), "page", 10**9)
        sort = asked.pop("sort", "-analysed_at")
        asked.pop("expand", None)
        rows = list(self.analyses[kind].values())
        for name, value in asked.items():
            if name in ("analysed_at_after", "analysed_at_before"):
                bound, is_after = _moment(value), name.endswith("after")
                rows = [one for one in rows if one["analysed_at"] and _is_within(one["analysed_at"], bound, is_after)]
            elif name in ("process_status", "workflow_status", "screening_source"):
                rows = [one for one in rows if one[name] == value]
            elif name == "customer_reference":
                rows = [one for one in rows if one["customer"]["reference"] == value]
            else:
                raise EllipticError(400, "BadRequestError", f"unknown parameter {name}")
        if sort.lstrip("-") != "analysed_at":
            raise EllipticError(400, "BadRequestError", f"cannot sort by {sort}")
        rows.sort(key=lambda one: (one["analysed_at"] or "", one["id"]), reverse=sort.startswith("-"))
        return {
            "page": page,
            "per_page": per_page,
            "total_pages": -(-len(rows) // per_page),
            "total_items": len(rows),
            "items": rows[(page - 1) * per_page : page * per_page],
        }


def _frame(analysed_at: datetime | None, score: float | None) -> dict:
    """What every answer has; one that is not analysed yet is running and has no contributions."""
    moment = _millis(analysed_at) if analysed_at else None
    frame = {
        "created_at": moment,
        "updated_at": moment,
        "analysed_at": moment,
        "analysed_by": {"id": _uuid("key"), "type": "api_key"},
        "asset_tier": "full",
        "risk_score": score,
        "risk_score_detail": {"source": score, "destination": 0} if score is not None else None,
        "error": None,
        "detected_behaviors": [],
        "workflow_status": "active",
        "workflow_status_id": 1,
        "triggered_rules": [],
        "process_status": "complete" if analysed_at else "running",
        "process_status_id": 2 if analysed_at else 1,
    }
    return frame if analysed_at else frame | {"cluster_entities": [], "evaluation_detail": None}


def _of(category: int | None) -> tuple[str, float]:
    return ("Unknown", 0) if category is None else CATEGORIES.get(category, OTHER)


def _entity(category: str, name: str | None) -> dict:
    return {
        "name": name or f"{category} cluster",
        "category": category,
        "category_id": _uuid("category", category),
        "entity_id": _uuid("entity", name or category),
        "is_primary_entity": True,
        "is_vasp": category == "Exchange",
    }


def _evaluation(category: int | None, usd: Decimal, hops: int) -> list[dict]:
    name, score = _of(category)
    if not score or not usd:
        return []
    shares = _shares(usd)
    return [
        {
            "rule_id": _uuid("rule", name),
            "rule_name": f"Exposure to {name}",
            "rule_type": "exposure",
            "risk_score": score,
            "matched_elements": [
                {
                    "category": name,
                    "category_id": _uuid("category", name),
                    **shares,
                    "contributions": [{"entity": f"{name} cluster", "min_number_of_hops": hops, **shares}],
                }
            ],
            "matched_behaviors": [],
        }
    ]


def _contribution(category: str, name: str | None, usd: Decimal) -> dict:
    return {
        "entities": [_entity(category, name)],
        **_shares(usd),
        "is_screened_address": False,
        "min_number_of_hops": 1,
    }


def _shares(usd: Decimal) -> dict:
    return {
        "contribution_percentage": 100,
        "contribution_value": {"usd": float(usd)},
        "counterparty_percentage": 100,
        "counterparty_value": {"usd": float(usd)},
        "indirect_percentage": 0,
        "indirect_value": {"usd": 0},
    }


def _error(error: EllipticError) -> web.Response:
    response = web.json_response({"name": error.name, "message": str(error)}, status=error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = f'Signature error_description="{error}"'
    return response


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise EllipticError(400, "BadRequestError", "the body is not JSON") from None


def _whole(text: str, name: str, highest: int) -> int:
    if not text.isdecimal() or not 0 < int(text) <= highest:
        raise EllipticError(400, "BadRequestError", f"{name} must be a whole number from 1 to {highest}")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EllipticError(400, "BadRequestError", f"{text!r} is not an ISO 8601 time") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _is_within(analysed_at: str, bound: datetime, is_after: bool) -> bool:
    moment = _moment(analysed_at)
    return moment >= bound if is_after else moment <= bound


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _uuid(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "elliptic|" + "|".join(map(str, parts))))
