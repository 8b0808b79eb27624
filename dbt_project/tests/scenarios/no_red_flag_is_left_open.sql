{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_red_flag_coverage'}}}) }}
-- Each published red flag is answered by a scenario, covered elsewhere, or a gap that somebody accepted, with a reason.
select red_flag_id
from {{ ref('fct_red_flag_coverage') }}
where coverage_code = 'open_gap'
