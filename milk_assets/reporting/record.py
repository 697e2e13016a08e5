"""¿Cómo nos ha ido?: how far the forecasts were from what was published.

Belongs here: errors of resolved forecasts, averaged the way the promotion rules do. Resolving them is the assets' work.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.market import CENT
from milk_assets.reporting.report import Column, ReportError, Section, Table, table
from milk_assets.reporting.words import CHANNEL, MILK, TASK

TARGETS = {"publication": 13, "month": 3}
"""Newest target dates that count: thirteen publications are a month; a month's mean needs three to be more than one draw."""
LEADS = {"publication": (1, 3, 6, 13), "month": (0, 1, 3, 6)}
WORST = 5
REQUIRED = (
    "task",
    "lead",
    "target",
    "series",
    "state",
    "city",
    "milk",
    "channel",
    "level",
    "actual",
    "no_change",
    "forecast",
    "lo80",
    "hi80",
)

COLUMNS = (
    Column("task", "Pregunta"),
    Column("ahead", "Adelanto"),
    Column("targets", "Fechas", "count"),
    Column("mae", "Error del pronóstico", "ratio"),
    Column("mae_no_change", "Error de «sin cambio»", "ratio"),
    Column("ratio", "Razón", "ratio"),
    Column("direction", "Acierto de dirección", "share"),
    Column("covered", "Dentro del 80 %", "share"),
)
MISSES = (
    Column("state", "Estado"),
    Column("city", "Ciudad"),
    Column("milk", "Leche"),
    Column("channel", "Canal"),
    Column("ahead", "Adelanto"),
    Column("target", "Para", "date"),
    Column("forecast", "Pronóstico", "price"),
    Column("actual", "Publicado", "price"),
    Column("miss", "Falla", "change", moves=False),
)


def record(track_record: pd.DataFrame | None, evaluation: pd.DataFrame | None) -> Section:
    """The error record: of forecasts made and resolved (`track_record`) or, while there are none, of the backtest (`evaluation`).

    Both are backtest frames of one model (`level` city rows count). The section says which of the two it shows.
    """
    live = _resolved(track_record)
    tested = _resolved(evaluation)
    if not live.empty:
        rows, said = live, "Pronósticos publicados por este boletín, contra lo que se publicó después."
    elif not tested.empty:
        if tested["model"].nunique() > 1:
            found = sorted(tested["model"].unique())
            raise ReportError(f"Evaluation: expected the rows of one model, found {found}. Pass the one served.")
        rows = tested
        said = "Aún no hay pronósticos vencidos: es una prueba retrospectiva, hecha con lo que se sabía en cada fecha."
    else:
        return Section("record", "¿Cómo nos ha ido?", "Aún no hay pronósticos vencidos ni prueba retrospectiva que mostrar.")
    lead = (
        f"{said} Error absoluto medio en pesos por litro, primero por fecha y luego entre fechas. "
        "Una razón menor que 1 es mejor que decir «sin cambio»."
    )
    return Section("record", "¿Cómo nos ha ido?", lead, (_scores(rows), _worst(rows)))


def _resolved(frame: pd.DataFrame | None) -> pd.DataFrame:
    """City rows with a published outcome, of the newest targets of each task."""
    if frame is None or frame.empty:
        return pd.DataFrame()
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise ReportError(f"Error record: expected the columns {missing} too, found {list(frame.columns)}.")
    known = frame[frame["actual"].notna() & (frame["level"] == "city")]
    kept = [_newest(known[known["task"] == task], count) for task, count in TARGETS.items()]
    return pd.concat(kept)


def _newest(own: pd.DataFrame, count: int) -> pd.DataFrame:
    """The rows of the newest `count` target dates."""
    return own[own["target"].isin(np.sort(own["target"].unique())[-count:])]


def _scores(rows: pd.DataFrame) -> Table:
    scored = [
        _score(str(task), int(lead), own)
        for (task, lead), own in rows.groupby(["task", "lead"], sort=True)
        if lead in LEADS[str(task)]
    ]
    frame = pd.DataFrame(scored, columns=[*(column.name for column in COLUMNS), "place"]).sort_values("place")
    caption = (
        f"Últimas {TARGETS['publication']} publicaciones y últimos {TARGETS['month']} meses. La dirección se cuenta entre los "
        "precios que cambiaron y cuyo pronóstico no era quedarse igual. Cerca de 80 % debe caer dentro del intervalo."
    )
    return table("record", "Error por horizonte", COLUMNS, frame, caption=caption, group_by=("task",))


def _score(task: str, lead: int, own: pd.DataFrame) -> tuple[object, ...]:
    errors = pd.DataFrame(
        {
            "target": own["target"],
            "model": (own["forecast"] - own["actual"]).abs(),
            "same": (own["no_change"] - own["actual"]).abs(),
        }
    )
    means = errors.groupby("target").mean().mean()
    happened = own["actual"] - own["no_change"]
    changed = happened.abs() > CENT
    said = own["forecast"] - own["no_change"]
    both = changed & (said.abs() > CENT)
    hit = np.sign(said)[both] == np.sign(happened)[both]
    ratio = means["model"] / means["same"] if means["same"] > 0 else np.nan
    inside = own["actual"].between(own["lo80"] - CENT, own["hi80"] + CENT)
    direction = hit.mean() if len(hit) else np.nan
    place = (list(TARGETS).index(task), lead)
    return (
        TASK[task],
        ahead(task, lead),
        own["target"].nunique(),
        means["model"],
        means["same"],
        ratio,
        direction,
        inside.mean(),
        place,
    )


def _worst(rows: pd.DataFrame) -> Table:
    """The largest misses one publication ahead: one a series, so that one bad shop does not fill the list."""
    own = rows[(rows["task"] == "publication") & (rows["lead"] == 1)]
    own = own.assign(miss=own["forecast"] - own["actual"])
    own = own.sort_values("miss", key=lambda miss: miss.abs(), ascending=False).drop_duplicates("series").head(WORST)
    words = {"milk": own["milk"].map(MILK), "channel": own["channel"].map(CHANNEL)}
    frame = own.assign(ahead=ahead("publication", 1), **words)
    caption = "Las mayores fallas a una publicación, una por serie: pronóstico menos precio publicado, en pesos por litro."
    return table("misses", "Las mayores fallas", MISSES, frame, caption=caption)


def ahead(task: str, lead: int) -> str:
    """ "+1 publicación", "mes en curso", "+3 meses"."""
    if task == "month":
        return "mes en curso" if lead == 0 else f"+{lead} {'mes' if lead == 1 else 'meses'}"
    return f"+{lead} {'publicación' if lead == 1 else 'publicaciones'}"
