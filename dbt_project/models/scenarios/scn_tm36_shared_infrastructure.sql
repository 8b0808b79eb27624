with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, device, device_party_count_30d, ip, ip_party_count_30d, bank_account, bank_account_party_count_30d, payout_address,
    payout_address_party_count_30d, shared_party_count_30d
  from {{ ref('feat_transfer__shared') }}
),

parameters as (
  {{ scenario_parameters('TM36', ['min_parties', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.device,
    {{ feature_of_window('parameters.window_hours', 'features.device_party_count_', ['30d']) }} as device_party_count,
    features.ip,
    {{ feature_of_window('parameters.window_hours', 'features.ip_party_count_', ['30d']) }} as ip_party_count,
    features.bank_account,
    {{ feature_of_window('parameters.window_hours', 'features.bank_account_party_count_', ['30d']) }} as bank_account_party_count,
    features.payout_address,
    {{ feature_of_window('parameters.window_hours', 'features.payout_address_party_count_', ['30d']) }} as payout_address_party_count,
    {{ feature_of_window('parameters.window_hours', 'features.shared_party_count_', ['30d']) }} as party_count,
    features.shared_party_count_30d is not null as has_identifier,
    parameters.parameter_set_id,
    parameters.min_parties,
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
      when rail_code = 'internal' then 'internal'
      when party_id is null then 'no_kyc'
      when parameter_set_id is null or min_parties is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when not has_identifier then 'no_identifier'
      when party_count is null then 'window_not_available'
      when party_count >= min_parties then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

{%- set kinds = ['device', 'ip', 'bank_account', 'payout_address'] %}

-- a leg is evidence through what it shares, and may share several things
alerted as (
  {%- for kind in kinds %}
  select leg_id, event_at, event_date, window_hours, '{{ kind }}|' || {{ kind }} as group_key
  from reasoned
  where reason = 'alerted' and {{ kind }}_party_count >= min_parties
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

candidates as (
  {%- for kind in kinds %}
  select transfer_id, event_at, event_date, known_at, '{{ kind }}|' || {{ kind }} as group_key
  from reasoned
  where {{ kind }} is not null
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  {{ evidence_of_pairs('pairs') }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.party_count as measure_1_value,
    cast(null as decimal(38,6)) as measure_2_value,
    reasoned.min_parties as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'Shared within ' || {{ number_text('reasoned.window_hours') }} || ' hours by customers who have nothing else in common: ' || concat_ws(
        ', ',
        case when reasoned.device_party_count >= reasoned.min_parties then 'a device by ' || {{ number_text('reasoned.device_party_count') }} end,
        case when reasoned.ip_party_count >= reasoned.min_parties then 'an IP address by ' || {{ number_text('reasoned.ip_party_count') }} end,
        case when reasoned.bank_account_party_count >= reasoned.min_parties then 'a bank account by ' || {{ number_text('reasoned.bank_account_party_count') }} end,
        case when reasoned.payout_address_party_count >= reasoned.min_parties then 'a payout address by ' || {{ number_text('reasoned.payout_address_party_count') }} end
      ) || ' (limit: ' || {{ number_text('reasoned.min_parties') }} || ').'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM36', ['party_count']) }}
from final
