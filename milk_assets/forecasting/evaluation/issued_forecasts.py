"""Issued forecasts: the track record's rows, and their errors.

Belongs here: joining issued forecasts with published prices, as pure functions. Which forecasts were issued is the caller's to read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from milk_assets.forecasting.evaluation.outcomes import Outcomes, ended_months
from milk_assets.forecasting.panel import Panel
from milk_assets.frames import Forecasts, TrackRecord, TrackRecordFrame

TRACK_RECORD_COLUMNS = list(TrackRecordFrame.to_schema().columns)


def month_ended_since(panel: Panel, known_until: np.datetime64) -> bool:
    """Whether a calendar month has ended with the publications of a panel after `known_until`."""
    return len(ended_months(panel.dates)) > len(ended_months(panel.dates[panel.dates <= known_until]))


def track_record_rows(panel: Panel, known_until: np.datetime64, issued: Mapping[str, Sequence[Forecasts]]) -> TrackRecord:
    """The issued forecasts whose target became known after `known_until`, with the published price as `actual`.

    Args:
        panel: Prices as known now.
        known_until: Newest publication date before this one, datetime64[D].
        issued: Role → forecast frames, one per origin.

    Returns:
        Frame with TRACK_RECORD_COLUMNS; empty, with the same columns, where no target became known.
    """
    outcomes = Outcomes.from_panel(panel)
    tables = [
        outcomes.join_actual(table, known_until).assign(role=role)[TRACK_RECORD_COLUMNS]
        for role, forecasts in issued.items()
        for table in forecasts
    ]
    with_rows = [table for table in tables if len(table)]
    if with_rows:
        return TrackRecordFrame.validate(pd.concat(with_rows, ignore_index=True))
    return TrackRecordFrame.empty()


def error_summary(record: TrackRecord) -> pd.DataFrame:
    """Mean absolute errors of forecasts and of no change by role, task and lead, MXN per litre."""
    errors = record.assign(mae=(record.forecast - record.actual).abs(), mae_no_change=(record.no_change - record.actual).abs())
    return errors.groupby(["role", "task", "lead"], as_index=False)[["mae", "mae_no_change"]].mean()
