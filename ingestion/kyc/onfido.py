"""Onfido: applicants and workflow runs by page, and the documents that webhooks of a run's tasks bring.

Belongs here: paging, and answers as records. An applicant's answer is kept as one object with its workflow runs.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

import requests
from requests.auth import AuthBase

from ingestion import wire
from ingestion.kyc import records
from ingestion.kyc.records import Applicant, Reject, Unusable
from ingestion.vendor import Vendor, VendorError, dumps

VENDOR = "onfido"
PER_PAGE = 500
KNOWN = frozenset(
    {"delete_at", "href", "sandbox", "first_name", "last_name", "email", "dob", "id_numbers", "address", "location"}
    | {"phone_number", "consents", "phone_number_verified"}
)
RUN_NEEDS = ("id", "applicant_id", "status", "created_at")
RUN_KNOWN = frozenset(
    {"workflow_id", "workflow_version_id", "customer_user_id", "output", "reasons", "updated_at", "dashboard_url"}
    | {"link", "error", "sdk_token", "tags", "href", "custom_data"}
)
_NAMELESS = "the record names no applicant"
DOCUMENT_TASK = "workflow_task.completed"


class Token(AuthBase):
    """Authorization: Token token=<key>."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Token token={self._key}"
        return request


def fetch(vendor: Vendor) -> tuple[list[Applicant], list[Reject]]:
    """Every applicant with its runs, and what of the lists cannot be used. A run may name a customer of the exchange
    (`customer_user_id`); of several the newest run's name counts."""
    runs: dict[str, list[dict]] = defaultdict(list)
    rejected: list[Reject] = []
    for run in records.without_repeats(_all(vendor, "workflow_runs")):
        if isinstance(run, dict) and isinstance(run.get("applicant_id"), str):
            runs[run["applicant_id"]].append(run)
        else:
            rejected.append(records.reject("reviews", Unusable("missing_value", _NAMELESS), run))
    found: list[Applicant] = []
    for said in records.without_repeats(_all(vendor, "applicants")):
        if not isinstance(said, dict) or not isinstance(said.get("id"), str):
            rejected.append(records.reject("applicants", Unusable("missing_value", _NAMELESS), said))
            continue
        whole = {"applicant": said, "workflow_runs": runs.pop(said["id"], [])}
        try:
            found.append(applicant(whole))
        except Unusable as problem:
            rejected.append(Reject("applicants", problem, dumps(whole), wire.key(said["id"])))
            rejected += [records.reject("reviews", problem, run) for run in whole["workflow_runs"]]
    for left in runs.values():
        problem = Unusable("unknown_applicant", "the run is of an applicant that the list of applicants does not have")
        rejected += [records.reject("reviews", problem, run) for run in left]
    return found, rejected


def _all(vendor: Vendor, member: str) -> Iterator[Any]:
    """The elements of a list, page by page until one is empty."""
    page = 1
    while True:
        answer = vendor.get(f"/{member}", {"page": page, "per_page": PER_PAGE})
        elements = answer.data.get(member) if isinstance(answer.data, dict) else None
        if not isinstance(elements, list):
            raise VendorError(f"Onfido answered page {page} of /{member} without a list of {member}.")
        if not elements:
            return
        yield from elements
        page += 1


def kept(answer: bytes, *_: object) -> Applicant:
    """The applicant of an answer as it lies in the warehouse. Raises Unusable."""
    return applicant(records.parse(answer))


def applicant(whole: dict) -> Applicant:
    """An applicant from `{"applicant": ..., "workflow_runs": [...]}`. Raises Unusable."""
    said, runs = whole["applicant"], whole["workflow_runs"]
    created_at = records.instant(said.get("created_at"), "created_at", required=True)
    moments = [created_at]
    for run in runs:
        for member in ("created_at", "updated_at"):
            moment = records.instant(run.get(member), f"workflow_run.{member}")
            moments += [moment] if moment else []
    runs = sorted(runs, key=lambda run: str(run.get("created_at")))
    parties = [records.text(run.get("customer_user_id"), "customer_user_id") for run in runs]
    address = records.mapping(said.get("address") or said.get("location"), "address")
    found = Applicant(VENDOR, said["id"], dumps(whole), max(moments))
    found.hold(said, "applicant", ("id", "created_at"), KNOWN)
    found.row = {
        "vendor_code": VENDOR,
        "applicant_id": records.text(said["id"], "id", required=True),
        "party_id": next((party for party in reversed(parties) if party), None),
        "applicant_type_code": "individual",
        "status_code": records.text(runs[-1].get("status"), "workflow_run.status") if runs else None,
        "country_code": records.text(address.get("country") or address.get("country_of_residence"), "country"),
        "created_at": created_at,
        "updated_at": found.known_at,
        "answer_json": found.text,
    }
    for run in runs:
        found.add("reviews", run, wire.said(run, "id"), partial(_review, found))
    return found


def _review(found: Applicant, run: dict) -> dict:
    found.hold(run, "workflow_run", RUN_NEEDS, RUN_KNOWN)
    status = records.text(run.get("status"), "status", required=True)
    return {
        "review_id": records.text(run.get("id"), "id", required=True),
        "review_type_code": "identity",
        "level_name": records.text(run.get("workflow_id"), "workflow_id"),
        "status_code": status,
        "answer_code": status if status in ("approved", "declined") else None,
        "reject_labels": records.labels(run.get("reasons"), "reasons"),
        "reviewed_at": records.instant(run.get("updated_at") or run.get("created_at"), "updated_at"),
    }


def webhook_document(content: dict) -> dict | None:
    """The document that a webhook about a document check brings, tied to its workflow run; None where it brings none.
    Raises Unusable."""
    payload = records.mapping(content.get("payload"), "payload")
    resource = records.mapping(payload.get("resource"), "payload.resource")
    output = resource.get("output")
    properties = output.get("properties") if isinstance(output, dict) else None
    if not isinstance(properties, dict) or properties.get("document_type") is None:
        return None
    run_id = records.text(resource.get("workflow_run_id"), "workflow_run_id", required=True)
    return {
        "document_id": records.text(output.get("uuid"), "output.uuid") or f"{run_id}:{wire.said(resource, 'id') or ''}",
        "vendor_code": VENDOR,
        "review_id": run_id,
        "document_type_code": records.text(properties.get("document_type"), "document_type", required=True),
        "country_code": records.text(properties.get("issuing_country"), "issuing_country"),
        "issued_date": records.day(properties.get("issuing_date"), "issuing_date"),
        "expiry_date": records.day(properties.get("date_of_expiry"), "date_of_expiry"),
        "valid_from_at": records.instant(resource.get("updated_at"), "resource.updated_at", required=True),
    }
