-- What each alert rests on and what was usual for its subject before, written when the alert was raised and never again: what
-- becomes known later, or happens later, changes no row.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='fail') }}

with alerts as (
  select alert_id, scenario_id, triggered_at, {{ hours_after('triggered_at', '-' ~ (90 * 24)) }} as history_from_at, raised_as_of_at
  from {{ ref('fct_alerts') }}
  {%- if is_incremental() %}
  where alert_id not in (select alert_id from {{ this }})
  {%- endif %}
),

triggers as (
  select
    alerts.*,
    episodes.leg_id,
    episodes.subject_id,
    coalesce(legs.party_id, legs.account_id) as holder_id,
    legs.party_id,
    legs.direction_code
  from alerts
  inner join {{ ref('int_alert_episodes') }} as episodes
    on episodes.finding_id = alerts.alert_id
  inner join {{ ref('int_transfer_legs') }} as legs
    on legs.leg_id = episodes.leg_id
),

scenario_legs as (
  {{ scenario_rows([
    'scenario_id', 'leg_id', 'subject_id', 'event_at', 'measure_1_name', 'measure_1_value', 'threshold_1_value', 'measure_2_name',
    'measure_2_value', 'threshold_2_value'
  ]) | indent(2) }}
),

-- the measures of the scenario at every leg of the subject that it has judged in the 90 days before, and at the leg itself
judged as (
  select
    triggers.alert_id,
    scenario_legs.leg_id = triggers.leg_id as is_trigger,
    scenario_legs.measure_1_name,
    scenario_legs.measure_1_value,
    scenario_legs.threshold_1_value,
    scenario_legs.measure_2_name,
    scenario_legs.measure_2_value,
    scenario_legs.threshold_2_value
  from triggers
  inner join scenario_legs
    on scenario_legs.scenario_id = triggers.scenario_id
    and scenario_legs.subject_id = triggers.subject_id
  where scenario_legs.leg_id = triggers.leg_id
    or (scenario_legs.event_at >= triggers.history_from_at and scenario_legs.event_at < triggers.triggered_at)
),

amounts as (
  select
    triggers.alert_id,
    legs.leg_id = triggers.leg_id as is_trigger,
    legs.amount_usd
  from triggers
  inner join {{ ref('int_transfer_legs') }} as legs
    on coalesce(legs.party_id, legs.account_id) = triggers.holder_id
    and legs.direction_code = triggers.direction_code
  where legs.leg_id = triggers.leg_id
    or (
      legs.status_code = 'completed'
      and legs.event_at >= triggers.history_from_at and legs.event_at < triggers.triggered_at
    )
),

turnovers as (
  select
    triggers.alert_id,
    peers.leg_id = triggers.leg_id as is_trigger,
    peers.turnover_usd_30d,
    peers.peer_p95_usd_30d
  from triggers
  inner join {{ ref('feat_transfer__peers') }} as peers
    on peers.party_id = triggers.party_id
  where peers.leg_id = triggers.leg_id
    or (peers.event_at >= triggers.history_from_at and peers.event_at < triggers.triggered_at)
),

stacked as (
  {%- for number in [1, 2] %}
  select
    alert_id,
    {{ number }} as feature_no,
    measure_{{ number }}_name as feature_code,
    is_trigger,
    measure_{{ number }}_value as value,
    threshold_{{ number }}_value as limit_value,
    cast(null as decimal(38,6)) as peer_value
  from judged
  where measure_{{ number }}_name is not null
  union all
  {%- endfor %}
  select
    alert_id,
    3 as feature_no,
    'transfer_amount_usd' as feature_code,
    is_trigger,
    cast(amount_usd as decimal(38,6)) as value,
    cast(null as decimal(38,6)) as limit_value,
    cast(null as decimal(38,6)) as peer_value
  from amounts
  union all
  select
    alert_id,
    4 as feature_no,
    'turnover_usd_30d' as feature_code,
    is_trigger,
    cast(turnover_usd_30d as decimal(38,6)) as value,
    cast(null as decimal(38,6)) as limit_value,
    cast(peer_p95_usd_30d as decimal(38,6)) as peer_value
  from turnovers
),

-- nearest rank: the smallest value that at least so many per cent of the values do not exceed
ranked as (
  select
    *,
    row_number() over (partition by alert_id, feature_no, is_trigger order by value) as rank_no,
    count(value) over (partition by alert_id, feature_no, is_trigger) as value_count
  from stacked
  where is_trigger or value is not null
),

described as (
  select
    alert_id,
    feature_no,
    max(case when is_trigger then feature_code end) as feature_code,
    max(case when is_trigger then value end) as value,
    max(case when is_trigger then limit_value end) as limit_value,
    max(case when is_trigger then peer_value end) as peer_value,
    count(case when not is_trigger then value end) as history_count,
    min(case when not is_trigger then value end) as usual_low_value,
    max(case when not is_trigger and 100 * (rank_no - 1) < 50 * value_count and 100 * rank_no >= 50 * value_count then value end) as usual_median_value,
    max(case when not is_trigger and 100 * (rank_no - 1) < 95 * value_count and 100 * rank_no >= 95 * value_count then value end) as usual_high_value
  from ranked
  group by alert_id, feature_no
)

select
  described.alert_id,
  cast(described.feature_no as int) as feature_no,
  described.feature_code,
  cast(
    case
      when described.feature_code like '%usd%' then 'USD'
      when described.feature_code like '%amount' then 'asset'
      when described.feature_code like '%days%' then 'days'
      when described.feature_code like '%years' then 'years'
      when described.feature_code like '%ratio' or described.feature_code like '%share' then 'ratio'
      when described.feature_code like '%zscore' then 'standard deviations'
      when described.feature_code in ('chi_square', 'match_score') then 'score'
      else 'count'
    end as string
  ) as unit,
  described.value as feature_value,
  described.limit_value,
  cast(described.history_count as bigint) as history_count,
  described.usual_low_value,
  described.usual_median_value,
  described.usual_high_value,
  described.peer_value,
  alerts.raised_as_of_at
from described
inner join alerts
  on alerts.alert_id = described.alert_id
where described.feature_code is not null
