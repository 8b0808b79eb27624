"""Sumsub: applicants by id, for those that webhooks spoke of (the vendor has no list of applicants).

Belongs here: the signature of a request, and an applicant's answer as records.
"""

import hashlib
import hmac
import time
from datetime import datetime
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from ingestion.kyc import records
from ingestion.kyc.records import Applicant
from ingestion.vendor import Refusal, Vendor

VENDOR = "sumsub"
NEEDS = ("id", "createdAt", "review")
KNOWN = frozenset(
    {"key", "clientId", "inspectionId", "externalUserId", "info", "fixedInfo", "email", "phone", "applicantPlatform"}
    | {"agreement", "requiredIdDocs", "lang", "type", "riskLabels", "questionnaires", "metadata", "notes", "tags"}
    | {"sourceKey", "ipCountry", "deleted", "memberOf", "createdBy", "authCode", "env", "clientApplicantActions"}
)
REVIEW_NEEDS = ("reviewStatus",)
REVIEW_KNOWN = frozenset(
    {"reviewId", "attemptId", "attemptCnt", "elapsedSincePendingMs", "elapsedSinceQueuedMs", "reprocessing", "priority"}
    | {"levelName", "levelAutoCheckMode", "createDate", "reviewDate", "startDate", "reviewResult", "confirmed"}
    | {"notificationFailureCnt", "moderationTierType", "autoChecked"}
)


class Signed(AuthBase):
    """X-App-Token, X-App-Access-Ts (unix seconds) and X-App-Access-Sig over time, method, path with query and body,
    exactly as they are sent."""

    def __init__(self, app_token: str, secret: str) -> None:
        self._app_token, self._secret = app_token, secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        moment = str(int(time.time()))
        body = request.body or b""
        signed = f"{moment}{request.method}{request.path_url}".encode() + (
            body if isinstance(body, bytes) else body.encode()
        )
        request.headers["X-App-Token"] = self._app_token
        request.headers["X-App-Access-Ts"] = moment
        request.headers["X-App-Access-Sig"] = hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
        return request


def fetch(vendor: Vendor, applicant_id: str) -> bytes | Refusal:
    """The applicant's answer, or the refusal where the vendor does not give it (deleted, another account's)."""
    try:
        return vendor.get(f"/resources/applicants/{quote(applicant_id, safe='')}/one").body
    except Refusal as refusal:
        return refusal


def applicant(answer: bytes, asked_id: str, known_at: datetime) -> Applicant:
    """The applicant, its documents (`info.idDocs`) and its review. Raises records.Unusable."""
    shown = answer.decode("utf-8", "backslashreplace")
    said = records.parse(shown)
    if said.get("id") != asked_id:
        raise records.Unusable("invalid_record", "the answer is about another applicant than the one asked for")
    party_id = records.text(said.get("externalUserId"), "externalUserId")
    review = records.mapping(said.get("review"), "review")
    info = records.mapping(said.get("info"), "info")
    found = Applicant(VENDOR, asked_id, shown, known_at)
    found.hold(said, "applicant", NEEDS, KNOWN)
    found.hold(review, "review", REVIEW_NEEDS if review else (), REVIEW_KNOWN)
    found.row = {
        "vendor_code": VENDOR,
        "applicant_id": asked_id,
        "party_id": party_id,
        "applicant_type_code": records.text(said.get("type"), "type"),
        "status_code": records.text(review.get("reviewStatus"), "review.reviewStatus"),
        "country_code": records.text(info.get("country"), "info.country"),
        "created_at": records.instant(said.get("createdAt"), "createdAt"),
        "updated_at": known_at,
        "answer_json": shown,
    }
    review_id = records.text(review.get("reviewId"), "review.reviewId") or f"{asked_id}:review"
    for number, document in enumerate(records.listed(info.get("idDocs"), "info.idDocs"), 1):
        document_id = f"{asked_id}:{number}"
        found.add("documents", document, document_id, _document, document_id, review_id if review else None)
    if review:
        found.add("reviews", review, review_id, _review, review_id, said.get("riskLabels"))
    return found


def _document(said: object, document_id: str, review_id: str | None) -> dict:
    document = records.mapping(said, "idDocs")
    return {
        "document_id": document_id,
        "review_id": review_id,
        "document_type_code": records.text(document.get("idDocType"), "idDocType", required=True),
        "country_code": records.text(document.get("country"), "country"),
        "issued_date": records.day(document.get("issuedDate"), "issuedDate"),
        "expiry_date": records.day(document.get("validUntil"), "validUntil"),
    }


def _review(review: dict, review_id: str, risks: object) -> dict:
    result = records.mapping(review.get("reviewResult"), "reviewResult")
    rejected = records.labels(result.get("rejectLabels"), "rejectLabels")
    groups = records.mapping(risks, "riskLabels").values()
    risk = records.labels([one for group in groups if isinstance(group, list) for one in group], "riskLabels")
    named = {label.upper() for label in f"{rejected or ''};{risk or ''}".split(";")}
    return {
        "review_id": review_id,
        "review_type_code": "identity",
        "level_name": records.text(review.get("levelName"), "levelName"),
        "status_code": records.text(review.get("reviewStatus"), "reviewStatus", required=True),
        "answer_code": records.text(result.get("reviewAnswer"), "reviewAnswer"),
        "reject_type_code": records.text(result.get("reviewRejectType"), "reviewRejectType"),
        "reject_labels": rejected,
        "risk_labels": risk,
        # Absent labels are not a clean screening: nothing is said
        "has_pep_hit": True if "PEP" in named else None,
        "has_watchlist_hit": True if named & {"SANCTIONS", "COMPROMISED_PERSONS", "CRIMINAL"} else None,
        "reviewed_at": records.instant(review.get("reviewDate"), "reviewDate"),
    }
