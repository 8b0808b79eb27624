with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'amount']) }}
),

digits as (
  select
    leg_id,
    transfer_id,
    party_id,
    direction_code,
    event_at,
    event_date,
    case when amount > 0 then substr({{ regex_replace(plain_decimal_text('amount'), '^[0.]+', '') }}, 1, 1) end as first_digit
  from legs
),

counted as (
  select
    *
    {%- for digit in range(1, 10) %},
    count(case when first_digit = '{{ digit }}' then 1 end) over ({{ rolling('party_id', '30 days') }}) as digit_{{ digit }}_count_30d
    {%- endfor %}
  from digits
),

weighed as (
  select
    *,
    {% for digit in range(1, 10) %}digit_{{ digit }}_count_30d{{ ' + ' if not loop.last }}{% endfor %} as digit_count_30d,
    cast(
      {%- for reciprocal in benford_reciprocals() %}
      cast({{ reciprocal }} as decimal(8,6)) * cast(digit_{{ loop.index }}_count_30d * digit_{{ loop.index }}_count_30d as decimal(19,0)){{ ' +' if not loop.last }}
      {%- endfor %}
      as decimal(30,6)) as benford_weighted_squares_30d
  from counted
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  cast(first_digit as string) as first_digit,
  {%- for digit in range(1, 10) %}
  digit_{{ digit }}_count_30d,
  {%- endfor %}
  digit_count_30d,
  benford_weighted_squares_30d,
  {{ decimal_ratio('greatest(benford_weighted_squares_30d - cast(digit_count_30d * digit_count_30d as decimal(18,0)), 0)', 'digit_count_30d') }} as benford_chi_square_30d
from weighed
