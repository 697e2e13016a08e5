"""Scored market: one model version and one price history, with every series forecast once.

Belongs here: forecasts by series, and forecasts from a caller's own prices. Not here: replacing versions (`champion`), and the JSON of
answers (`lambda_service.api.queries`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from lambda_service.serving.served_manifest import ServedManifest
from milk_model.forecast_columns import Columns
from milk_model.forecaster import Forecaster, History
from milk_model.snapshot import Snapshot

DECIMALS = 6  # of prices and chances in answers, far below a centavo
FORECAST_FIELDS = ("no_change", "forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")
MAX_PUBLICATIONS_AHEAD = 13  # that own prices may be newer than the source: about a month
MAX_OWN_PRICES = 60  # of one series; older prices hardly change any feature


class OwnPricesError(ValueError):
    """A caller's own prices cannot be used; the message names the date and the dates that are accepted."""


class SeriesPrices(NamedTuple):
    """A series key, and prices in MXN per litre by publication date."""

    series: str
    prices: Mapping[np.datetime64, float]


@dataclass(frozen=True)
class ScoredMarket:
    """A model version applied to a price history.

    Attributes:
        manifest: the manifest that names the model version and the data.
        snapshot: the price history.
        forecaster: the model.
        forecasts: by series key, as `forecasts_by_series` returns them; MXN per litre.
    """

    manifest: ServedManifest
    snapshot: Snapshot
    forecaster: Forecaster
    forecasts: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def score(manifest: ServedManifest, snapshot: Snapshot, forecaster: Forecaster) -> ScoredMarket:
        """Forecast every series.

        Raises:
            ValueError: a forecast is NaN or infinite.
        """
        columns = forecaster.forecast(snapshot.history(), snapshot.expected)
        for name in FORECAST_FIELDS:
            if not np.isfinite(columns[name]).all():
                raise ValueError(f"{name} of version {manifest.version} is not finite for some series: check the bundle")
        return ScoredMarket(manifest, snapshot, forecaster, forecasts_by_series(columns))

    @property
    def since(self) -> datetime:
        """When this version became the champion, UTC."""
        return self.manifest.since.astimezone(UTC)

    @property
    def generated(self) -> datetime:
        """When these forecasts were computed: the newer of the model and data timestamps, UTC."""
        data_published = self.manifest.data.at
        return max(self.since, data_published.astimezone(UTC)) if data_published else self.since

    @cached_property
    def names(self) -> dict[str, tuple[str, str, str, str]]:
        """State, city, milk and channel of every series that is forecast, by key: cities, then national averages."""
        names = {**self.snapshot.names, **self.snapshot.average_names}
        return {key: names[key] for key in names if key in self.forecasts}

    def forecast_with_own_prices(self, requests: Sequence[SeriesPrices]) -> list[Mapping[str, Any]]:
        """Forecast some series as if the caller's prices had been published for them.

        Each request is independent: the rest of the market stays as published. Own prices replace the published prices of their
        dates, and may add the dates expected next. Requests that end on the same date are scored together.

        Args:
            requests: keys of city series, with the caller's prices.

        Returns:
            Forecasts in the order of the requests, as `forecasts_by_series` returns them.

        Raises:
            OwnPricesError: a date is not a publication date, or is too far ahead.
        """
        rows_by_ahead: dict[int, list[int]] = {}
        for row, request in enumerate(requests):
            rows_by_ahead.setdefault(self.publications_ahead(request), []).append(row)
        forecasts: dict[int, Mapping[str, Any]] = {}
        for ahead, rows in rows_by_ahead.items():
            scored = self._score_together([requests[row] for row in rows], ahead)
            forecasts |= dict(zip(rows, scored, strict=True))
        return [forecasts[row] for row in range(len(requests))]

    def publications_ahead(self, request: SeriesPrices) -> int:
        """How many publications the newest own price is ahead of the source, 0 when it is not.

        Raises:
            OwnPricesError: the series is a national average, or a date is not a publication date or is too far ahead.
        """
        if request.series not in self.snapshot.names:
            raise OwnPricesError("own prices are accepted for city series, not for national averages")
        upcoming = self.snapshot.expected[:MAX_PUBLICATIONS_AHEAD]
        ahead_by_date = dict.fromkeys(self.snapshot.dates[-MAX_OWN_PRICES:], 0)
        ahead_by_date |= {day: number for number, day in enumerate(upcoming, start=1)}
        for day in request.prices:
            if day not in ahead_by_date:
                raise OwnPricesError(
                    f"{day} is not one of the last {MAX_OWN_PRICES} publication dates up to {self.snapshot.publication}, "
                    f"nor of the next {MAX_PUBLICATIONS_AHEAD} up to {upcoming[-1]}"
                )
        return max((ahead_by_date[day] for day in request.prices), default=0)

    def _score_together(self, requests: Sequence[SeriesPrices], ahead: int) -> list[Mapping[str, Any]]:
        """Forecasts of requests whose newest own price is `ahead` publications ahead of the source."""
        snapshot = self.snapshot
        dates = np.concatenate([snapshot.dates, snapshot.expected[:ahead]])
        market = np.vstack([snapshot.prices, np.full((ahead, snapshot.prices.shape[1]), np.nan)])
        column_of = {key: column for column, key in enumerate(snapshot.names)}
        row_of = {day: row for row, day in enumerate(dates)}
        own = market[:, [column_of[request.series] for request in requests]]
        for column, request in enumerate(requests):
            for day, price in request.prices.items():
                own[row_of[day], column] = price
        # each request becomes an extra series that the rest of the market does not see
        segments = [request.series.split("/", 2)[-1] for request in requests]
        keys = tuple(f"own/{number}/{segment}" for number, segment in enumerate(segments))
        counted = np.arange(market.shape[1] + len(keys)) < market.shape[1]
        history = History(dates, (*snapshot.names, *keys), np.hstack([market, own]), in_market=counted)
        columns = self.forecaster.forecast(history, snapshot.expected[ahead:])
        scored = forecasts_by_series(columns, only=frozenset(keys))
        return [scored[key] for key in keys]


def forecasts_by_series(columns: Columns, only: frozenset[str] | None = None) -> dict[str, dict[str, Any]]:
    """The forecaster's columns as one document for each series, ready for JSON.

    Args:
        columns: as `Forecaster.forecast` returns them.
        only: keys to include; None includes all.

    Returns:
        By series key: last_price, last_date, and the lists publications and months, whose items have lead, target and FORECAST_FIELDS.
    """
    documents: dict[str, dict[str, Any]] = {}
    values = {name: np.round(columns[name], DECIMALS).tolist() for name in FORECAST_FIELDS}
    last_prices = np.round(columns["last_price"], DECIMALS).tolist()
    last_dates, targets = columns["last_date"].astype(str).tolist(), columns["target"].astype(str).tolist()
    tasks, leads = columns["task"].tolist(), columns["lead"].tolist()
    for row, key in enumerate(columns["series"].tolist()):
        if only is not None and key not in only:
            continue
        document = documents.get(key)
        if document is None:
            document = {"last_price": last_prices[row], "last_date": last_dates[row], "publications": [], "months": []}
            documents[key] = document
        forecast = {"lead": leads[row], "target": targets[row], **{name: values[name][row] for name in FORECAST_FIELDS}}
        document["publications" if tasks[row] == "publication" else "months"].append(forecast)
    return documents
