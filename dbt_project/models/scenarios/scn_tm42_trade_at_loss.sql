with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

trades as (
  select
    *,
    party_id || '|' || base_asset_code || '|' || quote_asset_code as book_key,
    case when side_code = 'buy' then cast(base_amount as decimal(30,8)) else 0 end as bought,
    case when side_code = 'sell' then cast(base_amount as decimal(30,8)) else 0 end as sold
  from {{ ref('int_trades') }}
  where party_id is not null
),

parameters as (
  {{ scenario_parameters('TM42', ['window_hours', 'min_trades', 'max_net_share', 'min_loss_usd', 'min_fee_multiple']) }}
),

screened as (
  select
    legs.*,
    trades.book_key,
    trades.quote_usd,
    trades.base_asset_code,
    trades.quote_asset_code,
    parameters.parameter_set_id,
    parameters.min_trades,
    parameters.max_net_share,
    parameters.min_loss_usd,
    parameters.min_fee_multiple,
    cast(parameters.window_hours as integer) as window_hours,
    case
      when legs.transfer_type_code is distinct from 'trade' then 'not_a_trade'
      when legs.party_id is null then 'no_kyc'
      when parameters.parameter_set_id is null or parameters.window_hours is null or parameters.min_trades is null
        or parameters.max_net_share is null or parameters.min_loss_usd is null or parameters.min_fee_multiple is null then 'no_parameter'
      when trades.leg_id is null then 'feature_missing'
      when trades.quote_usd is null or trades.fee_usd is null then 'no_valuation'
    end as early_reason
  from legs
  left join trades
    on trades.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

followed as (
  select leg_id, event_at, event_date, window_hours, book_key as group_key
  from screened
  where early_reason is null
),

candidates as (
  select book_key as group_key, transfer_id, event_at, event_date, known_at, side_code, bought, sold, quote_usd, fee_usd
  from trades
  where quote_usd is not null and fee_usd is not null
),

pairs as (
  {{ window_pairs('followed', 'candidates', 'alerted.window_hours', '0') }}
),

measured as (
  select
    alerted_leg_id as leg_id,
    count(*) as trade_count,
    sum(bought) as bought,
    sum(sold) as sold,
    cast(sum(case when side_code = 'buy' then quote_usd else -1 * quote_usd end) as decimal(38,2)) as loss_usd,
    cast(sum(fee_usd) as decimal(38,2)) as fee_usd,
    {{ list_text('transfer_id') }} as evidence_transfer_ids,
    max(known_at) as evidence_known_at
  from pairs
  group by alerted_leg_id
),

reasoned as (
  select
    screened.*,
    measured.trade_count,
    measured.loss_usd,
    measured.fee_usd,
    measured.evidence_transfer_ids as found_transfer_ids,
    measured.evidence_known_at as found_known_at,
    case
      when screened.early_reason is not null then screened.early_reason
      when measured.trade_count >= screened.min_trades
        and least(measured.bought, measured.sold) > 0
        and abs(measured.bought - measured.sold) <= cast(screened.max_net_share as decimal(7,6)) * cast(greatest(measured.bought, measured.sold) as decimal(30,8))
        and measured.loss_usd >= screened.min_loss_usd
        and {{ at_least_share('measured.loss_usd', 'screened.min_fee_multiple', 'measured.fee_usd') }} then 'alerted'
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
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.loss_usd as measure_1_value,
    reasoned.trade_count as measure_2_value,
    reasoned.min_loss_usd as threshold_1_value,
    reasoned.min_trades as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.trade_count') }} || ' trades in ' || reasoned.base_asset_code || ' against ' || reasoned.quote_asset_code || ' within '
      || {{ number_text('reasoned.window_hours') }} || ' hours left the position as it was and lost ' || {{ number_text('reasoned.loss_usd', 2) }}
      || ' USD beside fees of ' || {{ number_text('reasoned.fee_usd', 2) }} || ' USD (limits: ' || {{ number_text('reasoned.min_trades') }}
      || ' trades that leave at most ' || {{ percent_text('reasoned.max_net_share') }} || ' of the larger side, a loss of '
      || {{ number_text('reasoned.min_loss_usd', 2) }} || ' USD and of ' || {{ number_text('reasoned.min_fee_multiple', 1) }} || ' times the fees).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.found_transfer_ids end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then reasoned.found_known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM42', ['loss_usd', 'trades']) }}
from final
