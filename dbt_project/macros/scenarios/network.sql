{#- Patterns in the money graph (int_money_edges). What all of them share:
    - a transfer is judged by the parameters in force for its paying side, or for the receiving side where the payer is not ours,
      and so is the hop from it to the next transfer;
    - a transfer with an end of more than max_degree transfers in the 30 days up to it is cut (hub_cut): what passes through an
      exchange's hot wallet says nothing about who paid whom, and joins over it do not end;
    - a transfer of less than min_amount_usd takes no part (below_minimum_amount). -#}

{#- Every edge with the parameters wanted as columns, and what keeps it out. codes: parameters beside max_degree and
    min_amount_usd; lengths: for a parameter that counts transfers or nodes of a pattern of fixed form, {code: values there are}. -#}
{%- macro network_edges(scenario_id, codes, lengths={}) -%}
select
  edges.transfer_id,
  edges.from_node,
  edges.to_node,
  edges.event_at,
  edges.event_date,
  edges.amount_usd,
  edges.to_degree_30d,
  edges.known_at,
  parameters.parameter_set_id,
  parameters.max_degree,
  parameters.min_amount_usd,
  {%- for code in codes %}
  {% if code.endswith('_hours') %}cast(parameters.{{ code }} as integer) as {{ code }}{% else %}parameters.{{ code }}{% endif %},
  {%- endfor %}
  case
    when parameters.parameter_set_id is null
      {%- for code in ['max_degree', 'min_amount_usd'] + codes %} or parameters.{{ code }} is null{% endfor %} then 'no_parameter'
    {%- for code, values in lengths.items() %}
    when parameters.{{ code }} not in ({{ values | join(', ') }}) then 'window_not_available'
    {%- endfor %}
    when edges.amount_usd < parameters.min_amount_usd then 'below_minimum_amount'
    when edges.from_degree_30d > parameters.max_degree or edges.to_degree_30d > parameters.max_degree then 'hub_cut'
  end as early_reason
from {{ ref('int_money_edges') }} as edges
left join (
  {{ scenario_parameters(scenario_id, ['max_degree', 'min_amount_usd'] + codes) }}
) as parameters
  on {{ on_scenario_parameters('edges', 'parameters') }}
{%- endmacro -%}

{#- Whole number of the span of so many hours in which an instant lies: instants at most a span apart are in the same or in
    neighbouring ones. -#}
{%- macro span_number(instant, hours) -%}
cast(floor({{ seconds_between("timestamp '1970-01-01 00:00:00'", instant) }} / ({{ hours }} * 3600.0)) as bigint)
{%- endmacro -%}

{#- Each transfer with each that its receiver sent on at the same instant or up to `hours` (a column of the edges) later, as an
    equi-join on node and span with the exact window applied afterwards, so that a busy node does not become a cross product.
    edges: relation as network_edges() makes it, without what is kept out. kept: what must hold between `first_edge` and `next_edge`. -#}
{%- macro money_hops(edges, hours, kept) -%}
select
  first_edge.transfer_id as first_id,
  next_edge.transfer_id as next_id,
  first_edge.from_node,
  first_edge.to_node as via_node,
  next_edge.to_node,
  first_edge.event_at as first_at,
  next_edge.event_at as next_at,
  first_edge.amount_usd as first_usd,
  next_edge.amount_usd as next_usd
from (
  select
    edges.*,
    {{ span_number('edges.event_at', 'widest.hours') }} + spans.span_offset as span_no
  from {{ edges }} as edges
  cross join (select max({{ hours }}) as hours from {{ edges }}) as widest
  cross join (select 0 as span_offset union all select 1 as span_offset) as spans
) as first_edge
inner join (
  select
    edges.*,
    {{ span_number('edges.event_at', 'widest.hours') }} as span_no
  from {{ edges }} as edges
  cross join (select max({{ hours }}) as hours from {{ edges }}) as widest
) as next_edge
  on next_edge.from_node = first_edge.to_node
  and next_edge.span_no = first_edge.span_no
where next_edge.transfer_id <> first_edge.transfer_id
  and next_edge.event_at between first_edge.event_at and {{ hours_after('first_edge.event_at', 'first_edge.' ~ hours) }}
  and {{ kept }}
{%- endmacro -%}

{#- Whether an amount is at least (at most) a share of another one, exactly. -#}
{%- macro at_least_share(amount, share, whole) -%}
cast({{ amount }} as decimal(24,2)) >= cast({{ share }} as decimal(9,6)) * cast({{ whole }} as decimal(22,2))
{%- endmacro -%}
{%- macro at_most_share(amount, share, whole) -%}
cast({{ amount }} as decimal(24,2)) <= cast({{ share }} as decimal(9,6)) * cast({{ whole }} as decimal(22,2))
{%- endmacro -%}

{#- What a transfer hands on is between two shares of it: for `kept` of money_hops(). -#}
{%- macro passed_on() -%}
{{ at_least_share('next_edge.amount_usd', 'first_edge.min_pass_ratio', 'first_edge.amount_usd') }}
  and {{ at_most_share('next_edge.amount_usd', 'first_edge.max_pass_ratio', 'first_edge.amount_usd') }}
{%- endmacro -%}

{#- One row per transfer on a pattern: the transfers of all patterns it lies on, when they happened and became known.
    members: relation of pattern_id and transfer_id; edges: relation as network_edges() makes it. -#}
{%- macro pattern_findings(members, edges) -%}
select
  pairs.transfer_id,
  {{ list_text('pairs.other_id') }} as evidence_transfer_ids,
  count(*) as evidence_count,
  min(edges.event_at) as evidence_start_at,
  max(edges.event_at) as evidence_end_at,
  max(edges.known_at) as evidence_known_at
from (
  select distinct
    mine.transfer_id,
    others.transfer_id as other_id
  from {{ members }} as mine
  inner join {{ members }} as others
    on others.pattern_id = mine.pattern_id
) as pairs
inner join {{ edges }} as edges
  on edges.transfer_id = pairs.other_id
group by pairs.transfer_id
{%- endmacro -%}

{#- One row per transfer on a pattern: the largest of each measure over the patterns it lies on. members: relation of pattern_id
    and transfer_id; patterns: relation of pattern_id and the measures. -#}
{%- macro largest_of_patterns(members, patterns, measures) -%}
select
  members.transfer_id,
  {%- for measure in measures %}
  max(patterns.{{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
  {%- endfor %}
from {{ members }} as members
inner join {{ patterns }} as patterns
  on patterns.pattern_id = members.pattern_id
group by members.transfer_id
{%- endmacro -%}

{#- Every leg of the population with its edge, what was found on it, and its one reason. edges, findings: relations as
    network_edges() and pattern_findings() make them; a finding's own columns come along. -#}
{%- macro network_legs(edges, findings, columns) -%}
select
  legs.*,
  edges.parameter_set_id,
  {%- for column in columns %}
  {{ column }},
  {%- endfor %}
  findings.evidence_transfer_ids,
  findings.evidence_count,
  findings.evidence_start_at,
  findings.evidence_end_at,
  findings.evidence_known_at,
  case
    when legs.transfer_type_code = 'trade' then 'trade'
    when legs.status_code is distinct from 'completed' then 'not_completed'
    when own_transfers.transfer_id is not null then 'own_transfer'
    when edges.transfer_id is null and legs.party_id is null and legs.account_id is null then 'no_kyc'
    when edges.transfer_id is null and legs.counterparty_id is null then 'no_counterparty'
    when edges.transfer_id is null and legs.amount_usd is null then 'no_valuation'
    when edges.transfer_id is null then 'feature_missing'
    when edges.early_reason is not null then edges.early_reason
    when findings.transfer_id is not null then 'alerted'
    else 'below_threshold'
  end as reason
from {{ ref('int_transfer_legs') }} as legs
left join (
  {{ own_transfers() }}
) as own_transfers
  on own_transfers.transfer_id = legs.transfer_id
left join {{ edges }} as edges
  on edges.transfer_id = legs.transfer_id
left join {{ findings }} as findings
  on findings.transfer_id = legs.transfer_id
{%- endmacro -%}

{#- The lengths there are, in transfers: of a layering path, and of a round trip with the relation that holds its walks. -#}
{%- macro path_lengths() -%}{{ return([3]) }}{%- endmacro -%}
{%- macro cycle_lengths() -%}{{ return([2, 3, 4]) }}{%- endmacro -%}
{%- macro cycle_walks() -%}{{ return([('walks_of_two', 2), ('walks_of_three', 3), ('walks_of_four', 4)]) }}{%- endmacro -%}

{#- The length of a peel chain that there is, in transfers. -#}
{%- macro chain_lengths() -%}{{ return([5]) }}{%- endmacro -%}

{#- How often the neighbours of neighbours are added to a community: so many doublings reach 2 ^ so many transfers far. -#}
{%- macro community_doublings() -%}{{ return(4) }}{%- endmacro -%}
