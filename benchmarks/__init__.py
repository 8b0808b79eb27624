"""Measurements of the performance goals, each as a ratio against its baseline side by side in one run.

Belongs here: synthetic data by seed, the baselines, timing, the page of results. Not here: what is measured (ingestion,
dbt_project, orchestration) and tests that time anything (there are none; a shared machine would make them lie).
"""
