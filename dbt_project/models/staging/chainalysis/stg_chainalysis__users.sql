with source as (
  {{ as_known('chainalysis', 'users', ['user_id'], content=['listed_json']) | indent(2) }}
)

select
  user_id,
  score_code,
  risk_score_code,
  score_updated_at,
  last_activity_at,
  created_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
