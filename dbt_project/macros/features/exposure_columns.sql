{#- The neutral categories that feat_transfer__exposure has a column for: all of medium severity and worse, and unmapped. -#}
{%- macro exposure_columns() -%}
  {{ return([
    'child_abuse_material', 'sanctioned_entity', 'terrorist_financing', 'ransomware', 'sanctioned_jurisdiction', 'special_measures',
    'darknet_market', 'no_kyc_exchange', 'stolen_funds', 'scam', 'fraud_shop', 'illicit_actor', 'malware', 'online_pharmacy',
    'mixing', 'gambling', 'p2p_exchange', 'atm', 'infrastructure_service', 'privacy_protocol', 'unmapped'
  ]) }}
{%- endmacro -%}
