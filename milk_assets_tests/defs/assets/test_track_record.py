"""Issued forecasts meet their dates, each once."""

from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from milk_assets.defs.assets.data import prices
from milk_assets.defs.assets.models import track_record
from milk_assets.defs.assets.outputs import forecasts, shadow_forecasts
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_assets.stores.lake import Lake
from milk_assets_tests.forecasting.conftest import market

PRICES, AVERAGES = market()
DATES = [str(day.date()) for day in PRICES.publication.drop_duplicates()]


def publish(lake: Lake, day: str) -> Panel:
    """A proven publication, cumulative as SNIIM's are."""
    from milk_assets.defs.assets.data.features import read_panel

    sha256 = day.replace("-", "") * 8
    for name, table in (("prices", PRICES), ("averages", AVERAGES)):
        lake.write_table(f"prices/{day}/{sha256[:12]}/{name}.parquet", table[table.publication <= day])
    lake.write_json(f"prices/{day}/{prices.VINTAGE}", {"sha256": sha256, "sample": True})
    return read_panel(lake, day)


def issue(lake: Lake, panel: Panel) -> None:
    """Forecasts of champion (version 1) and challenger (2) at a publication."""
    day = str(panel.origin)
    table = Model.fit_baseline(panel).predict(panel)
    made = {"workbook": "a" * 64, "bundle": "b" * 64, "version": 1}
    folder = forecasts._folder(day, made)
    lake.write_table(f"{folder}/forecasts.parquet", table.assign(model_version="1", is_baseline=True))
    lake.write_json(f"{forecasts.LAYER}/{day}/{forecasts.MADE}", made)
    shadow = table.assign(model_version="2", is_baseline=False, forecast=table.forecast + 0.5)
    lake.write_table(f"{shadow_forecasts.LAYER}/{day}/{shadow_forecasts.TABLE}", shadow)
    lake.write_json(f"{shadow_forecasts.LAYER}/{day}/{shadow_forecasts.MADE}", {"contender": "abc", "version": 2})


def settle(lake: Lake, day: str) -> Any:
    with dg.build_asset_context(partition_key=day) as context:
        return track_record.track_record(context, lake=lake)


@pytest.fixture
def month_end() -> int:
    """Place of the last publication of a month, with a week before it."""
    return next(n for n in range(40, len(DATES) - 1) if DATES[n][:7] != DATES[n + 1][:7])


def test_each_forecast_is_scored_once_when_its_date_has_come(lake: Lake, month_end: int) -> None:
    assert track_record.read(lake) is None
    for day in DATES[month_end - 3 : month_end + 2]:
        panel = publish(lake, day)
        settle(lake, day)
        issue(lake, panel)
    record = track_record.read(lake)
    assert record is not None
    assert list(record.columns) == list(track_record.KEPT)
    assert not record.duplicated(["role", "origin", "target", "task", "lead", "series"]).any()
    near = record[(record.task == "publication") & (record.role == "champion")]
    pairs = sorted(set(zip(near.origin.dt.strftime("%Y-%m-%d"), near.target.dt.strftime("%Y-%m-%d"), strict=True)))
    days = DATES[month_end - 3 : month_end + 2]
    assert pairs == sorted((a, b) for n, a in enumerate(days) for b in days[n + 1 :])
    known = PRICES.set_index(["publication", "series"]).price
    cities = near[near.level == "city"]
    expected = known.reindex(pd.MultiIndex.from_frame(cities[["target", "series"]])).to_numpy()
    np.testing.assert_allclose(cities.actual, expected)
    assert (record[record.role == "challenger"].model_version == "2").all()


def test_a_month_is_scored_when_it_has_ended_and_not_before(lake: Lake, month_end: int) -> None:
    days = DATES[month_end - 2 : month_end + 2]
    found = {}
    for day in days:
        panel = publish(lake, day)
        settle(lake, day)
        found[day] = lake.read_table(f"track_record/{day}/track_record.parquet")
        issue(lake, panel)
    months = {day: set(table.target[table.task == "month"].dt.strftime("%Y-%m")) for day, table in found.items()}
    assert months == {days[0]: set(), days[1]: set(), days[2]: {days[2][:7]}, days[3]: set()}
    ended = found[days[2]]
    ended = ended[(ended.task == "month") & (ended.level == "city") & (ended.role == "champion")]
    means = PRICES[PRICES.publication.dt.strftime("%Y-%m") == days[2][:7]].groupby("series").price.mean()
    np.testing.assert_allclose(ended.actual, means.reindex(ended.series))


def test_publications_that_came_while_nobody_looked_are_scored_too(lake: Lake, month_end: int) -> None:
    issue(lake, publish(lake, DATES[10]))
    publish(lake, DATES[13])
    settle(lake, DATES[13])
    record = track_record.read(lake)
    assert record is not None
    assert sorted(set(record.target[record.task == "publication"].dt.strftime("%Y-%m-%d"))) == DATES[11:14]


def test_a_publication_that_is_read_again_keeps_one_record(lake: Lake) -> None:
    issue(lake, publish(lake, DATES[10]))
    publish(lake, DATES[11])
    settle(lake, DATES[11])
    before = track_record.read(lake)
    settle(lake, DATES[11])
    pd.testing.assert_frame_equal(track_record.read(lake), before)
