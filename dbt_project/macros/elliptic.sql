{#- The latest screening of each subject that Elliptic analysed, over all of its analyses. -#}
{%- macro latest_elliptic_analyses() -%}
select *
from {{ ref('stg_elliptic__analyses') }}
qualify row_number() over (
  partition by subject_type_code, coalesce(subject_id, analysis_id)
  order by known_at desc, analysed_at desc, analysis_id desc, screening_id desc
) = 1
{%- endmacro -%}
