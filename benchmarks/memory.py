"""Peak memory of a piece of work in a process of its own, and whether it grows with the rows.

Belongs here: measuring it. What is loaded is in the module of each goal.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.dbt import REPOSITORY
from benchmarks.measure import Growth

GOAL = 1.3
"""Peak of ten times the rows over peak of the rows: flat, but for what a bigger catalogue and log need."""
_CODE = """
import re, sys
from pathlib import Path
from importlib import import_module
getattr(import_module(sys.argv[1]), sys.argv[2])(*map(Path, sys.argv[3:]))
# not getrusage, which begins with the size of the process that started this one
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def growth(side: str, rows: int, load: Callable, prepare: Callable[[int, Path], None], folder: Path) -> Growth:
    """The peak memory of `load(source, home)` (a function of a benchmark's module) for a tenth of `rows` and for
    `rows`, each on data that `prepare(rows, source)` wrote."""
    sizes = (max(rows // 10, 1), rows)
    peaks = []
    for size in sizes:
        source, home = folder / f"source_{size}", folder / f"home_{size}"
        prepare(size, source)
        ended = subprocess.run(
            [sys.executable, "-c", _CODE, load.__module__, load.__name__, str(source), str(home)],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(ended.stdout.split()[-1]) / 1024)  # kilobytes
    return Growth(side, sizes, (round(peaks[0]), round(peaks[1])), GOAL)
