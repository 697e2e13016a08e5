"""Champion manifest in the artefact store: reading it, publishing data under it, and the context of a change of champion.

Belongs here: what connects `milk_assets.promotion` with this environment's stores. Not here: the document (`promotion.manifest`), the
steps of a change (`promotion.change_champion`) and the format of the data (`milk_model.snapshot`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from milk_assets.promotion.change_champion import SWAP_ATTEMPTS, ChampionChangeError, PromotionContext
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.promotion.manifest import ChampionManifest, ModelVersion, PublishedData
from milk_assets.promotion.policy import Policy
from milk_assets.stores import model_bundles
from milk_assets.stores.lake import ConcurrentChangeError, Lake
from milk_assets.stores.layers import features, prices
from milk_assets.stores.model_registry import ModelRegistry
from milk_model.artefact_paths import SERVED

if TYPE_CHECKING:
    import pandas as pd


class PublishError(RuntimeError):
    """The newest data were not published: why, and what to do. The endpoint still forecasts from the data it had."""


def read_manifest(artefacts: Lake) -> ChampionManifest | None:
    """The manifest of the served version; None before the first champion, or if it is damaged."""
    stored = artefacts.read_tagged(SERVED)
    return None if stored is None else ChampionManifest.parse(stored[0])


def publish_data(lake: Lake, artefacts: Lake, publication: str, now: datetime) -> PublishedData | None:
    """Let the endpoint forecast from the prices of a publication. Only the field `data` of the manifest is changed.

    Args:
        lake: Lake with the prices.
        artefacts: Artefact store with the manifest.
        publication: YYYY-MM-DD.
        now: Current time, UTC.

    Returns:
        What the manifest says about its data afterwards; None, with nothing changed, if newer data are served already.

    Raises:
        PublishError: There is no manifest, it is damaged, or it changed at every attempt.
    """
    from milk_assets.stores.endpoint_snapshot import snapshot_of
    from milk_model.snapshot import pack_snapshot, snapshot_path

    vintage = prices.read_vintage(lake, publication)
    panel = prices.read_panel(lake, publication)
    content = pack_snapshot(snapshot_of(panel, sample=vintage.sample, workbook=vintage.sha256))
    sha256 = hashlib.sha256(content).hexdigest()
    data = PublishedData(path=snapshot_path(content), sha256=sha256, publication=publication, at=now.isoformat())
    artefacts.create_bytes(data.path, content)

    def with_data(document: Any) -> Any:
        manifest = ChampionManifest.from_document(document)
        if manifest is None:
            raise PublishError("no champion is served: run the jobs `train` and `promote` first")
        served = manifest.data
        if served is not None and (served.publication > publication or served.sha256 == sha256):
            return document
        return {**document, "data": data.model_dump(mode="json")}

    try:
        manifest = ChampionManifest.model_validate(artefacts.update_json(SERVED, with_data, attempts=SWAP_ATTEMPTS))
    except json.JSONDecodeError as error:
        raise PublishError(f"{artefacts.uri(SERVED)} is not JSON ({error}): run the job `promote`, which repairs it") from error
    except ConcurrentChangeError as error:
        raise PublishError(
            f"the manifest changed at each of {SWAP_ATTEMPTS} attempts to replace its data: materialize `forecasts` again"
        ) from error
    return manifest.data if manifest.data is not None and manifest.data.publication <= publication else None


def ledger(artefacts: Lake) -> Ledger:
    """The ledger in the artefact store. A process keeps one for each store, so that entries are read once."""
    return _ledger(artefacts.root, artefacts.region, artefacts.endpoint)


@cache
def _ledger(root: str, region: str, endpoint: str | None) -> Ledger:
    return Ledger(Lake(root=root, region=region, endpoint=endpoint))


@dataclass(frozen=True)
class BundleChecks:
    """The checks that a change of champion runs on the new version's bundle.

    Attributes:
        lake: Lake with the newest prices.
        artefacts: Artefact store with the bundles.
    """

    lake: Lake
    artefacts: Lake

    def verify(self, version: ModelVersion) -> Mapping[str, Any]:
        """Read a version's bundle and score its golden rows; returns its facts. Raises BundleError."""
        from milk_model.forecaster import Forecaster

        bundle = model_bundles.read(self.artefacts, version.bundle)
        Forecaster.from_files(bundle.files)  # scores the golden rows
        return bundle.facts

    def smoke_test(self, manifest: ChampionManifest) -> None:
        """Forecast from the newest prices with the served version. Raises ValueError if the forecasts are not plausible."""
        from milk_assets.forecasting.model import Model

        newest = features.LAYER.newest(self.lake)
        model = Model.load(model_bundles.read(self.artefacts, manifest.bundle).files)
        if newest is not None:
            check_forecasts_are_plausible(model.predict(prices.read_panel(self.lake, newest)))


def promotion_context(lake: Lake, artefacts: Lake, tracking: ModelRegistry, actor: str) -> PromotionContext:
    """The context of a change of champion, with this environment's stores, registry and clock.

    Args:
        lake: Lake with the newest prices.
        artefacts: Artefact store with bundles, manifest and ledger.
        tracking: Model registry.
        actor: Person or run, for the ledger.
    """
    checks = BundleChecks(lake, artefacts)
    return PromotionContext(
        ledger=ledger(artefacts),
        store=artefacts,
        registry=tracking,
        verify_bundle=checks.verify,
        smoke_test=checks.smoke_test,
        now=lambda: datetime.now(UTC),
        actor=actor,
    )


def registered_version(tracking: ModelRegistry, number: int) -> ModelVersion:
    """A version of the model registry by its number.

    Raises:
        ChampionChangeError: No version has that number.
    """
    version = tracking.get_version(number)
    if version is None:
        raise ChampionChangeError(f"version {number} is not registered: see the list of versions in MLflow")
    return ModelVersion(version=version.number, bundle=version.bundle, is_baseline=version.tags.get("kind") == "baseline")


def check_forecasts_are_plausible(forecasts: "pd.DataFrame") -> None:
    """Raise ValueError if a forecast is missing or outside the range of milk prices.

    Args:
        forecasts: Table with a column `forecast`, MXN per litre.
    """
    policy = Policy()
    missing = int(forecasts.forecast.isna().sum())
    lowest, highest = float(forecasts.forecast.min()), float(forecasts.forecast.max())
    if missing or not policy.lowest_price <= lowest <= highest <= policy.highest_price:
        raise ValueError(
            f"forecasts run from {lowest:.2f} to {highest:.2f} MXN/l and {missing} are missing; expected all between "
            f"{policy.lowest_price:.0f} and {policy.highest_price:.0f}: look at the trials of the bundle's MLflow run"
        )
