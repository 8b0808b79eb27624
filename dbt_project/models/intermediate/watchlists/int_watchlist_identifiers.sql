{#- Birth dates, nationalities, documents and the like of listed entities. What cannot be used is here too, and says why. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

identifiers as (
  select
    list_code,
    entry_id,
    identifier_no,
    identifier_type,
    value,
    country,
    date_precision_code,
    is_valid,
    invalid_reason_code,
    published_at,
    first_known_at as known_at,
    {{ md5_key(['identifier_type', 'value', 'country', 'note']) }} as entry_hash
  from {{ ref('stg_watchlists__identifiers') }}
),

spans as (
  {{ publication_spans('identifiers', 'publications', ['identifier_no']) | indent(2) }}
)

select
  spans.list_code,
  spans.entry_id,
  spans.identifier_no,
  identifiers.identifier_type,
  identifiers.value,
  identifiers.country,
  identifiers.date_precision_code,
  identifiers.is_valid,
  identifiers.invalid_reason_code,
  spans.valid_from_at,
  spans.valid_to_at,
  spans.known_at
from spans
inner join identifiers
  on spans.list_code = identifiers.list_code
  and spans.entry_id = identifiers.entry_id
  and spans.identifier_no = identifiers.identifier_no
  and spans.valid_from_at = identifiers.published_at
