"""Timing: interleaved repetitions, medians, ratios of neighbours."""

import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Cost:
    """What a piece of work took: seconds by the clock, and processor seconds of this process and its children. The
    second is the steadier one on a machine that others use too."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Comparison:
    """`subject` against `baseline` (names of sides). `goal` is the limit of seconds over seconds, or with `of_speed`
    the least rows/s over rows/s; None is a figure for orientation."""

    subject: str
    baseline: str
    goal: float | None = None
    of_speed: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Limit:
    """A goal in seconds of `side` by itself."""

    side: str
    seconds: float
    remark: str = ""


@dataclass(frozen=True)
class Growth:
    """Peak memory of `side` in MB at two sizes in rows, one ten times the other. `goal`: the most that the larger may
    be over the smaller."""

    side: str
    sizes: tuple[int, int]
    megabytes: tuple[float, float]
    goal: float

    @property
    def ratio(self) -> float:
        return self.megabytes[1] / self.megabytes[0]


@dataclass
class Result:
    """What one goal measured at one size: the costs of every repetition by side, and what a reader has to know."""

    goal: str
    title: str
    rows: int
    costs: dict[str, list[Cost]]
    comparisons: list[Comparison]
    checked: str
    limits: list[Limit] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    breakdown: dict[str, dict[str, float]] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)

    def ratios(self, comparison: Comparison, clock: str = "wall") -> list[float]:
        """The ratio of each repetition: neighbours in time share the machine's mood. `clock` is wall or cpu."""
        pairs = zip(self.costs[comparison.subject], self.costs[comparison.baseline], strict=True)
        found = [getattr(mine, clock) / getattr(other, clock) for mine, other in pairs]
        return [1 / ratio for ratio in found] if comparison.of_speed else found

    def is_met(self, comparison: Comparison) -> bool | None:
        """Whether the median ratio keeps the goal; None where there is no goal."""
        if comparison.goal is None:
            return None
        measured = median(self.ratios(comparison))
        return measured >= comparison.goal if comparison.of_speed else measured <= comparison.goal

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> "Result":
        return cls(
            **{
                **content,
                "comparisons": [Comparison(**comparison) for comparison in content["comparisons"]],
                "limits": [Limit(**limit) for limit in content["limits"]],
                "growths": [
                    Growth(one["side"], tuple(one["sizes"]), tuple(one["megabytes"]), one["goal"])
                    for one in content.get("growths", ())
                ],
                "costs": {side: [Cost(**cost) for cost in costs] for side, costs in content["costs"].items()},
            }
        )


def timed(work: Callable[[], object]) -> Cost:
    """The cost of one call."""
    cpu, wall = _cpu(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - wall, _cpu() - cpu)


def interleave(
    sides: dict[str, Callable[[], Cost]], repetitions: int, check: Callable[[], str]
) -> tuple[dict[str, list[Cost]], str]:
    """Every side's cost in every repetition, and what `check` says.

    A side is called once a repetition and returns its own cost, so that it can leave preparation out. The order turns
    round from one repetition to the next, so that a drift of the machine favours no side. `check` compares what the
    sides left behind in the first repetition; when it raises, nothing is measured."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    checked = ""
    for repetition in range(repetitions):
        order = list(sides) if repetition % 2 == 0 else list(reversed(sides))
        for name in order:
            costs[name].append(sides[name]())
        if repetition == 0:
            checked = check()
    return costs, checked


def spread(values: Iterable[float], form: str = "{:.2f}") -> str:
    """`median [min-max]`, or the value alone where there is only one."""
    values = list(values)
    if len(values) == 1:
        return form.format(values[0])
    return f"{form.format(median(values))} [{form.format(min(values))}-{form.format(max(values))}]"


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
