"""Marble's public API over the sandbox world: cases and decisions, by cursor.

Belongs here: the contract (key, paging, members, errors). The cases come from `case_world`.
"""

import uuid
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs

from aiohttp import web

from sandbox.vendor.case_world import Case, CaseWorld
from sandbox.vendor.faults import Shown, everything

PATH = "/marble"
KEY = "sandbox-marble-key"
DEFAULT_LIMIT, LARGEST_LIMIT = 50, 100
OUTCOMES = {
    None: "unset",
    "false_positive": "false_positive",
    "no_action": "valuable_alert",
    "escalated": "confirmed_risk",
    "sar_filed": "confirmed_risk",
}
_SPACE = uuid.UUID("6f4c2a1e-0d6b-4f0e-9a53-6d61726c6521")


class Marble:
    """Answers `/v1beta/cases[/{id}]` and `/v1beta/decisions`."""

    def __init__(self, world_dir: Path, key: str = KEY, shown: Shown = everything) -> None:
        self.world, self.key, self._shown = CaseWorld(world_dir), key, shown

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        answer = self._answer(request, path, query)
        answer.headers["Date"] = format_datetime(self.world.now.replace(tzinfo=UTC), usegmt=True)
        return answer

    def _answer(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        if request.headers.get("X-API-KEY") != self.key:
            return _error(401, "unauthorized")
        if request.method != "GET":
            return _error(405, "method_not_allowed")
        match path.strip("/").split("/"):
            case ["v1beta", "cases"]:
                return self._page([_case(case) for case in self.world.cases()], query)
            case ["v1beta", "cases", identifier]:
                found = [_case(case) for case in self.world.cases() if _id("case", case) == identifier]
                return web.json_response({"data": found[0]}) if found else _error(404, "not_found")
            case ["v1beta" | "v1", "decisions"]:
                return self._page([_decision(case) for case in self.world.cases()], query)
        return _error(404, "not_found")

    def _page(self, records: list[dict], query: str) -> web.Response:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        limit, order, after = asked.get("limit", str(DEFAULT_LIMIT)), asked.get("order", "DESC"), asked.get("after")
        if not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_LIMIT:
            return _error(400, "invalid_payload", f"limit must be {LARGEST_LIMIT} or less")
        if order not in ("ASC", "DESC"):
            return _error(400, "invalid_payload", "order must be one of [ASC DESC]")
        if order == "DESC":
            records = records[::-1]
        start = 0
        if after is not None:
            ids = [record["id"] for record in records]
            if after not in ids:
                return _error(404, "not_found")
            start = ids.index(after) + 1
        records = self._shown(records, start, int(limit))
        page, rest = records[start : start + int(limit)], records[start + int(limit) :]
        paging = {"pagination": {"has_more": True, "next_page_id": page[-1]["id"]}} if rest else {}
        return web.json_response({"data": page, **paging})


def _case(case: Case) -> dict:
    status = "closed" if case.is_closed else "investigating" if case.decided_at else "pending"
    return {
        "id": _id("case", case),
        "inbox": {"id": str(uuid.uuid5(_SPACE, "inbox")), "name": "Transaction monitoring"},
        "name": case.case_id,
        "assignee": {"id": case.investigator, "name": case.investigator},
        "status": status,
        "outcome": OUTCOMES[case.outcome],
        "contributors": [],
        "tags": [],
        "created_at": _time(case.opened_at),
    }


def _decision(case: Case) -> dict:
    reviewed = {"false_positive": "approve", "no_action": "approve"}.get(case.outcome, "decline")
    return {
        "id": _id("decision", case),
        "case": _case(case),
        "created_at": _time(case.opened_at),
        "trigger_object": {
            "object_id": _id("object", case),
            "party_id": case.party_id,
            "scenario_id": case.scenario_id,
            "window_start_date": case.window_start.isoformat(),
            "window_end_date": case.window_end.isoformat(),
        },
        "outcome": "block_and_review",
        "review_status": reviewed if case.decided_at else "pending",
        "scenario": {
            "id": str(uuid.uuid5(_SPACE, case.scenario_id)),
            "iteration_id": str(uuid.uuid5(_SPACE, f"{case.scenario_id}/1")),
            "version": "1",
        },
        "score": 100,
    }


def _id(kind: str, case: Case) -> str:
    return str(uuid.uuid5(_SPACE, f"{kind}/{case.case_id}"))


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _error(status: int, code: str, *messages: str) -> web.Response:
    said = {"error": {"code": code, **({"messages": list(messages)} if messages else {})}}
    return web.json_response(said, status=status)
