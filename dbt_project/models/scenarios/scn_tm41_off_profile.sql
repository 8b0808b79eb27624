with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, inflow_usd_90d, inflow_to_income_ratio_90d
  from {{ ref('feat_transfer__profile') }}
),

parameters as (
  {{ scenario_parameters('TM41', ['max_income_ratio', 'min_inflow_usd', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'features.inflow_usd_', ['90d']) }} as inflow_usd,
    features.inflow_to_income_ratio_90d as inflow_to_income_ratio,
    parameters.parameter_set_id,
    parameters.max_income_ratio,
    parameters.min_inflow_usd,
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
      when parameter_set_id is null or max_income_ratio is null or min_inflow_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when inflow_usd is null then 'window_not_available'
      when inflow_usd < min_inflow_usd then 'below_minimum_amount'
      when declared_annual_income_usd is null or declared_annual_income_usd = 0 then 'no_declared_income'
      when cast(inflow_usd as decimal(24,2)) > cast(max_income_ratio as decimal(9,6)) * cast(declared_annual_income_usd as decimal(22,2)) then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, party_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select party_id as group_key, transfer_id, event_at, event_date, known_at
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code = 'in'
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  select
    alerted_leg_id,
    {{ list_text('transfer_id') }} as evidence_transfer_ids,
    max(known_at) as evidence_known_at,
    max(event_at) as evidence_end_at
  from pairs
  group by alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.inflow_to_income_ratio as measure_1_value,
    reasoned.inflow_usd as measure_2_value,
    reasoned.max_income_ratio as threshold_1_value,
    reasoned.min_inflow_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.inflow_usd', 2) }} || ' USD came in within ' || {{ number_text('reasoned.window_hours') }} || ' hours, ' || {{ percent_text('reasoned.inflow_to_income_ratio') }} || ' of the declared annual income of '
      || {{ number_text('reasoned.declared_annual_income_usd', 2) }} || ' USD (limits: ' || {{ percent_text('reasoned.max_income_ratio') }} || ', ' || {{ number_text('reasoned.min_inflow_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at as evidence_known_at,
    evidence.evidence_end_at as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM41', ['inflow_to_income_ratio', 'inflow_usd']) }}
from final
