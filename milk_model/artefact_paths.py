"""Where what is served stands in the artefact store.

Belongs here: names of files, once, for the platform that writes them and the endpoint that reads them. What is in them does not.
"""

SERVING = "serving"  # what is served now, under names that never change, and the data it is served from
BATCH = "batch"  # what scoring every series at once was asked and answered, a folder an execution
MODELS = "models"  # bundles, each under the sha256 of its manifest

SERVED = f"{SERVING}/manifest.json"  # the one small file that names everything else
DATA = f"{SERVING}/data"  # price histories, each under its sha256
TRACK_RECORD = f"{SERVING}/track_record.json"  # how forecasts fared, once their dates were published
REPORTS = f"{SERVING}/reports"  # the daily reports: a folder a day, and
LATEST_REPORT = f"{REPORTS}/latest"  # the newest one under names that never change
REPORT_INDEX = f"{REPORTS}/index.json"

REPORT_FORMATS = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
METRICS = "MilkPrices"  # namespace of what the endpoint measures of itself
