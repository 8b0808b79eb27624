{#- Who a row is about: the party, or the account where KYC is not known, or the transfer itself where not even that is. -#}
{%- macro subject_type(rows) -%}
case when {{ rows }}.party_id is not null then 'party' when {{ rows }}.account_id is not null then 'account' else 'transfer' end
{%- endmacro -%}

{%- macro subject_id(rows) -%}
coalesce({{ rows }}.party_id, {{ rows }}.account_id, {{ rows }}.transfer_id)
{%- endmacro -%}
