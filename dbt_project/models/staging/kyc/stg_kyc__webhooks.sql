with source as (
  {{ as_known('kyc', 'webhooks', ['vendor_code', 'webhook_id']) | indent(2) }}
)

select
  vendor_code,
  webhook_id,
  event_type_code,
  applicant_id,
  event_at,
  received_at,
  _known_at as known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
