"""The asset `champion`: it carries out the change that the ledger asks for, with real bundles."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.assets.models.champion import champion as champion_asset
from milk_assets.promotion.state import Served, fold
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking
from milk_model.artefact_paths import SERVED
from milk_model.bundle import Bundle, BundleError, pack

DAY = "2025-03-28"


class Aliases(Tracking):
    """A registry with aliases only."""

    def point(self, alias: str, version: int) -> None:
        names(self)[alias] = version

    def number(self, alias: str) -> int | None:
        return names(self).get(alias)

    def drop(self, alias: str) -> None:
        names(self).pop(alias, None)


_NAMES: dict[str, dict[str, int]] = {}


def names(tracking: Tracking) -> dict[str, int]:
    return _NAMES.setdefault(tracking.tracking_uri, {})


@pytest.fixture
def tracking(tmp_path: Path) -> Aliases:
    return Aliases(tracking_uri=str(tmp_path), artefact_root="")


@pytest.fixture(scope="module")
def models(sample_workbook: bytes) -> list[Bundle]:
    """Two valid bundles with different manifests."""
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.sniim.workbook import read_workbook

    files = Model.fit_baseline(build_panel(read_workbook(sample_workbook).prices)).save()
    return [pack(files, {"kind": kind, "trained_through": DAY}) for kind in ("baseline", "model")]


@pytest.fixture
def versions(models: list[Bundle], artefacts: Lake) -> list[Served]:
    for bundle in models:
        model_bundles.write(artefacts, bundle)
    return [Served(n + 1, bundle.sha256, n == 0) for n, bundle in enumerate(models)]


def decide(artefacts: Lake, versions: list[Served], verdict: str, champion: Served | None) -> None:
    body = {
        "publication": DAY,
        "contender": "abc",
        "baseline": versions[0].to_document(),
        "challenger": versions[1].to_document(),
        "champion": champion and champion.to_document(),
        "decision": {"verdict": verdict, "reason": "because", "passed": True, "skill": 0.98, "rules": []},
        "evidence": "",
    }
    champion_manifest.ledger(artefacts).add("decision", at=datetime.now(UTC), actor="test", body=body)


def carry_out(lake: Lake, artefacts: Lake, tracking: Tracking) -> Any:
    with dg.build_asset_context() as context:
        return champion_asset(context, lake=lake, artefacts=artefacts, tracking=tracking)


def kinds(artefacts: Lake) -> list[str]:
    return [entry.kind for entry in champion_manifest.ledger(artefacts).entries()]


def test_without_a_decision_there_is_no_champion(lake: Lake, artefacts: Lake, tracking: Aliases) -> None:
    with pytest.raises(dg.Failure, match="run the job `train` first"):
        carry_out(lake, artefacts, tracking)
    assert artefacts.files("") == []


def test_no_change_is_served_first_and_a_better_challenger_replaces_it(
    lake: Lake, artefacts: Lake, tracking: Aliases, versions: list[Served]
) -> None:
    decide(artefacts, versions, "trial", None)
    shown = carry_out(lake, artefacts, tracking).metadata
    assert (shown["version"], shown["changed"], shown["is_baseline"]) == (1, True, True)
    assert carry_out(lake, artefacts, tracking).metadata["changed"] is False
    decide(artefacts, versions, "promote", versions[0])
    shown = carry_out(lake, artefacts, tracking).metadata
    assert (shown["version"], shown["decided_on"], shown["mode"]) == (2, DAY, "auto")
    assert names(tracking) == {"champion": 2, "previous_champion": 1}
    standing = champion_manifest.served(artefacts)
    assert standing is not None
    assert standing["facts"] == {"kind": "model", "trained_through": DAY}
    assert kinds(artefacts) == ["decision", "intent", "applied", "decision", "intent", "applied"]


def test_a_damaged_bundle_is_never_served_and_nothing_changes(
    lake: Lake, artefacts: Lake, tracking: Aliases, versions: list[Served], models: list[Bundle]
) -> None:
    decide(artefacts, versions, "trial", None)
    carry_out(lake, artefacts, tracking)
    decide(artefacts, versions, "promote", versions[0])
    before = dict(names(tracking))
    artefacts.write_bytes(f"{models[1].prefix}/model.json", b"{}")
    for attempt in range(3):
        with pytest.raises(BundleError, match=r"model.json has sha256"):
            carry_out(lake, artefacts, tracking)
        assert kinds(artefacts).count("aborted") == attempt + 1
        assert Served.from_document(champion_manifest.served(artefacts) or {}) == versions[0]
        assert names(tracking) == before
    assert carry_out(lake, artefacts, tracking).metadata["changed"] is False


def test_a_manifest_changed_by_hand_is_restored(lake: Lake, artefacts: Lake, tracking: Aliases, versions: list[Served]) -> None:
    decide(artefacts, versions, "trial", None)
    carry_out(lake, artefacts, tracking)
    artefacts.write_json(SERVED, {**(champion_manifest.served(artefacts) or {}), **versions[1].to_document()})
    names(tracking)["champion"] = 2
    assert carry_out(lake, artefacts, tracking).metadata["version"] == 1
    assert names(tracking)["champion"] == 1
    assert fold(champion_manifest.ledger(artefacts).entries()).champion == versions[0]
