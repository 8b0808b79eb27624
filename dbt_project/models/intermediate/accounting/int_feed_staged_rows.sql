{%- set tokens -%}
left join {{ ref('assets') }} as token on token.chain_code = 'ethereum' and token.token_address = s.token_address
{%- endset -%}
{%- set outputs -%}
left join (select distinct tx_hash from {{ ref('stg_onchain__bitcoin_outputs') }}) as o on s.tx_hash = o.tx_hash
{%- endset -%}
{%- set screened -%}
left join (select external_id, min(transfer_id) as transfer_id from {{ ref('stg_chainalysis__transfers') }} group by external_id) as t on s.external_id = t.external_id
{%- endset -%}
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
{{ staged_hop('chainalysis', 'transfers', ref('int_transfer_screenings'), 's.transfer_id = c.transfer_id', 'c.transfer_id', day='s.event_date', asset='s.asset_code') }}
union all
{{ staged_hop('chainalysis', 'exposures', '(select distinct transfer_id from ' ~ ref('int_exposures') ~ " where exposure_type_code = 'DIRECT')", 'coalesce(t.transfer_id, s.external_id) = c.transfer_id', 'c.transfer_id', out_of_scope="case when s.direct_category_id is null and s.direct_name is null then 'no_exposure' end", join=screened) }}
union all
{{ staged_hop('chainalysis', 'alerts', '(select distinct transfer_id, exposure_type_code from ' ~ ref('int_exposures') ~ ')', 'coalesce(t.transfer_id, s.external_id) = c.transfer_id and s.exposure_type_code = c.exposure_type_code', 'c.transfer_id', amount='s.alert_amount_usd', join=screened) }}
union all
{{ staged_hop('chainalysis', 'categories', ref('int_exposure_categories'), "c.vendor_code = 'chainalysis' and coalesce(cast(s.category_id as string), '') = c.vendor_category_id", 'c.vendor_code') }}
union all
{{ staged_hop('ofac', 'sdn_entries', ref('int_watchlist_entries'), 's.ent_num = c.ent_num and ' ~ within_span('s.publication_date', 'c'), 'c.ent_num') }}
union all
{{ staged_hop('ofac', 'sdn_addresses', ref('int_watchlist_places'), 's.ent_num = c.ent_num and s.add_num = c.place_no and ' ~ within_span('s.publication_date', 'c'), 'c.ent_num') }}
union all
{{ staged_hop('ofac', 'sdn_aliases', ref('int_watchlist_names'), "s.ent_num = c.ent_num and s.alt_num = c.name_no and c.name_type_code <> 'primary' and " ~ within_span('s.publication_date', 'c'), 'c.ent_num') }}
union all
{{ staged_hop('ofac', 'digital_currency_addresses', ref('int_sanctioned_addresses'), 's.ent_num = c.ent_num and s.ofac_asset_code = c.ofac_asset_code and coalesce(' ~ normalise_address('s.address') ~ ', s.address) = c.address and ' ~ within_span('s.publication_date', 'c', 'listed_from_date', 'delisted_on'), 'c.ent_num') }}
union all
{{ staged_hop('cases', 'outcomes', ref('int_case_outcomes'), 's.case_id = c.case_id', 'c.case_id') }}
union all
{{ staged_hop('tagpacks', 'tags', ref('int_address_attributions'), 's.tag_id = c.tag_id', 'c.tag_id') }}
union all
{{ staged_hop('prices', 'rates', ref('int_rates'), 's.asset_code = c.asset_code and s.rate_date = c.rate_date', 'c.asset_code', day='s.rate_date', asset='s.asset_code', amount='s.rate_usd') }}
