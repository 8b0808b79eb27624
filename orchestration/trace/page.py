"""What a trace looks like: the picture, the timeline, the table, on one page that needs nothing else.

Belongs here: places on the picture. Not here: what is on it (follow.py). The picture has a column for each hop, the
start in the middle; where a column is full it says how many nodes are not drawn, and the table has them all.
"""

import math
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration import pages
from orchestration.trace.follow import Edge, Node, Trace

HERE = Path(__file__).parent
MOST_DRAWN = 18
COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT = 250, 46, 190, 34
_SEVERE = ("severe", "high")


def graph(trace: Trace) -> str:
    """The picture as an SVG of its own."""
    return pages.template(HERE, "graph.svg").render(**_picture(trace))


def page(trace: Trace) -> str:
    """The page. The same trace gives the same text."""
    names = {node.node: _short(node) for node in trace.nodes}
    return pages.template(HERE, "page.html").render(
        trace=trace, picture=graph(trace), points=_timeline(trace), names=names,
        marked=[node for node in trace.nodes if node.listing or node.label],
    )  # fmt: skip


def _picture(trace: Trace) -> dict[str, Any]:
    money: dict[str, Decimal] = defaultdict(Decimal)
    for edge in trace.edges:
        for node in (edge.from_node, edge.to_node):
            money[node] += edge.amount_usd or 0
    columns: dict[int, list[Node]] = defaultdict(list)
    for node in sorted(trace.nodes, key=lambda node: (node.hop, not node.is_listed, -money[node.node], node.node)):
        columns[node.hop].append(node)
    first = min(columns, default=0)
    boxes, places, hidden = [], {}, []
    for hop, nodes in sorted(columns.items()):
        x = (hop - first) * COLUMN + 10
        for row, node in enumerate(nodes[:MOST_DRAWN]):
            y = row * ROW + 30
            places[node.node] = (x, y)
            boxes.append({"x": x, "y": y, "name": _short(node), "title": _title(node), "is_start": hop == 0,
                          "is_bad": node.is_listed or node.severity_code in _SEVERE, "note": _note(node)})  # fmt: skip
        if len(nodes) > MOST_DRAWN:
            hidden.append({"x": x, "y": MOST_DRAWN * ROW + 48, "count": len(nodes) - MOST_DRAWN})
    tallest = max((min(len(nodes), MOST_DRAWN) for nodes in columns.values()), default=1)
    return {
        "width": (max(columns, default=0) - first) * COLUMN + BOX_WIDTH + 20,
        "height": tallest * ROW + (60 if hidden else 34),
        "columns": [{"x": (hop - first) * COLUMN + 10, "hop": hop} for hop in sorted(columns)],
        "boxes": boxes, "lines": _lines(trace.edges, places), "hidden": hidden,
        "box_width": BOX_WIDTH, "box_height": BOX_HEIGHT,
    }  # fmt: skip


def _lines(edges: list[Edge], places: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """One line for all transfers between two nodes; its width grows with the logarithm of their USD."""
    pairs: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.from_node in places and edge.to_node in places:
            pairs[edge.from_node, edge.to_node].append(edge)
    lines = []
    for (giver, taker), between in sorted(pairs.items()):
        usd = sum(
            (edge.amount_usd or Decimal(0) for edge in {edge.transfer_id: edge for edge in between}.values()),
            Decimal(0),
        )
        (x1, y1), (x2, y2) = places[giver], places[taker]
        is_back = x2 <= x1
        begin, end = (x1, x2 + BOX_WIDTH) if is_back else (x1 + BOX_WIDTH, x2)
        lines.append({
            "x1": begin, "y1": y1 + BOX_HEIGHT // 2, "x2": end, "y2": y2 + BOX_HEIGHT // 2, "bend": (begin + end) // 2,
            "rail": sorted({edge.rail for edge in between})[0], "width": round(1 + math.log10(float(usd) + 1) / 2, 2),
            "title": f"{giver} to {taker}: {len({edge.transfer_id for edge in between})} transfers, {usd:,.2f} USD",
        })  # fmt: skip
    return lines


def _timeline(trace: Trace) -> list[dict[str, Any]]:
    """A point for each transfer: x by its instant, y by its direction and hop."""
    if not trace.edges:
        return []
    begin, end = trace.edges[0].event_at, trace.edges[-1].event_at
    span = max((end - begin).total_seconds(), 1)
    return [
        {
            "x": round(110 + 860 * (edge.event_at - begin).total_seconds() / span, 1),
            "lane": edge.hop if edge.direction == "forward" else -edge.hop,
            "size": round(3 + math.log10(float(edge.amount_usd or 0) + 1), 2), "rail": edge.rail,
            "title": f"{edge.event_at:%Y-%m-%d %H:%M} {edge.transfer_id}: {edge.amount_usd or 0:,.2f} USD",
        }
        for edge in trace.edges
    ]  # fmt: skip


def _short(node: Node) -> str:
    return node.id if len(node.id) <= 18 else f"{node.id[:9]}...{node.id[-6:]}"


def _note(node: Node) -> str:
    if node.listing:
        return "on a sanctions list" if node.is_listed else "was on a sanctions list"
    return (node.label or node.category_code or {"party": "customer", "account": "account"}.get(node.kind, ""))[:26]


def _title(node: Node) -> str:
    return "; ".join(filter(None, (f"{node.kind} {node.id}", node.listing, node.label, node.category_code)))
