"""Workbook archives: whether bytes are a whole .xlsx file that is safe to open.

Belongs here: what the file type, the archive's directory and the cell references reveal. Not here: what the cells say, which is in
`sniim.sheet_blocks` and `sniim.workbook`. Every function returns a fault as "expected ..., found ...", or None.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

MAX_UNPACKED_BYTES = 400_000_000  # a workbook of 184 publications unpacks to 2.6 MB; far more than that is an archive bomb
START_BYTES = 512  # enough for `file_type_fault`

_ARCHIVE_START = b"PK"
_OLD_EXCEL_START = b"\xd0\xcf\x11\xe0"
# The spreadsheet library allocates every cell up to the last one: a single number in XFD1048576 would use all memory and kill the
# process. The source uses columns A to F, and about 10,000 rows a year.
_FAR_CELL = re.compile(rb'<c r="((?:[B-Z][A-Z]|[A-Z]{3})\d+|[A-Z]{1,2}\d{6,})"')


def file_type_fault(start: bytes) -> str | None:
    """The fault of a file that is not an .xlsx archive, judged by its first bytes."""
    if not start:
        return "expected a workbook, found an empty file"
    if start.startswith(_ARCHIVE_START):
        return None
    text = start[:START_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        kind = "a web page, as the site sends when something fails"
    elif text.startswith(_OLD_EXCEL_START):
        kind = "an old .xls or a password-protected file"
    else:
        kind = f"something else that begins with {start[:8]!r}"
    return f"expected an .xlsx workbook, found {kind}"


def archive_fault(content: bytes) -> str | None:
    """The fault of a file that is not a whole .xlsx archive, judged by its type and its directory.

    It does not look at the cells. The spreadsheet library reports all of these faults in the same words.
    """
    size = f"{len(content):,} bytes"
    wrong_type = file_type_fault(content)
    if wrong_type is not None:
        return f"{wrong_type} ({size})"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        return f"expected a whole .xlsx archive, found one that is cut short or damaged ({size}: {error})"
    if "xl/workbook.xml" not in names:
        return f"expected an .xlsx workbook, found an archive without one ({size})"
    if unpacked > MAX_UNPACKED_BYTES:
        return f"expected at most {MAX_UNPACKED_BYTES:,} bytes unpacked, found {unpacked:,}"
    return None


def sheet_fault(content: bytes) -> str | None:
    """The fault of an archive with a damaged sheet, or with a cell so far from the others that opening it would use all memory.

    The archive must have passed `archive_fault`.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                continue
            try:
                far_cell = _FAR_CELL.search(archive.read(name))
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                return f"expected a readable workbook, found {name} damaged ({error})"
            if far_cell is not None:
                return f"expected cells within A1 to AZ99999, found cell {far_cell[1].decode()} of {name}"
    return None
