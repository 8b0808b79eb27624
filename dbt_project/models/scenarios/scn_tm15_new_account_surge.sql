with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

profile as (
  select leg_id, account_age_days, seconds_since_first_inflow
  from {{ ref('feat_transfer__profile') }}
),

velocity as (
  select leg_id, in_amount_usd_30d, out_amount_usd_30d
  from {{ ref('feat_transfer__velocity') }}
),

parameters as (
  {{ scenario_parameters('TM15', ['max_age_days', 'min_turnover_usd', 'min_inflow_usd', 'min_moved_ratio', 'moved_within_days', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    profile.leg_id is not null and velocity.leg_id is not null as has_features,
    profile.account_age_days,
    profile.seconds_since_first_inflow,
    {{ feature_of_window('parameters.window_hours', 'velocity.in_amount_usd_', ['30d']) }} as inflow_usd,
    {{ feature_of_window('parameters.window_hours', 'velocity.out_amount_usd_', ['30d']) }} as outflow_usd,
    parameters.parameter_set_id,
    parameters.max_age_days,
    parameters.min_turnover_usd,
    parameters.min_inflow_usd,
    parameters.min_moved_ratio,
    parameters.moved_within_days,
    cast(parameters.window_hours as integer) as window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join profile
    on profile.leg_id = legs.leg_id
  left join velocity
    on velocity.leg_id = legs.leg_id
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
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or max_age_days is null or min_turnover_usd is null or min_inflow_usd is null or min_moved_ratio is null or moved_within_days is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when inflow_usd is null then 'window_not_available'
      when account_age_days is null then 'insufficient_history'
      when account_age_days >= max_age_days then 'not_new'
      when inflow_usd + outflow_usd >= min_turnover_usd then 'alerted'
      when direction_code = 'out' and inflow_usd >= min_inflow_usd and seconds_since_first_inflow <= {{ seconds_of_days('moved_within_days') }}
        and cast(outflow_usd as decimal(24,2)) >= cast(min_moved_ratio as decimal(9,6)) * cast(inflow_usd as decimal(22,2)) then 'alerted'
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
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
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
    reasoned.inflow_usd + reasoned.outflow_usd as measure_1_value,
    {{ decimal_ratio('reasoned.outflow_usd', 'reasoned.inflow_usd') }} as measure_2_value,
    reasoned.min_turnover_usd as threshold_1_value,
    reasoned.min_moved_ratio as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A customer of less than ' || {{ number_text('reasoned.max_age_days') }} || ' days received ' || {{ number_text('reasoned.inflow_usd', 2) }} || ' USD and sent ' || {{ number_text('reasoned.outflow_usd', 2) }} || ' USD (limits: '
      || {{ number_text('reasoned.min_turnover_usd', 2) }} || ' USD together, or ' || {{ percent_text('reasoned.min_moved_ratio') }} || ' of at least ' || {{ number_text('reasoned.min_inflow_usd', 2) }} || ' USD sent on within '
      || {{ number_text('reasoned.moved_within_days') }} || ' days of the first inflow).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at as evidence_known_at,
    evidence.evidence_end_at as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM15', ['turnover_usd', 'out_in_ratio']) }}
from final
