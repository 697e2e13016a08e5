"""The service: requests in plain values to answers in plain values.

Belongs here: finding series, forecasts from published and own prices, what says which model answered. HTTP is `app`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import numpy as np
from pydantic import TypeAdapter, ValidationError

from lambda_service.api.problems import Problem, UnknownSeriesProblem, invalid, invalid_field
from lambda_service.api.schemas import BatchItem
from lambda_service.serving.scored_market import Market, OwnPricesError
from milk_model.series_names import PARTS, UnknownSeriesError, nearest, slug

UNIT = "MXN per litre"
PUBLISHED, OWN = "published prices", "own prices"
_ITEM = TypeAdapter(BatchItem)
Wanted = tuple[str, Mapping[np.datetime64, float]]


def served(market: Market, now: float) -> dict[str, Any]:
    """What says which model version answered, and from which data. now: seconds since 1970."""
    manifest, snapshot = market.manifest, market.snapshot
    return {
        "version": manifest["version"],
        "is_baseline": manifest["is_baseline"],
        "trained_through": manifest["facts"]["trained_through"],
        "served_since": market.since.isoformat(timespec="seconds"),
        "age_days": age(market, now) // 86400,
        "generated_at": market.generated.isoformat(timespec="seconds"),
        "publication": snapshot.publication,
        "next_publication": str(snapshot.expected[0]),
        "sample": snapshot.sample,
    }


def age(market: Market, now: float) -> int:
    """Seconds since this version became what is served; a clock that is behind makes it none."""
    return max(int((datetime.fromtimestamp(now, UTC) - market.since).total_seconds()), 0)


def find(market: Market, state: str, city: str, milk: str, channel: str) -> str:
    """The key of a series. Raises Problem 404 with the nearest valid keys."""
    try:
        return market.snapshot.vocabulary.find(market.names, state, city, milk, channel)
    except UnknownSeriesError as error:
        _unknown(market, error, "/".join(slug(part) for part in (state, city, milk, channel)))


def find_key(market: Market, key: str) -> str:
    """The key of a series from any spelling of it. Raises Problem 404 with the nearest valid keys."""
    parts = key.split("/")
    if key in market.names:
        return key
    if len(parts) != len(PARTS):
        error = UnknownSeriesError("expected a key state/city/milk/channel", None, nearest(key, market.names))
        _unknown(market, error, key)
    return find(market, *parts)


def _unknown(market: Market, error: UnknownSeriesError, key: str) -> NoReturn:
    detail = str(error)
    if key in market.snapshot.inactive:
        detail = "that series is not forecast: it has had no price for two months"
    near = list(error.nearest)
    hint = f"; nearest: {', '.join(near)}" if near else "; GET /v1/series lists those that are"
    errors = [{"field": error.part, "message": str(error)}] if error.part else None
    raise UnknownSeriesProblem(404, detail + hint, errors=errors, nearest=near)


def named(market: Market, key: str) -> dict[str, Any]:
    """What a series is called."""
    state, city, milk, channel = market.names[key]
    labels = market.snapshot.labels
    level = "city" if key in market.snapshot.names else "national"
    names = {"series": key, "state": state, "city": city, "milk": milk, "channel": channel}
    return {**names, "milk_es": labels.get(milk, milk), "channel_es": labels.get(channel, channel), "level": level}


def forecasts(market: Market, key: str, scored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Forecasts of a series. scored: from own prices, where they are."""
    based = PUBLISHED if scored is None else OWN
    return {**named(market, key), "unit": UNIT, "based_on": based, **(market.forecasts[key] if scored is None else scored)}


def catalogue(market: Market, limit: int, offset: int, **filters: str | None) -> dict[str, Any]:
    """A page of the series whose parts are those given, in any spelling."""
    vocabulary = market.snapshot.vocabulary
    known = {"state": vocabulary.slugs, "city": vocabulary.slugs, "milk": vocabulary.milks, "channel": vocabulary.channels}
    wanted = [(PARTS.index(part), known[part].get(slug(text), slug(text))) for part, text in filters.items() if text is not None]
    keys = [key for key in market.names if all(key.split("/")[place] == value for place, value in wanted)]
    page = keys[offset : offset + limit]
    last = ("last_price", "last_date")
    return {
        "items": [{**named(market, key), **{name: market.forecasts[key][name] for name in last}} for key in page],
        "total": len(keys),
        "limit": limit,
        "offset": offset,
        "next": offset + limit if offset + limit < len(keys) else None,
    }


def batch(market: Market, items: Sequence[Any]) -> list[dict[str, Any]]:
    """Each item's forecasts or problem, in order."""
    read: list[Wanted | Problem] = []
    for place, item in enumerate(items):
        try:
            read.append(_read_item(market, item, place))
        except Problem as problem:
            read.append(problem)
    scored = iter(market.from_own([found for found in read if not isinstance(found, Problem) and found[1]]))
    answers: list[dict[str, Any]] = []
    for found in read:
        if isinstance(found, Problem):
            answers.append({"status": found.status, "problem": found.to_document()})
        else:
            key, prices = found
            answers.append({"status": 200, "forecasts": forecasts(market, key, next(scored) if prices else None)})
    return answers


def _read_item(market: Market, item: Any, place: int) -> Wanted:
    prefix = ("items", place)
    try:
        read = _ITEM.validate_python(item)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False), prefix) from None
    field = f"items[{place}]"
    parts = {part: getattr(read, part) for part in PARTS}
    given = [part for part, text in parts.items() if text is not None]
    if (read.series is None) == (not given):
        raise invalid_field(f"{field}.series", "expected a key, or state, city, milk and channel")
    if read.series is not None:
        key = find_key(market, read.series)
    else:
        missing = [part for part, text in parts.items() if text is None]
        if missing:
            raise invalid_field(f"{field}.{missing[0]}", "expected with the other three names of a series")
        key = find(market, *(str(parts[part]) for part in PARTS))
    prices: dict[np.datetime64, float] = {np.datetime64(own.date, "D"): own.price for own in read.prices}
    if len(prices) < len(read.prices):
        raise invalid_field(f"{field}.prices", "expected one price a date")
    if prices:
        check_own(market, key, prices, f"{field}.prices")
    return key, prices


def check_own(market: Market, key: str, prices: Mapping[np.datetime64, float], field: str) -> None:
    """Raises Problem 422, naming the field, where own prices cannot be used."""
    try:
        market.ahead(key, prices)
    except OwnPricesError as error:
        raise invalid_field(field, str(error)) from None
