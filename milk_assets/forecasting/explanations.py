"""Explanations: what moves a forecast away from the last price, in words that a dairy buyer understands.

Belongs here: contributions of the structural terms and of the features (SHAP values of the boosters), and their texts. Not here: showing
them, see `milk_assets.reporting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.model import Model, expected_dates
from milk_assets.forecasting.panel import Panel
from milk_model.features import FEATURES, TARGET_FEATURES, Floats, compute_features, with_target
from milk_model.forecaster import TASKS, History
from milk_model.targets import Task, Window, windows_from
from milk_model.task_model import TaskModel

if TYPE_CHECKING:
    import pandas as pd

# Term → (Spanish, English). Structural terms first, then the features in their order, then the remainder.
TERM_TEXTS = {
    "drift": ("tendencia general de los precios de la leche", "general drift of milk prices"),
    "return": ("fin de una promoción: regreso al precio más alto reciente", "end of a discount: return to the recent high"),
    "discount_depth": (
        "diferencia con el precio más alto de los últimos tres meses",
        "gap to the highest price of the last three months",
    ),
    "above_mean_24": ("precio comparado con su promedio de dos meses", "price compared with its two-month mean"),
    "above_mean_6": ("precio comparado con su promedio de dos semanas", "price compared with its two-week mean"),
    "last_move": ("cambio en la última publicación", "change at the last publication"),
    "change_rate": ("frecuencia con la que cambia este precio", "how often this price changes"),
    "recent_rate": ("frecuencia de los cambios recientes", "how often it has changed recently"),
    "staleness": ("tiempo sin cambios", "time without a change"),
    "above_peers": ("precio comparado con el de otras ciudades", "price compared with other cities"),
    "last_change": ("tamaño del último cambio", "size of the last change"),
    "distance": ("plazo del pronóstico", "how far ahead the forecast is"),
    "chance_of_change": ("probabilidad de un cambio dentro del plazo", "chance of a change by then"),
    "rest": ("punto de partida y cambios pequeños que se omiten", "starting point, and small changes set to none"),
}
EXPLANATION_COLUMNS = ["origin", "series", "task", "lead", "target", "term", "contribution", "es", "en"]


def explain(model: Model, panel: Panel) -> pd.DataFrame:
    """Contributions to every city forecast.

    "drift" and "return" are the structural terms. Features share the boosters' median in proportion to the expected change that their
    SHAP values stand for (XGBoost's `pred_contribs`, log-odds of each bin). What these linear shares miss is in "rest".

    Args:
        model: Fitted model. The baseline has no terms, so its frame is empty.
        panel: Prices as known at the origin.

    Returns:
        EXPLANATION_COLUMNS, one row per forecast and term. Contributions are in MXN/l and add up to forecast minus no change.

    Raises:
        ValueError: The model was trained on dates after the panel's origin.
    """
    import pandas as pd

    forecasts = model.predict(panel)
    forecasts = forecasts[forecasts["level"] == "city"]
    history = panel.history()
    windows = windows_from(history.dates, expected_dates(panel.origin))
    frames = []
    for task in TASKS:
        task_model = model.forecaster.tasks[task]
        if task_model.booster is None:
            continue
        task_windows = [window for window in windows if window.task == task]
        terms = _terms(task_model, panel, task_windows)
        task_forecasts = forecasts[forecasts["task"] == task]
        frames += _task_frames(task, task_forecasts, history, task_windows, terms, panel.origin)
    if not frames:
        return pd.DataFrame(columns=EXPLANATION_COLUMNS)
    result = pd.concat(frames, ignore_index=True)
    result["es"] = result["term"].map({term: spanish for term, (spanish, _) in TERM_TEXTS.items()})
    result["en"] = result["term"].map({term: english for term, (_, english) in TERM_TEXTS.items()})
    return result[EXPLANATION_COLUMNS]


def main_reasons(explained: pd.DataFrame, count: int = 2, least: float = 0.01) -> pd.DataFrame:
    """The largest contributions to each forecast, largest first; "rest" is never a reason.

    Args:
        explained: The frame of `explain`.
        count: Reasons per forecast.
        least: Smallest absolute contribution that counts, MXN/l.
    """
    reasons = explained[(explained["term"] != "rest") & (explained["contribution"].abs() >= least)]
    order = reasons["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return reasons.loc[order].groupby(["series", "task", "lead"], sort=False).head(count).reset_index(drop=True)


def _task_frames(
    task: Task,
    forecasts: pd.DataFrame,
    history: History,
    windows: list[Window],
    terms: dict[str, Floats],
    origin: np.datetime64,
) -> list[pd.DataFrame]:
    """One frame per term, with the contributions scaled to what they add to the final forecast."""
    import pandas as pd

    # every window x series, in the forecaster's order; series without a price have no forecast
    keys = pd.MultiIndex.from_product([[window.lead for window in windows], history.series], names=["lead", "series"])
    aligned = forecasts.set_index(["lead", "series"]).reindex(keys)
    # only the share of a window that is still to come moves, see `window_columns`
    share = np.concatenate([_share_to_come(history.prices, window) for window in windows])
    weight = aligned["trust"].to_numpy(dtype=float) * share
    forecast_change = (aligned["forecast"] - aligned["no_change"]).to_numpy(dtype=float)
    contributions = {term: weight * values for term, values in terms.items()}
    contributions["rest"] = forecast_change - np.sum(list(contributions.values()), axis=0)
    has_forecast = aligned["forecast"].notna().to_numpy()
    frames = []
    for term, values in contributions.items():
        frame = pd.DataFrame({"origin": origin, "task": task, "term": term, "contribution": values}, index=keys)
        frame["target"] = aligned["target"]
        frames.append(frame.reset_index()[has_forecast])
    return frames


def _terms(task_model: TaskModel, panel: Panel, windows: list[Window]) -> dict[str, Floats]:
    """Contributions before the model is weighted against no change, MXN/l, (windows x series,) each."""
    active_panel = panel.only_active()
    segments = active_panel.segments
    history_features = compute_features(active_panel.prices, segments)
    shape = (len(windows), len(active_panel.names.series))
    distance = np.repeat(np.array([window.distance for window in windows])[:, None], shape[1], axis=1)
    newest = history_features.features[-1]
    rows = with_target(np.broadcast_to(newest, (*shape, len(FEATURES))), distance)
    rows = rows.reshape(-1, len(FEATURES) + len(TARGET_FEATURES))
    terms: dict[str, Floats] = {}
    if task_model.structure is not None:
        drift = task_model.structure.drift(history_features, segments)[-1]
        drift_term, discount_term = task_model.structure.terms(newest, drift, distance)
        terms = {"drift": task_model.blend * drift_term.ravel(), "return": task_model.blend * discount_term.ravel()}
    shares = _feature_shares(task_model, rows, distance.ravel(), np.tile(segments, shape[0]))
    for index, name in enumerate((*FEATURES, *TARGET_FEATURES)):
        terms[name] = (1 - task_model.blend) * shares[:, index]
    return terms


def _feature_shares(task_model: TaskModel, rows: NDArray[np.float32], distance: Floats, segments: NDArray[np.intp]) -> Floats:
    """The median change shared among the features, (R, features) MXN/l.

    A feature that adds s_k to the log-odds of bin k moves the expected change by about sum_k p_k (s_k - sum_j p_j s_j) v_k, where v_k is
    the value of bin k. The shares have the same signs as these and are scaled down to the median, never up.
    """
    chances = task_model.chances(rows, segments)
    margins = _shap_values(task_model.booster, rows)
    bin_means = task_model.bins.inside.mean(axis=1)
    scales = [task_model.bins.scale(distance, np.full(len(distance), mean > 0)) for mean in bin_means]
    bin_values = bin_means[None, :] * np.stack(scales, axis=1)
    centred = margins - np.einsum("rk,rkf->rf", chances, margins)[:, None, :]
    expected_change = np.einsum("rk,rkf,rk->rf", chances, centred, bin_values)
    median = task_model.bins.quantiles(chances, distance, np.array(0.5))
    total = expected_change.sum(axis=1)
    has_same_sign = (np.sign(total) == np.sign(median)) & (np.abs(total) > 0)
    factor = np.where(has_same_sign, np.minimum(np.abs(median) / np.maximum(np.abs(total), 1e-12), 1.0), 0.0)
    return np.asarray(expected_change * factor[:, None])


def _shap_values(booster: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """SHAP values of each row, (R, bins, features) log-odds."""
    import xgboost

    if not isinstance(booster, xgboost.Booster):  # the native booster only scores
        booster = xgboost.Booster({"nthread": 1}, model_file=booster.save_raw("ubj"))
    contributions = booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True)
    return np.asarray(contributions[:, :, :-1])  # the last one is the bias


def _share_to_come(prices: Floats, window: Window) -> NDArray[Any]:
    """Share of a window's mean that is not published yet, (N,)."""
    published_count = np.isfinite(prices[len(prices) - window.past :]).sum(axis=0)
    return np.asarray(window.size / np.maximum(published_count + window.size, 1))
