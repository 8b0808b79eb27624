{{ config(meta={'owner': 'data-engineering@plumbline.example', 'dagster': {'ref': {'name': 'int_feed_rows'}}}) }}
-- depends_on: {{ ref('fct_kris') }} {{ ref('fct_feed_totals') }} {{ ref('fct_reconciliation_breaks') }}, so that the run fails, but not before the accounting shows it
-- Rows of an extract for which no source has stated a total have nothing to be reconciled with.
select *
from {{ ref('int_feed_rows') }}
where delivery_date is null
