"""The predict route accepts the payload of the previous service as its integrators send it."""

from typing import Any

import pytest

from lambda_service.api import schemas
from lambda_service_tests.conftest import Caller

ITEM: dict[str, Any] = {
    "Estado": "Aguascalientes",
    "Ciudad": "Aguascalientes",
    "Tipo": "Ultrapasteurizada",
    "Canal": "Autoservicio",
    "día": 0,
    "mes": 0,
    "año": 0,
    "dia_semana": 0,
    "Precio_lag1": None,
    "Precio_mean7": 27.1,
}
KEY = "aguascalientes/aguascalientes/uht/supermarket"


def item_for(day: str, **changes: Any) -> dict[str, Any]:
    year, month, number = (int(part) for part in day.split("-"))
    return {**ITEM, "día": number, "mes": month, "año": year, **changes}


@pytest.fixture
def base(call: Caller) -> dict[str, Any]:
    answer: dict[str, Any] = call.get(f"/v1/forecasts/{KEY}").json
    return answer


def test_one_object_is_answered_with_one_prediction(call: Caller, base: dict[str, Any]) -> None:
    entry = base["publications"][2]
    answer = call.post("/predict", item_for(entry["target"], Precio_lag1=base["last_price"]))
    assert answer.status == 200
    prediction = schemas.Prediction.model_validate(answer.json)
    assert prediction.predicted_price == entry["forecast"]
    assert (prediction.lo80, prediction.hi95) == (entry["lo80"], entry["hi95"])
    assert (prediction.task, prediction.target, prediction.based_on) == ("publication", entry["target"], "published prices")
    assert (prediction.model_version, prediction.is_baseline, prediction.series) == (2, False, KEY)


def test_a_list_is_answered_with_one_prediction_for_each(call: Caller, base: dict[str, Any]) -> None:
    targets = [entry["target"] for entry in base["publications"]]
    answers = call.post("/predict", [item_for(target) for target in targets]).json
    assert [answer["predicted_price"] for answer in answers] == [entry["forecast"] for entry in base["publications"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"Canal": "Autoservicios"},
        {"Canal": "AUTOSERVICIOS", "Tipo": "ultra pasteurizada"},
        {"Estado": "  aguascaliéntes", "Ciudad": "AGUASCALIENTES "},
        {"Tipo": "UHT", "Canal": "supermarket"},
    ],
)
def test_values_are_accepted_in_any_spelling(changes: dict[str, str], call: Caller, base: dict[str, Any]) -> None:
    target = base["publications"][0]["target"]
    assert call.post("/predict", item_for(target, **changes)).json["series"] == KEY


def test_field_names_are_accepted_in_english_and_without_accents(call: Caller, base: dict[str, Any]) -> None:
    year, month, day = (int(part) for part in base["publications"][0]["target"].split("-"))
    english = {"State": "Aguascalientes", "City": "Aguascalientes", "Type": "UHT", "Channel": "supermarket"}
    spanish = {"estado": "Aguascalientes", "CIUDAD": "Aguascalientes", "tipo": "UHT", "canal": "autoservicio"}
    assert call.post("/predict", {**english, "day": day, "month": month, "year": year}).status == 200
    assert call.post("/predict", {**spanish, "dia": day, "mes": month, "anio": year}).status == 200


def test_a_day_between_publications_stands_for_the_next_publication(call: Caller, base: dict[str, Any]) -> None:
    from datetime import date, timedelta

    targets = [date.fromisoformat(entry["target"]) for entry in base["publications"]]
    friday = next(n for n in range(12) if targets[n + 1] - targets[n] == timedelta(days=3))
    prediction = call.post("/predict", item_for(str(targets[friday] + timedelta(days=1)))).json
    assert prediction["target"] == str(targets[friday + 1])


def test_a_day_after_the_forecast_publications_stands_for_the_mean_of_its_month(call: Caller, base: dict[str, Any]) -> None:
    month = base["months"][5]
    prediction = call.post("/predict", item_for(month["target"])).json
    assert (prediction["task"], prediction["target"], prediction["predicted_price"]) == (
        "month",
        month["target"],
        month["forecast"],
    )


def test_every_day_up_to_the_end_of_the_last_month_is_answered(call: Caller, base: dict[str, Any]) -> None:
    from datetime import date, timedelta

    first = date.fromisoformat(base["model"]["publication"])
    days = [first + timedelta(days=n) for n in range(1, 240)]
    last = base["months"][-1]["target"][:7]
    for day in days:
        assert call.post("/predict", item_for(str(day))).status == (200 if str(day)[:7] <= last else 422), day


def test_the_callers_own_price_replaces_the_published_one(call: Caller, base: dict[str, Any]) -> None:
    target = base["publications"][0]["target"]
    prediction = call.post("/predict", item_for(target, Precio_lag1=40.0)).json
    assert prediction["based_on"] == "own prices"
    assert abs(prediction["predicted_price"] - 40.0) < 1.0 < abs(prediction["predicted_price"] - base["last_price"])


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"mes": 13}, "mes", "less than or equal to 12"),
        ({"día": 31, "mes": 2}, "día", "no such day"),
        ({"año": 2024, "mes": 1, "día": 3}, "día", "is past"),
        ({"año": 2031}, "día", "too far"),
        ({"Precio_lag1": -1}, "Precio_lag1", "greater than 0"),
        ({"Precio_mean7": "cheap"}, "Precio_mean7", "valid number"),
        ({"Estado": ""}, "Estado", "at least 1 character"),
        ({"Ciudad": "x" * 101}, "Ciudad", "at most 100"),
        ({"Estado": 5}, "Estado", "valid string"),
        ({"dia_semana": 9}, "dia_semana", "7"),
    ],
)
def test_a_wrong_field_is_reported(changes: dict[str, Any], field: str, message: str, call: Caller, base: dict[str, Any]) -> None:
    target = base["publications"][0]["target"]
    answer = call.post("/predict", item_for(target) | changes)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"].startswith(field)
    assert message in answer.json["errors"][0]["message"]
    listed = call.post("/predict", [item_for(target), item_for(target) | changes]).json
    assert listed["errors"][0]["field"].startswith(f"[1].{field}")


def test_a_missing_field_and_a_body_that_is_not_an_object_are_reported(call: Caller) -> None:
    missing = {name: value for name, value in item_for("2024-07-01").items() if name != "Ciudad"}
    assert call.post("/predict", missing).json["errors"][0] == {"field": "Ciudad", "message": "Field required"}
    for body in ("text", 5, [5], [], None, [item_for("2024-07-01")] * 501):
        assert call.post("/predict", body).status == 422


@pytest.mark.parametrize(("name", "value"), [("Ciudad", "Atlantis"), ("Tipo", "de cabra"), ("Canal", "Internet")])
def test_an_unknown_name_is_answered_with_the_nearest_series(name: str, value: str, call: Caller, base: dict[str, Any]) -> None:
    answer = call.post("/predict", item_for(base["publications"][0]["target"], **{name: value}))
    assert answer.status == 404
    assert answer.json["errors"][0]["field"] == name
    assert answer.json["nearest"]
