"""Everything dbt builds: seeds, staging, intermediate, features, scenarios and marts, in one invocation.

Belongs here: the one op that runs dbt. Not here: how dbt's nodes become assets (dbt.py) and the SQL (dbt_project/).
"""

from dagster import AssetExecutionContext
from dagster_dbt import dbt_assets

from orchestration import built, lineage, origin, progress, spark
from orchestration import dbt as dbt_project
from orchestration.home import home
from orchestration.resources import Dbt, Warehouse

project = dbt_project.prepared_project()


@dbt_assets(
    manifest=project.manifest_path,
    project=project,
    name="warehouse",
    dagster_dbt_translator=dbt_project.ModelTranslator(),
)
def warehouse_assets(context: AssetExecutionContext, dbt: Dbt, warehouse: Warehouse):
    """As known by the newest data; in a look-back, as it was known at its instant."""
    if project.target == "spark":
        progress.report("handing raw over to Spark")
        with warehouse.connect() as connection:
            spark.export_raw(connection)

    def columns() -> dict[tuple[str, str], lineage.Columns]:
        with warehouse.connect() as connection:
            raw = lineage.columns_of(connection)
        with warehouse.results() as connection:
            return {**raw, **lineage.columns_of(connection)}

    of = origin.read(home())
    built.forget()
    with warehouse.connect() as connection:
        made_of = built.ingredients(connection)
    with warehouse.released():
        yield from dbt_project.build(context, dbt, of.as_of if of else None, columns)
    if context.selected_asset_keys == context.assets_def.keys:
        built.note(made_of)
