"""Cases of identity vendors and case systems."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ingestion.cases import marble, unit21
from ingestion.cases.wire import Unusable as UnusableCase
from ingestion.kyc import onfido, persona, sumsub, webhooks
from ingestion.kyc.records import Unusable as UnusableIdentity
from replay_cases.common import DAY, Case, refusing, serve

NO = UnusableIdentity("strange", "no")


SUMSUB = ("A1", "A2", "A3", "A4", "A5")


def _sumsub(case: ExitStack, folder: Path) -> dict[str, Any]:
    def about(identifier: str) -> dict:
        documents = [{"idDocType": "PASSPORT", "number": f"{identifier}-{n}", "country": "DEU"} for n in (1, 2, 3)]
        review = {"reviewId": f"r-{identifier}", "reviewStatus": "completed"}
        return {
            "id": identifier, "createdAt": "2026-01-01 05:05:14", "review": review, "info": {"idDocs": documents},
        }  # fmt: skip

    url = serve(case, {f"/resources/applicants/{one}/one": about(one) for one in SUMSUB})
    kept = folder / "webhooks" / DAY
    kept.mkdir(parents=True)
    lines = []
    for one in SUMSUB:
        body = json.dumps({"applicantId": one, "type": "applicantReviewed", "createdAtMs": "2026-01-01 06:00:00.000"})
        lines.append(json.dumps({"received_at": "2026-01-01T06:00:01Z", "headers": {}, "body": body}))
    (kept / "webhooks.jsonl").write_text("\n".join(lines) + "\n")
    return dict(
        sumsub_api_url=url,
        sumsub_api_key="k",
        sumsub_api_secret="s",
        sumsub_webhooks_url=str(folder / "webhooks"),
        sumsub_webhook_secret="w",
    )


def _unsigned(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(webhooks, "verify", lambda *_: None)


def sumsub_all(folder: Path, case: ExitStack) -> Case:
    """A document of an applicant that landed, a whole applicant, and a webhook that lets its applicant be asked."""

    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(sumsub, "_document", NO, lambda said, *_: said["number"] == "A2-1")(patch)
        refusing(sumsub, "applicant", NO, lambda answer, asked, _: asked == "A3")(patch)
        refusing(webhooks, "read", NO, lambda vendor, line, secret: b"A4" in line)(patch)

    brings = {"webhooks": 1, "applicants": 1, "documents": 4, "reviews": 1}
    beside = {"applicants": 1, "documents": 3, "reviews": 1}
    return Case("kyc", _sumsub(case, folder), refuse, brings, beside=beside)


def _onfido(case: ExitStack) -> dict[str, Any]:
    made = "2026-01-01T05:05:14Z"
    people = [{"id": f"O{n}", "created_at": made} for n in (1, 2, 3, 4)]
    runs = [
        {"id": f"r{n}{m}", "applicant_id": f"O{n}", "status": "approved", "created_at": made}
        for n in (1, 2, 3, 4) for m in (1, 2)
    ]  # fmt: skip
    url = serve(case, {"/applicants": {"applicants": people}, "/workflow_runs": {"workflow_runs": runs}})
    return dict(onfido_api_url=url, onfido_api_key="k")


def onfido_all(folder: Path, case: ExitStack) -> Case:
    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(onfido, "_review", NO, lambda found, run: run["id"] == "r21")(patch)
        refusing(onfido, "applicant", NO, lambda whole: whole["applicant"]["id"] == "O3")(patch)

    return Case("kyc", _onfido(case), refuse, {"applicants": 1, "reviews": 3})


def _persona(case: ExitStack) -> dict[str, Any]:
    made = {"status": "approved", "created-at": "2026-01-01T05:05:14Z"}
    inquiries = [{"type": "inquiry", "id": f"inq_{n}", "attributes": made} for n in (1, 2, 3)]
    document = {"id-class": "pp", "country-code": "DE"}
    included = {
        n: [{"type": "verification/government-id", "id": f"ver_{n}{m}", "attributes": document} for m in (1, 2)]
        for n in (1, 2, 3)
    }
    answers = {"/reports": {"data": []}, "/inquiries": {"data": inquiries}}
    answers |= {f"/inquiries/inq_{n}": {"data": inquiries[n - 1], "included": included[n]} for n in (1, 2, 3)}
    url = serve(case, answers)
    return dict(persona_api_url=url, persona_api_key="k")


def persona_all(folder: Path, case: ExitStack) -> Case:
    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(persona, "_document", NO, lambda said, _: said["id"] == "ver_21")(patch)
        refusing(persona, "applicant", NO, lambda whole, _: whole["inquiry"]["id"] == "inq_3")(patch)

    brings, beside = {"documents": 1, "applicants": 1}, {"documents": 2, "reviews": 1}
    return Case("kyc", _persona(case), refuse, brings, beside=beside)


def marble_case(folder: Path, case: ExitStack) -> Case:
    cases = [
        {"id": f"c{n}", "created_at": "2026-01-01T05:05:14Z", "status": "closed", "outcome": "unset"} for n in (1, 2, 3)
    ]
    more = {"pagination": {"has_more": False}}
    url = serve(case, {"/v1beta/cases": {"data": cases} | more, "/v1beta/decisions": {"data": []} | more})
    refuse = refusing(marble, "_row", UnusableCase("strange", "no"), lambda kind, record, at: record["id"] == "c2")
    settings = dict(marble_base_url=url, marble_api_key="k")
    return Case("cases", settings, refuse, {"records": 1})


def unit21_alert(folder: Path, case: ExitStack) -> Case:
    alerts = [{"unit21_id": f"{n}", "created_at": 1767225600, "status": "OPEN"} for n in (1, 2, 3)]
    answers = {"/cases/list": {"cases": [], "total_count": 0}, "/sars/list": {"sars": [], "total_count": 0}}
    url = serve(case, answers | {"/alerts/list": {"alerts": alerts, "total_count": 3}})
    bad = UnusableCase("strange", "no")
    refuse = refusing(unit21, "_row", bad, lambda kind, record, at: record["unit21_id"] == "2")
    settings = dict(unit21_base_url=url, unit21_api_key="k")
    return Case("cases", settings, refuse, {"records": 1})
