"""Sumsub over one sandbox world: applicants by id, signed requests, and the webhooks that announce them.

Belongs here: the vendor's contract (signature, time stamp, status codes, error members).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from sandbox.vendor.customers import Customer, customers, write_webhooks

SUMSUB_PATH = "/sumsub"
APP_TOKEN, SECRET, WEBHOOK_SECRET = "sbx:sandbox-app-token", "sandbox-sumsub-secret", "sandbox-sumsub-webhooks"
SKEW_SECONDS = 60
ALGORITHMS = {"HMAC_SHA1_HEX": hashlib.sha1, "HMAC_SHA256_HEX": hashlib.sha256, "HMAC_SHA512_HEX": hashlib.sha512}
_TYPES = {"passport": "PASSPORT", "id_card": "ID_CARD", "driving_licence": "DRIVERS"}
_APPLICANT = re.compile(r"/resources/applicants/(?:-;externalUserId=(?P<user>[^/]+)|(?P<id>[^/;]+))/(?P<what>\w+)")


def applicant_id(customer: Customer) -> str:
    """The vendor's id of a customer: 24 hex digits."""
    return customer.digest[8:32]


class Sumsub:
    """The request handler. `added_fields` serves members that no documentation names."""

    def __init__(self, world_dir: Path, added_fields: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._world_dir, self._added_fields, self._clock = world_dir, added_fields, clock
        self._applicants: dict[str, dict] | None = None

    @property
    def applicants(self) -> dict[str, dict]:
        """Answers by applicant id."""
        if self._applicants is None:
            known = customers(self._world_dir, "sumsub")
            self._applicants = {applicant_id(customer): self._applicant(customer) for customer in known}
        return self._applicants

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        body = await request.read()
        if problem := _unsigned(request, body, self._clock()):
            return _error(401, problem, "unauthorized")
        path = request.raw_path.partition("?")[0].removeprefix(SUMSUB_PATH)
        if request.method == "POST" and path == "/resources/applicants":
            return self._create(request, body)
        asked = _APPLICANT.fullmatch(path)
        if request.method != "GET" or not asked:
            return _error(404, "No such end-point", "not-found")
        found = self._find(asked)
        if found is None:
            return _error(404, "Applicant not found", "not-found")
        match asked["what"]:
            case "one":
                return web.json_response(found)
            case "status":
                return web.json_response(found["review"])
            case "requiredIdDocsStatus":
                return web.json_response({"IDENTITY": {"reviewResult": found["review"].get("reviewResult", {})}})
        return _error(404, "No such end-point", "not-found")

    def _find(self, asked: re.Match) -> dict | None:
        if asked["id"]:
            return self.applicants.get(unquote(asked["id"]))
        user = unquote(asked["user"])
        return next((one for one in self.applicants.values() if one["externalUserId"] == user), None)

    def _create(self, request: web.BaseRequest, body: bytes) -> web.Response:
        try:
            said = json.loads(body)
            user = said["externalUserId"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "externalUserId is required", "bad-request")
        if any(one["externalUserId"] == user for one in self.applicants.values()):
            return _error(409, f"Applicant with external user id '{user}' already exists", "conflict")
        made = hashlib.sha256(f"created {user}".encode()).hexdigest()[:24]
        level = request.query.get("levelName", "basic-kyc-level") if hasattr(request, "query") else "basic-kyc-level"
        self.applicants[made] = {
            "id": made,
            "createdAt": "2026-01-01 00:00:00",
            "externalUserId": user,
            "info": said.get("info", {}),
            "review": {"reviewId": made[:12], "levelName": level, "reviewStatus": "init"},
            "type": "individual",
        }
        return web.json_response(self.applicants[made], status=201)

    def _applicant(self, customer: Customer) -> dict:
        answer = {
            "id": applicant_id(customer),
            "createdAt": customer.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
            "key": customer.digest[:12],
            "clientId": "plumbline-sandbox",
            "inspectionId": customer.digest[32:56],
            "externalUserId": customer.party_id,
            "info": {"firstName": customer.first_name, "lastName": customer.last_name, "dob": customer.birth_date,
                     "country": customer.country3, "idDocs": [self._document(customer)]},
            "applicantPlatform": "Web",
            "agreement": {},
            "requiredIdDocs": {"docSets": [{"idDocSetType": "IDENTITY", "types": list(_TYPES.values())}]},
            "review": _review(customer),
            "lang": "en",
            "type": "company" if customer.is_company else "individual",
        }  # fmt: skip
        if customer.is_pep:
            answer["riskLabels"] = {"attemptId": customer.digest[:8], "aml": ["pep"]}
        if self._added_fields:
            answer["somethingNew"] = {"score": 0.5}
        return answer

    @staticmethod
    def _document(customer: Customer) -> dict:
        return {
            "idDocType": _TYPES[customer.document],
            "country": customer.country3,
            "number": f"SYN{customer.digest[40:47].upper()}",
            "issuedDate": customer.issued.isoformat(),
            "validUntil": customer.expires.isoformat(),
            "dob": customer.birth_date,
        }


def _review(customer: Customer) -> dict:
    review = {
        "reviewId": customer.digest[20:30],
        "attemptId": customer.digest[30:40],
        "attemptCnt": 1,
        "elapsedSincePendingMs": 180_000,
        "elapsedSinceQueuedMs": 180_000,
        "reprocessing": False,
        "levelName": "basic-kyc-level",
        "createDate": customer.opened_at.strftime("%Y-%m-%d %H:%M:%S+0000"),
        "reviewStatus": "completed" if customer.is_decided else "pending",
        "priority": 0,
    }
    if customer.is_decided:
        review["reviewDate"] = customer.reviewed_at.strftime("%Y-%m-%d %H:%M:%S+0000")
        review["reviewResult"] = {"reviewAnswer": "GREEN"}
    if customer.status == "rejected":
        is_final = int(customer.digest[7], 16) % 2 == 0
        review["reviewResult"] = {
            "reviewAnswer": "RED",
            "rejectLabels": ["FORGERY", "SANCTIONS"] if is_final else ["UNSATISFACTORY_PHOTOS"],
            "reviewRejectType": "FINAL" if is_final else "RETRY",
            "moderationComment": "sandbox",
        }
    return review


def _unsigned(request: web.BaseRequest, body: bytes, now: float) -> str | None:
    """What is wrong with the request's token, time stamp or signature; None where all are right."""
    if request.headers.get("X-App-Token") != APP_TOKEN:
        return "App token is not valid"
    moment = request.headers.get("X-App-Access-Ts", "")
    if not moment.isdecimal() or abs(int(moment) - now) > SKEW_SECONDS:
        return "Request time stamp is not valid"
    right = signature(SECRET, moment, request.method, request.raw_path, body)
    if not hmac.compare_digest(request.headers.get("X-App-Access-Sig", ""), right):
        return "Request signature mismatch"
    return None


def signature(secret: str, moment: str, method: str, path: str, body: bytes = b"") -> str:
    """The signature of a request as the vendor makes it."""
    return hmac.new(secret.encode(), f"{moment}{method}{path}".encode() + body, hashlib.sha256).hexdigest()


def _error(status: int, description: str, name: str) -> web.Response:
    answer = {"description": description, "code": status, "correlationId": "req-sandbox", "errorName": name}
    return web.json_response(answer, status=status)


def webhooks(world_dir: Path, folder: Path) -> Path:
    """Writes the webhooks about all applicants into a folder, each signed by one of the three algorithms."""
    events = []
    for number, customer in enumerate(customers(world_dir, "sumsub")):
        events.append(_event(customer, "applicantCreated", customer.opened_at, number))
        if customer.is_decided:
            events.append(_event(customer, "applicantReviewed", customer.reviewed_at, number + 1))
    return write_webhooks(folder, events)


def _event(customer: Customer, kind: str, at: datetime, number: int) -> tuple[datetime, dict[str, str], bytes]:
    said = {
        "applicantId": applicant_id(customer),
        "inspectionId": customer.digest[32:56],
        "correlationId": customer.uuid(kind),
        "externalUserId": customer.party_id,
        "levelName": "basic-kyc-level",
        "type": kind,
        "reviewStatus": "completed" if kind == "applicantReviewed" else "init",
        "createdAtMs": (at + timedelta(milliseconds=321)).isoformat(sep=" ", timespec="milliseconds"),
        "sandboxMode": True,
        "clientId": "plumbline-sandbox",
        "applicantType": "individual",
    }
    body = json.dumps(said).encode()
    algorithm = list(ALGORITHMS)[number % len(ALGORITHMS)]
    digest = hmac.new(WEBHOOK_SECRET.encode(), body, ALGORITHMS[algorithm]).hexdigest()
    return at, {"x-payload-digest": digest, "x-payload-digest-alg": algorithm}, body
