"""Dagster: when and in which order the other packages work. No business rule lives here."""

from orchestration.telemetry import switch_off

switch_off()
