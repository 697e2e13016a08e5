"""Fixtures of the model's tests: the generated market, bundles and store that the endpoint's tests use too."""

from lambda_service_tests.conftest import bundles, call, city_panel, clock, model, snapshot_file, store
from milk_assets_tests.conftest import real_workbook

__all__ = ["bundles", "call", "city_panel", "clock", "model", "real_workbook", "snapshot_file", "store"]
