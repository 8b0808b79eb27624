"""Onfido v3.6 over one sandbox world: applicants and workflow runs by page, and webhooks about document checks.

Belongs here: the vendor's contract (token, paging limits, Link header, error members, 201 on create).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs

from aiohttp import web

from sandbox.vendor.customers import Customer, customers, write_webhooks
from sandbox.vendor.faults import Shown, everything

ONFIDO_PATH = "/onfido/v3.6"
TOKEN, WEBHOOK_SECRET = "api_sandbox.onfido-token", "sandbox-onfido-webhooks"
MAX_PER_PAGE, DEFAULT_PER_PAGE = 500, 20
_TYPES = {"passport": "passport", "id_card": "national_identity_card", "driving_licence": "driving_licence"}
_STATUSES = {"approved": "approved", "rejected": "declined", "pending": "processing"}


class Onfido:
    """The request handler. `added_fields` serves members that no documentation names."""

    def __init__(self, world_dir: Path, added_fields: bool = False, shown: Shown = everything) -> None:
        self._world_dir, self._added_fields, self._shown = world_dir, added_fields, shown
        self._lists: dict[str, list[dict]] | None = None

    @property
    def lists(self) -> dict[str, list[dict]]:
        """Applicants and workflow runs, the newest first."""
        if self._lists is None:
            known = customers(self._world_dir, "onfido")[::-1]
            more = {"something_new": [0.5]} if self._added_fields else {}
            self._lists = {
                "applicants": [_applicant(customer) | more for customer in known],
                "workflow_runs": [_run(customer) | more for customer in known],
            }
        return self._lists

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        if request.headers.get("Authorization") != f"Token token={TOKEN}":
            return _error(401, "authorization_error", "Authorization error: please re-check your credentials")
        path, _, query = request.raw_path.removeprefix(ONFIDO_PATH).partition("?")
        name = path.strip("/")
        if request.method == "POST" and name == "applicants":
            return self._create(await request.read())
        if request.method != "GET" or name not in self.lists:
            return _error(404, "resource_not_found", "Could not find a resource at this path")
        return self._page(name, {key: values[0] for key, values in parse_qs(query).items()})

    def _page(self, name: str, asked: dict[str, str]) -> web.Response:
        page, size = asked.get("page", "1"), asked.get("per_page", str(DEFAULT_PER_PAGE))
        if not page.isdecimal() or not size.isdecimal() or int(page) < 1 or not 1 <= int(size) <= MAX_PER_PAGE:
            return _error(422, "validation_error", f"per_page must be between 1 and {MAX_PER_PAGE}")
        number = int(page)
        start = (number - 1) * int(size)
        every = self._shown(self.lists[name], start, int(size))
        headers = {"X-Total-Count": str(len(every))}
        if start + int(size) < len(every):
            headers["Link"] = f'<{ONFIDO_PATH}/{name}?page={number + 1}&per_page={size}>; rel="next"'
        return web.json_response({name: every[start : start + int(size)]}, headers=headers)

    def _create(self, body: bytes) -> web.Response:
        try:
            said = json.loads(body)
            names = said["first_name"], said["last_name"]
        except (ValueError, KeyError, TypeError):
            return _error(422, "validation_error", "first_name and last_name are required")
        digest = hashlib.sha256(body).hexdigest()
        made = {"id": f"{digest[:8]}-0000-4000-8000-{digest[8:20]}", "created_at": "2026-01-01T00:00:00Z"}
        made |= dict(zip(("first_name", "last_name"), names, strict=True))
        self.lists["applicants"].insert(0, made)
        return web.json_response(made, status=201)


def _applicant(customer: Customer) -> dict:
    return {
        "id": customer.uuid("applicant"),
        "created_at": _iso(customer.opened_at),
        "delete_at": None,
        "href": f"/v3.6/applicants/{customer.uuid('applicant')}",
        "sandbox": True,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": None,
        "dob": customer.birth_date,
        "id_numbers": [],
        "address": {"country": customer.country3},
    }


def _run(customer: Customer) -> dict:
    return {
        "id": customer.uuid("run"),
        "applicant_id": customer.uuid("applicant"),
        "workflow_id": "5b3c1a52-0000-4000-8000-sandboxflow1",
        "workflow_version_id": 3,
        "customer_user_id": customer.party_id,
        "status": _STATUSES[customer.status],
        "output": {"properties": {}},
        "reasons": ["document_forgery"] if customer.status == "rejected" else [],
        "created_at": _iso(customer.opened_at),
        "updated_at": _iso(customer.reviewed_at),
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds") + "Z"


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"error": {"type": kind, "message": message, "fields": {}}}, status=status)


def webhooks(world_dir: Path, folder: Path) -> Path:
    """Writes the signed webhooks about the document checks of all applicants into a folder."""
    events = []
    for customer in customers(world_dir, "onfido"):
        body = json.dumps({"payload": _document_check(customer)}).encode()
        digest = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        events.append((customer.reviewed_at, {"X-SHA2-Signature": digest}, body))
    return write_webhooks(folder, events)


def _document_check(customer: Customer) -> dict:
    task, run, at = f"document_check_{customer.digest[:5]}", customer.uuid("run"), _iso(customer.reviewed_at)
    properties = {
        "date_of_birth": customer.birth_date,
        "date_of_expiry": customer.expires.isoformat(),
        "document_type": _TYPES[customer.document],
        "issuing_country": customer.country3,
        "document_number": f"SYN{customer.digest[40:47].upper()}",
        "first_name": customer.first_name,
        "last_name": customer.last_name,
    }
    return {
        "resource_type": "workflow_task",
        "action": "workflow_task.completed",
        "object": {
            "id": task,
            "task_def_id": "document_check",
            "workflow_run_id": run,
            "status": "completed",
            "completed_at_iso8601": at,
            "href": f"/v3.6/workflow_runs/{run}/tasks/{task}",
        },
        "resource": {
            "id": task,
            "task_def_id": "document_check",
            "workflow_run_id": run,
            "created_at": _iso(customer.opened_at),
            "updated_at": at,
            "input": {},
            "output": {
                "status": "complete",
                "result": "clear",
                "uuid": customer.uuid("check"),
                "properties": properties,
            },
        },
    }
