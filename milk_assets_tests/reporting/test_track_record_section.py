"""The error record, on a handful of resolved forecasts."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.reporting.model.report import ReportError
from milk_assets.reporting.sections.track_record import record


def resolved(rows, model="7"):
    """A backtest frame of (target, lead, actual, no_change, forecast) city rows of next publications."""
    frame = pd.DataFrame(rows, columns=["target", "lead", "actual", "no_change", "forecast"])
    frame["target"] = pd.to_datetime(frame["target"])
    fixed = {
        "model": model,
        "task": "publication",
        "level": "city",
        "milk": "uht",
        "channel": "store",
        "state": "Puebla",
        "city": "Puebla",
    }
    series = [f"puebla/puebla/uht/store{place}" for place in range(len(frame))]
    return frame.assign(**fixed, series=series, lo80=frame["forecast"] - 0.3, hi80=frame["forecast"] + 0.3)


def first(section, key="record"):
    return next(table for table in section.tables if table.key == key).frame


def test_errors_are_averaged_by_date_before_they_are_averaged():
    rows = [("2025-03-28", 1, 21.0, 20.0, 20.0)] + [("2025-03-31", 1, 20.0, 20.0, 20.0)] * 3
    scores = first(record(resolved(rows), None)).iloc[0]
    assert scores["mae"] == pytest.approx(0.5), "one date missed by 1.00, one by 0; not one row in four"
    assert (scores["targets"], scores["ratio"]) == (2, pytest.approx(1.0))


def test_a_better_forecast_has_a_ratio_below_one_and_its_direction_counted():
    rows = [("2025-03-31", 1, 21.0, 20.0, 20.8), ("2025-03-31", 1, 19.0, 20.0, 20.2), ("2025-03-31", 1, 20.0, 20.0, 20.0)]
    scores = first(record(resolved(rows), None)).iloc[0]
    assert scores["ratio"] == pytest.approx((0.2 + 1.2) / 2.0)
    assert scores["direction"] == pytest.approx(0.5)
    assert scores["covered"] == pytest.approx(2 / 3)


def test_only_the_newest_thirteen_targets_count():
    days = pd.date_range("2025-01-01", periods=20).strftime("%Y-%m-%d")
    rows = [(day, 1, 25.0 if place < 7 else 20.1, 20.0, 20.0) for place, day in enumerate(days)]
    scores = first(record(resolved(rows), None)).iloc[0]
    assert (scores["targets"], scores["mae"]) == (13, pytest.approx(0.1))


def test_live_forecasts_win_over_the_backtest_and_the_section_says_which():
    live, tested = resolved([("2025-03-31", 1, 21.0, 20.0, 20.9)]), resolved([("2025-03-31", 1, 21.0, 20.0, 20.0)])
    both = record(live, tested)
    assert first(both)["mae"].iloc[0] == pytest.approx(0.1)
    assert "publicados por este boletín" in both.lead
    pending = record(live.assign(actual=np.nan), tested)
    assert first(pending)["mae"].iloc[0] == pytest.approx(1.0)
    assert "prueba retrospectiva" in pending.lead


def test_without_any_outcome_the_section_says_so():
    section = record(None, None)
    assert section.tables == ()
    assert "Aún no hay" in section.lead


def test_the_worst_misses_are_one_a_series_largest_first():
    rows = [("2025-03-31", 1, 20.0 + place, 20.0, 20.0) for place in range(8)]
    misses = first(record(resolved(rows), None), "misses")
    assert misses["miss"].tolist() == [-7.0, -6.0, -5.0, -4.0, -3.0]


def test_a_backtest_of_two_models_is_refused_as_nobody_knows_which_is_served():
    two = pd.concat([resolved([("2025-03-31", 1, 21.0, 20.0, 20.9)], model) for model in ("champion", "challenger")])
    with pytest.raises(ReportError, match=r"found \['challenger', 'champion'\]"):
        record(None, two)


def test_a_record_without_its_columns_is_refused():
    with pytest.raises(ReportError, match="expected the columns .'actual'"):
        record(resolved([("2025-03-31", 1, 21.0, 20.0, 20.9)]).drop(columns="actual"), None)
