"""Cases of blockchain analytics vendors."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.chainalysis import addresses, attempts
from ingestion.chainalysis import parse as kyt
from ingestion.elliptic import parse as elliptic
from replay_cases.common import Case, ledger, refusing, serve
from sandbox import vendor
from sandbox.vendor import in_thread, sample

UNREADABLE = kyt.Unreadable("no")


def _chainalysis(folder: Path, case: ExitStack) -> dict[str, Any]:
    sample.write(folder / "world", 12)
    rows = []
    for one in sample.transfers(12):
        kind, number = one["ledger_transfer_id"].split(":")[1:]
        rows.append({
            "kind": kind, "id": number, "account_id": one["user_id"], "asset_code": one["asset"],
            "amount": one["asset_amount"], "chain_code": "bitcoin", "tx_hash": one["tx"],
            "to_address": one["output_address"], "event_at": one["timestamp"], "status_code": "completed",
        })  # fmt: skip
    pending = [rows[1] | {"kind": "withdrawal", "id": f"P{n}", "status_code": "pending"} for n in (1, 2, 3)]
    ledger([*rows, *pending])
    handler = vendor.Vendor(folder / "world")
    url = case.enter_context(in_thread(handler))
    return dict(api_url=url + vendor.KYT_PATH, api_key=handler.token, poll_seconds=0.2, attempts=2)


def chainalysis_kyt(folder: Path, case: ExitStack) -> Case:
    """One of each: a transfer, and of transfers that landed the exposures, an alert, and a state of it; an attempt."""
    reference = sample.transfers(12)[4]["transfer_reference"].encode()

    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(kyt, "summary", UNREADABLE, lambda body, *_: reference in body)(patch)
        refusing(kyt, "exposure", UNREADABLE, lambda body, *_: b"Sanctioned" in body)(patch)
        refusing(kyt, "alert", UNREADABLE, lambda item, *_: item["alertLevel"] == "SEVERE")(patch)
        refusing(kyt, "alert_state", UNREADABLE, lambda row, *_: row["level"] == "SEVERE")(patch)
        refusing(attempts, "row", UNREADABLE, lambda one, _: one.attempt.attempt_identifier == "P2")(patch)

    brings = dict.fromkeys(("transfers", "exposures", "alerts", "alert_states", "withdrawal_attempts"), 1)
    return Case("chainalysis", _chainalysis(folder, case), refuse, brings, beside={"exposures": 1})


def _moved() -> None:
    ledger([
        {
            "kind": kind, "id": f"{kind}{n}", "account_id": "u1", "asset_code": "BTC", "amount": n,
            "chain_code": "bitcoin", "tx_hash": f"{n:064x}", "to_address": f"to{n}", "from_address": f"from{n}",
            "event_at": datetime(2026, 1, 1),
        } for kind in ("deposit", "withdrawal") for n in (1, 2, 3)
    ])  # fmt: skip


def chainalysis_address(folder: Path, case: ExitStack) -> Case:
    _moved()
    answer = {"risk": "Low", "addressIdentifications": [], "exposures": []}
    url = serve(case, lambda path, _: answer | {"address": path.rpartition("/")[2]})
    settings = dict(risk_url=url, api_key="k")
    refuse = refusing(addresses, "_screening", UNREADABLE, lambda answer, *_: answer["address"] == "from2")
    return Case("chainalysis", settings, refuse, {"address_screenings": 1})


def elliptic_analysis(folder: Path, case: ExitStack) -> Case:
    _moved()
    made = "2026-01-02T00:00:00.000Z"

    def answer(path: str, asked: Any) -> dict:
        if asked is None:
            return {"items": [], "total_items": 0, "total_pages": 1}
        identity = f"{asked['type']}-{asked['subject']['hash']}-{asked['subject'].get('output_address')}"
        return {
            "id": identity, "type": asked["type"], "subject": asked["subject"], "risk_score": None, "created_at": made,
            "evaluation_detail": [], "contributions": [], "analysed_at": made, "updated_at": made,
            "process_status": "complete", "screening_id": "s", "workflow_status": "active",
            "cluster_entities": [{"name": "n", "category": "Exchange"}],
        }  # fmt: skip

    url = serve(case, answer)
    settings = dict(api_url=url, api_key="k", api_secret="czE=", attempts=2)
    refuse = refusing(elliptic, "analysis", UNREADABLE, lambda item: "from2" in item["id"])
    return Case("elliptic", settings, refuse, {"analyses": 1, "exposures": 1})
