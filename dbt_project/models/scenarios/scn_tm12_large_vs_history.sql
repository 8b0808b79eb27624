with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, history_count_90d, history_max_usd_90d, amount_zscore_90d, history_status_code
  from {{ ref('feat_transfer__history') }}
),

parameters as (
  {{ scenario_parameters('TM12', ['min_zscore', 'min_max_ratio', 'min_amount_usd', 'min_history_legs', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.history_status_code,
    {{ feature_of_window('parameters.window_hours', 'features.history_count_', ['90d']) }} as history_count,
    features.history_max_usd_90d as history_max_usd,
    features.amount_zscore_90d as amount_zscore,
    parameters.parameter_set_id,
    parameters.min_zscore,
    parameters.min_max_ratio,
    parameters.min_amount_usd,
    parameters.min_history_legs,
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
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_zscore is null or min_max_ratio is null or min_amount_usd is null or min_history_legs is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when history_count is null then 'window_not_available'
      when amount_usd < min_amount_usd then 'below_minimum_amount'
      when history_count < min_history_legs or history_status_code = 'insufficient_history' then 'insufficient_history'
      when amount_zscore >= min_zscore then 'alerted'
      when cast(amount_usd as decimal(24,2)) >= cast(min_max_ratio as decimal(9,6)) * cast(history_max_usd as decimal(22,2)) then 'alerted'
      when history_status_code = 'no_variance' then 'no_variance'
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
    reasoned.amount_zscore as measure_1_value,
    reasoned.amount_usd as measure_2_value,
    reasoned.min_zscore as threshold_1_value,
    reasoned.min_amount_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      case when reasoned.direction_code = 'in' then 'Received ' else 'Sent ' end || {{ number_text('reasoned.amount_usd', 2) }} || ' USD; the largest of '
      || {{ number_text('reasoned.history_count') }} || ' transfers in the ' || {{ number_text('reasoned.window_hours') }} || ' hours before was ' || {{ number_text('reasoned.history_max_usd', 2) }} || ' USD, '
      || coalesce({{ number_text('reasoned.amount_zscore', 1) }} || ' deviations above the usual', 'all of them equal') || ' (limits: ' || {{ number_text('reasoned.min_zscore', 1) }} || ' deviations or '
      || {{ number_text('reasoned.min_max_ratio', 2) }} || ' times the largest, from ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD on).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then reasoned.known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM12', ['amount_zscore', 'amount_usd']) }}
from final
