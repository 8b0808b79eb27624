{%- set kinds = ['device', 'ip', 'bank_account', 'payout_address'] -%}
with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

edges as (
  {{ network_edges('TM47', ['max_money_hops', 'max_identifier_hops', 'window_hours', 'max_sharing_parties']) }}
),

-- from when on a party is one to keep a distance from: whatever is known later is not used before
marks as (
  select party_id, 'party|' || party_id as node, min(effective_from_at) as effective_from_at
  from {{ ref('int_party_marks') }}
  group by party_id
),

shared as (
  select leg_id, {{ kinds | join(', ') }}{% for kind in kinds %}, {{ kind }}_party_count_30d{% endfor %}
  from {{ ref('feat_transfer__shared') }}
),

parameters as (
  {{ scenario_parameters('TM47', ['max_money_hops', 'max_identifier_hops', 'window_hours', 'min_amount_usd', 'max_degree', 'max_sharing_parties']) }}
),

screened as (
  select
    legs.*,
    'party|' || legs.party_id as own_node,
    case when legs.direction_code = 'in' then edges.from_node else edges.to_node end as other_node,
    edges.early_reason as edge_reason,
    edges.transfer_id is not null as is_edge,
    shared.leg_id is not null as has_features,
    {%- for kind in kinds %}
    case when shared.{{ kind }}_party_count_30d <= parameters.max_sharing_parties then shared.{{ kind }} end as {{ kind }},
    {%- endfor %}
    parameters.parameter_set_id,
    parameters.max_money_hops,
    parameters.max_identifier_hops,
    parameters.min_amount_usd,
    cast(parameters.window_hours as integer) as window_hours,
    case
      when legs.transfer_type_code = 'trade' then 'trade'
      when legs.status_code is distinct from 'completed' then 'not_completed'
      when own_transfers.transfer_id is not null then 'own_transfer'
      when legs.party_id is null then 'no_kyc'
      when marks.party_id is not null then 'marked_itself'
      when legs.amount_usd is null then 'no_valuation'
      when parameters.parameter_set_id is null or parameters.max_money_hops is null or parameters.max_identifier_hops is null
        or parameters.window_hours is null or parameters.min_amount_usd is null or parameters.max_degree is null
        or parameters.max_sharing_parties is null then 'no_parameter'
      when parameters.max_money_hops not in (0, 1, 2) or parameters.max_identifier_hops not in (0, 1) then 'window_not_available'
      when shared.leg_id is null then 'feature_missing'
      when legs.amount_usd < parameters.min_amount_usd then 'below_minimum_amount'
    end as early_reason
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join marks
    on marks.party_id = legs.party_id
    and marks.effective_from_at <= legs.event_at
  left join edges
    on edges.transfer_id = legs.transfer_id
  left join shared
    on shared.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

followed as (
  select * from screened where early_reason is null
),

direct as (
  select
    followed.leg_id,
    followed.transfer_id,
    marks.party_id as marked_party_id,
    marks.effective_from_at
  from followed
  inner join marks
    on marks.node = followed.other_node
  where followed.max_money_hops >= 1
    and marks.effective_from_at <= followed.event_at
),

-- what marked parties paid and were paid, by whom they dealt with
beside as (
  select edges.transfer_id, edges.to_node as node, marks.node as marked_node, marks.party_id as marked_party_id, marks.effective_from_at, edges.event_at, edges.event_date, edges.known_at
  from edges
  inner join marks
    on marks.node = edges.from_node
  where edges.early_reason is null
  union all
  select edges.transfer_id, edges.from_node as node, marks.node as marked_node, marks.party_id as marked_party_id, marks.effective_from_at, edges.event_at, edges.event_date, edges.known_at
  from edges
  inner join marks
    on marks.node = edges.to_node
  where edges.early_reason is null
),

towards as (
  select leg_id, event_at, event_date, window_hours, other_node as group_key
  from followed
  where max_money_hops >= 2 and edge_reason is null and other_node in (select node from beside)
),

links as (
  select node as group_key, transfer_id, marked_node, marked_party_id, effective_from_at, event_at, event_date, known_at from beside
),

near as (
  {{ window_pairs('towards', 'links', 'alerted.window_hours', '0') }}
),

over_another as (
  select
    followed.leg_id,
    near.transfer_id,
    near.marked_party_id,
    near.effective_from_at
  from near
  inner join followed
    on followed.leg_id = near.alerted_leg_id
  where near.effective_from_at <= followed.event_at
    and near.marked_node <> followed.own_node
    and near.marked_node <> followed.other_node
    and near.transfer_id <> followed.transfer_id
),

used as (
  {%- for kind in kinds %}
  select '{{ kind }}|' || shared.{{ kind }} as group_key, legs.transfer_id, marks.party_id as marked_party_id, marks.effective_from_at, legs.event_at, legs.event_date, legs.known_at
  from shared
  inner join legs
    on legs.leg_id = shared.leg_id
  inner join marks
    on marks.party_id = legs.party_id
  where shared.{{ kind }} is not null
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

identified as (
  {%- for kind in kinds %}
  select leg_id, event_at, event_date, window_hours, '{{ kind }}|' || {{ kind }} as group_key
  from followed
  where max_identifier_hops >= 1 and {{ kind }} is not null
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

-- only values that a marked party used
suspected as (
  select * from identified where group_key in (select group_key from used)
),

same_value as (
  {{ window_pairs('suspected', 'used', 'alerted.window_hours', '0') }}
),

by_identifier as (
  select
    followed.leg_id,
    same_value.transfer_id,
    same_value.marked_party_id,
    same_value.effective_from_at
  from same_value
  inner join followed
    on followed.leg_id = same_value.alerted_leg_id
  where same_value.effective_from_at <= followed.event_at
    and same_value.marked_party_id <> followed.party_id
),

ways as (
  select leg_id, transfer_id, marked_party_id, effective_from_at, 'direct' as way_code from direct
  union all
  select leg_id, transfer_id, marked_party_id, effective_from_at, 'over_another' as way_code from over_another
  union all
  select leg_id, transfer_id, marked_party_id, effective_from_at, 'identifier' as way_code from by_identifier
),

found as (
  select
    leg_id,
    count(distinct marked_party_id) as marked_parties,
    count(distinct case when way_code = 'direct' then marked_party_id end) as direct_parties,
    count(distinct case when way_code = 'over_another' then marked_party_id end) as parties_over_another,
    count(distinct case when way_code = 'identifier' then marked_party_id end) as identifier_parties,
    max(effective_from_at) as marks_known_at
  from ways
  group by leg_id
),

pairs as (
  select ways.leg_id as alerted_leg_id, transfers.transfer_id, transfers.event_at, transfers.known_at
  from ways
  inner join (
    select transfer_id, max(event_at) as event_at, max(known_at) as known_at from legs group by transfer_id
  ) as transfers
    on transfers.transfer_id = ways.transfer_id
  union all
  select followed.leg_id as alerted_leg_id, followed.transfer_id, followed.event_at, followed.known_at
  from followed
  inner join found
    on found.leg_id = followed.leg_id
),

evidence as (
  {{ evidence_of_pairs('pairs') }}
),

reasoned as (
  select
    screened.*,
    found.marked_parties,
    found.direct_parties,
    found.parties_over_another,
    found.identifier_parties,
    found.marks_known_at,
    case
      when screened.early_reason is not null then screened.early_reason
      when found.leg_id is not null then 'alerted'
      when not screened.is_edge and screened.counterparty_id is null then 'no_counterparty'
      when not screened.is_edge then 'feature_missing'
      when screened.edge_reason is not null then screened.edge_reason
      else 'below_threshold'
    end as reason
  from screened
  left join found
    on found.leg_id = screened.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    coalesce(reasoned.direct_parties, 0) + coalesce(reasoned.parties_over_another, 0) as measure_1_value,
    reasoned.identifier_parties as measure_2_value,
    1 as threshold_1_value,
    1 as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD of a customer who is near ' || {{ number_text('reasoned.marked_parties') }}
      || ' customer(s) that had been reported or exited by then: ' || concat_ws(
        ', ',
        case when reasoned.direct_parties > 0 then {{ number_text('reasoned.direct_parties') }} || ' on the other side of it' end,
        case when reasoned.parties_over_another > 0 then {{ number_text('reasoned.parties_over_another') }} || ' who dealt with the other side' end,
        case when reasoned.identifier_parties > 0 then {{ number_text('reasoned.identifier_parties') }} || ' who used the same device, address or bank account' end
      ) || ' within ' || {{ number_text('reasoned.window_hours') }} || ' hours (limits: ' || {{ number_text('reasoned.max_money_hops') }}
      || ' payments or ' || {{ number_text('reasoned.max_identifier_hops') }} || ' identifier away).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(evidence.evidence_known_at, reasoned.marks_known_at) end as evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM47', ['marked_parties_by_money', 'marked_parties_by_identifier']) }}
from final
