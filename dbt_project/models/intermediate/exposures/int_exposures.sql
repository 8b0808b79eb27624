{#- Four vendors at one grain. What a vendor says about an address holds for each transfer whose counterparty the address is. -#}
with screenings as (
  select external_id, transfer_id, vendor_amount_usd from {{ ref('stg_chainalysis__transfers') }}
),

transfer_values as (
  select transfer_id, amount_usd from {{ ref('int_transfers') }}
),

counterparties as (
  select transfer_id, address from {{ ref('int_transfer_addresses') }}
  where role_code = 'counterparty'
),

categories as (
  select * from {{ ref('int_exposure_categories') }}
),

exposure_types as (
  select vendor_code, vendor_term, neutral_code
  from {{ ref('vendor_terms') }}
  where term_type_code = 'exposure_type'
),

chainalysis_answers as (
  select
    external_id,
    'DIRECT' as exposure_type_code,
    coalesce(cast(direct_category_id as string), '') as vendor_category_id,
    direct_name as entity_name,
    cast(null as decimal(18,2)) as alert_amount_usd,
    first_known_at as known_at
  from {{ ref('stg_chainalysis__exposures') }}
  where direct_category_id is not null or direct_name is not null
  union all
  select
    external_id,
    exposure_type_code,
    coalesce(cast(category_id as string), '') as vendor_category_id,
    service as entity_name,
    alert_amount_usd,
    first_known_at as known_at
  from {{ ref('stg_chainalysis__alerts') }}
),

screened_transfers as (
  select transfer_id, max(vendor_amount_usd) as vendor_amount_usd from screenings
  group by transfer_id
),

-- What is said of an address holds for the transfers with it; its own dealings have no value of theirs.
chainalysis_findings as (
  select
    coalesce(counterparties.transfer_id, findings.subject_id) as transfer_id,
    findings.source_code,
    findings.vendor_exposure_type,
    findings.vendor_category_id,
    findings.entity_name,
    findings.vendor_amount_usd,
    findings.known_at
  from {{ ref('int_chainalysis_findings') }} as findings
  left join counterparties
    on findings.subject_type_code = 'address'
    and findings.subject_id = counterparties.address
  where findings.subject_type_code = 'transfer' or counterparties.transfer_id is not null
),

trm_subjects as (
  select counterparties.transfer_id, addresses.screening_id, cast(null as decimal(18,2)) as vendor_amount_usd
  from {{ ref('stg_trm__address_screenings') }} as addresses
  inner join counterparties on addresses.address = counterparties.address
  union all
  select transfer_id, screening_id, vendor_amount_usd from {{ ref('stg_trm__transfers') }}
),

elliptic_latest as (
  {{ latest_elliptic_analyses() | indent(2) }}
),

elliptic_subjects as (
  select counterparties.transfer_id, latest.analysis_id, latest.screening_id
  from elliptic_latest as latest
  inner join counterparties on latest.subject_id = counterparties.address
  where latest.subject_type_code = 'address'
  union all
  select subject_id as transfer_id, analysis_id, screening_id from elliptic_latest
  where subject_type_code = 'transfer' and subject_id is not null
),

-- An element has a part that came or went directly and one over others. Without either, the number of hops says which it is.
elliptic_parts as (
  select
    elements.*,
    case
      when element_code = 'cluster_entity' then 'cluster_entity'
      when analysis_type_code = 'wallet_exposure' then 'wallet_counterparty'
      else 'transaction_counterparty'
    end as vendor_exposure_type,
    coalesce(nullif(counterparty_usd, 0), contribution_usd) as part_usd
  from {{ ref('stg_elliptic__exposures') }} as elements
  where coalesce(counterparty_usd, 0) > 0 or (coalesce(indirect_usd, 0) = 0 and coalesce(min_number_of_hops, 1) <= 1)
  union all
  select
    elements.*,
    case when analysis_type_code = 'wallet_exposure' then 'wallet_indirect' else 'transaction_indirect' end as vendor_exposure_type,
    coalesce(nullif(indirect_usd, 0), contribution_usd) as part_usd
  from {{ ref('stg_elliptic__exposures') }} as elements
  where coalesce(indirect_usd, 0) > 0 or (coalesce(counterparty_usd, 0) = 0 and coalesce(min_number_of_hops, 1) > 1)
),

elliptic_answers as (
  select
    subjects.transfer_id,
    parts.vendor_exposure_type,
    parts.vendor_category_id,
    min(parts.entity_name) as entity_name,
    -- The value that an address exchanged with a category is the address's, not the transfer's.
    cast(sum(case when parts.analysis_type_code <> 'wallet_exposure' then parts.part_usd end) as decimal(18,2)) as exposure_usd,
    min(parts.first_known_at) as known_at
  from elliptic_parts as parts
  inner join elliptic_subjects as subjects
    on parts.analysis_id = subjects.analysis_id
    and parts.screening_id = subjects.screening_id
  group by
    subjects.transfer_id, parts.analysis_id, parts.element_code, parts.rule_id, parts.side_code,
    parts.vendor_exposure_type, parts.vendor_category_id
),

answers as (
  select
    coalesce(screenings.transfer_id, chainalysis_answers.external_id) as transfer_id,
    'chainalysis' as vendor_code,
    chainalysis_answers.exposure_type_code as vendor_exposure_type,
    chainalysis_answers.vendor_category_id,
    chainalysis_answers.entity_name,
    screenings.vendor_amount_usd as transfer_usd,
    chainalysis_answers.alert_amount_usd as exposure_usd,
    chainalysis_answers.known_at
  from chainalysis_answers
  left join screenings on chainalysis_answers.external_id = screenings.external_id
  union all
  select
    findings.transfer_id,
    'chainalysis' as vendor_code,
    findings.vendor_exposure_type,
    findings.vendor_category_id,
    findings.entity_name,
    coalesce(
      screened_transfers.vendor_amount_usd,
      case when findings.source_code = 'withdrawal_attempt' then findings.vendor_amount_usd end
    ) as transfer_usd,
    case when findings.source_code = 'alert_state' then findings.vendor_amount_usd end as exposure_usd,
    findings.known_at
  from chainalysis_findings as findings
  left join screened_transfers on findings.transfer_id = screened_transfers.transfer_id
  union all
  select
    subjects.transfer_id,
    'trm' as vendor_code,
    exposures.vendor_exposure_type,
    exposures.vendor_category_id,
    exposures.entity_name,
    subjects.vendor_amount_usd as transfer_usd,
    cast(null as decimal(18,2)) as exposure_usd,
    exposures.first_known_at as known_at
  from {{ ref('stg_trm__exposures') }} as exposures
  inner join trm_subjects as subjects on exposures.screening_id = subjects.screening_id
  union all
  select
    transfer_id,
    'elliptic' as vendor_code,
    vendor_exposure_type,
    vendor_category_id,
    entity_name,
    exposure_usd as transfer_usd,
    exposure_usd,
    known_at
  from elliptic_answers
  union all
  select
    counterparties.transfer_id,
    'graphsense' as vendor_code,
    'tag' as vendor_exposure_type,
    attributions.vendor_category_id,
    attributions.label as entity_name,
    cast(null as decimal(18,2)) as transfer_usd,
    cast(null as decimal(18,2)) as exposure_usd,
    attributions.known_at
  from {{ ref('int_address_attributions') }} as attributions
  inner join counterparties on attributions.address = counterparties.address
  where attributions.vendor_category_id <> ''
),

neutral as (
  select
    answers.*,
    case when answers.vendor_exposure_type is not null then coalesce(exposure_types.neutral_code, 'UNMAPPED') end as exposure_type_code,
    coalesce(categories.category_code, 'unmapped') as category_code,
    coalesce(categories.severity_code, 'high') as severity_code,
    coalesce(categories.is_zero_tolerance, false) as is_zero_tolerance,
    transfer_values.amount_usd
  from answers
  left join transfer_values on answers.transfer_id = transfer_values.transfer_id
  left join exposure_types
    on answers.vendor_code = exposure_types.vendor_code
    and answers.vendor_exposure_type = exposure_types.vendor_term
  left join categories
    on answers.vendor_code = categories.vendor_code
    and answers.vendor_category_id = categories.vendor_category_id
)

select
  transfer_id,
  vendor_code,
  exposure_type_code,
  min(vendor_category_id) as vendor_category_id,
  category_code,
  max(severity_code) as severity_code,
  max(is_zero_tolerance) as is_zero_tolerance,
  min(entity_name) as entity_name,
  -- A direct exposure is the whole transfer; an indirect one is the part that the vendor traced.
  max(case
    when exposure_type_code in ('DIRECT', 'ATTRIBUTED') then coalesce(transfer_usd, amount_usd, exposure_usd)
    else exposure_usd
  end) as exposure_usd,
  min(known_at) as known_at
from neutral
-- "Nobody we know" is an answer of these two, and no exposure.
where not (vendor_code in ('trm', 'elliptic') and category_code = 'none')
group by transfer_id, vendor_code, exposure_type_code, category_code
