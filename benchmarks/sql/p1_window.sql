-- The window script a good engineer writes in an hour: one pass, named windows, money in whole cents.
create table bench.p1_window as
with sided as (
    select
        *,
        case when direction_code = 'in' then cents end as in_cents,
        case when direction_code = 'out' then cents end as out_cents,
        case when cents between 850000 and 999999 then 1 end as under_threshold,
        cast(cents as hugeint) * cents as cents_squared
    from counted
),

measured as (
    select
        leg_id,
        party_id,
        event_at,
        count(*) over h1 as count_1h, coalesce(sum(cents) over h1, 0) as sum_1h, coalesce(sum(in_cents) over h1, 0) as in_1h, coalesce(sum(out_cents) over h1, 0) as out_1h,
        count(*) over h24 as count_24h, coalesce(sum(cents) over h24, 0) as sum_24h, coalesce(sum(in_cents) over h24, 0) as in_24h, coalesce(sum(out_cents) over h24, 0) as out_24h,
        count(*) over d7 as count_7d, coalesce(sum(cents) over d7, 0) as sum_7d, coalesce(sum(in_cents) over d7, 0) as in_7d, coalesce(sum(out_cents) over d7, 0) as out_7d,
        count(*) over d30 as count_30d, coalesce(sum(cents) over d30, 0) as sum_30d, coalesce(sum(in_cents) over d30, 0) as in_30d, coalesce(sum(out_cents) over d30, 0) as out_30d,
        max(cents) over d30 as max_30d,
        count(cents) over d30 as valued_30d,
        sum(cents_squared) over d30 as squares_30d,
        count(under_threshold) over h24 as structuring_24h,
        count(under_threshold) over d7 as structuring_7d,
        max(event_at) over earlier as previous_at,
        min(event_at) over (partition by party_id) as first_seen_at,
        rank() over (partition by party_id order by event_at) as transfer_rank,
        count(distinct counterparty_id) over d30 as counterparties_30d
    from sided
    window
        h1 as (partition by party_id order by event_at range between interval 1 hour preceding and current row),
        h24 as (partition by party_id order by event_at range between interval 24 hours preceding and current row),
        d7 as (partition by party_id order by event_at range between interval 7 days preceding and current row),
        d30 as (partition by party_id order by event_at range between interval 30 days preceding and current row),
        earlier as (partition by party_id order by event_at range between unbounded preceding and interval 1 microsecond preceding)
)

select
    * exclude (valued_30d, squares_30d, previous_at),
    cast(sum_30d as double) / nullif(valued_30d, 0) as avg_30d,
    case when valued_30d > 1 then
        sqrt(cast(valued_30d * squares_30d - cast(sum_30d as hugeint) * sum_30d as double) / (cast(valued_30d as double) * (valued_30d - 1)))
    end as std_30d,
    epoch_us(event_at) - epoch_us(previous_at) as gap_us
from measured;
