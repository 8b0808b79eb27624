{#- Pairs of an alerted leg with the legs of its own group (party or account) in a window around it, as an equi-join on group and
    day with the exact window applied afterwards, so that a group with many legs does not become a cross product.
    alerted: relation with leg_id, event_at, event_date, group_key; candidates: relation with group_key, event_date, event_at and
    whatever is to be returned. back_hours, ahead_hours: column names or numbers, whole hours, at most 90 days.
    Yields alerted.leg_id as alerted_leg_id and all columns of the candidates. -#}
{%- macro window_pairs(alerted, candidates, back_hours, ahead_hours) -%}
select
  spread.leg_id as alerted_leg_id,
  candidates.*
from (
  select
    alerted.leg_id,
    alerted.group_key,
    {{ hours_after('alerted.event_at', '-1 * ' ~ back_hours) }} as from_at,
    {{ hours_after('alerted.event_at', ahead_hours) }} as to_at,
    {{ days_after('alerted.event_date', 'offsets.day_offset') }} as event_date
  from {{ alerted }} as alerted
  inner join (
    {%- for day in range(-91, 92) %}
    select {{ day }} as day_offset{% if not loop.last %} union all{% endif %}
    {%- endfor %}
  ) as offsets
    on offsets.day_offset between -1 - {{ back_hours }} / 24 and 1 + {{ ahead_hours }} / 24
) as spread
inner join {{ candidates }} as candidates
  on candidates.group_key = spread.group_key
  and candidates.event_date = spread.event_date
where candidates.event_at between spread.from_at and spread.to_at
{%- endmacro -%}

{%- macro hours_after(instant, hours) -%}
  {{ return(adapter.dispatch('hours_after')(instant, hours)) }}
{%- endmacro -%}
{%- macro default__hours_after(instant, hours) -%}
  {{ return("(" ~ instant ~ " + to_hours(cast(" ~ hours ~ " as bigint)))") }}
{%- endmacro -%}
{%- macro spark__hours_after(instant, hours) -%}
  {{ return("timestampadd(hour, cast(" ~ hours ~ " as int), " ~ instant ~ ")") }}
{%- endmacro -%}

{%- macro days_after(day, days) -%}
  {{ return(adapter.dispatch('days_after')(day, days)) }}
{%- endmacro -%}
{%- macro default__days_after(day, days) -%}
  {{ return("(" ~ day ~ " + cast(" ~ days ~ " as integer))") }}
{%- endmacro -%}
{%- macro spark__days_after(day, days) -%}
  {{ return("date_add(" ~ day ~ ", cast(" ~ days ~ " as int))") }}
{%- endmacro -%}
