"""Batch scoring: the two Lambda functions of the state machine that forecasts every series at once.

Belongs here: planning (which series, with which model and data) and scoring a batch of series. Not here: the state machine
(`cdk/payloads/batch.asl.json`). Every batch is scored with the model that was served when the plan was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service.serving.champion import load
from lambda_service.serving.scored_market import ScoredMarket
from lambda_service.settings import EndpointSettings
from milk_model.artefact_paths import BATCH, SERVED

BATCH_READ_TIMEOUT_SECONDS = 20.0  # for one file: no caller waits, and the state machine retries after a failure
_EXECUTION_NAME = re.compile(r"[\w.-]{1,80}")


class BatchError(ValueError):
    """A batch cannot be planned or scored; the message says what was requested and what to do."""


def plan(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Store the list of series to score, and return what to score them with.

    Args:
        event: {"execution": name of the execution, "input": {"series": [keys]}}; without keys, every forecast series is scored.
        context: Lambda's, not used.

    Returns:
        {"items": path of the JSON list of keys, "results": folder for the results, "count": number of keys, "served": the manifest
        of the model and data to score with}.

    Raises:
        BatchError: the execution's name is not valid, or a series is not forecast.
        BadArtefactError, ArtefactNotFoundError, ArtefactError: as `champion.load` raises them.
    """
    execution = str(event.get("execution", ""))
    if not _EXECUTION_NAME.fullmatch(execution):
        raise BatchError(f"expected the name of an execution, 1 to 80 letters, digits, '.', '_' and '-'; got {execution[:80]!r}")
    reader = _artefact_reader()
    manifest = json.loads(reader.read(SERVED).content)
    forecasts = _scored_market(_to_text(manifest)).forecasts
    series = (event.get("input") or {}).get("series") or list(forecasts)
    unknown = sorted(set(series) - forecasts.keys())
    if unknown:
        raise BatchError(
            f"{len(unknown)} series are not forecast, such as {unknown[:3]}; leave `series` out to score all {len(forecasts)}"
        )
    items = f"{BATCH}/{execution}/series.json"
    reader.store.put(items, json.dumps(series).encode())
    return {"items": items, "results": f"{BATCH}/{execution}/results", "count": len(series), "served": manifest}


def score(event: Mapping[str, Any], context: object = None) -> list[dict[str, Any]]:
    """Forecast a batch of series.

    Args:
        event: {"Items": [{"series": key, "served": manifest as `plan` returned it}]}, or a single such item.
        context: Lambda's, not used.

    Returns:
        For each item in order: {"series", "version", "publication", "last_price", "last_date", "publications", "months"}; prices in
        MXN per litre.

    Raises:
        BatchError: a series is not forecast.
        BadArtefactError, ArtefactNotFoundError, ArtefactError: as `champion.load` raises them.
    """
    items: Sequence[Mapping[str, Any]] = event.get("Items") or [event]
    results = []
    for item in items:
        market, key = _scored_market(_to_text(item["served"])), item["series"]
        publication = market.snapshot.publication
        if key not in market.forecasts:
            raise BatchError(f"{key!r} is not forecast from {publication}: use the keys in the plan's list")
        results.append({"series": key, "version": market.manifest.version, "publication": publication, **market.forecasts[key]})
    return results


@lru_cache(maxsize=2)
def _scored_market(manifest: str) -> ScoredMarket:
    """Every series scored with what a manifest names. Scoring all of them takes less time than reading the files."""
    return load(_artefact_reader(), manifest.encode())


def _to_text(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, sort_keys=True)


def _artefact_reader() -> ArtefactReader:
    settings = EndpointSettings.from_environment()
    return ArtefactReader(settings.artefact_root, BATCH_READ_TIMEOUT_SECONDS, settings.region, settings.s3_endpoint)
