{#- The money graph: who paid whom. A node is a party, an account without KYC, or whatever the other side is known by (an address, a
    bank account). Movements between two accounts of one party cross nobody's boundary and are no edge; a trade moves money to
    nobody. -#}
with own_transfers as (
  {{ own_transfers() }}
),

legs as (
  select
    transfer_id,
    direction_code,
    case when party_id is not null then 'party|' || party_id else 'account|' || account_id end as own_node,
    case when transfer_type_code = 'internal_transfer' then 'account|' || counterparty_id else 'external|' || counterparty_id end as other_node,
    segment_code,
    jurisdiction_code,
    asset_code,
    event_at,
    event_date,
    amount_usd,
    known_at
  from {{ ref('int_transfer_legs') }}
  where status_code = 'completed'
    and direction_code in ('in', 'out')
    and amount_usd is not null
    and transfer_id not in (select transfer_id from own_transfers)
),

paying as (
  select * from legs where direction_code = 'out'
),

receiving as (
  select * from legs where direction_code = 'in'
),

edges as (
  select
    coalesce(paying.transfer_id, receiving.transfer_id) as transfer_id,
    coalesce(paying.own_node, receiving.other_node) as from_node,
    coalesce(receiving.own_node, paying.other_node) as to_node,
    coalesce(paying.event_at, receiving.event_at) as event_at,
    coalesce(paying.event_date, receiving.event_date) as event_date,
    coalesce(paying.amount_usd, receiving.amount_usd) as amount_usd,
    case when paying.transfer_id is not null then paying.segment_code else receiving.segment_code end as segment_code,
    case when paying.transfer_id is not null then paying.jurisdiction_code else receiving.jurisdiction_code end as jurisdiction_code,
    case when paying.transfer_id is not null then paying.asset_code else receiving.asset_code end as asset_code,
    greatest(coalesce(paying.known_at, receiving.known_at), coalesce(receiving.known_at, paying.known_at)) as known_at
  from paying
  full outer join receiving
    on receiving.transfer_id = paying.transfer_id
),

ends as (
  select transfer_id, 'from' as end_code, from_node as node, event_at from edges where from_node is not null and to_node is not null
  union all
  select transfer_id, 'to' as end_code, to_node as node, event_at from edges where from_node is not null and to_node is not null
),

counted as (
  select
    transfer_id,
    end_code,
    count(*) over ({{ rolling('node', '30 days') }}) as degree_30d
  from ends
),

degrees as (
  select
    transfer_id,
    max(case when end_code = 'from' then degree_30d end) as from_degree_30d,
    max(case when end_code = 'to' then degree_30d end) as to_degree_30d
  from counted
  group by transfer_id
)

select
  edges.transfer_id,
  edges.from_node,
  edges.to_node,
  edges.event_at,
  edges.event_date,
  edges.amount_usd,
  degrees.from_degree_30d,
  degrees.to_degree_30d,
  edges.segment_code,
  edges.jurisdiction_code,
  edges.asset_code,
  edges.known_at
from edges
inner join degrees
  on degrees.transfer_id = edges.transfer_id
