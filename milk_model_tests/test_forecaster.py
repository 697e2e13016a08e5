"""The forecaster rejects files that it cannot prove, and takes its targets from the expected dates it is given."""

import json
import subprocess
import sys

import numpy as np
import pytest

from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.model import Model, expected_dates
from milk_assets.forecasting.panel import Panel, SeriesNames
from milk_model.bundle import BundleError
from milk_model.forecaster import MODEL_FILE, Forecaster, History
from milk_model.targets import MONTH_LEADS, PUBLICATION_LEADS, windows_from

KEYS = tuple(
    f"jalisco/ciudad-{n}/{milk}/{channel}"
    for n in range(4)
    for milk in ("pasteurised", "uht")
    for channel in ("store", "supermarket")
)


@pytest.fixture(scope="module")
def panel() -> Panel:
    random = np.random.default_rng(5)
    dates = expected_dates(np.datetime64("2024-01-02"))[:60]
    moves = np.where(random.random((60, len(KEYS))) < 0.3, random.normal(0.05, 0.4, (60, len(KEYS))), 0.0)
    prices = np.round(25 + np.cumsum(moves, axis=0), 2)
    names = SeriesNames(KEYS, *(tuple(part) for part in zip(*(key.split("/") for key in KEYS), strict=True)))
    return Panel(dates, names, prices, SeriesNames((), (), (), (), ()), np.empty((60, 0)))


@pytest.fixture(scope="module")
def files(panel: Panel) -> dict[str, bytes]:
    return Model.fit(
        panel, Hyperparameters(publication=Trees(depth=2, rounds=4), month=Trees(depth=2, rounds=4, blend=0.5))
    ).save()


def edited(files: dict[str, bytes], **values: object) -> dict[str, bytes]:
    return {**files, MODEL_FILE: json.dumps({**json.loads(files[MODEL_FILE]), **values}).encode()}


def test_a_bundle_is_read_and_forecasts_every_target(files: dict[str, bytes], panel: Panel) -> None:
    forecaster = Forecaster.from_files(files)
    assert forecaster.trained_through == panel.origin
    columns = forecaster.forecast(panel.history(), expected_dates(panel.origin))
    assert {len(values) for values in columns.values()} == {len(KEYS) * (len(PUBLICATION_LEADS) + len(MONTH_LEADS))}


@pytest.mark.parametrize("missing", [MODEL_FILE, "publication.ubj", "month.ubj"])
def test_a_missing_file_is_named(files: dict[str, bytes], missing: str) -> None:
    with pytest.raises(BundleError, match=missing):
        Forecaster.from_files({name: content for name, content in files.items() if name != missing})


def test_another_booster_is_rejected_by_the_golden_rows(files: dict[str, bytes]) -> None:
    swapped = {**files, "publication.ubj": files["month.ubj"]}
    with pytest.raises(BundleError, match="golden rows of task publication"):
        Forecaster.from_files(swapped)


def test_a_damaged_booster_is_rejected(files: dict[str, bytes]) -> None:
    with pytest.raises(BundleError, match=r"month\.ubj is not a booster"):
        Forecaster.from_files({**files, "month.ubj": b"not a booster"})


def test_other_features_an_unknown_format_and_invalid_json_are_rejected(files: dict[str, bytes]) -> None:
    with pytest.raises(BundleError, match="train the model again"):
        Forecaster.from_files(edited(files, features=["lag_1"]))
    with pytest.raises(BundleError, match="not of format"):
        Forecaster.from_files(edited(files, format=99))
    with pytest.raises(BundleError, match="not JSON"):
        Forecaster.from_files({MODEL_FILE: b"{"})
    with pytest.raises(BundleError, match="missing or invalid entry: 'month'"):
        Forecaster.from_files(edited(files, averages={"publication": json.loads(files[MODEL_FILE])["averages"]["publication"]}))


def test_a_golden_score_that_was_edited_is_rejected(files: dict[str, bytes]) -> None:
    golden = json.loads(files[MODEL_FILE])["golden"]
    golden["month"]["same"][0] += 0.01
    with pytest.raises(BundleError, match="task month: same differs by 0.01"):
        Forecaster.from_files(edited(files, golden=golden))


def test_a_document_without_golden_rows_is_rejected(files: dict[str, bytes]) -> None:
    with pytest.raises(BundleError, match="missing or invalid entry: 'publication'"):
        Forecaster.from_files(edited(files, golden={}))


def test_an_unknown_segment_is_rejected_and_not_scored_as_another(files: dict[str, bytes], panel: Panel) -> None:
    history = History(panel.dates, ("jalisco/x/raw/store",), panel.prices[:, :1])
    with pytest.raises(ValueError, match="got \\['raw/store'\\]"):
        Forecaster.from_files(files).forecast(history, expected_dates(panel.origin))


def test_a_window_counts_the_publications_to_come() -> None:
    dates = np.array(["2025-03-26", "2025-03-28"], dtype="datetime64[D]")
    windows = windows_from(dates, expected_dates(dates[-1]))
    publication = [w for w in windows if w.task == "publication"]
    assert [w.lead for w in publication] == list(PUBLICATION_LEADS)
    assert publication[0].target == np.datetime64("2025-03-31")
    running, april = [w for w in windows if w.task == "month"][:2]
    assert (running.first, running.last, running.past, running.size) == (1, 1, 2, 1)
    # April 2025 has 13 Mondays, Wednesdays and Fridays; the 18th was Good Friday
    assert (april.first, april.last, april.size, april.distance) == (2, 13, 12, 7.5)
    assert april.target == np.datetime64("2025-04-01")


def test_a_month_that_has_ended_has_no_publication_to_come() -> None:
    dates = np.array(["2025-03-28", "2025-03-31"], dtype="datetime64[D]")
    running = next(w for w in windows_from(dates, expected_dates(dates[-1])) if w.task == "month")
    assert (running.size, running.past) == (0, 2)


def test_too_few_or_too_early_expected_dates_are_rejected(files: dict[str, bytes], panel: Panel) -> None:
    expected = expected_dates(panel.origin)
    with pytest.raises(ValueError, match="request more dates from the calendar"):
        windows_from(panel.dates, expected[:40])
    with pytest.raises(ValueError, match="must follow the origin"):
        windows_from(panel.dates, expected - 10)


def test_the_baseline_needs_no_booster(panel: Panel) -> None:
    files = Model.fit_baseline(panel).save()
    assert set(files) == {MODEL_FILE}
    columns = Forecaster.from_files(files).forecast(panel.history(), expected_dates(panel.origin))
    np.testing.assert_array_equal(columns["forecast"], columns["no_change"])


def test_scoring_imports_neither_the_platform_nor_pandas() -> None:
    heavy = "{'milk_assets', 'pandas', 'scipy', 'xgboost'}"
    code = f"import milk_model.forecaster, sys; print(sorted({{m.split('.')[0] for m in sys.modules}} & {heavy}))"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert imported.strip() == "[]"
