"""The daily price report.

Belongs here: which publication a day reports on, and writing the formats. What the report says is `milk_assets.reporting`'s.
"""

from datetime import date, timedelta
from typing import Any

import dagster as dg

from milk_assets.assets import evaluation, forecasts, metadata, prices
from milk_assets.assets import workbook as raw
from milk_assets.environment import OWNER
from milk_assets.partitions import days
from milk_assets.resources.lake import Lake

LAYER = "price_report"
LATEST = "latest"
