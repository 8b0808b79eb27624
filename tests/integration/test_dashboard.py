"""The dashboard: its numbers are the marts', it says what needs attention, and a browser shows it without a network."""

import re
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from lacking import skip_for_lack_of

from orchestration import dashboard, publication
from orchestration.dashboard import figures, page


@pytest.fixture(scope="module")
def version(finished_home) -> Path:
    return publication.current(finished_home / "published")


@pytest.fixture(scope="module")
def html(version) -> str:
    return dashboard.render(version)


def test_a_run_has_made_it_and_the_same_version_gives_the_same_bytes(finished_home, version, html, tmp_path):
    assert (finished_home / "dashboard/index.html").read_text() == html
    assert dashboard.write(version, tmp_path).read_text() == html


def test_indicators_and_feeds_are_those_of_the_marts(version, html):
    with duckdb.connect(str(version / "plumbline.duckdb"), read_only=True) as marts:
        kris = marts.sql("from marts.fct_kris").to_arrow_table().to_pylist()
        feeds = marts.sql("select source_rows from marts.fct_feed_totals where is_configured").fetchall()
        alerts = marts.sql("select count(*) from marts.fct_alerts").fetchall()[0][0]
    for kri in kris:
        card = html[html.index(f"<span>{kri['kri_name']}</span>") :]
        shown = re.search(r"<b[^>]*>(.*?)</b>", card)[1]
        number = Decimal(re.sub(r"[^0-9.]", "", shown))
        value = kri["value"] * (100 if kri["unit"] == "share" else 1)
        assert abs(number - value) <= Decimal("0.005"), kri
    assert all(f'<td class="num">{rows:,}</td>' in html for (rows,) in feeds)
    found = figures.read(version)
    assert sum(row["alerts"] for row in found["alerts_by_scenario"]) == alerts
    assert all(row["open"] + row["decided"] == row["alerts"] for row in found["alerts_by_scenario"])
    assert sum(row["alerts"] for row in found["backlog_by_age"]) == sum(
        row["open"] for row in found["alerts_by_scenario"]
    )


def test_what_is_wrong_is_said_first(version):
    found = figures.read(version)
    calm = {name: [] for name in found} | {"kris": [kri | {"rag_code": "green"} for kri in found["kris"]]}
    assert page.attention(calm) == []
    wrong = calm | {
        "scenarios": [{"scenario_id": "TM01", "unexplained": 3, "errored": 0}],
        "feeds": [{"feed_code": "bank", "is_reconciled": False}],
        "breaks": [{}],
        "kris": [found["kris"][0] | {"rag_code": "red"}],
        "rate_gaps": [{"unvalued_transfer_count": 7}],
        "customers": [{"overdue": 2}],
    }
    said = page.attention(wrong)
    assert len(said) == 6 and said[0] == "TM01 does not account for 3 rows."


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (Decimal("0.999973"), "share", "99.9973 %"),
        (Decimal("0.5"), "share", "50 %"),
        (Decimal("0.612903"), "share", "61.29 %"),
        (Decimal("0.000027"), "share", "0.0027 %"),
        (Decimal("1000.000000"), "alerts", "1,000"),
        (None, "alerts", ""),
    ],
)
def test_a_value_is_shown_in_its_unit(value, unit, text):
    assert page.shown({"value": value, "unit": unit}) == text


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_it_without_a_network(finished_home, html, tmp_path, width, scheme):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        skip_for_lack_of("Chromium", "install it to look at the pages")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            asked, errors = [], []
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("pageerror", lambda error: errors.append(error))
            tab.goto((finished_home / "dashboard/index.html").as_uri())
            assert len(asked) == 1 and errors == []
            assert tab.get_by_role("heading", level=1).inner_text().startswith("Financial crime compliance")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, "the page is wider than the screen"
            assert all(image.get_attribute("aria-label") for image in tab.get_by_role("img").all())
            ink = tab.evaluate("getComputedStyle(document.body).color")
            assert (min(map(int, re.findall(r"\d+", ink))) > 128) == (scheme == "dark")
        finally:
            browser.close()
