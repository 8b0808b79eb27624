"""The command: `python -m benchmarks [GOAL ...] [--rows N ...] [--repetitions N] [--seed N] [--no-page]`."""

import argparse
import os

from benchmarks import machine, p1, p1_sql, p2, p3, p4, p5, p9, page

GOALS = {"P1": p1.run, "P1-SQL": p1_sql.run, "P2": p2.run, "P3": p3.run, "P4": p4.run, "P5": p5.run, "P9": p9.run}


def main() -> None:
    """Measures the goals that were asked for, prints them, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition(":")[0])
    parser.add_argument("goals", nargs="*", metavar="GOAL", help=f"which of {', '.join(GOALS)}; all when none is named")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="sizes, default 1000000")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--no-page", action="store_true", help="print only; leave docs/benchmarks.md as it is")
    options = parser.parse_args()
    if unknown := set(options.goals) - set(GOALS):
        parser.error(f"unknown goal {', '.join(sorted(unknown))}; there are {', '.join(GOALS)}")

    # Feeds configured for a real run must not leak into a benchmark.
    for name in [name for name in os.environ if name.startswith("SOURCES__")]:
        del os.environ[name]
    results = []
    for goal in options.goals or GOALS:
        for rows in options.rows:
            facts = machine.facts()
            result = GOALS[goal](rows, options.seed, options.repetitions)
            result.machine = facts
            results.append(result)
            print("\n".join(page.summary(result)), flush=True)
            if not options.no_page:
                page.keep(results)


if __name__ == "__main__":
    main()
