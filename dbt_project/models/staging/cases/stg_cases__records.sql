with source as (
  {{ as_known('cases', 'records', ['vendor_code', 'record_type_code', 'record_id'], content=['vendor_status_code', 'vendor_outcome_code']) | indent(2) }}
)

select
  vendor_code,
  record_type_code,
  record_id,
  -- What is said of one case comes together under its id; what has no case is one of its own.
  vendor_code || ':' || coalesce(case_id, record_type_code || ':' || record_id) as case_id,
  updated_at,
  created_at,
  vendor_status_code,
  vendor_outcome_code,
  alert_id,
  party_id,
  scenario_id,
  window_start_date,
  window_end_date,
  decided_at,
  sar_filed_at,
  investigator_id,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
