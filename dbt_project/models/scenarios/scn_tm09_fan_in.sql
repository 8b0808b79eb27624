with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, sender_count_24h, sender_count_48h
  from {{ ref('feat_transfer__velocity') }}
),

parameters as (
  {{ scenario_parameters('TM09', ['min_senders', 'min_forwarded_ratio', 'window_hours', 'forward_window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'features.sender_count_', ['24h', '48h']) }} as sender_count,
    parameters.parameter_set_id,
    parameters.min_senders,
    parameters.min_forwarded_ratio,
    cast(parameters.window_hours as integer) as window_hours,
    cast(parameters.forward_window_hours as integer) as forward_window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join features
    on features.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

screened as (
  select
    *,
    case
      when transfer_type_code = 'trade' then 'trade'
      when status_code is distinct from 'completed' then 'not_completed'
      when is_own_transfer then 'own_transfer'
      -- also a leg that is not judged itself: it is part of other legs' windows
      when party_id is not null and not has_features then 'feature_missing'
      when direction_code is distinct from 'in' then 'wrong_direction'
      when party_id is null then 'no_kyc'
      when counterparty_id is null then 'no_counterparty'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_senders is null or min_forwarded_ratio is null or window_hours is null or forward_window_hours is null then 'no_parameter'
      when sender_count is null then 'window_not_available'
      when sender_count < min_senders then 'below_threshold'
    end as early_reason
  from measured
),

-- only where enough senders meet is the money followed
followed as (
  select leg_id, event_at, event_date, window_hours, forward_window_hours, account_id as group_key
  from screened
  where early_reason is null
),

candidates as (
  select account_id as group_key, transfer_id, direction_code, event_at, event_date, amount_usd, known_at
  from screened
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
),

pairs as (
  {{ window_pairs('followed', 'candidates', 'alerted.window_hours', 'alerted.forward_window_hours') }}
),

fan_in as (
  select
    pairs.alerted_leg_id,
    min(pairs.event_at) as first_in_at,
    cast(coalesce(sum(pairs.amount_usd), 0) as decimal(38,2)) as inflow_usd
  from pairs
  inner join followed
    on followed.leg_id = pairs.alerted_leg_id
  where pairs.direction_code = 'in' and pairs.event_at <= followed.event_at
  group by pairs.alerted_leg_id
),

-- what came in until the row, and what left after the first of it
found as (
  select
    pairs.alerted_leg_id,
    cast(coalesce(sum(case when pairs.direction_code = 'out' then pairs.amount_usd end), 0) as decimal(38,2)) as forwarded_usd,
    {{ list_text('pairs.transfer_id') }} as evidence_transfer_ids,
    max(pairs.known_at) as evidence_known_at,
    max(pairs.event_at) as evidence_end_at
  from pairs
  inner join followed
    on followed.leg_id = pairs.alerted_leg_id
  inner join fan_in
    on fan_in.alerted_leg_id = pairs.alerted_leg_id
  where (pairs.direction_code = 'in' and pairs.event_at <= followed.event_at)
    or (pairs.direction_code = 'out' and pairs.event_at >= fan_in.first_in_at)
  group by pairs.alerted_leg_id
),

reasoned as (
  select
    screened.*,
    fan_in.inflow_usd,
    found.forwarded_usd,
    found.evidence_transfer_ids as found_transfer_ids,
    found.evidence_known_at as found_known_at,
    found.evidence_end_at as found_end_at,
    case
      when screened.early_reason is not null then screened.early_reason
      when found.alerted_leg_id is null then 'feature_missing'
      when cast(found.forwarded_usd as decimal(24,2)) >= cast(screened.min_forwarded_ratio as decimal(9,6)) * cast(fan_in.inflow_usd as decimal(22,2)) then 'alerted'
      else 'below_threshold'
    end as reason
  from screened
  left join fan_in
    on fan_in.alerted_leg_id = screened.leg_id
  left join found
    on found.alerted_leg_id = screened.leg_id
),

final as (
  select
    reasoned.*,
    case when reasoned.account_id is not null then 'account' else 'transfer' end as subject_type_code,
    coalesce(reasoned.account_id, reasoned.transfer_id) as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    {{ hours_after('reasoned.event_at', 'reasoned.forward_window_hours') }} as window_end_at,
    reasoned.sender_count as measure_1_value,
    {{ decimal_ratio('reasoned.forwarded_usd', 'reasoned.inflow_usd') }} as measure_2_value,
    reasoned.min_senders as threshold_1_value,
    reasoned.min_forwarded_ratio as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.sender_count') }} || ' senders paid ' || {{ number_text('reasoned.inflow_usd', 2) }} || ' USD into one account within '
      || {{ number_text('reasoned.window_hours') }} || ' hours and ' || {{ percent_text(decimal_ratio('reasoned.forwarded_usd', 'reasoned.inflow_usd')) }}
      || ' of it (' || {{ number_text('reasoned.forwarded_usd', 2) }} || ' USD) left within a further ' || {{ number_text('reasoned.forward_window_hours') }}
      || ' hours (limits: ' || {{ number_text('reasoned.min_senders') }} || ' senders, ' || {{ percent_text('reasoned.min_forwarded_ratio') }} || ').'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.found_transfer_ids end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then reasoned.found_known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.found_end_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM09', ['distinct_senders', 'forwarded_ratio']) }}
from final
