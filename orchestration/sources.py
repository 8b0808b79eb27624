"""The inventory of sources, made from each feed's source.yml.

Belongs here: how the inventory looks. Not here: what a feed says about itself (ingestion/<feed>/source.yml).
"""

from typing import Any

from orchestration.assets.feeds import FEEDS, passport

_DAYS = {"every_day": "every day", "weekdays": "every day from Monday to Friday"}


def page() -> str:
    """The inventory as Markdown: one table of feeds, then each feed's tables. docs/sources.md is this text."""
    abouts = [passport(feed) for feed in FEEDS]
    overview = _table(
        ("feed", "what it is", "publisher", "owner", "cadence", "max age (h)", "personal data", "licence"),
        [
            (
                f"[{about['feed']}](#{about['feed']})",
                about["title"],
                about["publisher"],
                about["owner"],
                about["cadence"],
                about["max_age_hours"] or "none",
                "yes" if about["contains_personal_data"] else "no",
                about["licence"],
            )
            for about in abouts
        ],
    )
    head = (
        "# Sources\n\nMade from `ingestion/<feed>/source.yml` by `plumbline sources`; do not edit. Each table is "
        "`raw_<feed>.<table>` in the warehouse.\n"
    )
    return "\n".join([head, overview, *map(_feed, abouts)])


def _feed(about: dict[str, Any]) -> str:
    tables = _table(
        ("table", "one row is", "expected", "critical data elements"),
        [
            (name, table["grain"], _volumes(table), ", ".join(table["critical_data_elements"]))
            for name, table in about["tables"].items()
        ],
    )
    said = [f"Contract: {about['contract']}. " if about.get("contract") else "", _personal(about)]
    totals = about.get("control_totals") or {}
    counted = "".join(f"- control totals of {name}: {how}\n" for name, how in totals.items())
    known = f"- known at: {about['known_at']}\n" if about.get("known_at") else ""
    fresh = f"- fresh: {_freshness(about)}\n"
    return f"## {about['feed']}\n\n{about['title']}. {''.join(said)}\n\n{tables}\n{counted}{known}{fresh}"


def _freshness(about: dict[str, Any]) -> str:
    age, days = about["max_age_hours"], about["delivered_on"]
    lag = f"at most {age} hours behind the newest feed" if age else "no age is too old, its source says when it changes"
    return f"{lag}; {f'a delivery on {_DAYS[days]}' if days else 'no days of delivery'}"


def _personal(about: dict[str, Any]) -> str:
    note = about.get("personal_data_note")
    return f"Personal data: {note}." if note else ""


def _volumes(table: dict[str, Any]) -> str:
    return "; ".join(
        f"{low:,} to {high:,} {unit.replace('_', ' ')}" for unit, (low, high) in table["expected_volumes"].items()
    )


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)
