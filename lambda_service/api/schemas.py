"""Shapes of requests and answers: what the OpenAPI file is made of.

Belongs here: names, types, limits and their descriptions. What fills them is elsewhere.
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812  a field is called date too
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, SkipValidation

from lambda_service.serving.scored_market import MOST_OWN
from milk_model.series_names import LONGEST_NAME

MOST_ITEMS = 500  # of one batch
LARGEST_PAGE = 500

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Price = Annotated[FiniteFloat, Field(gt=0, le=1000, description="MXN per litre")]
Chance = Annotated[float, Field(ge=0, le=1)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2025-03-31"])]


class Served(BaseModel):
    """The model version that answered, and the data it answered from."""

    version: int
    is_baseline: bool = Field(description="whether this version forecasts no change")
    trained_through: Day = Field(description="last publication the model has seen")
    served_since: datetime
    age_days: int = Field(description="whole days since then; the header x-model-age has seconds")
    generated_at: datetime = Field(description="when these forecasts came to be: with the model or with the data")
    publication: Day = Field(description="newest publication the forecasts are made from")
    next_publication: Day = Field(description="the next one that is expected")
    sample: bool = Field(description="true: generated prices, which are nobody's")


class Forecast(BaseModel):
    """One target. Prices in MXN per litre."""

    lead: int = Field(description="publications ahead, 1 the next; or months ahead, 0 the running one")
    target: Day = Field(description="date of the publication, or first day of the month whose mean is forecast")
    no_change: float = Field(description="what it would be if the price did not change")
    forecast: float
    lo80: float
    hi80: float
    lo95: float
    hi95: float
    p_up: Chance = Field(description="chance that it is above the last price")
    p_same: Chance
    p_down: Chance


class Series(BaseModel):
    """What a series is called."""

    series: str = Field(description="key: state/city/milk/channel", examples=["jalisco/guadalajara/uht/store"])
    state: str
    city: str
    milk: str
    channel: str
    milk_es: str
    channel_es: str
    level: Literal["city", "national"]


class CatalogueEntry(Series):
    """A series and its newest price."""

    last_price: float
    last_date: Day


class Catalogue(BaseModel):
    """A page of what is forecast."""

    items: list[CatalogueEntry]
    total: int = Field(description="how many match the filters")
    limit: int
    offset: int
    next: int | None = Field(description="offset of the next page")
    model: Served


class SeriesForecasts(Series):
    """Forecasts of a series."""

    unit: Literal["MXN per litre"] = "MXN per litre"
    based_on: Literal["published prices", "own prices"]
    last_price: float
    last_date: Day
    publications: list[Forecast] = Field(description="the next 13 publications one by one, and the 26th")
    months: list[Forecast] = Field(description="mean of the running month and of the next six")


class SeriesAnswer(SeriesForecasts):
    """Forecasts of one series."""

    model: Served


class OwnPrice(BaseModel):
    """A price the caller has seen on a publication date, past or expected."""

    model_config = ConfigDict(extra="forbid")
    date: Date
    price: Price


class BatchItem(BaseModel):
    """A series by its key or by four names, in Spanish or English; and, for a what-if, the caller's own recent prices of it.

    Own prices replace those published on their dates, and may run on to the dates expected next. The rest of the market, and every
    other item, stays as published.
    """

    model_config = ConfigDict(extra="forbid")
    series: Annotated[str, Field(min_length=1, max_length=4 * LONGEST_NAME)] | None = None
    state: Name | None = None
    city: Name | None = None
    milk: Name | None = None
    channel: Name | None = None
    prices: Annotated[list[OwnPrice], Field(max_length=MOST_OWN)] = []


class Batch(BaseModel):
    """Up to 500 items. What is wrong with one, whatever it is, is said in its place, and the others are answered."""

    model_config = ConfigDict(extra="forbid")
    items: Annotated[list[SkipValidation[BatchItem | Any]], Field(min_length=1, max_length=MOST_ITEMS)]


class FieldError(BaseModel):
    """What is expected of a field."""

    field: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    nearest: list[str] | None = Field(default=None, description="valid series that are near to what was asked for")


class BatchResult(BaseModel):
    """One item's forecasts, or its problem. status: what a request of its own would have been answered with."""

    status: int
    forecasts: SeriesForecasts | None = None
    problem: ProblemDetails | None = None


class BatchAnswer(BaseModel):
    """Results in the order of the items."""

    items: list[BatchResult]
    failed: int
    model: Served


class Prediction(BaseModel):
    """The answer to an integrator of the earlier service."""

    predicted_price: float
    lo80: float
    hi80: float
    lo95: float
    hi95: float
    p_up: Chance
    p_same: Chance
    p_down: Chance
    series: str
    task: Literal["publication", "month"] = Field(description="whether one publication or the mean of a month is forecast")
    target: Day
    based_on: Literal["published prices", "own prices"]
    model_version: int
    is_baseline: bool
    trained_through: Day
    generated_at: datetime
    sample: bool


class RefreshResult(BaseModel):
    """The last attempt to see what is served."""

    outcome: Literal["loaded", "unchanged", "bad artefact", "store unavailable", "never"]
    at: datetime | None
    failures: int = Field(description="in a row; the log says why")


class Health(BaseModel):
    """Whether the endpoint answers, and from what."""

    status: Literal["ok"]
    degraded: bool = Field(description="true: the last refresh failed, and the last good model answers")
    from_image: bool = Field(description="true: the model baked into the image answers")
    refresh: RefreshResult
    model: Served


class ModelCard(BaseModel):
    """What is known about the served version."""

    model: Served
    bundle: str = Field(description="sha256 of the bundle's manifest")
    data: str = Field(description="sha256 of the snapshot")
    workbook: str = Field(description="sha256 of the source's workbook")
    series: int
    facts: dict[str, Any]
