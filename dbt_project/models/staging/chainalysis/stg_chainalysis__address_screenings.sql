with source as (
  {{ as_known('chainalysis', 'address_screenings', ['address', 'product_code'], content=['answer_json']) | indent(2) }}
)

select
  screening_id,
  coalesce({{ normalise_address('address') }}, address) as address,
  address as address_asked,
  product_code,
  risk_code,
  risk_reason,
  cluster_name,
  cluster_category,
  status_code,
  identification_count,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
