"""Load: the endpoint under load, while versions are swapped and its S3 server hangs, dies and recovers.

    MILK_HOME=/tmp/milk milk demo --workbook Leche31032025.xlsx   # a champion to serve
    python -m benchmarks.load --artefacts /tmp/milk/artefacts [--seconds 180] [--share 0.6]

Belongs here: the requests, the timetable of disturbances, and the check of every answer. A run compresses half an hour: the TTL of a minute
and the time between promotions shrink with it. The server is the process that `make serve` starts, on a loopback port; moto's server is
its S3. The peak rate is measured first; then requests are sent at a share of it, and their latency counts from the time they were due.
Every answer is compared with the forecasts of its version; the exit code is 1 when one is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.artefacts import S3, Store, free_port, moto_s3, served_files, wait_for
from benchmarks.process_usage import cpu_seconds, sampled_memory
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service.serving.champion import load as load_market
from lambda_service.serving.scored_market import ScoredMarket, SeriesPrices
from milk_model.artefact_paths import SERVED

CLIENTS = 6
COMPRESSED_SECONDS = 1800.0  # of real operation that a run represents
TTL_SECONDS = 60.0  # the default of the endpoint; shrinks with the run
# when each disturbance happens, as a share of the run
SWAPS = (0.04, 0.10, 0.16, 0.22, 0.28, 0.52, 0.57, 0.62, 0.93, 0.97)
OUTAGES = (
    *((0.36, "S3 hangs"), (0.42, "S3 is back"), (0.70, "S3 is dead"), (0.78, "S3 is back")),
    *((0.86, "corrupt manifest"), (0.90, "manifest repaired")),
)
MAX_MEMORY_GROWTH = 0.05  # between a third of the run, when everything was loaded once, and its end
AnswerCheck = Callable[[int, bytes], str | None]  # of a status and a body; returns what is wrong
LoadRequest = tuple[str, str, str | None, AnswerCheck]  # method, path, body


@dataclass
class ServedVersions:
    """The versions that the store named, each with the time of its promotion."""

    changes: list[tuple[float, int]]

    def allowed(self, since: float, until: float) -> set[int]:
        """The versions that were served at some time in an interval."""
        earlier = [version for at, version in self.changes if at <= since] or [self.changes[0][1]]
        return {earlier[-1]} | {version for at, version in self.changes if since < at <= until}


@dataclass
class LoadResults:
    """The answers of a run."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    latencies: list[tuple[float, float]] = field(default_factory=list)  # seconds: due after the start; from due to answered
    versions: Counter[int] = field(default_factory=Counter)


class Requests:
    """Random requests, each with the check of its answer."""

    def __init__(self, store: Store, markets: dict[int, ScoredMarket], served: ServedVersions, slack: float) -> None:
        self._store, self._markets, self._served, self._slack = store, markets, served, slack
        self._series = {column["key"]: column for column in store.city_series()}
        self._keys = list(self._series)
        self._own: dict[int, dict[str, tuple[float, Any]]] = {}
        sampled_keys = self._keys[:: max(len(self._keys) // 20, 1)]
        day = next(iter(markets.values())).snapshot.dates[-1]
        for version, market in markets.items():  # own prices are scored once for each version
            prices = {key: round(market.forecasts[key]["last_price"] + 0.5, 2) for key in sampled_keys}
            forecasts = market.forecast_with_own_prices([SeriesPrices(key, {day: price}) for key, price in prices.items()])
            self._own[version] = {key: (prices[key], forecast) for key, forecast in zip(sampled_keys, forecasts, strict=True)}
        self._sampled_keys = sampled_keys
        self._verified: dict[tuple[str, bytes], int] = {}

    def draw(self, generator: random.Random) -> LoadRequest:
        """The next request: nine in ten are typical, the others are wrong or heavier."""
        key = generator.choice(self._keys)
        kind = generator.random()
        if kind < 0.55:
            return "GET", f"/v1/forecasts/{key}", None, self._forecast(key)
        if kind < 0.90:
            return "POST", "/predict", json.dumps(self._store.payload(self._series[key])), self._predicted(key)
        if kind < 0.92:
            return self._with_own(generator.choice(self._sampled_keys))
        if kind < 0.94:
            keys = generator.sample(self._keys, 10)
            return "POST", "/v1/forecasts", json.dumps({"items": [{"series": key} for key in keys]}), self._batch(keys)
        if kind < 0.96:
            return "GET", "/v1/forecasts/jalisco/atlantis/uht/store", None, expect(404)
        if kind < 0.98:
            return "POST", "/predict", '{"Estado": NaN', expect(422)
        if kind < 0.99:
            return "GET", "/v1/reports/latest", None, expect(404, 503)  # there is no report, and for a while no store
        return "GET", "/v1/health", None, expect(200)

    def _forecast(self, key: str) -> AnswerCheck:
        return self._check(
            f"forecast {key}",
            lambda market, answer: _same(answer, market.forecasts[key]),
            lambda answer: answer["model"]["version"],
        )

    def _predicted(self, key: str) -> AnswerCheck:
        def same(market: ScoredMarket, answer: Any) -> bool:
            expected = market.forecasts[key]["publications"][0]
            return answer["series"] == key and all(answer[field] == expected[other] for field, other in PREDICTION_FIELDS)

        return self._check(f"predict {key}", same, lambda answer: answer["model_version"])

    def _with_own(self, key: str) -> LoadRequest:
        price = next(iter(self._own.values()))[key][0]
        body = json.dumps(self._store.payload(self._series[key], price))

        def same(market: ScoredMarket, answer: Any) -> bool:
            expected = self._own[market.manifest.version][key][1]["publications"][0]
            return answer["based_on"] == "own prices" and all(
                answer[field] == expected[other] for field, other in PREDICTION_FIELDS
            )

        return "POST", "/predict", body, self._check(f"own {key}", same, lambda answer: answer["model_version"])

    def _batch(self, keys: list[str]) -> AnswerCheck:
        def same(market: ScoredMarket, answer: Any) -> bool:
            return all(_same(item["forecasts"], market.forecasts[key]) for key, item in zip(keys, answer["items"], strict=True))

        return self._check(f"batch {keys}", same, lambda answer: answer["model"]["version"])

    def _check(self, name: str, same: Callable[[ScoredMarket, Any], bool], version_of: Callable[[Any], int]) -> AnswerCheck:
        sent = time.monotonic()

        def check(status: int, content: bytes) -> str | None:
            if status != 200:
                return f"status {status}: {content[:200]!r}"
            version = self._verified.get((name, content))  # the same bytes for the same request are not compared again
            if version is None:
                answer = json.loads(content)
                version = version_of(answer)
                if version not in self._markets or not same(self._markets[version], answer):
                    return f"version {version} has other forecasts: {content[:200]!r}"
                self._verified[name, content] = version
            allowed = self._served.allowed(sent - self._slack, time.monotonic())
            if version not in allowed:
                return f"version {version}, while the store named {sorted(allowed)}"
            return None

        return check


# fields of a prediction, and the fields of a forecast with the same value
PREDICTION_FIELDS = (
    ("predicted_price", "forecast"),
    *((name, name) for name in ("lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")),
)


def _same(answer: Any, expected: Any) -> bool:
    """Whether every value of every target is exactly equal: JSON keeps all digits."""
    return all(answer[part] == expected[part] for part in ("last_price", "publications", "months"))


def expect(*statuses: int) -> AnswerCheck:
    """A check that expects one of these statuses."""
    return lambda status, content: None if status in statuses else f"status {status}, expected {statuses}: {content[:200]!r}"


def drive(port: int, requests: Requests, seconds: float, rate: float | None) -> tuple[LoadResults, float]:
    """Send requests from CLIENTS threads. rate: requests per second, None for as fast as possible. Returns the answers per second too."""
    results, lock, numbers = LoadResults(), threading.Lock(), itertools.count()
    started = time.monotonic()
    deadline = started + seconds

    def client(seed: int) -> None:
        generator, connection = random.Random(seed), http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            due = started + next(numbers) / rate if rate else time.monotonic()
            if due >= deadline:
                return
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            method, path, body, check = requests.draw(generator)
            try:
                connection.request(method, path, body, {"content-type": "application/json"} if body else {})
                answer = connection.getresponse()
                content = answer.read()
                latency = time.monotonic() - due
                problem = check(answer.status, content)
                version = answer.getheader("x-model-version")
                outcome = str(answer.status)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                latency, version, outcome, problem = time.monotonic() - due, None, "no answer", f"{type(error).__name__}: {error}"
                connection.close()
            with lock:
                results.answers[outcome] += 1
                results.latencies.append((due - started, latency))
                if version:
                    results.versions[int(version)] += 1
                if problem:
                    results.wrong.append(f"{time.monotonic() - started:6.1f} s {method} {path}: {problem}")

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, len(results.latencies) / (time.monotonic() - started)


@dataclass
class Disturber:
    """Carries out the timetable in a thread. An outage starts after the last swap is served and ends well before the next swap."""

    s3: S3
    manifests: dict[int, dict[str, Any]]
    served: ServedVersions
    seconds: float
    log: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Promote and roll back during the whole run; let S3 hang, die, and name a missing bundle, each for a while."""
        started = time.monotonic()
        for share, disturbance in sorted([*((share, "swap") for share in SWAPS), *OUTAGES]):
            time.sleep(max(0.0, started + share * self.seconds - time.monotonic()))
            self._disturb(disturbance)
            self.log.append(f"{time.monotonic() - started:6.1f} s {disturbance}, version {self.served.changes[-1][1]}")

    def _disturb(self, disturbance: str) -> None:
        version = self.served.changes[-1][1]
        if disturbance == "swap":
            version = next(other for other in self.manifests if other != version)
            self.s3.put({SERVED: json.dumps(self.manifests[version]).encode()})
            self.served.changes.append((time.monotonic(), version))
        elif "manifest" in disturbance:
            broken = {"version": 666, "bundle": "0" * 64} if disturbance == "corrupt manifest" else {}
            self.s3.put({SERVED: json.dumps({**self.manifests[version], **broken}).encode()})
        elif disturbance == "S3 hangs":
            self.s3.process.send_signal(signal.SIGSTOP)
        elif disturbance == "S3 is dead":
            self.s3.close()
        elif self.s3.process.poll() is None:
            self.s3.process.send_signal(signal.SIGCONT)
        else:
            self.s3.restart()


@contextlib.contextmanager
def running_endpoint(s3: S3, ttl: float) -> Iterator[tuple[int, int]]:
    """The port and process id of the endpoint, started as `make serve` does."""
    port = free_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    settings = {"MILK_ARTEFACTS": f"s3://{s3.bucket}", "MILK_S3_ENDPOINT": s3.endpoint, "MILK_CHAMPION_TTL": str(ttl)}
    as_in_the_image = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    settings |= {"MILK_STORE_TIMEOUT": "1", **as_in_the_image, **keys}
    with tempfile.TemporaryFile() as output:
        command = [sys.executable, "-m", "lambda_service", "--port", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **settings})
        try:
            wait_for(port, process)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--artefacts", type=Path, required=True, help="the artefact store of a demo: a folder")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--share", type=float, default=0.6, help="of the peak rate to send requests at")
    options = parser.parse_args()
    store = Store(options.artefacts)
    ttl = TTL_SECONDS * options.seconds / COMPRESSED_SECONDS
    manifests = {manifest["version"]: manifest for manifest in (store.manifest, store.baseline_manifest)}
    markets = {
        number: load_market(ArtefactReader(str(options.artefacts)), json.dumps(manifest).encode())
        for number, manifest in manifests.items()
    }
    with moto_s3("milk-load-artefacts") as s3:
        s3.put({**store.bundle_files(store.baseline_manifest["bundle"]), **served_files(store)})
        served = ServedVersions([(time.monotonic(), store.manifest["version"])])
        with running_endpoint(s3, ttl) as (port, pid):
            requests = Requests(store, markets, served, slack=2 * ttl + 2)
            _, peak = drive(port, requests, min(8.0, options.seconds / 4), None)
            disturber = Disturber(s3, manifests, served, options.seconds)
            cpu_before = cpu_seconds(pid)
            with sampled_memory(pid, options.seconds / 100) as memory:
                disturbing = threading.Thread(target=disturber.run)
                disturbing.start()
                results, rate = drive(port, requests, options.seconds, options.share * peak)
                cpu_ms = (cpu_seconds(pid) - cpu_before) / len(results.latencies) * 1e3
                disturbing.join()
    print("\n".join(disturber.log))
    print(f"peak {peak:.0f} requests/s; sent {rate:.0f} requests/s, {len(results.latencies)} in total, TTL {ttl:.1f} s")
    print(f"CPU time of the server: {cpu_ms:.2f} ms a request, including swaps")
    report(results, memory, options.seconds)


def report(results: LoadResults, memory: list[float], seconds: float) -> None:
    """Print the results; exit with 1 when an answer was wrong or memory grew."""
    outages = [(start * seconds, (end + 0.02) * seconds) for (start, _), (end, _) in (OUTAGES[:2], OUTAGES[2:4])]
    latencies = sorted(latency for _, latency in results.latencies)
    without_outages = sorted(
        latency for due, latency in results.latencies if not any(start <= due <= end for start, end in outages)
    )
    for period, values in (("while the store answers", without_outages), ("in total", latencies)):
        levels = {level: values[int(level / 100 * (len(values) - 1))] * 1e3 for level in (50, 99, 99.9, 100)}
        print(f"{period}: {', '.join(f'p{level:g} {milliseconds:.1f} ms' for level, milliseconds in levels.items())}")
    start, end = memory[len(memory) // 3], memory[-1]
    print(f"answers {dict(sorted(results.answers.items()))}, by version {dict(sorted(results.versions.items()))}")
    print(f"memory {start:.0f} MB after a third, {end:.0f} MB at the end, {max(memory):.0f} MB at most")
    print(f"wrong answers: {len(results.wrong)}", *results.wrong[:10], sep="\n")
    if results.wrong or end > start * (1 + MAX_MEMORY_GROWTH):
        sys.exit(f"FAILED: {len(results.wrong)} wrong answers, memory grew by {end / start - 1:.1%}")


if __name__ == "__main__":
    main()
