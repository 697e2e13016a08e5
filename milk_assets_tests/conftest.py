"""Fixtures of all tests: the real workbook where it is available, sample data, and an empty lake."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import dagster as dg

ROOT = Path(__file__).parent.parent
REAL_WORKBOOK = "Leche31032025.xlsx"


@pytest.fixture(scope="session")
def real_workbook() -> Path:
    """Path of the workbook with real prices; tests that need it are skipped by name where it is missing."""
    path = Path(os.environ.get("MILK_SHARED") or ROOT.parent / "shared") / "sniim" / REAL_WORKBOOK
    if not path.exists():
        pytest.skip(f"no {REAL_WORKBOOK} under MILK_SHARED")
    return path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "lake"))


@pytest.fixture
def artefacts(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))


@pytest.fixture
def instance() -> "Iterator[dg.DagsterInstance]":
    """An ephemeral Dagster instance."""
    import dagster as dg

    with dg.instance_for_test() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="session")
def sample_workbook() -> bytes:
    """Generated workbook, 2024-01-03 to 2025-03-31, as the sample publisher serves it."""
    from datetime import date

    from milk_assets.sniim.samples.generate import sample_workbook

    return sample_workbook(date(2025, 3, 31))
