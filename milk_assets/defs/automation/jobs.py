"""The jobs of the graph: which stages run together.

Belongs here: selections. When a job runs is `sensors` and `schedules`; a job cannot mix two partition definitions.
"""

import dagster as dg

# in one run: a bad workbook stops itself, and nothing after it starts; what was forecast is held against it at once
ingest = dg.define_asset_job(
    "ingest",
    selection=["workbook", "prices", "features", "feed_report", "track_record", "live_accuracy", "floor"],
    description="Read a publication's workbook, prove its prices, compute its features; score what was forecast, and judge the champion.",
)
train = dg.define_asset_job(
    "train",
    selection=["baseline", "candidate", "evaluation"],
    description="Tune and fit a candidate, register it, and score it beside the champion and no change on the same dates.",
)
promote = dg.define_asset_job(
    "promote", selection=["champion"], description="Carry out what the ledger asks for: aliases, manifest, ledger."
)
forecast = dg.define_asset_job(
    "forecast",
    selection=["forecasts", "shadow_forecasts", "drift_report", "dashboard"],
    description="Forecast every active series with the champion, the challenger beside it, and compare the publication with its history.",
)
report = dg.define_asset_job("report", selection=["price_report"], description="Write the day's price report in all its formats.")

ALL = (ingest, train, promote, forecast, report)
