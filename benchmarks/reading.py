"""Reading benchmark: the time from a workbook's bytes to validated Parquet, compared with reading the same sheet with openpyxl.

    python -m benchmarks.reading [WORKBOOK]

Prints the median and the minimum of RUNS runs in seconds, and the ratio of the medians. Without a workbook it reads the real one
under MILK_SHARED, or a generated one of the same length where that does not exist.
"""

import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from openpyxl import load_workbook

from milk_assets.sniim.samples.generate import sample_workbook
from milk_assets.sniim.validation import validate
from milk_assets.sniim.workbook import read_workbook

RUNS = 7


def main(workbook: Path | None) -> None:
    path = workbook or Path(os.environ.get("MILK_SHARED", "../shared")) / "sniim" / "Leche31032025.xlsx"
    content = path.read_bytes() if path.exists() else sample_workbook(date(2025, 3, 31))
    with tempfile.TemporaryDirectory() as folder:
        parquet = Path(folder) / "prices.parquet"

        def read_validate_and_write() -> None:
            book = read_workbook(content, path.name)
            validate(book).raise_if_blocking()
            book.prices.to_parquet(parquet, index=False)

        def read_rows_with_openpyxl() -> None:
            sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
            assert sum(1 for _ in sheet.iter_rows(values_only=True)) > 1000

        project_seconds, openpyxl_seconds = run_times(read_validate_and_write), run_times(read_rows_with_openpyxl)
    book = read_workbook(content, path.name)
    print(f"{path.name if path.exists() else 'generated workbook'}: {len(book.dates)} publications, {len(book.prices)} prices")
    print(f"read, validated and written  {statistics.median(project_seconds):.3f} s  (minimum {min(project_seconds):.3f})")
    print(f"openpyxl, rows read only     {statistics.median(openpyxl_seconds):.3f} s  (minimum {min(openpyxl_seconds):.3f})")
    print(f"ratio                        {statistics.median(project_seconds) / statistics.median(openpyxl_seconds):.2f}")


def run_times(work: Callable[[], None]) -> list[float]:
    """Seconds of each run, after one run that is not counted."""
    work()
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
