"""/predict: the payload that integrators of the earlier service send.

Belongs here: its Spanish fields, and which target a date means. Everything is scored as for everyone else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from lambda_service.api.problems import Problem, invalid, invalid_field
from lambda_service.api.queries import OWN, PUBLISHED, check_own, find
from lambda_service.api.schemas import MOST_ITEMS, Name, Price
from lambda_service.serving.scored_market import Market
from milk_model.features import SAME_PRICE_TOLERANCE
from milk_model.series_names import slug

# each field by the slugs of its accepted spellings, Spanish and English
SPELLINGS = {
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
_FIELD = {spelling: field for field, spellings in SPELLINGS.items() for spelling in spellings}


class PredictItem(BaseModel):
    """A series, a date, and what the earlier service was told of recent prices.

    Precio_lag1 that differs from the published price takes its place. Precio_mean7 and dia_semana are checked and not needed: the
    history and the calendar are known here.
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
    def _spelled(cls, values: Any) -> Any:
        """Fields in any spelling; others are left aside, as the earlier service did."""
        if not isinstance(values, Mapping):
            return values
        return {_FIELD.get(slug(str(name)), name): value for name, value in values.items()}


_ITEM = TypeAdapter(PredictItem)


def predict(market: Market, body: Any) -> Any:
    """The prediction of one object, or of each in a list. Raises Problem 404 or 422 that names the item and field; all or nothing."""
    if not isinstance(body, list):
        return _predict(market, [body], single=True)[0]
    if not 0 < len(body) <= MOST_ITEMS:
        raise invalid_field("body", f"expected 1 to {MOST_ITEMS} items, got {len(body)}")
    return _predict(market, body, single=False)


def target_of(market: Market, day: date) -> tuple[str, int]:
    """The task and the place, among a series' forecasts, of the target that a date means.

    The first publication on or after the date, where it is forecast by itself; else the mean of the date's month. Raises ValueError on a
    date that is published already or beyond the last month.
    """
    snapshot, wanted = market.snapshot, np.datetime64(day, "D")
    some = next(iter(market.forecasts.values()))
    months = [entry["target"][:7] for entry in some["months"]]
    if wanted <= snapshot.dates[-1]:
        raise ValueError(f"{day} is past: expected a date after {snapshot.publication}, the newest publication")
    if str(wanted)[:7] not in months:
        raise ValueError(f"{day} is too far: expected a date to the end of {months[-1]}")
    due = str(snapshot.expected[int(np.searchsorted(snapshot.expected, wanted))])
    targets = [entry["target"] for entry in some["publications"]]
    return ("publications", targets.index(due)) if due in targets else ("months", months.index(str(wanted)[:7]))


def _predict(market: Market, items: Sequence[Any], *, single: bool) -> list[dict[str, Any]]:
    read = [_read(market, item, "" if single else f"[{place}]") for place, item in enumerate(items)]
    scored = iter(market.from_own([(key, own) for key, _, own in read if own]))
    return [_answer(market, key, place, next(scored) if own else None) for key, place, own in read]


def _read(market: Market, item: Any, prefix: str) -> tuple[str, tuple[str, int], dict[np.datetime64, float]]:
    def field(name: str) -> str:
        return f"{prefix}.{name}" if prefix else name

    try:
        read = _ITEM.validate_python(item)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False), (prefix,) if prefix else ()) from None
    try:
        place = target_of(market, date(read.ano, read.mes, read.dia))
    except ValueError as error:
        what = "no such day" if "month" in str(error) and "day" in str(error) else str(error)
        raise invalid_field(field("día"), what) from None
    try:
        key = find(market, read.estado, read.ciudad, read.tipo, read.canal)
    except Problem as problem:
        spanish = {"milk": "Tipo", "channel": "Canal"}
        errors = [{**error, "field": field(spanish[error["field"]])} for error in problem.more.get("errors") or ()]
        problem.more["errors"] = errors or [{"field": field("Ciudad"), "message": "no series of that name is forecast"}]
        raise
    own = {}
    last = market.forecasts[key]["last_price"]
    if read.precio_lag1 is not None and key in market.snapshot.names and abs(read.precio_lag1 - last) > SAME_PRICE_TOLERANCE:
        own = {market.snapshot.dates[-1]: read.precio_lag1}
        check_own(market, key, own, field("Precio_lag1"))
    return key, place, own


def _answer(market: Market, key: str, place: tuple[str, int], scored: Mapping[str, Any] | None) -> dict[str, Any]:
    task, row = place
    entry = (scored or market.forecasts[key])[task][row]
    manifest = market.manifest
    return {
        "predicted_price": entry["forecast"],
        **{name: entry[name] for name in ("lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")},
        "series": key,
        "task": task.removesuffix("s"),
        "target": entry["target"],
        "based_on": PUBLISHED if scored is None else OWN,
        "model_version": manifest["version"],
        "is_baseline": manifest["is_baseline"],
        "trained_through": manifest["facts"]["trained_through"],
        "generated_at": market.generated.isoformat(timespec="seconds"),
        "sample": market.snapshot.sample,
    }
