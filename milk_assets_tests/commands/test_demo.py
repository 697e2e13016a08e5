"""What `milk demo` shows: series that exist, with their forecasts."""

import io

from rich.console import Console

from milk_assets.commands.demo import SERIES_SHOWN, forecast_table
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import build_panel
from milk_assets.sniim.workbook import read_workbook


def test_every_series_of_the_demo_exists_and_is_shown_with_its_months(sample_workbook: bytes) -> None:
    book = read_workbook(sample_workbook)
    panel = build_panel(book.prices, book.averages)
    forecasts = Model.fit_baseline(panel).predict(panel)
    assert set(SERIES_SHOWN) <= set(forecasts.series)
    printed = io.StringIO()
    Console(file=printed, width=80).print(forecast_table(forecasts))
    for key in SERIES_SHOWN:
        assert key.rpartition("/")[2] in printed.getvalue()
    assert printed.getvalue().count("last price") == len(SERIES_SHOWN)
    assert printed.getvalue().count("2025-09") == len(SERIES_SHOWN)
