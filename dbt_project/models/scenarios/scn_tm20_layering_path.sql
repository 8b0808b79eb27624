with edges as (
  {{ network_edges('TM20', ['path_hops', 'hop_hours', 'min_pass_ratio', 'max_pass_ratio'], {'path_hops': path_lengths()}) }}
),

walked as (
  select * from edges where early_reason is null and from_node <> to_node
),

hops as (
  {{ money_hops('walked', 'hop_hours', passed_on()) }}
),

-- a node is passed once: what comes back is a round trip
paths as (
  select
    first_hop.first_id,
    first_hop.next_id as second_id,
    next_hop.next_id as third_id,
    first_hop.first_id || ';' || first_hop.next_id || ';' || next_hop.next_id as pattern_id
  from hops as first_hop
  inner join hops as next_hop
    on next_hop.first_id = first_hop.next_id
  where first_hop.from_node <> first_hop.to_node
    and next_hop.to_node <> first_hop.from_node
    and next_hop.to_node <> first_hop.via_node
),

members as (
  select pattern_id, first_id as transfer_id from paths
  union all
  select pattern_id, second_id as transfer_id from paths
  union all
  select pattern_id, third_id as transfer_id from paths
),

path_counts as (
  select transfer_id, count(*) as path_count from members group by transfer_id
),

findings as (
  {{ pattern_findings('members', 'edges') }}
),

reasoned as (
  {{ network_legs('edges', 'findings', ['edges.path_hops', 'edges.hop_hours', 'edges.min_pass_ratio', 'edges.max_pass_ratio']) }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    coalesce(reasoned.evidence_start_at, reasoned.event_at) as window_start_at,
    coalesce(reasoned.evidence_end_at, reasoned.event_at) as window_end_at,
    coalesce(path_counts.path_count, 0) as measure_1_value,
    reasoned.evidence_count as measure_2_value,
    1 as threshold_1_value,
    reasoned.path_hops as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is one of ' || {{ number_text('reasoned.evidence_count') }}
      || ' that lie on ' || {{ number_text('path_counts.path_count') }} || ' path(s) of ' || {{ number_text('reasoned.path_hops') }}
      || ' hops, each at most ' || {{ number_text('reasoned.hop_hours') }} || ' hours after the one before and between '
      || {{ percent_text('reasoned.min_pass_ratio') }} || ' and ' || {{ percent_text('reasoned.max_pass_ratio') }} || ' of it.'
    end as reason_text
  from reasoned
  left join path_counts
    on path_counts.transfer_id = reasoned.transfer_id
)

select
  {{ scenario_standard_columns('TM20', ['paths', 'transfers_on_them']) }}
from final
