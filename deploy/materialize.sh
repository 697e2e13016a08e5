#!/usr/bin/env bash
# Every asset of one publication with Dagster's own command, as README's "By hand" has it, on the sample publisher's data.
set -euo pipefail
: "${BIN:?the folder of programs}" "${PUBLICATION:?a date, YYYY-MM-DD}"
MILK_HOME=$(mktemp -d)
export MILK_HOME DAGSTER_HOME="$MILK_HOME/dagster"
"$BIN/python" -m milk_assets.commands.source publish --until "$PUBLICATION" &
publisher=$!
trap 'kill "$publisher" 2>/dev/null || true; rm -rf "$MILK_HOME"' EXIT
for _ in $(seq 60); do
  day=$("$BIN/python" -m milk_assets bootstrap --publication "$PUBLICATION" 2>/dev/null) && break
  sleep 1
done
materialize() { "$BIN/dagster" asset materialize -m milk_assets.definitions --select "$@"; }
materialize 'workbook,prices,features,feed_report,track_record,live_accuracy,floor' --partition "${day:?the publisher shows no workbook}"
materialize 'baseline,candidate,evaluation' --partition "$day"
materialize champion
materialize 'forecasts,shadow_forecasts,drift_report,dashboard' --partition "$day"
materialize price_report --partition "$day"
