"""The asset `champion`: carries out the change that the ledger calls for, with real bundles."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.assets.models.champion import champion as champion_asset
from milk_assets.promotion.ledger.entries import DecisionBody, GateDecision, Verdict
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.promotion.manifest import ModelVersion
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import ModelRegistry
from milk_model.artefact_paths import SERVED
from milk_model.bundle import Bundle, BundleError, pack

DAY = "2025-03-28"


class Aliases(ModelRegistry):
    """A registry with aliases only."""

    def set_alias(self, alias: str, version: int) -> None:
        aliases_of(self)[alias] = version

    def version_number_of_alias(self, alias: str) -> int | None:
        return aliases_of(self).get(alias)

    def delete_alias(self, alias: str) -> None:
        aliases_of(self).pop(alias, None)


_ALIASES: dict[str, dict[str, int]] = {}


def aliases_of(tracking: ModelRegistry) -> dict[str, int]:
    return _ALIASES.setdefault(tracking.tracking_uri, {})


@pytest.fixture
def artefacts(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))


@pytest.fixture
def tracking(tmp_path: Path) -> Aliases:
    return Aliases(tracking_uri=str(tmp_path), artefact_root="")


@pytest.fixture(scope="module")
def models(sample_workbook: bytes) -> list[Bundle]:
    """Two valid bundles with different facts."""
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.sniim.workbook import read_workbook

    files = Model.fit_baseline(build_panel(read_workbook(sample_workbook).prices)).save()
    return [pack(files, {"kind": kind, "trained_through": DAY}) for kind in ("baseline", "model")]


@pytest.fixture
def versions(models: list[Bundle], artefacts: Lake) -> list[ModelVersion]:
    for bundle in models:
        model_bundles.write(artefacts, bundle)
    return [
        ModelVersion(version=number, bundle=bundle.sha256, is_baseline=number == 1)
        for number, bundle in enumerate(models, start=1)
    ]


def decide(artefacts: Lake, versions: list[ModelVersion], verdict: Verdict, champion: ModelVersion | None) -> None:
    body = DecisionBody(
        publication=DAY,
        contender="abc",
        baseline=versions[0],
        challenger=versions[1],
        champion=champion,
        decision=GateDecision(verdict, "because", (), passed=True, skill=0.98),
        evidence="",
    )
    champion_manifest.ledger(artefacts).add(body, at=datetime.now(UTC), actor="test")


def materialize(lake: Lake, artefacts: Lake, tracking: ModelRegistry) -> Any:
    with dg.build_asset_context() as context:
        return champion_asset(context, lake=lake, artefacts=artefacts, tracking=tracking)


def served_version(artefacts: Lake) -> ModelVersion | None:
    manifest = champion_manifest.read_manifest(artefacts)
    return None if manifest is None else manifest.model_version


def kinds(artefacts: Lake) -> list[str]:
    return [entry.kind for entry in champion_manifest.ledger(artefacts).entries()]


def test_without_a_decision_there_is_no_champion(lake: Lake, artefacts: Lake, tracking: Aliases) -> None:
    with pytest.raises(dg.Failure, match="run the job `train` first"):
        materialize(lake, artefacts, tracking)
    assert artefacts.files("") == []


def test_the_baseline_comes_first_and_a_better_challenger_replaces_it(
    lake: Lake, artefacts: Lake, tracking: Aliases, versions: list[ModelVersion]
) -> None:
    decide(artefacts, versions, "trial", None)
    metadata = materialize(lake, artefacts, tracking).metadata
    assert (metadata["version"], metadata["changed"], metadata["is_baseline"]) == (1, True, True)
    assert materialize(lake, artefacts, tracking).metadata["changed"] is False
    decide(artefacts, versions, "promote", versions[0])
    metadata = materialize(lake, artefacts, tracking).metadata
    assert (metadata["version"], metadata["decided_on"], metadata["mode"]) == (2, DAY, "auto")
    assert aliases_of(tracking) == {"champion": 2, "previous_champion": 1}
    manifest = champion_manifest.read_manifest(artefacts)
    assert manifest is not None
    assert manifest.facts == {"kind": "model", "trained_through": DAY}
    assert kinds(artefacts) == ["decision", "intent", "applied", "decision", "intent", "applied"]


def test_a_damaged_bundle_is_not_served_and_nothing_changes(
    lake: Lake, artefacts: Lake, tracking: Aliases, versions: list[ModelVersion], models: list[Bundle]
) -> None:
    decide(artefacts, versions, "trial", None)
    materialize(lake, artefacts, tracking)
    decide(artefacts, versions, "promote", versions[0])
    before = dict(aliases_of(tracking))
    artefacts.write_bytes(f"{models[1].prefix}/model.json", b"{}")
    for attempt in range(3):
        with pytest.raises(BundleError, match=r"model.json has sha256"):
            materialize(lake, artefacts, tracking)
        assert kinds(artefacts).count("aborted") == attempt + 1
        assert served_version(artefacts) == versions[0]
        assert aliases_of(tracking) == before
    assert (
        materialize(lake, artefacts, tracking).metadata["changed"] is False
    )  # no fourth attempt: a person got an alert for each failure


def test_a_manifest_that_was_changed_by_hand_is_repaired(
    lake: Lake, artefacts: Lake, tracking: Aliases, versions: list[ModelVersion]
) -> None:
    decide(artefacts, versions, "trial", None)
    materialize(lake, artefacts, tracking)
    artefacts.write_json(SERVED, {**artefacts.read_json(SERVED), **versions[1].model_dump()})
    aliases_of(tracking)["champion"] = 2
    assert materialize(lake, artefacts, tracking).metadata["version"] == 1
    assert aliases_of(tracking)["champion"] == 1
    assert ledger_state(champion_manifest.ledger(artefacts).entries()).champion == versions[0]
