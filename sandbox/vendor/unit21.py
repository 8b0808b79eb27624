"""Unit21's API over the sandbox world: alerts, cases and reports, by offset and limit in the body.

Belongs here: the contract (key, paging, members, errors). The cases come from `case_world`.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from sandbox.vendor.case_world import Case, CaseWorld
from sandbox.vendor.faults import Shown, everything

PATH = "/unit21"
KEY = "sandbox-unit21-key"
LARGEST_LIMIT = 100
LISTS = ("alerts", "cases", "sars")


class Unit21:
    """Answers `POST /v1/{alerts,cases,sars}/list`, newest first, as the dashboard shows them."""

    def __init__(self, world_dir: Path, key: str = KEY, shown: Shown = everything) -> None:
        self.world, self.key, self._shown = CaseWorld(world_dir), key, shown

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        if request.headers.get("u21-key") != self.key:
            return _error(401, "UNAUTHORIZED", "the API key is not valid")
        match path.strip("/").split("/"):
            case ["v1", name, "list"] if name in LISTS:
                if request.method != "POST":
                    return _error(405, "METHOD_NOT_ALLOWED", "lists are asked for with POST")
                return self._list(name, await request.read())
        return _error(404, "NOT_FOUND", "no such end-point")

    def _list(self, name: str, body: bytes) -> web.Response:
        try:
            asked = json.loads(body or b"{}")
            limit, offset = asked.get("limit", 50), asked.get("offset", 0)
            created_after = asked.get("created_after", 0)
        except (ValueError, AttributeError):
            return _error(400, "BAD_REQUEST", "the body is no JSON object")
        if not isinstance(limit, int) or not 1 <= limit <= LARGEST_LIMIT:
            return _error(400, "BAD_REQUEST", f"limit must be from 1 to {LARGEST_LIMIT}")
        if not isinstance(offset, int) or offset < 0:
            return _error(400, "BAD_REQUEST", "offset must be 0 or more")
        numbered = list(enumerate(self.world.cases(), 1))
        records = [record for number, case in numbered for record in _records(name, number, case)]
        records = [record for record in records if record["created_at"] > created_after][::-1]
        records = self._shown(records, offset, limit)
        page = records[offset : offset + limit]
        return web.json_response({name: page, "response_count": len(page), "total_count": len(records)})


def _records(name: str, number: int, case: Case) -> list[dict]:
    """What the list says of the case; a case has one alert, and a report once it was escalated."""
    common = {
        "created_at": _seconds(case.opened_at),
        "updated_at": _seconds(case.changed_at),
        "status": "CLOSED" if case.is_closed else "IN_PROGRESS" if case.decided_at else "OPEN",
        "associated_entities": [{"entity_id": case.party_id, "entity_type": "user"}],
        "tags": [],
    }
    disposition = {
        "disposition": case.outcome.upper() if case.outcome else None,
        "dispositioned_at": _seconds(case.decided_at),
        "dispositioned_by": case.investigator if case.decided_at else None,
        "assigned_to": case.investigator,
    }
    case_id = {"unit21_id": 2_000_000 + number, "case_id": case.case_id}
    if name == "alerts":
        alert = {
            "unit21_id": 1_000_000 + number,
            "alert_id": f"A-{case.case_id}",
            "alert_type": "tm",
            "associated_cases": [case_id],
            "associated_rules": [{"rule_id": case.scenario_id}],
            "start_date": _seconds(datetime.combine(case.window_start, datetime.min.time())),
            "end_date": _seconds(datetime.combine(case.window_end, datetime.min.time())),
        }
        if case.outcome == "sar_filed":
            disposition["disposition"] = "ESCALATED"
        return [alert | common | disposition]
    if name == "cases":
        return [case_id | {"associated_alerts": [{"alert_id": f"A-{case.case_id}"}]} | common | disposition]
    if case.outcome not in ("escalated", "sar_filed"):
        return []
    report = {
        "unit21_id": 3_000_000 + number,
        "report_type": "FINCEN_SAR",
        "associated_cases": [case_id],
        "filed_at": _seconds(case.filed_at),
        "created_at": _seconds(case.decided_at),
    }
    return [common | report | {"status": "FINCEN_ACCEPTED" if case.filed_at else "READY_FOR_REVIEW"}]


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp())


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error_code": code, "message": message}, status=status)
