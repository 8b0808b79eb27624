"""The dashboard's page.

Belongs here: what stands on it and in which order. Not here: the figures (figures.py), the looks (page.html, pages/).
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration import pages
from orchestration.dashboard import figures

ORDER = {"red": 0, "amber": 1, "green": 2, "no_limit": 3}
EDGE = Decimal("0.01")
COLOURS = {"red": "bad", "amber": "warn", "green": "good", "no_limit": "soft"}


def write(version: Path, folder: Path) -> Path:
    """Writes the dashboard of a published version as folder/index.html, replaced in one step; returns its path.

    The same version gives the same bytes. `version`: a folder that publication.py made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".index.html"
    draft.write_text(render(version), encoding="utf-8")
    return draft.replace(folder / "index.html")


def render(version: Path) -> str:
    """The page as one text, which needs no other file."""
    found = figures.read(version)
    kris = sorted(found["kris"], key=lambda kri: (ORDER[kri["rag_code"]], kri["kri_name"]))
    for row in found["exposures"]:
        row["usd_text"] = f"{row['usd']:,.0f} USD"
    return pages.template(Path(__file__).parent, "page.html").render(
        **found | {"kris": kris, "names": {row["scenario_id"]: row["scenario_name"] for row in found["names"]}},
        version=json.loads((version / "version.json").read_text())["version"],
        as_of=kris[0]["as_of_date"],
        attention=attention(found),
        colours=COLOURS,
        shown=shown,
    )


def shown(kri: dict[str, Any], member: str = "value") -> str:
    """A value or limit of an indicator in its unit; a share is a percentage. Empty where there is none.

    Shares next to nothing or to all of it are those of which a hundredth of a per cent matters.
    """
    value = kri[member]
    if value is None:
        return ""
    if kri["unit"] == "share":
        digits = 4 if min(value, 1 - value) < EDGE else 2
        return f"{100 * value:.{digits}f}".rstrip("0").rstrip(".") + " %"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def attention(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What somebody has to look at, one sentence each, the worst first."""
    said = [
        f"{row['scenario_id']} does not account for {row['unexplained'] + row['errored']:,.0f} rows."
        for row in found["scenarios"] if row["unexplained"] or row["errored"]
    ]  # fmt: skip
    said += [f"Feed {row['feed_code']} does not reconcile." for row in found["feeds"] if not row["is_reconciled"]]
    if found["breaks"]:
        said.append(f"{len(found['breaks'])} breaks between hops are open.")
    said += [
        f"{kri['kri_name']} is red: {shown(kri)}, limit {shown(kri, 'red_limit')} ({kri['owner']})."
        for kri in found["kris"] if kri["rag_code"] == "red"
    ]  # fmt: skip
    if gaps := found["rate_gaps"]:
        unvalued = sum(gap["unvalued_transfer_count"] for gap in gaps)
        said.append(f"Reference rates have {len(gaps)} gaps; {unvalued:,} transfers have no USD value.")
    if overdue := sum(row["overdue"] for row in found["customers"]):
        said.append(f"{overdue:,} customers are past their review date.")
    return said
