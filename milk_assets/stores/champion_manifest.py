"""What is served: the manifest that readers ask for, the data it names, and the ledger that says why.

Belongs here: reading them, publishing the data, and the place where changes of champion are carried out. Rules and steps are
`milk_assets.promotion`'s, the data's format is `milk_model.snapshot`'s.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from milk_assets.promotion.change_champion import ApplyError, manifest_bytes, read_manifest
from milk_assets.promotion.ledger import Ledger
from milk_assets.promotion.state import Served
from milk_assets.stores import model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import features, prices
from milk_assets.stores.model_registry import Tracking
from milk_model.artefact_paths import SERVED

if TYPE_CHECKING:
    from milk_assets.promotion.change_champion import Place

SWAPS = 5  # of the manifest, where the champion is changed at the same moment
FACTS = ("version", "bundle", "is_baseline")  # what names a model version wherever it is mentioned


def served(artefacts: Lake) -> dict[str, Any] | None:
    """The champion: version, bundle, is_baseline, facts of its bundle, since when; None before the first one."""
    found = artefacts.read_tagged(SERVED)
    return None if found is None else read_manifest(found[0])


class PublishError(RuntimeError):
    """The newest data are not served: why. What was served is still served."""


def publish_data(lake: Lake, artefacts: Lake, publication: str, now: datetime) -> dict[str, Any] | None:
    """Let the endpoint forecast from a publication's prices; returns what the manifest now says of its data.

    now: UTC; when the data became what is served. None, and nothing is done, where newer data are served already. Only the manifest's
    `data` is changed, and only as it was read. Raises PublishError where there is no manifest, or where it keeps changing.
    """
    from milk_assets.stores.endpoint_snapshot import snapshot_of
    from milk_model.snapshot import pack_snapshot, snapshot_path

    vintage = prices.read_vintage(lake, publication)
    panel = prices.read_panel(lake, publication)
    content = pack_snapshot(snapshot_of(panel, sample=vintage.sample, workbook=vintage.sha256))
    file = snapshot_path(content)
    artefacts.create_bytes(file, content)
    for _ in range(SWAPS):
        found = artefacts.read_tagged(SERVED)
        manifest = read_manifest(found[0]) if found else None
        if found is None or manifest is None:
            raise PublishError("no champion is served; run the jobs `train` and `promote` first")
        standing = manifest.get("data")
        if standing and standing["publication"] > publication:
            return None
        sha256 = hashlib.sha256(content).hexdigest()
        if standing and standing["sha256"] == sha256:
            return dict(standing)
        data = {"path": file, "sha256": sha256, "publication": publication, "at": now.isoformat()}
        if artefacts.replace_bytes(SERVED, manifest_bytes({**manifest, "data": data}), found[1]):
            return data
    raise PublishError(f"the manifest changed {SWAPS} times while its data were to be replaced: run `forecasts` again")


def ledger(artefacts: Lake) -> Ledger:
    """The ledger in the artefact store. A process keeps one for each store, so that entries are read once."""
    return _ledger(artefacts.root, artefacts.region, artefacts.endpoint)


@cache
def _ledger(root: str, region: str, endpoint: str | None) -> Ledger:
    return Ledger(Lake(root=root, region=region, endpoint=endpoint))


def place(lake: Lake, artefacts: Lake, tracking: Tracking, actor: str) -> "Place":
    """Where changes of champion are carried out, with this environment's store, registry and clock."""
    from milk_assets.forecasting.model import Model
    from milk_assets.promotion.change_champion import Place
    from milk_model.forecaster import Forecaster

    def prove(version: Served) -> Mapping[str, Any]:
        bundle = model_bundles.read(artefacts, version.bundle)
        Forecaster.from_files(bundle.files)  # scores the golden rows
        return bundle.facts

    def smoke(manifest: Mapping[str, Any]) -> None:
        newest = features.LAYER.newest(lake)
        model = Model.load(model_bundles.read(artefacts, manifest["bundle"]).files)
        if newest is not None:
            refuse_nonsense(model.predict(prices.read_panel(lake, newest)))

    return Place(
        ledger=ledger(artefacts),
        store=artefacts,
        registry=tracking,
        prove=prove,
        smoke=smoke,
        now=lambda: datetime.now(UTC),
        actor=actor,
    )


def registered(tracking: Tracking, number: int) -> Served:
    """A version of the registry, to be served. Raises ApplyError where there is none of that number."""
    found = tracking.numbered(number)
    if found is None:
        raise ApplyError(f"version {number} is not registered: look at MLflow's list of versions")
    return Served(found.number, found.bundle, found.tags.get("kind") == "baseline")


def refuse_nonsense(forecasts: Any) -> None:
    """Raise ValueError where a table holds a forecast that is no price of milk, or none at all."""
    from milk_assets.promotion.policy import Policy

    policy = Policy()
    lowest, highest = float(forecasts.forecast.min()), float(forecasts.forecast.max())
    if forecasts.forecast.isna().any() or not policy.lowest_price <= lowest <= highest <= policy.highest_price:
        raise ValueError(
            f"forecasts run from {lowest:.2f} to {highest:.2f} MXN/l with {forecasts.forecast.isna().sum()} missing; "
            f"expected {policy.lowest_price:.0f} to {policy.highest_price:.0f}: look at the bundle's trials"
        )
