"""The screen a run ends with.

Belongs here: how an accounting looks to a compliance officer. Not here: its numbers (accounting.py).
"""

import shlex
import sys
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from orchestration import accounting as accounts
from orchestration import figures, origin
from orchestration.home import REPOSITORY

VERDICTS = {
    0: ("TRUSTED", "bold green", "Every record is accounted for and every blocking check passed."),
    1: ("NOT TO BE TRUSTED", "bold red", "The run finished, but do not rely on its alerts and figures:"),
    2: ("DID NOT FINISH", "bold red", "The run ended early; the published marts are those of an earlier run:"),
}
RAG = {"green": "green", "amber": "yellow", "red": "bold red"}
MOST_REASONS = 12


def show(console: Console, accounting: dict, root: Path) -> None:
    """Prints the accounting and what to do next; at most about fifty lines."""
    console.print(render(accounting, root))
    console.print(_next(accounts.exit_code(accounting), root), soft_wrap=True)  # commands stay on one line


def render(accounting: dict, root: Path) -> Group:
    """The accounting as one screen: verdict, reasons, feeds, scenarios, jurisdictions, indicators, checks."""
    code = accounts.exit_code(accounting)
    verdict, style, sentence = VERDICTS[code]
    run = accounting["run"]
    head = Text.assemble(
        (f" {verdict} ", style + " reverse"),
        f"  run {run['id'][:8]}, {_span(run)}, engine {run['target']}\n",
        sentence,
        *_look_back(root),
    )
    reasons = [f"  - {reason}" for reason in accounting.get("reasons", [])]
    if len(reasons) > MOST_REASONS:
        reasons = reasons[:MOST_REASONS] + [f"  - ... and {len(reasons) - MOST_REASONS} more"]
    parts = [head, *[Text(reason, style="red") for reason in reasons]]
    if accounting.get("feeds"):
        parts.append(_feeds(accounting["feeds"]))
    if accounting.get("scenarios"):
        parts.append(_scenarios(accounting["scenarios"]))
    if accounting.get("jurisdictions"):
        parts.append(_jurisdictions(accounting["jurisdictions"]))
    if accounting.get("kris"):
        parts.append(_kris(accounting["kris"]))
    if accounting.get("checks"):
        parts.append(_checks(accounting["checks"]))
    return Group(*parts)


def _look_back(root: Path) -> list[tuple[str, str]]:
    there = origin.read(root)
    if there is None or there.kind != origin.LOOK_BACK:
        return []
    return [(f"\nA look back: what was known at {there.as_of} UTC. {there.copy_of} stays as it is.", "bold")]


def _span(run: dict) -> str:
    return f"{run['started_at'][:16].replace('T', ' ')} UTC to {(run['finished_at'] or 'never')[11:16] or 'never'}"


def _table(title: str, *columns: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False, padding=(0, 1)
    )
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _feeds(feeds: list[dict]) -> Table:
    table = _table(
        "Feeds: rows from the source to monitoring",
        "feed", "source", "raw", "rejected", "superseded", "monitored", "out of scope", "unexplained", "source USD",
        "unexplained USD",
    )  # fmt: skip
    for feed in feeds:
        if feed.get("configured") is False and not feed["source_rows"]:
            table.add_row(feed["feed"], Text("not configured", style="dim"))
            continue
        table.add_row(
            Text(f"{feed['feed']} (stale)", style="bold red") if feed.get("stale") else feed["feed"],
            *(_count(feed[name]) for name in figures.FEED_COUNTS if name != "unexplained_rows"),
            _alarm(feed["unexplained_rows"]),
            _usd(feed.get("source_usd")),
            _alarm_usd(feed.get("unexplained_usd")),
        )  # fmt: skip
    return table


def _scenarios(scenarios: list[dict]) -> Table:
    table = _table(
        "Scenarios: every transfer of the population, and what became of it",
        "scenario", "version", "population", "evaluated", "excluded", "not evaluable", "errored", "unexplained",
        "new alerts", "all alerts",
    )  # fmt: skip
    for row in scenarios:
        table.add_row(
            row["scenario"],
            str(row["version"]),
            *(_count(row[name]) for name in ("population", "evaluated", "excluded", "not_evaluable")),
            _alarm(row["errored"]),
            _alarm(row["unexplained"]),
            Text(f"{row['alerts_new']:,}", style="bold"),
            _count(row["alerts"]),
        )
    return table


def _jurisdictions(jurisdictions: list[dict]) -> Table:
    table = _table(
        "Jurisdictions: the same population by residence of the paying customer, over all scenarios",
        "jurisdiction", "population", "USD", "alerted", "not evaluable", "errored", "unexplained",
    )  # fmt: skip
    for row in jurisdictions:
        table.add_row(
            row["jurisdiction"],
            _count(row["population"]),
            _usd(row["population_usd"]),
            *(_count(row[name]) for name in ("alerted", "not_evaluable")),
            _alarm(row["errored"]),
            _alarm(row["unexplained"]),
        )
    return table


def _kris(kris: list[dict]) -> Table:
    table = _table(f"Key risk indicators as of {kris[0]['as_of']}", "indicator", "value", "unit", "status")
    for row in kris:
        value = "" if row["value"] is None else f"{_measure(row['value'])}"
        status = row["rag"].replace("_", " ")
        table.add_row(row["kri"], value, row["unit"] or "", Text(status, style=RAG.get(status, "dim")))
    return table


def _checks(checks: dict) -> Text:
    text = Text.assemble(("Checks", "bold"), f"  {checks['passed']:,} passed, {checks['warned']:,} warned, ")
    text.append(f"{checks['failed']:,} failed", style="bold red" if checks["failed"] else "")
    if checks.get("not_run"):
        text.append(f", {checks['not_run']:,} not run", style="bold red")
    for name in checks["failed_names"][:MOST_REASONS]:
        text.append(f"\n  failed: {name}", style="red")
    for name in checks["warned_names"][:3]:
        text.append(f"\n  warned: {name}", style="yellow")
    return text


def _next(code: int, root: Path) -> Text:
    text = Text.assemble(("\nNext", "bold"))
    published = root / "published" / "current"
    if code:
        text.append(f"\n  Find out why:        {_command('ui', root)}")
        text.append("\n                       then Runs, the newest run, and its failed checks or steps")
    else:
        text.append(
            f"\n  Look around:         {_command('ui', root)}    (asset graph, this run, checks, column lineage)"
        )
    page = root / "dashboard" / "index.html"
    if page.exists():
        text.append(f"\n  Open the dashboard:  {_relative(page)}")
    if published.exists():
        note = "" if code == 0 else "    (of the last trusted publication)"
        text.append(f"\n  Query the marts:     {_relative(published)}/plumbline.duckdb or .../parquet/{note}")
    text.append(f"\n  See this again:      {_command('status', root)}    (--json for machines)")
    return text


def _command(name: str, root: Path) -> str:
    """The command line that works on the same data directory and the same feeds, from the working directory."""
    there = origin.read(root)
    options = f"--config {shlex.quote(_relative(Path(there.config)))}" if there and there.config else ""
    if name == "status" or (there and there.kind == origin.LOOK_BACK):
        options = ""
    if Path.cwd() == REPOSITORY:
        words = ["make", name, f'ARGS="{options}"' if options else ""]
    else:
        words = [shlex.quote(str(Path(sys.executable).with_name("plumbline"))), name, options]
    if root != Path.cwd() / ".plumbline":
        words.insert(0, f"PLUMBLINE_HOME={shlex.quote(_relative(root))}")
    return " ".join(filter(None, words))


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _count(value: int) -> str:
    return f"{value:,}"


def _alarm(value: int) -> Text:
    return Text(f"{value:,}", style="bold red" if value else "green")


def _measure(value: str | int) -> str:
    """Six decimals for shares, which may be as small as one in a million; two for anything larger than a hundred."""
    number = float(value)
    return f"{number:,.{2 if abs(number) >= 100 else 6}f}".rstrip("0").rstrip(".")


def _usd(value: str | int | None) -> str:
    return "" if value is None else f"{round(float(value)):,}"


def _alarm_usd(value: str | int | None) -> Text:
    return Text("") if value is None else Text(f"{float(value):,.2f}", style="bold red" if float(value) else "green")
