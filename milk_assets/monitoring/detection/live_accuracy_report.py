"""Live accuracy report: the document on live accuracy that is stored for endpoint, metrics, alerts and dashboard.

Belongs here: its fields, and filling them. Not here: the measures (`live_accuracy`) and where it is stored
(`milk_assets.stores.layers.monitoring`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from milk_assets.monitoring.detection.live_accuracy import WINDOW_PUBLICATIONS, alarms, recent_measures, rolling_measures
from milk_assets.monitoring.detection.stored_document import MonitoringDocument, MonitoringPart
from milk_assets.promotion.policy import HORIZONS

HISTORY_PUBLICATIONS = 78
"""Publications in the document's history: half a year."""


class AccuracyAlarm(MonitoringPart):
    """One accuracy rule that alarms. rule: its name. text: one line for a person."""

    rule: str
    text: str


class PublicationMeasures(MonitoringPart):
    """Rolling measures at one publication; see `rolling_measures`. None where nothing came due."""

    publication: str | None = None
    skill: float | None = None
    mae: float | None = None
    mae_no_change: float | None = None
    bias: float | None = None
    cover80: float | None = None
    cover95: float | None = None
    brier: float | None = None
    brier_ratio: float | None = None
    forecasts: float | None = None
    dates: int | None = None


class Horizon(MonitoringPart):
    """Group key: publications ahead."""

    lead: int


class Market(MonitoringPart):
    """Group key: kind of milk and sales channel."""

    milk: str
    channel: str


class GroupMeasures(MonitoringPart):
    """Measures of one group of forecasts; see `recent_measures`."""

    dates: int
    forecasts: float | None
    mae: float | None
    mae_no_change: float | None
    bias: float | None
    cover80: float | None
    cover95: float | None
    brier: float | None
    changed: float | None
    ratio: float | None


class HorizonMeasures(GroupMeasures, Horizon):
    """Measures of one horizon."""


class MarketMeasures(GroupMeasures, Market):
    """Measures of one market."""


class LiveAccuracyReport(MonitoringDocument):
    """Live accuracy as it is stored, and as endpoint, metrics and dashboard show it.

    Attributes:
        publication: Newest publication at which forecasts came due, YYYY-MM-DD; None before the first.
        window: Publications in a rolling measure.
        horizons: Publications ahead that are measured.
        versions: Model versions whose forecasts came due at that publication.
        version: The one that was served last; None in documents of early releases.
        newest: Rolling measures at that publication.
        by_horizon: Measures of the last window by horizon.
        by_segment: Measures of the last window by market.
        history: Rolling measures at the newest HISTORY_PUBLICATIONS publications.
        alarm: All alarms in one text; None without alarms.
        alarms: The accuracy rules that alarm.
        sample: Whether the prices are generated sample data.
    """

    schema_version: int = Field(default=1, validation_alias="schema", serialization_alias="schema")
    publication: str | None
    window: int = WINDOW_PUBLICATIONS
    horizons: tuple[int, ...] = HORIZONS
    versions: tuple[str, ...] = ()
    version: str | None = None
    newest: PublicationMeasures | None = None
    by_horizon: tuple[HorizonMeasures, ...] = ()
    by_segment: tuple[MarketMeasures, ...] = ()
    history: tuple[PublicationMeasures, ...] = ()
    alarm: str | None = None
    alarms: tuple[AccuracyAlarm, ...]
    sample: bool = False


def live_accuracy_document(
    record: pd.DataFrame, role: str = "champion", publications: int = HISTORY_PUBLICATIONS
) -> dict[str, Any]:
    """The live accuracy of a model as plain values, without NaN.

    Args:
        record: The track record; may be empty.
        role: Role of the model that is measured.
        publications: Publications in the history.

    Returns:
        A LiveAccuracyReport as it is stored. Empty lists and None where nothing came due yet.
    """
    table, alarming = rolling_measures(record, role=role), alarms(record, role)
    history = table.tail(publications).reset_index(names="publication")
    rows = _plain_rows(history.assign(publication=history["publication"].map(lambda day: f"{day:%Y-%m-%d}")))
    due = record[(record["role"] == role) & (record["target"] == table.index.max())] if rows else record.iloc[:0]
    version = str(due.sort_values("origin")["model_version"].iloc[-1]) if "model_version" in due and len(due) else None
    report = LiveAccuracyReport.model_validate(
        {
            "publication": rows[-1]["publication"] if rows else None,
            "versions": sorted({str(version) for version in due.get("model_version", [])}),
            "version": version,
            "newest": rows[-1] if rows else None,
            "by_horizon": _plain_rows(recent_measures(record, ["lead"], role=role)) if rows else [],
            "by_segment": _plain_rows(recent_measures(record, ["milk", "channel"], role=role)) if rows else [],
            "history": rows,
            "alarm": "; ".join(map(str, alarming)) or None,
            "alarms": [{"rule": breach.rule, "text": str(breach)} for breach in alarming],
        }
    )
    return report.model_dump(mode="json", by_alias=True)


def _plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dicts of Python values, rounded to six decimals, None for NaN."""
    return [{str(name): _plain_value(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain_value(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
