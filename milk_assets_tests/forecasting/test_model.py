"""Panels, recipes, bundles, tuning, explanations and the command."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.commands.forecast import export_table, main
from milk_assets.forecasting.explanations import WORDS, explain, main_reasons
from milk_assets.forecasting.features_table import features_frame
from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.model import Model, expected_dates
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.forecasting.training.baseline import baseline
from milk_assets.forecasting.training.fitting import fit
from milk_assets.forecasting.training.tuning import Trial, tune
from milk_assets.sniim.names import source_place
from milk_model.features import FEATURES


def test_a_panel_knows_nothing_after_the_day_it_is_cut_at(panel: Panel) -> None:
    cut = panel.until("2024-03-10")
    assert cut.origin == np.datetime64("2024-03-08")
    assert cut.prices.shape == (len(cut.dates), len(panel.names.series))
    with pytest.raises(ValueError, match="no publication on or before 2023-12-31"):
        panel.until("2023-12-31")


def test_a_series_never_priced_is_not_active_and_gets_no_forecast(panel: Panel) -> None:
    unpriced = "campeche/campeche/pasteurised/store"
    assert unpriced in panel.names.series
    assert unpriced not in panel.only_active().names.series
    assert unpriced not in set(baseline(panel).forecast(panel)["series"])


def test_two_prices_for_one_series_and_date_are_refused() -> None:
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


def test_features_come_as_one_row_a_series_and_origin(panel: Panel) -> None:
    frame = features_frame(panel, panel.dates[-2:])
    assert len(frame) == 2 * 19
    assert list(frame.columns[-len(FEATURES) :]) == list(FEATURES)
    cut = features_frame(panel.until(panel.dates[-2]), panel.dates[-2:-1])
    pd.testing.assert_frame_equal(frame[frame["origin"] == frame["origin"].min()].reset_index(drop=True), cut)
    with pytest.raises(ValueError, match="2024-02-17 is no publication"):
        features_frame(panel, ["2024-02-17"])


def test_a_recipe_survives_json_and_refuses_a_name_it_does_not_know() -> None:
    recipe = Recipe(seed=7, trust_prior=0.4)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.from_dict({"publication": {"depth": 2}}).publication.depth == 2
    with pytest.raises(ValueError, match=r"publication\.dept"):
        Recipe.from_dict({"publication": {"dept": 2}})


def test_a_model_read_back_from_its_bundle_forecasts_the_same(panel: Panel, recipe: Recipe) -> None:
    model = fit(panel, recipe)
    again = Model.from_bundle({**model.to_bundle(), "manifest.json": b"{}"})
    pd.testing.assert_frame_equal(again.forecast(panel), model.forecast(panel))
    assert again.recipe == recipe
    assert not again.is_baseline
    assert again.trained_through == panel.origin
    plain = Model.from_bundle(baseline(panel).to_bundle())
    assert plain.is_baseline
    assert plain.recipe is None


def test_expected_dates_reach_beyond_the_sixth_month_and_skip_days_without_publication() -> None:
    dates = expected_dates(np.datetime64("2024-03-27"))
    assert dates[0] == np.datetime64("2024-04-01")  # 29 March 2024 was Good Friday
    assert dates[-1] >= np.datetime64("2024-10-01")


def test_tuning_returns_its_best_trial_and_begins_with_the_recipe_given(panel: Panel, recipe: Recipe) -> None:
    seen: list[Trial] = []
    tuned = tune(panel, recipe, trials=3, seconds=60, seed=1, on_trial=seen.append)
    assert list(tuned.trials) == seen
    assert len(seen) == 3
    assert seen[0].recipe.publication.depth == recipe.publication.depth
    assert tuned.recipe == min(seen, key=lambda trial: trial.loss).recipe
    assert [trial.recipe for trial in tune(panel, recipe, trials=3, seconds=60, seed=1).trials] == [
        trial.recipe for trial in seen
    ]


def test_with_too_little_history_nothing_is_tuned_and_the_recipe_given_comes_back(panel: Panel, recipe: Recipe) -> None:
    tuned = tune(panel.until(panel.dates[64]), recipe, trials=3, seconds=60, seed=1)
    assert (tuned.recipe, tuned.trials) == (recipe, ())


def test_what_is_judged_on_the_hold_out_is_learned_only_from_before_it(panel: Panel, recipe: Recipe) -> None:
    from milk_assets.forecasting.training.fitting import fit_task
    from milk_assets.forecasting.training.samples import Grid

    end = len(panel.dates) - 37
    whole, cut = Grid.of(panel), Grid.of(panel.until(panel.dates[end]))
    one = fit_task(whole, "publication", recipe, end, 10_000)
    other = fit_task(cut, "publication", recipe, end, 10_000)
    assert one.booster.save_raw("ubj") == other.booster.save_raw("ubj")


def test_explanations_add_up_to_what_the_model_adds_to_no_change(panel: Panel, recipe: Recipe) -> None:
    model = fit(panel, recipe)
    explained = explain(model, panel)
    keys = ["task", "lead", "series"]
    said = model.forecast(panel).set_index(keys)
    added = explained.groupby(keys)["contribution"].sum()
    np.testing.assert_allclose(added, (said["forecast"] - said["no_change"]).reindex(added.index), atol=1e-9)
    assert len(added) == 19 * 21
    assert set(explained["term"]) == set(WORDS)
    reasons = main_reasons(explained)
    assert reasons.groupby(keys).size().max() == 2
    assert "rest" not in set(reasons["term"])


def test_the_baseline_has_nothing_to_explain(panel: Panel) -> None:
    assert explain(baseline(panel), panel).empty


def test_the_export_names_columns_in_spanish_and_months_as_months(panel: Panel) -> None:
    table = export_table(baseline(panel).forecast(panel))
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


def test_the_export_spells_places_as_the_source_does() -> None:
    assert source_place("Ciudad de México", "ZM Ciudad de México") == ("CDMX", "ZM Ciudad de México")
    assert source_place("Chihuahua", "Ciudad Juárez") == ("Chihuahua", "Cd.Juárez")
    assert source_place("Veracruz", "Veracruz") == ("Veracruz", "Veracruz")
    assert source_place("Nacional", "Promedio aritmético") == ("Nacional", "Promedio aritmético")
    assert source_place("Jalisco", "Tequila") == ("Jalisco", "Tequila")


def test_a_missing_workbook_ends_in_one_clear_line_and_no_file(tmp_path, capsys) -> None:
    out = tmp_path / "forecasts.csv"
    code = main(["forecast", "--workbook", str(tmp_path / "none.xlsx"), "--origin", "2025-01-31", "--out", str(out)])
    assert code == 1
    assert "none.xlsx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
