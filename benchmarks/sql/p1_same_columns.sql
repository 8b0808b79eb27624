-- Every column of the project's four windowed feature models in one wide table, written by hand for DuckDB: the counted
-- legs are read once, all windows of a party are one pass. Rules (who counts, the structuring band) are the models'.
create or replace temp macro ratio(part, whole) as
    (2000000 * cast(part * 100 as hugeint) + cast(whole * 100 as hugeint)) // nullif(2 * cast(whole * 100 as hugeint), 0)
    * cast(0.000001 as decimal(7, 6));

create or replace temp table counted_legs as
select
    leg_id, transfer_id, party_id, account_id, direction_code, rail_code, asset_code, event_at, event_date, amount_usd,
    cast(amount as decimal(28, 8)) as amount, counterparty_id
from intermediate.int_transfer_legs
where status_code = 'completed'
    and direction_code in ('in', 'out')
    and party_id is not null
    and transfer_id not in (
        select transfer_id
        from intermediate.int_transfer_legs
        where transfer_type_code = 'internal_transfer' and party_id is not null
        group by transfer_id
        having count(*) > 1 and min(party_id) = max(party_id)
    );

create table bench.p1_same_columns as
with bands as (
    select
        threshold.ccy_code as asset_code,
        cast(threshold.parameter_value * low.parameter_value as decimal(28, 8)) as band_low_amount,
        cast(threshold.parameter_value * high.parameter_value as decimal(28, 8)) as band_high_amount
    from (select ccy_code, cast(parameter_value as decimal(18, 2)) as parameter_value from reference.scenario_parameters
          where scenario_id = 'TM01' and parameter_code = 'reporting_threshold_amount') as threshold
    cross join (select cast(parameter_value as decimal(9, 6)) as parameter_value from reference.scenario_parameters
          where scenario_id = 'TM01' and parameter_code = 'band_low_pct') as low
    cross join (select cast(parameter_value as decimal(9, 6)) as parameter_value from reference.scenario_parameters
          where scenario_id = 'TM01' and parameter_code = 'band_high_pct') as high
),

sided as (
    select
        *,
        case when direction_code = 'in' then amount_usd end as in_usd,
        case when direction_code = 'out' then amount_usd end as out_usd,
        case when direction_code = 'in' then 1 end as in_one,
        case when direction_code = 'out' then 1 end as out_one,
        case when direction_code = 'in' then event_at end as in_at,
        case when direction_code = 'out' then event_at end as out_at,
        case when amount_usd is null then 1 end as unvalued_one,
        cast(amount_usd * amount_usd as decimal(38, 4)) as squared
    from counted_legs
),

by_party as (
    select
        leg_id, transfer_id, party_id, account_id, direction_code, rail_code, event_at, event_date, amount_usd,
        count(in_one) over h1 as in_count_1h, count(out_one) over h1 as out_count_1h,
        coalesce(sum(in_usd) over h1, 0) as in_amount_usd_1h, coalesce(sum(out_usd) over h1, 0) as out_amount_usd_1h,
        count(in_one) over h24 as in_count_24h, count(out_one) over h24 as out_count_24h,
        coalesce(sum(in_usd) over h24, 0) as in_amount_usd_24h, coalesce(sum(out_usd) over h24, 0) as out_amount_usd_24h,
        count(in_one) over d7 as in_count_7d, count(out_one) over d7 as out_count_7d,
        coalesce(sum(in_usd) over d7, 0) as in_amount_usd_7d, coalesce(sum(out_usd) over d7, 0) as out_amount_usd_7d,
        count(in_one) over d30 as in_count_30d, count(out_one) over d30 as out_count_30d,
        coalesce(sum(in_usd) over d30, 0) as in_amount_usd_30d, coalesce(sum(out_usd) over d30, 0) as out_amount_usd_30d,
        count(unvalued_one) over d30 as unvalued_count_30d,
        coalesce(sum(in_usd) over (partition by party_id, event_at), 0) as inflow_usd,
        coalesce(sum(out_usd) over ahead, 0) as outflow_usd_next_24h,
        max(in_at) over h24 as previous_inflow_at,
        min(out_at) over ahead as next_outflow_at,
        count(amount_usd) over earlier as history_count_90d,
        sum(amount_usd) over earlier as history_sum_usd,
        sum(squared) over earlier as history_squares,
        min(amount_usd) over earlier as history_min_usd,
        max(amount_usd) over earlier as history_max_usd_90d
    from sided
    window
        h1 as (partition by party_id order by event_at range between interval 1 hour preceding and current row),
        h24 as (partition by party_id order by event_at range between interval 24 hours preceding and current row),
        d7 as (partition by party_id order by event_at range between interval 7 days preceding and current row),
        d30 as (partition by party_id order by event_at range between interval 30 days preceding and current row),
        ahead as (partition by party_id order by event_at range between current row and interval 24 hours following),
        earlier as (partition by party_id order by event_at range between interval 90 days preceding and interval 1 microsecond preceding)
),

by_account as (
    select
        leg_id,
        count(distinct sender_id) over h24 as sender_count_24h,
        count(distinct sender_id) over h48 as sender_count_48h,
        count(distinct sender_id) over d30 as sender_count_30d,
        count(distinct receiver_id) over h24 as receiver_count_24h,
        count(distinct receiver_id) over d30 as receiver_count_30d
    from (
        select
            leg_id, account_id, event_at,
            case when direction_code = 'in' then counterparty_id end as sender_id,
            case when direction_code = 'out' then counterparty_id end as receiver_id
        from counted_legs
    )
    window
        h24 as (partition by account_id order by event_at range between interval 24 hours preceding and current row),
        h48 as (partition by account_id order by event_at range between interval 48 hours preceding and current row),
        d30 as (partition by account_id order by event_at range between interval 30 days preceding and current row)
),

banded as (
    select
        leg_id, party_id, counted_legs.asset_code, direction_code, event_at, amount, band_low_amount, band_high_amount,
        coalesce(amount >= band_low_amount and amount < band_high_amount, false) as is_in_band
    from counted_legs
    left join bands on bands.asset_code = counted_legs.asset_code
    where rail_code = 'fiat'
),

structuring as (
    select
        leg_id, asset_code, band_low_amount, band_high_amount, is_in_band,
        count(case when is_in_band then 1 end) over h24 as band_count_24h,
        coalesce(sum(case when is_in_band then amount end) over h24, 0) as band_amount_24h,
        count(case when is_in_band then 1 end) over d7 as band_count_7d,
        coalesce(sum(case when is_in_band then amount end) over d7, 0) as band_amount_7d
    from banded
    window
        h24 as (partition by party_id, asset_code, direction_code order by event_at range between interval 24 hours preceding and current row),
        d7 as (partition by party_id, asset_code, direction_code order by event_at range between interval 7 days preceding and current row)
),

activity as (
    select party_id, event_at, lag(event_at) over (partition by party_id order by event_at) as previous_at
    from (
        select distinct party_id, event_at from intermediate.int_transfer_legs where status_code = 'completed' and party_id is not null
    )
),

before_ledger as (
    select party_id, max(last_activity_at) as last_activity_at, min(account_opened_at) as first_opened_at
    from intermediate.int_transfer_legs
    where party_id is not null
    group by party_id
),

deviations as (
    select
        *,
        cast(history_sum_usd as double) / history_count_90d as history_mean,
        case when history_count_90d > 1 and history_max_usd_90d > history_min_usd then
            sqrt(greatest(
                (cast(history_squares as double) - cast(history_sum_usd as double) * cast(history_sum_usd as double) / history_count_90d)
                / (history_count_90d - 1),
                0
            ))
        end as history_deviation,
        in_amount_usd_24h as inflow_usd_24h,
        out_amount_usd_24h as outflow_usd_24h
    from by_party
)

select
    deviations.* exclude (
        amount_usd, rail_code, previous_inflow_at, next_outflow_at, history_sum_usd, history_squares, history_min_usd, history_mean,
        history_deviation
    ),
    by_account.* exclude (leg_id),
    structuring.* exclude (leg_id),
    ratio(outflow_usd_24h, inflow_usd_24h) as out_in_ratio_24h,
    case when direction_code = 'in' then ratio(outflow_usd_next_24h, inflow_usd) end as out_in_ratio_next_24h,
    case
        when direction_code = 'in' then (epoch_us(next_outflow_at) - epoch_us(deviations.event_at)) // 1000000
        else (epoch_us(deviations.event_at) - epoch_us(previous_inflow_at)) // 1000000
    end as holding_seconds_24h,
    coalesce(previous_at, case when last_activity_at < deviations.event_at then last_activity_at end) as previous_activity_at,
    case
        when previous_at is not null then 'ledger'
        when last_activity_at < deviations.event_at then 'account'
        else 'unknown'
    end as previous_activity_source_code,
    first_opened_at,
    (epoch_us(deviations.event_at) - epoch_us(previous_activity_at)) // 86400000000 as dormant_days,
    case when history_count_90d >= 10 and history_deviation > 0 then
        cast(round((cast(amount_usd as double) - history_mean) / history_deviation, 4) as decimal(18, 4))
    end as amount_zscore_90d,
    case when history_count_90d >= 10 then ratio(amount_usd, history_max_usd_90d) end as amount_to_max_ratio_90d,
    case
        when amount_usd is null then 'no_valuation'
        when history_count_90d < 10 then 'insufficient_history'
        when history_deviation is null or history_deviation = 0 then 'no_variance'
        else 'ok'
    end as history_status_code
from deviations
inner join by_account using (leg_id)
left join structuring using (leg_id)
inner join activity on activity.party_id = deviations.party_id and activity.event_at = deviations.event_at
inner join before_ledger on before_ledger.party_id = deviations.party_id;
