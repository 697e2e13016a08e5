"""Explanations: what moves a forecast away from the last price, in words a dairy buyer understands.

Belongs here: contributions of the structural terms and of the features (SHAP values of the boosters), and their wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.model import Model, expected_dates
from milk_assets.forecasting.panel import Panel
from milk_model.features import FEATURES, TARGET_FEATURES, Floats, known_at, with_target
from milk_model.forecaster import TASKS, TaskModel
from milk_model.targets import Window, windows_from

if TYPE_CHECKING:
    import pandas as pd

# term: (Spanish, English). Structural terms first, then the features in their order, then what is left.
WORDS = {
    "drift": ("alza general de los precios de la leche", "general drift of milk prices"),
    "return": ("regreso de una promoción al precio más alto reciente", "return from a promotion to the recent high"),
    "room": ("distancia al precio más alto de tres meses", "distance to the highest price of three months"),
    "above_mean_24": ("precio frente a su media de dos meses", "price against its mean of two months"),
    "above_mean_6": ("precio frente a su media de dos semanas", "price against its mean of two weeks"),
    "last_move": ("cambio en la última publicación", "change at the last publication"),
    "change_rate": ("frecuencia con que cambia este precio", "how often this price changes"),
    "recent_rate": ("frecuencia de cambios recientes", "how often it changed lately"),
    "staleness": ("tiempo sin cambios", "time without a change"),
    "above_peers": ("precio frente a otras ciudades", "price against other cities"),
    "last_change": ("tamaño del último cambio", "size of the last change"),
    "distance": ("plazo del pronóstico", "how far ahead the forecast is"),
    "chance_of_change": ("probabilidad de cambio dentro del plazo", "chance of a change by then"),
    "rest": ("punto de partida y redondeo a precios sin cambio", "starting point, and small changes set to none"),
}
COLUMNS = ("origin", "series", "task", "lead", "target", "term", "contribution", "es", "en")


def explain(model: Model, panel: Panel) -> pd.DataFrame:
    """Contributions to every city forecast, in COLUMNS: MXN/l from the no-change forecast, adding up to forecast minus no change.

    drift and return are the structural terms. Features share the boosters' median by the expected change their SHAP values
    (XGBoost's `pred_contribs`, log-odds of each bin) stand for; what linear shares miss is in "rest". The baseline explains
    nothing: it has no terms. Raises ValueError when the model was trained on later dates than the panel's.
    """
    import pandas as pd

    forecasts = model.forecast(panel)
    forecasts = forecasts[forecasts["level"] == "city"]
    history = panel.history()
    windows = windows_from(history.dates, expected_dates(panel.origin))
    frames = []
    for task in TASKS:
        chosen = [window for window in windows if window.task == task]
        fitted = model.forecaster.tasks[task]
        if fitted.booster is None:
            continue
        said = forecasts[forecasts["task"] == task].set_index(["lead", "series"])
        # every window x series, in the forecaster's order; series without a price have no forecast
        keys = pd.MultiIndex.from_product([[window.lead for window in chosen], history.series], names=["lead", "series"])
        terms = _terms(fitted, panel, chosen)
        said = said.reindex(keys)
        # what a window that has begun keeps of a change, see `window_columns`
        share = np.concatenate([_share(history.prices, window) for window in chosen])
        weight = said["trust"].to_numpy(dtype=float) * share
        moved = (said["forecast"] - said["no_change"]).to_numpy(dtype=float)
        scaled = {name: weight * values for name, values in terms.items()}
        scaled["rest"] = moved - np.sum(list(scaled.values()), axis=0)
        for name, values in scaled.items():
            part = pd.DataFrame({"origin": panel.origin, "task": task, "term": name, "contribution": values}, index=keys)
            part["target"] = said["target"]
            frames.append(part.reset_index()[said["forecast"].notna().to_numpy()])
    if not frames:
        return pd.DataFrame(columns=list(COLUMNS))
    result = pd.concat(frames, ignore_index=True)
    result["es"] = result["term"].map({term: words[0] for term, words in WORDS.items()})
    result["en"] = result["term"].map({term: words[1] for term, words in WORDS.items()})
    return result[list(COLUMNS)]


def main_reasons(explained: pd.DataFrame, count: int = 2, least: float = 0.01) -> pd.DataFrame:
    """The `count` largest contributions of each forecast, of at least `least` MXN/l, largest first; "rest" is never a reason."""
    named = explained[(explained["term"] != "rest") & (explained["contribution"].abs() >= least)]
    order = named["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return named.loc[order].groupby(["series", "task", "lead"], sort=False).head(count).reset_index(drop=True)


def _terms(fitted: TaskModel, panel: Panel, windows: list[Window]) -> dict[str, Floats]:
    """Contributions before trust, MXN/l, (windows x series,) each."""
    chosen = panel.only_active()
    known = known_at(chosen.prices, chosen.segments)
    shape = (len(windows), len(chosen.names.series))
    distance = np.repeat(np.array([window.distance for window in windows])[:, None], shape[1], axis=1)
    now = known.features[-1]
    rows = with_target(np.broadcast_to(now, (*shape, len(FEATURES))), distance).reshape(-1, len(FEATURES) + len(TARGET_FEATURES))
    terms: dict[str, Floats] = {}
    if fitted.structure is not None:
        along_drift, along_room = fitted.structure.terms(now, fitted.structure.drift(known, chosen.segments)[-1], distance)
        terms = {"drift": fitted.blend * along_drift.ravel(), "return": fitted.blend * along_room.ravel()}
    shares = _feature_shares(fitted, rows, distance.ravel(), np.tile(chosen.segments, shape[0]))
    for place, name in enumerate((*FEATURES, *TARGET_FEATURES)):
        terms[name] = (1 - fitted.blend) * shares[:, place]
    return terms


def _feature_shares(fitted: TaskModel, rows: NDArray[np.float32], distance: Floats, segments: NDArray[np.intp]) -> Floats:
    """The median change shared among the features, (R, features) MXN/l.

    A feature that adds s_k to the log-odds of bin k moves the expected change by about sum_k p_k (s_k - sum_j p_j s_j) v_k, v_k
    being what bin k is worth. The shares point the same way as these and are scaled to the median, never blown up beyond their
    own size.
    """
    import xgboost

    chances = fitted.chances(rows, segments)
    booster = fitted.booster
    if not isinstance(booster, xgboost.Booster):  # loaded for scoring alone, which gives no contributions
        booster = xgboost.Booster({"nthread": 1}, model_file=booster.save_raw("ubj"))
    margins = booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True)[:, :, :-1]
    middle = fitted.bins.inside.mean(axis=1)
    worth = middle[None, :] * np.stack(
        [fitted.bins.scale(distance, np.full(len(distance), value > 0)) for value in middle], axis=1
    )
    centred = margins - np.einsum("rk,rkf->rf", chances, margins)[:, None, :]
    moved = np.einsum("rk,rkf,rk->rf", chances, centred, worth)
    median = fitted.bins.quantiles(chances, distance, np.array(0.5))
    total = moved.sum(axis=1)
    same_way = (np.sign(total) == np.sign(median)) & (np.abs(total) > 0)
    factor = np.where(same_way, np.minimum(np.abs(median) / np.maximum(np.abs(total), 1e-12), 1.0), 0.0)
    return np.asarray(moved * factor[:, None])


def _share(prices: Floats, window: Window) -> NDArray[Any]:
    number = np.isfinite(prices[len(prices) - window.past :]).sum(axis=0)
    return np.asarray(window.size / np.maximum(number + window.size, 1))
