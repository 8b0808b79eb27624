with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, login_count_24h, last_login_country_code_24h, is_login_abroad_24h, is_login_high_risk_24h, login_country_known_days, login_country_count_6h, behaviour_known_at_48h
  from {{ ref('feat_transfer__behaviour') }}
),

parameters as (
  {{ scenario_parameters('TM38', ['min_amount_usd', 'max_country_known_days', 'min_travel_countries', 'window_hours', 'travel_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.behaviour_known_at_48h as behaviour_known_at,
    features.last_login_country_code_24h as login_country_code,
    features.is_login_abroad_24h as is_login_abroad,
    features.is_login_high_risk_24h as is_login_high_risk,
    features.login_country_known_days,
    {{ feature_of_window('parameters.travel_hours', 'features.login_country_count_', ['6h']) }} as travel_country_count,
    {{ feature_of_window('parameters.window_hours', 'features.login_count_', ['24h']) }} as login_count,
    parameters.parameter_set_id,
    parameters.min_amount_usd,
    parameters.max_country_known_days,
    parameters.min_travel_countries,
    cast(parameters.window_hours as integer) as window_hours,
    cast(parameters.travel_hours as integer) as travel_hours
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
      when direction_code is distinct from 'out' then 'wrong_direction'
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_amount_usd is null or max_country_known_days is null or min_travel_countries is null or window_hours is null or travel_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when login_count is null or travel_country_count is null then 'window_not_available'
      when amount_usd < min_amount_usd then 'below_minimum_amount'
      when residence_country_code is null then 'no_kyc'
      when login_count = 0 then 'no_behaviour'
      when is_login_abroad and (
        is_login_high_risk
        or login_country_known_days < max_country_known_days
        or travel_country_count >= min_travel_countries
      ) then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.login_country_known_days as measure_1_value,
    reasoned.travel_country_count as measure_2_value,
    reasoned.max_country_known_days as threshold_1_value,
    reasoned.min_travel_countries as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.amount_usd', 2) }} || ' USD left after a login from ' || reasoned.login_country_code || ', while the customer lives in ' || reasoned.residence_country_code
      || case when reasoned.is_login_high_risk then '; the country is high risk' else '' end
      || case when reasoned.travel_country_count >= reasoned.min_travel_countries then '; logins from ' || {{ number_text('reasoned.travel_country_count') }} || ' countries within ' || {{ number_text('reasoned.travel_hours') }} || ' hours' else '' end
      || ' (limits: ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD; a high-risk country, one first seen less than ' || {{ number_text(hours_of_days('reasoned.max_country_known_days')) }} || ' hours before, or '
      || {{ number_text('reasoned.min_travel_countries') }} || ' countries within ' || {{ number_text('reasoned.travel_hours') }} || ' hours).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, reasoned.behaviour_known_at) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM38', ['login_country_known_days', 'travel_countries']) }}
from final
