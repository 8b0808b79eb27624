-- The counts and sums that the project's velocity features and the 25-column scripts both have, in the scripts' terms.
create or replace temp view shared as
select
    leg_id,
    in_count_1h + out_count_1h as count_1h,
    cast((in_amount_usd_1h + out_amount_usd_1h) * 100 as hugeint) as sum_1h,
    cast(in_amount_usd_1h * 100 as hugeint) as in_1h,
    cast(out_amount_usd_1h * 100 as hugeint) as out_1h,
    in_count_24h + out_count_24h as count_24h,
    cast((in_amount_usd_24h + out_amount_usd_24h) * 100 as hugeint) as sum_24h,
    cast(in_amount_usd_24h * 100 as hugeint) as in_24h,
    cast(out_amount_usd_24h * 100 as hugeint) as out_24h,
    in_count_7d + out_count_7d as count_7d,
    cast((in_amount_usd_7d + out_amount_usd_7d) * 100 as hugeint) as sum_7d,
    cast(in_amount_usd_7d * 100 as hugeint) as in_7d,
    cast(out_amount_usd_7d * 100 as hugeint) as out_7d,
    in_count_30d + out_count_30d as count_30d,
    cast((in_amount_usd_30d + out_amount_usd_30d) * 100 as hugeint) as sum_30d,
    cast(in_amount_usd_30d * 100 as hugeint) as in_30d,
    cast(out_amount_usd_30d * 100 as hugeint) as out_30d
from features.feat_transfer__velocity;
