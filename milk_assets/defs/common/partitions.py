"""Partitions: the two partition definitions of the graph, and reading and adding publications.

`publications`: ISO dates, added when the source has a workbook. Dynamic keys are ordered by insertion, so the newest is the greatest key,
never the last. A publication's partition is never deleted. `days`: the calendar of Mexico City.
"""

from collections.abc import Iterable
from datetime import date

import dagster as dg

from milk_assets.settings import TIMEZONE

PUBLICATIONS = "publications"

publications = dg.DynamicPartitionsDefinition(name=PUBLICATIONS)

# The first day that could have had a report; `end_offset=1` gives the current day its key.
days = dg.DailyPartitionsDefinition(start_date="2024-01-03", timezone=TIMEZONE, end_offset=1)


def registered_publications(instance: dg.DagsterInstance) -> set[date]:
    """Publication dates that have a partition."""
    return {date.fromisoformat(key) for key in instance.get_dynamic_partitions(PUBLICATIONS)}


def register_publications(instance: dg.DagsterInstance, dates: Iterable[date]) -> None:
    """Add partitions for publication dates; those that exist are left alone."""
    instance.add_dynamic_partitions(PUBLICATIONS, [day.isoformat() for day in dates])
