{#- Pairs of an alerted leg with the legs of its own group (party or account) in a window around it, as an equi-join on group and
    day with the exact window applied afterwards, so that a group with many legs does not become a cross product.
    alerted: relation with leg_id, event_at, event_date, group_key; candidates: relation with group_key, event_date, event_at and
    whatever is to be returned. back_hours, ahead_hours: column names or numbers, whole hours.
    Yields alerted.leg_id as alerted_leg_id and all columns of the candidates. -#}
{%- macro window_pairs(alerted, candidates, back_hours, ahead_hours) -%}
select
  spread.leg_id as alerted_leg_id,
  candidates.*
from (
  select
    leg_id,
    group_key,
    from_at,
    to_at,
    {{ days_around('from_at', 'to_at') }} as event_date
  from (
    select
      alerted.leg_id,
      alerted.group_key,
      {{ hours_after('alerted.event_at', '-1 * ' ~ back_hours) }} as from_at,
      {{ hours_after('alerted.event_at', ahead_hours) }} as to_at
    from {{ alerted }} as alerted
  ) as windows
) as spread
inner join {{ candidates }} as candidates
  on candidates.group_key = spread.group_key
  and candidates.event_date = spread.event_date
where candidates.event_at between spread.from_at and spread.to_at
{%- endmacro -%}

{#- As rows: every UTC day from the day before one instant to the day after another, so that a leg whose day was told by its source
    rather than by its instant is among them. -#}
{%- macro days_around(first_at, last_at) -%}
  {{ return(adapter.dispatch('days_around')(days_after('cast(' ~ first_at ~ ' as date)', '-1'), days_after('cast(' ~ last_at ~ ' as date)', '1'))) }}
{%- endmacro -%}
{%- macro default__days_around(first_date, last_date) -%}
  {{ return("cast(unnest(generate_series(" ~ first_date ~ ", " ~ last_date ~ ", interval 1 day)) as date)") }}
{%- endmacro -%}
{%- macro spark__days_around(first_date, last_date) -%}
  {{ return("explode(sequence(" ~ first_date ~ ", " ~ last_date ~ "))") }}
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
