{%- set tokens -%}
left join {{ ref('assets') }} as token on token.chain_code = 'ethereum' and token.token_address = lower(r.token_address)
{%- endset -%}
{{ raw_hop('exchange', 'deposits', ['deposit_id'], day='cast(r.event_at as date)', asset='upper(trim(r.asset_code))', amount='r.amount') }}
union all
{{ raw_hop('exchange', 'withdrawals', ['withdrawal_id'], day='cast(r.event_at as date)', asset='upper(trim(r.asset_code))', amount='r.amount') }}
union all
{{ raw_hop('exchange', 'internal_transfers', ['internal_transfer_id'], day='cast(r.event_at as date)', asset='upper(trim(r.asset_code))', amount='r.amount') }}
union all
{{ raw_hop('exchange', 'trades', ['trade_id'], day='cast(r.event_at as date)', asset='upper(trim(r.base_asset_code))', amount='r.base_amount') }}
union all
{{ raw_hop('exchange', 'addresses', ['address', 'chain_code', 'assigned_at']) }}
union all
{{ raw_hop('kyc', 'parties', ['party_id', 'valid_from_at']) }}
union all
{{ raw_hop('kyc', 'accounts', ['account_id', 'valid_from_at']) }}
union all
{{ raw_hop('kyc', 'documents', ['vendor_code', 'document_id']) }}
union all
{{ raw_hop('kyc', 'reviews', ['vendor_code', 'review_id']) }}
union all
{{ raw_hop('kyc', 'applicants', ['vendor_code', 'applicant_id']) }}
union all
{{ raw_hop('kyc', 'webhooks', ['vendor_code', 'webhook_id']) }}
union all
{{ raw_hop('bank', 'statements', ['statement_id']) }}
union all
{{ raw_hop('bank', 'entries', ['entry_id'], day='coalesce(r.booking_date, r.value_date)', asset='upper(trim(r.ccy_code))', amount='r.amount') }}
union all
{{ raw_hop('onchain', 'ethereum_transactions', ['hash'], day='cast(r.block_timestamp as date)', asset="'ETH'", amount=scaled_amount('r.value', '18')) }}
union all
{{ raw_hop('onchain', 'ethereum_token_transfers', ['transaction_hash', 'log_index'], day='cast(r.block_timestamp as date)', asset='token.asset_code', amount=scaled_amount('r.value', 'token.decimals'), join=tokens) }}
union all
{{ raw_hop('onchain', 'bitcoin_outputs', ['transaction_hash', 'index'], day='cast(r.block_timestamp as date)', asset="'BTC'", amount=scaled_amount('r.value', '8')) }}
union all
{{ raw_hop('onchain', 'bitcoin_inputs', ['transaction_hash', 'index'], day='cast(r.block_timestamp as date)', asset="'BTC'", amount=scaled_amount('r.value', '8')) }}
union all
{{ raw_hop('onchain', 'blocks', ['chain_code', 'number'], day='cast(r.block_timestamp as date)') }}
union all
{{ raw_hop('chainalysis', 'transfers', ['ledger_transfer_id'], day='cast(r.ledger_transfer_at as date)', asset='upper(trim(r.asset_code))', amount='r.asset_amount') }}
union all
{{ raw_hop('chainalysis', 'exposures', ['external_id']) }}
union all
{{ raw_hop('chainalysis', 'alerts', ['external_id', 'alert_external_id'], amount='r.alert_amount_usd') }}
union all
{{ raw_hop('chainalysis', 'categories', ['category_id']) }}
union all
{{ raw_hop('chainalysis', 'alert_states', ['alert_id'], amount='r.alert_amount_usd') }}
union all
{{ raw_hop('trm', 'address_screenings', ['chain_code', 'address_submitted'], amount='r.total_volume_usd') }}
union all
{{ raw_hop('trm', 'exposures', ['screening_id', 'element_code', 'element_no'], amount='r.total_volume_usd') }}
union all
{{ raw_hop('trm', 'transfers', ['ledger_transfer_id']) }}
union all
{{ raw_hop('trm', 'alerts', ['alert_uuid']) }}
union all
{{ raw_hop('elliptic', 'analyses', ['analysis_id', 'screening_id']) }}
union all
{{ raw_hop('elliptic', 'exposures', ['analysis_id', 'screening_id', 'element_no'], amount='r.contribution_usd') }}
union all
{{ raw_hop('chainalysis', 'withdrawal_attempts', ['external_id'], amount='r.asset_amount') }}
union all
{{ raw_hop('chainalysis', 'address_screenings', ['address', 'product_code']) }}
union all
{{ raw_hop('chainalysis', 'address_exposures', ['screening_id', 'member_no'], amount='r.value_usd') }}
union all
{{ raw_hop('chainalysis', 'network_identifications', ['external_id']) }}
union all
{{ raw_hop('chainalysis', 'users', ['user_id']) }}
union all
{{ raw_hop('chainalysis', 'user_exposures', ['user_id', 'cluster_name', 'category_id'], amount=user_exposure('r')) }}
union all
{{ raw_hop('chainalysis', 'listed_transfers', ['user_id', 'direction_code', 'transfer_reference', 'asset_code'], amount='r.amount_usd') }}
union all
{{ raw_hop('chainalysis', 'registered_addresses', ['user_id', 'kind_code', 'asset_code', 'address']) }}
union all
{{ raw_hop('watchlists', 'entries', ['list_code', 'published_at', 'entry_id']) }}
union all
{{ raw_hop('watchlists', 'names', ['list_code', 'published_at', 'entry_id', 'name_no']) }}
union all
{{ raw_hop('watchlists', 'places', ['list_code', 'published_at', 'entry_id', 'place_no']) }}
union all
{{ raw_hop('watchlists', 'identifiers', ['list_code', 'published_at', 'entry_id', 'identifier_no']) }}
union all
{{ raw_hop('watchlists', 'digital_currency_addresses', ['list_code', 'published_at', 'entry_id', 'asset_code', 'address', 'mention_no']) }}
union all
{{ raw_hop('cases', 'outcomes', ['case_id']) }}
union all
{{ raw_hop('tagpacks', 'tags', ['tag_id']) }}
union all
{{ raw_hop('prices', 'rates', ['asset_code', 'rate_date'], day='r.rate_date', asset='upper(trim(r.asset_code))', amount='r.rate_usd') }}
union all
{{ raw_hop('prices', 'hourly_rates', ['asset_code', 'rate_at'], day='cast(r.rate_at as date)', asset='upper(trim(r.asset_code))', amount='r.rate_usd') }}
union all
{{ raw_hop('cases', 'records', ['vendor_code', 'record_type_code', 'record_id']) }}
union all
{{ raw_hop('behaviour', 'events', ['event_id']) }}
union all
{{ raw_hop('travel_rule', 'messages', ['message_id']) }}
union all
{{ raw_hop('travel_rule', 'persons', ['message_id', 'person_no']) }}
