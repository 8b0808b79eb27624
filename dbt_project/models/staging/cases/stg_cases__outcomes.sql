with source as (
  {{ as_known('cases', 'outcomes', ['case_id'], content=['status_code', 'outcome_code']) | indent(2) }}
)

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
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
