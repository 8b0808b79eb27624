{%- set percentiles = [95, 99] -%}
with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'segment_code', 'amount_usd']) }}
),

own as (
  select
    *,
    cast(coalesce(sum(amount_usd) over ({{ rolling('party_id', '30 days') }}), 0) as decimal(38,2)) as turnover_usd_30d,
    {{ days_after('event_date', '-1') }} as day_before
  from legs
),

active as (
  select party_id, segment_code, event_date, turnover_usd_30d
  from {{ ref('feat_party_day__activity') }}
  where turnover_usd_30d > 0 and segment_code is not null
),

ranked as (
  select
    segment_code,
    event_date,
    turnover_usd_30d,
    row_number() over (partition by segment_code, event_date order by turnover_usd_30d, party_id) as rank_no,
    count(*) over (partition by segment_code, event_date) as active_count
  from active
),

-- Nearest rank. A party that is itself in the list is left out by moving up one rank when it stands at or below the rank that the
-- list without it needs; rank k is the smallest with 100 k >= percentile x number.
segments as (
  select
    segment_code,
    event_date,
    max(active_count) as active_count,
    sum(turnover_usd_30d) as active_turnover_usd
    {%- for p in percentiles %},
    max(case when 100 * rank_no >= {{ p }} * active_count and 100 * (rank_no - 1) < {{ p }} * active_count then turnover_usd_30d end) as p{{ p }}_of_all,
    max(case when 100 * rank_no >= {{ p }} * (active_count - 1) and 100 * (rank_no - 1) < {{ p }} * (active_count - 1) then turnover_usd_30d end) as p{{ p }}_at,
    max(case when 100 * (rank_no - 1) >= {{ p }} * (active_count - 1) and 100 * (rank_no - 2) < {{ p }} * (active_count - 1) then turnover_usd_30d end) as p{{ p }}_next
    {%- endfor %}
  from ranked
  group by segment_code, event_date
),

compared as (
  select
    own.*,
    segments.active_count - case when active.party_id is not null then 1 else 0 end as peer_count,
    segments.active_turnover_usd - coalesce(active.turnover_usd_30d, 0) as peer_turnover_usd
    {%- for p in percentiles %},
    case
      when active.party_id is null then segments.p{{ p }}_of_all
      when active.turnover_usd_30d <= segments.p{{ p }}_at then segments.p{{ p }}_next
      else segments.p{{ p }}_at
    end as peer_p{{ p }}_usd_30d
    {%- endfor %}
  from own
  left join segments
    on segments.segment_code = own.segment_code
    and segments.event_date = own.day_before
  left join active
    on active.party_id = own.party_id
    and active.segment_code = own.segment_code
    and active.event_date = own.day_before
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  segment_code,
  turnover_usd_30d,
  cast(coalesce(peer_count, 0) as bigint) as peer_count,
  cast(coalesce(peer_turnover_usd, 0) as decimal(38,2)) as peer_turnover_usd_30d,
  {{ decimal_ratio('peer_turnover_usd', 'peer_count') }} as peer_mean_usd_30d
  {%- for p in percentiles %},
  cast(peer_p{{ p }}_usd_30d as decimal(38,2)) as peer_p{{ p }}_usd_30d
  {%- endfor %}
from compared
