"""SVG axes: scales, grids and escaped text of the charts."""

import pytest

from milk_assets.presentation.svg_axes import PlotArea, linear_scale, path_data, svg_element, text_at

AREA = PlotArea(width=100, height=60, left=10, right=20, top=5, bottom=15)


def test_a_scale_puts_the_ends_of_its_domain_at_the_ends_of_its_range():
    scale = linear_scale(20.0, 30.0, 100.0, 200.0)
    assert [scale(value) for value in (20.0, 25.0, 30.0)] == [100.0, 150.0, 200.0]


def test_a_scale_of_one_value_puts_everything_at_the_start():
    assert linear_scale(5.0, 5.0, 10.0, 90.0)(5.0) == 10.0


def test_the_scales_of_an_area_stay_inside_its_margins_and_prices_rise_upwards():
    x, y = AREA.x_scale(0, 4), AREA.y_scale(20.0, 30.0)
    assert (x(0), x(4)) == (10, 80)
    assert (y(20.0), y(30.0)) == (45, 5)


def test_a_grid_has_one_line_and_one_number_per_tick():
    grid = AREA.price_grid([20.0, 25.0], AREA.y_scale(20.0, 30.0), digits=1)
    assert grid.count('<line class="grid" x1="10" x2="80"') == 2
    assert 'y="49.0" text-anchor="end">20.0</text>' in grid
    assert 'y="29.0" text-anchor="end">25.0</text>' in grid


def test_a_path_goes_through_its_points():
    assert path_data([(0, 1.25), (2.5, 3)]) == "M0.0 1.2L2.5 3.0"


@pytest.mark.parametrize(("word", "escaped"), [("<b>", "&lt;b&gt;"), ('"', "&#34;"), ("&", "&amp;")])
def test_outside_words_are_escaped(word, escaped):
    drawing = svg_element("key", word, word, 10, 10, "chart", text_at("tick", 1.0, 2, word))
    assert drawing.count(f">{escaped}<") == 3
    assert f">{word}<" not in drawing
