"""The endpoint under load, while versions are swapped beneath it and its S3 hangs, dies and comes back.

    MILK_HOME=/tmp/milk python -m milk_assets demo --workbook Leche31032025.xlsx   # a champion to serve
    python -m benchmarks.load --artefacts /tmp/milk/artefacts [--seconds 180] [--share 0.6]

Belongs here: requests, a timetable of disturbances, and the judgement on every answer. Half an hour is compressed: the TTL of a minute,
and the times between promotions, shrink as the run does. The server is the process that `make serve` starts, on one port of loopback;
moto's server is its S3. Its peak rate is measured first, then requests come at a share of it whether or not it keeps up, and take
time from when they were due. Every answer is compared with what its version forecasts; the exit code is 1 where one was wrong.
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
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service.serving.champion import load as load_market
from lambda_service.serving.scored_market import ScoredMarket
from milk_model.artefact_paths import SERVED

CLIENTS = 6
COMPRESSED = 1800.0  # seconds that a run stands for
TTL = 60.0  # seconds of the product's own; shrinks with the run
# when what happens, in shares of a run
SWAPS = (0.04, 0.10, 0.16, 0.22, 0.28, 0.52, 0.57, 0.62, 0.93, 0.97)
OUTAGES = ((0.36, "S3 hangs"), (0.42, "S3 is back"), (0.70, "S3 is dead"), (0.78, "S3 is back"))
OUTAGES += ((0.86, "corrupt manifest"), (0.90, "manifest mended"))
GROWTH = 0.05  # of resident memory between a third of a run, by when all is loaded once, and its end that still counts as flat
Judge = Callable[[int, bytes], str | None]  # of a status and a body: what is wrong with them
Ask = tuple[str, str, str | None, Judge]  # method, path, body


@dataclass
class Served:
    """Which version the store has named, from when on."""

    changes: list[tuple[float, int]]

    def allowed(self, since: float, until: float) -> set[int]:
        """The versions that were named at some time between the two."""
        before = [version for at, version in self.changes if at <= since] or [self.changes[0][1]]
        return {before[-1]} | {version for at, version in self.changes if since < at <= until}


@dataclass
class Tally:
    """What came back."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took: list[tuple[float, float]] = field(default_factory=list)  # seconds: since the start when due, until answered
    versions: Counter[int] = field(default_factory=Counter)


class Requests:
    """Requests of many kinds, each with the judge of its answer."""

    def __init__(self, store: Store, markets: dict[int, Market], served: Served, slack: float) -> None:
        self._store, self._markets, self._served, self._slack = store, markets, served, slack
        self._series = {column["key"]: column for column in store.city_series()}
        self._keys = list(self._series)
        self._own = {version: {} for version in markets}
        some = self._keys[:: max(len(self._keys) // 20, 1)]
        day = next(iter(markets.values())).snapshot.dates[-1]
        for version, market in markets.items():  # own prices, scored once for each version
            prices = {key: round(market.forecasts[key]["last_price"] + 0.5, 2) for key in some}
            scored = market.from_own([(key, {day: price}) for key, price in prices.items()])
            self._own[version] = {key: (prices[key], answer) for key, answer in zip(some, scored, strict=True)}
        self._some = some
        self._proven: dict[tuple[str, bytes], int] = {}

    def draw(self, random_: random.Random) -> Ask:
        """The next request: nine in ten of them as callers send them, the rest what goes wrong or weighs more."""
        key = random_.choice(self._keys)
        kind = random_.random()
        if kind < 0.55:
            return "GET", f"/v1/forecasts/{key}", None, self._forecast(key)
        if kind < 0.90:
            return "POST", "/predict", json.dumps(self._store.payload(self._series[key])), self._predicted(key)
        if kind < 0.92:
            return self._with_own(random_.choice(self._some))
        if kind < 0.94:
            keys = random_.sample(self._keys, 10)
            return "POST", "/v1/forecasts", json.dumps({"items": [{"series": key} for key in keys]}), self._batch(keys)
        if kind < 0.96:
            return "GET", "/v1/forecasts/jalisco/atlantis/uht/store", None, expect(404)
        if kind < 0.98:
            return "POST", "/predict", '{"Estado": NaN', expect(422)
        if kind < 0.99:
            return "GET", "/v1/reports/latest", None, expect(404, 503)  # asked for: there is none, and no store for a while
        return "GET", "/v1/health", None, expect(200)

    def _forecast(self, key: str) -> Judge:
        return self._judge(
            f"forecast {key}",
            lambda market, answer: _same(answer, market.forecasts[key]),
            lambda answer: answer["model"]["version"],
        )

    def _predicted(self, key: str) -> Judge:
        def same(market: Market, answer: Any) -> bool:
            truth = market.forecasts[key]["publications"][0]
            return answer["series"] == key and all(answer[a] == truth[b] for a, b in FIGURES)

        return self._judge(f"predict {key}", same, lambda answer: answer["model_version"])

    def _with_own(self, key: str) -> Ask:
        price = next(iter(self._own.values()))[key][0]
        body = json.dumps(self._store.payload(self._series[key], price))

        def same(market: Market, answer: Any) -> bool:
            truth = self._own[market.manifest["version"]][key][1]["publications"][0]
            return answer["based_on"] == "own prices" and all(answer[a] == truth[b] for a, b in FIGURES)

        return "POST", "/predict", body, self._judge(f"own {key}", same, lambda answer: answer["model_version"])

    def _batch(self, keys: list[str]) -> Judge:
        def same(market: Market, answer: Any) -> bool:
            return all(_same(item["forecasts"], market.forecasts[key]) for key, item in zip(keys, answer["items"], strict=True))

        return self._judge(f"batch {keys}", same, lambda answer: answer["model"]["version"])

    def _judge(self, what: str, same: Callable[[Market, Any], bool], version_of: Callable[[Any], int]) -> Judge:
        sent = time.monotonic()

        def judge(status: int, content: bytes) -> str | None:
            if status != 200:
                return f"status {status}: {content[:200]!r}"
            version = self._proven.get((what, content))  # the same bytes to the same question are not compared again
            if version is None:
                answer = json.loads(content)
                version = version_of(answer)
                if version not in self._markets or not same(self._markets[version], answer):
                    return f"version {version} forecasts otherwise: {content[:200]!r}"
                self._proven[what, content] = version
            allowed = self._served.allowed(sent - self._slack, time.monotonic())
            if version not in allowed:
                return f"version {version}, while the store named {sorted(allowed)}"
            return None

        return judge


FIGURES = (
    ("predicted_price", "forecast"),
    *((name, name) for name in ("lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")),
)


def _same(answer: Any, truth: Any) -> bool:
    """Every figure of every target, to the last digit: JSON loses none."""
    return all(answer[part] == truth[part] for part in ("last_price", "publications", "months"))


def expect(*statuses: int) -> Judge:
    """A judge that asks for one of some statuses."""
    return lambda status, content: None if status in statuses else f"status {status}, expected {statuses}: {content[:200]!r}"


def drive(port: int, requests: Requests, seconds: float, rate: float | None) -> tuple[Tally, float]:
    """Send requests from some clients at once: at a rate, or each as soon as its last is answered. Returns the answers a second."""
    tally, lock, numbers = Tally(), threading.Lock(), itertools.count()
    started = time.monotonic()
    until = started + seconds

    def client(seed: int) -> None:
        random_, connection = random.Random(seed), http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            due = started + next(numbers) / rate if rate else time.monotonic()
            if due >= until:
                return
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            method, path, body, judge = requests.draw(random_)
            try:
                connection.request(method, path, body, {"content-type": "application/json"} if body else {})
                answer = connection.getresponse()
                content = answer.read()
                took = time.monotonic() - due
                problem = judge(answer.status, content)
                version = answer.getheader("x-model-version")
                outcome = str(answer.status)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                took, version, outcome, problem = time.monotonic() - due, None, "no answer", f"{type(error).__name__}: {error}"
                connection.close()
            with lock:
                tally.answers[outcome] += 1
                tally.took.append((due - started, took))
                if version:
                    tally.versions[int(version)] += 1
                if problem:
                    tally.wrong.append(f"{time.monotonic() - started:6.1f} s {method} {path}: {problem}")

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally, len(tally.took) / (time.monotonic() - started)


@dataclass
class Disturber:
    """Carries out the timetable, in a thread. An outage begins when the last swap is served, and ends well before the next."""

    s3: S3
    manifests: dict[int, dict[str, Any]]
    served: Served
    seconds: float
    log: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Promotions and rollbacks all along; S3 hangs, dies, and names a bundle that is not there, each for a while."""
        started = time.monotonic()
        for share, what in sorted([*((share, "swap") for share in SWAPS), *OUTAGES]):
            time.sleep(max(0.0, started + share * self.seconds - time.monotonic()))
            self._do(what)
            self.log.append(f"{time.monotonic() - started:6.1f} s {what}, version {self.served.changes[-1][1]}")

    def _do(self, what: str) -> None:
        version = self.served.changes[-1][1]
        if what == "swap":
            version = next(other for other in self.manifests if other != version)
            self.s3.put({SERVED: json.dumps(self.manifests[version]).encode()})
            self.served.changes.append((time.monotonic(), version))
        elif "manifest" in what:
            broken = {"version": 666, "bundle": "0" * 64} if what == "corrupt manifest" else {}
            self.s3.put({SERVED: json.dumps({**self.manifests[version], **broken}).encode()})
        elif what == "S3 hangs":
            self.s3.process.send_signal(signal.SIGSTOP)
        elif what == "S3 is dead":
            self.s3.close()
        elif self.s3.process.poll() is None:
            self.s3.process.send_signal(signal.SIGCONT)
        else:
            self.s3.restart()


def resident(pid: int) -> float:
    """Megabytes of a process in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def processor(pid: int) -> float:
    """Seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(s3: S3, ttl: float) -> Iterator[tuple[int, int]]:
    """The port and the process of the endpoint, as `make serve` starts it."""
    port = free_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    settings = {"MILK_ARTEFACTS": f"s3://{s3.bucket}", "MILK_S3_ENDPOINT": s3.endpoint, "MILK_CHAMPION_TTL": str(ttl)}
    settings |= {
        "MILK_STORE_TIMEOUT": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        **keys,
    }  # the last two as in the image
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "lambda_service", "--port", str(port)]
        process = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, **settings})
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
    parser.add_argument("--share", type=float, default=0.6, help="of the peak rate")
    asked = parser.parse_args()
    store = Store(asked.artefacts)
    ttl = TTL * asked.seconds / COMPRESSED
    manifests = {manifest["version"]: manifest for manifest in (store.manifest, store.other)}
    markets = {v: load_market(Source(str(asked.artefacts)), json.dumps(manifest).encode()) for v, manifest in manifests.items()}
    with moto_s3("milk-load-artefacts") as s3:
        s3.put({**store.bundle_files(store.other["bundle"]), **served_files(store)})
        served = Served([(time.monotonic(), store.manifest["version"])])
        with serving(s3, ttl) as (port, pid):
            requests = Requests(store, markets, served, slack=2 * ttl + 2)
            _, peak = drive(port, requests, min(8.0, asked.seconds / 4), None)
            disturber = Disturber(s3, manifests, served, asked.seconds)
            memory: list[float] = []
            over = threading.Event()

            def watch() -> None:
                while not over.wait(asked.seconds / 100):
                    memory.append(resident(pid))

            watchers = [threading.Thread(target=disturber.run), threading.Thread(target=watch)]
            for thread in watchers:
                thread.start()
            before = processor(pid)
            tally, rate = drive(port, requests, asked.seconds, asked.share * peak)
            spent = (processor(pid) - before) / len(tally.took) * 1e3
            over.set()
            for thread in watchers:
                thread.join()
    print("\n".join(disturber.log))
    print(f"peak {peak:.0f} requests/s; held {rate:.0f} requests/s, {len(tally.took)} in all, TTL {ttl:.1f} s")
    print(f"the server's CPU time {spent:.2f} ms a request, swaps included")
    report(tally, memory, asked.seconds)


def report(tally: Tally, memory: list[float], seconds: float) -> None:
    """Print what came of it; exit with 1 where that is not what was promised."""
    down = [(start * seconds, (end + 0.02) * seconds) for (start, _), (end, _) in (OUTAGES[:2], OUTAGES[2:4])]
    quiet = [took for due, took in tally.took if not any(start <= due <= end for start, end in down)]
    for what, values in (("while the store answers", sorted(quiet)), ("all in all", sorted(took for _, took in tally.took))):
        late = ", ".join(
            f"p{level:g} {values[int(level / 100 * (len(values) - 1))] * 1e3:.1f} ms" for level in (50, 99, 99.9, 100)
        )
        print(f"{what}: {late}")
    start, end = memory[len(memory) // 3], memory[-1]
    print(f"answers {dict(sorted(tally.answers.items()))}, by version {dict(sorted(tally.versions.items()))}")
    print(f"memory {start:.0f} MB after a third, {end:.0f} MB at the end, {max(memory):.0f} MB at most")
    print(f"wrong or unasked-for answers: {len(tally.wrong)}", *tally.wrong[:10], sep="\n")
    if tally.wrong or end > start * (1 + GROWTH):
        sys.exit(f"FAILED: {len(tally.wrong)} wrong answers, memory grew by {end / start - 1:.1%}")


if __name__ == "__main__":
    main()
