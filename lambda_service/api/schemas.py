"""Schemas: the requests and answers of the API, from which the OpenAPI document is generated.

Belongs here: fields, types, limits and their descriptions. Not here: computing the values (`queries`, `predict_legacy`).
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812  a field is named date too
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, SkipValidation

from lambda_service.serving.scored_market import MAX_OWN_PRICES
from milk_model.series_names import LONGEST_NAME

MAX_BATCH_ITEMS = 500
MAX_PAGE_SIZE = 500

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Price = Annotated[FiniteFloat, Field(gt=0, le=1000, description="MXN per litre")]
Chance = Annotated[float, Field(ge=0, le=1)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2025-03-31"])]


class Answer(BaseModel):
    """Base of the schemas that only describe answers. Pydantic builds them on first use, which saves about 5 ms of a cold start."""

    model_config = ConfigDict(defer_build=True)


class Served(Answer):
    """The model version that answered, and the data it answered from."""

    version: int
    is_baseline: bool = Field(description="whether this version is the no-change baseline")
    trained_through: Day = Field(description="last publication the model was trained on")
    served_since: datetime = Field(description="when this version became the champion")
    age_days: int = Field(description="whole days since `served_since`; the header x-model-age gives seconds")
    generated_at: datetime = Field(description="when these forecasts were computed: the newer of the model and data timestamps")
    publication: Day = Field(description="newest publication in the data")
    next_publication: Day = Field(description="date of the next expected publication")
    sample: bool = Field(description="true when the prices are generated sample data, not official prices")


class Forecast(Answer):
    """The forecast of one target. Prices are MXN per litre."""

    lead: int = Field(description="publications ahead (1 is the next one), or months ahead (0 is the current month)")
    target: Day = Field(description="date of the publication, or first day of the month whose mean price is forecast")
    no_change: float = Field(description="the price if it does not change from the last price")
    forecast: float = Field(description="the forecast price")
    lo80: float = Field(description="lower end of the 80 % interval")
    hi80: float = Field(description="upper end of the 80 % interval")
    lo95: float = Field(description="lower end of the 95 % interval")
    hi95: float = Field(description="upper end of the 95 % interval")
    p_up: Chance = Field(description="probability that the price is above the last price")
    p_same: Chance = Field(description="probability that the price equals the last price")
    p_down: Chance = Field(description="probability that the price is below the last price")


class Series(Answer):
    """The names of a series."""

    series: str = Field(description="key: state/city/milk/channel", examples=["jalisco/guadalajara/uht/store"])
    state: str
    city: str
    milk: str = Field(description="pasteurised or uht")
    channel: str = Field(description="store or supermarket")
    milk_es: str = Field(description="type of milk in Spanish")
    channel_es: str = Field(description="sales channel in Spanish")
    level: Literal["city", "national"]


class CatalogueEntry(Series):
    """A series and its last published price."""

    last_price: float
    last_date: Day


class Catalogue(Answer):
    """One page of the series that are forecast."""

    items: list[CatalogueEntry]
    total: int = Field(description="number of series that match the filters")
    limit: int
    offset: int
    next: int | None = Field(description="offset of the next page; null on the last page")
    model: Served


class SeriesForecasts(Series):
    """Forecasts of a series."""

    unit: Literal["MXN per litre"] = "MXN per litre"
    based_on: Literal["published prices", "own prices"] = Field(description="whether the request contained own prices")
    last_price: float
    last_date: Day
    publications: list[Forecast] = Field(description="the next 13 publications, and the 26th")
    months: list[Forecast] = Field(description="mean price of the current month and of the next six")


class SeriesAnswer(SeriesForecasts):
    """Forecasts of one series."""

    model: Served


class OwnPrice(BaseModel):
    """A price that the caller observed, on a past or expected publication date."""

    model_config = ConfigDict(extra="forbid")
    date: Date
    price: Price


class BatchItem(BaseModel):
    """A series, by its key or by its four names in Spanish or English. Optionally, the caller's own recent prices of that series.

    Own prices replace the published prices of their dates, and may add the dates expected next. The rest of the market, and every
    other item, keeps the published prices.
    """

    model_config = ConfigDict(extra="forbid")
    series: Annotated[str, Field(min_length=1, max_length=4 * LONGEST_NAME)] | None = None
    state: Name | None = None
    city: Name | None = None
    milk: Name | None = None
    channel: Name | None = None
    prices: Annotated[list[OwnPrice], Field(max_length=MAX_OWN_PRICES)] = []


class Batch(BaseModel):
    """Up to 500 items. An item that is wrong gets a problem in its place; the other items are answered."""

    model_config = ConfigDict(extra="forbid")
    items: Annotated[list[SkipValidation[BatchItem | Any]], Field(min_length=1, max_length=MAX_BATCH_ITEMS)]


class FieldError(Answer):
    """A field that is wrong, and what is expected."""

    field: str
    message: str


class ProblemDetails(Answer):
    """An error in the format of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    nearest: list[str] | None = Field(default=None, description="keys of series similar to the requested one")


class BatchResult(Answer):
    """The forecasts or the problem of one item."""

    status: int = Field(description="HTTP status that a separate request for this item would get")
    forecasts: SeriesForecasts | None = None
    problem: ProblemDetails | None = None


class BatchAnswer(Answer):
    """Results in the order of the items."""

    items: list[BatchResult]
    failed: int = Field(description="number of items with a problem")
    model: Served


class Prediction(Answer):
    """The answer to a request in the format of the previous service."""

    predicted_price: float
    lo80: float
    hi80: float
    lo95: float
    hi95: float
    p_up: Chance
    p_same: Chance
    p_down: Chance
    series: str
    task: Literal["publication", "month"] = Field(description="whether the target is one publication, or the mean of a month")
    target: Day
    based_on: Literal["published prices", "own prices"]
    model_version: int
    is_baseline: bool
    trained_through: Day
    generated_at: datetime
    sample: bool


class RefreshResult(Answer):
    """The last check of the artefact store for a new version."""

    outcome: Literal["loaded", "unchanged", "bad artefact", "store unavailable", "never"]
    at: datetime | None
    failures: int = Field(description="failed checks in a row; the log contains the reason")


class Health(Answer):
    """The state of the endpoint, and the model version that it serves."""

    status: Literal["ok"]
    degraded: bool = Field(description="true when the last check failed; the last good version is served")
    from_image: bool = Field(description="true when the model packaged with the code is served")
    refresh: RefreshResult
    model: Served


class ModelCard(Answer):
    """Facts about the served version."""

    model: Served
    bundle: str = Field(description="sha256 of the bundle's manifest")
    data: str = Field(description="sha256 of the price history")
    workbook: str = Field(description="sha256 of the workbook the prices come from")
    series: int = Field(description="number of series that are forecast")
    facts: dict[str, Any]
