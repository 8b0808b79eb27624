with round_parameters as (
  {{ scenario_parameters('TM17', ['round_multiple_amount']) }}
),

similar_parameters as (
  {{ scenario_parameters('TM18', ['tolerance_pct']) }}
),

legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'asset_code', 'segment_code', 'jurisdiction_code', 'amount', 'amount_usd', 'event_at', 'event_date']) }}
),

measured as (
  select
    legs.leg_id,
    legs.transfer_id,
    legs.party_id,
    legs.direction_code,
    legs.event_at,
    legs.event_date,
    legs.party_id || '|' || legs.direction_code as group_key,
    legs.amount_usd,
    cast(round_parameters.round_multiple_amount as decimal(28,8)) as round_multiple_amount,
    case
      when round_parameters.round_multiple_amount > 0 then
        legs.amount > 0 and cast(legs.amount as decimal(38,18)) % cast(round_parameters.round_multiple_amount as decimal(28,8)) = 0
    end as is_round,
    cast(cast(legs.amount_usd as decimal(20,2)) * (1 - cast(similar_parameters.tolerance_pct as decimal(9,6))) as decimal(38,8)) as similar_low_usd,
    cast(cast(legs.amount_usd as decimal(20,2)) * (1 + cast(similar_parameters.tolerance_pct as decimal(9,6))) as decimal(38,8)) as similar_high_usd
  from legs
  left join round_parameters
    on {{ on_scenario_parameters('legs', 'round_parameters') }}
  left join similar_parameters
    on {{ on_scenario_parameters('legs', 'similar_parameters') }}
),

-- how close depends on the row's own amount, which no window frame can say: pairs by party, direction and day
pairs as (
  {{ window_pairs('measured', 'measured', '24', '0') }}
),

alike as (
  select
    pairs.alerted_leg_id as leg_id,
    count(*) as similar_count_24h,
    sum(pairs.amount_usd) as similar_amount_usd_24h
  from pairs
  inner join measured
    on measured.leg_id = pairs.alerted_leg_id
  where pairs.amount_usd between measured.similar_low_usd and measured.similar_high_usd
  group by pairs.alerted_leg_id
)

select
  measured.leg_id,
  measured.transfer_id,
  measured.party_id,
  measured.direction_code,
  measured.event_at,
  measured.event_date,
  measured.round_multiple_amount,
  measured.is_round,
  {%- for name, length in [('7d', '7 days'), ('30d', '30 days')] %}
  count(measured.is_round) over ({{ rolling('measured.group_key', length) }}) as roundable_count_{{ name }},
  count(case when measured.is_round then 1 end) over ({{ rolling('measured.group_key', length) }}) as round_count_{{ name }},
  {%- endfor %}
  measured.similar_low_usd,
  measured.similar_high_usd,
  coalesce(alike.similar_count_24h, 0) as similar_count_24h,
  cast(coalesce(alike.similar_amount_usd_24h, 0) as decimal(38,2)) as similar_amount_usd_24h
from measured
left join alike
  on alike.leg_id = measured.leg_id
