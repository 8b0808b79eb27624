with edges as (
  {{ network_edges('TM22', ['min_middlemen', 'window_hours', 'min_pass_ratio', 'max_pass_ratio']) }}
),

walked as (
  select * from edges where early_reason is null and from_node <> to_node
),

hops as (
  {{ money_hops('walked', 'window_hours', passed_on()) }}
),

-- the ways from a payer over one middleman to a receiver, by the span of the last instant
ways as (
  select
    hops.*,
    hops.from_node || '|>' || hops.to_node as group_key,
    hops.first_id || ';' || hops.next_id as leg_id,
    hops.next_at as event_at,
    cast(hops.next_at as date) as event_date,
    walked.min_middlemen,
    walked.window_hours
  from hops
  inner join walked
    on walked.transfer_id = hops.first_id
  where hops.to_node <> hops.from_node
),

-- only where enough middlemen ever stood between the two
several as (
  select ways.*
  from ways
  inner join (
    select group_key, count(distinct via_node) as middlemen from ways group by group_key
  ) as groups
    on groups.group_key = ways.group_key
  where groups.middlemen >= ways.min_middlemen
),

candidates as (
  select group_key, first_id, next_id, via_node, first_at, event_at, event_date from several
),

-- what started and ended within the window up to a way's last instant
pairs as (
  {{ window_pairs('several', 'candidates', 'alerted.window_hours', '0') }}
),

within as (
  select pairs.*
  from pairs
  inner join several
    on several.leg_id = pairs.alerted_leg_id
  where pairs.first_at >= {{ hours_after('several.event_at', '-1 * several.window_hours') }}
),

found as (
  select
    within.alerted_leg_id as pattern_id,
    count(distinct within.via_node) as middlemen
  from within
  group by within.alerted_leg_id
),

patterns as (
  select
    found.pattern_id,
    found.middlemen
  from found
  inner join several
    on several.leg_id = found.pattern_id
  where found.middlemen >= several.min_middlemen
),

members as (
  select patterns.pattern_id, within.first_id as transfer_id
  from patterns
  inner join within
    on within.alerted_leg_id = patterns.pattern_id
  union
  select patterns.pattern_id, within.next_id as transfer_id
  from patterns
  inner join within
    on within.alerted_leg_id = patterns.pattern_id
),

most as (
  {{ largest_of_patterns('members', 'patterns', ['middlemen']) }}
),

findings as (
  {{ pattern_findings('members', 'edges') }}
),

reasoned as (
  {{ network_legs('edges', 'findings', ['edges.min_middlemen', 'edges.window_hours', 'edges.min_pass_ratio', 'edges.max_pass_ratio']) }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    coalesce(reasoned.evidence_start_at, reasoned.event_at) as window_start_at,
    coalesce(reasoned.evidence_end_at, reasoned.event_at) as window_end_at,
    most.middlemen as measure_1_value,
    reasoned.evidence_count as measure_2_value,
    reasoned.min_middlemen as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is one of ' || {{ number_text('reasoned.evidence_count') }}
      || ' by which one payer reached one receiver over up to ' || {{ number_text('most.middlemen') }} || ' middlemen within '
      || {{ number_text('reasoned.window_hours') }} || ' hours, each of whom handed on between ' || {{ percent_text('reasoned.min_pass_ratio') }} || ' and '
      || {{ percent_text('reasoned.max_pass_ratio') }} || ' (limit: ' || {{ number_text('reasoned.min_middlemen') }} || ' middlemen).'
    end as reason_text
  from reasoned
  left join most
    on most.transfer_id = reasoned.transfer_id
)

select
  {{ scenario_standard_columns('TM22', ['middlemen', 'transfers']) }}
from final
