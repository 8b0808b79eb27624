{{ config(meta={'owner': 'data-engineering@plumbline.example'}) }}
-- Rows of an extract for which no source has stated a total have nothing to be reconciled with.
select *
from {{ ref('int_feed_rows') }}
where delivery_date is null
