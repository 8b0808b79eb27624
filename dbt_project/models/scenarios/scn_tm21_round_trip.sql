with edges as (
  {{ network_edges('TM21', ['min_cycle_length', 'max_cycle_length', 'window_hours', 'min_pass_ratio', 'max_pass_ratio'], {
    'min_cycle_length': cycle_lengths(), 'max_cycle_length': cycle_lengths()
  }) }}
),

walked as (
  select * from edges where early_reason is null and from_node <> to_node
),

hops as (
  {{ money_hops('walked', 'window_hours', passed_on()) }}
),

walks_of_two as (
  select
    first_id || ';' || next_id as walk_id,
    first_id,
    next_id as last_id,
    from_node,
    via_node,
    to_node,
    first_usd,
    next_usd as last_usd,
    next_at as last_at
  from hops
),

-- a node is passed once, and the walk ends where it returns
walks_of_three as (
  select
    walks.walk_id || ';' || hops.next_id as walk_id,
    walks.first_id,
    hops.next_id as last_id,
    walks.from_node,
    walks.via_node,
    walks.to_node as via_2_node,
    hops.to_node,
    walks.first_usd,
    hops.next_usd as last_usd,
    hops.next_at as last_at
  from walks_of_two as walks
  inner join hops
    on hops.first_id = walks.last_id
  where walks.to_node <> walks.from_node
    and hops.to_node <> walks.via_node
),

walks_of_four as (
  select
    walks.walk_id || ';' || hops.next_id as walk_id,
    walks.first_id,
    hops.next_id as last_id,
    walks.from_node,
    hops.to_node,
    walks.first_usd,
    hops.next_usd as last_usd,
    hops.next_at as last_at
  from walks_of_three as walks
  inner join hops
    on hops.first_id = walks.last_id
  where walks.to_node <> walks.from_node
    and hops.to_node = walks.from_node
),

closed as (
  {%- for name, length in cycle_walks() %}
  select {{ length }} as cycle_length, walk_id, first_id, first_usd, last_usd, last_at
  from {{ name }}
  where to_node = from_node
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

-- the whole is judged by the transfer it starts from
cycles as (
  select
    closed.walk_id,
    closed.cycle_length
  from closed
  inner join walked
    on walked.transfer_id = closed.first_id
  where closed.cycle_length between walked.min_cycle_length and walked.max_cycle_length
    and closed.last_at <= {{ hours_after('walked.event_at', 'walked.window_hours') }}
    and {{ at_least_share('closed.last_usd', 'walked.min_pass_ratio', 'closed.first_usd') }}
    and {{ at_most_share('closed.last_usd', 'walked.max_pass_ratio', 'closed.first_usd') }}
),

members as (
  select
    walk_id as pattern_id,
    {{ split_to_rows('walk_id', ';') }} as transfer_id
  from cycles
),

cycle_counts as (
  select
    members.transfer_id,
    count(*) as cycle_count,
    max(cycles.cycle_length) as longest
  from members
  inner join cycles
    on cycles.walk_id = members.pattern_id
  group by members.transfer_id
),

findings as (
  {{ pattern_findings('members', 'edges') }}
),

reasoned as (
  {{ network_legs('edges', 'findings', ['edges.min_cycle_length', 'edges.window_hours', 'edges.min_pass_ratio', 'edges.max_pass_ratio']) }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    coalesce(reasoned.evidence_start_at, reasoned.event_at) as window_start_at,
    coalesce(reasoned.evidence_end_at, reasoned.event_at) as window_end_at,
    coalesce(cycle_counts.cycle_count, 0) as measure_1_value,
    cycle_counts.longest as measure_2_value,
    1 as threshold_1_value,
    reasoned.min_cycle_length as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is part of ' || {{ number_text('cycle_counts.cycle_count') }}
      || ' round trip(s) of up to ' || {{ number_text('cycle_counts.longest') }} || ' transfers that bring the money back within '
      || {{ number_text('reasoned.window_hours') }} || ' hours, each between ' || {{ percent_text('reasoned.min_pass_ratio') }} || ' and '
      || {{ percent_text('reasoned.max_pass_ratio') }} || ' of the one before.'
    end as reason_text
  from reasoned
  left join cycle_counts
    on cycle_counts.transfer_id = reasoned.transfer_id
)

select
  {{ scenario_standard_columns('TM21', ['round_trips', 'longest_round_trip']) }}
from final
