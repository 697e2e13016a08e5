"""The two partition definitions of the graph.

`publications`: ISO dates, added when the source shows a workbook. Dynamic keys are ordered by insertion: take the greatest key
for the newest, never the last. A publication's partition is never deleted. `days`: the calendar of Mexico City.
"""

import dagster as dg

from milk_assets.settings import TIMEZONE

publications = dg.DynamicPartitionsDefinition(name="publications")

# The first day that could have had a report; `end_offset=1` gives today its key while it lasts.
days = dg.DailyPartitionsDefinition(start_date="2024-01-03", timezone=TIMEZONE, end_offset=1)
