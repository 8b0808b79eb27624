with edges as (
  {{ network_edges('TM26', ['chain_hops', 'hop_hours', 'min_pass_ratio', 'max_pass_ratio', 'max_receiver_degree'], {'chain_hops': chain_lengths()}) }}
),

walked as (
  select * from edges where early_reason is null and from_node <> to_node
),

{%- set change %}
{{ passed_on() }} and next_edge.to_degree_30d <= first_edge.max_receiver_degree
{%- endset %}

-- what came, and the change that went on to somebody new
hops as (
  {{ money_hops('walked', 'hop_hours', change) }}
),

handed_on as (
  select
    hops.first_id || '>' || hops.next_id as leg_id,
    hops.first_id,
    hops.next_id,
    hops.via_node as group_key,
    hops.to_node,
    hops.first_usd - hops.next_usd as left_usd,
    hops.first_at as event_at,
    cast(hops.first_at as date) as event_date,
    walked.hop_hours
  from hops
  inner join walked
    on walked.transfer_id = hops.first_id
),

-- a busy service may be what is paid, and the amount may be small
payments as (
  select from_node as group_key, to_node, transfer_id as peel_id, amount_usd, event_at, event_date
  from edges
  where from_node <> to_node and from_node in (select group_key from handed_on)
),

around as (
  {{ window_pairs('handed_on', 'payments', '0', 'alerted.hop_hours') }}
),

-- the peel: another receiver got no more than the change left over
peels as (
  select
    handed_on.first_id,
    handed_on.next_id,
    around.peel_id
  from around
  inner join handed_on
    on handed_on.leg_id = around.alerted_leg_id
  where around.to_node <> handed_on.to_node
    and around.peel_id <> handed_on.first_id
    and around.amount_usd <= handed_on.left_usd
),

peeled as (
  select distinct first_id, next_id from peels
),

chains as (
  select
    one.first_id,
    one.next_id as second_id,
    two.next_id as third_id,
    three.next_id as fourth_id,
    four.next_id as fifth_id,
    one.first_id || ';' || one.next_id || ';' || two.next_id || ';' || three.next_id || ';' || four.next_id as pattern_id
  from peeled as one
  inner join peeled as two
    on two.first_id = one.next_id
  inner join peeled as three
    on three.first_id = two.next_id
  inner join peeled as four
    on four.first_id = three.next_id
),

links as (
  {%- for first, second in [('first', 'second'), ('second', 'third'), ('third', 'fourth'), ('fourth', 'fifth')] %}
  select pattern_id, {{ first }}_id as first_id, {{ second }}_id as next_id from chains
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

chained as (
  select pattern_id, first_id as transfer_id from links
  union
  select pattern_id, next_id as transfer_id from links
),

members as (
  select pattern_id, transfer_id from chained
  union
  select links.pattern_id, peels.peel_id as transfer_id
  from links
  inner join peels
    on peels.first_id = links.first_id
    and peels.next_id = links.next_id
),

chain_counts as (
  select transfer_id, count(*) as chain_count from chained group by transfer_id
),

found as (
  {{ pattern_findings('members', 'edges') }}
),

-- peels are evidence; what alerts is the money that goes on
findings as (
  select found.*
  from found
  inner join chain_counts
    on chain_counts.transfer_id = found.transfer_id
),

reasoned as (
  {{ network_legs('edges', 'findings', ['edges.chain_hops', 'edges.hop_hours', 'edges.min_pass_ratio', 'edges.max_pass_ratio']) }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    coalesce(reasoned.evidence_start_at, reasoned.event_at) as window_start_at,
    coalesce(reasoned.evidence_end_at, reasoned.event_at) as window_end_at,
    coalesce(chain_counts.chain_count, 0) as measure_1_value,
    reasoned.evidence_count as measure_2_value,
    1 as threshold_1_value,
    reasoned.chain_hops as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A transfer of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is one of ' || {{ number_text('reasoned.evidence_count') }}
      || ' that make up ' || {{ number_text('chain_counts.chain_count') }} || ' chain(s) of ' || {{ number_text('reasoned.chain_hops') }}
      || ' transfers: each goes to somebody new within ' || {{ number_text('reasoned.hop_hours') }} || ' hours, is between '
      || {{ percent_text('reasoned.min_pass_ratio') }} || ' and ' || {{ percent_text('reasoned.max_pass_ratio') }}
      || ' of the one before, and some of the difference is peeled off to others.'
    end as reason_text
  from reasoned
  left join chain_counts
    on chain_counts.transfer_id = reasoned.transfer_id
)

select
  {{ scenario_standard_columns('TM26', ['chains', 'transfers_of_them']) }}
from final
