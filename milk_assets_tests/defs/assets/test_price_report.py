"""The price report: it is written to the lake and to the store that the endpoint serves; an older day never replaces the newest."""

import json
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.assets.outputs.price_report import price_report as price_report_asset
from milk_assets.reporting.file_names import DASHBOARD_PAGE
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import reports
from milk_assets_tests.defs.assets.test_track_record import DATES, issue, publish
from milk_model.artefact_paths import LATEST_REPORT, REPORT_INDEX, REPORTS

FILES = {"report.html", "report.xlsx", "report.csv", "report.json", "digest.txt"}


def write_report(lake: Lake, artefacts: Lake, day: str) -> Any:
    with dg.build_asset_context(partition_key=day) as context:
        return price_report_asset(context, lake=lake, artefacts=artefacts)


@pytest.fixture
def days(lake: Lake) -> tuple[str, str]:
    """Two consecutive publications with prices and forecasts."""
    for day in DATES[59:61]:
        issue(lake, publish(lake, day))
    return DATES[59], DATES[60]


def test_a_report_is_written_to_both_stores_and_listed(lake, artefacts, days) -> None:
    for day in days:
        write_report(lake, artefacts, day)
    for store, root in ((lake, reports.LAYER.name), (artefacts, REPORTS)):
        for folder in (*days, "latest"):
            assert {path.rsplit("/", 1)[1] for path in store.files(f"{root}/{folder}")} == FILES
    assert artefacts.read_bytes(f"{LATEST_REPORT}/report.html") == artefacts.read_bytes(f"{REPORTS}/{days[1]}/report.html")
    listed = artefacts.read_json(REPORT_INDEX)
    assert [one["day"] for one in listed["reports"]] == [days[1], days[0]]
    assert json.loads(lake.read_bytes("price_report/index.json")) == listed
    assert days[0] in artefacts.read_bytes(f"{REPORTS}/index.html").decode()
    report = artefacts.read_json(f"{LATEST_REPORT}/report.json")
    assert report["provenance"]["sample"] is True
    months = next(
        table for section in report["sections"] for table in section["tables"] if table["key"] == "outlook_months_arithmetic"
    )
    names = [column["name"] for column in months["columns"]]
    assert any(row[names.index("revision")] is not None for row in months["rows"]), "it is set against the forecast before it"


def test_rewriting_an_older_day_keeps_the_newest_under_latest(lake, artefacts, days) -> None:
    write_report(lake, artefacts, days[1])
    newest = artefacts.read_bytes(f"{LATEST_REPORT}/report.json")
    write_report(lake, artefacts, days[0])
    assert artefacts.read_bytes(f"{LATEST_REPORT}/report.json") == newest
    assert len(artefacts.read_json(REPORT_INDEX)["reports"]) == 2


def test_the_dashboard_is_linked_once_it_exists(lake, artefacts, days) -> None:
    write_report(lake, artefacts, days[0])
    assert b"dashboard.html" not in lake.read_bytes(reports.LAYER.path(days[0]))
    lake.write_bytes(reports.latest_path(DASHBOARD_PAGE), b"<!doctype html>")
    write_report(lake, artefacts, days[0])
    assert b'href="../latest/dashboard.html"' in lake.read_bytes(reports.LAYER.path(days[0]))


def test_a_day_before_any_forecast_is_refused(lake, artefacts) -> None:
    with pytest.raises(dg.Failure, match="there are no forecasts on or before 2024-01-01"):
        write_report(lake, artefacts, "2024-01-01")
