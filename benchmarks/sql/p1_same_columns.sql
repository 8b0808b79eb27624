-- Every column of the project's four windowed feature models, written by hand for DuckDB: the counted legs are read once
-- into a compact table (whole-number keys and times, money in cents), from which four tables are made.
create or replace temp macro usd(cents) as cast(cast(cents as decimal(30, 0)) * cast(0.01 as decimal(3, 2)) as decimal(38, 2));

create or replace temp macro ratio(part, whole) as cast(
    cast((2000000 * cast(part as hugeint) + whole) // nullif(2 * cast(whole as hugeint), 0) as decimal(28, 0))
    * cast(0.000001 as decimal(7, 6)) as decimal(38, 6)
);

create or replace temp table counted_legs as
select
    leg_id, transfer_id, party_id, account_id, direction_code, rail_code, asset_code, event_at, event_date, counterparty_id,
    direction_code = 'in' as is_in,
    cast(dense_rank() over (order by party_id) as integer) as party_no,
    cast(dense_rank() over (order by account_id) as integer) as account_no,
    epoch_us(event_at) as at_us,
    cast(amount_usd * 100 as bigint) as cents,
    cast(amount as decimal(28, 8)) as amount
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

create table bench.feat_transfer__velocity as
with measured as (
    select
        *,
        count(*) over h1 as n_1h, count(case when is_in then 1 end) over h1 as in_1h,
        count(cents) over h1 as v_1h, count(case when is_in then cents end) over h1 as vi_1h,
        sum(cents) over h1 as s_1h, sum(case when is_in then cents end) over h1 as si_1h,
        max(case when is_in then cents end) over h1 as mi_1h, max(case when not is_in then cents end) over h1 as mo_1h,
        count(*) over h24 as n_24h, count(case when is_in then 1 end) over h24 as in_24h,
        count(cents) over h24 as v_24h, count(case when is_in then cents end) over h24 as vi_24h,
        sum(cents) over h24 as s_24h, sum(case when is_in then cents end) over h24 as si_24h,
        max(case when is_in then cents end) over h24 as mi_24h, max(case when not is_in then cents end) over h24 as mo_24h,
        count(*) over d7 as n_7d, count(case when is_in then 1 end) over d7 as in_7d,
        count(cents) over d7 as v_7d, count(case when is_in then cents end) over d7 as vi_7d,
        sum(cents) over d7 as s_7d, sum(case when is_in then cents end) over d7 as si_7d,
        max(case when is_in then cents end) over d7 as mi_7d, max(case when not is_in then cents end) over d7 as mo_7d,
        count(*) over d30 as n_30d, count(case when is_in then 1 end) over d30 as in_30d,
        count(cents) over d30 as v_30d, count(case when is_in then cents end) over d30 as vi_30d,
        sum(cents) over d30 as s_30d, sum(case when is_in then cents end) over d30 as si_30d,
        max(case when is_in then cents end) over d30 as mi_30d, max(case when not is_in then cents end) over d30 as mo_30d,
        count(*) over d90 as n_90d, count(case when is_in then 1 end) over d90 as in_90d,
        count(cents) over d90 as v_90d, count(case when is_in then cents end) over d90 as vi_90d,
        sum(cents) over d90 as s_90d, sum(case when is_in then cents end) over d90 as si_90d,
        max(case when is_in then cents end) over d90 as mi_90d, max(case when not is_in then cents end) over d90 as mo_90d,
        count(case when cents is null then 1 end) over d30 as unvalued_count_30d,
        count(distinct case when is_in then counterparty_id end) over a24 as sender_count_24h,
        count(distinct case when is_in then counterparty_id end) over a48 as sender_count_48h,
        count(distinct case when is_in then counterparty_id end) over a30 as sender_count_30d,
        count(distinct case when not is_in then counterparty_id end) over a8 as receiver_count_8h,
        count(distinct case when not is_in then counterparty_id end) over a24 as receiver_count_24h,
        count(distinct case when not is_in then counterparty_id end) over a30 as receiver_count_30d
    from counted_legs
    window
        h1 as (partition by party_no order by at_us range between 3600000000 preceding and current row),
        h24 as (partition by party_no order by at_us range between 86400000000 preceding and current row),
        d7 as (partition by party_no order by at_us range between 604800000000 preceding and current row),
        d30 as (partition by party_no order by at_us range between 2592000000000 preceding and current row),
        d90 as (partition by party_no order by at_us range between 7776000000000 preceding and current row),
        a8 as (partition by account_no order by at_us range between 28800000000 preceding and current row),
        a24 as (partition by account_no order by at_us range between 86400000000 preceding and current row),
        a48 as (partition by account_no order by at_us range between 172800000000 preceding and current row),
        a30 as (partition by account_no order by at_us range between 2592000000000 preceding and current row)
)

select
    leg_id, transfer_id, party_id, account_id, direction_code, event_at, event_date,
    in_1h as in_count_1h, n_1h - in_1h as out_count_1h,
    usd(coalesce(si_1h, 0)) as in_amount_usd_1h, usd(coalesce(s_1h, 0) - coalesce(si_1h, 0)) as out_amount_usd_1h,
    cast(usd(mi_1h) as decimal(18, 2)) as in_max_usd_1h, cast(usd(mo_1h) as decimal(18, 2)) as out_max_usd_1h,
    ratio(coalesce(si_1h, 0), 100 * vi_1h) as in_mean_usd_1h,
    ratio(coalesce(s_1h, 0) - coalesce(si_1h, 0), 100 * (v_1h - vi_1h)) as out_mean_usd_1h,
    in_24h as in_count_24h, n_24h - in_24h as out_count_24h,
    usd(coalesce(si_24h, 0)) as in_amount_usd_24h, usd(coalesce(s_24h, 0) - coalesce(si_24h, 0)) as out_amount_usd_24h,
    cast(usd(mi_24h) as decimal(18, 2)) as in_max_usd_24h, cast(usd(mo_24h) as decimal(18, 2)) as out_max_usd_24h,
    ratio(coalesce(si_24h, 0), 100 * vi_24h) as in_mean_usd_24h,
    ratio(coalesce(s_24h, 0) - coalesce(si_24h, 0), 100 * (v_24h - vi_24h)) as out_mean_usd_24h,
    in_7d as in_count_7d, n_7d - in_7d as out_count_7d,
    usd(coalesce(si_7d, 0)) as in_amount_usd_7d, usd(coalesce(s_7d, 0) - coalesce(si_7d, 0)) as out_amount_usd_7d,
    cast(usd(mi_7d) as decimal(18, 2)) as in_max_usd_7d, cast(usd(mo_7d) as decimal(18, 2)) as out_max_usd_7d,
    ratio(coalesce(si_7d, 0), 100 * vi_7d) as in_mean_usd_7d,
    ratio(coalesce(s_7d, 0) - coalesce(si_7d, 0), 100 * (v_7d - vi_7d)) as out_mean_usd_7d,
    in_30d as in_count_30d, n_30d - in_30d as out_count_30d,
    usd(coalesce(si_30d, 0)) as in_amount_usd_30d, usd(coalesce(s_30d, 0) - coalesce(si_30d, 0)) as out_amount_usd_30d,
    cast(usd(mi_30d) as decimal(18, 2)) as in_max_usd_30d, cast(usd(mo_30d) as decimal(18, 2)) as out_max_usd_30d,
    ratio(coalesce(si_30d, 0), 100 * vi_30d) as in_mean_usd_30d,
    ratio(coalesce(s_30d, 0) - coalesce(si_30d, 0), 100 * (v_30d - vi_30d)) as out_mean_usd_30d,
    in_90d as in_count_90d, n_90d - in_90d as out_count_90d,
    usd(coalesce(si_90d, 0)) as in_amount_usd_90d, usd(coalesce(s_90d, 0) - coalesce(si_90d, 0)) as out_amount_usd_90d,
    cast(usd(mi_90d) as decimal(18, 2)) as in_max_usd_90d, cast(usd(mo_90d) as decimal(18, 2)) as out_max_usd_90d,
    ratio(coalesce(si_90d, 0), 100 * vi_90d) as in_mean_usd_90d,
    ratio(coalesce(s_90d, 0) - coalesce(si_90d, 0), 100 * (v_90d - vi_90d)) as out_mean_usd_90d,
    unvalued_count_30d,
    sender_count_24h, sender_count_48h, sender_count_30d, receiver_count_8h, receiver_count_24h, receiver_count_30d
from measured;

create table bench.feat_transfer__structuring as
with bands as (
    select
        threshold.ccy_code as asset_code,
        cast(cast(threshold.parameter_value as decimal(18, 2)) * cast(low.parameter_value as decimal(9, 6)) as decimal(28, 8)) as low,
        cast(cast(threshold.parameter_value as decimal(18, 2)) * cast(high.parameter_value as decimal(9, 6)) as decimal(28, 8)) as high
    from reference.scenario_parameters as threshold
    cross join reference.scenario_parameters as low
    cross join reference.scenario_parameters as high
    where threshold.scenario_id = 'TM01' and threshold.parameter_code = 'reporting_threshold_amount'
        and low.scenario_id = 'TM01' and low.parameter_code = 'band_low_pct'
        and high.scenario_id = 'TM01' and high.parameter_code = 'band_high_pct'
),

banded as (
    select counted_legs.*, low, high, coalesce(amount >= low and amount < high, false) as is_in_band
    from counted_legs
    left join bands using (asset_code)
    where rail_code = 'fiat'
)

select
    leg_id, transfer_id, party_id, direction_code, asset_code, event_at, event_date,
    low as band_low_amount, high as band_high_amount, is_in_band,
    count(case when is_in_band then 1 end) over h24 as band_count_24h,
    coalesce(sum(case when is_in_band then amount end) over h24, 0) as band_amount_24h,
    count(case when is_in_band then 1 end) over d7 as band_count_7d,
    coalesce(sum(case when is_in_band then amount end) over d7, 0) as band_amount_7d
from banded
window
    h24 as (partition by party_no, asset_code, is_in order by at_us range between 86400000000 preceding and current row),
    d7 as (partition by party_no, asset_code, is_in order by at_us range between 604800000000 preceding and current row);

create table bench.feat_transfer__flow as
with measured as (
    select
        *,
        coalesce(sum(case when is_in then cents end) over (partition by party_no, at_us), 0) as inflow,
        coalesce(sum(case when is_in then cents end) over h24, 0) as inflow_24h,
        coalesce(sum(case when not is_in then cents end) over h24, 0) as outflow_24h,
        coalesce(sum(case when not is_in then cents end) over ahead, 0) as outflow_next_24h,
        max(case when is_in then at_us end) over h24 as previous_inflow_us,
        min(case when not is_in then at_us end) over ahead as next_outflow_us
    from counted_legs
    window
        h24 as (partition by party_no order by at_us range between 86400000000 preceding and current row),
        ahead as (partition by party_no order by at_us range between current row and 86400000000 following)
)

select
    leg_id, transfer_id, party_id, direction_code, event_at, event_date,
    usd(inflow) as inflow_usd, usd(inflow_24h) as inflow_usd_24h, usd(outflow_24h) as outflow_usd_24h,
    usd(outflow_next_24h) as outflow_usd_next_24h,
    ratio(outflow_24h, inflow_24h) as out_in_ratio_24h,
    case when is_in then ratio(outflow_next_24h, inflow) end as out_in_ratio_next_24h,
    case when not is_in then (at_us - previous_inflow_us) // 1000000 end as holding_seconds_24h,
    case when is_in then (next_outflow_us - at_us) // 1000000 end as holding_seconds_next_24h
from measured;

create table bench.feat_transfer__history as
with activity as (
    select party_id, event_at, lag(event_at) over (partition by party_id order by event_at) as previous_at
    from (
        select distinct party_id, event_at
        from intermediate.int_transfer_legs
        where status_code = 'completed' and party_id is not null
    )
),

before_ledger as (
    select party_id, max(last_activity_at) as last_activity_at, min(account_opened_at) as first_opened_at
    from intermediate.int_transfer_legs
    where party_id is not null
    group by party_id
),

measured as (
    select
        *,
        count(cents) over earlier as n,
        sum(cents) over earlier as total,
        sum(cast(cents as hugeint) * cents) over earlier as squares,
        min(cents) over earlier as smallest,
        max(cents) over earlier as largest
    from counted_legs
    window earlier as (partition by party_no order by at_us range between 7776000000000 preceding and 1 preceding)
),

-- in dollars, in the order of operations of the model, because floating point remembers it
moments as (
    select
        *,
        cast(usd(total) as double) / n as mean,
        case when n > 1 and largest > smallest then
            sqrt(greatest(
                (
                    cast(cast(cast(squares as decimal(34, 0)) * cast(0.0001 as decimal(4, 4)) as decimal(38, 4)) as double)
                    - cast(usd(total) as double) * cast(usd(total) as double) / n
                ) / (n - 1),
                0
            ))
        end as deviation
    from measured
)

select
    leg_id, transfer_id, moments.party_id, direction_code, moments.event_at, event_date,
    coalesce(previous_at, case when last_activity_at < moments.event_at then last_activity_at end) as previous_activity_at,
    case
        when previous_at is not null then 'ledger'
        when last_activity_at < moments.event_at then 'account'
        else 'unknown'
    end as previous_activity_source_code,
    first_opened_at,
    (at_us - epoch_us(previous_activity_at)) // 86400000000 as dormant_days,
    n as history_count_90d,
    cast(coalesce(usd(total), 0) as decimal(38, 2)) as history_amount_usd_90d,
    cast(usd(largest) as decimal(18, 2)) as history_max_usd_90d,
    case when n >= 10 and deviation > 0 then
        cast(round((cast(usd(cents) as double) - mean) / deviation, 4) as decimal(18, 4))
    end as amount_zscore_90d,
    case when n >= 10 then ratio(cents, largest) end as amount_to_max_ratio_90d,
    case
        when cents is null then 'no_valuation'
        when n < 10 then 'insufficient_history'
        when deviation is null or deviation = 0 then 'no_variance'
        else 'ok'
    end as history_status_code
from moments
inner join activity on activity.party_id = moments.party_id and activity.event_at = moments.event_at
inner join before_ledger on before_ledger.party_id = moments.party_id;
