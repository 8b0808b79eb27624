with edges as (
  {{ network_edges('TM24', ['min_senders', 'min_receivers', 'window_hours']) }}
),

walked as (
  select * from edges where early_reason is null and from_node <> to_node
),

-- only a receiver with enough senders at any time can have enough of them in a window
busy as (
  select to_node, count(distinct from_node) as senders from walked group by to_node
),

-- each payment is the last of a window
ends as (
  select
    walked.transfer_id as leg_id,
    walked.to_node as group_key,
    walked.event_at,
    walked.event_date,
    walked.min_senders,
    walked.min_receivers,
    walked.window_hours
  from walked
  inner join busy
    on busy.to_node = walked.to_node
  where busy.senders >= walked.min_senders
),

received as (
  select to_node as group_key, from_node, event_at, event_date from walked
),

came as (
  {{ window_pairs('ends', 'received', 'alerted.window_hours', '0') }}
),

payers as (
  select distinct
    ends.leg_id,
    ends.event_at,
    ends.event_date,
    ends.window_hours,
    came.from_node as group_key
  from came
  inner join ends
    on ends.leg_id = came.alerted_leg_id
),

several as (
  select payers.*
  from payers
  inner join (
    select leg_id, count(*) as senders from payers group by leg_id
  ) as counted
    on counted.leg_id = payers.leg_id
  inner join ends
    on ends.leg_id = payers.leg_id
  where counted.senders >= ends.min_senders
),

sent as (
  select from_node as group_key, to_node, transfer_id, event_at, event_date from walked
),

-- all that those who paid the receiver paid to anyone in the window
paid as (
  {{ window_pairs('several', 'sent', 'alerted.window_hours', '0') }}
),

-- the receivers that enough of them have in common
layers as (
  select
    paid.alerted_leg_id,
    paid.to_node,
    count(distinct paid.group_key) as senders
  from paid
  inner join ends
    on ends.leg_id = paid.alerted_leg_id
  group by paid.alerted_leg_id, paid.to_node, ends.min_senders
  having count(distinct paid.group_key) >= ends.min_senders
),

patterns as (
  select
    ends.leg_id as pattern_id,
    max(layers.senders) as senders,
    count(*) as receivers
  from layers
  inner join ends
    on ends.leg_id = layers.alerted_leg_id
  group by ends.leg_id, ends.min_receivers
  having count(*) >= ends.min_receivers
),

members as (
  select patterns.pattern_id, paid.transfer_id
  from patterns
  inner join layers
    on layers.alerted_leg_id = patterns.pattern_id
  inner join paid
    on paid.alerted_leg_id = layers.alerted_leg_id
    and paid.to_node = layers.to_node
),

most as (
  {{ largest_of_patterns('members', 'patterns', ['senders', 'receivers']) }}
),

findings as (
  {{ pattern_findings('members', 'edges') }}
),

reasoned as (
  {{ network_legs('edges', 'findings', ['edges.min_senders', 'edges.min_receivers', 'edges.window_hours']) }}
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
      || ' by which up to ' || {{ number_text('most.senders') }} || ' senders paid up to ' || {{ number_text('most.receivers') }}
      || ' receivers in common within ' || {{ number_text('reasoned.window_hours') }} || ' hours (limits: '
      || {{ number_text('reasoned.min_receivers') }} || ' receivers, each paid by ' || {{ number_text('reasoned.min_senders') }}
      || ' of the same senders).'
    end as reason_text
  from reasoned
  left join most
    on most.transfer_id = reasoned.transfer_id
)

select
  {{ scenario_standard_columns('TM24', ['senders', 'receivers']) }}
from final
