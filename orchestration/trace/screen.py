"""The screen a trace ends with.

Belongs here: how it looks. Not here: what was found (follow.py).
"""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from orchestration.trace.follow import Trace

MOST_ROWS = 40


def show(console: Console, trace: Trace, folder: Path) -> None:
    """The transfers in order of time, who is known, what was cut, and where the rest lies."""
    table = Table(box=box.SIMPLE_HEAD, title=f"{trace.start}, as known at {trace.as_of} UTC", title_justify="left")
    for name, justify in (
        ("when (UTC)", "left"),
        ("hop", "right"),
        ("from", "left"),
        ("to", "left"),
        ("USD", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify, overflow="fold")
    for edge in trace.edges[:MOST_ROWS]:
        hop = edge.hop if edge.direction == "forward" else -edge.hop
        usd = "" if edge.amount_usd is None else f"{edge.amount_usd:,.2f}"
        table.add_row(f"{edge.event_at:%Y-%m-%d %H:%M}", f"{hop:+d}", edge.from_node, edge.to_node, usd, edge.rail)
    console.print(table)
    if len(trace.edges) > MOST_ROWS:
        console.print(f"{len(trace.edges) - MOST_ROWS:,} more transfers are in the table.")
    for node in trace.nodes:
        if node.listing:
            console.print(
                f"Listed, {abs(node.hop)} hops away: {node.id}: {node.listing}", style="bold red", highlight=False
            )
    if trace.cuts:
        cut = sum(one.transfers for one in trace.cuts)
        console.print(
            f"Cut: {cut:,} transfers at {len(trace.cuts):,} nodes were not followed (--fan-out {trace.fan_out})."
        )
    else:
        console.print(f"Nothing was cut within {trace.hops} hops.")
    console.print(f"Picture and timeline: {folder / 'trace.html'}", soft_wrap=True, highlight=False)
    console.print(f"Tables:               {folder}/*.parquet", soft_wrap=True, highlight=False)
