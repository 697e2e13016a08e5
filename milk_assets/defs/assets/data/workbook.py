"""Workbook: the source's file of one publication, stored unchanged.

Belongs here: the asset and its metadata. Asking the site is `defs.resources.sniim_site`, reading cells `milk_assets.sniim`.
"""

from datetime import date
from typing import Any

import dagster as dg

from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.defs.resources.sniim_site import NotPublished, SniimSource
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import workbooks
from milk_assets.stores.layers.workbooks import WorkbookRecord


@publication_asset(group="source", kinds={"excel"})
def workbook(context: dg.AssetExecutionContext, sniim: SniimSource, lake: Lake) -> dg.MaterializeResult[Any]:
    """The workbook that SNIIM published on a date, byte for byte, stored under its sha256 and never overwritten."""
    try:
        download = sniim.fetch(date.fromisoformat(context.partition_key))
    except NotPublished as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    is_new = workbooks.store_raw(lake, download.sha256, download.content)
    record = WorkbookRecord(
        name=download.url.rsplit("/", 1)[-1],
        sha256=download.sha256,
        raw=workbooks.raw_path(download.sha256),
        url=download.url,
        bytes=len(download.content),
        last_modified=download.last_modified,
    )
    workbooks.write_record(lake, context.partition_key, record)
    context.log.info("%s: %d kB, %s", record.name, record.bytes // 1000, "new content" if is_new else "content seen before")
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": lake.uri(record.raw),
            "source": dg.MetadataValue.url(record.url),
            "kilobytes": round(record.bytes / 1000, 1),
            "sha256": record.sha256,
            "new_content": is_new,
        },
        data_version=dg.DataVersion(record.sha256),
    )
