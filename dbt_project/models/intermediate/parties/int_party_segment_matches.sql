{%- set conditions = ['party_type_code', 'kyc_segment_code', 'kyc_level_code'] -%}
with history as (
  select party_id, effective_from_at, effective_to_at, party_type_code, segment_code as kyc_segment_code, kyc_level_code
  from {{ ref('int_party_history') }}
),

rules as (
  select
    rule_id,
    rule_order,
    segment_code,
    {{ conditions | join(', ') }},
    cast(valid_from_date as timestamp) as valid_from_at,
    cast(coalesce(valid_to_date, date '9999-12-31') as timestamp) as valid_to_at
  from {{ ref('segment_rules') }}
),

boundaries as (
  select valid_from_at as boundary_at from rules
  union
  select valid_to_at as boundary_at from rules
),

-- a party's profile and the rules in force stay the same from one of these instants to the next
cuts as (
  select party_id, effective_from_at from history
  union
  select history.party_id, boundaries.boundary_at as effective_from_at
  from history
  inner join boundaries
    on boundaries.boundary_at > history.effective_from_at
    and boundaries.boundary_at < history.effective_to_at
),

spans as (
  select
    party_id,
    effective_from_at,
    lead(effective_from_at, 1, cast('9999-12-31 00:00:00' as timestamp)) over (partition by party_id order by effective_from_at) as effective_to_at
  from cuts
)

select
  spans.party_id,
  spans.effective_from_at,
  spans.effective_to_at,
  rules.rule_id,
  rules.segment_code,
  row_number() over (partition by spans.party_id, spans.effective_from_at order by rules.rule_order, rules.rule_id) as match_no
from spans
inner join history
  on history.party_id = spans.party_id
  and spans.effective_from_at >= history.effective_from_at
  and spans.effective_from_at < history.effective_to_at
left join rules
  on spans.effective_from_at >= rules.valid_from_at
  and spans.effective_from_at < rules.valid_to_at
  {%- for condition in conditions %}
  and rules.{{ condition }} in ('any', history.{{ condition }})
  {%- endfor %}
