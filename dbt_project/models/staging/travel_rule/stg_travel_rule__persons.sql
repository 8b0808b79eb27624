{{ config(schema='restricted') }}
with source as (
  {{ as_known('travel_rule', 'persons', ['message_id', 'person_no']) | indent(2) }}
)

select
  message_id,
  person_no,
  role_code,
  person_type_code,
  person_name,
  name_type_code,
  address_text,
  upper(trim(address_country_code)) as address_country_code,
  national_identifier_id,
  national_identifier_type,
  birth_date_text,
  birth_place,
  customer_id,
  upper(trim(country_code)) as country_code,
  _known_at as known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
