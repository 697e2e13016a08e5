"""Rules that every forecast obeys, of a fitted model and of the baseline."""

import numpy as np
import pytest

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import FORECAST_COLUMNS, Model
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.task_fitting import MIN_PUBLICATIONS


@pytest.fixture(scope="module", params=["ours", "no change"])
def model(request: pytest.FixtureRequest, panel: Panel, hyperparameters: Hyperparameters) -> Model:
    return Model.fit(panel, hyperparameters) if request.param == "ours" else Model.fit_baseline(panel)


def test_every_active_series_and_average_has_every_task_and_lead(model: Model, panel: Panel) -> None:
    frame = model.predict(panel)
    assert list(frame.columns) == FORECAST_COLUMNS
    assert frame["series"].nunique() == 19 + 8
    assert len(frame) == (19 + 8) * (14 + 7)
    assert not frame.drop(columns=["origin", "target", "last_date"]).isna().any().any()


def test_intervals_contain_the_forecast_are_nested_and_widen_with_the_lead(model: Model, panel: Panel) -> None:
    frame = model.predict(panel)
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


def test_chances_of_up_same_and_down_add_up_to_one(model: Model, panel: Panel) -> None:
    frame = model.predict(panel)
    chances = frame[["p_up", "p_same", "p_down"]]
    assert ((chances >= 0) & (chances <= 1)).all().all()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-9)


def test_the_baseline_forecasts_the_last_price_and_counts_published_prices_in_the_running_month(panel: Panel) -> None:
    cut = panel.until("2024-05-15")
    frame = Model.fit_baseline(cut).predict(cut)
    np.testing.assert_allclose(frame["forecast"], frame["no_change"])
    later = frame[~((frame["task"] == "month") & (frame["lead"] == 0))]
    np.testing.assert_allclose(later["no_change"], later["last_price"])
    series = "aguascalientes/aguascalientes/uht/store"
    column = cut.prices[:, cut.names.series.index(series)]
    so_far = column[cut.dates.astype("datetime64[M]") == np.datetime64("2024-05")]
    # 15 May 2024 is a Wednesday; 17, 20, 22, 24, 27 and 29 are to come; there was no publication on the 31st
    last_price, published_count = column[np.isfinite(column)][-1], np.isfinite(so_far).sum()
    expected = (np.nansum(so_far) + 6 * last_price) / (published_count + 6)
    running_month = frame[(frame["series"] == series) & (frame["task"] == "month") & (frame["lead"] == 0)]
    assert running_month["no_change"].item() == pytest.approx(expected)


def test_a_fit_does_not_depend_on_the_number_of_threads(panel: Panel, hyperparameters: Hyperparameters) -> None:
    assert Model.fit(panel, hyperparameters, workers=1).save() == Model.fit(panel, hyperparameters, workers=2).save()


def test_a_too_short_history_is_rejected_with_the_number_of_publications_needed(
    panel: Panel, hyperparameters: Hyperparameters
) -> None:
    with pytest.raises(ValueError, match=f"needs {MIN_PUBLICATIONS} publications, the panel has 12"):
        Model.fit(panel.until(panel.dates[11]), hyperparameters)


def test_the_baseline_can_be_fitted_on_a_single_publication(panel: Panel) -> None:
    first = panel.until(panel.dates[0])
    frame = Model.fit_baseline(first).predict(first)
    assert len(frame) > 0
    assert np.isfinite(frame["hi95"]).all()
