{#- The latest screening of each subject that Elliptic analysed, over all of its analyses. -#}
{%- macro latest_elliptic_analyses() -%}
select *
from {{ ref('stg_elliptic__analyses') }}
qualify row_number() over (
  partition by subject_type_code, coalesce(subject_id, analysis_id)
  order by known_at desc, analysed_at desc, analysis_id desc, screening_id desc
) = 1
{%- endmacro -%}

{#- What one vendor has screened, exposed and judged; a relation to join. -#}
{%- macro screenings_by(vendor) -%}
(select * from {{ ref('int_transfer_screenings') }} where vendor_code = '{{ vendor }}')
{%- endmacro -%}

{%- macro exposed_by(vendor, condition='true') -%}
(select distinct transfer_id from {{ ref('int_exposures') }} where vendor_code = '{{ vendor }}' and {{ condition }})
{%- endmacro -%}

{%- macro judged_by(vendor, subject_type=none) -%}
(select * from {{ ref('int_vendor_judgements') }} where vendor_code = '{{ vendor }}'{% if subject_type %} and subject_type_code = '{{ subject_type }}'{% endif %})
{%- endmacro -%}

{#- What a user sent to and received from an entity, however: the sum that control totals of chainalysis.user_exposures hold. -#}
{%- macro user_exposure(alias) -%}
coalesce({{ alias }}.sent_direct_usd, 0) + coalesce({{ alias }}.sent_indirect_usd, 0) + coalesce({{ alias }}.received_direct_usd, 0) + coalesce({{ alias }}.received_indirect_usd, 0)
{%- endmacro -%}
