"""Predict (legacy): the payload of the previous service, for integrators who still send it.

Belongs here: its Spanish fields, and which target a date stands for. Not here: scoring, which is the same as for every other route
(`queries`, `lambda_service.serving.scored_market`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from lambda_service.api.problems import Problem, field_problem, validation_problem
from lambda_service.api.queries import BASED_ON_OWN, BASED_ON_PUBLISHED, check_own_prices, find_series
from lambda_service.api.schemas import MAX_BATCH_ITEMS, Name, Price
from lambda_service.serving.scored_market import ScoredMarket, SeriesPrices
from milk_model.features import SAME_PRICE_TOLERANCE
from milk_model.series_names import slug

# each field, with the slugs of its accepted spellings in Spanish and English
FIELD_SPELLINGS = {
    "Estado": ("estado", "state"),
    "Ciudad": ("ciudad", "city"),
    "Tipo": ("tipo", "type", "milk"),
    "Canal": ("canal", "channel"),
    "día": ("dia", "day"),
    "mes": ("mes", "month"),
    "año": ("ano", "anio", "year"),
    "dia_semana": ("dia-semana", "weekday", "day-of-week"),
    "Precio_lag1": ("precio-lag1", "price-lag1"),
    "Precio_mean7": ("precio-mean7", "price-mean7"),
}
_FIELD_BY_SPELLING = {spelling: field for field, spellings in FIELD_SPELLINGS.items() for spelling in spellings}
_SPANISH_PARTS = {"milk": "Tipo", "channel": "Canal"}
_INTERVALS_AND_CHANCES = ("lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")


class PredictItem(BaseModel):
    """A series, a date, and the recent prices that the previous service required.

    Precio_lag1 replaces the last published price when it differs from it. Precio_mean7 and dia_semana are validated but not used: the
    endpoint has the price history and the calendar.
    """

    model_config = ConfigDict(populate_by_name=True)
    estado: Annotated[Name, Field(alias="Estado", examples=["Jalisco"])]
    ciudad: Annotated[Name, Field(alias="Ciudad", examples=["Guadalajara"])]
    tipo: Annotated[Name, Field(alias="Tipo", examples=["Ultrapasteurizada"])]
    canal: Annotated[Name, Field(alias="Canal", examples=["Autoservicio"])]
    dia: Annotated[int, Field(alias="día", ge=1, le=31)]
    mes: Annotated[int, Field(ge=1, le=12)]
    ano: Annotated[int, Field(alias="año", ge=1990, le=2200)]
    dia_semana: Annotated[int, Field(ge=0, le=7)] | Annotated[str, Field(max_length=20)] | None = None
    precio_lag1: Annotated[Price | None, Field(alias="Precio_lag1")] = None
    precio_mean7: Annotated[Price | None, Field(alias="Precio_mean7")] = None

    @model_validator(mode="before")
    @classmethod
    def _accept_spellings(cls, values: Any) -> Any:
        """Rename fields in any accepted spelling. Unknown fields are ignored, as the previous service did."""
        if not isinstance(values, Mapping):
            return values
        return {_FIELD_BY_SPELLING.get(slug(str(name)), name): value for name, value in values.items()}


_PREDICT_ITEM = TypeAdapter(PredictItem)


class ForecastTarget(NamedTuple):
    """A target among the forecasts of a series: the list (`publications` or `months`), and the position in it."""

    task: str
    position: int


class _ParsedItem(NamedTuple):
    request: SeriesPrices  # with at most one own price
    target: ForecastTarget


def predict(market: ScoredMarket, body: Any) -> Any:
    """The prediction of one object, or of each object in a list. One wrong item fails the whole request.

    Raises:
        Problem: with status 404 or 422, naming the item and the field.
    """
    if not isinstance(body, list):
        return _predict_items(market, [body], prefixes=[""])[0]
    if not 0 < len(body) <= MAX_BATCH_ITEMS:
        raise field_problem("body", f"expected 1 to {MAX_BATCH_ITEMS} items, got {len(body)}")
    return _predict_items(market, body, prefixes=[f"[{index}]" for index in range(len(body))])


def target_of(market: ScoredMarket, day: date) -> ForecastTarget:
    """The target that a date stands for.

    It is the first publication on or after the date, if that publication is forecast; else the mean of the date's month.

    Raises:
        ValueError: the date is already published, or is after the last month that is forecast.
    """
    snapshot, wanted = market.snapshot, np.datetime64(day, "D")
    any_forecasts = next(iter(market.forecasts.values()))  # all series have the same targets
    months = [forecast["target"][:7] for forecast in any_forecasts["months"]]
    if wanted <= snapshot.dates[-1]:
        raise ValueError(f"{day} is past: expected a date after {snapshot.publication}, the newest publication")
    if str(wanted)[:7] not in months:
        raise ValueError(f"{day} is too far: expected a date up to the end of {months[-1]}")
    next_publication = str(snapshot.expected[int(np.searchsorted(snapshot.expected, wanted))])
    publications = [forecast["target"] for forecast in any_forecasts["publications"]]
    if next_publication in publications:
        return ForecastTarget("publications", publications.index(next_publication))
    return ForecastTarget("months", months.index(str(wanted)[:7]))


def _predict_items(market: ScoredMarket, items: Sequence[Any], prefixes: Sequence[str]) -> list[dict[str, Any]]:
    parsed = [_parse_item(market, item, prefix) for item, prefix in zip(items, prefixes, strict=True)]
    own_forecasts = iter(market.forecast_with_own_prices([item.request for item in parsed if item.request.prices]))
    return [_prediction(market, item, next(own_forecasts) if item.request.prices else None) for item in parsed]


def _parse_item(market: ScoredMarket, item: Any, prefix: str) -> _ParsedItem:
    """The series, target and own price of an item. prefix: location of the item in the body, empty for a single object."""

    def field(name: str) -> str:
        return f"{prefix}.{name}" if prefix else name

    try:
        predict_item = _PREDICT_ITEM.validate_python(item)
    except ValidationError as error:
        raise validation_problem(error.errors(include_url=False, include_input=False), (prefix,) if prefix else ()) from None
    try:
        day = date(predict_item.ano, predict_item.mes, predict_item.dia)
    except ValueError:
        raise field_problem(field("día"), "no such day in this month") from None
    try:
        target = target_of(market, day)
    except ValueError as error:
        raise field_problem(field("día"), str(error)) from None
    try:
        key = find_series(market, predict_item.estado, predict_item.ciudad, predict_item.tipo, predict_item.canal)
    except Problem as problem:
        english_errors = problem.extensions.get("errors") or ()
        errors = [{**error, "field": field(_SPANISH_PARTS[error["field"]])} for error in english_errors]
        problem.extensions["errors"] = errors or [{"field": field("Ciudad"), "message": "no series of that name is forecast"}]
        raise
    request = _with_own_price(market, key, predict_item.precio_lag1)
    if request.prices:
        check_own_prices(market, request, field("Precio_lag1"))
    return _ParsedItem(request, target)


def _with_own_price(market: ScoredMarket, key: str, price: float | None) -> SeriesPrices:
    """The series with Precio_lag1 as own price, if it is a city series and the price differs from the last published one."""
    last_price = market.forecasts[key]["last_price"]
    if price is None or key not in market.snapshot.names or abs(price - last_price) <= SAME_PRICE_TOLERANCE:
        return SeriesPrices(key, {})
    return SeriesPrices(key, {market.snapshot.dates[-1]: price})


def _prediction(market: ScoredMarket, item: _ParsedItem, own_forecasts: Mapping[str, Any] | None) -> dict[str, Any]:
    key, (task, position) = item.request.series, item.target
    forecast = (own_forecasts or market.forecasts[key])[task][position]
    return {
        "predicted_price": forecast["forecast"],
        **{name: forecast[name] for name in _INTERVALS_AND_CHANCES},
        "series": key,
        "task": task.removesuffix("s"),
        "target": forecast["target"],
        "based_on": BASED_ON_PUBLISHED if own_forecasts is None else BASED_ON_OWN,
        "model_version": market.manifest.version,
        "is_baseline": market.manifest.is_baseline,
        "trained_through": market.manifest.trained_through,
        "generated_at": market.generated.isoformat(timespec="seconds"),
        "sample": market.snapshot.sample,
    }
