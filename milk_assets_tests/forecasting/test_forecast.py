"""What a forecast is, whoever makes it."""

import numpy as np
import pytest

from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.model import COLUMNS, Model
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.baseline import baseline
from milk_assets.forecasting.training.fitting import MIN_PUBLICATIONS, fit


@pytest.fixture(scope="module", params=["ours", "no change"])
def model(request: pytest.FixtureRequest, panel: Panel, recipe: Recipe) -> Model:
    return fit(panel, recipe) if request.param == "ours" else baseline(panel)


def test_every_active_series_and_average_has_every_task_and_lead(model: Model, panel: Panel) -> None:
    frame = model.forecast(panel)
    assert tuple(frame.columns) == COLUMNS
    assert frame["series"].nunique() == 19 + 8
    assert len(frame) == (19 + 8) * (14 + 7)
    assert not frame.drop(columns=["origin", "target", "last_date"]).isna().any().any()


def test_intervals_hold_the_forecast_nest_and_widen_with_the_lead(model: Model, panel: Panel) -> None:
    frame = model.forecast(panel)
    assert (frame["lo95"] <= frame["lo80"] + 1e-9).all()
    assert (frame["lo80"] <= frame["forecast"] + 1e-9).all()
    assert (frame["forecast"] <= frame["hi80"] + 1e-9).all()
    assert (frame["hi80"] <= frame["hi95"] + 1e-9).all()
    assert (frame["lo95"] >= 0).all()
    for name in ("80", "95"):
        width = (frame[f"hi{name}"] - frame[f"lo{name}"]).to_numpy()
        order = np.lexsort((frame["lead"], frame["series"], frame["task"]))
        same = (frame["series"].to_numpy()[order][1:] == frame["series"].to_numpy()[order][:-1]) & (
            np.diff(frame["lead"].to_numpy()[order]) > 0
        )
        assert (np.diff(width[order])[same] >= -1e-9).all()


def test_chances_of_up_same_and_down_add_to_one(model: Model, panel: Panel) -> None:
    frame = model.forecast(panel)
    chances = frame[["p_up", "p_same", "p_down"]]
    assert ((chances >= 0) & (chances <= 1)).all().all()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-9)


def test_the_baseline_says_the_last_price_and_for_the_running_month_what_is_published_and_the_last_price(panel: Panel) -> None:
    cut = panel.until("2024-05-15")
    frame = baseline(cut).forecast(cut)
    np.testing.assert_allclose(frame["forecast"], frame["no_change"])
    later = frame[~((frame["task"] == "month") & (frame["lead"] == 0))]
    np.testing.assert_allclose(later["no_change"], later["last_price"])
    series = "aguascalientes/aguascalientes/uht/store"
    column = cut.prices[:, cut.names.series.index(series)]
    so_far = column[cut.dates.astype("datetime64[M]") == np.datetime64("2024-05")]
    # 15 May 2024 is a Wednesday; 17, 20, 22, 24, 27 and 29 are to come, the 31st was never published
    last, number = column[np.isfinite(column)][-1], np.isfinite(so_far).sum()
    expected = (np.nansum(so_far) + 6 * last) / (number + 6)
    found = frame[(frame["series"] == series) & (frame["task"] == "month") & (frame["lead"] == 0)]
    assert found["no_change"].item() == pytest.approx(expected)


def test_a_fit_is_the_same_whatever_the_number_of_threads(panel: Panel, recipe: Recipe) -> None:
    assert fit(panel, recipe, workers=1).to_bundle() == fit(panel, recipe, workers=2).to_bundle()


def test_too_short_a_history_is_refused_with_the_number_needed(panel: Panel, recipe: Recipe) -> None:
    with pytest.raises(ValueError, match=f"needs {MIN_PUBLICATIONS} publications, the panel has 12"):
        fit(panel.until(panel.dates[11]), recipe)


def test_the_baseline_can_be_made_from_a_single_publication(panel: Panel) -> None:
    first = panel.until(panel.dates[0])
    frame = baseline(first).forecast(first)
    assert len(frame) > 0
    assert np.isfinite(frame["hi95"]).all()
