{#- What each vendor thinks of an address or a transfer, in one scale: the worst level it names for it. -#}
with levels as (
  select vendor_code, vendor_term, score_from, score_before, neutral_code
  from {{ ref('vendor_terms') }}
  where term_type_code = 'risk_level'
),

chainalysis_transfers as (
  select transfer_id, external_id, updated_at, known_at from {{ ref('stg_chainalysis__transfers') }}
),

-- Chainalysis gives levels to alerts only: without one, the severity of what it names directly is its word.
chainalysis_direct as (
  select transfer_id, severity_code, known_at
  from {{ ref('int_exposures') }}
  where vendor_code = 'chainalysis' and exposure_type_code = 'DIRECT'
),

chainalysis_attempts as (
  select transfer_id, alert_level_code, known_at from {{ ref('stg_chainalysis__withdrawal_attempts') }}
),

chainalysis_addresses as (
  select address, product_code, risk_code, status_code, identification_count, known_at
  from {{ ref('stg_chainalysis__address_screenings') }}
),

elliptic_latest as (
  {{ latest_elliptic_analyses() | indent(2) }}
),

said as (
  select
    'chainalysis' as vendor_code,
    'transfer' as subject_type_code,
    coalesce(transfers.transfer_id, alerts.external_id) as subject_id,
    alerts.alert_level_code as vendor_level,
    cast(null as decimal(38,18)) as vendor_score,
    cast(null as string) as own_level,
    alerts.known_at
  from {{ ref('stg_chainalysis__alerts') }} as alerts
  left join chainalysis_transfers as transfers on alerts.external_id = transfers.external_id
  union all
  select
    'chainalysis', 'transfer', transfer_id, cast(null as string), cast(null as decimal(38,18)), severity_code, known_at
  from chainalysis_direct
  union all
  select
    'chainalysis', 'transfer', transfer_id, cast(null as string), cast(null as decimal(38,18)),
    case when updated_at is not null then 'none' else 'unknown' end, known_at
  from chainalysis_transfers
  union all
  select
    'chainalysis', 'transfer', transfer_id, alert_level_code, cast(null as decimal(38,18)),
    case when alert_level_code is null then 'none' end, known_at
  from chainalysis_attempts
  union all
  select
    'chainalysis', 'transfer', findings.subject_id, states.alert_level_code, cast(null as decimal(38,18)),
    cast(null as string), findings.known_at
  from {{ ref('int_chainalysis_findings') }} as findings
  inner join {{ ref('stg_chainalysis__alert_states') }} as states
    on findings.source_code = 'alert_state'
    and findings.answer_id = states.alert_id
  where states.alert_level_code is not null
  union all
  select
    'chainalysis', 'address', address, upper(trim(risk_code)), cast(null as decimal(38,18)),
    case when risk_code is null or coalesce(status_code, 'COMPLETE') <> 'COMPLETE' then 'unknown' end, known_at
  from chainalysis_addresses
  where product_code = 'risk'
  union all
  -- The sanctions API says one thing only: on a list, or not.
  select
    'chainalysis', 'address', address, cast(null as string), cast(null as decimal(38,18)),
    case when identification_count > 0 then 'severe' else 'none' end, known_at
  from chainalysis_addresses
  where product_code = 'sanctions'
  union all
  select
    'trm', 'address', address, risk_score_level_code, cast(null as decimal(38,18)),
    case when risk_score_level_code is not null then cast(null as string) when total_volume_usd is not null then 'none' else 'unknown' end,
    known_at
  from {{ ref('stg_trm__address_screenings') }}
  union all
  select
    'trm', 'transfer', transfer_id, risk_score_level_code, cast(null as decimal(38,18)),
    case when risk_score_level_code is null then 'unknown' end, known_at
  from {{ ref('stg_trm__transfers') }}
  union all
  select
    'trm', 'transfer', transfer_id, risk_score_level_code, cast(null as decimal(38,18)),
    case when risk_score_level_code is null then 'unknown' end, known_at
  from {{ ref('stg_trm__alerts') }}
  where transfer_id is not null
  union all
  select
    'elliptic', subject_type_code, subject_id, cast(null as string), risk_score,
    case when process_status_code <> 'complete' then 'unknown' when risk_score is null then 'none' end, known_at
  from elliptic_latest
  where subject_id is not null
  union all
  select
    'graphsense', 'address', address, severity_code, cast(null as decimal(38,18)), cast(null as string), known_at
  from {{ ref('int_address_attributions') }}
),

levelled as (
  select
    said.vendor_code,
    said.subject_type_code,
    said.subject_id,
    coalesce(said.vendor_level, {{ plain_decimal_text('said.vendor_score') }}) as vendor_level,
    coalesce(said.own_level, levels.neutral_code, 'unmapped') as level_code,
    said.known_at
  from said
  left join levels
    on said.vendor_code = levels.vendor_code
    and (
      said.vendor_level = levels.vendor_term
      or (levels.vendor_term is null and said.vendor_score >= levels.score_from and said.vendor_score < levels.score_before)
    )
),

ranked as (
  select
    *,
    case level_code
      when 'severe' then 4 when 'high' then 3 when 'medium' then 2 when 'low' then 1 when 'none' then 0 when 'unmapped' then 5 else -1
    end as level_rank,
    min(known_at) over (partition by vendor_code, subject_type_code, subject_id, level_code) as first_known_at
  from levelled
)

select
  vendor_code,
  subject_type_code,
  subject_id,
  vendor_level,
  level_code,
  cast(case when level_rank between 0 and 4 then level_rank end as int) as level_rank,
  first_known_at as known_at
from ranked
qualify row_number() over (
  partition by vendor_code, subject_type_code, subject_id
  order by level_rank desc, known_at desc, vendor_level nulls last -- the engines differ in where nulls come
) = 1
