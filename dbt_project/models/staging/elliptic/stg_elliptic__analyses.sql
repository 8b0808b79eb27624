{#- Rescreens are history: one row for each screening of an analysis. -#}
with source as (
  {{ as_known('elliptic', 'analyses', ['analysis_id', 'screening_id'], content=['process_status_code', 'risk_score']) | indent(2) }}
)

select
  analysis_id,
  screening_id,
  analysis_type_code,
  case subject_type_code when 'address' then 'address' else 'transfer' end as subject_type_code,
  case when subject_type_code = 'address' then coalesce({{ normalise_address('subject_hash') }}, subject_hash) else ledger_transfer_id end as subject_id,
  subject_hash,
  output_address,
  risk_score,
  process_status_code,
  workflow_status_code,
  screening_source_code,
  analysed_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
