with source as (
  {{ as_known('chainalysis', 'network_identifications', ['external_id'], content=['organisation_names']) | indent(2) }}
)

select
  external_id,
  organisation_count,
  organisation_names,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
