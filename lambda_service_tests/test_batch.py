"""The batch's two functions: what the plan saw served is what every batch is scored with."""

import json
from collections.abc import Iterator

import pytest

from lambda_service import batch
from lambda_service.batch import BatchError, plan, score
from lambda_service.serving.artefact_reader import MissingError
from lambda_service.serving.champion import ArtefactError
from lambda_service_tests.conftest import Store


@pytest.fixture(autouse=True)
def of_this_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MILK_ARTEFACTS", str(store.root))
    batch._market.cache_clear()
    yield
    batch._market.cache_clear()


def planned(store: Store, **asked: object) -> tuple[dict[str, object], list[str]]:
    """A plan, and the list that the map reads."""
    made = plan({"execution": "one", "input": asked})
    return made, json.loads((store.root / str(made["items"])).read_text())


def test_a_plan_lists_every_series_that_is_forecast(store: Store, snapshot_file: bytes) -> None:
    made, listed = planned(store)
    assert (made["items"], made["results"], made["count"]) == ("batch/one/series.json", "batch/one/results", len(listed))
    assert made["served"]["version"] == 2  # type: ignore[index]
    assert len(set(listed)) == len(listed) >= len(json.loads(snapshot_file)["series"])


def test_a_batch_answers_in_the_order_of_its_items_as_one_by_one(store: Store) -> None:
    made, listed = planned(store)
    items = [{"series": series, "served": made["served"]} for series in listed[::-1]]
    together = score({"Items": items})
    assert [row["series"] for row in together] == listed[::-1]
    assert together == [row for item in items for row in score(item)]
    first = together[0]
    assert (len(first["publications"]), len(first["months"])) == (14, 7)
    assert first["publications"][0]["lo80"] <= first["publications"][0]["forecast"] <= first["publications"][0]["hi80"]


def test_what_is_promoted_meanwhile_changes_no_batch_of_the_plan(store: Store) -> None:
    made, listed = planned(store)
    item = {"series": listed[0], "served": made["served"]}
    before = score(item)
    store.promote(1)
    batch._market.cache_clear()  # another function, started after the promotion
    assert score(item) == before
    assert planned(store)[0]["served"]["version"] == 1  # type: ignore[index]


def test_series_may_be_named_and_named_often(store: Store) -> None:
    _, listed = planned(store)
    _, asked = planned(store, series=[listed[0]] * 1000)
    assert asked == [listed[0]] * 1000


def test_series_that_are_not_forecast_are_named_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(BatchError, match=r"1 series are not forecast, such as \['jalisco/atlantis/uht/store'\]"):
        plan({"execution": "two", "input": {"series": ["jalisco/atlantis/uht/store"]}})
    assert not (store.root / "batch").exists()


@pytest.mark.parametrize("name", ["", "../serving", "a/b", "x" * 81])
def test_an_execution_whose_name_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(BatchError, match="expected an execution's name"):
        plan({"execution": name})


def test_an_item_that_is_not_forecast_fails_its_batch(store: Store) -> None:
    made, listed = planned(store)
    items = [{"series": series, "served": made["served"]} for series in (listed[0], "nowhere")]
    with pytest.raises(BatchError, match="'nowhere' is not forecast"):
        score({"Items": items})


def test_nothing_served_and_files_that_are_not_those_of_the_plan_are_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, listed = planned(store)
    changed = {**made["served"], "data": {**made["served"]["data"], "sha256": "0" * 64}}  # type: ignore[dict-item, index]
    with pytest.raises(ArtefactError, match="sha256"):
        score({"series": listed[0], "served": changed})
    monkeypatch.setenv("MILK_ARTEFACTS", str(store.root / "nowhere"))
    with pytest.raises(MissingError):
        plan({"execution": "three"})
