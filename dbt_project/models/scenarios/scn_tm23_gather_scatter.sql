with edges as (
  {{ network_edges('TM23', ['min_senders', 'min_receivers', 'gather_hours', 'scatter_hours', 'min_forwarded_ratio']) }}
),

walked as (
  select * from edges where early_reason is null and from_node <> to_node
),

sides as (
  select to_node as node, 'in' as side_code, from_node as other_node, transfer_id, event_at, event_date, amount_usd from walked
  union all
  select from_node as node, 'out' as side_code, to_node as other_node, transfer_id, event_at, event_date, amount_usd from walked
),

-- only nodes with enough on both sides at any time can have enough of it in a window
busy as (
  select
    node,
    count(distinct case when side_code = 'in' then other_node end) as senders,
    count(distinct case when side_code = 'out' then other_node end) as receivers
  from sides
  group by node
),

-- an incoming transfer is the end of what is gathered before it and the start of what is scattered after it
turns as (
  select
    walked.transfer_id as leg_id,
    walked.to_node as group_key,
    walked.event_at,
    walked.event_date,
    walked.min_senders,
    walked.min_receivers,
    walked.gather_hours,
    walked.scatter_hours,
    walked.min_forwarded_ratio
  from walked
  inner join busy
    on busy.node = walked.to_node
  where busy.senders >= walked.min_senders and busy.receivers >= walked.min_receivers
),

candidates as (
  select node as group_key, side_code, other_node, transfer_id, event_at, event_date, amount_usd from sides
),

pairs as (
  {{ window_pairs('turns', 'candidates', 'alerted.gather_hours', 'alerted.scatter_hours') }}
),

within as (
  select
    pairs.alerted_leg_id,
    pairs.transfer_id,
    pairs.other_node,
    pairs.amount_usd,
    pairs.side_code
  from pairs
  inner join turns
    on turns.leg_id = pairs.alerted_leg_id
  where (pairs.side_code = 'in' and pairs.event_at <= turns.event_at) or (pairs.side_code = 'out' and pairs.event_at >= turns.event_at)
),

measured as (
  select
    alerted_leg_id,
    count(distinct case when side_code = 'in' then other_node end) as senders,
    count(distinct case when side_code = 'out' then other_node end) as receivers,
    cast(sum(case when side_code = 'in' then amount_usd end) as decimal(38,2)) as gathered_usd,
    cast(sum(case when side_code = 'out' then amount_usd end) as decimal(38,2)) as scattered_usd
  from within
  group by alerted_leg_id
),

patterns as (
  select
    turns.leg_id as pattern_id,
    measured.senders,
    measured.receivers
  from turns
  inner join measured
    on measured.alerted_leg_id = turns.leg_id
  where measured.senders >= turns.min_senders
    and measured.receivers >= turns.min_receivers
    and {{ at_least_share('measured.scattered_usd', 'turns.min_forwarded_ratio', 'measured.gathered_usd') }}
),

members as (
  select patterns.pattern_id, within.transfer_id
  from patterns
  inner join within
    on within.alerted_leg_id = patterns.pattern_id
),

most as (
  {{ largest_of_patterns('members', 'patterns', ['senders', 'receivers']) }}
),

findings as (
  {{ pattern_findings('members', 'edges') }}
),

reasoned as (
  {{ network_legs('edges', 'findings', [
    'edges.min_senders', 'edges.min_receivers', 'edges.gather_hours', 'edges.scatter_hours', 'edges.min_forwarded_ratio'
  ]) }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    coalesce(reasoned.evidence_start_at, reasoned.event_at) as window_start_at,
    coalesce(reasoned.evidence_end_at, reasoned.event_at) as window_end_at,
    most.senders as measure_1_value,
    most.receivers as measure_2_value,
    reasoned.min_senders as threshold_1_value,
    reasoned.min_receivers as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is one of ' || {{ number_text('reasoned.evidence_count') }}
      || ' by which up to ' || {{ number_text('most.senders') }} || ' senders paid one receiver within ' || {{ number_text('reasoned.gather_hours') }}
      || ' hours, who paid up to ' || {{ number_text('most.receivers') }} || ' others at least ' || {{ percent_text('reasoned.min_forwarded_ratio') }}
      || ' of it within a further ' || {{ number_text('reasoned.scatter_hours') }} || ' hours (limits: ' || {{ number_text('reasoned.min_senders') }}
      || ' senders and ' || {{ number_text('reasoned.min_receivers') }} || ' receivers).'
    end as reason_text
  from reasoned
  left join most
    on most.transfer_id = reasoned.transfer_id
)

select
  {{ scenario_standard_columns('TM23', ['senders', 'receivers']) }}
from final
