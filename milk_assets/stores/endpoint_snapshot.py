"""The panel as the endpoint takes it: what is forecast, what it is called, and when the next prices are expected.

Belongs here: choosing what goes into a snapshot; apart from `forecasting`, whose every change asks for new models. Its format is
`milk_model.snapshot`'s.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from milk_assets.forecasting.panel import Panel
from milk_assets.sniim.calendar import expected_between, months_ahead
from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS, vocabulary
from milk_model.snapshot import Snapshot

REACH = 9  # months of expected dates: six are forecast, the rest is for callers whose own prices run ahead of the source's


def snapshot_of(panel: Panel, *, sample: bool, workbook: str) -> Snapshot:
    """The active series of a panel. workbook: sha256 of the source's file; sample: whether its prices are generated."""
    active, origin = panel.only_active(), date.fromisoformat(str(panel.origin))
    expected = [day for day in expected_between(origin, months_ahead(origin, REACH)) if day > origin]
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
