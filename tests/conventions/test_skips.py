"""A test that lacks something is skipped in one way only, and not at all where everything is required."""

import re
from pathlib import Path

import pytest
from lacking import skip_for_lack_of

TESTS = Path(__file__).resolve().parents[1]


def test_no_test_skips_in_another_way():
    others = {
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        if re.search(r"pytest\.(skip|importorskip)\b|mark\.skip", path.read_text(encoding="utf-8"))
    }
    assert others <= {"lacking.py", "conventions/test_skips.py"}


def test_it_is_skipped_with_the_advice(monkeypatch):
    monkeypatch.delenv("PLUMBLINE_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="SKIPPED FOR LACK OF STRACE: install it"):
        skip_for_lack_of("strace", "install it")


def test_it_fails_where_everything_is_required(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="there is no strace: install it"):
        skip_for_lack_of("strace", "install it")
