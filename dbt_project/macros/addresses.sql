{#- Characters between two addresses in one field: ASCII and Unicode white space and control characters, ; , | and their full-width forms, quotes and
    brackets. No address format uses any of them. -#}
{%- macro address_separators() -%}
  {{ return('[\\x{0009}-\\x{0020}\\x{007f}-\\x{00a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000};,|\\x{ff0c}\\x{ff1b}\\x{ff5c}\\x{3001}\\x{0022}\\x{0027}\\x{0060}<>(){}\\x{005b}\\x{005d}]+') }}
{%- endmacro -%}

{#- A text without characters that nobody can see: zero width, soft hyphen, direction marks, byte order mark. -#}
{%- macro strip_invisible(expr) -%}
{{ regex_replace(expr, '[\\x{0000}-\\x{0008}\\x{00ad}\\x{034f}\\x{061c}\\x{180e}\\x{200b}-\\x{200f}\\x{202a}-\\x{202e}\\x{2060}-\\x{206f}\\x{feff}]', '') }}
{%- endmacro -%}

{#- One row for each address in a field that may hold several, as the source wrote it; use as a select-list item, then drop
    parts of which nothing is left without invisible characters. -#}
{%- macro address_parts(expr) -%}
{{ split_to_rows('coalesce(' ~ expr ~ ", '')", address_separators()) }}
{%- endmacro -%}

{#- Payment URIs: BIP21 and its descendants, EIP-681. A short word before what is as long as an address counts as one, too; any
    other word before a colon may be an address, with its destination tag or memo behind the colon. -#}
{%- macro address_schemes() -%}
  {{ return(
    'bitcoin|bitcoincash|bchtest|bitcoinsv|bitcoingold|ecash|litecoin|dogecoin|dash|zcash|verge|monero|' ~
    'ethereum|ethereum-classic|ethereumclassic|bsc|bnb|smartchain|polygon|matic|arbitrum|optimism|base|' ~
    'avalanche|tron|ripple|xrp|xrpl|stellar|cardano|web[+]cardano|solana|polkadot|kusama|cosmos|algorand|tezos|' ~
    'ton|near|filecoin|hedera|nano|kaspa'
  ) }}
{%- endmacro -%}

{#- The comparable form of one address: without invisible characters and surrounding white space, payment-URI scheme
    (bitcoin:, ethereum:pay-, ...), query, chain id, call path, destination tag and memo (they stay in the field as written);
    0x hex and bech32 in lower case; base58 keeps its case.
    Look-alike characters of other scripts are left as they are: address_problem says so, a silent mapping would invent an address.
    An EIP-681 token transfer (ethereum:<token>/transfer?address=<receiver>) gives the receiver. -#}
{%- macro normalise_address(expr) -%}
{%- set visible = strip_invisible(expr) -%}
{%- set trimmed = regex_replace(visible, '^' ~ address_separators() ~ '|' ~ address_separators() ~ '$', '') -%}
{%- set receiver = regex_replace(trimmed, '^[a-zA-Z][a-zA-Z0-9+.-]*:.*/transfer[?](.*&)?address=(0[xX][0-9a-fA-F]{40}).*$', '\\2') -%}
{%- set schemeless = regex_replace(receiver, '(?i)^(' ~ address_schemes() ~ '|eip155:[0-9]+):(//)?(pay-)?', '') -%}
{%- set prefixless = regex_replace(schemeless, '^[a-zA-Z][a-zA-Z0-9+.-]{0,15}:(//)?(pay-)?([0-9a-zA-Z]{25})', '\\3') -%}
{%- set alone = regex_replace(prefixless, '(?s)(' ~ address_separators() ~ ')?[?@/#].*$', '') -%}
{#- The raw form of a TON address has a colon of its own: workchain and account -#}
{%- set bare = regex_replace(alone, '(?s)^(-?[0-9]{1,2}:[^:]{64}|[^:]*?)((' ~ address_separators() ~ ')?:.*)?$', '\\1') -%}
case
  when {{ regex_matches(bare, '^0[xX][0-9a-fA-F]+$') }} then lower({{ bare }})
  when {{ regex_matches(bare, '^(BC1|TB1|LTC1|bc1|tb1|ltc1)[0-9a-zA-Z]+$') }} then lower({{ bare }})
  else nullif({{ bare }}, '')
end
{%- endmacro -%}

{#- Why a normalised address cannot be one: null (it can), 'non_ascii' or 'bad_format'. Formats, not checksums: Bitcoin and
    Litecoin base58 and bech32, EVM hex, Tron; any other chain 8 to 128 letters and digits. Without a chain any format will do. -#}
{%- macro address_problem(address, chain) -%}
case
  when {{ address }} is null then 'bad_format'
  when {{ regex_matches(address, '[^\\x{0021}-\\x{007e}]') }} then 'non_ascii'
  when {{ chain }} in ('ethereum', 'bsc', 'arbitrum', 'polygon', 'optimism', 'base', 'avalanche', 'ethereum_classic')
    then case when not {{ regex_matches(address, '^0x[0-9a-f]{40}$') }} then 'bad_format' end
  when {{ chain }} = 'bitcoin'
    then case when not {{ regex_matches(address, '^((bc|tb)1[02-9ac-hj-np-z]{8,87}|[123mn][1-9A-HJ-NP-Za-km-z]{25,34})$') }} then 'bad_format' end
  when {{ chain }} = 'tron'
    then case when not {{ regex_matches(address, '^T[1-9A-HJ-NP-Za-km-z]{33}$') }} then 'bad_format' end
  when not {{ regex_matches(address, '^[0-9a-zA-Z._:-]{8,128}$') }} then 'bad_format'
end
{%- endmacro -%}

{#- A transaction hash in comparable form: hex in lower case, anything else (Solana's base58) as it is. -#}
{%- macro normalise_tx_hash(expr) -%}
case when {{ regex_matches('trim(' ~ expr ~ ')', '^(0[xX])?[0-9a-fA-F]+$') }} then lower(trim({{ expr }})) else nullif(trim({{ expr }}), '') end
{%- endmacro -%}

{#- An address in a plain spelling, for the accounting alone: lower case, ASCII only, no payment-URI scheme and nothing behind the
    address. It shares no line with normalise_address, so that what one of them gets wrong the other one shows. -#}
{%- macro plain_address(expr) -%}
{%- set visible = regex_replace('lower(' ~ expr ~ ')', '[^0-9a-z:/?@#]', '') -%}
nullif({{ regex_replace(visible, '^[a-z]+:(//)?(pay)?|[?@/#].*$', '') }}, '')
{%- endmacro -%}
