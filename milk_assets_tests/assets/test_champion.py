"""Carrying out a decision: all of it or nothing, and the ledger says which."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lambda_service.bundle import Bundle, BundleError, pack
from lambda_service.layout import SERVED
from milk_assets.assets import bundles, champion, evaluation, serving
from milk_assets.resources.lake import Lake
from milk_assets.resources.tracking import Tracking, Version

DAY = "2025-03-28"


class Aliases(Tracking):
    """A registry that only knows aliases."""

    def point(self, alias: str, version: int) -> None:
        names(self)[alias] = version

    def pointed(self, alias: str) -> Version | None:
        number = names(self).get(alias)
        return None if number is None else Version(number, "", {})


_NAMES: dict[str, dict[str, int]] = {}


def names(tracking: Tracking) -> dict[str, int]:
    return _NAMES.setdefault(tracking.tracking_uri, {})


@pytest.fixture
def artefacts(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))


@pytest.fixture
def tracking(tmp_path: Path) -> Aliases:
    return Aliases(tracking_uri=str(tmp_path), artefact_root="")


@pytest.fixture(scope="module")
def models(sample_workbook: bytes) -> list[Bundle]:
    """Two proven bundles that differ in what their manifests say."""
    from milk_assets.forecasting.baseline import baseline
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.sniim.workbook import read_workbook

    files = baseline(build_panel(read_workbook(sample_workbook).prices)).to_bundle()
    return [pack(files, {"kind": kind, "trained_through": DAY}) for kind in ("baseline", "model")]


def decide(lake: Lake, models: list[Bundle], verdict: str, standing: dict[str, Any] | None) -> None:
    versions = [
        {"version": n + 1, "bundle": bundle.sha256, "is_baseline": n == 0, "trained_through": DAY}
        for n, bundle in enumerate(models)
    ]
    decision = {"verdict": verdict, "reason": "because", "rules": []}
    document = {"decision": decision, "baseline": versions[0], "challenger": versions[1], "champion": standing}
    lake.write_json(f"{evaluation.LAYER}/{DAY}/{evaluation.DECISION}", document)


def promote(lake: Lake, artefacts: Lake, tracking: Tracking) -> Any:
    with dg.build_asset_context() as context:
        return champion.champion(context, champion.Promotion(), lake=lake, artefacts=artefacts, tracking=tracking)


def steps(artefacts: Lake) -> list[str]:
    return [artefacts.read_json(path)["step"] for path in artefacts.files("ledger")]


@pytest.mark.parametrize(("verdict", "number"), [("promote", 2), ("keep", 1)])
def test_the_first_champion_is_the_challenger_or_no_change(
    lake: Lake, artefacts: Lake, tracking: Aliases, models: list[Bundle], verdict: str, number: int
) -> None:
    for bundle in models:
        bundles.write(artefacts, bundle)
    decide(lake, models, verdict, None)
    promote(lake, artefacts, tracking)
    standing = serving.served(artefacts)
    assert standing is not None
    assert (standing["version"], standing["bundle"]) == (number, models[number - 1].sha256)
    assert names(tracking) == {"champion": number}
    assert steps(artefacts) == ["intent", "applied"]
    promote(lake, artefacts, tracking)
    assert steps(artefacts) == ["intent", "applied"]


def test_a_better_challenger_takes_the_place_and_the_one_before_is_remembered(
    lake: Lake, artefacts: Lake, tracking: Aliases, models: list[Bundle]
) -> None:
    for bundle in models:
        bundles.write(artefacts, bundle)
    decide(lake, models, "keep", None)
    promote(lake, artefacts, tracking)
    decide(lake, models, "promote", serving.served(artefacts))
    promote(lake, artefacts, tracking)
    assert names(tracking) == {"champion": 2, "previous_champion": 1}


def test_a_damaged_bundle_is_never_served_and_everything_stays_as_it_was(
    lake: Lake, artefacts: Lake, tracking: Aliases, models: list[Bundle]
) -> None:
    for bundle in models:
        bundles.write(artefacts, bundle)
    decide(lake, models, "keep", None)
    promote(lake, artefacts, tracking)
    before = serving.served(artefacts), dict(names(tracking))
    artefacts.write_bytes(f"{models[1].prefix}/model.json", b"{}")
    decide(lake, models, "promote", before[0])
    with pytest.raises(BundleError, match="model.json has sha256"):
        promote(lake, artefacts, tracking)
    assert (serving.served(artefacts), names(tracking)) == before
    assert steps(artefacts) == ["intent", "applied", "intent", "aborted"]


def test_a_switch_that_breaks_in_the_middle_is_put_back(
    lake: Lake, artefacts: Lake, tracking: Aliases, models: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    for bundle in models:
        bundles.write(artefacts, bundle)
    decide(lake, models, "keep", None)
    promote(lake, artefacts, tracking)
    before = serving.served(artefacts), dict(names(tracking))
    decide(lake, models, "promote", before[0])
    write = Lake.write_json

    def full(self: Lake, path: str, document: Any) -> None:
        if path == SERVED:
            raise OSError("no space left on device")
        write(self, path, document)

    monkeypatch.setattr(Lake, "write_json", full)
    with pytest.raises(OSError, match="no space"):
        promote(lake, artefacts, tracking)
    assert serving.served(artefacts) == before[0]
    assert names(tracking)["champion"] == 1
    assert steps(artefacts)[-1] == "aborted"


def test_a_decision_against_another_champion_is_not_carried_out(
    lake: Lake, artefacts: Lake, tracking: Aliases, models: list[Bundle]
) -> None:
    for bundle in models:
        bundles.write(artefacts, bundle)
    decide(lake, models, "promote", {"version": 9, "bundle": "9" * 64, "is_baseline": False})
    with pytest.raises(dg.Failure, match="against another champion"):
        promote(lake, artefacts, tracking)
    assert serving.served(artefacts) is None
    assert steps(artefacts) == []
