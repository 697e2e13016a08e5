"""The asset decorator of the graph: what all assets of one publication share is set here, once.

Belongs here: partitions, owner and retry policy. Assets name their dependencies by key, so no asset module imports another.

Why no freshness policy: SNIIM publishes nothing on Mexican holidays, which a cron deadline would report as late; the alert
`publication_late` judges by the publication calendar instead.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dagster as dg

from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER


def publication_asset(
    *,
    group: str,
    kinds: Iterable[str],
    deps: Sequence[str | dg.AssetDep] = (),
    check_specs: Sequence[dg.AssetCheckSpec] = (),
    code_version: str | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Decorator for an asset that is partitioned by publication date.

    Args:
        group: Group in the Dagster UI.
        kinds: Technologies shown as tags in the UI, at most three.
        deps: Keys of upstream assets; an AssetDep where all their partitions count.
        check_specs: Checks that the asset reports itself.
        code_version: Version of the code that computes it, where a change of it matters.
    """
    return dg.asset(
        partitions_def=publications,
        group_name=group,
        kinds=set(kinds),
        deps=list(deps),
        check_specs=list(check_specs) or None,
        code_version=code_version,
        owners=[OWNER],
        retry_policy=RETRY,
    )


def all_partitions_of(key: str) -> dg.AssetDep:
    """A dependency on every partition of an asset."""
    return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())
