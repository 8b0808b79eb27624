{{ config(meta={'owner': 'data-engineering@plumbline.example', 'dagster': {'ref': {'name': 'fct_feed_reconciliation'}}}) }}
-- depends_on: {{ ref('fct_kris') }} {{ ref('fct_feed_totals') }} {{ ref('fct_reconciliation_breaks') }}, so that the run fails, but not before the accounting shows it
-- Promise 1: every record that a source says it delivered is in raw or rejected, staged or superseded, monitored or out of
-- scope with a reason; amounts and record hashes agree. Each row returned is a break.
select *
from {{ ref('fct_feed_reconciliation') }}
where not is_reconciled
