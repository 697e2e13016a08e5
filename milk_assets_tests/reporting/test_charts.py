"""Charts: a common scale, nothing outside the picture, words and numbers as readers write them."""

import re

import pytest

from milk_assets.reporting.charts.fan_charts import COMPARISONS, CardChange, chart_panels, direction, market_cards
from milk_assets.reporting.charts.svg import FAN_AREA, draw_sparkline
from milk_assets.reporting.text.formatting import format_signed, format_value, list_text


def points(path: str) -> list[tuple[float, float]]:
    return [(float(across), float(down)) for across, down in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def paths(chart: str, name: str) -> list[tuple[float, float]]:
    return points(re.search(rf'class="{name}" d="([^"]+)"', chart).group(1))


def test_every_line_and_band_is_inside_the_picture(make_inputs, table):
    table[("Sonora", "Nogales", "uht", "supermarket")][-10:] = [40.0] * 10
    for panel in chart_panels(make_inputs().report()):
        for name in ("history", "forecast", "band80", "band95"):
            assert all(
                0 <= across <= FAN_AREA.width and 0 <= down <= FAN_AREA.height for across, down in paths(panel.chart, name)
            ), panel.title


def test_the_four_panels_share_one_scale_of_pesos(make_inputs, table):
    table[("Sonora", "Nogales", "uht", "supermarket")][-10:] = [40.0] * 10
    heights = []
    for panel in chart_panels(make_inputs().report()):
        ticks = re.findall(r'y="([\d.]+)" text-anchor="end">([\d.]+)<', panel.chart)
        heights.append((float(ticks[0][0]) - float(ticks[1][0])) / (float(ticks[1][1]) - float(ticks[0][1])))
    assert heights == pytest.approx([heights[0]] * 4, abs=0.05)


def test_the_95_percent_band_contains_the_80_percent_band_and_the_forecast(make_inputs):
    chart = chart_panels(make_inputs().report())[0].chart
    wide, narrow, line = (paths(chart, name) for name in ("band95", "band80", "forecast"))
    top, bottom = len(line), -1
    for index in range(len(line)):
        assert wide[index][1] <= narrow[index][1] <= line[index][1] <= narrow[bottom - index][1] <= wide[bottom - index][1]
    assert len(wide) == 2 * top


def test_a_panel_ends_with_the_last_forecast_month(make_inputs):
    panel = chart_panels(make_inputs().report())[0]
    assert panel.summary == "sep 2025: $21.78 (+0.78), 80 % entre 20.12 y 23.44"
    assert ">$21.78</text>" in panel.chart


def test_a_card_colours_a_change_only_when_it_is_not_printed_as_zero(make_inputs, table):
    table[("Puebla", "Puebla", "pasteurised", "store")][-1] += 0.012
    first, _, third, _ = market_cards(make_inputs().report())
    assert first.changes[0] == CardChange(COMPARISONS[0][1], "0.00", "0.0\u202f%", "flat")
    assert third.changes[2] == CardChange(COMPARISONS[2][1], "—", "—", "flat")
    assert direction(0.006) == "up"
    assert direction(-0.006) == "down"


def test_a_sparkline_of_one_price_is_empty_and_a_flat_one_is_in_the_middle():
    assert draw_sparkline("k", "t", "d", [20.0]) == ""
    assert len({down for _, down in paths(draw_sparkline("k", "t", "d", [20.0] * 5), "history")}) == 1


def test_a_title_is_escaped():
    assert "<b>" not in draw_sparkline("k", "<b>", "<b>", [1.0, 2.0])


@pytest.mark.parametrize(("value", "text"), [(0.124, "+0.12"), (-0.05, "−0.05"), (-0.001, "0.00"), (1234.5, "+1,234.50")])
def test_a_signed_number_has_a_true_minus_and_no_sign_on_zero(value, text):
    assert format_signed(value) == text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (27.4951, "price", "27.50"),
        (0.123, "share", "12\u202f%"),
        (float("nan"), "price", "—"),
        (None, "text", "—"),
        (0.98561, "ratio", "0.986"),
    ],
)
def test_each_kind_of_value_has_its_own_format(value, kind, text):
    assert format_value(value, kind) == text


def test_a_list_of_words_ends_with_y_or_e():
    assert list_text(["a"]) == "a"
    assert list_text(["Puebla", "Sonora", "Jalisco"]) == "Puebla, Sonora y Jalisco"
    assert list_text(["Sonora", "Hidalgo"]) == "Sonora e Hidalgo"
