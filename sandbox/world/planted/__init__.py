"""Planted typologies, near misses and benign look-alikes, one module a scenario; `planter` holds what they share."""

from sandbox.world.planted import tm01, tm06, tm09, tm14, tm28, tm45
from sandbox.world.planted.planter import Case, Planter

ALL = (tm01, tm06, tm09, tm14, tm28, tm45)

__all__ = ["ALL", "Case", "Planter"]
