"""The raw workbook of a publication, kept whole.

Belongs here: the asset and its record. Asking the site is `resources.sniim`'s business, reading cells `milk_assets.sniim`'s.
"""

from datetime import date
from typing import Any

import dagster as dg

from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.defs.resources.sniim_site import NotPublished, SniimSource
from milk_assets.settings import OWNER
from milk_assets.stores.lake import Lake

FILE = "workbook.json"


def path(publication: str) -> str:
    """The record of a publication's workbook: its name, sha256, raw path and where it came from."""
    return f"workbook/{publication}/{FILE}"


@dg.asset(partitions_def=publications, group_name="source", kinds={"excel"}, owners=[OWNER], retry_policy=RETRY)
def workbook(context: dg.AssetExecutionContext, sniim: SniimSource, lake: Lake) -> dg.MaterializeResult[Any]:
    """The workbook that SNIIM published on a date, byte for byte, under its sha256; never overwritten."""
    try:
        download = sniim.fetch(date.fromisoformat(context.partition_key))
    except NotPublished as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    name = download.url.rsplit("/", 1)[-1]
    raw = f"raw/{download.sha256}.xlsx"
    new = lake.create_bytes(raw, download.content)
    record = {
        "name": name,
        "sha256": download.sha256,
        "raw": raw,
        "url": download.url,
        "bytes": len(download.content),
        "last_modified": download.last_modified,
    }
    lake.write_json(path(context.partition_key), record)
    context.log.info("%s: %d kB, %s", name, len(download.content) // 1000, "new content" if new else "content seen before")
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": lake.uri(raw),
            "source": dg.MetadataValue.url(download.url),
            "kilobytes": round(len(download.content) / 1000, 1),
            "sha256": download.sha256,
            "new_content": new,
        },
        data_version=dg.DataVersion(download.sha256),
    )
