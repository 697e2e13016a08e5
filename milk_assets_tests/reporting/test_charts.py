"""The charts: one scale side by side, nothing outside the picture, words and numbers as readers write them."""

import re

import pytest

from milk_assets.reporting.charts.fan_charts import cards, direction, panels
from milk_assets.reporting.charts.svg import HEIGHT, WIDTH, sparkline
from milk_assets.reporting.text.formatting import listing, signed, written


def points(path: str) -> list[tuple[float, float]]:
    return [(float(across), float(down)) for across, down in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def paths(chart: str, name: str) -> list[tuple[float, float]]:
    return points(re.search(rf'class="{name}" d="([^"]+)"', chart).group(1))


def test_every_line_and_band_stays_inside_the_picture(make, table):
    table[("Sonora", "Nogales", "uht", "supermarket")][-10:] = [40.0] * 10
    for panel in panels(make().report()):
        for name in ("history", "forecast", "band80", "band95"):
            assert all(0 <= across <= WIDTH and 0 <= down <= HEIGHT for across, down in paths(panel.chart, name)), panel.title


def test_the_four_panels_share_one_scale_of_pesos(make, table):
    table[("Sonora", "Nogales", "uht", "supermarket")][-10:] = [40.0] * 10
    heights = []
    for panel in panels(make().report()):
        ticks = re.findall(r'y="([\d.]+)" text-anchor="end">([\d.]+)<', panel.chart)
        heights.append((float(ticks[0][0]) - float(ticks[1][0])) / (float(ticks[1][1]) - float(ticks[0][1])))
    assert heights == pytest.approx([heights[0]] * 4, abs=0.05)


def test_the_band_of_95_holds_the_band_of_80_and_the_forecast(make):
    chart = panels(make().report())[0].chart
    wide, narrow, line = (paths(chart, name) for name in ("band95", "band80", "forecast"))
    top, bottom = len(line), -1
    for place in range(len(line)):
        assert wide[place][1] <= narrow[place][1] <= line[place][1] <= narrow[bottom - place][1] <= wide[bottom - place][1]
    assert len(wide) == 2 * top


def test_a_panel_ends_with_the_last_month_that_is_forecast(make):
    panel = panels(make().report())[0]
    assert panel.line == "sep 2025: $21.78 (+0.78), 80 % entre 20.12 y 23.44"
    assert ">$21.78</text>" in panel.chart


def test_a_card_colours_a_move_only_when_it_is_printed_as_one(make, table):
    table[("Puebla", "Puebla", "pasteurised", "store")][-1] += 0.012
    first, _, third, _ = cards(make().report())
    assert first.changes[0][1:] == ("0.00", "0.0\u202f%", "flat")
    assert third.changes[2][1:] == ("—", "—", "flat")
    assert direction(0.006) == "up"
    assert direction(-0.006) == "down"


def test_a_sparkline_of_one_price_draws_nothing_and_a_flat_one_lies_in_the_middle():
    assert sparkline("k", "t", "d", [20.0]) == ""
    assert len({down for _, down in paths(sparkline("k", "t", "d", [20.0] * 5), "history")}) == 1


def test_a_title_is_escaped():
    assert "<b>" not in sparkline("k", "<b>", "<b>", [1.0, 2.0])


@pytest.mark.parametrize(("value", "text"), [(0.124, "+0.12"), (-0.05, "−0.05"), (-0.001, "0.00"), (1234.5, "+1,234.50")])
def test_a_signed_number_has_a_true_minus_and_no_sign_on_zero(value, text):
    assert signed(value) == text


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
def test_each_kind_of_value_is_written_in_its_way(value, kind, text):
    assert written(value, kind) == text


def test_a_list_of_words_ends_as_spanish_ends_it():
    assert listing(["a"]) == "a"
    assert listing(["Puebla", "Sonora", "Jalisco"]) == "Puebla, Sonora y Jalisco"
    assert listing(["Sonora", "Hidalgo"]) == "Sonora e Hidalgo"
