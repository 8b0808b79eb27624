"""What to do in a test when the machine lacks something that the test needs."""

import os
from typing import NoReturn

import pytest


def skip_for_lack_of(what: str, advice: str) -> NoReturn:
    """Skips the test, loudly. With PLUMBLINE_REQUIRE_ALL=1, which `.ci/run` sets, it fails instead: a check that did
    not run is no check that passed."""
    if os.environ.get("PLUMBLINE_REQUIRE_ALL", "") not in ("", "0"):
        pytest.fail(f"PLUMBLINE_REQUIRE_ALL is set, and there is no {what}: {advice}", pytrace=False)
    pytest.skip(f"SKIPPED FOR LACK OF {what.upper()}: {advice}")
