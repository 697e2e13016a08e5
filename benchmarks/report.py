"""The daily report in all formats: CPU seconds, beside a plain pandas export of the same frames in the same run.

Belongs here: the measurement. Peer: the report's tables through `DataFrame.to_excel` (openpyxl), `to_html`, `to_csv` and `to_json`,
which is what one would write without this package; it draws, translates and lays out nothing.

    python benchmarks/report.py [--runs 5]
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd

from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import build_panel
from milk_assets.reporting.build_report import build_report
from milk_assets.reporting.formats.csv_json import to_csv, to_json
from milk_assets.reporting.formats.digest import to_digest
from milk_assets.reporting.formats.html import to_html
from milk_assets.reporting.formats.spreadsheet import to_xlsx
from milk_assets.reporting.model.report import Provenance, Report
from milk_assets.sniim.workbook import read_workbook

WORKBOOK = Path(os.environ.get("MILK_SHARED", "../shared")) / "sniim" / "Leche31032025.xlsx"
BUDGET = 3.0  # CPU seconds for 185 series


def main() -> None:
    """Print the median CPU seconds of each part, the whole against its budget, and against the peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    book = read_workbook(WORKBOOK)
    panel = build_panel(book.prices, book.averages)
    forecasts = Model.fit_baseline(panel).predict(panel)
    stamp = Provenance(WORKBOOK.name, "0" * 64, False, "1", "champion", False, date(2025, 3, 28), 185, 185, 0, "")
    days = {"day": date(2025, 3, 31), "publication": date(2025, 3, 31), "next_publication": date(2025, 4, 2)}

    def facts() -> Report:
        return build_report(book.prices, book.averages, forecasts, **days, provenance=stamp, previous_forecasts=forecasts)

    report = facts()
    parts: dict[str, Callable[[], object]] = {
        "facts": facts,
        "html": lambda: to_html(report),
        "xlsx": lambda: to_xlsx(report),
        "csv": lambda: to_csv(report),
        "json": lambda: to_json(report),
        "digest": lambda: to_digest(report),
    }
    frames = [one.frame for one in report.tables.values()]
    paired = [({name: cpu(part) for name, part in parts.items()}, cpu(lambda: plain(frames))) for _ in range(runs)]
    for name in parts:
        print(f"{name:8} {statistics.median(mine[name] for mine, _ in paired):6.3f} s CPU")
    whole = [sum(mine.values()) for mine, _ in paired]
    count = len(report.tables["outlook_series_months"].frame)
    print(f"whole    {statistics.median(whole):6.3f} s CPU for {count} series; budget {BUDGET:.1f} s")
    print(f"peer     {statistics.median(peer for _, peer in paired):6.3f} s CPU: pandas, same tables, no layout")
    ratios = [sum(mine.values()) / peer for mine, peer in paired]
    print(f"ratio    {statistics.median(ratios):6.2f} of the peer's time; page {len(to_html(report).encode()) / 1000:.0f} kB")


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process for one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def plain(frames: list[pd.DataFrame]) -> None:
    """The same tables as pandas exports them."""
    with pd.ExcelWriter(io.BytesIO(), engine="openpyxl") as writer:
        for place, frame in enumerate(frames):
            if len(frame) < 1000:
                frame.to_excel(writer, sheet_name=f"table {place}", index=False)
    for frame in frames:
        frame.to_json(orient="split")
        frame.to_csv(index=False)
        if len(frame) < 1000:
            frame.to_html(index=False)


if __name__ == "__main__":
    main()
