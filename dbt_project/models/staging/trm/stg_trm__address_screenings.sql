with source as (
  {{ as_known('trm', 'address_screenings', ['chain_code', 'address_submitted'], content=['answer_json']) | indent(2) }}
)

select
  screening_id,
  chain_code,
  address_submitted,
  coalesce({{ normalise_address('address_submitted') }}, address_submitted) as address,
  risk_score_level_code,
  total_volume_usd,
  screened_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
