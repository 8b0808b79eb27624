-- The same columns from running totals: a rolling sum is the total up to the instant less the total before the frame's
-- first instant. Rows are first folded to one per party and instant, so that ties see each other.
create table bench.p1_prefix as
with instants as (
    select
        party_id,
        event_at,
        count(*) as n,
        cast(coalesce(sum(cents), 0) as bigint) as total,
        cast(coalesce(sum(case when direction_code = 'in' then cents end), 0) as bigint) as ins,
        count(cents) as valued,
        coalesce(sum(cast(cents as hugeint) * cents), 0) as squares,
        count(case when cents between 850000 and 999999 then 1 end) as under,
        max(cents) as largest
    from counted
    group by party_id, event_at
),

running as (
    select
        party_id,
        event_at,
        largest,
        n as n_here, total as total_here, ins as ins_here, valued as valued_here, squares as squares_here, under as under_here,
        cast(sum(n) over upto as bigint) as n,
        cast(sum(total) over upto as bigint) as total,
        cast(sum(ins) over upto as bigint) as ins,
        cast(sum(valued) over upto as bigint) as valued,
        sum(squares) over upto as squares,
        cast(sum(under) over upto as bigint) as under,
        lag(event_at) over (partition by party_id order by event_at) as previous_at
    from instants
    window upto as (partition by party_id order by event_at rows unbounded preceding)
),

before as (
    select
        *,
        {
            'n': n - n_here, 'total': total - total_here, 'ins': ins - ins_here, 'valued': valued - valued_here,
            'squares': squares - squares_here, 'under': under - under_here
        } as before
    from running
),

framed as (
    select
        party_id, event_at, n, n_here, total, ins, valued, squares, under, previous_at,
        first_value(before) over (partition by party_id order by event_at range between interval 1 hour preceding and current row) as b1h,
        first_value(before) over (partition by party_id order by event_at range between interval 24 hours preceding and current row) as b24h,
        first_value(before) over (partition by party_id order by event_at range between interval 7 days preceding and current row) as b7d,
        first_value(before) over (partition by party_id order by event_at range between interval 30 days preceding and current row) as b30d,
        max(largest) over (partition by party_id order by event_at range between interval 30 days preceding and current row) as max_30d,
        min(event_at) over (partition by party_id) as first_seen_at
    from before
),

rows as (
    select
        leg_id,
        party_id,
        event_at,
        count(distinct counterparty_id) over (
            partition by party_id order by event_at range between interval 30 days preceding and current row
        ) as counterparties_30d
    from counted
)

select
    rows.leg_id,
    party_id,
    event_at,
    n - b1h.n as count_1h, total - b1h.total as sum_1h, ins - b1h.ins as in_1h, (total - b1h.total) - (ins - b1h.ins) as out_1h,
    n - b24h.n as count_24h, total - b24h.total as sum_24h, ins - b24h.ins as in_24h, (total - b24h.total) - (ins - b24h.ins) as out_24h,
    n - b7d.n as count_7d, total - b7d.total as sum_7d, ins - b7d.ins as in_7d, (total - b7d.total) - (ins - b7d.ins) as out_7d,
    n - b30d.n as count_30d, total - b30d.total as sum_30d, ins - b30d.ins as in_30d, (total - b30d.total) - (ins - b30d.ins) as out_30d,
    max_30d,
    under - b24h.under as structuring_24h,
    under - b7d.under as structuring_7d,
    first_seen_at,
    n - n_here + 1 as transfer_rank,
    counterparties_30d,
    cast(total - b30d.total as double) / nullif(valued - b30d.valued, 0) as avg_30d,
    case when valued - b30d.valued > 1 then
        sqrt(
            cast((valued - b30d.valued) * (squares - b30d.squares) - cast(total - b30d.total as hugeint) * (total - b30d.total) as double)
            / (cast(valued - b30d.valued as double) * (valued - b30d.valued - 1))
        )
    end as std_30d,
    epoch_us(event_at) - epoch_us(previous_at) as gap_us
from rows
inner join framed using (party_id, event_at);
