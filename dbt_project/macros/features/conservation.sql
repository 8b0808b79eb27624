{#- What the windows of a feature table have read, told without the table: the legs are counted anew from int_transfer_legs (not
    through counted_legs), and a leg's share in all windows of one length is what it adds to one, times the number of windows
    it lies in. That number is a count over the mirrored frame, so the sums must agree to the cent, by whatever the windows
    are partitioned by. Tests in tests/features compare. -#}

{#- The legs that windows have to read. -#}
{%- macro legs_in_windows() -%}
select
  legs.leg_id,
  legs.transfer_id,
  legs.party_id,
  legs.account_id,
  legs.direction_code,
  legs.rail_code,
  legs.asset_code,
  legs.segment_code,
  legs.jurisdiction_code,
  legs.counterparty_id,
  legs.amount,
  legs.amount_usd,
  legs.event_at,
  legs.event_date
from {{ ref('int_transfer_legs') }} as legs
left join {{ ref('int_transfer_legs') }} as other_side
  on other_side.transfer_id = legs.transfer_id
  and other_side.direction_code <> legs.direction_code
where legs.status_code = 'completed'
  and legs.direction_code <> 'none'
  and legs.party_id is not null
  and (other_side.party_id is null or other_side.party_id <> legs.party_id)
{%- endmacro -%}

{#- In how many windows a row lies; frame: the mirror of the windows' own, rolling_ahead() for rolling() and so on. -#}
{%- macro windows_over(frame) -%}
cast(count(*) over ({{ frame }}) as decimal(9,0))
{%- endmacro -%}

{#- The mirror of rolling_before(). -#}
{%- macro rolling_after(by, days) -%}
partition by {{ by }} order by event_at
range between interval 1 microseconds following and interval {{ days * 86400000000 }} microseconds following
{%- endmacro -%}

{#- The groups in which the relations `expected` and `found` disagree, with both values of each measure; a group that only one of
    them has disagrees. keys, measures: column names that both relations have. -#}
{%- macro differing_totals(keys, measures) -%}
select
  {%- for key in keys %}
  coalesce(expected.{{ key }}, found.{{ key }}) as {{ key }},
  {%- endfor %}
  {%- for measure in measures %}
  expected.{{ measure }} as expected_{{ measure }},
  found.{{ measure }} as found_{{ measure }}{{ ',' if not loop.last }}
  {%- endfor %}
from expected
full outer join found
  on {% for key in keys %}{{ 'and ' if not loop.first }}found.{{ key }} = expected.{{ key }} {% endfor %}
where {% for measure in measures %}{{ 'or ' if not loop.first }}expected.{{ measure }} is distinct from found.{{ measure }}
  {% endfor %}
{%- endmacro -%}
