"""The page of results, made from benchmarks/results.json.

Belongs here: keeping the newest result of every goal and size, and showing them. Not here: measuring.
"""

import json
from pathlib import Path
from statistics import median

from benchmarks.measure import Comparison, Cost, Result, spread

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

OPENING = """# Benchmarks

Made by `make bench`, not by hand. Each goal is measured beside its baseline in the same run: the sides take turns, the
order turns round from one repetition to the next, and the first repetition's outputs are compared before anything is
reported. A figure is the median of the repetitions with [least-most]. Trust ratios, not seconds; where the machine was
shared with other work, the ratio of processor seconds is the steadier one. Goals are judged by the clock.

| goal | what | size | measured (by the clock) | in processor time | goal | kept |
|---|---|---|---|---|---|---|
"""

REPEAT = """
## How to repeat

```sh
make bench                                  # every goal at 1,000,000 rows; 3 repetitions each
make bench ARGS="P1 --rows 10000000 --repetitions 1"
make bench ARGS="P3 --rows 100000 --no-page"    # print only
```

The data are generated from a seed (`--seed`) into a temporary folder and removed. A run replaces the results of the
goals and sizes it measured, in `benchmarks/results.json` and here, and keeps the others. Tests run every benchmark at
toy size and assert that both sides agree; none of them asserts a time.
"""


def keep(results: list[Result]) -> None:
    """Adds the results to results.json (newest per goal and size) and writes the page anew."""
    kept = {(result.goal, result.rows): result for result in load()}
    kept |= {(result.goal, result.rows): result for result in results}
    ordered = [kept[key] for key in sorted(kept)]
    RESULTS.write_text(json.dumps([result.as_dict() for result in ordered], indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(render(ordered), encoding="utf-8")


def load() -> list[Result]:
    if not RESULTS.exists():
        return []
    return [Result.from_dict(content) for content in json.loads(RESULTS.read_text(encoding="utf-8"))]


def render(results: list[Result]) -> str:
    """The page in Markdown."""
    lines = [line for result in results for line in summary(result)]
    return OPENING + "\n".join(lines) + "\n" + "\n".join(section(result) for result in results) + REPEAT


def summary(result: Result) -> list[str]:
    """Lines of the table at the top: one per comparison, per limit and per growth of memory."""
    lines = []
    for comparison in result.comparisons:
        goal = "" if comparison.goal is None else f"{'>=' if comparison.of_speed else '<='} {comparison.goal:.2f}x"
        lines.append(
            f"| {result.goal} | {describe(comparison)} | {result.rows:,} | {spread(result.ratios(comparison))}x | "
            f"{spread(result.ratios(comparison, 'cpu'))}x | {goal} | {verdict(result.is_met(comparison))} |"
        )
    for limit in result.limits:
        costs = result.costs[limit.side]
        lines.append(
            f"| {result.goal} | {limit.side}: {limit.remark} | | {spread((c.wall for c in costs), '{:.1f}')} s | "
            f"{spread((c.cpu for c in costs), '{:.1f}')} s | <= {limit.seconds:.0f} s | "
            f"{verdict(median(c.wall for c in costs) <= limit.seconds)} |"
        )
    for grown in result.growths:
        few, many = (f"{size:,}" for size in grown.sizes)
        lines.append(
            f"| {result.goal} | peak memory of {grown.side}, {many} rows / {few} rows "
            f"({grown.megabytes[1]:,.0f} MB / {grown.megabytes[0]:,.0f} MB) | {result.rows:,} | {grown.ratio:.2f}x | | "
            f"<= {grown.goal:.2f}x | {verdict(grown.ratio <= grown.goal)} |"
        )
    return lines


def describe(comparison: Comparison) -> str:
    rate = "rows/s of " if comparison.of_speed else ""
    remark = f" ({comparison.remark})" if comparison.remark else ""
    return f"{rate}{comparison.subject} / {comparison.baseline}{remark}"


def verdict(is_met: bool | None) -> str:
    return {True: "yes", False: "**no**", None: ""}[is_met]


def section(result: Result) -> str:
    """All of one result: machine, seconds of every side, equality, breakdowns, notes."""
    machine = result.machine
    repetitions = max(len(costs) for costs in result.costs.values())
    lines = [
        f"\n## {result.goal}: {result.title}, {result.rows:,} rows\n",
        f"{machine['date']}; {machine['cores']} cores ({machine['processor']}), {machine['memory']}; "
        f"{machine['system']}; {machine['versions']}. Load average before the run {machine['load before']}"
        f"{' (the machine was shared)' if float(machine['load before']) > 0.7 else ''}; {repetitions} repetitions.\n",
        "| side | seconds | processor seconds | thousand rows/s |",
        "|---|---|---|---|",
        *(side_line(side, costs, result) for side, costs in result.costs.items()),
        f"\nCompared before anything is reported: {result.checked}.\n",
        *(f"- {note}" for note in result.notes),
    ]
    for title, values in result.breakdown.items():
        lines += [f"\n{title}:\n", "| | |", "|---|---|"]
        lines += [f"| {name} | {value:,.2f} |" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def side_line(side: str, costs: list[Cost], result: Result) -> str:
    """One side of a comparison as a table line: seconds of wall clock and CPU, thousand rows a second."""
    wall, cpu = [cost.wall for cost in costs], [cost.cpu for cost in costs]
    is_of_rows = side not in {limit.side for limit in result.limits}
    speed = f"{result.rows / 1000 / median(wall):,.0f}" if is_of_rows else ""
    return f"| {side} | {spread(wall, '{:.1f}')} | {spread(cpu, '{:.1f}')} | {speed} |"
