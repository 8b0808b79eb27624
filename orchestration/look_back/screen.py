"""The screen a look-back ends with.

Belongs here: how its summary looks. Not here: its numbers (report.py).
"""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.look_back.run import Done


def show(console: Console, done: Done) -> None:
    """Verdict, what differs and why, each scenario, and where the results lie."""
    plan, summary = done.plan, done.summary
    request = plan.request
    verdict, style = ("RECONCILES", "bold green") if done.reconciles else ("DOES NOT RECONCILE", "bold red")
    console.print(
        Text.assemble(
            (f" {verdict} ", style + " reverse"),
            f"  look-back, {request.first} to {request.last}, known at {plan.knowledge} UTC\n",
            f"against the alerts raised by {plan.then} UTC; the live warehouse stays as it is.\n\n",
            (f"{summary['same'] + summary['lost']:,} raised then: ", "bold"),
            f"{summary['same']:,} found again, {summary['lost']:,} lost; ",
            (f"{summary['new']:,} new", "bold"),
        )
    )
    for row in summary["causes"]:
        console.print(f"  {row['alerts']:,} {row['kind']}: {row['text'].lower()}", highlight=False)
    table = Table(
        box=box.SIMPLE_HEAD, title="Transfers of the period, and alerts", title_justify="left", pad_edge=False
    )
    names = ("population", "evaluated", "excluded", "not_evaluable", "errored", "unexplained", "same", "new", "lost")
    table.add_column("scenario")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for row in summary["scenarios"]:
        table.add_row(row["scenario"], *(f"{row[name]:,}" for name in names))
    console.print(table)
    console.print(f"Report:    {done.folder / 'report.html'}", soft_wrap=True, highlight=False)
    console.print(f"Tables:    {done.folder}/*.parquet, with manifest.json", soft_wrap=True, highlight=False)
