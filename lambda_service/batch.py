"""Scoring every series at once: the two functions of the batch's state machine.

Belongs here: planning (which series, of which model and data), and scoring a batch of them. The state machine is `cdk/batch.asl.json`, the
scoring itself `forecaster`'s. What is served when the plan is made is what every batch is scored with, whatever is promoted meanwhile.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from lambda_service.bundle import MANIFEST, prefix, read_manifest, unpack
from lambda_service.forecaster import Forecaster
from lambda_service.layout import BATCH, SERVED
from lambda_service.snapshot import Snapshot, read

STORE = "MILK_ARTEFACTS"  # the artefact store: a folder's absolute path, or s3://bucket
S3_ENDPOINT = "MILK_S3_ENDPOINT"
REQUEST_TIMEOUT = timedelta(seconds=10)
RETRIES, RETRY_WITHIN = 3, timedelta(seconds=30)  # the state machine tries the whole batch again after that
_NAME = re.compile(r"[\w.-]{1,80}")


class BatchError(ValueError):
    """A batch cannot be planned or scored: what was asked, and what to do."""


def plan(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Write down which series are to be scored, and with what.

    event: {"execution": name of the execution, "input": {"series": [keys]}, all active series where none are given}. Returns
    {"items": path of the JSON list of keys, "results": folder of the results, "count": int, "served": the model and data, as every
    batch is handed them}. Raises BatchError where nothing is served, or a series is none of those that are.
    """
    execution = str(event.get("execution", ""))
    if not _NAME.fullmatch(execution):
        raise BatchError(f"expected an execution's name, up to 80 letters, digits, '.', '_' and '-'; got {execution[:80]!r}")
    manifest = json.loads(_get(SERVED))
    if not manifest.get("data"):
        raise BatchError(f"{SERVED} names no data: run the job `forecast` once")
    served = {"version": manifest["version"], "bundle": manifest["bundle"], "data": manifest["data"]}
    active = list(_snapshot(manifest["data"]["path"], manifest["data"]["sha256"]).names)
    asked = (event.get("input") or {}).get("series") or active
    unknown = sorted(set(asked) - set(active))
    if unknown:
        raise BatchError(
            f"{len(unknown)} series are not forecast, such as {unknown[:3]}; leave `series` out for all {len(active)}"
        )
    items = f"{BATCH}/{execution}/series.json"
    _store().put(items, json.dumps(asked).encode())
    return {"items": items, "results": f"{BATCH}/{execution}/results", "count": len(asked), "served": served}


def score(event: Mapping[str, Any], context: object = None) -> list[dict[str, Any]]:
    """Forecasts of a batch of series.

    event: {"Items": [{"series": key, "served": as `plan` gave it}]}, or one such item alone. Returns, for each item in order,
    {"series", "version", "publication", "forecasts": rows of `Forecaster.forecast`, NaN as null}. Raises BatchError on a series that has
    no forecast, BundleError or SnapshotError on files that are not those of the plan.
    """
    items: Sequence[Mapping[str, Any]] = event.get("Items") or [event]
    scored = []
    for item in items:
        served = item["served"]
        publication, rows = _forecasts(served["bundle"], served["data"]["path"], served["data"]["sha256"])
        if item["series"] not in rows:
            raise BatchError(f"{item['series']!r} has no forecast of {publication}: take its key from the plan's list")
        row = {"series": item["series"], "version": served["version"], "publication": publication}
        scored.append({**row, "forecasts": rows[item["series"]]})
    return scored


@lru_cache(maxsize=2)
def _forecasts(bundle: str, path: str, sha256: str) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """Every series' forecasts with a model and data, by key: all of them take less time than one request."""
    snapshot = _snapshot(path, sha256)
    columns = _forecaster(bundle).forecast(snapshot.history(), snapshot.expected)
    names = [name for name in columns if name != "series"]
    rows: dict[str, list[dict[str, Any]]] = {}
    for place, series in enumerate(columns["series"].tolist()):
        rows.setdefault(series, []).append({name: _plain(columns[name][place]) for name in names})
    return snapshot.publication, rows


@lru_cache(maxsize=2)
def _forecaster(bundle: str) -> Forecaster:
    folder = prefix(bundle)
    manifest = _get(f"{folder}/{MANIFEST}")
    files = {name: _get(f"{folder}/{name}") for name in read_manifest(manifest, bundle)["files"]}
    return Forecaster.from_files(unpack({**files, MANIFEST: manifest}, bundle).files)


@lru_cache(maxsize=2)
def _snapshot(path: str, sha256: str) -> Snapshot:
    return read(_get(path), sha256)


def _plain(value: Any) -> Any:
    """A column's value as JSON has it: days as text, numbers to a hundredth of a centavo."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float):
        return round(plain, 4) if math.isfinite(plain) else None
    return plain if isinstance(plain, int | str | None) else str(plain)


def _get(path: str) -> bytes:
    return bytes(_store().get(path).bytes())


def _store() -> Any:
    """The artefact store that the settings name. Opening it makes no request."""
    from obstore.store import LocalStore, S3Store

    root, endpoint = os.environ[STORE], os.environ.get(S3_ENDPOINT)
    if not root.startswith("s3://"):
        return LocalStore(prefix=root)
    extra: dict[str, Any] = {"endpoint": endpoint, "virtual_hosted_style_request": False} if endpoint else {}
    return S3Store(
        urlsplit(root).netloc,
        client_options={"timeout": REQUEST_TIMEOUT, "allow_http": bool(endpoint and endpoint.startswith("http://"))},
        retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_WITHIN},
        **extra,
    )
