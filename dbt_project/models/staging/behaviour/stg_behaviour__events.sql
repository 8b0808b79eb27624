with source as (
  {{ as_known('behaviour', 'events', ['event_id'], content=['event_type_code', 'outcome_code', 'account_id', 'event_at']) | indent(2) }}
)

select
  event_id,
  account_id,
  party_id,
  device_id,
  event_type_code,
  outcome_code,
  upper(trim(country_code)) as country_code,
  trim(ip_address) as ip_address,
  user_agent_hash,
  payload_json,
  transport_code,
  topic,
  partition_no,
  offset_no,
  event_at,
  cast(event_at as date) as event_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
