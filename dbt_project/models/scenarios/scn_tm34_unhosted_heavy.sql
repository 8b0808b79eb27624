with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

features as (
  select leg_id, hosting_code, out_usd_30d, self_hosted_out_usd_30d
  from {{ ref('feat_transfer__counterparty') }}
),

travel_rule as (
  select leg_id, travel_rule_status_code
  from {{ ref('feat_transfer__travel_rule') }}
),

parameters as (
  {{ scenario_parameters('TM34', ['min_self_hosted_share', 'min_self_hosted_usd', 'window_hours', 'min_unproven_usd']) }}
),

measured as (
  select
    legs.*,
    features.leg_id is not null as has_features,
    features.hosting_code,
    {{ feature_of_window('parameters.window_hours', 'features.out_usd_', ['30d']) }} as out_usd,
    {{ feature_of_window('parameters.window_hours', 'features.self_hosted_out_usd_', ['30d']) }} as self_hosted_usd,
    travel_rule.travel_rule_status_code is not distinct from 'present' as is_proven,
    parameters.parameter_set_id,
    parameters.min_self_hosted_share,
    parameters.min_self_hosted_usd,
    cast(parameters.window_hours as integer) as window_hours,
    parameters.min_unproven_usd
  from legs
  left join features
    on features.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join travel_rule
    on travel_rule.leg_id = legs.leg_id
),

flagged as (
  select
    *,
    -- no limit: the jurisdiction asks for no proof
    coalesce(amount_usd > min_unproven_usd and not is_proven, false) as is_unproven,
    coalesce(
      self_hosted_usd >= min_self_hosted_usd
      and cast(self_hosted_usd as decimal(24,2)) >= cast(min_self_hosted_share as decimal(9,6)) * cast(out_usd as decimal(22,2)),
      false
    ) as is_heavy
  from measured
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
      when parameter_set_id is null or min_self_hosted_share is null or min_self_hosted_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when hosting_code = 'hosted' then 'known_service'
      when hosting_code = 'unknown' then 'not_screened'
      when self_hosted_usd is null then 'window_not_available'
      when is_unproven then 'alerted'
      when is_heavy then 'alerted'
      when amount_usd is null then 'no_valuation'
      else 'below_threshold'
    end as reason
  from flagged
),

alerted as (
  select leg_id, event_at, event_date, window_hours, party_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, event_at, event_date, known_at, party_id as group_key
  from reasoned
  where hosting_code = 'self_hosted' and direction_code = 'out'
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
    reasoned.self_hosted_usd as measure_1_value,
    {{ decimal_ratio('reasoned.self_hosted_usd', 'reasoned.out_usd') }} as measure_2_value,
    reasoned.min_self_hosted_usd as threshold_1_value,
    reasoned.min_self_hosted_share as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A withdrawal of ' || case when reasoned.amount_usd is null then 'unknown value' else {{ number_text('reasoned.amount_usd', 2) }} || ' USD' end || ' to a self-hosted address'
      || case when reasoned.is_unproven then ' without proof of ownership (limit: ' || {{ number_text('reasoned.min_unproven_usd', 2) }} || ' USD)' else '' end
      || '; self-hosted addresses received ' || {{ number_text('reasoned.self_hosted_usd', 2) }} || ' of ' || {{ number_text('reasoned.out_usd', 2) }}
      || ' USD that left within ' || {{ number_text('reasoned.window_hours') }} || ' hours (limits: ' || {{ number_text('reasoned.min_self_hosted_usd', 2) }}
      || ' USD and ' || {{ percent_text('reasoned.min_self_hosted_share') }} || ').'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM34', ['self_hosted_usd', 'self_hosted_share']) }}
from final
