{#- On wallets the vendor says which side an element is on; on transactions it gives plain lists, and the side is the analysis's own. -#}
with source as (
  {{ as_known('elliptic', 'exposures', ['analysis_id', 'screening_id', 'element_no']) | indent(2) }}
)

select
  analysis_id,
  screening_id,
  element_no,
  element_code,
  analysis_type_code,
  coalesce(
    side_code, case analysis_type_code when 'source_of_funds' then 'source' when 'destination_of_funds' then 'destination' end
  ) as side_code,
  rule_id,
  rule_name,
  rule_risk_score,
  lower(trim(coalesce(category, ''))) as vendor_category_id,
  category as vendor_category_name,
  entity_name,
  min_number_of_hops,
  contribution_usd,
  counterparty_usd,
  indirect_usd,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
