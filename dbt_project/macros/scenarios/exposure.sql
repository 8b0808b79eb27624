{#- What the scenarios that judge a transfer by its exposures share. -#}

{#- Parameters named <prefix>.<category> as rows: parameter_set_id, category_code and the value under the given name. -#}
{%- macro category_parameters(scenario_id, prefix, value_name) -%}
select parameter_set_id, replace(parameter_code, '{{ prefix }}.', '') as category_code, max(parameter_value) as {{ value_name }}
from {{ ref('int_scenario_parameters') }}
where scenario_id = '{{ scenario_id }}' and parameter_code like '{{ prefix }}.%'
group by parameter_set_id, parameter_code
{%- endmacro -%}

{#- One row for each transfer that a vendor was asked about: is_pending while one of them has not answered. -#}
{%- macro screening_states() -%}
select transfer_id, count(case when screening_status_code <> 'screened' then 1 end) > 0 as is_pending
from {{ ref('int_transfer_screenings') }}
group by transfer_id
{%- endmacro -%}

{#- The row of each leg whose reason weighs most. exposures: relation with leg_id, category_code, reason and the columns named in
    values, which order rows of the same reason from the largest. reasons: from the weightiest. -#}
{%- macro worst_exposures(exposures, reasons, values) -%}
select *
from {{ exposures }}
qualify row_number() over (
  partition by leg_id
  order by {{ rank_of('reason', reasons) }}{% for value in values %}, coalesce({{ value }}, 0) desc{% endfor %}, category_code
) = 1
{%- endmacro -%}

{#- Evidence of each alerted leg from window_pairs(): each transfer once, also where several categories name it. -#}
{%- macro evidence_of_pairs(pairs) -%}
select
  alerted_leg_id,
  {{ list_text('transfer_id') }} as evidence_transfer_ids,
  max(known_at) as evidence_known_at,
  max(event_at) as evidence_end_at
from (
  select alerted_leg_id, transfer_id, max(known_at) as known_at, max(event_at) as event_at
  from {{ pairs }}
  group by alerted_leg_id, transfer_id
) as transfers
group by alerted_leg_id
{%- endmacro -%}

{#- The CTEs from the alerted legs to their evidence, of a scenario that adds up what a holder had to do with a category over
    window_hours. exposures: relation with leg_id, transfer_id, holder_id, category_code, window_hours, reason, event_at, event_date,
    known_at and exposure_known_at; counted: condition on its rows that the finding adds up. Ends with evidence. -#}
{%- macro evidence_by_category(exposures, counted='true') -%}
alerted as (
  select leg_id, event_at, event_date, window_hours, holder_id || '|' || category_code as group_key
  from {{ exposures }}
  where reason = 'alerted'
),

candidates as (
  select
    transfer_id,
    event_at,
    event_date,
    greatest(known_at, exposure_known_at) as known_at,
    holder_id || '|' || category_code as group_key
  from {{ exposures }}
  where {{ counted }}
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  {{ evidence_of_pairs('pairs') }}
)
{%- endmacro -%}
