"""Artefact paths: the names of files in the artefact store.

Belongs here: names that the platform writes and the endpoint reads. Not here: the content of those files, see `bundle` and `snapshot`.
"""

SERVING = "serving"  # what is served now, under fixed names, and the data it is served from
BATCH = "batch"  # input and output of batch scoring, one folder per execution
MODELS = "models"  # bundles, each under the sha256 of its manifest

SERVED = f"{SERVING}/manifest.json"  # the champion manifest: a small file that names everything else
SNAPSHOTS = f"{SERVING}/data"  # price histories, each under its sha256
TRACK_RECORD = f"{SERVING}/track_record.json"  # past forecasts compared with the published prices
REPORTS = f"{SERVING}/reports"  # daily reports, one folder per day
LATEST_REPORT = f"{REPORTS}/latest"  # the newest report under fixed names
REPORT_INDEX = f"{REPORTS}/index.json"

REPORT_FORMATS = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
METRICS = "MilkPrices"  # CloudWatch namespace of the endpoint's own metrics
