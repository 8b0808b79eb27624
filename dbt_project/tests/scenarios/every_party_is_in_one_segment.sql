{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_segment_rules'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that a mistake in the seed fails the run but not before the accounting shows it
-- Every party is in exactly one segment on every day: by one rule, in spans that follow each other without gap. Rules of one order
-- that hold on the same day would leave it to chance, a segment that no rule gives makes parameters that nobody is judged by, and
-- rules have four eyes.
with spans as (
  select
    party_id,
    effective_from_at,
    effective_to_at,
    segment_code,
    lead(effective_from_at, 1, cast('9999-12-31 00:00:00' as timestamp)) over (partition by party_id order by effective_from_at) as next_from_at
  from {{ ref('int_party_segments') }}
)

select party_id as named, 'no rule' as problem
from spans
where segment_code is null
union all
select party_id as named, 'gap or overlap' as problem
from spans
where effective_to_at <> next_from_at
union all
select history.party_id as named, 'no segment' as problem
from {{ ref('int_party_history') }} as history
left join spans
  on spans.party_id = history.party_id
where spans.party_id is null
union all
select earlier.rule_id as named, 'same order' as problem
from {{ ref('segment_rules') }} as earlier
inner join {{ ref('segment_rules') }} as later
  on later.rule_order = earlier.rule_order
  and later.rule_id > earlier.rule_id
  and later.valid_from_date < coalesce(earlier.valid_to_date, date '9999-12-31')
  and earlier.valid_from_date < coalesce(later.valid_to_date, date '9999-12-31')
union all
select rule_id as named, 'approved by its owner' as problem
from {{ ref('segment_rules') }}
where owner = approver
union all
select parameters.parameter_id as named, 'parameter of no segment' as problem
from {{ ref('scenario_parameters') }} as parameters
left join {{ ref('segment_rules') }} as rules
  on rules.segment_code = parameters.segment_code
where parameters.segment_code <> 'any' and rules.rule_id is null
