"""Planted typologies, near misses and benign look-alikes, one module a scenario; `planter` holds what they share."""

from sandbox.world.planted import amounts, exposures, network, over_time, tm01, tm06, tm09, tm14, tm28, tm45
from sandbox.world.planted.planter import Case, Planter
from sandbox.world.sanctions import SanctionsList


def plant_all(planter: Planter, sanctions: SanctionsList) -> None:
    """Every typology. Dedicated parties first, so that in a tiny world they do not all become hosts."""
    for module in (tm01, tm06, tm09, tm14, amounts, tm28):
        module.plant(planter)
    tm45.plant(planter, sanctions)
    over_time.plant(planter)
    exposures.plant(planter)
    network.plant(planter)


__all__ = ["Case", "Planter", "plant_all"]
