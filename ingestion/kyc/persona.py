"""Persona: inquiries and reports by cursor, and an inquiry with its verifications where it has changed.

Belongs here: paging, and answers as records. An inquiry's answer is kept as one object with its verifications and the
reports made for it; the inquiry is the applicant, its reference-id the exchange's customer.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests
from requests.auth import AuthBase

from ingestion import wire
from ingestion.kyc import records
from ingestion.kyc.records import Applicant, Reject, Unusable
from ingestion.vendor import Refusal, Vendor, VendorError, dumps

VENDOR = "persona"
HEADERS = {"Persona-Version": "2025-12-08", "Key-Inflection": "kebab"}
PER_MINUTE = 300
PAGE_SIZE = 100
_REPORTS = {
    "report/watchlist": "watchlist",
    "report/politically-exposed-person": "pep",
    "report/adverse-media": "adverse_media",
}
_NEEDS = ("status", "created-at")
_KNOWN = frozenset(
    {"reference-id", "note", "behaviors", "tags", "creator", "reviewer-comment", "updated-at", "started-at", "fields"}
    | {"completed-at", "failed-at", "marked-for-review-at", "decisioned-at", "expired-at", "redacted-at", "name-first"}
    | {"previous-step-name", "next-step-name", "name-middle", "name-last", "birthdate", "address-street-1"}
    | {"address-street-2", "address-city", "address-subdivision", "address-subdivision-abbr", "address-postal-code"}
    | {"address-postal-code-abbr", "identification-number", "email-address", "phone-number", "submitted-at"}
)
_REPORT_KNOWN = frozenset(
    {"created-at", "completed-at", "redacted-at", "report-template-version-name", "query", "result", "matched-lists"}
    | {"has-match", "is-recurring", "is-continuous", "tags", "addresses", "matches", "updated-at", "term", "phase"}
)
_MOMENTS = ("created-at", "updated-at", "started-at", "completed-at", "decisioned-at", "failed-at", "expired-at")


class Bearer(AuthBase):
    """Authorization: Bearer <key>."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def fetch(vendor: Vendor, is_loaded: Callable[[str, datetime], bool]) -> tuple[list[Applicant], list[Reject], int]:
    """Every inquiry that is not loaded as it stands, what of the lists cannot be used, and how many inquiries are
    loaded as they stand."""
    reports: dict[str, list[dict]] = defaultdict(list)
    rejected: list[Reject] = []
    for report in records.without_repeats(_all(vendor, "reports")):
        inquiry_id = _inquiry_of(report)
        if inquiry_id:
            reports[inquiry_id].append(report)
        else:
            problem = Unusable("untied_report", "the report names no inquiry, so that nobody knows whom it is about")
            rejected.append(records.reject("reviews", problem, report))
    found, unchanged = [], 0
    for listed in records.without_repeats(_all(vendor, "inquiries")):
        mine = reports.pop(listed.get("id"), []) if isinstance(listed, dict) else []
        whole = listed
        try:
            known_at = _known_at(listed, mine)
            if is_loaded(listed["id"], known_at):
                unchanged += 1
                continue
            answer = vendor.get(f"/inquiries/{quote(listed['id'], safe='')}").data
            included = records.without_repeats(records.listed(answer.get("included"), "included"))
            whole = {"inquiry": answer["data"], "included": included, "reports": mine}
            found.append(applicant(whole, known_at))
        except (Unusable, Refusal, KeyError, TypeError) as error:
            unusable = isinstance(error, Unusable)
            problem = error if unusable else Unusable("unusable_answer", "the inquiry cannot be fetched by its id")
            rejected.append(Reject("applicants", problem, dumps(whole), wire.key(wire.said(listed, "id"))))
            rejected += [records.reject("reviews", problem, report) for report in mine]
    for left in reports.values():
        problem = Unusable(
            "unknown_applicant", "the report is about an inquiry that the list of inquiries does not have"
        )
        rejected += [records.reject("reviews", problem, report) for report in left]
    return found, rejected, unchanged


def _all(vendor: Vendor, member: str) -> Iterator[Any]:
    """The elements of a list, following the relative `links.next`."""
    answer = vendor.get(f"/{member}", {"page[size]": PAGE_SIZE})
    while True:
        data = answer.data if isinstance(answer.data, dict) else {}
        if not isinstance(data.get("data"), list):
            raise VendorError(f"Persona answered /{member} without a list of data.")
        yield from data["data"]
        following = records.mapping(data.get("links"), "links").get("next")
        if not following:
            return
        url = urljoin(vendor.base_url + "/", str(following))
        if urlsplit(url)[:2] != urlsplit(vendor.base_url)[:2]:
            raise VendorError(f"Persona's list of {member} goes on at another host: the key is not sent there.")
        answer = vendor.get(url)


def _inquiry_of(report: Any) -> str | None:
    try:
        return report["relationships"]["inquiry"]["data"]["id"]
    except (KeyError, TypeError):
        return None


def _known_at(listed: Any, reports: list[dict]) -> datetime:
    inquiry = records.mapping(listed, "the inquiry")
    records.text(inquiry.get("id"), "id", required=True)
    moments = []
    for said in (inquiry, *reports):
        attributes = records.mapping(said.get("attributes"), "attributes")
        moments += [records.instant(attributes.get(member), member) for member in _MOMENTS]
    moments = [moment for moment in moments if moment]
    if not moments:
        raise Unusable("missing_value", "created-at is empty and required")
    return max(moments)


def kept(answer: bytes, _: str, known_at: datetime) -> Applicant:
    """The applicant of an answer as it lies in the warehouse. Raises Unusable."""
    return applicant(records.parse(answer), known_at)


def applicant(whole: dict, known_at: datetime) -> Applicant:
    """An applicant from `{"inquiry": ..., "included": [...], "reports": [...]}`. Raises Unusable."""
    inquiry = records.mapping(whole["inquiry"], "the inquiry")
    attributes = records.mapping(inquiry.get("attributes"), "attributes")
    inquiry_id = records.text(inquiry.get("id"), "id", required=True)
    fields = records.mapping(attributes.get("fields"), "fields")
    country = records.mapping(fields.get("address-country-code"), "fields.address-country-code").get("value")
    found = Applicant(VENDOR, inquiry_id, dumps(whole), known_at)
    found.hold(attributes, "inquiry", _NEEDS, _KNOWN)
    found.row = {
        "vendor_code": VENDOR,
        "applicant_id": inquiry_id,
        "party_id": records.text(attributes.get("reference-id"), "reference-id"),
        "applicant_type_code": records.text(inquiry.get("type"), "type"),
        "status_code": records.text(attributes.get("status"), "status"),
        "country_code": records.text(country, "address-country-code"),
        "created_at": records.instant(attributes.get("created-at"), "created-at"),
        "updated_at": known_at,
        "answer_json": found.text,
    }
    for one in records.listed(whole["included"], "included"):
        if isinstance(one, dict) and one.get("type") == "verification/government-id":
            found.add("documents", one, wire.said(one, "id"), _document, inquiry_id)
    found.add("reviews", inquiry, inquiry_id, _review)
    for report in whole["reports"]:
        found.add("reviews", report, wire.said(report, "id"), partial(_report, found))
    return found


def _document(said: dict, inquiry_id: str) -> dict:
    attributes = records.mapping(said.get("attributes"), "attributes")
    return {
        "document_id": records.text(said.get("id"), "id", required=True),
        "review_id": inquiry_id,
        "document_type_code": records.text(attributes.get("id-class"), "id-class", required=True),
        "country_code": records.text(attributes.get("country-code"), "country-code"),
        "issued_date": records.day(attributes.get("issue-date"), "issue-date"),
        "expiry_date": records.day(attributes.get("expiration-date"), "expiration-date"),
    }


def _review(inquiry: dict) -> dict:
    attributes = records.mapping(inquiry.get("attributes"), "attributes")
    status = records.text(attributes.get("status"), "status", required=True)
    return {
        "review_id": inquiry["id"],
        "review_type_code": "identity",
        "status_code": status,
        "answer_code": status if status in ("approved", "declined", "failed") else None,
        "reject_labels": records.labels(attributes.get("tags"), "tags"),
        "reviewed_at": records.instant(
            attributes.get("decisioned-at") or attributes.get("completed-at"), "decisioned-at"
        ),
    }


def _report(found: Applicant, said: dict) -> dict:
    attributes = records.mapping(said.get("attributes"), "attributes")
    found.hold(attributes, "report", ("status",), _REPORT_KNOWN)
    kind = _REPORTS.get(str(said.get("type")), str(said.get("type")))
    has_match = attributes.get("has-match")
    if has_match is not None and not isinstance(has_match, bool):
        raise Unusable("invalid_boolean", "has-match is neither true nor false")
    return {
        "review_id": records.text(said.get("id"), "id", required=True),
        "review_type_code": records.text(kind, "type", required=True),
        "status_code": records.text(attributes.get("status"), "status", required=True),
        "has_pep_hit": has_match if kind == "pep" else None,
        "has_watchlist_hit": has_match if kind == "watchlist" else None,
        "reviewed_at": records.instant(attributes.get("completed-at"), "completed-at"),
    }
