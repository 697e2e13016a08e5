"""Page, XLSX, CSV and JSON agree, and their figures follow from the prices by a calculation other than the report's own."""

import io
import json
import re
import statistics
from datetime import date, datetime

import pandas as pd
import pytest
from openpyxl import load_workbook

from milk_assets.reporting.formats.csv_json import to_csv, to_json
from milk_assets.reporting.formats.html import to_html
from milk_assets.reporting.formats.spreadsheet import HEADER_ROW, sheet_name, to_xlsx
from milk_assets.reporting.text.formatting import as_day, format_value
from milk_assets.sniim.workbook import read_workbook

NORTH = {"Baja California", "Chihuahua", "Coahuila", "Nuevo León", "Sonora", "Tamaulipas"}
SOUTH = {"Campeche", "Chiapas", "Guerrero", "Oaxaca", "Quintana Roo", "Tabasco", "Veracruz", "Yucatán"}


@pytest.fixture(scope="module")
def book(real_workbook):
    return read_workbook(real_workbook)


@pytest.fixture(scope="module")
def real(book, make_inputs_of):
    inputs = make_inputs_of(book.prices, book.averages)
    earlier = inputs.forecasts.assign(forecast=inputs.forecasts["forecast"] - 0.04)
    return inputs.report(previous_forecasts=earlier)


@pytest.fixture(scope="module")
def document(real):
    tables = [one for section in json.loads(to_json(real))["sections"] for one in section["tables"]]
    return {one["key"]: pd.DataFrame(one["rows"], columns=[column["name"] for column in one["columns"]]) for one in tables}


def prices_of(book, day):
    """Return {(state, city, milk, channel): price} of a day, in plain Python."""
    rows = book.prices[book.prices["publication"] == day].itertuples()
    return {(row.state, row.city, row.milk, row.channel): row.price for row in rows if row.price == row.price}


def test_every_figure_of_the_workbook_equals_the_json(real, document):
    sheets = load_workbook(io.BytesIO(to_xlsx(real)))
    compared = 0
    for section in real.sections:
        column = 1
        for one in (table for table in section.tables if "spreadsheet" in table.outputs):
            for index, name in enumerate(document[one.key].columns):
                cells = [
                    sheets[sheet_name(section)].cell(HEADER_ROW + 1 + row, column + index).value for row in range(len(one.frame))
                ]
                for cell, value in zip(cells, document[one.key][name], strict=True):
                    figure = cell.date().isoformat() if isinstance(cell, datetime) else cell
                    if value is None or value != value:
                        assert figure in (None, ""), one.key
                    else:
                        assert figure == pytest.approx(value, abs=1e-4), one.key
                    compared += 1
            column += len(one.columns) + 1
    assert compared > 8000


def test_every_forecast_of_the_csv_equals_the_json(real, document):
    rows = pd.read_csv(io.StringIO(to_csv(real)))
    assert len(rows) == len(document["forecasts"])
    for csv_name, json_name in (
        ("pronostico", "forecast"),
        ("desde_80", "lo80"),
        ("p_sube", "p_up"),
        ("contra_anterior", "revision"),
    ):
        assert rows[csv_name].to_numpy() == pytest.approx(document["forecasts"][json_name].to_numpy(dtype=float), abs=1e-4)


def test_every_row_of_the_explorer_equals_the_json(real, document):
    text = to_html(real)
    body = text[text.index('<table id="t-series"') :]
    body = body[body.index("<tbody>") : body.index("</tbody>")]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in body.split("<tr>")[1:]]
    kinds = {column.name: column.kind for column in real.tables["series"].columns}
    assert len(rows) == len(document["series"]) == 193
    for words, row in zip(rows, document["series"].to_dict("records"), strict=True):
        for name in ("last_price", "change", "gap", "forecast", "lo80", "hi80", "moved", "revision"):
            assert format_value(row[name], kinds[name]) in words, (row["series"], name)


def test_means_and_changes_follow_from_the_prices(book, document):
    now, before = prices_of(book, "2025-03-31"), prices_of(book, "2025-02-28")
    labels = {"Pasteurizada": "pasteurised", "Ultrapasteurizada": "uht", "Tiendas": "store", "Autoservicios": "supermarket"}
    for row in document["glance"].head(4).itertuples():
        market = labels[row.milk], labels[row.channel]
        today, month = (statistics.fmean(price for key, price in day.items() if key[2:] == market) for day in (now, before))
        assert row.price == pytest.approx(today, abs=1e-3)
        assert row.change_month == pytest.approx(today - month, abs=1e-3)


def test_movers_follow_from_the_prices(book, document):
    days = sorted(book.prices["publication"].unique())
    now, before = prices_of(book, days[-1]), prices_of(book, days[-2])
    moved = {key for key, price in now.items() if key in before and abs(price - before[key]) > 0.005}
    reported = set(document["movers"][["state", "city"]].itertuples(index=False, name=None))
    assert {key[:2] for key in moved} <= reported
    assert len(document["movers"]) == 29
    assert document["movers"]["change"].sum() == pytest.approx(sum(now[key] - before[key] for key in moved), abs=1e-3)


def test_gaps_between_regions_and_milks_follow_from_the_prices(book, document):
    now = prices_of(book, "2025-03-31")
    gap = document["regions"].iloc[0]
    means = [
        statistics.fmean(price for key, price in now.items() if key[0] in states and key[2:] == ("pasteurised", "store"))
        for states in (NORTH, SOUTH)
    ]
    assert gap["gap"] == pytest.approx(means[1] - means[0], abs=1e-3)
    both = [
        price - now[(*key[:2], "pasteurised", "store")]
        for key, price in now.items()
        if key[2:] == ("uht", "store") and (*key[:2], "pasteurised", "store") in now
    ]
    assert document["spreads"].iloc[0]["now"] == pytest.approx(statistics.median(both), abs=1e-3)
    assert document["spreads"].iloc[0]["cities"] == len(both)


def test_the_history_that_the_page_draws_is_the_prices_to_the_centavo(real, book):
    data = json.loads(re.search(r'id="data">(.*?)</script>', to_html(real), re.DOTALL)[1])
    keys = real.tables["series"].frame["series"].tolist()
    wide = book.prices.pivot(index="publication", columns="series", values="price")
    assert data["dates"] == [as_day(day).isoformat() for day in wide.index]
    for key, row in list(zip(keys, data["series"], strict=True))[8:]:
        price, drawn = 0, []
        for step, letter in re.findall(r"(~|-?[0-9a-z]+)([A-Z])", row[0]):
            price += 0 if step == "~" else int(step, 36)
            drawn += [None if step == "~" else price] * (ord(letter) - 64)
        assert drawn == [None if value != value else round(100 * value) for value in wide[key]], key


def test_a_change_of_ten_centavos_changes_every_format(book, make_inputs_of):
    at = (book.prices["publication"] == "2025-03-31") & (book.prices["series"] == "jalisco/guadalajara/pasteurised/store")
    days = {"day": date(2025, 3, 31), "publication": date(2025, 3, 31)}
    original, changed = (
        make_inputs_of(book.prices.assign(price=book.prices["price"] + step * at), book.averages).report(**days)
        for step in (0, 0.1)
    )
    for to_format in (to_html, to_xlsx, to_csv, to_json):
        assert to_format(original) != to_format(changed)
