"""Batch scoring: every batch is scored with the model that was served when the plan was answer."""

import json
from collections.abc import Iterator

import pytest

from lambda_service import batch
from lambda_service.batch import BatchError, plan, score
from lambda_service.serving.artefact_reader import ArtefactNotFoundError
from lambda_service.serving.served_manifest import BadArtefactError
from lambda_service_tests.conftest import Store


@pytest.fixture(autouse=True)
def use_this_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MILK_ARTEFACTS", str(store.root))
    batch._scored_market.cache_clear()
    yield
    batch._scored_market.cache_clear()


def make_plan(store: Store, **options: object) -> tuple[dict[str, object], list[str]]:
    """A plan, and the list of series that it wrote."""
    answer = plan({"execution": "one", "input": options})
    return answer, json.loads((store.root / str(answer["items"])).read_text())


def test_a_plan_lists_every_series_that_is_forecast(store: Store, snapshot_file: bytes) -> None:
    answer, listed = make_plan(store)
    assert (answer["items"], answer["results"], answer["count"]) == ("batch/one/series.json", "batch/one/results", len(listed))
    assert answer["served"]["version"] == 2  # type: ignore[index]
    assert len(set(listed)) == len(listed) >= len(json.loads(snapshot_file)["series"])


def test_a_batch_gives_the_same_results_as_its_items_one_by_one_and_in_their_order(store: Store) -> None:
    answer, listed = make_plan(store)
    items = [{"series": series, "served": answer["served"]} for series in listed[::-1]]
    together = score({"Items": items})
    assert [row["series"] for row in together] == listed[::-1]
    assert together == [row for item in items for row in score(item)]
    first = together[0]
    assert (len(first["publications"]), len(first["months"])) == (14, 7)
    assert first["publications"][0]["lo80"] <= first["publications"][0]["forecast"] <= first["publications"][0]["hi80"]


def test_a_promotion_after_the_plan_does_not_change_its_batches(store: Store) -> None:
    answer, listed = make_plan(store)
    item = {"series": listed[0], "served": answer["served"]}
    before = score(item)
    store.promote(1)
    batch._scored_market.cache_clear()  # as in another function instance, started after the promotion
    assert score(item) == before
    assert make_plan(store)[0]["served"]["version"] == 1  # type: ignore[index]


def test_series_can_be_chosen_and_repeated(store: Store) -> None:
    _, listed = make_plan(store)
    _, chosen = make_plan(store, series=[listed[0]] * 1000)
    assert chosen == [listed[0]] * 1000


def test_series_that_are_not_forecast_are_reported_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(BatchError, match=r"1 series are not forecast, such as \['jalisco/atlantis/uht/store'\]"):
        plan({"execution": "two", "input": {"series": ["jalisco/atlantis/uht/store"]}})
    assert not (store.root / "batch").exists()


@pytest.mark.parametrize("name", ["", "../serving", "a/b", "x" * 81])
def test_an_execution_name_that_is_not_a_folder_name_is_rejected(name: str) -> None:
    with pytest.raises(BatchError, match="expected the name of an execution"):
        plan({"execution": name})


def test_an_item_that_is_not_forecast_fails_its_batch(store: Store) -> None:
    answer, listed = make_plan(store)
    items = [{"series": series, "served": answer["served"]} for series in (listed[0], "nowhere")]
    with pytest.raises(BatchError, match="'nowhere' is not forecast"):
        score({"Items": items})


def test_a_missing_manifest_and_files_that_differ_from_the_plan_are_errors(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, listed = make_plan(store)
    changed = {**answer["served"], "data": {**answer["served"]["data"], "sha256": "0" * 64}}  # type: ignore[dict-item, index]
    with pytest.raises(BadArtefactError, match="sha256"):
        score({"series": listed[0], "served": changed})
    monkeypatch.setenv("MILK_ARTEFACTS", str(store.root / "nowhere"))
    with pytest.raises(ArtefactNotFoundError):
        plan({"execution": "three"})
