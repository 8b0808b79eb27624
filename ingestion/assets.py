"""The asset codes a canonical file may use: the reviewed list of the reference seed."""

import csv
from functools import cache
from pathlib import Path

_SEED = Path(__file__).parents[1] / "dbt_project" / "seeds" / "assets.csv"


@cache
def known_assets() -> frozenset[str]:
    """Codes of `dbt_project/seeds/assets.csv` (column asset_code). Raises FileNotFoundError without the seed."""
    with _SEED.open(newline="", encoding="utf-8") as stream:
        return frozenset(row["asset_code"] for row in csv.DictReader(stream))
