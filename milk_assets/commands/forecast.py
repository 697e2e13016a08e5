"""The command: `python -m milk_assets.commands.forecast forecast | backtest`, from a workbook to a file.

Belongs here: arguments, files and what is printed. Forecasts and scores are made by the modules beside this one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from milk_assets.forecasting.evaluation.backtest import DEFAULT_ORIGINS_PER_FIT, backtest
from milk_assets.forecasting.evaluation.backtest_summary import plot, summary
from milk_assets.forecasting.evaluation.scores import score_table
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.forecasting.training.task_fitting import MIN_PUBLICATIONS
from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS, source_place
from milk_assets.sniim.sheet_blocks import WorkbookError
from milk_assets.sniim.workbook import read_workbook

if TYPE_CHECKING:
    import pandas as pd

FIRST_ORIGIN = date(2024, 4, 1)  # of the backtest: three months of the source's history lie before it
OURS = "ours"
DECIMALS = 4  # of the file: a hundredth of a centavo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 1 with one clear line when the input will not do."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except (WorkbookError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def export_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A forecasts frame as people take it away: origin, Estado, Ciudad, Tipo, Canal, target, yhat, lo80, hi80, lo95, hi95.

    target is a date for a publication and YYYY-MM for a month; city series first, then the national averages. Places are spelled as
    the source spells them, so that the table joins a workbook's own rows.
    """
    import pandas as pd

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


def _forecast(chosen: argparse.Namespace) -> int:
    begun = time.perf_counter()
    panel = _panel(chosen.workbook).until(chosen.origin)
    model = Model.fit(panel, Hyperparameters()) if len(panel.dates) >= MIN_PUBLICATIONS else Model.fit_baseline(panel)
    table = export_table(model.predict(panel))
    _write(table, chosen.out)
    kind = "no change, for want of history" if model.is_baseline else "the default recipe"
    print(f"{len(table)} forecasts from {panel.origin}, trained on {len(panel.dates)} publications ({kind}): {chosen.out}")
    print(f"{time.perf_counter() - begun:.1f} s")
    return 0


def _backtest(chosen: argparse.Namespace) -> int:
    begun = time.perf_counter()
    panel = _panel(chosen.workbook)
    origins = [day for day in panel.dates if day.item() >= chosen.first]
    models = {OURS: Hyperparameters(), "no change": None}

    def show(done: int, blocks: int) -> None:
        print(f"  {done} of {blocks} blocks, {time.perf_counter() - begun:.0f} s", file=sys.stderr)

    frame = backtest(panel, models, origins, refit_every=chosen.refit_every, on_progress=show)
    scores = score_table(frame)
    print(summary(scores, OURS))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        _write(scores, chosen.out / "scores.csv")
        _write(frame, chosen.out / "backtest.csv")
        (chosen.out / "summary.md").write_text(summary(scores, OURS), encoding="utf-8")
        (chosen.out / "ratios.png").write_bytes(plot(scores))
    print(f"{len(origins)} origins, {time.perf_counter() - begun:.0f} s")
    return 0


def _panel(path: Path) -> Panel:
    book = read_workbook(path)
    return build_panel(book.prices, book.averages)


def _write(table: pd.DataFrame, path: Path) -> None:
    """The file appears whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        table.to_csv(partial, index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m milk_assets.commands.forecast", description="Forecasts of milk prices from a SNIIM workbook."
    )
    commands = parser.add_subparsers(required=True)
    forecast = commands.add_parser("forecast", help="forecasts of every active series from one origin, as CSV")
    forecast.add_argument("--workbook", type=Path, required=True)
    forecast.add_argument(
        "--origin", type=date.fromisoformat, required=True, help="nothing published later is known (YYYY-MM-DD)"
    )
    forecast.add_argument("--out", type=Path, required=True)
    forecast.set_defaults(run=_forecast)
    rolling = commands.add_parser("backtest", help="scores of rolling origins beside no change")
    rolling.add_argument("--workbook", type=Path, required=True)
    rolling.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST_ORIGIN, help="first origin (YYYY-MM-DD)")
    rolling.add_argument("--out", type=Path, help="a folder for scores.csv, backtest.csv, summary.md and ratios.png")
    rolling.add_argument("--refit-every", type=int, default=DEFAULT_ORIGINS_PER_FIT, help="publications between fits")
    rolling.set_defaults(run=_backtest)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
