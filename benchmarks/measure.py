"""Timing: interleaved repetitions, medians, ratios of neighbours."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Comparison:
    """One ratio, goal included. `ratios` are seconds of `subject` over seconds of `baseline` within each repetition (or
    the inverse where `of_speed`: rows/s over rows/s). `goal` None: a figure for orientation without a goal."""

    subject: str
    baseline: str
    ratios: list[float]
    goal: float | None = None
    of_speed: bool = False
    equal_work: bool = True

    @property
    def is_met(self) -> bool | None:
        if self.goal is None:
            return None
        return median(self.ratios) >= self.goal if self.of_speed else median(self.ratios) <= self.goal


@dataclass
class Result:
    """What one goal measured at one size: seconds of every repetition by side, ratios, and what a reader has to know."""

    goal: str
    title: str
    rows: int
    seconds: dict[str, list[float]]
    comparisons: list[Comparison]
    checked: str
    notes: list[str] = field(default_factory=list)
    breakdown: dict[str, dict[str, float]] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> "Result":
        return cls(**{**content, "comparisons": [Comparison(**comparison) for comparison in content["comparisons"]]})


def interleave(sides: dict[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Seconds of every side in every repetition. A side is called once a repetition and returns its own seconds, so that
    it can leave preparation out. The order turns round from one repetition to the next, so that a drift of the machine
    does not favour one side."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for repetition in range(repetitions):
        order = list(sides) if repetition % 2 == 0 else list(reversed(sides))
        for name in order:
            seconds[name].append(sides[name]())
    return seconds


def ratios(seconds: dict[str, list[float]], subject: str, baseline: str) -> list[float]:
    """Seconds of subject over baseline, repetition by repetition: neighbours in time share the machine's mood."""
    return [mine / other for mine, other in zip(seconds[subject], seconds[baseline], strict=True)]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: Iterable[float], form: str = "{:.2f}") -> str:
    """`median [min-max]`."""
    values = list(values)
    return f"{form.format(median(values))} [{form.format(min(values))}-{form.format(max(values))}]"
