"""Workbooks: the source's files, unchanged, and one record per publication that names the file.

Belongs here: paths and the record. Files are stored under their sha256 and never overwritten.
"""

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

LAYER = Layer("workbook", marker="workbook.json")
RAW_FOLDER = "raw"


class WorkbookRecord(StoredDocument):
    """Where a publication's workbook came from and where it is stored.

    Attributes:
        name: File name at the source.
        sha256: Digest of the file's bytes.
        raw: Path of the file in the lake.
        url: Address it was downloaded from.
        bytes: Size.
        last_modified: The source's Last-Modified header, where it sent one.
    """

    name: str
    sha256: str
    raw: str
    url: str
    bytes: int
    last_modified: str | None = None


def raw_path(sha256: str) -> str:
    """Path of a workbook's bytes."""
    return f"{RAW_FOLDER}/{sha256}.xlsx"


def store_raw(lake: Lake, sha256: str, content: bytes) -> bool:
    """Store a workbook's bytes; returns whether they are new."""
    return lake.create_bytes(raw_path(sha256), content)


def write_record(lake: Lake, publication: str, record: WorkbookRecord) -> None:
    """Write the record of a publication's workbook."""
    record.write(lake, LAYER.path(publication))


def read_record(lake: Lake, publication: str) -> WorkbookRecord:
    """The record of a publication's workbook. Raises LakeError where there is none."""
    return WorkbookRecord.read(lake, LAYER.path(publication))


def read_raw(lake: Lake, record: WorkbookRecord) -> bytes:
    """The bytes of the workbook that a record names."""
    return lake.read_bytes(record.raw)
