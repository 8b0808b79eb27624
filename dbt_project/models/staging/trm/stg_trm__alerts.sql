with source as (
  {{ as_known('trm', 'alerts', ['alert_uuid'], content=['status_code', 'risk_score_level_code']) | indent(2) }}
)

select
  alert_uuid,
  transfer_uuid,
  transfer_external_id as transfer_id,
  rule_uuid,
  risk_score_level_code,
  status_code,
  closed_reason_code,
  is_valid,
  issued_at,
  status_updated_at,
  closed_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
