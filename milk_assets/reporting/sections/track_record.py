"""¿Cómo nos ha ido?: how far the forecasts were from the published prices.

Belongs here: errors of resolved forecasts, averaged as the promotion gate averages them. Not here: resolving forecasts, which
`milk_assets.defs` does.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import COVERED, MAE, MAE_NO_CHANGE, SERIES_COLUMNS, TASK
from milk_assets.reporting.model.forecast_rows import (
    FORECAST,
    FORECAST_KEYS,
    INTERVAL_80,
    NO_CHANGE,
    TARGET,
    column_names,
)
from milk_assets.reporting.model.market_prices import PRICE_TOLERANCE
from milk_assets.reporting.model.report import Column, ReportError, Section, Table, make_table
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual, join_texts
from milk_assets.reporting.text.formatting import CHANNEL_TEXTS, MILK_TEXTS, TASK_TEXTS, count_text

NEWEST_TARGETS = {"publication": 13, "month": 3}
"""Newest target dates that count: thirteen publications are a month; one month alone would be a single draw."""
SCORED_LEADS = {"publication": (1, 3, 6, 13), "month": (0, 1, 3, 6)}
MOST_MISSES = 5
CHAMPION = "champion"
"""The role whose forecasts were published; the challenger only ran in shadow."""
REQUIRED_COLUMNS = (*column_names((*FORECAST_KEYS, NO_CHANGE, FORECAST, *INTERVAL_80)), "actual")

AHEAD = Column("ahead", BilingualText("Adelanto", "Lead"))
SCORE_COLUMNS = (
    TASK,
    AHEAD,
    Column("targets", BilingualText("Fechas", "Dates"), "count"),
    MAE,
    MAE_NO_CHANGE,
    Column("ratio", BilingualText("Razón", "Ratio"), "ratio"),
    Column("direction", BilingualText("Acierto de dirección", "Direction right"), "share"),
    COVERED,
)
DATE_COLUMNS = (
    Column("target", BilingualText("Publicación", "Publication"), "date"),
    Column("series", BilingualText("Series", "Series"), "count"),
    MAE,
    MAE_NO_CHANGE,
    COVERED,
)
MISS_COLUMNS = (
    *SERIES_COLUMNS,
    AHEAD,
    TARGET,
    FORECAST,
    Column("actual", BilingualText("Publicado", "Published"), "price"),
    Column("miss", BilingualText("Falla", "Miss"), "change", moves=False),
)
TITLE = BilingualText("¿Cómo nos ha ido?", "How did we do?")


def track_record_section(track_record: pd.DataFrame | None, evaluation: pd.DataFrame | None) -> Section:
    """Make the section of past errors: of issued forecasts or, before any is resolved, of the backtest. The section says which.

    City rows count. Prices are in MXN per litre.

    Args:
        track_record: Issued forecasts with the published prices in `actual`; `role` says which model made them.
        evaluation: Backtest of one `model`, in the same columns.

    Raises:
        ReportError: When a column is missing or the backtest holds several models.
    """
    issued = _resolved(track_record)
    tested = _resolved(evaluation)
    if not issued.empty:
        rows = issued
        source = BilingualText(
            "Pronósticos publicados por este boletín, contra lo que se publicó después.",
            "Forecasts that this report published, against what was published later.",
        )
    elif not tested.empty:
        models = sorted(tested["model"].unique())
        if len(models) > 1:
            raise ReportError(f"Evaluation: expected the rows of one model, found {models}. Pass the one that is served.")
        rows = tested
        source = BilingualText(
            "Aún no hay pronósticos vencidos: es una prueba retrospectiva, hecha con lo que se sabía en cada fecha.",
            "No forecast has come due yet: this is a backtest, made with what was known on each date.",
        )
    else:
        no_record = BilingualText(
            "Aún no hay pronósticos vencidos ni prueba retrospectiva que mostrar.",
            "No forecast has come due yet and there is no backtest to show.",
        )
        return Section("record", TITLE, no_record)
    method = BilingualText(
        "Error absoluto medio en pesos por litro, primero por fecha y luego entre fechas. "
        "Una razón menor que 1 es mejor que decir «sin cambio».",
        "Mean absolute error in pesos per litre, first by date, then over dates. A ratio below 1 is better than saying “no change”.",
    )
    return Section("record", TITLE, join_texts([source, method]), (_scores(rows), _errors_by_date(rows), _largest_misses(rows)))


def _resolved(frame: pd.DataFrame | None) -> pd.DataFrame:
    """City rows of the champion with a published price, of the newest targets of each task."""
    if frame is None or frame.empty:
        return pd.DataFrame()
    missing = [name for name in REQUIRED_COLUMNS if name not in frame]
    if missing:
        raise ReportError(f"Error record: expected the columns {missing} too, found {list(frame.columns)}.")
    resolved = frame[frame["actual"].notna() & (frame["level"] == "city")]
    if "role" in resolved:
        resolved = resolved[resolved["role"] == CHAMPION]
    parts = []
    for task, count in NEWEST_TARGETS.items():
        rows = resolved[resolved["task"] == task]
        newest_targets = np.sort(rows["target"].unique())[-count:]
        parts.append(rows[rows["target"].isin(newest_targets)])
    return pd.concat(parts)


def _scores(rows: pd.DataFrame) -> Table:
    """One row per task and lead."""
    groups = {
        (task, lead): rows[(rows["task"] == task) & (rows["lead"] == lead)]
        for task, leads in SCORED_LEADS.items()
        for lead in leads
    }
    scores = [_score(task, lead, group) for (task, lead), group in groups.items() if len(group)]
    frame = pd.DataFrame(scores, columns=column_names(SCORE_COLUMNS))
    caption = format_bilingual(
        "Últimas {publications} publicaciones y últimos {months} meses. La dirección se cuenta entre los precios que cambiaron y "
        "cuyo pronóstico no era quedarse igual. Cerca de 80 % debe caer dentro del intervalo.",
        "Last {publications} publications and last {months} months. The direction is counted among prices that changed and were "
        "not forecast to stay. About 80 % should fall within the interval.",
        publications=NEWEST_TARGETS["publication"],
        months=NEWEST_TARGETS["month"],
    )
    title = BilingualText("Error por horizonte", "Error by horizon")
    return make_table("record", title, SCORE_COLUMNS, frame, caption=caption, group_by=("task",))


def _score(task: str, lead: int, rows: pd.DataFrame) -> dict[str, object]:
    errors = _errors(rows)
    means = errors[["target", "mae", "mae_no_change"]].groupby("target").mean().mean()
    actual_change = rows["actual"] - rows["no_change"]
    forecast_change = rows["forecast"] - rows["no_change"]
    has_direction = (actual_change.abs() > PRICE_TOLERANCE) & (forecast_change.abs() > PRICE_TOLERANCE)
    is_right = np.sign(forecast_change)[has_direction] == np.sign(actual_change)[has_direction]
    return {
        "task": TASK_TEXTS[task],
        "ahead": lead_text(task, lead),
        "targets": rows["target"].nunique(),
        "mae": means["mae"],
        "mae_no_change": means["mae_no_change"],
        "ratio": means["mae"] / means["mae_no_change"] if means["mae_no_change"] > 0 else np.nan,
        "direction": is_right.mean() if len(is_right) else np.nan,
        "covered": errors["covered"].mean(),
    }


def _errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Each row's target, absolute errors (MXN per litre) and whether its 80 % interval holds the published price."""
    return pd.DataFrame(
        {
            "target": rows["target"],
            "mae": (rows["forecast"] - rows["actual"]).abs(),
            "mae_no_change": (rows["no_change"] - rows["actual"]).abs(),
            "covered": rows["actual"].between(rows["lo80"] - PRICE_TOLERANCE, rows["hi80"] + PRICE_TOLERANCE),
        }
    )


def _one_publication_ahead(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["task"] == "publication") & (rows["lead"] == 1)]


def _errors_by_date(rows: pd.DataFrame) -> Table:
    """The errors one publication ahead, date by date, so that bad days stay visible."""
    groups = _errors(_one_publication_ahead(rows)).groupby("target")
    frame = groups[["mae", "mae_no_change", "covered"]].mean().assign(series=groups.size()).reset_index()
    caption = BilingualText(
        "Error medio de cada publicación, pronosticada desde la anterior, en pesos por litro.",
        "Mean error of each publication, forecast from the one before it, pesos per litre.",
    )
    title = BilingualText("Publicación por publicación", "Publication by publication")
    return make_table("record_dates", title, DATE_COLUMNS, frame, caption=caption, folded=True)


def _largest_misses(rows: pd.DataFrame) -> Table:
    """The largest misses one publication ahead, one per series, so that one bad shop does not fill the list."""
    frame = _one_publication_ahead(rows)
    frame = frame.assign(miss=frame["forecast"] - frame["actual"])
    frame = frame.sort_values("miss", key=lambda miss: miss.abs(), ascending=False).drop_duplicates("series").head(MOST_MISSES)
    frame = frame.assign(
        ahead=[lead_text("publication", 1)] * len(frame),
        milk=frame["milk"].map(MILK_TEXTS),
        channel=frame["channel"].map(CHANNEL_TEXTS),
    )
    caption = BilingualText(
        "Las mayores fallas a una publicación, una por serie: pronóstico menos precio publicado, en pesos por litro.",
        "The largest misses one publication ahead, one a series: forecast minus published price, pesos per litre.",
    )
    title = BilingualText("Las mayores fallas", "The largest misses")
    return make_table("misses", title, MISS_COLUMNS, frame, caption=caption)


def lead_text(task: str, lead: int) -> BilingualText:
    """Write a lead: "+1 publicación", "mes en curso", "+3 meses"."""
    if task == "month" and lead == 0:
        return BilingualText("mes en curso", "running month")
    if task == "month":
        singular, plural = BilingualText("mes", "month"), BilingualText("meses", "months")
    else:
        singular, plural = BilingualText("publicación", "publication"), BilingualText("publicaciones", "publications")
    return format_bilingual("+{count}", "+{count}", count=count_text(lead, singular, plural))
