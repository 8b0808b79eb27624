with matches as (
  select
    rule_id,
    count(distinct case when match_no = 1 then party_id end) as party_count,
    count(distinct case when match_no > 1 then party_id end) as overruled_party_count
  from {{ ref('int_party_segment_matches') }}
  cross join {{ ref('stg_control__as_of') }} as as_of
  where as_of.as_of_at >= effective_from_at and as_of.as_of_at < effective_to_at
  group by rule_id
)

select
  rules.rule_id,
  rules.rule_order,
  rules.segment_code,
  rules.party_type_code,
  rules.kyc_segment_code,
  rules.kyc_level_code,
  rules.valid_from_date,
  rules.valid_to_date,
  as_of.as_of_date >= rules.valid_from_date and (rules.valid_to_date is null or as_of.as_of_date < rules.valid_to_date) as is_in_force,
  cast(coalesce(matches.party_count, 0) as bigint) as party_count,
  cast(coalesce(matches.overruled_party_count, 0) as bigint) as overruled_party_count,
  rules.reason,
  rules.owner,
  rules.approver
from {{ ref('segment_rules') }} as rules
cross join {{ ref('stg_control__as_of') }} as as_of
left join matches
  on matches.rule_id = rules.rule_id
