"""The Soda contracts as asset checks.

Belongs here: which contracts run together, and when. Not here: how a contract is run (soda.py).

Contracts on a feed's raw tables run when the feed is loaded and stand before dbt; all others run after dbt and stand
before publication. One op a feed, because one for all would tie the feeds that depend on each other into a circle.
"""

from itertools import groupby

from dagster import AssetCheckExecutionContext, AssetCheckKey, AssetChecksDefinition, AssetKey, multi_asset_check

from orchestration import progress
from orchestration.home import REPOSITORY
from orchestration.resources import Warehouse
from orchestration.soda import Contract, read_contracts, verify


def _stage(contract: Contract) -> str:
    return contract.schema if contract.schema.startswith("raw_") else "warehouse"


def contract_checks(stage: str, contracts: list[Contract]) -> AssetChecksDefinition:
    """The checks of these contracts as one op."""

    @multi_asset_check(
        name=f"contracts_{stage}", specs=[spec for contract in contracts for spec in contract.specs()], can_subset=True
    )
    def check(context: AssetCheckExecutionContext, warehouse: Warehouse):
        selected = context.selected_asset_check_keys
        with warehouse.connect() if stage.startswith("raw_") else warehouse.results() as connection:
            for number, contract in enumerate(contracts, start=1):
                if not selected & {spec.key for spec in contract.specs()}:
                    continue
                progress.report(f"contracts: {number}/{len(contracts)} {contract.schema}.{contract.table}")
                for result in verify(contract, connection):
                    if AssetCheckKey(result.asset_key, result.check_name) in selected:
                        yield result

    return check


def all_contract_checks(known: set[AssetKey]) -> list[AssetChecksDefinition]:
    """One definition a stage. Raises ValueError for a contract on a table that nobody loads or builds."""
    contracts = sorted(read_contracts(REPOSITORY / "checks"), key=lambda contract: (_stage(contract), contract.path))
    for contract in contracts:
        if contract.asset_key not in known:
            raise ValueError(f"{contract.path.relative_to(REPOSITORY)} is a contract for a table that does not exist.")
    return [contract_checks(stage, list(group)) for stage, group in groupby(contracts, _stage)]
