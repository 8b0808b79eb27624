{#- Two ways in, one shape out: cases told in our words, and what case systems say in theirs. A system says things of a case in several
    records (the alert, the case, the report, the review); each adds what it knows, and the case's own record comes first. -#}
with records as (
  select
    records.*,
    status_map.neutral_code as status_code,
    outcome_map.neutral_code as outcome_code,
    (records.vendor_status_code is null or status_map.vendor_code is not null)
      and (records.vendor_outcome_code is null or outcome_map.vendor_code is not null) as is_mapped
  from {{ ref('stg_cases__records') }} as records
  left join {{ ref('case_code_mappings') }} as status_map
    on status_map.code_type = 'status'
    and records.vendor_code = status_map.vendor_code
    and records.record_type_code = status_map.record_type_code
    and lower(records.vendor_status_code) = lower(status_map.vendor_value)
  left join {{ ref('case_code_mappings') }} as outcome_map
    on outcome_map.code_type = 'outcome'
    and records.vendor_code = outcome_map.vendor_code
    and records.record_type_code = outcome_map.record_type_code
    and lower(records.vendor_outcome_code) = lower(outcome_map.vendor_value)
),

by_case as (
  select
    case_id,
    max(vendor_code) as vendor_code,
    coalesce(max(case when record_type_code = 'alert' then alert_id end), max(alert_id)) as alert_id,
    max(scenario_id) as scenario_id,
    max(party_id) as party_id,
    min(window_start_date) as window_start_date,
    max(window_end_date) as window_end_date,
    coalesce(min(created_at), min(updated_at)) as opened_at,
    coalesce(max(case when record_type_code = 'case' then status_code end), max(case when record_type_code = 'alert' then status_code end), 'open') as status_code,
    coalesce(max(case when record_type_code = 'case' then decided_at end), max(case when record_type_code = 'alert' then decided_at end)) as decided_at,
    max(updated_at) as updated_at,
    case
      when count(case when record_type_code in ('case', 'alert', 'sar') and outcome_code = 'sar_filed' then 1 end) > 0 then 'sar_filed'
      else coalesce(max(case when record_type_code = 'case' then outcome_code end), max(case when record_type_code = 'alert' then outcome_code end))
    end as outcome_code,
    max(coalesce(sar_filed_at, case when record_type_code = 'sar' and outcome_code = 'sar_filed' then updated_at end)) as sar_filed_at,
    coalesce(max(case when record_type_code = 'case' then investigator_id end), max(investigator_id)) as investigator_id,
    max(case when record_type_code = 'qa' then outcome_code end) as qa_result_code,
    min(case when is_mapped then 1 else 0 end) = 1 as is_mapped,
    max(first_known_at) as known_at
  from records
  group by case_id
)

select
  case_id,
  cast(null as string) as vendor_code,
  alert_id,
  scenario_id,
  party_id,
  window_start_date,
  window_end_date,
  opened_at,
  status_code,
  decided_at,
  outcome_code,
  sar_filed_at,
  investigator_id,
  qa_result_code,
  true as is_mapped,
  first_known_at as known_at
from {{ ref('stg_cases__outcomes') }}
union all
select
  case_id,
  vendor_code,
  alert_id,
  scenario_id,
  party_id,
  window_start_date,
  window_end_date,
  opened_at,
  status_code,
  case when status_code = 'closed' then coalesce(decided_at, updated_at) else decided_at end as decided_at,
  -- Closed without a word how, or with one that the map lacks: said so, never guessed.
  case
    when outcome_code is not null then outcome_code
    when status_code = 'closed' and not is_mapped then 'unmapped'
    when status_code = 'closed' then 'not_stated'
  end as outcome_code,
  sar_filed_at,
  investigator_id,
  qa_result_code,
  is_mapped,
  known_at
from by_case
