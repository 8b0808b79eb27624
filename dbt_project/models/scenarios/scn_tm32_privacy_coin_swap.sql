with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

trades as (
  select leg_id, bought_asset_code, quote_usd from {{ ref('int_trades') }}
),

parameters as (
  {{ scenario_parameters('TM32', ['is_privacy_coin', 'swap_hours', 'window_hours', 'min_amount_usd', 'min_swapped_ratio']) }}
),

screened as (
  select
    legs.*,
    trades.bought_asset_code,
    trades.quote_usd,
    parameters.parameter_set_id,
    parameters.is_privacy_coin,
    parameters.min_amount_usd,
    parameters.min_swapped_ratio,
    cast(parameters.swap_hours as integer) as swap_hours,
    cast(parameters.window_hours as integer) as window_hours,
    case
      when legs.transfer_type_code = 'trade' then 'trade'
      when legs.rail_code is distinct from 'crypto' then 'not_crypto'
      when legs.status_code is distinct from 'completed' then 'not_completed'
      when legs.direction_code is distinct from 'out' then 'wrong_direction'
      when parameters.parameter_set_id is null or parameters.is_privacy_coin is null or parameters.swap_hours is null
        or parameters.window_hours is null or parameters.min_amount_usd is null or parameters.min_swapped_ratio is null then 'no_parameter'
      when legs.party_id is null then 'no_kyc'
      when parameters.is_privacy_coin = 0 then 'transparent_asset'
      when legs.amount_usd is null then 'no_valuation'
      when legs.amount_usd < parameters.min_amount_usd then 'below_minimum_amount'
    end as early_reason
  from legs
  left join trades
    on trades.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

followed as (
  select leg_id, event_at, event_date, window_hours, swap_hours, party_id || '|' || asset_code as group_key
  from screened
  where early_reason is null
),

bought as (
  select leg_id as trade_leg_id, transfer_id, party_id, quote_usd, event_at, event_date, known_at, party_id || '|' || bought_asset_code as group_key
  from screened
  where transfer_type_code = 'trade' and party_id is not null and bought_asset_code is not null
),

purchases as (
  {{ window_pairs('followed', 'bought', 'alerted.window_hours', '0') }}
),

deposits as (
  select transfer_id, event_at, event_date, known_at, party_id as group_key
  from screened
  where transfer_type_code = 'deposit' and rail_code = 'crypto' and status_code = 'completed' and party_id is not null
    and direction_code = 'in' and is_privacy_coin = 0
),

-- a purchase may be looked at by several withdrawals, each by its own parameters
swapped as (
  select
    purchases.alerted_leg_id || '>' || purchases.trade_leg_id as leg_id,
    purchases.alerted_leg_id,
    purchases.transfer_id,
    purchases.quote_usd,
    purchases.event_at,
    purchases.event_date,
    purchases.known_at,
    purchases.party_id as group_key,
    followed.swap_hours
  from purchases
  inner join followed
    on followed.leg_id = purchases.alerted_leg_id
),

sources as (
  {{ window_pairs('swapped', 'deposits', 'alerted.swap_hours', '0') }}
),

swaps as (
  select swapped.*
  from swapped
  inner join (select distinct alerted_leg_id from sources) as sourced
    on sourced.alerted_leg_id = swapped.leg_id
),

measured as (
  select alerted_leg_id as leg_id, count(*) as swap_count, cast(coalesce(sum(quote_usd), 0) as decimal(38,2)) as swapped_usd
  from swaps
  group by alerted_leg_id
),

pairs as (
  select alerted_leg_id, transfer_id, event_at, known_at from swaps
  union all
  select swapped.alerted_leg_id, sources.transfer_id, sources.event_at, sources.known_at
  from sources
  inner join swapped
    on swapped.leg_id = sources.alerted_leg_id
  union all
  select leg_id as alerted_leg_id, transfer_id, event_at, known_at from screened where early_reason is null
),

evidence as (
  {{ evidence_of_pairs('pairs') }}
),

reasoned as (
  select
    screened.*,
    measured.swap_count,
    measured.swapped_usd,
    case
      when screened.early_reason is not null then screened.early_reason
      when {{ at_least_share('measured.swapped_usd', 'screened.min_swapped_ratio', 'screened.amount_usd') }} then 'alerted'
      else 'below_threshold'
    end as reason
  from screened
  left join measured
    on measured.leg_id = screened.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * (reasoned.window_hours + reasoned.swap_hours)') }} as window_start_at,
    reasoned.event_at as window_end_at,
    {{ decimal_ratio('reasoned.swapped_usd', 'reasoned.amount_usd') }} as measure_1_value,
    reasoned.amount_usd as measure_2_value,
    reasoned.min_swapped_ratio as threshold_1_value,
    reasoned.min_amount_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.amount_usd', 2) }} || ' USD left in the privacy coin ' || reasoned.asset_code || ', and '
      || {{ number_text('reasoned.swapped_usd', 2) }} || ' USD of it was bought in ' || {{ number_text('reasoned.swap_count') }}
      || ' trade(s) of the ' || {{ number_text('reasoned.window_hours') }} || ' hours before, each within '
      || {{ number_text('reasoned.swap_hours') }} || ' hour(s) of a deposit in a transparent asset (limits: '
      || {{ percent_text('reasoned.min_swapped_ratio') }} || ' of a withdrawal of at least '
      || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then evidence.evidence_transfer_ids end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then evidence.evidence_known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then evidence.evidence_end_at end as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM32', ['swapped_ratio', 'amount_usd']) }}
from final
