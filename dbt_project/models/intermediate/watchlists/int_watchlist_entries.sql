with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

entries as (
  select
    ent_num,
    publication_date,
    first_known_at as known_at,
    sdn_name,
    sdn_type,
    program,
    {{ md5_key(['sdn_name', 'sdn_type', 'program', 'title', 'call_sign', 'vess_type', 'tonnage', 'grt', 'vess_flag', 'vess_owner', 'remarks']) }} as entry_hash
  from {{ ref('stg_ofac__sdn_entries') }}
),

spans as (
  {{ publication_spans('entries', 'publications', ['ent_num']) | indent(2) }}
)

select
  'ofac_sdn' as list_code,
  spans.ent_num,
  entries.sdn_name,
  entries.sdn_type,
  entries.program,
  spans.entry_hash,
  spans.valid_from_date,
  spans.valid_to_date,
  spans.known_at
from spans
inner join entries
  on spans.ent_num = entries.ent_num
  and spans.valid_from_date = entries.publication_date
