-- The same columns from running totals: a rolling sum is the total up to the row less the total before the frame's first
-- instant. Totals are per instant (ties see each other), so first_value over a frame is the same for all ties.
create table bench.p1_prefix as
with instants as (
    select
        party_id,
        event_at,
        count(*) as n,
        coalesce(sum(cents), 0) as total,
        coalesce(sum(cents) filter (where direction_code = 'in'), 0) as ins,
        coalesce(sum(cents) filter (where direction_code = 'out'), 0) as outs,
        count(*) filter (where cents is not null and direction_code = 'in') as valued_ins,
        count(cents) as valued,
        coalesce(sum(cast(cents as hugeint) * cents), 0) as squares,
        count(*) filter (where cents between 850000 and 999999) as under_threshold,
        max(cents) as largest
    from counted
    group by party_id, event_at
),

running as (
    select
        party_id,
        event_at,
        largest,
        {
            'n': sum(n) over upto, 'total': sum(total) over upto, 'ins': sum(ins) over upto, 'outs': sum(outs) over upto,
            'valued_ins': sum(valued_ins) over upto, 'valued': sum(valued) over upto, 'squares': sum(squares) over upto,
            'under': sum(under_threshold) over upto
        } as upto,
        {
            'n': sum(n) over upto - n, 'total': sum(total) over upto - total, 'ins': sum(ins) over upto - ins,
            'outs': sum(outs) over upto - outs, 'valued_ins': sum(valued_ins) over upto - valued_ins,
            'valued': sum(valued) over upto - valued, 'squares': sum(squares) over upto - squares,
            'under': sum(under_threshold) over upto - under_threshold
        } as before
    from instants
    window upto as (partition by party_id order by event_at rows unbounded preceding)
),
select 1;
