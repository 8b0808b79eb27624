{%- set measures = ['turnover_usd', 'largest_usd', 'transfer_count', 'counterparty_count'] -%}
with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

this_month as (
  select cast(date_trunc('month', cast(as_of_date as timestamp)) as date) as month_date
  from {{ ref('stg_control__as_of') }}
),

parameters as (
  {{ scenario_parameters('TM46', ['top_count', 'min_score', 'min_peers', 'mad_scale']) }}
),

screened as (
  select
    legs.*,
    cast(date_trunc('month', cast(legs.event_date as timestamp)) as date) as month_date,
    parameters.parameter_set_id,
    parameters.top_count,
    parameters.min_score,
    parameters.min_peers,
    parameters.mad_scale,
    case
      when legs.transfer_type_code = 'trade' then 'trade'
      when legs.status_code is distinct from 'completed' then 'not_completed'
      when own_transfers.transfer_id is not null then 'own_transfer'
      when legs.party_id is null or legs.segment_code is null then 'no_kyc'
      when legs.amount_usd is null then 'no_valuation'
      when parameters.parameter_set_id is null or parameters.top_count is null or parameters.min_score is null
        or parameters.min_peers is null or parameters.mad_scale is null then 'no_parameter'
    end as early_reason
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

-- a month is judged when it is over: before that every new transfer would change the order
judged as (
  select screened.*
  from screened
  cross join this_month
  where screened.early_reason is null and screened.month_date < this_month.month_date
),

party_months as (
  select
    month_date,
    segment_code,
    party_id,
    cast(sum(amount_usd) as decimal(38,2)) as turnover_usd,
    cast(max(amount_usd) as decimal(38,2)) as largest_usd,
    cast(count(*) as decimal(38,2)) as transfer_count,
    cast(count(distinct counterparty_id) as decimal(38,2)) as counterparty_count
  from judged
  group by month_date, segment_code, party_id
),

measured as (
  {%- for measure in measures %}
  select month_date, segment_code, party_id, '{{ measure }}' as measure_code, {{ measure }} as measure_value from party_months
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

ranked as (
  select
    *,
    row_number() over (partition by month_date, segment_code, measure_code order by measure_value, party_id) as rank_no,
    count(*) over (partition by month_date, segment_code, measure_code) as party_count
  from measured
),

-- the median is the nearest rank from below, so that it is a value that somebody had
medians as (
  select
    month_date,
    segment_code,
    measure_code,
    party_count,
    max(case when 2 * rank_no >= party_count and 2 * (rank_no - 1) < party_count then measure_value end) as median_value
  from ranked
  group by month_date, segment_code, measure_code, party_count
),

deviations as (
  select
    measured.*,
    medians.party_count,
    medians.median_value,
    measured.measure_value - medians.median_value as deviation,
    row_number() over (
      partition by measured.month_date, measured.segment_code, measured.measure_code
      order by abs(measured.measure_value - medians.median_value), measured.party_id
    ) as rank_no
  from measured
  inner join medians
    on medians.month_date = measured.month_date
    and medians.segment_code = measured.segment_code
    and medians.measure_code = measured.measure_code
),

spreads as (
  select
    month_date,
    segment_code,
    measure_code,
    max(case when 2 * rank_no >= party_count and 2 * (rank_no - 1) < party_count then abs(deviation) end) as spread
  from deviations
  group by month_date, segment_code, measure_code
),

-- what stands out most of a party's month: the number of spreads above the median, null where all are alike
scored as (
  select
    deviations.month_date,
    deviations.segment_code,
    deviations.party_id,
    deviations.party_count,
    deviations.measure_code,
    deviations.measure_value,
    deviations.median_value,
    {{ decimal_ratio('greatest(deviations.deviation, 0)', 'spreads.spread') }} as spreads_above
  from deviations
  inner join spreads
    on spreads.month_date = deviations.month_date
    and spreads.segment_code = deviations.segment_code
    and spreads.measure_code = deviations.measure_code
  qualify row_number() over (
    partition by deviations.month_date, deviations.segment_code, deviations.party_id
    order by coalesce({{ decimal_ratio('greatest(deviations.deviation, 0)', 'spreads.spread') }}, -1) desc, {{ rank_of('deviations.measure_code', measures) }}
  ) = 1
),

placed as (
  select
    scored.*,
    party_months.turnover_usd,
    row_number() over (
      partition by scored.month_date, scored.segment_code
      order by coalesce(scored.spreads_above, -1) desc, party_months.turnover_usd desc, scored.party_id
    ) as place_no
  from scored
  inner join party_months
    on party_months.month_date = scored.month_date
    and party_months.segment_code = scored.segment_code
    and party_months.party_id = scored.party_id
),

-- one leg stands for the month, the largest
standing as (
  select leg_id
  from judged
  qualify row_number() over (
    partition by month_date, segment_code, party_id order by amount_usd desc, event_at, leg_id
  ) = 1
),

evidence as (
  select
    month_date,
    segment_code,
    party_id,
    {{ list_text('transfer_id') }} as evidence_transfer_ids,
    max(known_at) as evidence_known_at,
    min(event_at) as evidence_start_at,
    max(event_at) as evidence_end_at
  from (
    select distinct judged.month_date, judged.segment_code, judged.party_id, judged.transfer_id, judged.known_at, judged.event_at
    from judged
    inner join (select max(top_count) as top_count from parameters) as most
      on true
    inner join placed
      on placed.month_date = judged.month_date
      and placed.segment_code = judged.segment_code
      and placed.party_id = judged.party_id
    where placed.place_no <= most.top_count
  ) as transfers
  group by month_date, segment_code, party_id
),

reasoned as (
  select
    screened.*,
    placed.party_count,
    placed.measure_code,
    placed.measure_value,
    placed.median_value,
    placed.place_no,
    cast(placed.spreads_above as decimal(24,6)) * cast(screened.mad_scale as decimal(9,6)) as score,
    case
      when screened.early_reason is not null then screened.early_reason
      when placed.party_id is null then 'window_open'
      when placed.party_count < screened.min_peers then 'no_peers'
      when placed.spreads_above is null then 'no_variance'
      when standing.leg_id is not null and placed.place_no <= screened.top_count
        and cast(placed.spreads_above as decimal(24,6)) * cast(screened.mad_scale as decimal(9,6)) >= screened.min_score then 'alerted'
      else 'below_threshold'
    end as reason
  from screened
  left join placed
    on placed.month_date = screened.month_date
    and placed.segment_code = screened.segment_code
    and placed.party_id = screened.party_id
  left join standing
    on standing.leg_id = screened.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    cast(reasoned.month_date as timestamp) as window_start_at,
    greatest(case when reasoned.reason = 'alerted' then evidence.evidence_end_at else reasoned.event_at end, cast(reasoned.month_date as timestamp)) as window_end_at,
    reasoned.score as measure_1_value,
    reasoned.place_no as measure_2_value,
    reasoned.min_score as threshold_1_value,
    reasoned.top_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'Number ' || {{ number_text('reasoned.place_no') }} || ' of ' || {{ number_text('reasoned.party_count') }} || ' customers of segment '
      || reasoned.segment_code || ' in the month from ' || cast(reasoned.month_date as string) || ' on by what stands out most: '
      || replace(reasoned.measure_code, '_', ' ') || ' of ' || {{ number_text('reasoned.measure_value', 2) }} || ' against a median of '
      || {{ number_text('reasoned.median_value', 2) }} || ', ' || {{ number_text('reasoned.score', 1) }} || ' robust deviations above it (limits: the first '
      || {{ number_text('reasoned.top_count') }} || ', from ' || {{ number_text('reasoned.min_score', 1) }} || ' deviations on).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then evidence.evidence_transfer_ids end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then evidence.evidence_known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then evidence.evidence_end_at end as evidence_end_at
  from reasoned
  left join evidence
    on evidence.month_date = reasoned.month_date
    and evidence.segment_code = reasoned.segment_code
    and evidence.party_id = reasoned.party_id
)

select
  {{ scenario_standard_columns('TM46', ['robust_score', 'place'], "cast(month_date as string)") }}
from final
