with source as (
  {{ as_known('trm', 'exposures', ['screening_id', 'element_code', 'element_no']) | indent(2) }}
)

select
  screening_id,
  element_code,
  element_no,
  subject_type_code,
  subject_id,
  case when element_code = 'risk_indicator' then risk_type_code else element_code end as vendor_exposure_type,
  coalesce(category_id, '') as vendor_category_id,
  category as vendor_category_name,
  entity_name,
  risk_score_level_code,
  total_volume_usd,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
