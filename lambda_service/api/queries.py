"""Queries: finding series and forecasts in the scored market, as plain values.

Belongs here: lookups, forecasts from published and own prices, and which model version answered. Not here: HTTP (`routes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import numpy as np
from pydantic import TypeAdapter, ValidationError

from lambda_service.api.problems import Problem, UnknownSeriesProblem, field_problem, validation_problem
from lambda_service.api.schemas import BatchItem
from lambda_service.serving.scored_market import OwnPricesError, ScoredMarket, SeriesPrices
from milk_model.series_names import PARTS, UnknownSeriesError, nearest, slug

PRICE_UNIT = "MXN per litre"
BASED_ON_PUBLISHED, BASED_ON_OWN = "published prices", "own prices"
SECONDS_A_DAY = 86_400
_BATCH_ITEM = TypeAdapter(BatchItem)


def describe_served(market: ScoredMarket, now: float) -> dict[str, Any]:
    """The member `model` of every answer: which version answered, and from which data. now: seconds since 1970."""
    manifest, snapshot = market.manifest, market.snapshot
    return {
        "version": manifest.version,
        "is_baseline": manifest.is_baseline,
        "trained_through": manifest.trained_through,
        "served_since": market.since.isoformat(timespec="seconds"),
        "age_days": age_seconds(market, now) // SECONDS_A_DAY,
        "generated_at": market.generated.isoformat(timespec="seconds"),
        "publication": snapshot.publication,
        "next_publication": str(snapshot.expected[0]),
        "sample": snapshot.sample,
    }


def age_seconds(market: ScoredMarket, now: float) -> int:
    """Seconds since this version became the champion; returns 0 when the clock is behind."""
    return max(int((datetime.fromtimestamp(now, UTC) - market.since).total_seconds()), 0)


def find_series(market: ScoredMarket, state: str, city: str, milk: str, channel: str) -> str:
    """The key of a series by its four names, Spanish or English, in any spelling.

    Raises:
        UnknownSeriesProblem: with status 404 and the nearest valid keys.
    """
    try:
        return market.snapshot.vocabulary.find(market.names, state, city, milk, channel)
    except UnknownSeriesError as error:
        _raise_unknown(market, error, "/".join(slug(part) for part in (state, city, milk, channel)))


def find_key(market: ScoredMarket, key: str) -> str:
    """The key of a series, from any spelling of the key.

    Raises:
        UnknownSeriesProblem: with status 404 and the nearest valid keys.
    """
    parts = key.split("/")
    if key in market.names:
        return key
    if len(parts) != len(PARTS):
        error = UnknownSeriesError("expected a key state/city/milk/channel", None, nearest(key, market.names))
        _raise_unknown(market, error, key)
    return find_series(market, *parts)


def _raise_unknown(market: ScoredMarket, error: UnknownSeriesError, key: str) -> NoReturn:
    detail = str(error)
    if key in market.snapshot.inactive:
        detail = "this series is not forecast: it has had no price for two months"
    keys = list(error.nearest)
    hint = f"; nearest: {', '.join(keys)}" if keys else "; GET /v1/series lists the series that are forecast"
    errors = [{"field": error.part, "message": str(error)}] if error.part else None
    raise UnknownSeriesProblem(404, detail + hint, errors=errors, nearest=keys)


def describe_series(market: ScoredMarket, key: str) -> dict[str, Any]:
    """The names of a series, in English and Spanish."""
    state, city, milk, channel = market.names[key]
    labels = market.snapshot.labels
    level = "city" if key in market.snapshot.names else "national"
    names = {"series": key, "state": state, "city": city, "milk": milk, "channel": channel}
    return {**names, "milk_es": labels.get(milk, milk), "channel_es": labels.get(channel, channel), "level": level}


def forecasts_of(market: ScoredMarket, key: str, own_forecasts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The forecasts of a series. own_forecasts: those made from the caller's own prices, if it sent any."""
    based_on = BASED_ON_PUBLISHED if own_forecasts is None else BASED_ON_OWN
    forecasts = market.forecasts[key] if own_forecasts is None else own_forecasts
    return {**describe_series(market, key), "unit": PRICE_UNIT, "based_on": based_on, **forecasts}


def catalogue_page(market: ScoredMarket, limit: int, offset: int, **filters: str | None) -> dict[str, Any]:
    """One page of the series that match all filters.

    Args:
        market: the served market.
        limit: most series on the page.
        offset: series to skip.
        filters: state, city, milk and channel in any spelling; None matches all.
    """
    vocabulary = market.snapshot.vocabulary
    slugs = {"state": vocabulary.slugs, "city": vocabulary.slugs, "milk": vocabulary.milks, "channel": vocabulary.channels}
    wanted_parts = {
        PARTS.index(part): slugs[part].get(slug(text), slug(text)) for part, text in filters.items() if text is not None
    }
    keys = [key for key in market.names if all(key.split("/")[index] == part for index, part in wanted_parts.items())]
    items = []
    for key in keys[offset : offset + limit]:
        forecasts = market.forecasts[key]
        items.append({**describe_series(market, key), "last_price": forecasts["last_price"], "last_date": forecasts["last_date"]})
    next_offset = offset + limit
    return {
        "items": items,
        "total": len(keys),
        "limit": limit,
        "offset": offset,
        "next": next_offset if next_offset < len(keys) else None,
    }


def batch_results(market: ScoredMarket, items: Sequence[Any]) -> list[dict[str, Any]]:
    """The forecasts or the problem of each batch item, in order. items: not validated yet, so that a wrong item fails alone."""
    parsed: list[SeriesPrices | Problem] = []
    for index, item in enumerate(items):
        try:
            parsed.append(_parse_item(market, item, index))
        except Problem as problem:
            parsed.append(problem)
    with_own_prices = [request for request in parsed if isinstance(request, SeriesPrices) and request.prices]
    own_forecasts = iter(market.forecast_with_own_prices(with_own_prices))
    results: list[dict[str, Any]] = []
    for request in parsed:
        if isinstance(request, Problem):
            results.append({"status": request.status, "problem": request.to_document()})
        else:
            forecasts = forecasts_of(market, request.series, next(own_forecasts) if request.prices else None)
            results.append({"status": 200, "forecasts": forecasts})
    return results


def _parse_item(market: ScoredMarket, item: Any, index: int) -> SeriesPrices:
    try:
        batch_item = _BATCH_ITEM.validate_python(item)
    except ValidationError as error:
        raise validation_problem(error.errors(include_url=False, include_input=False), ("items", index)) from None
    field = f"items[{index}]"
    key = _series_of_item(market, batch_item, field)
    prices: dict[np.datetime64, float] = {np.datetime64(price.date, "D"): price.price for price in batch_item.prices}
    if len(prices) < len(batch_item.prices):
        raise field_problem(f"{field}.prices", "expected one price a date")
    request = SeriesPrices(key, prices)
    if prices:
        check_own_prices(market, request, f"{field}.prices")
    return request


def _series_of_item(market: ScoredMarket, item: BatchItem, field: str) -> str:
    names = {part: getattr(item, part) for part in PARTS}
    missing = [part for part, name in names.items() if name is None]
    has_names = len(missing) < len(PARTS)
    if (item.series is None) == (not has_names):
        raise field_problem(f"{field}.series", "expected a key, or state, city, milk and channel")
    if item.series is not None:
        return find_key(market, item.series)
    if missing:
        raise field_problem(f"{field}.{missing[0]}", "expected with the other three names of a series")
    return find_series(market, *(str(names[part]) for part in PARTS))


def check_own_prices(market: ScoredMarket, request: SeriesPrices, field: str) -> None:
    """Check that own prices can be used.

    Raises:
        Problem: with status 422, naming `field`.
    """
    try:
        market.publications_ahead(request)
    except OwnPricesError as error:
        raise field_problem(field, str(error)) from None
