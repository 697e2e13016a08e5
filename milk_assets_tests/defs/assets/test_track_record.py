"""The asset `track_record`: every issued forecast is scored once, when its date has been published."""

from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from milk_assets.defs.assets.models.track_record import track_record as track_record_asset
from milk_assets.forecasting.evaluation.issued_forecasts import TRACK_RECORD_COLUMNS
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import forecasts, prices, shadow_forecasts, track_record
from milk_assets_tests.forecasting.conftest import market

PRICES, AVERAGES = market()
DATES = [str(day.date()) for day in PRICES.publication.drop_duplicates()]


def publish(lake: Lake, day: str) -> Panel:
    """Write the validated prices of a publication, cumulative like SNIIM's."""
    sha256 = day.replace("-", "") * 8
    vintage = prices.Vintage(workbook=f"{day}.xlsx", sha256=sha256, sample=True, source_note="Fuente.")
    prices.write_vintage(lake, day, vintage, PRICES[PRICES.publication <= day], AVERAGES[AVERAGES.publication <= day])
    return prices.read_panel(lake, day)


def issue(lake: Lake, panel: Panel) -> None:
    """Write forecasts of champion (version 1) and challenger (version 2) at a publication."""
    day = str(panel.origin)
    table = Model.fit_baseline(panel).predict(panel)
    source = forecasts.ForecastSource(
        version=1, bundle="b" * 64, is_baseline=True, trained_through=day, workbook="a" * 64, sample=True
    )
    forecasts.write_forecasts(lake, day, source, table.assign(model_version="1", is_baseline=True), table.head(0))
    prices_half_a_peso_higher = {name: table[name] + 0.5 for name in ("forecast", "lo80", "hi80", "lo95", "hi95")}
    shadow = table.assign(model_version="2", is_baseline=False, **prices_half_a_peso_higher)
    shadow_forecasts.write_shadow_forecasts(lake, day, shadow_forecasts.ShadowSource(version=2, contender="abc"), shadow)


def score(lake: Lake, day: str) -> Any:
    with dg.build_asset_context(partition_key=day) as context:
        return track_record_asset(context, lake=lake)


@pytest.fixture
def month_end() -> int:
    """Index of the last publication of a month, with at least 40 publications before it."""
    return next(n for n in range(40, len(DATES) - 1) if DATES[n][:7] != DATES[n + 1][:7])


def test_each_forecast_is_scored_once_when_its_date_is_published(lake: Lake, month_end: int) -> None:
    assert track_record.read_track_record(lake) is None
    for day in DATES[month_end - 3 : month_end + 2]:
        panel = publish(lake, day)
        score(lake, day)
        issue(lake, panel)
    record = track_record.read_track_record(lake)
    assert record is not None
    assert list(record.columns) == TRACK_RECORD_COLUMNS
    assert not record.duplicated(["role", "origin", "target", "task", "lead", "series"]).any()
    next_publications = record[(record.task == "publication") & (record.role == "champion")]
    pairs = sorted(
        set(zip(next_publications.origin.dt.strftime("%Y-%m-%d"), next_publications.target.dt.strftime("%Y-%m-%d"), strict=True))
    )
    days = DATES[month_end - 3 : month_end + 2]
    assert pairs == sorted((a, b) for n, a in enumerate(days) for b in days[n + 1 :])
    published = PRICES.set_index(["publication", "series"]).price
    cities = next_publications[next_publications.level == "city"]
    expected = published.reindex(pd.MultiIndex.from_frame(cities[["target", "series"]])).to_numpy()
    np.testing.assert_allclose(cities.actual, expected)
    assert (record[record.role == "challenger"].model_version == "2").all()


def test_a_month_is_scored_when_it_has_ended_and_not_before(lake: Lake, month_end: int) -> None:
    days = DATES[month_end - 2 : month_end + 2]
    records = {}
    for day in days:
        panel = publish(lake, day)
        score(lake, day)
        records[day] = lake.read_table(f"track_record/{day}/track_record.parquet")
        issue(lake, panel)
    months = {day: set(table.target[table.task == "month"].dt.strftime("%Y-%m")) for day, table in records.items()}
    assert months == {days[0]: set(), days[1]: set(), days[2]: {days[2][:7]}, days[3]: set()}
    ended = records[days[2]]
    ended = ended[(ended.task == "month") & (ended.level == "city") & (ended.role == "champion")]
    means = PRICES[PRICES.publication.dt.strftime("%Y-%m") == days[2][:7]].groupby("series").price.mean()
    np.testing.assert_allclose(ended.actual, means.reindex(ended.series))


def test_publications_missed_during_an_outage_are_scored_too(lake: Lake, month_end: int) -> None:
    issue(lake, publish(lake, DATES[10]))
    publish(lake, DATES[13])
    score(lake, DATES[13])
    record = track_record.read_track_record(lake)
    assert record is not None
    assert sorted(set(record.target[record.task == "publication"].dt.strftime("%Y-%m-%d"))) == DATES[11:14]


def test_reading_a_publication_again_gives_the_same_record(lake: Lake) -> None:
    issue(lake, publish(lake, DATES[10]))
    publish(lake, DATES[11])
    score(lake, DATES[11])
    first_record = track_record.read_track_record(lake)
    score(lake, DATES[11])
    pd.testing.assert_frame_equal(track_record.read_track_record(lake), first_record)
