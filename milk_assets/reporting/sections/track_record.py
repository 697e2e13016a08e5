"""¿Cómo nos ha ido?: how far the forecasts were from what was published.

Belongs here: errors of resolved forecasts, averaged the way the promotion rules do. Resolving them is the assets' work.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.market_prices import CENT
from milk_assets.reporting.model.report import SERIES_NAMES, Column, ReportError, Section, Table, table
from milk_assets.reporting.text.bilingual import Text, joined, say
from milk_assets.reporting.text.formatting import CHANNEL, MILK, TASK, counted

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
    Column("task", Text("Pregunta", "Question")),
    Column("ahead", Text("Adelanto", "Lead")),
    Column("targets", Text("Fechas", "Dates"), "count"),
    Column("mae", Text("Error del pronóstico", "Error of the forecast"), "ratio"),
    Column("mae_no_change", Text("Error de «sin cambio»", "Error of “no change”"), "ratio"),
    Column("ratio", Text("Razón", "Ratio"), "ratio"),
    Column("direction", Text("Acierto de dirección", "Direction right"), "share"),
    Column("covered", Text("Dentro del 80 %", "Within 80 %"), "share"),
)
BY_DATE = (
    Column("target", Text("Publicación", "Publication"), "date"),
    Column("series", Text("Series", "Series"), "count"),
    Column("mae", Text("Error del pronóstico", "Error of the forecast"), "ratio"),
    Column("mae_no_change", Text("Error de «sin cambio»", "Error of “no change”"), "ratio"),
    Column("covered", Text("Dentro del 80 %", "Within 80 %"), "share"),
)
MISSES = (
    *SERIES_NAMES,
    Column("ahead", Text("Adelanto", "Lead")),
    Column("target", Text("Para", "For"), "date"),
    Column("forecast", Text("Pronóstico", "Forecast"), "price"),
    Column("actual", Text("Publicado", "Published"), "price"),
    Column("miss", Text("Falla", "Miss"), "change", moves=False),
)
TITLE = Text("¿Cómo nos ha ido?", "How did we do?")
CHAMPION = "champion"
"""The role whose forecasts were published; others only ran beside it."""


def record(track_record: pd.DataFrame | None, evaluation: pd.DataFrame | None) -> Section:
    """The error record: of forecasts made and resolved (`track_record`) or, while there are none, of the backtest (`evaluation`).

    track_record: live forecasts beside what came (`role` names who made them). evaluation: backtest frame of one `model`. Of both,
    `level` city rows count. The section says which of the two it shows.
    """
    live = _resolved(track_record)
    tested = _resolved(evaluation)
    if not live.empty:
        rows = live
        said = Text(
            "Pronósticos publicados por este boletín, contra lo que se publicó después.",
            "Forecasts that this report published, against what was published later.",
        )
    elif not tested.empty:
        if tested["model"].nunique() > 1:
            found = sorted(tested["model"].unique())
            raise ReportError(f"Evaluation: expected the rows of one model, found {found}. Pass the one served.")
        rows = tested
        said = Text(
            "Aún no hay pronósticos vencidos: es una prueba retrospectiva, hecha con lo que se sabía en cada fecha.",
            "No forecast has come due yet: this is a backtest, made with what was known on each date.",
        )
    else:
        nothing = Text(
            "Aún no hay pronósticos vencidos ni prueba retrospectiva que mostrar.",
            "No forecast has come due yet and there is no backtest to show.",
        )
        return Section("record", TITLE, nothing)
    how = Text(
        "Error absoluto medio en pesos por litro, primero por fecha y luego entre fechas. "
        "Una razón menor que 1 es mejor que decir «sin cambio».",
        "Mean absolute error in pesos per litre, first by date, then over dates. A ratio below 1 is better than saying “no change”.",
    )
    return Section("record", TITLE, joined([said, how]), (_scores(rows), _by_date(rows), _worst(rows)))


def _resolved(frame: pd.DataFrame | None) -> pd.DataFrame:
    """City rows of the champion with a published outcome, of the newest targets of each task."""
    if frame is None or frame.empty:
        return pd.DataFrame()
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise ReportError(f"Error record: expected the columns {missing} too, found {list(frame.columns)}.")
    known = frame[frame["actual"].notna() & (frame["level"] == "city")]
    if "role" in known:
        known = known[known["role"] == CHAMPION]
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
    caption = say(
        "Últimas {publications} publicaciones y últimos {months} meses. La dirección se cuenta entre los precios que cambiaron y "
        "cuyo pronóstico no era quedarse igual. Cerca de 80 % debe caer dentro del intervalo.",
        "Last {publications} publications and last {months} months. The direction is counted among prices that changed and were "
        "not forecast to stay. About 80 % should fall within the interval.",
        publications=TARGETS["publication"],
        months=TARGETS["month"],
    )
    title = Text("Error por horizonte", "Error by horizon")
    return table("record", title, COLUMNS, frame, caption=caption, group_by=("task",))


def _score(task: str, lead: int, own: pd.DataFrame) -> tuple[object, ...]:
    errors = _errors(own)
    means = errors[["target", "mae", "mae_no_change"]].groupby("target").mean().mean()
    happened = own["actual"] - own["no_change"]
    changed = happened.abs() > CENT
    said = own["forecast"] - own["no_change"]
    both = changed & (said.abs() > CENT)
    hit = np.sign(said)[both] == np.sign(happened)[both]
    ratio = means["mae"] / means["mae_no_change"] if means["mae_no_change"] > 0 else np.nan
    direction = hit.mean() if len(hit) else np.nan
    place = (list(TARGETS).index(task), lead)
    return (
        TASK[task],
        ahead(task, lead),
        own["target"].nunique(),
        means["mae"],
        means["mae_no_change"],
        ratio,
        direction,
        errors["covered"].mean(),
        place,
    )


def _errors(own: pd.DataFrame) -> pd.DataFrame:
    """Each row's target, absolute errors and whether its 80 % interval held what came."""
    return pd.DataFrame(
        {
            "target": own["target"],
            "mae": (own["forecast"] - own["actual"]).abs(),
            "mae_no_change": (own["no_change"] - own["actual"]).abs(),
            "covered": own["actual"].between(own["lo80"] - CENT, own["hi80"] + CENT),
        }
    )


def _by_date(rows: pd.DataFrame) -> Table:
    """The same errors date by date, one publication ahead: bad days stay in sight."""
    own = rows[(rows["task"] == "publication") & (rows["lead"] == 1)]
    grouped = _errors(own).groupby("target")
    frame = grouped[["mae", "mae_no_change", "covered"]].mean().assign(series=grouped.size()).reset_index()
    caption = Text(
        "Error medio de cada publicación, pronosticada desde la anterior, en pesos por litro.",
        "Mean error of each publication, forecast from the one before it, pesos per litre.",
    )
    title = Text("Publicación por publicación", "Publication by publication")
    return table("record_dates", title, BY_DATE, frame, caption=caption, folded=True)


def _worst(rows: pd.DataFrame) -> Table:
    """The largest misses one publication ahead: one a series, so that one bad shop does not fill the list."""
    own = rows[(rows["task"] == "publication") & (rows["lead"] == 1)]
    own = own.assign(miss=own["forecast"] - own["actual"])
    own = own.sort_values("miss", key=lambda miss: miss.abs(), ascending=False).drop_duplicates("series").head(WORST)
    words = {"milk": own["milk"].map(MILK), "channel": own["channel"].map(CHANNEL)}
    frame = own.assign(ahead=[ahead("publication", 1)] * len(own), **words)
    caption = Text(
        "Las mayores fallas a una publicación, una por serie: pronóstico menos precio publicado, en pesos por litro.",
        "The largest misses one publication ahead, one a series: forecast minus published price, pesos per litre.",
    )
    return table("misses", Text("Las mayores fallas", "The largest misses"), MISSES, frame, caption=caption)


def ahead(task: str, lead: int) -> Text:
    """ "+1 publicación", "mes en curso", "+3 meses"."""
    if task == "month" and lead == 0:
        return Text("mes en curso", "running month")
    one, many = (
        (Text("mes", "month"), Text("meses", "months"))
        if task == "month"
        else (Text("publicación", "publication"), Text("publicaciones", "publications"))
    )
    return say("+{count}", "+{count}", count=counted(lead, one, many))
