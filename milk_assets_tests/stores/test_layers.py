"""The layers of the lake: documents of this release and of the one before it, and errors that name what is wrong."""

import pytest

from milk_assets.stores.lake import Lake, LakeError
from milk_assets.stores.layers import candidates, forecasts, prices, reports, shadow_forecasts

DAY = "2025-03-31"
# as release 0.1 wrote it
EARLIER_CANDIDATE = {
    "version": 2,
    "bundle": "b" * 64,
    "is_baseline": False,
    "recipe": {"month": {"depth": 4}},
    "contender": "0123456789ab",
    "tuned_through": "2024-12-30",
    "workbook": "a" * 64,
    "code": "cdef01234567",
    "mlflow_run": "run",
}


def test_a_candidate_of_the_previous_release_is_read(lake: Lake) -> None:
    lake.write_json(candidates.LAYER.path(DAY), EARLIER_CANDIDATE)
    candidate = candidates.read_candidate(lake, DAY)
    assert candidate.hyperparameters == {"month": {"depth": 4}}
    assert candidate.schema_version == 1


def test_a_candidate_is_read_as_it_was_written(lake: Lake) -> None:
    candidate = candidates.Candidate.model_validate(EARLIER_CANDIDATE)
    candidates.write_candidate(lake, DAY, candidate)
    assert candidates.read_candidate(lake, DAY) == candidate
    assert "recipe" not in lake.read_json(candidates.LAYER.path(DAY))


def test_an_early_vintage_without_failed_checks_is_read_as_unknown(lake: Lake) -> None:
    lake.write_json(prices.LAYER.path(DAY), {"workbook": "Leche31032025.xlsx", "sha256": "a" * 64, "sample": False})
    assert prices.read_vintage(lake, DAY).failed_checks is None


def test_an_incomplete_document_is_refused_with_its_path_and_fields(lake: Lake) -> None:
    lake.write_json(forecasts.LAYER.path(DAY), {"version": 1, "bundle": "b" * 64})
    with pytest.raises(LakeError, match=r"forecasts/2025-03-31/forecasts.json is not a complete ForecastSource .*workbook"):
        forecasts.read_source(lake, DAY)


def test_the_validated_digest_is_unknown_before_there_are_prices(lake: Lake) -> None:
    assert prices.validated_sha256(lake, DAY) is None
    prices.Vintage(sha256="a" * 64).write(lake, prices.LAYER.path(DAY))
    assert prices.validated_sha256(lake, DAY) == "a" * 64


def test_a_partition_without_its_marker_is_not_complete(lake: Lake) -> None:
    lake.write_bytes(prices.prices_path(DAY, "a" * 64), b"half a vintage")
    assert prices.LAYER.newest(lake) is None
    assert prices.LAYER.partitions(lake) == []
    assert not prices.LAYER.has(lake, DAY)


def test_shadow_forecasts_of_one_contender_come_newest_first(lake: Lake) -> None:
    for day, contender in (("2025-03-24", "abc"), ("2025-03-26", "other"), ("2025-03-28", "abc"), (DAY, "abc")):
        shadow_forecasts.ShadowSource(version=2, contender=contender, publication=day).write(
            lake, shadow_forecasts.LAYER.path(day)
        )
    sources = shadow_forecasts.read_sources_of(lake, "abc", until="2025-03-28")
    assert [source.publication for source in sources] == ["2025-03-28", "2025-03-24"]


def test_latest_is_not_a_day_of_the_reports(lake: Lake) -> None:
    for folder in ("2025-03-30", reports.LATEST):
        lake.write_bytes(reports.LAYER.path(folder), b"<!doctype html>")
    assert reports.newest_day(lake) == "2025-03-30"
