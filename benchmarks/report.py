"""Benchmark of the daily report: CPU seconds of all formats, compared with a plain pandas export of the same frames in the same run.

Belongs here: the measurement. The peer is `DataFrame.to_excel` (openpyxl), `to_html`, `to_csv` and `to_json` on the report's tables,
the obvious way to publish them without this package. The peer has no charts, no translation and no layout.

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
BUDGET_SECONDS = 3.0  # CPU seconds for 185 series


def main() -> None:
    """Print the median CPU seconds of each part, and compare their sum with the budget and with the peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    book = read_workbook(WORKBOOK)
    panel = build_panel(book.prices, book.averages)
    forecasts = Model.fit_baseline(panel).predict(panel)
    provenance = Provenance(WORKBOOK.name, "0" * 64, False, "1", "champion", False, date(2025, 3, 28), 185, 185, 0, "")
    days = {"day": date(2025, 3, 31), "publication": date(2025, 3, 31), "next_publication": date(2025, 4, 2)}

    def build() -> Report:
        return build_report(book.prices, book.averages, forecasts, **days, provenance=provenance, previous_forecasts=forecasts)

    report = build()
    parts: dict[str, Callable[[], object]] = {
        "figures": build,
        "html": lambda: to_html(report),
        "xlsx": lambda: to_xlsx(report),
        "csv": lambda: to_csv(report),
        "json": lambda: to_json(report),
        "digest": lambda: to_digest(report),
    }
    frames = [table.frame for table in report.tables.values()]
    part_seconds: list[dict[str, float]] = []
    peer_seconds: list[float] = []
    for _ in range(runs):
        part_seconds.append({name: cpu_seconds(part) for name, part in parts.items()})
        peer_seconds.append(cpu_seconds(lambda: export_with_pandas(frames)))
    report_seconds = [sum(seconds.values()) for seconds in part_seconds]
    for name in parts:
        print(f"{name:8} {statistics.median(seconds[name] for seconds in part_seconds):6.3f} s CPU")
    count = len(report.tables["outlook_series_months"].frame)
    print(f"total    {statistics.median(report_seconds):6.3f} s CPU for {count} series; budget {BUDGET_SECONDS:.1f} s")
    print(f"peer     {statistics.median(peer_seconds):6.3f} s CPU: pandas, same tables, no layout")
    ratios = [total / peer for total, peer in zip(report_seconds, peer_seconds, strict=True)]
    print(f"ratio    {statistics.median(ratios):6.2f} of the peer's time; page {len(to_html(report).encode()) / 1000:.0f} kB")


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process for one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def export_with_pandas(frames: list[pd.DataFrame]) -> None:
    """Export the same tables with pandas alone."""
    with pd.ExcelWriter(io.BytesIO(), engine="openpyxl") as writer:
        for index, frame in enumerate(frames):
            if len(frame) < 1000:
                frame.to_excel(writer, sheet_name=f"table {index}", index=False)
    for frame in frames:
        frame.to_json(orient="split")
        frame.to_csv(index=False)
        if len(frame) < 1000:
            frame.to_html(index=False)


if __name__ == "__main__":
    main()
