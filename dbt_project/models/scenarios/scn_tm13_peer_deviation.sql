with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, turnover_usd_30d, peer_count, peer_turnover_usd_30d, peer_mean_usd_30d, peer_p95_usd_30d, peer_p99_usd_30d
  from {{ ref('feat_transfer__peers') }}
),

parameters as (
  {{ scenario_parameters('TM13', ['min_mean_ratio', 'percentile', 'min_turnover_usd', 'min_peers', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'features.turnover_usd_', ['30d']) }} as turnover_usd,
    features.peer_count,
    features.peer_turnover_usd_30d as peer_turnover_usd,
    features.peer_mean_usd_30d as peer_mean_usd,
    {{ feature_of_percentile('parameters.percentile', 'features.peer_p', '_usd_30d', ['95', '99']) }} as peer_percentile_usd,
    parameters.parameter_set_id,
    parameters.min_mean_ratio,
    parameters.percentile,
    parameters.min_turnover_usd,
    parameters.min_peers,
    cast(parameters.window_hours as integer) as window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join features
    on features.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

reasoned as (
  select
    *,
    case
      when transfer_type_code = 'trade' then 'trade'
      when status_code is distinct from 'completed' then 'not_completed'
      when is_own_transfer then 'own_transfer'
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_mean_ratio is null or percentile is null or min_turnover_usd is null or min_peers is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when turnover_usd is null then 'window_not_available'
      when segment_code is null then 'no_kyc'
      when turnover_usd < min_turnover_usd then 'below_minimum_amount'
      when peer_count < min_peers or peer_count = 0 then 'no_peers'
      when peer_percentile_usd is null then 'window_not_available'
      when cast(peer_count as decimal(10,0)) * cast(turnover_usd as decimal(22,2)) >= cast(min_mean_ratio as decimal(9,4)) * cast(peer_turnover_usd as decimal(24,2))
        and turnover_usd >= peer_percentile_usd then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, party_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select party_id as group_key, transfer_id, event_at, event_date, known_at
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  select
    alerted_leg_id,
    {{ list_text('transfer_id') }} as evidence_transfer_ids,
    max(known_at) as evidence_known_at,
    max(event_at) as evidence_end_at
  from pairs
  group by alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    {{ decimal_ratio('cast(reasoned.turnover_usd as decimal(22,2)) * cast(reasoned.peer_count as decimal(10,0))', 'reasoned.peer_turnover_usd') }} as measure_1_value,
    reasoned.turnover_usd as measure_2_value,
    reasoned.min_mean_ratio as threshold_1_value,
    reasoned.peer_percentile_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.turnover_usd', 2) }} || ' USD moved within ' || {{ number_text('reasoned.window_hours') }} || ' hours; the ' || {{ number_text('reasoned.peer_count') }} || ' other customers of segment '
      || reasoned.segment_code || ' moved ' || {{ number_text('reasoned.peer_mean_usd', 2) }} || ' USD on average and ' || {{ number_text('reasoned.peer_percentile_usd', 2) }} || ' USD at the '
      || {{ percent_text('reasoned.percentile') }} || ' percentile (limits: ' || {{ number_text('reasoned.min_mean_ratio', 1) }} || ' times the average, that percentile, and '
      || {{ number_text('reasoned.min_turnover_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at as evidence_known_at,
    evidence.evidence_end_at as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM13', ['turnover_to_peer_mean_ratio', 'turnover_usd']) }}
from final
