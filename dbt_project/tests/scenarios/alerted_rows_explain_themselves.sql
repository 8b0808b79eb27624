{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_scenario_outcomes'}}}) }}
-- An alerted row without its sentence, its transfers or the time they were known could not be investigated.
select scenario_id, leg_id
from (
  {{ scenario_rows(['scenario_id', 'leg_id', 'outcome_code', 'reason_text', 'evidence_transfer_ids', 'evidence_known_at', 'evidence_end_at', 'parameter_set_id']) }}
) as scenario_rows
where outcome_code = 'alerted'
  and (reason_text is null or evidence_transfer_ids is null or evidence_known_at is null or evidence_end_at is null or parameter_set_id is null)
