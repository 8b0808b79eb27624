{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_scenario_population'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- The scenarios of the seed, the models in the folder and var scenario_models are the same set: a scenario that is missing
-- from one of them would be missing from the accounting as well.
{% set built = [] -%}
{% if execute %}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] == 'scenarios' and node.name.startswith('scn_') -%}
    {%- do built.append(node.name) -%}
  {%- endfor -%}
{% endif %}
with named as (
  select model_name, 'seed' as place from {{ ref('scenarios') }}
  {%- for name in built %}
  union all
  select '{{ name }}' as model_name, 'folder' as place
  {%- endfor %}
  {%- for name in var('scenario_models') %}
  union all
  select '{{ name }}' as model_name, 'variable' as place
  {%- endfor %}
)

select model_name
from named
group by model_name
having count(distinct place) <> 3 or count(*) <> 3
