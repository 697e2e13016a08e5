"""The routes: forecasts, catalogue, model card, health, batches and caching."""

import re
from typing import Any

import numpy as np
import pytest

from lambda_service.api import schemas
from lambda_service_tests.conftest import NOW, TTL, Caller, Clock, Store
from milk_assets.forecasting.panel import Panel

KEY = "aguascalientes/aguascalientes/uht/supermarket"
INACTIVE = "campeche/campeche/pasteurised/store"


def test_forecasts_of_a_series_are_complete_and_consistent(call: Caller, city_panel: Panel) -> None:
    answer = call.get(f"/v1/forecasts/{KEY}")
    assert answer.status == 200
    series_answer = schemas.SeriesAnswer.model_validate(answer.json)
    assert (series_answer.state, series_answer.milk_es, series_answer.channel_es, series_answer.level) == (
        "Aguascalientes",
        "Ultrapasteurizada",
        "Autoservicios",
        "city",
    )
    assert [entry.lead for entry in series_answer.publications] == [*range(1, 14), 26]
    assert [entry.lead for entry in series_answer.months] == list(range(7))
    for entry in (*series_answer.publications, *series_answer.months):
        assert 0 <= entry.lo95 <= entry.lo80 <= entry.forecast <= entry.hi80 <= entry.hi95
        assert entry.p_up + entry.p_same + entry.p_down == pytest.approx(1, abs=1e-5)
    assert series_answer.publications[0].target == series_answer.model.next_publication
    assert series_answer.model.publication == str(city_panel.origin)
    assert series_answer.model.trained_through == str(city_panel.origin)
    assert (series_answer.model.version, series_answer.model.is_baseline, series_answer.model.sample) == (2, False, True)
    assert series_answer.model.generated_at.isoformat() == "2024-05-28T18:00:00+00:00"
    assert answer.headers["x-model-version"] == "2"
    assert answer.headers["x-model-age"] == "102400"


@pytest.mark.parametrize(
    "query",
    [
        "state=Aguascalientes&city=Aguascalientes&milk=uht&channel=supermarket",
        "state=AGUASCALIENTES&city=%20aguascalientes%20&milk=Ultrapasteurizada&channel=Autoservicio",
        "state=Aguascalientes&city=Aguascalientes&milk=ultra%20pasteurizada&channel=Autoservicios",
        "state=Aguascali%C3%A9ntes&city=Aguascalientes&milk=Ultrapasteurised&channel=Supermarkets",
    ],
)
def test_a_series_is_found_by_any_spelling_of_its_names(query: str, call: Caller) -> None:
    assert call.get(f"/v1/forecasts?{query}").json == call.get(f"/v1/forecasts/{KEY}").json


def test_a_key_is_accepted_with_escaped_slashes_and_in_spanish(call: Caller) -> None:
    forecasts = call.get(f"/v1/forecasts/{KEY}").json
    assert call.get(f"/v1/forecasts/{KEY.replace('/', '%2F')}").json == forecasts
    assert call.get("/v1/forecasts/Aguascalientes/Aguascalientes/Ultrapasteurizada/Autoservicio").json == forecasts


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("/v1/forecasts/aguascalientes/aguascalientez/uht/store", "aguascalientes/aguascalientes/uht/store"),
        ("/v1/forecasts?state=Baja%20California&city=Tijuana&milk=uht&channel=store", "baja-california/mexicali/uht/store"),
        ("/v1/forecasts/aguascalientes/aguascalientes/uht", "aguascalientes/aguascalientes/uht/store"),
    ],
)
def test_an_unknown_series_is_answered_with_the_nearest_valid_names(target: str, nearest: str, call: Caller) -> None:
    answer = call.get(target)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["nearest"][0] == nearest
    assert nearest in answer.json["detail"]


def test_an_unknown_milk_is_reported_as_the_wrong_field(call: Caller) -> None:
    answer = call.get("/v1/forecasts/aguascalientes/aguascalientes/goat/store")
    assert answer.status == 404
    assert answer.json["errors"] == [{"field": "milk", "message": "milk: expected pasteurised or uht"}]


def test_a_series_without_recent_prices_is_reported_as_not_forecast(call: Caller) -> None:
    answer = call.get(f"/v1/forecasts/{INACTIVE}")
    assert answer.status == 404
    assert "no price for two months" in answer.json["detail"]


def test_a_missing_name_is_reported(call: Caller) -> None:
    answer = call.get("/v1/forecasts?state=Jalisco&milk=uht&channel=store")
    assert answer.status == 422
    assert answer.json["errors"] == [{"field": "city", "message": "Field required"}]


def test_the_catalogue_is_filtered_and_paged(call: Caller) -> None:
    everything = schemas.Catalogue.model_validate(call.get("/v1/series?limit=500").json)
    assert everything.total == len(everything.items) == 27
    assert everything.next is None
    assert [item.level for item in everything.items].count("national") == 8
    page = call.get("/v1/series?milk=Ultrapasteurizada&channel=tienda&limit=2&offset=2").json
    assert (page["total"], page["next"], len(page["items"])) == (7, 4, 2)
    assert {item["milk"] for item in page["items"]} == {"uht"}
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = call.get(f"/v1/series?limit=10&offset={offset}").json
        seen += [item["series"] for item in page["items"]]
        offset = page["next"]
    assert seen == [item.series for item in everything.items]
    assert call.get("/v1/series?city=Atlantis").json["total"] == 0


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=x", "limit"), ("offset=-1", "offset"), ("city=", "city")]
)
def test_a_wrong_filter_is_reported(query: str, field: str, call: Caller) -> None:
    answer = call.get(f"/v1/series?{query}")
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


def test_the_model_card_and_health_match_their_schemas(call: Caller, store: Store) -> None:
    card = schemas.ModelCard.model_validate(call.get("/v1/model").json)
    assert (card.bundle, card.series) == (store.bundles[2].sha256, 27)
    health = schemas.Health.model_validate(call.get("/v1/health").json)
    assert (health.status, health.degraded, health.refresh.outcome) == ("ok", False, "loaded")


def test_health_is_degraded_when_a_refresh_fails_and_the_last_good_model_answers(
    call: Caller, store: Store, clock: Clock
) -> None:
    call.get("/v1/health")
    store.promote(1, bundle="0" * 64)
    clock.seconds += TTL
    health = call.get("/v1/health").json
    assert (health["degraded"], health["model"]["version"]) == (True, 2)
    assert health["refresh"]["outcome"] == "bad artefact"


# --- batch


def test_a_batch_answers_each_valid_item_and_reports_each_wrong_one(call: Caller) -> None:
    items: list[Any] = [
        {"series": KEY},
        {"state": "Aguascalientes", "city": "Aguascalientes", "milk": "Ultrapasteurizada", "channel": "Autoservicio"},
        {"series": "aguascalientes/aguascalientez/uht/store"},
        {"state": "Jalisco"},
        {"series": KEY, "city": "Leon"},
        "text",
        {"series": KEY, "colour": "white"},
        {},
    ]
    answer = call.post("/v1/forecasts", {"items": items})
    assert answer.status == 200
    batch_answer = schemas.BatchAnswer.model_validate(answer.json)
    assert [item.status for item in batch_answer.items] == [200, 200, 404, 422, 422, 422, 422, 422]
    assert batch_answer.failed == 6
    assert batch_answer.items[0].forecasts == batch_answer.items[1].forecasts
    single = call.get(f"/v1/forecasts/{KEY}").json
    single.pop("model")
    assert answer.json["items"][0]["forecasts"] == single
    assert batch_answer.items[2].problem is not None
    assert batch_answer.items[2].problem.nearest is not None
    fields = [item.problem.errors[0].field for item in batch_answer.items[3:] if item.problem and item.problem.errors]
    assert fields == ["items[3].city", "items[4].series", "items[5]", "items[6].colour", "items[7].series"]


@pytest.mark.parametrize("items", [[], [{"series": KEY}] * 501, "text", None])
def test_a_batch_of_no_or_too_many_items_is_rejected(items: Any, call: Caller) -> None:
    answer = call.post("/v1/forecasts", {"items": items})
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "items")


def test_five_hundred_items_with_own_prices_are_answered(call: Caller) -> None:
    date = call.get("/v1/health").json["model"]["publication"]
    items = [{"series": KEY, "prices": [{"date": date, "price": 20 + n / 100}]} for n in range(500)]
    answer = call.post("/v1/forecasts", {"items": items}).json
    assert answer["failed"] == 0
    assert [item["forecasts"]["last_price"] for item in answer["items"]] == [round(20 + n / 100, 2) for n in range(500)]


def test_own_prices_equal_to_the_published_prices_change_nothing(call: Caller, city_panel: Panel) -> None:
    published = call.get(f"/v1/forecasts/{KEY}").json
    column = city_panel.names.series.index(KEY)
    price_history = [
        (day, price) for day, price in zip(city_panel.dates, city_panel.prices[:, column], strict=True) if np.isfinite(price)
    ]
    own = [{"date": str(day), "price": float(price)} for day, price in price_history[-20:]]
    item = call.post("/v1/forecasts", {"items": [{"series": KEY, "prices": own}]}).json["items"][0]["forecasts"]
    assert item["based_on"] == "own prices"
    assert (item["publications"], item["months"]) == (published["publications"], published["months"])


def test_own_prices_give_the_same_forecast_as_the_panel_with_those_prices(call: Caller, city_panel: Panel, model: Any) -> None:
    """The no-change baseline uses no other series, so replacing the price in the panel must give the same result."""
    from dataclasses import replace

    date = str(city_panel.origin)
    answered = call.post("/v1/forecasts", {"items": [{"series": KEY, "prices": [{"date": date, "price": 31.25}]}]}).json
    item = answered["items"][0]["forecasts"]
    prices = city_panel.prices.copy()
    prices[-1, city_panel.names.series.index(KEY)] = 31.25
    table = model(1).predict(replace(city_panel, prices=prices)).query("series == @KEY and task == 'publication'")
    assert [entry["no_change"] for entry in item["publications"]] == table["no_change"].round(6).tolist() == [31.25] * 14
    assert item["last_price"] == 31.25


def test_own_prices_may_be_newer_than_the_source(call: Caller) -> None:
    base = call.get(f"/v1/forecasts/{KEY}").json
    ahead = [{"date": entry["target"], "price": 33.0} for entry in base["publications"][:2]]
    item = call.post("/v1/forecasts", {"items": [{"series": KEY, "prices": ahead}]}).json["items"][0]["forecasts"]
    assert (item["last_price"], item["last_date"]) == (33.0, ahead[1]["date"])
    assert item["publications"][0]["target"] == base["publications"][2]["target"]


def test_batch_items_do_not_influence_each_other(call: Caller) -> None:
    date = call.get("/v1/health").json["model"]["publication"]
    wild = [{"series": key, "prices": [{"date": date, "price": 99.0}]} for key in ("campeche/campeche/uht/store", KEY)]
    one = {"series": KEY, "prices": [{"date": date, "price": 30.0}]}
    alone = call.post("/v1/forecasts", {"items": [one]}).json["items"][0]
    assert call.post("/v1/forecasts", {"items": [*wild, one]}).json["items"][2] == alone


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([{"date": "2024-01-06", "price": 30}], "not one of the last 60 publication dates"),
        ([{"date": "2031-01-06", "price": 30}], "nor of the next 13"),
        ([{"date": "NEWEST", "price": 0}], "greater than 0"),
        ([{"date": "NEWEST", "price": 1e9}], "less than or equal to 1000"),
        ([{"date": "NEWEST", "price": 30}, {"date": "NEWEST", "price": 31}], "one price a date"),
        ([{"date": "soon", "price": 30}], "valid date"),
        ([{"price": 30}], "required"),
    ],
)
def test_own_prices_that_cannot_be_used_are_reported(prices: list[dict[str, Any]], message: str, call: Caller) -> None:
    newest = call.get("/v1/health").json["model"]["publication"]
    given = [{name: newest if value == "NEWEST" else value for name, value in price.items()} for price in prices]
    item = call.post("/v1/forecasts", {"items": [{"series": KEY, "prices": given}]}).json["items"][0]
    assert item["status"] == 422
    assert item["problem"]["errors"][0]["field"].startswith("items[0].prices")
    assert message in item["problem"]["errors"][0]["message"]


def test_own_prices_of_a_national_average_are_rejected(call: Caller) -> None:
    newest = call.get("/v1/health").json["model"]["publication"]
    item = {"series": "nacional/promedio-aritmetico/uht/store", "prices": [{"date": newest, "price": 30}]}
    result = call.post("/v1/forecasts", {"items": [item]}).json["items"][0]
    assert (result["status"], "national averages" in result["problem"]["detail"]) == (422, True)


# --- caches


def test_an_answer_may_be_cached_until_the_next_publication_and_is_revalidated_by_its_etag(call: Caller, clock: Clock) -> None:
    first = call.get(f"/v1/forecasts/{KEY}")
    age = re.fullmatch(r"private, max-age=(\d+)", first.headers["cache-control"])
    due = first.json["model"]["next_publication"]
    assert age is not None
    import datetime as dt

    start = dt.datetime.fromisoformat(f"{due}T06:00:00+00:00").timestamp()
    assert int(age[1]) == int(start - NOW)
    again = call.get(f"/v1/forecasts/{KEY}", if_none_match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    clock.seconds = start + 3600
    assert call.get(f"/v1/forecasts/{KEY}").headers["cache-control"] == "private, max-age=60"


def test_an_etag_of_another_model_gets_the_full_answer(call: Caller, store: Store, clock: Clock) -> None:
    etag = call.get(f"/v1/forecasts/{KEY}").headers["etag"]
    store.promote(1)
    clock.seconds += TTL
    answer = call.get(f"/v1/forecasts/{KEY}", if_none_match=etag)
    assert (answer.status, answer.json["model"]["version"]) == (200, 1)


def test_health_and_errors_are_never_cached(call: Caller) -> None:
    assert call.get("/v1/health").headers["cache-control"] == "no-store"
    assert call.get("/nothing").headers["cache-control"] == "no-store"
    assert "etag" not in call.get("/v1/health").headers
