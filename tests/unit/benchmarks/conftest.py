"""The benchmarks are run from a checkout and not installed, so their folder has to be found."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))
