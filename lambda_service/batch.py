"""Scoring every series at once: the two functions of the batch's state machine.

Belongs here: planning (which series, of which model and data), and handing out a batch's forecasts. The state
machine is `cdk/payloads/batch.asl.json`. Every batch is scored with the model that was served when the plan was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lambda_service.serving.artefact_reader import Source, Unchanged
from lambda_service.serving.champion import load
from lambda_service.serving.scored_market import Market
from lambda_service.settings import Settings
from milk_model.artefact_paths import BATCH, SERVED

TIMEOUT = 20.0  # seconds for one file: nobody waits for an answer here, and the state machine tries again after that
_NAME = re.compile(r"[\w.-]{1,80}")


class BatchError(ValueError):
    """A batch cannot be planned or scored: what was asked, and what to do."""


def plan(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Write down which series are to be scored, and say with what.

    event: {"execution": name of the execution, "input": {"series": [keys]}}, every series that is forecast where none are given. Returns
    {"items": path of the JSON list of keys, "results": folder for the results, "count": int, "served": the manifest of the model and data
    that every batch is to be scored with}. Raises BatchError on a name that is none and on series that are not forecast; ArtefactError,
    MissingError and SourceError as `champion.load`.
    """
    execution = str(event.get("execution", ""))
    if not _NAME.fullmatch(execution):
        raise BatchError(f"expected an execution's name, up to 80 letters, digits, '.', '_' and '-'; got {execution[:80]!r}")
    source = _source()
    found = source.read(SERVED)
    assert not isinstance(found, Unchanged)  # noqa: S101  without a tag there is no such answer
    manifest = json.loads(found[0])
    forecast = _market(_text(manifest)).forecasts
    asked = (event.get("input") or {}).get("series") or list(forecast)
    unknown = sorted(set(asked) - forecast.keys())
    if unknown:
        raise BatchError(
            f"{len(unknown)} series are not forecast, such as {unknown[:3]}; leave `series` out for all {len(forecast)}"
        )
    items = f"{BATCH}/{execution}/series.json"
    source.store.put(items, json.dumps(asked).encode())
    return {"items": items, "results": f"{BATCH}/{execution}/results", "count": len(asked), "served": manifest}


def score(event: Mapping[str, Any], context: object = None) -> list[dict[str, Any]]:
    """Forecasts of a batch of series.

    event: {"Items": [{"series": key, "served": manifest as `plan` gave it}]}, or one such item alone. Returns, for each item in order,
    {"series", "version", "publication", "last_price", "last_date", "publications", "months"}, prices in MXN/l. Raises BatchError on a
    series that is not forecast, and as `champion.load` on files that are not those of the plan.
    """
    items: Sequence[Mapping[str, Any]] = event.get("Items") or [event]
    scored = []
    for item in items:
        market = _market(_text(item["served"]))
        if item["series"] not in market.forecasts:
            raise BatchError(
                f"{item['series']!r} is not forecast of {market.snapshot.publication}: take its key from the plan's list"
            )
        named = {"version": market.manifest["version"], "publication": market.snapshot.publication}
        scored.append({"series": item["series"], **named, **market.forecasts[item["series"]]})
    return scored


@lru_cache(maxsize=2)
def _market(manifest: str) -> Market:
    """Every series scored with what a manifest names: all of them take less time than reading its files."""
    return load(_source(), manifest.encode())


def _text(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, sort_keys=True)


def _source() -> Source:
    settings = Settings.read()
    return Source(settings.artefacts, TIMEOUT, settings.region, settings.endpoint)
