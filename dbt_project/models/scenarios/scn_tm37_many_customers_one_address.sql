with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

features as (
  select leg_id, hosting_code, counterparty_party_count_7d, counterparty_party_count_30d, counterparty_amount_usd_7d, counterparty_amount_usd_30d
  from {{ ref('feat_transfer__counterparty') }}
),

parameters as (
  {{ scenario_parameters('TM37', ['min_parties', 'min_amount_usd', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    features.leg_id is not null as has_features,
    features.hosting_code,
    {{ feature_of_window('parameters.window_hours', 'features.counterparty_party_count_', ['7d', '30d']) }} as party_count,
    {{ feature_of_window('parameters.window_hours', 'features.counterparty_amount_usd_', ['7d', '30d']) }} as window_usd,
    parameters.parameter_set_id,
    parameters.min_parties,
    parameters.min_amount_usd,
    cast(parameters.window_hours as integer) as window_hours
  from legs
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
      when rail_code is distinct from 'crypto' then 'not_crypto'
      when status_code is distinct from 'completed' then 'not_completed'
      when direction_code is distinct from 'out' then 'wrong_direction'
      when party_id is null then 'no_kyc'
      when counterparty_id is null then 'no_address'
      when parameter_set_id is null or min_parties is null or min_amount_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when party_count is null then 'window_not_available'
      when hosting_code = 'hosted' then 'known_service'
      when party_count < min_parties then 'below_threshold'
      when window_usd >= min_amount_usd then 'alerted'
      when amount_usd is null then 'no_valuation'
      else 'below_minimum_amount'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, counterparty_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, event_at, event_date, known_at as known_at, counterparty_id as group_key
  from reasoned
  where rail_code = 'crypto' and status_code = 'completed' and direction_code = 'out' and party_id is not null and counterparty_id is not null
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  {{ evidence_of_pairs('pairs') }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.party_count as measure_1_value,
    reasoned.window_usd as measure_2_value,
    reasoned.min_parties as threshold_1_value,
    reasoned.min_amount_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.party_count') }} || ' customers sent ' || {{ number_text('reasoned.window_usd', 2) }} || ' USD to the address '
      || reasoned.counterparty_id || ' within ' || {{ number_text('reasoned.window_hours') }} || ' hours (limits: '
      || {{ number_text('reasoned.min_parties') }} || ' customers and ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM37', ['party_count', 'address_usd']) }}
from final
