"""`milk forecast` and `milk backtest`: from a workbook to forecasts or scores in files.

Belongs here: options, files and what is printed. Forecasting is `milk_assets.forecasting`.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milk_assets.commands.common.options import DAY_FORMATS

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.forecasting.panel import Panel

FIRST_ORIGIN = datetime(2024, 4, 1)  # noqa: DTZ001  # a date; three months of the source's history come before it
MODEL_NAME = "ours"
DECIMALS = 4  # of the file: a hundredth of a centavo

Workbook = Annotated[Path, typer.Option(help="A SNIIM workbook.")]


def forecast_command(
    workbook: Workbook,
    origin: Annotated[datetime, typer.Option(formats=DAY_FORMATS, help="Nothing published later is used.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
) -> None:
    """Forecast every active series from one origin, as CSV."""
    from milk_assets.forecasting.hyperparameters import Hyperparameters
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.training.task_fitting import MIN_PUBLICATIONS

    started = time.perf_counter()
    panel = read_panel(workbook).until(origin.date())
    model = Model.fit(panel, Hyperparameters()) if len(panel.dates) >= MIN_PUBLICATIONS else Model.fit_baseline(panel)
    table = export_table(model.predict(panel))
    write_csv(table, out)
    kind = "no-change baseline: too little history to train" if model.is_baseline else "default hyperparameters"
    print(f"{len(table)} forecasts from {panel.origin}, trained on {len(panel.dates)} publications ({kind}): {out}")
    print(f"{time.perf_counter() - started:.1f} s")


def backtest_command(
    workbook: Workbook,
    first: Annotated[datetime, typer.Option("--from", formats=DAY_FORMATS, help="First origin.")] = FIRST_ORIGIN,
    out: Annotated[
        Path | None, typer.Option(help="Folder for scores.csv, backtest.csv, summary.md and ratios.png.", show_default=False)
    ] = None,
    refit_every: Annotated[int | None, typer.Option(min=1, help="Publications between fits.", show_default=False)] = None,
) -> None:
    """Score rolling origins against no change."""
    from milk_assets.forecasting.evaluation.backtest import DEFAULT_ORIGINS_PER_FIT, backtest
    from milk_assets.forecasting.evaluation.backtest_summary import plot, summary
    from milk_assets.forecasting.evaluation.scores import score_table
    from milk_assets.forecasting.hyperparameters import Hyperparameters

    started = time.perf_counter()
    panel = read_panel(workbook)
    first_day: date = first.date()
    origins = [day for day in panel.dates if day.item() >= first_day]

    def show_progress(done: int, blocks: int) -> None:
        print(f"  {done} of {blocks} blocks, {time.perf_counter() - started:.0f} s", file=sys.stderr)

    frame = backtest(
        panel,
        {MODEL_NAME: Hyperparameters(), "no change": None},
        origins,
        refit_every=refit_every or DEFAULT_ORIGINS_PER_FIT,
        on_progress=show_progress,
    )
    scores = score_table(frame)
    print(summary(scores, MODEL_NAME))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(scores, out / "scores.csv")
        write_csv(frame, out / "backtest.csv")
        (out / "summary.md").write_text(summary(scores, MODEL_NAME), encoding="utf-8")
        (out / "ratios.png").write_bytes(plot(scores))
    print(f"{len(origins)} origins, {time.perf_counter() - started:.0f} s")


def export_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A forecasts frame as a table for other programs.

    Columns: origin, Estado, Ciudad, Tipo, Canal, target, yhat, lo80, hi80, lo95, hi95. `target` is a date for a publication and YYYY-MM
    for a month. City series come first, then the national averages. Places are spelled as in the source, so that the table joins the
    rows of a workbook.
    """
    import pandas as pd

    from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS, source_place

    monthly = frame["task"] == "month"
    places = [source_place(state, city) for state, city in zip(frame["state"], frame["city"], strict=True)]
    table = pd.DataFrame(
        {
            "origin": frame["origin"].dt.strftime("%Y-%m-%d"),
            "Estado": [state for state, _ in places],
            "Ciudad": [city for _, city in places],
            "Tipo": frame["milk"].map(MILK_LABELS),
            "Canal": frame["channel"].map(CHANNEL_LABELS),
            "target": frame["target"].dt.strftime("%Y-%m-%d").where(~monthly, frame["target"].dt.strftime("%Y-%m")),
            "yhat": frame["forecast"],
        }
    )
    for name in ("lo80", "hi80", "lo95", "hi95"):
        table[name] = frame[name]
    return table.round(DECIMALS)


def read_panel(path: Path) -> Panel:
    """The panel of a workbook."""
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.sniim.workbook import read_workbook

    book = read_workbook(path)
    return build_panel(book.prices, book.averages)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV file; it appears completely or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        table.to_csv(partial, index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
