"""What Dagster loads: all definitions, put together. Policy that applies to all of them is stated here, once."""

from dagster import Definitions
from dagster_dlt import DagsterDltResource

from orchestration.home import prepare_home

prepare_home()  # the assets below read the manifest that lies in the data directory

from orchestration import automation, freshness, jobs  # noqa: E402
from orchestration.asset_checks import all_contract_checks  # noqa: E402
from orchestration.assets.feeds import feeds  # noqa: E402
from orchestration.assets.published import published_dashboard, published_marts, published_postgres  # noqa: E402
from orchestration.assets.warehouse import project, warehouse_assets  # noqa: E402
from orchestration.dbt import EXECUTABLE  # noqa: E402
from orchestration.look_back.job import look_back  # noqa: E402
from orchestration.resources import Dbt, Notifier, Warehouse  # noqa: E402

assets = [*feeds, warehouse_assets, published_marts, published_postgres, published_dashboard]

defs = Definitions(
    assets=assets,
    asset_checks=[
        *freshness.checks,
        *all_contract_checks({key for definition in assets for key in definition.keys}),
    ],
    jobs=[jobs.refresh_warehouse, look_back],
    schedules=[automation.daily_refresh],
    sensors=[automation.failed_runs, automation.failed_checks, automation.dead_runs],
    resources={
        "warehouse": Warehouse(),
        "dbt": Dbt(project_dir=project, target=project.target, dbt_executable=EXECUTABLE),
        "dlt": DagsterDltResource(),
        "notifier": Notifier(),
    },
    executor=jobs.executor,
)
