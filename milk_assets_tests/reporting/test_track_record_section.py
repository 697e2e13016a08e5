"""The section of past errors, on a few resolved forecasts."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.reporting.model.report import ReportError
from milk_assets.reporting.sections.track_record import track_record_section


def resolved_forecasts(rows, model="7"):
    """Return a backtest frame of city rows (target, lead, actual, no_change, forecast) of next publications."""
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
    series = [f"puebla/puebla/uht/store{index}" for index in range(len(frame))]
    return frame.assign(**fixed, series=series, lo80=frame["forecast"] - 0.3, hi80=frame["forecast"] + 0.3)


def frame_of(section, key="record"):
    return next(table for table in section.tables if table.key == key).frame


def test_errors_are_averaged_within_dates_and_then_between_dates():
    rows = [("2025-03-28", 1, 21.0, 20.0, 20.0)] + [("2025-03-31", 1, 20.0, 20.0, 20.0)] * 3
    scores = frame_of(track_record_section(resolved_forecasts(rows), None)).iloc[0]
    assert scores["mae"] == pytest.approx(0.5), "one date with an error of 1.00, one of 0; not one row in four"
    assert (scores["targets"], scores["ratio"]) == (2, pytest.approx(1.0))


def test_a_better_forecast_has_a_ratio_below_one_and_a_share_of_right_directions():
    rows = [("2025-03-31", 1, 21.0, 20.0, 20.8), ("2025-03-31", 1, 19.0, 20.0, 20.2), ("2025-03-31", 1, 20.0, 20.0, 20.0)]
    scores = frame_of(track_record_section(resolved_forecasts(rows), None)).iloc[0]
    assert scores["ratio"] == pytest.approx((0.2 + 1.2) / 2.0)
    assert scores["direction"] == pytest.approx(0.5)
    assert scores["covered"] == pytest.approx(2 / 3)


def test_only_the_newest_thirteen_targets_count():
    days = pd.date_range("2025-01-01", periods=20).strftime("%Y-%m-%d")
    rows = [(day, 1, 25.0 if index < 7 else 20.1, 20.0, 20.0) for index, day in enumerate(days)]
    scores = frame_of(track_record_section(resolved_forecasts(rows), None)).iloc[0]
    assert (scores["targets"], scores["mae"]) == (13, pytest.approx(0.1))


def test_issued_forecasts_take_precedence_over_the_backtest_and_the_section_says_which():
    issued, tested = (
        resolved_forecasts([("2025-03-31", 1, 21.0, 20.0, 20.9)]),
        resolved_forecasts([("2025-03-31", 1, 21.0, 20.0, 20.0)]),
    )
    both = track_record_section(issued, tested)
    assert frame_of(both)["mae"].iloc[0] == pytest.approx(0.1)
    assert "publicados por este boletín" in both.lead
    pending = track_record_section(issued.assign(actual=np.nan), tested)
    assert frame_of(pending)["mae"].iloc[0] == pytest.approx(1.0)
    assert "prueba retrospectiva" in pending.lead


def test_without_resolved_forecasts_the_section_says_so():
    section = track_record_section(None, None)
    assert section.tables == ()
    assert "Aún no hay" in section.lead


def test_the_largest_misses_are_one_per_series_largest_first():
    rows = [("2025-03-31", 1, 20.0 + index, 20.0, 20.0) for index in range(8)]
    misses = frame_of(track_record_section(resolved_forecasts(rows), None), "misses")
    assert misses["miss"].tolist() == [-7.0, -6.0, -5.0, -4.0, -3.0]


def test_a_backtest_of_two_models_is_rejected():
    two = pd.concat([resolved_forecasts([("2025-03-31", 1, 21.0, 20.0, 20.9)], model) for model in ("champion", "challenger")])
    with pytest.raises(ReportError, match=r"found \['challenger', 'champion'\]"):
        track_record_section(None, two)


def test_a_record_without_a_column_is_rejected():
    with pytest.raises(ReportError, match="expected the columns .'actual'"):
        track_record_section(resolved_forecasts([("2025-03-31", 1, 21.0, 20.0, 20.9)]).drop(columns="actual"), None)
