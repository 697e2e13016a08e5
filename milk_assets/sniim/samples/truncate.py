"""Cutting: one cumulative workbook as it stood on an earlier publication date.

Belongs here: taking whole blocks away. Nothing in a block that stays is changed.
"""

from __future__ import annotations

import io
from datetime import date

from milk_assets.sniim.samples.xlsx_writer import Merge, SheetContent, write_workbook
from milk_assets.sniim.sheet_blocks import Sheet, find_blocks


class CumulativeWorkbook:
    """A workbook opened once, to be cut at many dates. Raises WorkbookError when the bytes hold no blocks."""

    def __init__(self, content: bytes, file: str = "workbook") -> None:
        from python_calamine import CalamineWorkbook

        self._blocks = find_blocks(content, file)
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            self._merges: dict[str, list[Merge]] = {
                name: sorted(book.get_sheet_by_name(name).merged_cell_ranges or []) for name in book.sheet_names
            }
        self.dates = tuple(sorted({block.day for block in self._blocks}))

    def cut(self, at: date) -> bytes:
        """The workbook with its blocks up to a date alone; layout, merged cells and source notes stay. Raises ValueError."""
        if at < self.dates[0]:
            raise ValueError(f"expected a date from {self.dates[0]} on, where the workbook begins; found {at}")
        sheets = {block.sheet.name: block.sheet for block in self._blocks}
        kept = [self._sheet_at(sheet, at) for sheet in sheets.values()]
        return write_workbook([sheet for sheet in kept if sheet is not None])

    def _sheet_at(self, sheet: Sheet, at: date) -> SheetContent | None:
        """A sheet without its later blocks, or None when that leaves none."""
        blocks = [block for block in self._blocks if block.sheet is sheet]
        stay = [block for block in blocks if block.day <= at]
        if not stay:
            return None
        gone = {row for block in blocks if block.day > at for row in range(block.top, block.end)}
        rows = [row for row in range(len(sheet.rows)) if row not in gone]
        moved = {row: number for number, row in enumerate(rows)}
        merges = [
            ((moved[top], left), (moved[bottom], right))
            for (top, left), (bottom, right) in self._merges[sheet.name]
            if top in moved and bottom in moved
        ]
        return SheetContent(sheet.name, [sheet.rows[row] for row in rows], merges)
