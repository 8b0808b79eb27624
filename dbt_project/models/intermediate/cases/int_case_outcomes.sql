select
  case_id,
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
  first_known_at as known_at
from {{ ref('stg_cases__outcomes') }}
