"""The walk over the money graph.

Belongs here: which transfers and nodes a trace holds, and what it leaves out. Not here: how that looks (page.py).

A node is a party, an account without KYC, or whatever the other side is known by (an address, a bank account). Forward
goes only to what happened at or after the money's first arrival at a node, backward only to what happened before it
left. At each node the largest transfers are followed, ties by id; what is left out is counted, never silent.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import duckdb

FORWARD, BACKWARD = "forward", "backward"
MOST_NODES = 400
# What the exchange booked, and what others moved among themselves on the chains that are loaded (USD as in macro
# usd_amount).
_EDGES = """
create or replace temp table trace_edges as
select
  edges.transfer_id, edges.from_node, edges.to_node, edges.event_at, edges.amount_usd, edges.asset_code,
  case transfers.rail_code when 'crypto' then 'chain' when 'internal' then 'exchange' else 'fiat' end as rail,
  edges.known_at
from intermediate.int_money_edges as edges
inner join intermediate.int_transfers as transfers on transfers.transfer_id = edges.transfer_id
where edges.from_node is not null and edges.to_node is not null
union all
select
  chain.chain_transfer_id, 'external|' || chain.from_address, 'external|' || chain.to_address, chain.event_at,
  cast(round(try_cast(chain.amount as decimal(23,8)) * try_cast(rates.rate_usd as decimal(14,8)), 2) as decimal(18,2)),
  chain.asset_code, 'chain', chain.known_at
from intermediate.int_chain_transfers as chain
left join intermediate.int_rates as rates
  on rates.asset_code = chain.asset_code and rates.rate_date = chain.event_date
where chain.out_of_scope_reason = 'no_exchange_address'
  and chain.from_address is not null
  and chain.to_address is not null
"""
_HOP = """
with reached as (select unnest($nodes) as node, unnest($instants) as instant),

candidates as (
  select
    edges.*,
    row_number() over (
      partition by edges.{near} order by coalesce(edges.amount_usd, 0) desc, edges.event_at, edges.transfer_id
    ) as rank
  from trace_edges as edges
  inner join reached on reached.node = edges.{near} and edges.event_at {relation} reached.instant
  where edges.from_node <> edges.to_node
)

select
  rank <= $fan_out as is_followed, {near}, {far},
  transfer_id, from_node, to_node, event_at, amount_usd, asset_code, rail, known_at
from candidates
order by {near}, rank
"""
_NODES = """
with asked as (select unnest($nodes) as node),

split as (select node, split_part(node, '|', 1) as kind, substr(node, strpos(node, '|') + 1) as id from asked),

listings as (
  select distinct
    address,
    delisted_on is null as is_listed,
    list_code || ' ' || entry_id || coalesce(' (' || name || ')', '') || ' from ' || listed_from_date
      || coalesce(' until ' || delisted_on, '') as listing
  from intermediate.int_sanctioned_addresses
),

listed as (
  select address, string_agg(listing, '; ' order by listing) as listing, bool_or(is_listed) as is_listed
  from listings
  group by address
),

tags as (
  select
    address,
    first(label order by rank, tag_id) as label,
    first(category_code order by rank, tag_id) as category_code,
    first(severity_code order by rank, tag_id) as severity_code
  from (
    select *, case severity_code when 'severe' then 0 when 'high' then 1 when 'medium' then 2 else 3 end as rank
    from intermediate.int_address_attributions
  )
  group by address
)

select
  split.node, split.kind, split.id, listed.listing, coalesce(listed.is_listed, false), tags.label, tags.category_code,
  tags.severity_code
from split
left join listed on split.kind = 'external' and listed.address = split.id
left join tags on split.kind = 'external' and tags.address = split.id
order by split.node
"""
_SAID = """
with words as (
  select distinct
    transfer_id,
    category_code || coalesce(' (' || nullif(entity_name, '') || ')', '') || ', ' || lower(exposure_type_code)
      || ', by ' || vendor_code as word
  from intermediate.int_exposures
  where list_contains($transfers, transfer_id)
)

select transfer_id, string_agg(word, '; ' order by word) as said
from words
group by transfer_id
"""


@dataclass(frozen=True)
class Edge:
    """A transfer of the trace; `hop` from 1; `said`: what vendors say of it, as known; USD may be unknown."""

    direction: str
    hop: int
    transfer_id: str
    from_node: str
    to_node: str
    event_at: datetime
    amount_usd: Decimal | None
    asset_code: str
    rail: str
    known_at: datetime
    said: str = ""


@dataclass(frozen=True)
class Node:
    """`hop`: negative before the start, 0 at it; `listing`, `label`, `category_code`: attributions, as known."""

    node: str
    kind: str
    id: str
    hop: int
    listing: str | None
    is_listed: bool
    label: str | None
    category_code: str | None
    severity_code: str | None


@dataclass(frozen=True)
class Cut:
    """Transfers at a node that were not followed, and why (fan-out, or the limit of nodes)."""

    direction: str
    hop: int
    node: str
    transfers: int
    amount_usd: Decimal
    reason: str


@dataclass
class Trace:
    """What was followed from `start`, with what was known at `as_of` (UTC), and what was left out."""

    start: str
    as_of: datetime
    hops: int
    fan_out: int
    edges: list[Edge] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)


def follow(connection: duckdb.DuckDBPyConnection, kind: str, name: str, hops: int, fan_out: int) -> Trace:
    """The trace from a party or account, a transfer, or an address or bank account, as the warehouse knows it.

    Raises LookupError where nothing of that name moved money.
    """
    connection.execute(_EDGES)
    ((as_of,),) = connection.execute("select as_of_at from staging.stg_control__as_of").fetchall()
    trace = Trace(f"{kind} {name}", as_of, hops, fan_out)
    places: dict[str, int] = {}
    for direction in (FORWARD, BACKWARD):
        edges, reached = _start(connection, kind, name, direction)
        for node in reached:
            places.setdefault(node, 0)
        _walk(connection, trace, direction, edges, reached, places)
    _describe(connection, trace, places)
    return trace


def _start(connection, kind: str, name: str, direction: str) -> tuple[list[Edge], dict[str, datetime]]:
    """The edge to begin with (of a transfer), and the nodes with the instant from (until) which to go on."""
    if kind == "transfer":
        rows = connection.execute(
            "select transfer_id, from_node, to_node, event_at, amount_usd, asset_code, rail, known_at "
            "from trace_edges where transfer_id = ?",
            [name],
        ).fetchall()
        if not rows:
            raise LookupError(f"No money moved in a transfer {name!r}: unknown, not completed, or a trade.")
        row = rows[0]
        node = row[2] if direction == FORWARD else row[1]
        return ([Edge(direction, 0, *row)] if direction == FORWARD else []), {node: row[3]}
    if kind == "subject":
        nodes = connection.execute(
            "select 'party|' || party_id from intermediate.int_accounts where account_id = ? and party_id is not null "
            "union select 'party|' || ? union select 'account|' || ?",
            [name, name, name],
        ).fetchall()
    else:
        nodes = connection.execute(
            "select from_node from trace_edges where lower(from_node) = lower('external|' || ?) "
            "union select to_node from trace_edges where lower(to_node) = lower('external|' || ?)",
            [name, name],
        ).fetchall()
    found = connection.execute(
        "select node, min(event_at), max(event_at) from (select from_node as node, event_at from trace_edges "
        "union all select to_node, event_at from trace_edges) where list_contains(?, node) group by node order by node",
        [[node for (node,) in nodes]],
    ).fetchall()
    if not found:
        raise LookupError(f"No money moved to or from a {kind} {name!r}.")
    return [], {node: first if direction == FORWARD else last for node, first, last in found}


def _walk(connection, trace: Trace, direction: str, begun: list[Edge], reached: dict[str, datetime], places) -> None:
    near, far, relation = ("from_node", "to_node", ">=") if direction == FORWARD else ("to_node", "from_node", "<=")
    trace.edges += begun
    done, sign = set(reached), 1 if direction == FORWARD else -1
    for hop in range(1, trace.hops + 1):
        if not reached:
            break
        rows = connection.execute(
            _HOP.format(near=near, far=far, relation=relation),
            {"nodes": list(reached), "instants": list(reached.values()), "fan_out": trace.fan_out},
        ).fetchall()
        left_out: dict[str, list[tuple]] = defaultdict(list)
        full: dict[str, list[tuple]] = defaultdict(list)
        following: dict[str, datetime] = {}
        for is_followed, here, there, *edge in rows:
            if not is_followed:
                left_out[here].append(edge)
            elif there not in places and len(places) >= MOST_NODES:
                full[here].append(edge)
            else:
                trace.edges.append(Edge(direction, hop, *edge))
                places.setdefault(there, sign * hop)
                if there not in done:
                    pick = min if direction == FORWARD else max
                    following[there] = pick(following.get(there, edge[3]), edge[3])
        for reason, cut in ((f"more than {trace.fan_out} transfers", left_out), (f"{MOST_NODES} nodes", full)):
            trace.cuts += [
                Cut(
                    direction, hop, node, len(edges), sum((edge[4] or Decimal(0) for edge in edges), Decimal(0)), reason
                )
                for node, edges in sorted(cut.items())
            ]
        done |= set(following)
        reached = dict(sorted(following.items()))


def _describe(connection, trace: Trace, places: dict[str, int]) -> None:
    transfers = sorted({edge.transfer_id for edge in trace.edges})
    said = dict(connection.execute(_SAID, {"transfers": transfers}).fetchall())
    trace.edges = sorted(
        (Edge(**{**vars(edge), "said": said.get(edge.transfer_id, "")}) for edge in trace.edges),
        key=lambda edge: (edge.event_at, edge.transfer_id, edge.direction),
    )
    rows = connection.execute(_NODES, {"nodes": sorted(places)}).fetchall()
    trace.nodes = [Node(node, kind, name, places[node], *more) for node, kind, name, *more in rows]
