"""How long a workbook takes to become proven Parquet, beside reading the same sheet with openpyxl, in one run.

python benchmarks/reading.py [WORKBOOK]: seconds (median of RUNS) and the ratio. Without a workbook, the real one under MILK_SHARED, or a
generated one of the same length.
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
from milk_assets.sniim.validation import prove
from milk_assets.sniim.workbook import read_workbook

RUNS = 7


def main(given: Path | None) -> None:
    real = given or Path(os.environ.get("MILK_SHARED", "../shared")) / "sniim" / "Leche31032025.xlsx"
    content = real.read_bytes() if real.exists() else sample_workbook(date(2025, 3, 31))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "prices.parquet"

        def ours() -> None:
            book = read_workbook(content, real.name)
            prove(book).raise_if_blocking()
            book.prices.to_parquet(target, index=False)

        def peer() -> None:
            sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
            assert sum(1 for _ in sheet.iter_rows(values_only=True)) > 1000

        mine, theirs = timed(ours), timed(peer)
    book = read_workbook(content, real.name)
    print(f"{real.name if real.exists() else 'generated workbook'}: {len(book.dates)} publications, {len(book.prices)} prices")
    print(f"read, proven and written   {statistics.median(mine):.3f} s  (least {min(mine):.3f})")
    print(f"openpyxl, rows read only   {statistics.median(theirs):.3f} s  (least {min(theirs):.3f})")
    print(f"ratio                      {statistics.median(mine) / statistics.median(theirs):.2f}")


def timed(work: Callable[[], None]) -> list[float]:
    work()
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
