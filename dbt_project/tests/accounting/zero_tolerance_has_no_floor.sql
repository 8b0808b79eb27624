{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'scn_tm28_direct_exposure'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Terrorist financing, child abuse material and sanctioned entities have no floor: any direct exposure of a transfer that took
-- place is an alert. Told from the exposures and the category map, not from the scenario's parameters, which may be wrong.
with exposed as (
  select distinct transfer_id
  from {{ ref('int_exposures') }}
  where exposure_type_code = 'DIRECT' and is_zero_tolerance
),

population as (
  select transfer_id from {{ ref('int_transfers') }}
  where status_code = 'completed'
),

alerted as (
  select distinct transfer_id
  from {{ ref('scn_tm28_direct_exposure') }}
  where outcome_code = 'alerted'
)

select exposed.transfer_id
from exposed
inner join population on exposed.transfer_id = population.transfer_id
left join alerted on exposed.transfer_id = alerted.transfer_id
where alerted.transfer_id is null
