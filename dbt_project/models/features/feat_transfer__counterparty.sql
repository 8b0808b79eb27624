with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'rail_code', 'segment_code', 'jurisdiction_code', 'asset_code', 'amount_usd', 'counterparty_id']) }}
),

parameters as (
  {{ scenario_parameters('TM34', []) }}
),

services as (
  select distinct parameter_set_id, replace(parameter_code, 'service.', '') as category_code
  from {{ ref('int_scenario_parameters') }}
  where scenario_id = 'TM34' and parameter_code like 'service.%' and parameter_value = 1
),

screened as (
  select
    transfer_id,
    max(case when screening_status_code = 'screened' then 1 else 0 end) as is_screened
  from {{ ref('int_transfer_screenings') }}
  group by transfer_id
),

named as (
  select distinct transfer_id, category_code
  from {{ ref('int_exposures') }}
  where exposure_type_code in ('DIRECT', 'ATTRIBUTED')
),

served as (
  select distinct legs.leg_id
  from legs
  inner join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  inner join named
    on named.transfer_id = legs.transfer_id
  inner join services
    on services.parameter_set_id = parameters.parameter_set_id
    and services.category_code = named.category_code
  where legs.rail_code = 'crypto'
),

hosted as (
  select
    legs.*,
    case
      when legs.rail_code <> 'crypto' then null
      when served.leg_id is not null then 'hosted'
      when screened.is_screened = 1 then 'self_hosted'
      else 'unknown'
    end as hosting_code
  from legs
  left join served
    on served.leg_id = legs.leg_id
  left join screened
    on screened.transfer_id = legs.transfer_id
),

-- windows by counterparty only where there is one, so that the legs without do not make up one huge group
by_counterparty as (
  select
    leg_id,
    {%- set same = 'counterparty_id, rail_code, direction_code' %}
    {%- for name, length in [('7d', '7 days'), ('30d', '30 days')] %}
    {{ count_distinct_over('party_id', rolling(same, length)) }} as counterparty_party_count_{{ name }},
    cast(coalesce(sum(amount_usd) over ({{ rolling(same, length) }}), 0) as decimal(38,2)) as counterparty_amount_usd_{{ name }},
    {%- endfor %}
    min(event_at) over (partition by party_id, counterparty_id) = event_at as is_first_with_party
  from hosted
  where counterparty_id is not null
),

sided as (
  select
    *,
    case when direction_code = 'out' then amount_usd end as out_usd,
    case when direction_code = 'out' and hosting_code = 'self_hosted' then amount_usd end as self_hosted_usd,
    case when direction_code = 'out' and hosting_code = 'unknown' then amount_usd end as unknown_usd
  from hosted
),

outflows as (
  select
    *,
    cast(coalesce(sum(out_usd) over ({{ rolling('party_id', '30 days') }}), 0) as decimal(38,2)) as out_usd_30d,
    cast(coalesce(sum(self_hosted_usd) over ({{ rolling('party_id', '30 days') }}), 0) as decimal(38,2)) as self_hosted_out_usd_30d,
    cast(coalesce(sum(unknown_usd) over ({{ rolling('party_id', '30 days') }}), 0) as decimal(38,2)) as unknown_hosting_out_usd_30d
  from sided
)

select
  outflows.leg_id,
  outflows.transfer_id,
  outflows.party_id,
  outflows.direction_code,
  outflows.event_at,
  outflows.event_date,
  outflows.counterparty_id,
  cast(outflows.hosting_code as string) as hosting_code,
  by_counterparty.counterparty_party_count_7d,
  by_counterparty.counterparty_amount_usd_7d,
  by_counterparty.counterparty_party_count_30d,
  by_counterparty.counterparty_amount_usd_30d,
  by_counterparty.is_first_with_party,
  outflows.out_usd_30d,
  outflows.self_hosted_out_usd_30d,
  outflows.unknown_hosting_out_usd_30d,
  {{ decimal_ratio('outflows.self_hosted_out_usd_30d', 'outflows.out_usd_30d') }} as self_hosted_out_share_30d
from outflows
left join by_counterparty
  on by_counterparty.leg_id = outflows.leg_id
