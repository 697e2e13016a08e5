"""Truncating: a cumulative workbook as it was on an earlier publication date.

Belongs here: removing the blocks of later dates. The remaining blocks are unchanged. Not here: the file format
(`samples.xlsx_writer`).
"""

from __future__ import annotations

import io
from datetime import date

from milk_assets.sniim.samples.xlsx_writer import Merge, SheetContent, write_workbook
from milk_assets.sniim.sheet_blocks import Sheet, find_blocks


class CumulativeWorkbook:
    """A workbook that is opened once and truncated at many dates.

    Args:
        content: the bytes of the file.
        file: the file's name, for messages.

    Raises:
        WorkbookError: the bytes are not a workbook with blocks.
    """

    def __init__(self, content: bytes, file: str = "workbook") -> None:
        from python_calamine import CalamineWorkbook

        self._blocks = find_blocks(content, file)
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            self._merges: dict[str, list[Merge]] = {
                name: sorted(book.get_sheet_by_name(name).merged_cell_ranges or []) for name in book.sheet_names
            }
        self.dates = tuple(sorted({block.day for block in self._blocks}))

    def truncated_at(self, day: date) -> bytes:
        """The workbook without the blocks after a date. Layout, merged cells and source notes are kept.

        Raises:
            ValueError: the workbook has no block up to that date.
        """
        if day < self.dates[0]:
            raise ValueError(f"expected a date from {self.dates[0]} on, where the workbook begins; found {day}")
        sheets = {block.sheet.name: block.sheet for block in self._blocks}
        truncated = [self._truncated_sheet(sheet, day) for sheet in sheets.values()]
        return write_workbook([sheet for sheet in truncated if sheet is not None])

    def _truncated_sheet(self, sheet: Sheet, day: date) -> SheetContent | None:
        """A sheet without its later blocks, or None when no block remains."""
        blocks = [block for block in self._blocks if block.sheet is sheet]
        if all(block.day > day for block in blocks):
            return None
        removed = {row for block in blocks if block.day > day for row in range(block.top, block.end)}
        rows = [row for row in range(len(sheet.rows)) if row not in removed]
        new_row = {row: number for number, row in enumerate(rows)}
        merges = [
            ((new_row[top], left), (new_row[bottom], right))
            for (top, left), (bottom, right) in self._merges[sheet.name]
            if top in new_row and bottom in new_row
        ]
        return SheetContent(sheet.name, [sheet.rows[row] for row in rows], merges)
