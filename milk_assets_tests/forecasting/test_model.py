"""Panels, hyperparameters, saved models, tuning, explanations and the command."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.__main__ import main
from milk_assets.commands.forecast import export_table
from milk_assets.forecasting.explanations import TERM_TEXTS, explain, main_reasons
from milk_assets.forecasting.features_table import features_frame
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import Model, expected_dates
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.forecasting.training.tuning import TuningTrial, tune
from milk_assets.sniim.names import source_place
from milk_model.features import FEATURES


def test_a_panel_cut_at_a_day_contains_nothing_later(panel: Panel) -> None:
    cut = panel.until("2024-03-10")
    assert cut.origin == np.datetime64("2024-03-08")
    assert cut.prices.shape == (len(cut.dates), len(panel.names.series))
    with pytest.raises(ValueError, match="no publication on or before 2023-12-31"):
        panel.until("2023-12-31")


def test_a_series_without_any_price_is_not_active_and_gets_no_forecast(panel: Panel) -> None:
    unpriced = "campeche/campeche/pasteurised/store"
    assert unpriced in panel.names.series
    assert unpriced not in panel.only_active().names.series
    assert unpriced not in set(Model.fit_baseline(panel).predict(panel)["series"])


def test_two_prices_for_one_series_and_date_are_rejected() -> None:
    day = pd.Timestamp("2024-01-03")
    row = {
        "publication": day,
        "series": "a/b/uht/store",
        "state": "A",
        "city": "B",
        "milk": "uht",
        "channel": "store",
        "price": 20.0,
    }
    with pytest.raises(ValueError, match="a/b/uht/store has two prices on 2024-01-03"):
        build_panel(pd.DataFrame([row, row]))
    with pytest.raises(ValueError, match="is empty"):
        build_panel(pd.DataFrame([row]).iloc[:0])


def test_the_features_table_has_one_row_per_series_and_origin(panel: Panel) -> None:
    frame = features_frame(panel, panel.dates[-2:])
    assert len(frame) == 2 * 19
    assert list(frame.columns[-len(FEATURES) :]) == list(FEATURES)
    cut = features_frame(panel.until(panel.dates[-2]), panel.dates[-2:-1])
    pd.testing.assert_frame_equal(frame[frame["origin"] == frame["origin"].min()].reset_index(drop=True), cut)
    with pytest.raises(ValueError, match="2024-02-17 is not a publication"):
        features_frame(panel, ["2024-02-17"])


def test_hyperparameters_survive_json_and_reject_an_unknown_name() -> None:
    hyperparameters = Hyperparameters(seed=7, model_weight_prior=0.4)
    assert Hyperparameters.from_dict(hyperparameters.to_dict()) == hyperparameters
    assert Hyperparameters.from_dict({"publication": {"depth": 2}}).publication.depth == 2
    with pytest.raises(ValueError, match=r"publication\.dept"):
        Hyperparameters.from_dict({"publication": {"dept": 2}})


def test_hyperparameters_of_release_0_1_are_read_under_their_new_names() -> None:
    stored = {"publication": {"depth": 2}, "room_regained": 0.2, "trust_prior": 0.4, "seed": 7}
    hyperparameters = Hyperparameters.from_dict(stored)
    assert (hyperparameters.discount_regained, hyperparameters.model_weight_prior) == (0.2, 0.4)
    assert (hyperparameters.publication.depth, hyperparameters.seed) == (2, 7)


def test_a_saved_and_loaded_model_forecasts_the_same(panel: Panel, hyperparameters: Hyperparameters) -> None:
    model = Model.fit(panel, hyperparameters)
    loaded = Model.load({**model.save(), "manifest.json": b"{}"})
    pd.testing.assert_frame_equal(loaded.predict(panel), model.predict(panel))
    assert loaded.hyperparameters == hyperparameters
    assert not loaded.is_baseline
    assert loaded.trained_through == panel.origin
    loaded_baseline = Model.load(Model.fit_baseline(panel).save())
    assert loaded_baseline.is_baseline
    assert loaded_baseline.hyperparameters is None


def test_expected_dates_reach_beyond_the_sixth_month_and_skip_closed_days() -> None:
    dates = expected_dates(np.datetime64("2024-03-27"))
    assert dates[0] == np.datetime64("2024-04-01")  # 29 March 2024 was Good Friday
    assert dates[-1] >= np.datetime64("2024-10-01")


def test_tuning_starts_with_the_given_hyperparameters_and_returns_the_best_trial(
    panel: Panel, hyperparameters: Hyperparameters
) -> None:
    seen: list[TuningTrial] = []
    tuned = tune(panel, hyperparameters, trials=3, seconds=60, seed=1, on_trial=seen.append)
    assert list(tuned.trials) == seen
    assert len(seen) == 3
    assert seen[0].hyperparameters.publication.depth == hyperparameters.publication.depth
    assert tuned.hyperparameters == min(seen, key=lambda trial: trial.loss).hyperparameters
    assert [trial.hyperparameters for trial in tune(panel, hyperparameters, trials=3, seconds=60, seed=1).trials] == [
        trial.hyperparameters for trial in seen
    ]


def test_with_too_little_history_tuning_returns_the_given_hyperparameters(panel: Panel, hyperparameters: Hyperparameters) -> None:
    tuned = tune(panel.until(panel.dates[64]), hyperparameters, trials=3, seconds=60, seed=1)
    assert (tuned.hyperparameters, tuned.trials) == (hyperparameters, ())


def test_a_tuning_fit_learns_only_from_before_the_hold_out(panel: Panel, hyperparameters: Hyperparameters) -> None:
    from milk_assets.forecasting.training.samples import TrainingData
    from milk_assets.forecasting.training.task_fitting import fit_task

    end = len(panel.dates) - 37
    whole, cut = TrainingData.from_panel(panel), TrainingData.from_panel(panel.until(panel.dates[end]))
    of_whole = fit_task(whole, "publication", hyperparameters, end, 10_000)
    of_cut = fit_task(cut, "publication", hyperparameters, end, 10_000)
    assert of_whole.booster.save_raw("ubj") == of_cut.booster.save_raw("ubj")


def test_explanations_add_up_to_forecast_minus_no_change(panel: Panel, hyperparameters: Hyperparameters) -> None:
    model = Model.fit(panel, hyperparameters)
    explained = explain(model, panel)
    keys = ["task", "lead", "series"]
    forecasts = model.predict(panel).set_index(keys)
    added = explained.groupby(keys)["contribution"].sum()
    np.testing.assert_allclose(added, (forecasts["forecast"] - forecasts["no_change"]).reindex(added.index), atol=1e-9)
    assert len(added) == 19 * 21
    assert set(explained["term"]) == set(TERM_TEXTS)
    reasons = main_reasons(explained)
    assert reasons.groupby(keys).size().max() == 2
    assert "rest" not in set(reasons["term"])


def test_the_baseline_has_no_explanations(panel: Panel) -> None:
    assert explain(Model.fit_baseline(panel), panel).empty


def test_the_export_has_spanish_column_names_and_months_as_yyyy_mm(panel: Panel) -> None:
    table = export_table(Model.fit_baseline(panel).predict(panel))
    assert list(table.columns) == [
        "origin",
        "Estado",
        "Ciudad",
        "Tipo",
        "Canal",
        "target",
        "yhat",
        "lo80",
        "hi80",
        "lo95",
        "hi95",
    ]
    assert set(table["Tipo"]) == {"Pasteurizada", "Ultrapasteurizada"}
    assert set(table["Canal"]) == {"Tiendas", "Autoservicios"}
    assert set(table["target"].str.len()) == {7, 10}


def test_the_export_spells_place_names_as_the_source_does() -> None:
    assert source_place("Ciudad de México", "ZM Ciudad de México") == ("CDMX", "ZM Ciudad de México")
    assert source_place("Chihuahua", "Ciudad Juárez") == ("Chihuahua", "Cd.Juárez")
    assert source_place("Veracruz", "Veracruz") == ("Veracruz", "Veracruz")
    assert source_place("Nacional", "Promedio aritmético") == ("Nacional", "Promedio aritmético")
    assert source_place("Jalisco", "Tequila") == ("Jalisco", "Tequila")


def test_a_missing_workbook_prints_one_line_and_writes_no_file(tmp_path, capsys) -> None:
    out = tmp_path / "forecasts.csv"
    code = main(["forecast", "--workbook", str(tmp_path / "none.xlsx"), "--origin", "2025-01-31", "--out", str(out)])
    assert code == 1
    assert "none.xlsx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
