#!/usr/bin/env bash
# Materializes every asset of one publication with Dagster's own command, on data of the sample publisher (README, "By hand").
set -euo pipefail
: "${BIN:?expected the folder with python and dagster, e.g. .venv/bin}" "${PUBLICATION:?expected a date, YYYY-MM-DD}"
MILK_HOME=$(mktemp -d)
export MILK_HOME DAGSTER_HOME="$MILK_HOME/dagster"
"$BIN/milk" publish --until "$PUBLICATION" &
publisher=$!
trap 'kill "$publisher" 2>/dev/null || true; rm -rf "$MILK_HOME"' EXIT
for _ in $(seq 60); do
  partition=$("$BIN/milk" bootstrap --publication "$PUBLICATION" 2>/dev/null) && break
  sleep 1
done
: "${partition:?the sample publisher did not publish a workbook for $PUBLICATION within 60 attempts}"
materialize() { "$BIN/dagster" asset materialize -m milk_assets.definitions --select "$@"; }
materialize 'workbook,prices,features,feed_report,track_record,live_accuracy,floor' --partition "$partition"
materialize 'baseline,candidate,evaluation' --partition "$partition"
materialize champion
materialize 'forecasts,shadow_forecasts,drift_report,dashboard' --partition "$partition"
materialize price_report --partition "$partition"
