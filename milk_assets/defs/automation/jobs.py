"""Jobs: which assets are materialized together.

Belongs here: the asset selections. A job cannot mix two partition definitions. Not here: when a job runs (the sensors and schedules of this
package).
"""

import dagster as dg

# One run: an invalid workbook stops what follows, and earlier forecasts are scored immediately.
ingest = dg.define_asset_job(
    "ingest",
    selection=["workbook", "prices", "features", "feed_report", "track_record", "live_accuracy", "floor"],
    description="Reads and validates a publication's workbook, computes its features, scores earlier forecasts and judges the champion.",
)
train = dg.define_asset_job(
    "train",
    selection=["baseline", "candidate", "evaluation"],
    description="Tunes, fits and registers a candidate, and scores it, the champion and no change on the same dates.",
)
promote = dg.define_asset_job(
    "promote", selection=["champion"], description="Brings aliases and manifest to what the ledger calls for."
)
forecast = dg.define_asset_job(
    "forecast",
    selection=["forecasts", "shadow_forecasts", "drift_report", "dashboard"],
    description="Forecasts every active series with the champion and the challenger, and compares the publication with its history.",
)
report = dg.define_asset_job(
    "report", selection=["price_report"], description="Writes the day's price report in all its formats."
)

ASSET_JOBS = (ingest, train, promote, forecast, report)
