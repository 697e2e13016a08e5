"""Batch and online agree: every active series, horizon and national average, to a millionth of a peso."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service.serving.scored_market import FORECAST_FIELDS
from lambda_service_tests.conftest import Caller, Clock, Store, build_test_frontend, facts
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.stores.endpoint_snapshot import snapshot_of
from milk_assets_tests.forecasting.conftest import SMALL
from milk_model.artefact_paths import SERVED
from milk_model.bundle import pack
from milk_model.snapshot import pack_snapshot

CLOSE = 1e-6


def differences(batch: Any, call: Caller) -> float:
    """The largest difference between a batch table and what is answered for its series; asserts that both hold the same targets."""
    worst, seen = 0.0, 0
    for key, rows in batch.groupby("series"):
        answered = call.get(f"/v1/forecasts/{key}").json
        for row in rows.to_dict("records"):
            entries = answered["publications" if row["task"] == "publication" else "months"]
            entry = next(one for one in entries if one["lead"] == row["lead"])
            assert entry["target"] == f"{row['target']:%Y-%m-%d}"
            worst = max([worst, *(abs(entry[name] - row[name]) for name in FORECAST_FIELDS)])
            seen += 1
        assert abs(answered["last_price"] - rows["last_price"].iloc[0]) < CLOSE
    assert seen == len(batch)
    return worst


@pytest.mark.parametrize("version", [1, 2])
def test_batch_and_online_agree(
    version: int, city_panel: Panel, model: Callable[[int], Model], store: Store, call: Caller
) -> None:
    store.promote(version)
    table = model(version).predict(city_panel)
    assert set(table.level) == {"city", "national"}
    assert differences(table, call) < CLOSE


def test_batch_and_online_agree_on_the_real_prices(real_workbook: Path, tmp_path: Path, clock: Clock) -> None:
    from milk_assets.sniim.workbook import read_workbook

    book = read_workbook(real_workbook.read_bytes(), real_workbook.name)
    panel = build_panel(book.prices, book.averages)
    fitted = Model.fit(panel, SMALL)
    data = pack_snapshot(snapshot_of(panel, sample=False, workbook="cd" * 32))
    store = Store(tmp_path / "real", {2: pack(fitted.save(), facts(fitted))}, data)
    store.promote(2)
    table = fitted.predict(panel)
    assert table.series.nunique() == panel.active.sum() + len(panel.average_names.series)
    assert differences(table, Caller(build_test_frontend(ArtefactReader(str(store.root)), clock))) < CLOSE


def test_a_history_of_other_prices_is_not_answered_alike(
    city_panel: Panel, model: Callable[[int], Model], store: Store, call: Caller
) -> None:
    assert (store.root / SERVED).exists()
    earlier = model(1).predict(city_panel)
    assert differences(earlier, call) > CLOSE
