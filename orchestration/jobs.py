"""The jobs.

Belongs here: what runs together. Not here: when (automation.py), and the look-back (look_back/job.py).
"""

from dagster import AssetSelection, define_asset_job, in_process_executor

refresh_warehouse = define_asset_job(
    "refresh_warehouse",
    selection=AssetSelection.all(),
    description=(
        "The main job: loads what every feed delivered, builds and checks the warehouse, raises alerts, and publishes "
        "the marts where nothing blocking failed."
    ),
)

# One process a run: one writer on the warehouse file, and no second start of Python for every asset.
executor = in_process_executor
