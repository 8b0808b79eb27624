{%- set reviewed = '(select distinct vendor_code, applicant_id from ' ~ ref('int_kyc_reviews') ~ ')' -%}
{%- set tokens -%}
left join {{ ref('assets') }} as token on token.chain_code = 'ethereum' and token.token_address = s.token_address
{%- endset -%}
{%- set outputs -%}
left join (select distinct tx_hash from {{ ref('stg_onchain__bitcoin_outputs') }}) as o on s.tx_hash = o.tx_hash
{%- endset -%}
{%- set screened -%}
left join (select external_id, min(transfer_id) as transfer_id from {{ ref('stg_chainalysis__transfers') }} group by external_id) as t on s.external_id = t.external_id
{%- endset -%}
{%- set registered -%}
left join (
  select user_id, direction_code, transfer_reference, min(transfer_id) as transfer_id
  from {{ ref('stg_chainalysis__transfers') }}
  group by user_id, direction_code, transfer_reference
) as t on s.user_id = t.user_id and s.direction_code = t.direction_code and s.transfer_reference = t.transfer_reference
{%- endset -%}
{#- The present screening of each of a vendor's subjects, and a transfer on which it bears, where there is one. -#}
{%- set trm_subjects -%}
left join (
  select a.screening_id, a.address as subject_id, min(t.transfer_id) as transfer_id
  from {{ ref('stg_trm__address_screenings') }} as a
  left join {{ ref('int_transfer_addresses') }} as t on a.address = t.address and t.role_code = 'counterparty'
  group by a.screening_id, a.address
  union all
  select screening_id, transfer_id as subject_id, transfer_id from {{ ref('stg_trm__transfers') }}
) as t on s.screening_id = t.screening_id
left join {{ ref('int_exposure_categories') }} as k on k.vendor_code = 'trm' and s.vendor_category_id = k.vendor_category_id
{%- endset -%}
{%- set elliptic_subjects -%}
left join (
  select a.analysis_id, a.screening_id, a.subject_id, coalesce(min(t.transfer_id), min(case when a.subject_type_code = 'transfer' then a.subject_id end)) as transfer_id
  from ({{ latest_elliptic_analyses() }}) as a
  left join {{ ref('int_transfer_addresses') }} as t on a.subject_type_code = 'address' and a.subject_id = t.address and t.role_code = 'counterparty'
  group by a.analysis_id, a.screening_id, a.subject_id
) as t on s.analysis_id = t.analysis_id and s.screening_id = t.screening_id
left join {{ ref('int_exposure_categories') }} as k on k.vendor_code = 'elliptic' and s.vendor_category_id = k.vendor_category_id
{%- endset -%}
{%- set chainalysis_addresses -%}
left join (
  select a.screening_id, a.address as subject_id, min(t.transfer_id) as transfer_id
  from {{ ref('stg_chainalysis__address_screenings') }} as a
  left join {{ ref('int_transfer_addresses') }} as t on a.address = t.address and t.role_code = 'counterparty'
  group by a.screening_id, a.address
) as t on s.screening_id = t.screening_id
{%- endset -%}
{%- set listed_on -%}
left join (
  select answer_id, min(subject_id) as transfer_id
  from {{ ref('int_chainalysis_findings') }}
  where source_code = 'alert_state'
  group by answer_id
) as t on s.alert_id = t.answer_id
{%- endset -%}
{%- set unused_element = "case when t.screening_id is null then 'superseded_screening' when t.transfer_id is null then 'no_monitored_transfer' when k.category_code = 'none' then 'no_exposure' end" -%}
{%- set transfers = ref('int_transfers') -%}
{%- set chain_transfers = ref('int_chain_transfers') -%}
{{ staged_hop('exchange', 'deposits', transfers, "'exchange:deposit:' || s.deposit_id = c.transfer_id", 'c.transfer_id', day='s.event_date', asset='s.asset_code', amount='s.amount') }}
union all
{{ staged_hop('exchange', 'withdrawals', transfers, "'exchange:withdrawal:' || s.withdrawal_id = c.transfer_id", 'c.transfer_id', day='s.event_date', asset='s.asset_code', amount='s.amount') }}
union all
{{ staged_hop('exchange', 'internal_transfers', transfers, "'exchange:internal_transfer:' || s.internal_transfer_id = c.transfer_id", 'c.transfer_id', day='s.event_date', asset='s.asset_code', amount='s.amount') }}
union all
{{ staged_hop('exchange', 'trades', transfers, "'exchange:trade:' || s.trade_id = c.transfer_id", 'c.transfer_id', day='s.event_date', asset='s.base_asset_code', amount='s.base_amount') }}
union all
{{ staged_hop('exchange', 'addresses', ref('int_exchange_addresses'), normalise_address('s.address') ~ ' = c.address', 'c.address') }}
union all
{{ staged_hop('kyc', 'parties', ref('int_party_history'), 's.party_id = c.party_id and s.valid_from_at = c.valid_from_at', 'c.party_id') }}
union all
{{ staged_hop('kyc', 'accounts', ref('int_accounts'), 's.account_id = c.account_id', 'c.account_id') }}
union all
{{ staged_hop('kyc', 'documents', ref('int_kyc_documents'), 's.vendor_code = c.vendor_code and s.document_id = c.document_id', 'c.document_id') }}
union all
{{ staged_hop('kyc', 'reviews', ref('int_kyc_reviews'), 's.vendor_code = c.vendor_code and s.review_id = c.review_id', 'c.review_id') }}
union all
{{ staged_hop('kyc', 'applicants', reviewed, 's.vendor_code = c.vendor_code and s.applicant_id = c.applicant_id', 'c.applicant_id', out_of_scope="case when c.applicant_id is null then 'no_review' end") }}
union all
{{ staged_hop('kyc', 'webhooks', reviewed, 's.vendor_code = c.vendor_code and s.applicant_id = c.applicant_id', 'c.applicant_id', out_of_scope="'announcement'") }}
union all
{{ staged_hop('bank', 'statements', ref('int_bank_statements'), 's.statement_id = c.statement_id', 'c.statement_id') }}
union all
{{ staged_hop('bank', 'entries', ref('int_bank_entries'), 's.entry_id = c.entry_id', 'c.transfer_id', day='coalesce(s.booking_date, s.value_date)', asset='s.ccy_code', amount='s.amount', out_of_scope='c.out_of_scope_reason') }}
union all
{{ staged_hop('onchain', 'ethereum_transactions', chain_transfers, "'ethereum:' || s.tx_hash || ':tx' = c.chain_transfer_id", 'c.transfer_id', day='s.event_date', asset="'ETH'", amount=scaled_amount('s.value_text', '18'), out_of_scope='c.out_of_scope_reason') }}
union all
{{ staged_hop('onchain', 'ethereum_token_transfers', chain_transfers, "'ethereum:' || s.tx_hash || ':log:' || cast(s.log_index as string) = c.chain_transfer_id", 'c.transfer_id', day='s.event_date', asset='token.asset_code', amount=scaled_amount('s.value_text', 'token.decimals'), out_of_scope='c.out_of_scope_reason', join=tokens) }}
union all
{{ staged_hop('onchain', 'bitcoin_outputs', chain_transfers, "'bitcoin:' || s.tx_hash || ':out:' || cast(s.output_index as string) = c.chain_transfer_id", 'c.transfer_id', day='s.event_date', asset="'BTC'", amount=scaled_amount('s.value_text', '8'), out_of_scope='c.out_of_scope_reason') }}
union all
{{ staged_hop('onchain', 'bitcoin_inputs', '(select distinct tx_hash from ' ~ chain_transfers ~ " where chain_code = 'bitcoin')", 's.tx_hash = c.tx_hash', 'c.tx_hash', day='s.event_date', asset="'BTC'", amount=scaled_amount('s.value_text', '8'), out_of_scope="case when o.tx_hash is null then 'output_not_delivered' end", join=outputs) }}
union all
{{ staged_hop('onchain', 'blocks', '(select distinct chain_code, block_number from ' ~ chain_transfers ~ ')', 's.chain_code = c.chain_code and s.block_number = c.block_number', 'c.block_number', day='s.event_date', out_of_scope="case when c.block_number is null then 'no_transfer_delivered' end") }}
union all
{{ staged_hop('chainalysis', 'transfers', screenings_by('chainalysis'), 's.transfer_id = c.transfer_id', 'c.transfer_id', day='s.event_date', asset='s.asset_code', amount='s.asset_amount') }}
union all
{{ staged_hop('chainalysis', 'exposures', exposed_by('chainalysis', "exposure_type_code = 'DIRECT'"), 'coalesce(t.transfer_id, s.external_id) = c.transfer_id', 'c.transfer_id', out_of_scope="case when s.direct_category_id is null and s.direct_name is null then 'no_exposure' end", join=screened) }}
union all
{{ staged_hop('chainalysis', 'alerts', '(select distinct transfer_id, exposure_type_code from ' ~ ref('int_exposures') ~ " where vendor_code = 'chainalysis')", 'coalesce(t.transfer_id, s.external_id) = c.transfer_id and s.exposure_type_code = c.exposure_type_code', 'c.transfer_id', amount='s.alert_amount_usd', join=screened) }}
union all
{{ staged_hop('chainalysis', 'categories', ref('int_exposure_categories'), "c.vendor_code = 'chainalysis' and coalesce(cast(s.category_id as string), '') = c.vendor_category_id", 'c.vendor_code') }}
union all
{{ staged_hop('chainalysis', 'alert_states', judged_by('chainalysis', 'transfer'), 't.transfer_id = c.subject_id', 'c.subject_id', amount='s.alert_amount_usd', out_of_scope="case when t.transfer_id is null then 'names_no_transfer' end", join=listed_on) }}
union all
{{ staged_hop('trm', 'address_screenings', judged_by('trm', 'address'), 's.address = c.subject_id', 'c.subject_id', amount='s.total_volume_usd') }}
union all
{{ staged_hop('trm', 'exposures', exposed_by('trm'), 't.transfer_id = c.transfer_id', 'c.transfer_id', amount='s.total_volume_usd', out_of_scope=unused_element, join=trm_subjects) }}
union all
{{ staged_hop('trm', 'transfers', screenings_by('trm'), 's.transfer_id = c.transfer_id', 'c.transfer_id', out_of_scope="case when s.screen_status_code = 'FAILED' then lower(coalesce(s.screen_status_failed_reason, 'failed_at_vendor')) end") }}
union all
{{ staged_hop('trm', 'alerts', judged_by('trm', 'transfer'), 's.transfer_id = c.subject_id', 'c.subject_id', out_of_scope="case when s.transfer_id is null then 'names_no_transfer' end") }}
union all
{{ staged_hop('elliptic', 'analyses', judged_by('elliptic'), 's.subject_type_code = c.subject_type_code and s.subject_id = c.subject_id', 'c.subject_id', out_of_scope="case when s.subject_id is null then 'not_asked_by_us' end") }}
union all
{{ staged_hop('elliptic', 'exposures', exposed_by('elliptic'), 't.transfer_id = c.transfer_id', 'c.transfer_id', amount='s.contribution_usd', out_of_scope=unused_element, join=elliptic_subjects) }}
union all
{{ staged_hop('chainalysis', 'withdrawal_attempts', judged_by('chainalysis', 'transfer'), 's.transfer_id = c.subject_id', 'c.subject_id', amount='s.asset_amount') }}
union all
{{ staged_hop('chainalysis', 'address_screenings', judged_by('chainalysis', 'address'), 's.address = c.subject_id', 'c.subject_id') }}
union all
{{ staged_hop('chainalysis', 'address_exposures', exposed_by('chainalysis'), 't.transfer_id = c.transfer_id', 'c.transfer_id', amount='s.value_usd', out_of_scope="case when t.screening_id is null then 'superseded_screening' when t.transfer_id is null then 'no_monitored_transfer' end", join=chainalysis_addresses) }}
union all
{{ staged_hop('chainalysis', 'network_identifications', screenings_by('chainalysis'), 'coalesce(t.transfer_id, s.external_id) = c.transfer_id', 'c.transfer_id', join=screened) }}
union all
{{ staged_hop('chainalysis', 'listed_transfers', screenings_by('chainalysis'), 't.transfer_id = c.transfer_id', 'c.transfer_id', amount='s.amount_usd', out_of_scope="case when t.transfer_id is null then 'names_no_transfer' end", join=registered) }}
union all
{{ staged_hop('chainalysis', 'users', ref('int_accounts'), 's.user_id = c.account_id', 'c.account_id', out_of_scope="case when c.account_id is null then 'names_no_account' end") }}
union all
{{ staged_hop('chainalysis', 'user_exposures', ref('int_accounts'), 's.user_id = c.account_id', 'c.account_id', amount=user_exposure('s'), out_of_scope="case when c.account_id is null then 'names_no_account' end") }}
union all
{{ staged_hop('chainalysis', 'registered_addresses', ref('int_accounts'), 's.user_id = c.account_id', 'c.account_id', out_of_scope="case when c.account_id is null then 'names_no_account' end") }}
union all
{{ staged_hop('watchlists', 'entries', ref('int_watchlist_entries'), 's.list_code = c.list_code and s.entry_id = c.entry_id and ' ~ within_span('s.published_at', 'c'), 'c.entry_id', out_of_scope="case when s.op_code = 'DEL' then 'deletion' end") }}
union all
{{ staged_hop('watchlists', 'names', ref('int_watchlist_names'), 's.list_code = c.list_code and s.entry_id = c.entry_id and ' ~ 's.name_no = c.name_no and ' ~ within_span('s.published_at', 'c'), 'c.entry_id') }}
union all
{{ staged_hop('watchlists', 'places', ref('int_watchlist_places'), 's.list_code = c.list_code and s.entry_id = c.entry_id and ' ~ 's.place_no = c.place_no and ' ~ within_span('s.published_at', 'c'), 'c.entry_id') }}
union all
{{ staged_hop('watchlists', 'identifiers', ref('int_watchlist_identifiers'), 's.list_code = c.list_code and s.entry_id = c.entry_id and ' ~ 's.identifier_no = c.identifier_no and ' ~ within_span('s.published_at', 'c'), 'c.entry_id') }}
union all
{{ staged_hop('watchlists', 'digital_currency_addresses', ref('int_sanctioned_addresses'), 's.list_code = c.list_code and s.entry_id = c.entry_id and ' ~ 's.list_asset_code = c.list_asset_code and coalesce(' ~ normalise_address('s.address') ~ ', s.address) = c.address and ' ~ within_span('s.published_at', 'c', 'listed_from_at', 'delisted_at'), 'c.entry_id') }}
union all
{{ staged_hop('cases', 'outcomes', ref('int_case_outcomes'), 's.case_id = c.case_id', 'c.case_id') }}
union all
{{ staged_hop('tagpacks', 'tags', ref('int_address_attributions'), 's.tag_id = c.tag_id', 'c.tag_id') }}
union all
{{ staged_hop('prices', 'rates', ref('int_rates'), 's.asset_code = c.asset_code and s.rate_date = c.rate_date', 'c.asset_code', day='s.rate_date', asset='s.asset_code', amount='s.rate_usd') }}
union all
{{ staged_hop('prices', 'hourly_rates', ref('int_rate_hours'), 's.asset_code = c.asset_code and s.rate_at = c.valid_from_at', 'c.asset_code', day='s.rate_date', asset='s.asset_code', amount='s.rate_usd') }}
union all
{{ staged_hop('cases', 'records', ref('int_case_outcomes'), 's.case_id = c.case_id', 'c.case_id') }}
union all
{{ staged_hop('behaviour', 'events', ref('int_party_behaviour_events'), 's.event_id = c.event_id', 'c.event_id') }}
union all
{{ staged_hop('travel_rule', 'messages', ref('int_travel_rule_messages'), 's.message_id = c.message_id', 'c.message_id') }}
union all
{{ staged_hop('travel_rule', 'persons', ref('int_travel_rule_messages'), 's.message_id = c.message_id', 'c.message_id') }}
