"""The monitoring assets: the documents they write for alerts, metrics and readers."""

from typing import Any

import dagster as dg
import pandas as pd
import pytest

from milk_assets.defs.assets.monitoring.dashboard import dashboard as dashboard_asset
from milk_assets.defs.assets.monitoring.drift_report import drift_report as drift_report_asset
from milk_assets.defs.assets.monitoring.feed_report import feed_report as feed_report_asset
from milk_assets.defs.assets.monitoring.live_accuracy import live_accuracy as live_accuracy_asset
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring, prices, track_record
from milk_assets_tests.forecasting.conftest import market
from milk_assets_tests.monitoring.test_live_accuracy import healthy
from milk_model.artefact_paths import SERVED, TRACK_RECORD

PRICES, AVERAGES = market()
DATES = [str(day.date()) for day in PRICES.publication.drop_duplicates()]
DAY, BEFORE = DATES[-1], DATES[-2]


def publish(lake: Lake, day: str, table: pd.DataFrame = PRICES, mark: str = "a") -> None:
    """Write the validated prices of a publication, cumulative like SNIIM's. mark: the repeated digit of its sha256."""
    sha256 = mark * 64
    for name, rows in (("prices", table), ("averages", AVERAGES)):
        lake.write_table(f"prices/{day}/{sha256[:12]}/{name}.parquet", rows[rows.publication <= day])
    lake.write_json(prices.LAYER.path(str(day)), {"sha256": sha256, "sample": True})


def run(asset: Any, day: str, **resources: Lake) -> dict[str, bool]:
    """Materialize one publication of an asset; returns its checks and whether they passed."""
    with dg.build_asset_context(partition_key=day) as context:
        found = asset(context, **resources)
        found = [found] if isinstance(found, dg.MaterializeResult) else list(found)
    return {str(one.check_name): bool(one.passed) for one in found if isinstance(one, dg.AssetCheckResult)}


def with_change(by: float) -> pd.DataFrame:
    """The prices with one past price changed: one series, ten publications back."""
    first = PRICES[(PRICES.publication == DATES[-10]) & PRICES.price.notna()].series.iloc[0]
    hit = (PRICES.publication == DATES[-10]) & (PRICES.series == first)
    return PRICES.assign(price=PRICES.price.where(~hit, PRICES.price + by))


def test_the_first_vintage_has_no_restatements(lake: Lake) -> None:
    publish(lake, DAY)
    assert run(feed_report_asset, DAY, lake=lake) == {"past_is_not_restated": True, "prices_still_move": True}
    document = lake.read_json(monitoring.FEED.path(DAY))
    assert document["restated"] == {"against": None, "prices": 0, "dates": 0, "first": None, "last": None}
    assert monitoring.read_restatements(lake, DAY).empty


def test_restatements_are_kept_and_a_correction_is_compared_with_the_workbook_it_corrects(lake: Lake) -> None:
    publish(lake, BEFORE)
    publish(lake, DAY, with_change(0.5), "b")
    assert run(feed_report_asset, DAY, lake=lake)["past_is_not_restated"] is False
    publish(lake, DAY, with_change(0.75), "c")
    run(feed_report_asset, DAY, lake=lake)
    first = lake.read_table(monitoring.feed_table_path(DAY, "b" * 64, "restatements"))
    second = monitoring.read_restatements(lake, DAY)
    assert (first.new - first.old).tolist() == pytest.approx([0.5]), "the first restatement is kept"
    assert (second.new - second.old).tolist() == pytest.approx([0.25])
    assert lake.read_json(monitoring.FEED.path(DAY))["restated"]["against"] == f"{DAY} (bbbbbbbbbbbb)"


def test_publications_without_any_changed_price_are_counted(lake: Lake) -> None:
    still = PRICES[PRICES.publication == DATES[-3]].set_index("series").price
    table = PRICES.assign(price=PRICES.price.where(PRICES.publication <= DATES[-3], PRICES.series.map(still)))
    publish(lake, DAY, table)
    assert run(feed_report_asset, DAY, lake=lake)["prices_still_move"] is False
    assert lake.read_json(monitoring.FEED.path(DAY))["unchanged"] == 2


def test_a_jump_is_left_out_of_training_but_not_of_forecasting(lake: Lake) -> None:
    last = PRICES[(PRICES.publication == BEFORE) & PRICES.price.notna()].iloc[0]
    hit = (PRICES.publication == DAY) & (PRICES.series == last.series)
    publish(lake, DAY, PRICES.assign(price=PRICES.price.where(~hit, last.price * 1.5)))
    run(feed_report_asset, DAY, lake=lake)
    (held,) = [row for row in monitoring.read_quarantine(lake, DAY).itertuples() if str(row.publication.date()) == DAY]
    assert (held.series, held.reason) == (last.series, "awaited")
    published, for_training = prices.read_panel(lake, DAY), prices.read_training_panel(lake, DAY)
    place = published.names.series.index(last.series)
    assert published.prices[-1, place] == pytest.approx(last.price * 1.5)
    assert pd.isna(for_training.prices[-1, place])
    assert (pd.isna(for_training.prices) >= pd.isna(published.prices)).all()


def test_drift_thresholds_are_stored_for_the_served_model(lake: Lake, artefacts: Lake) -> None:
    publish(lake, DAY)
    run(drift_report_asset, DAY, lake=lake, artefacts=artefacts)
    assert artefacts.files(monitoring.DRIFT_THRESHOLDS_FOLDER) == [], "there is no champion yet"
    artefacts.write_json(SERVED, {"version": 3, "bundle": "d" * 64, "is_baseline": False})
    run(drift_report_asset, DAY, lake=lake, artefacts=artefacts)
    document = artefacts.read_json(f"{monitoring.DRIFT_THRESHOLDS_FOLDER}/{'d' * 12}.json")
    assert (document["publication"], document["version"], len(document["thresholds"])) == (DAY, 3, 12)
    signals = {
        f"{one['signal']} {one['milk']}/{one['channel']}": one for one in lake.read_json(monitoring.DRIFT.path(DAY))["signals"]
    }
    assert document["thresholds"] == {name: one["threshold"] for name, one in signals.items()}


def test_live_accuracy_serves_the_newest_publication_only(lake: Lake, artefacts: Lake) -> None:
    record = healthy()
    days = sorted(str(day.date()) for day in record.target.unique())
    for day in days:
        lake.write_table(track_record.LAYER.path(day), record[record.target == day])
        lake.write_json(prices.LAYER.path(str(day)), {"sha256": "a" * 64, "sample": True})
    run(live_accuracy_asset, days[-1], lake=lake, artefacts=artefacts)
    served = artefacts.read_json(TRACK_RECORD)
    assert (served["publication"], served["sample"], served["alarm"]) == (days[-1], True, None)
    assert served["newest"]["skill"] == pytest.approx(0.8)
    run(live_accuracy_asset, days[-4], lake=lake, artefacts=artefacts)
    assert artefacts.read_json(TRACK_RECORD)["publication"] == days[-1], "an older one made again leaves it standing"
    assert lake.read_json(monitoring.LIVE_ACCURACY.path(days[-4]))["publication"] == days[-4]


def test_the_newest_dashboard_is_next_to_the_latest_report_and_an_older_one_does_not_replace_it(
    lake: Lake, artefacts: Lake
) -> None:
    for day in (DAY, BEFORE):
        publish(lake, day)
        lake.write_table(track_record.LAYER.path(day), healthy().head(0))
        run(feed_report_asset, day, lake=lake)
        run(drift_report_asset, day, lake=lake, artefacts=artefacts)
        run(live_accuracy_asset, day, lake=lake, artefacts=artefacts)
        run(dashboard_asset, day, lake=lake)
    assert f"Publicación del {BEFORE}" in lake.read_bytes(monitoring.DASHBOARD.path(BEFORE)).decode()
    latest = lake.read_bytes("price_report/latest/dashboard.html").decode()
    assert f"Publicación del {DAY}" in latest
    assert "Datos de muestra" in latest
