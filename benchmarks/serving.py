"""Serving: the endpoint and the peer route under AWS's runtime emulator and runtime client: cold start, warm requests, memory.

    python -m venv /tmp/rie && /tmp/rie/bin/pip install aws-sam-cli                # brings the emulator's binary
    pip install --target /tmp/ric awslambdaric                                     # the runtime client of Lambda's images
    MILK_HOME=/tmp/milk milk demo --workbook Leche31032025.xlsx   # a champion to serve
    python -m benchmarks.serving --artefacts /tmp/milk/artefacts --ric /tmp/ric \\
        --rie /tmp/rie/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64 [--rounds 5] [--requests 400]

Belongs here: starting functions as Lambda does, and timing them. Not here: the handlers. Everything runs on loopback; S3 is moto's server
in a separate process. Variants take turns, round by round and block by block, so that other load on the machine affects all of them. A
cold start is the time from starting the emulator to the first answer, and the CPU time of the function's process until then.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.artefacts import S3, Store, free_port, http_event, moto_s3, served_files, wait_for
from benchmarks.process_usage import cpu_seconds, resident_memory

ROOT = Path(__file__).resolve().parent.parent
INVOKE = "/2015-03-31/functions/function/invocations"
BLOCK_SIZE = 20  # requests of one kind in a row, as one function gets them, so that its code stays in the CPU caches
ANSWER_TIMEOUT_SECONDS = 60.0
BOOT = "import sys, json, runpy; sys.path[:0] = json.loads(sys.argv.pop(1)); {before}runpy.run_module('awslambdaric', run_name='__main__')"
# the same endpoint on xgboost's Python package instead of the native loader
USE_XGBOOST_PACKAGE = "import milk_model.xgboost_native as b; b._library = lambda: None; "


@dataclass(frozen=True)
class Variant:
    """A way to serve: its Python path, its handler, its settings, and the events to send."""

    name: str
    path: tuple[Path, ...]
    handler: str
    settings: Mapping[str, str]
    events: Mapping[str, Mapping[str, Any]]
    before: str = ""


@dataclass
class Function:
    """A function that is running under the emulator."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection

    def invoke(self, event: Mapping[str, Any]) -> tuple[float, Any]:
        """Milliseconds until the answer, and the answer."""
        body = json.dumps(event)
        started = time.perf_counter()
        self.connection.request("POST", INVOKE, body)
        answer = self.connection.getresponse().read()
        milliseconds = (time.perf_counter() - started) * 1e3
        return milliseconds, json.loads(answer)

    @cached_property
    def pid(self) -> int:
        """The process of the function itself."""
        return descendants(self.process.pid)[0]

    def main_thread_cpu(self) -> float:
        """Milliseconds of CPU time of the main thread, which answers requests."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e6

    def usage(self) -> tuple[float, float]:
        """Resident megabytes and CPU milliseconds of the whole process."""
        return resident_memory(self.pid), cpu_seconds(self.pid) * 1e3


class ColdStart(NamedTuple):
    """One cold start: wall milliseconds, CPU milliseconds, and megabytes after the first answer."""

    milliseconds: float
    cpu: float
    memory: float


class WarmRequest(NamedTuple):
    """One warm request: wall milliseconds, and CPU milliseconds of the function's main thread."""

    milliseconds: float
    cpu: float


@contextlib.contextmanager
def running(variant: Variant, rie: Path) -> Iterator[tuple[Function, float]]:
    """A running function, and the milliseconds from its start to the first answer."""
    address, api = free_port(), free_port()
    python = [
        sys.executable,
        "-S",
        "-c",
        BOOT.format(before=variant.before),
        json.dumps([str(folder) for folder in variant.path]),
    ]
    command = [str(rie), "--log-level", "error", "--runtime-interface-emulator-address", f"127.0.0.1:{address}"]
    command += ["--runtime-api-address", f"127.0.0.1:{api}", *python, variant.handler]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:  # the emulator hangs when its output is a pipe that is not read
        process = subprocess.Popen(command, cwd=variant.path[0], stdout=output, stderr=output, env=lambda_environment(variant))
        try:
            connection = connect(address, process)
            function = Function(process, connection)
            event = next(iter(variant.events.values()))
            _, answer = function.invoke(event)
            cold = (time.perf_counter() - started) * 1e3
            if answer.get("statusCode") != 200:
                output.seek(0)
                raise SystemExit(f"{variant.name} answered {str(answer)[:600]}\n{output.read()[-3000:].decode(errors='replace')}")
            yield function, cold
            connection.close()
        finally:
            for pid in descendants(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            process.kill()
            process.wait(timeout=10)


def lambda_environment(variant: Variant) -> dict[str, str]:
    """The environment variables that Lambda sets, and those of the variant."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": tempfile.gettempdir(),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # pragma: allowlist secret
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "milk",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "POWERTOOLS_SERVICE_NAME": "milk",
        "POWERTOOLS_METRICS_NAMESPACE": "milk",
        **variant.settings,
    }


def descendants(pid: int) -> list[int]:
    """The child processes of a process, and their children."""
    pids: list[int] = []
    with contextlib.suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += [int(child), *descendants(int(child))]
    return pids


def connect(port: int, process: subprocess.Popen[bytes]) -> http.client.HTTPConnection:
    """A connection to the emulator, opened as soon as it listens."""
    wait_for(port, process, ANSWER_TIMEOUT_SECONDS)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT_SECONDS)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def measure(variants: list[Variant], rie: Path, rounds: int, requests: int) -> None:
    """Measure cold starts and warm requests of each variant, and print them with their ratios to the first variant."""
    cold_starts = measure_cold_starts(variants, rie, rounds)
    warm, memory_after = measure_warm_requests(variants, rie, requests)
    print(f"cold start, {rounds} rounds: medians; ratios are medians of each round's")
    report_cold_starts(cold_starts, memory_after)
    print(f"warm, {requests} requests each, in blocks in random order; CPU is the function's own, without the emulator's")
    report_warm_requests(warm, peer=variants[0].name, floor=variants[-1].name)


def measure_cold_starts(variants: list[Variant], rie: Path, rounds: int) -> dict[str, list[ColdStart]]:
    """The cold starts of each variant, one per round. One more round before them fills the file cache."""
    cold_starts: dict[str, list[ColdStart]] = {variant.name: [] for variant in variants}
    for number in range(rounds + 1):
        for variant in variants:
            with running(variant, rie) as (function, milliseconds):
                memory, cpu = function.usage()
            if number:
                cold_starts[variant.name].append(ColdStart(milliseconds, cpu, memory))
    return cold_starts


def measure_warm_requests(
    variants: list[Variant], rie: Path, requests: int
) -> tuple[dict[str, list[WarmRequest]], dict[str, float]]:
    """The warm requests of each variant and event, by "variant: event", and megabytes of each variant afterwards."""
    warm: dict[str, list[WarmRequest]] = {}
    order = random.Random(1)
    with contextlib.ExitStack() as stack:
        functions = {variant.name: stack.enter_context(running(variant, rie))[0] for variant in variants}
        blocks = [(variant.name, kind, event) for variant in variants for kind, event in variant.events.items()]
        for number in range(-1, requests // BLOCK_SIZE):  # the first block of each only warms up
            for name, kind, event in order.sample(blocks, len(blocks)):
                for _ in range(BLOCK_SIZE):
                    cpu_before = functions[name].main_thread_cpu()
                    milliseconds, answer = functions[name].invoke(event)
                    assert answer["statusCode"] == 200, answer
                    if number >= 0:
                        cpu = functions[name].main_thread_cpu() - cpu_before
                        warm.setdefault(f"{name}: {kind}", []).append(WarmRequest(milliseconds, cpu))
        memory_after = {name: function.usage()[0] for name, function in functions.items()}
    return warm, memory_after


def report_cold_starts(cold_starts: Mapping[str, list[ColdStart]], memory_after: Mapping[str, float]) -> None:
    """Print the medians of each variant's cold starts, and the ratios to the first variant's."""
    peer = next(iter(cold_starts.values()))
    for name, starts in cold_starts.items():
        milliseconds, cpu, memory = (statistics.median(values) for values in zip(*starts, strict=True))
        pairs = list(zip(peer, starts, strict=True))
        faster = statistics.median(other.milliseconds / start.milliseconds for other, start in pairs)
        less_cpu = statistics.median(other.cpu / start.cpu for other, start in pairs)
        print(
            f"  {name:34} {milliseconds:7.0f} ms  CPU {cpu:6.0f} ms  {memory:4.0f} MB ({memory_after[name]:.0f} MB at the end)"
            f"  {faster:5.1f} x faster, {less_cpu:5.1f} x less CPU"
        )


def report_warm_requests(warm: Mapping[str, list[WarmRequest]], peer: str, floor: str) -> None:
    """Print the medians of each variant and event, and the ratios to the peer's. floor: the variant that does nothing."""
    medians = {
        name: WarmRequest(*(statistics.median(values) for values in zip(*taken, strict=True))) for name, taken in warm.items()
    }
    base = next(median for name, median in medians.items() if name.startswith(peer))
    nothing = next(median for name, median in medians.items() if name.startswith(floor)).milliseconds
    for name, (milliseconds, cpu) in medians.items():
        p99 = quantile([request.milliseconds for request in warm[name]], 0.99)
        net = ""
        if milliseconds > nothing:
            net = f", {(base.milliseconds - nothing) / (milliseconds - nothing):5.1f} x net of `nothing`"
        print(
            f"  {name:60} p50 {milliseconds:6.2f} ms  p99 {p99:6.2f} ms  CPU {cpu:6.2f} ms"
            f"  {base.milliseconds / milliseconds:5.2f} x faster{net}, {base.cpu / cpu:5.1f} x less CPU"
        )


def quantile(values: list[float], level: float) -> float:
    return sorted(values)[min(int(level * len(values)), len(values) - 1)]


def peer_model(files: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """Save the model's month booster with MLflow and a signature, and return the event of one row."""
    import mlflow.xgboost
    import pandas as pd
    import xgboost
    from mlflow.models import infer_signature

    from milk_model.features import FEATURES, TARGET_FEATURES

    names = [*FEATURES, *TARGET_FEATURES]
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(next(c for n, c in files.items() if n.endswith("month.ubj"))))
    booster.feature_names = names
    row = dict.fromkeys(names, 0.5)
    table = pd.DataFrame([row]).astype("float32")
    signature = infer_signature(table, booster.predict(xgboost.DMatrix(table)))
    mlflow.xgboost.save_model(booster, str(folder), signature=signature)
    return http_event("POST", "/predict", [row])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--artefacts", type=Path, required=True, help="the artefact store of a demo: a folder")
    parser.add_argument("--rie", type=Path, required=True, help="the emulator's binary")
    parser.add_argument("--ric", type=Path, required=True, help="the folder with awslambdaric")
    parser.add_argument(
        "--package", type=Path, help="a folder that `python -m deploy.lambda_package` built; by default it is built now"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=400)
    options = parser.parse_args()
    store = Store(options.artefacts)
    with tempfile.TemporaryDirectory() as scratch, moto_s3("milk-benchmark-artefacts") as s3:
        package = options.package or Path(scratch) / "package"
        if options.package is None:
            subprocess.run([sys.executable, "-m", "deploy.lambda_package", "--out", str(package)], check=True, cwd=ROOT)
        trained_through = store.manifest["facts"]["trained_through"]
        print(f"model {store.manifest['bundle'][:12]}, trained through {trained_through}; Python {sys.version.split()[0]}")
        variants = build_variants(store, s3, Path(scratch), package, options.ric)
        measure(variants, options.rie, options.rounds, options.requests)


def build_variants(store: Store, s3: S3, scratch: Path, package: Path, ric: Path) -> list[Variant]:
    """The peer route first, then the endpoint in two variants, and a handler that does nothing last.

    Args:
        store: the artefacts to serve, which are copied to S3.
        s3: the server that the functions read from.
        scratch: an empty folder.
        package: the endpoint's package.
        ric: the folder with the runtime client.
    """
    site = Path(sysconfig.get_paths()["purelib"])
    files = served_files(store)
    peer_event = peer_model(files, scratch / "peer")
    s3.put(files)
    peer_files = [path for path in (scratch / "peer").rglob("*") if path.is_file()]
    s3.put({f"peer/{path.relative_to(scratch / 'peer')}": path.read_bytes() for path in peer_files})
    route = scratch / "route"
    shutil.copytree(ROOT / "benchmarks" / "peer_route", route)
    common = {"MILK_S3_ENDPOINT": s3.endpoint, "MILK_ENV": "prod", "MILK_ARTEFACTS": f"s3://{s3.bucket}"}
    peer_settings = {**common, "PEER_BUCKET": s3.bucket, "PEER_FOLDER": str(scratch / "downloaded")}
    endpoint, events = "lambda_service.handler.handler", store.events()
    return [
        Variant("mlflow.pyfunc + boto3", (route, ric, site), "handler.handler", peer_settings, {"one row": peer_event}),
        Variant("the endpoint", (package, ric), endpoint, common, events),
        Variant("the endpoint by `import xgboost`", (ROOT, ric, site), endpoint, common, events, USE_XGBOOST_PACKAGE),
        Variant("nothing", (route, ric), "nothing.handler", {}, {"200": peer_event}),
    ]


if __name__ == "__main__":
    main()
