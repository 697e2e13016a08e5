"""The forecaster refuses what it cannot prove, and counts targets by the calendar it is given."""

import json
import subprocess
import sys

import numpy as np
import pytest

from milk_assets.forecasting.hyperparameters import Recipe, Trees
from milk_assets.forecasting.model import expected_dates
from milk_assets.forecasting.panel import Names, Panel
from milk_assets.forecasting.training.baseline import baseline
from milk_assets.forecasting.training.fitting import fit
from milk_model.bundle import BundleError
from milk_model.forecaster import MODEL, Forecaster, History
from milk_model.targets import LEADS, MONTHS, windows_from

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
    names = Names(KEYS, *(tuple(part) for part in zip(*(key.split("/") for key in KEYS), strict=True)))
    return Panel(dates, names, prices, Names((), (), (), (), ()), np.empty((60, 0)))


@pytest.fixture(scope="module")
def files(panel: Panel) -> dict[str, bytes]:
    return fit(panel, Recipe(publication=Trees(depth=2, rounds=4), month=Trees(depth=2, rounds=4, blend=0.5))).to_bundle()


def edited(files: dict[str, bytes], **values: object) -> dict[str, bytes]:
    return {**files, MODEL: json.dumps({**json.loads(files[MODEL]), **values}).encode()}


def test_a_bundle_is_read_and_scores_its_golden_rows(files: dict[str, bytes], panel: Panel) -> None:
    forecaster = Forecaster.from_files(files)
    assert forecaster.trained_through == panel.origin
    columns = forecaster.forecast(panel.history(), expected_dates(panel.origin))
    assert {len(values) for values in columns.values()} == {len(KEYS) * (len(LEADS) + len(MONTHS))}


@pytest.mark.parametrize("missing", [MODEL, "publication.ubj", "month.ubj"])
def test_a_missing_file_is_named(files: dict[str, bytes], missing: str) -> None:
    with pytest.raises(BundleError, match=missing):
        Forecaster.from_files({name: content for name, content in files.items() if name != missing})


def test_a_booster_that_is_not_the_one_proven_is_refused_by_the_golden_rows(files: dict[str, bytes]) -> None:
    swapped = {**files, "publication.ubj": files["month.ubj"]}
    with pytest.raises(BundleError, match="golden rows of task publication"):
        Forecaster.from_files(swapped)


def test_a_damaged_booster_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(BundleError, match=r"month\.ubj is no booster"):
        Forecaster.from_files({**files, "month.ubj": b"not a booster"})


def test_other_features_another_format_and_text_that_is_no_json_are_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(BundleError, match="train the model again"):
        Forecaster.from_files(edited(files, features=["lag_1"]))
    with pytest.raises(BundleError, match="not of format"):
        Forecaster.from_files(edited(files, format=99))
    with pytest.raises(BundleError, match="not JSON"):
        Forecaster.from_files({MODEL: b"{"})
    with pytest.raises(BundleError, match="lacks or misstates 'month'"):
        Forecaster.from_files(edited(files, averages={"publication": json.loads(files[MODEL])["averages"]["publication"]}))


def test_a_golden_score_that_was_tampered_with_is_refused(files: dict[str, bytes]) -> None:
    golden = json.loads(files[MODEL])["golden"]
    golden["month"]["same"][0] += 0.01
    with pytest.raises(BundleError, match="task month: same differs by 0.01"):
        Forecaster.from_files(edited(files, golden=golden))


def test_a_segment_nobody_knows_is_refused_not_scored_as_another(files: dict[str, bytes], panel: Panel) -> None:
    history = History(panel.dates, ("jalisco/x/raw/store",), panel.prices[:, :1])
    with pytest.raises(ValueError, match="got \\['raw/store'\\]"):
        Forecaster.from_files(files).forecast(history, expected_dates(panel.origin))


def test_a_window_is_counted_in_publications_to_come() -> None:
    dates = np.array(["2025-03-26", "2025-03-28"], dtype="datetime64[D]")
    windows = windows_from(dates, expected_dates(dates[-1]))
    publication = [w for w in windows if w.task == "publication"]
    assert [w.lead for w in publication] == list(LEADS)
    assert publication[0].target == np.datetime64("2025-03-31")
    running, april = [w for w in windows if w.task == "month"][:2]
    assert (running.first, running.last, running.past, running.size) == (1, 1, 2, 1)
    # April 2025 has 13 Mondays, Wednesdays and Fridays; the 18th was Good Friday
    assert (april.first, april.last, april.size, april.distance) == (2, 13, 12, 7.5)
    assert april.target == np.datetime64("2025-04-01")


def test_a_month_that_has_ended_has_nothing_to_come() -> None:
    dates = np.array(["2025-03-28", "2025-03-31"], dtype="datetime64[D]")
    running = next(w for w in windows_from(dates, expected_dates(dates[-1])) if w.task == "month")
    assert (running.size, running.past) == (0, 2)


def test_too_few_or_too_early_expected_dates_are_refused(files: dict[str, bytes], panel: Panel) -> None:
    expected = expected_dates(panel.origin)
    with pytest.raises(ValueError, match="ask the calendar for more"):
        windows_from(panel.dates, expected[:40])
    with pytest.raises(ValueError, match="must follow the origin"):
        windows_from(panel.dates, expected - 10)


def test_the_baseline_needs_no_booster(panel: Panel) -> None:
    files = baseline(panel).to_bundle()
    assert set(files) == {MODEL}
    columns = Forecaster.from_files(files).forecast(panel.history(), expected_dates(panel.origin))
    np.testing.assert_array_equal(columns["forecast"], columns["no_change"])


def test_scoring_imports_neither_the_platform_nor_pandas() -> None:
    heavy = "{'milk_assets', 'pandas', 'scipy', 'xgboost'}"
    code = f"import milk_model.forecaster, sys; print(sorted({{m.split('.')[0] for m in sys.modules}} & {heavy}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
