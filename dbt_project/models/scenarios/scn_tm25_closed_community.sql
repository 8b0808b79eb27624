with edges as (
  {{ network_edges('TM25', ['window_hours', 'min_members', 'min_internal_usd', 'min_internal_share']) }}
),

-- windows begin every half of their length, so that what takes at most that half lies whole in one of them
halves as (
  select
    edges.*,
    {{ span_number('edges.event_at', '(edges.window_hours / 2.0)') }} as half_no
  from edges
  where edges.from_node <> edges.to_node and edges.window_hours is not null
),

windowed as (
  select
    halves.*,
    cast(halves.window_hours as string) || '|' || cast(halves.half_no - back.halves as string) as window_key
  from halves
  cross join (select 0 as halves union all select 1 as halves) as back
),

-- only customers belong to a community: what a stranger does with others is not seen
walked as (
  select *
  from windowed
  where early_reason is null and from_node not like 'external|%' and to_node not like 'external|%'
),

reach_0 as (
  select window_key, from_node as node, to_node as reached from walked
  union
  select window_key, to_node as node, from_node as reached from walked
  union
  select window_key, from_node as node, from_node as reached from walked
  union
  select window_key, to_node as node, to_node as reached from walked
),

{%- for _ in range(community_doublings()) %}

reach_{{ loop.index }} as (
  select distinct
    near.window_key,
    near.node,
    far.reached
  from reach_{{ loop.index0 }} as near
  inner join reach_{{ loop.index0 }} as far
    on far.window_key = near.window_key
    and far.node = near.reached
),
{%- endfor %}

placed as (
  select window_key, node, min(reached) as community
  from reach_{{ community_doublings() }}
  group by window_key, node
),

-- wider than the doublings reach: the ends of a transfer are then named differently
torn as (
  select
    walked.window_key,
    paying.community as from_community,
    paid.community as to_community
  from walked
  inner join placed as paying
    on paying.window_key = walked.window_key
    and paying.node = walked.from_node
  inner join placed as paid
    on paid.window_key = walked.window_key
    and paid.node = walked.to_node
  where paying.community <> paid.community
),

unsettled as (
  select window_key, from_community as community from torn
  union
  select window_key, to_community as community from torn
),

-- every movement of a member, of any size and with whoever, weighs in the share
moved as (
  select
    windowed.window_key,
    windowed.transfer_id,
    windowed.amount_usd,
    paying.community as from_community,
    paid.community as to_community,
    windowed.early_reason
  from windowed
  left join placed as paying
    on paying.window_key = windowed.window_key
    and paying.node = windowed.from_node
  left join placed as paid
    on paid.window_key = windowed.window_key
    and paid.node = windowed.to_node
  where paying.community is not null or paid.community is not null
),

flows as (
  select window_key, community, sum(amount_usd) as total_usd, sum(case when is_internal then amount_usd else 0 end) as internal_usd
  from (
    select window_key, from_community as community, amount_usd, from_community is not distinct from to_community as is_internal
    from moved
    where from_community is not null
    union all
    select window_key, to_community as community, amount_usd, false as is_internal
    from moved
    where to_community is not null and to_community is distinct from from_community
  ) as sides
  group by window_key, community
),

sizes as (
  select window_key, community, count(*) as member_count from placed group by window_key, community
),

-- a transfer judges the community it is part of by its own parameters
judged as (
  select
    walked.transfer_id,
    walked.window_key || '|' || placed.community as pattern_id,
    sizes.member_count,
    flows.internal_usd,
    flows.total_usd,
    unsettled.community is not null as is_unsettled,
    unsettled.community is null
      and sizes.member_count >= walked.min_members
      and flows.internal_usd >= walked.min_internal_usd
      and {{ at_least_share('flows.internal_usd', 'walked.min_internal_share', 'flows.total_usd') }} as is_closed
  from walked
  inner join placed
    on placed.window_key = walked.window_key
    and placed.node = walked.from_node
  inner join sizes
    on sizes.window_key = placed.window_key
    and sizes.community = placed.community
  inner join flows
    on flows.window_key = placed.window_key
    and flows.community = placed.community
  left join unsettled
    on unsettled.window_key = placed.window_key
    and unsettled.community = placed.community
),

members as (
  select judged.pattern_id, judged.transfer_id
  from judged
  inner join (select distinct pattern_id from judged where is_closed) as closed
    on closed.pattern_id = judged.pattern_id
),

found as (
  {{ pattern_findings('members', 'edges') }}
),

findings as (
  select found.*
  from found
  inner join (select distinct transfer_id from judged where is_closed) as closed
    on closed.transfer_id = found.transfer_id
),

largest as (
  select
    transfer_id,
    max(case when is_closed then member_count end) as member_count,
    max(case when is_closed then internal_usd end) as internal_usd,
    max(case when is_unsettled then 1 else 0 end) as is_unsettled
  from judged
  group by transfer_id
),

followed as (
  {{ network_legs('edges', 'findings', ['edges.window_hours', 'edges.min_members', 'edges.min_internal_usd', 'edges.min_internal_share']) }}
),

reasoned as (
  select
    followed.*,
    largest.member_count,
    largest.internal_usd,
    case when followed.reason = 'below_threshold' and largest.is_unsettled = 1 then 'community_too_wide' else followed.reason end as judged_reason
  from followed
  left join largest
    on largest.transfer_id = followed.transfer_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    coalesce(reasoned.evidence_start_at, reasoned.event_at) as window_start_at,
    coalesce(reasoned.evidence_end_at, reasoned.event_at) as window_end_at,
    reasoned.member_count as measure_1_value,
    reasoned.internal_usd as measure_2_value,
    reasoned.min_members as threshold_1_value,
    reasoned.min_internal_usd as threshold_2_value,
    {{ outcome_of('reasoned.judged_reason') }} as outcome_code,
    reasoned.judged_reason as reason_code,
    case when reasoned.judged_reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is one of ' || {{ number_text('reasoned.evidence_count') }}
      || ' among a community of up to ' || {{ number_text('reasoned.member_count') }} || ' customers who moved up to '
      || {{ number_text('reasoned.internal_usd', 2) }} || ' USD among themselves in a window of ' || {{ number_text('reasoned.window_hours') }}
      || ' hours, at least ' || {{ percent_text('reasoned.min_internal_share') }} || ' of all that they moved (limits: '
      || {{ number_text('reasoned.min_members') }} || ' members and ' || {{ number_text('reasoned.min_internal_usd', 2) }} || ' USD).'
    end as reason_text
  from reasoned
)

select
  {{ scenario_standard_columns('TM25', ['members', 'internal_usd']) }}
from final
