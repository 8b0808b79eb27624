with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, mirror_low_usd, mirror_high_usd, mirror_count_next_24h
  from {{ ref('feat_transfer__turnaround') }}
),

parameters as (
  {{ scenario_parameters('TM08', ['max_commission_pct', 'tolerance_pct', 'min_inflow_usd', 'min_mirrors', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.mirror_low_usd,
    features.mirror_high_usd,
    {{ feature_of_window('parameters.window_hours', 'features.mirror_count_next_', ['24h']) }} as mirror_count,
    parameters.parameter_set_id,
    parameters.max_commission_pct,
    parameters.tolerance_pct,
    parameters.min_inflow_usd,
    parameters.min_mirrors,
    cast(parameters.window_hours as integer) as window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join features
    on features.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

reasoned as (
  select
    *,
    case
      when transfer_type_code = 'trade' then 'trade'
      when status_code is distinct from 'completed' then 'not_completed'
      when is_own_transfer then 'own_transfer'
      when direction_code is distinct from 'in' then 'wrong_direction'
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or max_commission_pct is null or tolerance_pct is null or min_inflow_usd is null or min_mirrors is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when mirror_count is null then 'window_not_available'
      when amount_usd < min_inflow_usd then 'below_minimum_amount'
      when mirror_count >= min_mirrors then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, transfer_id, mirror_low_usd, mirror_high_usd, event_at, event_date, window_hours, party_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, direction_code, amount_usd, event_at, event_date, known_at, party_id as group_key
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
),

pairs as (
  {{ window_pairs('alerted', 'candidates', '0', 'alerted.window_hours') }}
),

evidence as (
  select
    pairs.alerted_leg_id,
    {{ list_text('pairs.transfer_id') }} as evidence_transfer_ids,
    max(pairs.known_at) as evidence_known_at,
    max(pairs.event_at) as evidence_end_at
  from pairs
  inner join alerted
    on alerted.leg_id = pairs.alerted_leg_id
  where pairs.transfer_id = alerted.transfer_id
    or pairs.direction_code = 'out' and pairs.amount_usd between alerted.mirror_low_usd and alerted.mirror_high_usd
  group by pairs.alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.event_at as window_start_at,
    {{ hours_after('reasoned.event_at', 'reasoned.window_hours') }} as window_end_at,
    reasoned.mirror_count as measure_1_value,
    reasoned.amount_usd as measure_2_value,
    reasoned.min_mirrors as threshold_1_value,
    reasoned.min_inflow_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.amount_usd', 2) }} || ' USD came in and ' || {{ number_text('reasoned.mirror_count') }} || ' outgoing transfer(s) of '
      || {{ number_text('reasoned.mirror_low_usd', 2) }} || ' to ' || {{ number_text('reasoned.mirror_high_usd', 2) }} || ' USD followed within '
      || {{ number_text('reasoned.window_hours') }} || ' hours, the same amount less a commission of at most ' || {{ percent_text('reasoned.max_commission_pct') }}
      || ' (limits: ' || {{ number_text('reasoned.min_mirrors') }} || ' of at least ' || {{ number_text('reasoned.min_inflow_usd', 2) }} || ' USD in, tolerance '
      || {{ percent_text('reasoned.tolerance_pct') }} || ').'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM08', ['mirror_count', 'amount_usd']) }}
from final
