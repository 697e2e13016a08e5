"""The asset `prices`: a vintage is complete and validated, or the previous one is kept."""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.assets.data.prices import prices as prices_asset
from milk_assets.sniim.samples.generate import sample_workbook as generate
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import prices, workbooks
from milk_assets.stores.layers.workbooks import WorkbookRecord

FRIDAY, MONDAY = "2025-03-28", "2025-03-31"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        found.add_dynamic_partitions("publications", [FRIDAY, MONDAY])
        yield found


@pytest.fixture(scope="module")
def friday() -> bytes:
    return generate(date(2025, 3, 28), start=date(2025, 2, 3))


@pytest.fixture(scope="module")
def monday() -> bytes:
    return generate(date(2025, 3, 31), start=date(2025, 2, 3))


def read_workbook_of(instance: dg.DagsterInstance, lake: Lake, day: str, content: bytes) -> dg.ExecuteInProcessResult:
    """Store a workbook as the asset `workbook` does, and materialize its prices."""
    sha256 = hashlib.sha256(content).hexdigest()
    workbooks.store_raw(lake, sha256, content)
    record = WorkbookRecord(
        name=f"Leche{day}.xlsx", sha256=sha256, raw=workbooks.raw_path(sha256), url="http://127.0.0.1/", bytes=len(content)
    )
    workbooks.write_record(lake, day, record)
    return dg.materialize([prices_asset], instance=instance, partition_key=day, resources={"lake": lake}, raise_on_error=False)


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_node_events if event.is_step_failure]
    return str(event.step_failure_data.user_failure_data.description)


def test_a_valid_workbook_becomes_a_vintage(instance: dg.DagsterInstance, lake: Lake, friday: bytes) -> None:
    assert read_workbook_of(instance, lake, FRIDAY, friday).success
    vintage = prices.read_vintage(lake, FRIDAY)
    assert (vintage.sample, vintage.sha256) == (True, hashlib.sha256(friday).hexdigest())
    assert float(vintage.coverage or 0) > 0.98
    table = prices.read_prices(lake, FRIDAY)
    assert str(table.publication.max().date()) == FRIDAY
    assert table.series.nunique() == 216
    assert len(prices.read_averages(lake, FRIDAY)) == table.publication.nunique() * 8


def test_a_workbook_of_another_day_is_rejected_and_the_failed_check_says_why(
    instance: dg.DagsterInstance, lake: Lake, friday: bytes
) -> None:
    result = read_workbook_of(instance, lake, MONDAY, friday)
    assert not result.success
    assert "expected the newest block to be of 2025-03-31, found 2025-03-28" in failure_of(result)
    failed = {found.check_name for found in result.get_asset_check_evaluations() if not found.passed}
    assert failed == {"newest_block_is_the_expected_date"}
    assert prices.validated_sha256(lake, MONDAY) is None


def test_a_file_that_is_not_a_workbook_is_rejected_by_name(instance: dg.DagsterInstance, lake: Lake) -> None:
    result = read_workbook_of(instance, lake, FRIDAY, b"<html>Server Error</html>")
    assert not result.success
    assert "Leche2025-03-28.xlsx" in failure_of(result)


def test_a_correction_that_cannot_be_written_keeps_the_previous_vintage(
    instance: dg.DagsterInstance, lake: Lake, friday: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_workbook_of(instance, lake, FRIDAY, friday).success
    vintage, table = prices.read_vintage(lake, FRIDAY), prices.read_prices(lake, FRIDAY)
    write = Lake.write_table

    def full(self: Lake, path: str, content: Any) -> None:
        if path.endswith("averages.parquet"):
            raise dg.Failure("no space left on device", allow_retries=False)
        write(self, path, content)

    monkeypatch.setattr(Lake, "write_table", full)
    assert not read_workbook_of(instance, lake, FRIDAY, generate(date(2025, 3, 28), start=date(2025, 2, 5))).success
    assert prices.read_vintage(lake, FRIDAY) == vintage
    assert prices.read_prices(lake, FRIDAY).equals(table)
    assert len(prices.read_averages(lake, FRIDAY)) > 0


def test_sample_and_official_prices_never_share_a_lake(
    instance: dg.DagsterInstance, lake: Lake, friday: bytes, monday: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_workbook_of(instance, lake, FRIDAY, friday).success
    monkeypatch.setattr("milk_assets.sniim.workbook.SAMPLE_WORD", "another word")
    result = read_workbook_of(instance, lake, MONDAY, monday)
    assert not result.success
    assert "holds official prices, the lake at" in failure_of(result)
    assert "holds sample data: set MILK_HOME" in failure_of(result)
    assert prices.validated_sha256(lake, MONDAY) is None
