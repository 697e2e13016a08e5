"""Endpoint snapshot: the price history that the endpoint forecasts from.

Belongs here: choosing what goes into a snapshot. It is not part of `milk_assets.forecasting`, because a change there starts a training. Not
here: the file format (`milk_model.snapshot`).
"""

from __future__ import annotations

from datetime import date

import numpy as np

from milk_assets.forecasting.panel import Panel
from milk_assets.sniim.calendar import expected_between, months_ahead
from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS, vocabulary
from milk_model.snapshot import Snapshot

MONTHS_OF_EXPECTED_DATES = 9  # six are forecast; the rest is for callers who send prices newer than the source's


def snapshot_of(panel: Panel, *, sample: bool, workbook: str) -> Snapshot:
    """The active series of a panel, their names, and the dates of the next publications.

    Args:
        panel: Prices of all series.
        sample: Whether the prices are generated sample data.
        workbook: sha256 of the workbook they were read from.
    """
    active, origin = panel.only_active(), date.fromisoformat(str(panel.origin))
    last_expected = months_ahead(origin, MONTHS_OF_EXPECTED_DATES)
    expected = [day for day in expected_between(origin, last_expected) if day > origin]
    return Snapshot(
        dates=panel.dates,
        names=active.names.by_key(),
        prices=active.prices,
        average_names=panel.average_names.by_key(),
        averages=panel.averages,
        expected=np.array(expected, dtype="datetime64[D]"),
        inactive=tuple(sorted(set(panel.names.series) - set(active.names.series))),
        vocabulary=vocabulary(),
        labels={**MILK_LABELS, **CHANNEL_LABELS},
        sample=sample,
        workbook=workbook,
    )
