"""The dashboard page: its figures and words, its escaping, and that it loads nothing."""

import re
from datetime import date
from html.parser import HTMLParser

import pandas as pd
import pytest

from milk_assets.monitoring.dashboard.page import to_page
from milk_assets.monitoring.dashboard.svg_line_chart import Line, line_chart
from milk_assets.monitoring.detection.feed import feed_document, restatements
from milk_assets.monitoring.detection.live_accuracy import concatenate_records
from milk_assets.monitoring.detection.live_accuracy_report import live_accuracy_document
from milk_assets.monitoring.detection.market_drift import drift_report
from milk_assets.monitoring.detection.quarantine import quarantine
from milk_assets_tests.monitoring.test_live_accuracy import healthy
from milk_assets_tests.monitoring.test_market_drift import frame, quiet

DAY = date(2025, 3, 31)
INCIDENT = {"rule": "feed_frozen", "since": "2025-03-31T18:00:00+00:00", "text": "nothing <b>moves</b>"}


def page(*, record=None, incidents=(), sample=False, restated=False, values=None) -> str:
    prices = frame(quiet(130) if values is None else values)
    earlier = prices[prices["publication"] < pd.Timestamp(DAY)]
    if restated:
        earlier = earlier.assign(price=earlier["price"] + 1)
    return to_page(
        DAY.isoformat(),
        drift_report(prices, DAY, evidence=False).to_document(),
        feed_document(DAY, "a" * 64, prices, restatements(earlier, prices), "2025-03-29"),
        live_accuracy_document(healthy() if record is None else record),
        incidents,
        quarantine(prices).held,
        sample=sample,
    )


def text_of(html: str) -> str:
    """Return the words of a page, without its style."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)))


def test_a_page_of_healthy_forecasts_shows_measures_and_no_alerts():
    text = text_of(page())
    for words in (
        "Publicación del 2025-03-31",
        "versión 3",
        "Error frente a «sin cambio» 0.800",
        "Avisos abiertos Ninguno.",
        "0 de 12 en calma",
    ):
        assert words in text
    assert text.count("en calma") == 13
    assert "Datos de muestra" not in text
    assert "None" not in text
    assert "nan" not in text.split()


def test_incidents_restatements_and_sample_data_are_shown_and_escaped():
    html = page(incidents=[INCIDENT], sample=True, restated=True)
    text = text_of(html)
    assert "nothing &lt;b&gt;moves&lt;/b&gt;" in html
    assert "The feed is frozen desde 2025-03-31 18:00 UTC · docs/runbook.md#feed-frozen" in text
    assert "2064 precios de 129 fechas cambiaron" in text
    assert "Datos de muestra: los precios son generados, no oficiales." in text


def test_a_price_in_quarantine_is_listed_with_its_jump():
    values = quiet(130)
    values[-1, 0, 0] = values[-2, 0, 0] * 1.5
    assert "+50% por confirmar" in text_of(page(values=values))


def test_a_new_system_has_a_page_without_forecast_measures():
    text = text_of(page(record=concatenate_records([]), values=quiet(10)))
    assert "Aún no hay bastantes pronósticos vencidos." in text
    assert text.count("poca historia") == 13


def test_the_page_loads_nothing_and_follows_light_and_dark():
    html = page()
    assert not re.findall(r"<script|<link|<img|@import|url\(|https?://", html)
    assert "prefers-color-scheme:dark" in html
    assert html.count("<svg") == 4

    assert unbalanced(html) == []
    assert unbalanced(html.replace("</dl>", "")) != []


def unbalanced(html: str) -> list[str]:
    """Return the tags that are closed without being open, or open at the end."""
    open_tags: list[str] = []
    wrong: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                open_tags.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            if not open_tags or open_tags.pop() != tag:
                wrong.append(tag)

    Tags().feed(html)
    return wrong + open_tags


def test_a_chart_shows_its_limits_marks_a_breach_and_breaks_its_line_at_unknown_values():
    points = [("a", 1.0), ("b", None), ("c", 2.0), ("d", 3.0)]
    svg = str(line_chart(Line("k", "<t>", "d", points, high=2.5)))
    assert "&lt;t&gt;" in svg
    assert 'class="limit"' in svg
    assert 'class="last out"' in svg
    path = re.search(r'class="line" d="([^"]+)"', svg).group(1)
    assert (path.count("M"), path.count("L")) == (2, 1)
    assert 'class="last"' in str(line_chart(Line("k", "t", "d", points, high=3.5)))


@pytest.mark.parametrize("points", [[], [("a", 1.0)], [("a", None), ("b", 1.0)]])
def test_a_chart_of_fewer_than_two_values_is_empty(points):
    assert line_chart(Line("k", "t", "d", points)) == ""
