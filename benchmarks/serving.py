"""The endpoint beside the peer route, under AWS's own runtime emulator and runtime client: cold start, warm requests, memory.

    python -m venv /tmp/rie && /tmp/rie/bin/pip install aws-sam-cli                # brings the emulator's binary
    pip install --target /tmp/ric awslambdaric                                     # the runtime client of Lambda's images
    MILK_HOME=/tmp/milk python -m milk_assets demo --workbook Leche31032025.xlsx   # a champion to serve
    python -m benchmarks.serving --artefacts /tmp/milk/artefacts --ric /tmp/ric \\
        --rie /tmp/rie/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64 [--rounds 5] [--requests 400]

Belongs here: starting functions as Lambda does, timing them, and nothing that serves. All of it is on loopback; S3 is moto's server, in
a process of its own. Variants take turns, round by round and block by block, so that what disturbs one disturbs the other. A cold
start is the time from starting the emulator to the first answer, and the CPU time of the function's process until then.
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
from typing import Any

from benchmarks.artefacts import Store, free_port, http_event, moto_s3, served_files, wait_for

ROOT = Path(__file__).resolve().parent.parent
INVOKE = "/2015-03-31/functions/function/invocations"
BLOCK = 20  # requests of one kind in a row, as one function gets them: its code stays in the caches
PATIENCE = 60.0  # seconds for one answer
BOOT = "import sys, json, runpy; sys.path[:0] = json.loads(sys.argv.pop(1)); {before}runpy.run_module('awslambdaric', run_name='__main__')"
# the same endpoint on xgboost's own Python package, as before the lean loader
FULL = "import milk_model.xgboost_native as b; b._library = lambda: None; "


@dataclass(frozen=True)
class Variant:
    """A way to serve: what is on its path, its handler, its settings, and the event it is asked with."""

    name: str
    path: tuple[Path, ...]
    handler: str
    settings: Mapping[str, str]
    events: Mapping[str, Mapping[str, Any]]
    before: str = ""


@dataclass
class Function:
    """A function that runs under the emulator."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection

    def ask(self, event: Mapping[str, Any]) -> tuple[float, Any]:
        """Milliseconds, and the answer."""
        body = json.dumps(event)
        started = time.perf_counter()
        self.connection.request("POST", INVOKE, body)
        answer = self.connection.getresponse().read()
        took = (time.perf_counter() - started) * 1e3
        return took, json.loads(answer)

    @cached_property
    def pid(self) -> int:
        """The function's own process."""
        return descendants(self.process.pid)[0]

    def processor(self) -> float:
        """Milliseconds of CPU time of its main thread, which answers requests."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e6

    def usage(self) -> tuple[float, float]:
        """Resident megabytes and CPU milliseconds of the whole process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return memory, (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(variant: Variant, rie: Path) -> Iterator[tuple[Function, float]]:
    """The function, and milliseconds from nothing to its first answer."""
    address, api = free_port(), free_port()
    python = [sys.executable, "-S", "-c", BOOT.format(before=variant.before), json.dumps([str(place) for place in variant.path])]
    command = [str(rie), "--log-level", "error", "--runtime-interface-emulator-address", f"127.0.0.1:{address}"]
    command += ["--runtime-api-address", f"127.0.0.1:{api}", *python, variant.handler]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:  # an emulator whose output nobody takes hangs
        process = subprocess.Popen(command, cwd=variant.path[0], stdout=said, stderr=said, env=settings(variant))
        try:
            connection = connect(address, process)
            function = Function(process, connection)
            event = next(iter(variant.events.values()))
            _, answer = function.ask(event)
            cold = (time.perf_counter() - started) * 1e3
            if answer.get("statusCode") != 200:
                said.seek(0)
                raise SystemExit(f"{variant.name} answered {str(answer)[:600]}\n{said.read()[-3000:].decode(errors='replace')}")
            yield function, cold
            connection.close()
        finally:
            for pid in descendants(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            process.kill()
            process.wait(timeout=10)


def settings(variant: Variant) -> dict[str, str]:
    """What Lambda would set."""
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
    """Processes that one started, and those that they did."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def connect(port: int, process: subprocess.Popen[bytes]) -> http.client.HTTPConnection:
    """A connection to the emulator, as soon as it listens."""
    wait_for(port, process, PATIENCE)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def measure(variants: list[Variant], rie: Path, rounds: int, requests: int) -> None:
    """Print what each variant takes, and the ratios to the first."""
    colds: dict[str, list[tuple[float, float, float]]] = {variant.name: [] for variant in variants}
    for turn in range(rounds + 1):
        for variant in variants:
            with running(variant, rie) as (function, cold):
                memory, cpu = function.usage()
            if turn:  # the first fills the file cache
                colds[variant.name].append((cold, cpu, memory))
    warm: dict[str, list[tuple[float, float]]] = {}
    order = random.Random(1)
    with contextlib.ExitStack() as stack:
        functions = {variant.name: stack.enter_context(running(variant, rie))[0] for variant in variants}
        asks = [(variant.name, what, event) for variant in variants for what, event in variant.events.items()]
        for turn in range(-1, requests // BLOCK):
            for name, what, event in order.sample(asks, len(asks)):
                for _ in range(BLOCK):
                    before = functions[name].processor()
                    took, answer = functions[name].ask(event)
                    assert answer["statusCode"] == 200, answer
                    if turn >= 0:
                        warm.setdefault(f"{name}: {what}", []).append((took, functions[name].processor() - before))
        after = {name: function.usage()[0] for name, function in functions.items()}
    peer = variants[0].name
    print(f"cold start, {rounds} rounds: medians; ratios are medians of each round's")
    for name, values in colds.items():
        took, cpu, memory = (statistics.median(value[place] for value in values) for place in range(3))
        ratios = [statistics.median(p[n] / v[n] for p, v in zip(colds[peer], values, strict=True)) for n in (0, 1)]
        print(
            f"  {name:34} {took:7.0f} ms  CPU {cpu:6.0f} ms  {memory:4.0f} MB ({after[name]:.0f} MB after all)"
            f"  {ratios[0]:5.1f} x faster, {ratios[1]:5.1f} x less CPU"
        )
    print(f"warm, {requests} requests each, in blocks in random order; CPU is the function's own, without the emulator's")
    middles = {name: [statistics.median(value[n] for value in values) for n in (0, 1)] for name, values in warm.items()}
    base, floor = (
        next(value for name, value in middles.items() if name.startswith(start)) for start in (peer, variants[-1].name)
    )
    for name, (middle, cpu) in middles.items():
        late = quantile([took for took, _ in warm[name]], 0.99)
        net = f", {(base[0] - floor[0]) / (middle - floor[0]):5.1f} x net of `nothing`" if middle > floor[0] else ""
        print(
            f"  {name:60} p50 {middle:6.2f} ms  p99 {late:6.2f} ms  CPU {cpu:6.2f} ms"
            f"  {base[0] / middle:5.2f} x faster{net}, {base[1] / cpu:5.1f} x less CPU"
        )


def quantile(values: list[float], level: float) -> float:
    return sorted(values)[min(int(level * len(values)), len(values) - 1)]


def peer_model(files: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """Save the model's month booster as MLflow asks for it, with a signature, and return the event of one row."""
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
    parser.add_argument("--ric", type=Path, required=True, help="the folder that awslambdaric was installed into")
    parser.add_argument("--package", type=Path, help="a folder that `python -m deploy.lambda_package` made; without, it is made")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=400)
    asked = parser.parse_args()
    store = Store(asked.artefacts)
    site = Path(sysconfig.get_paths()["purelib"])
    with tempfile.TemporaryDirectory() as scratch, moto_s3("milk-benchmark-artefacts") as s3:
        package = asked.package or Path(scratch) / "package"
        if asked.package is None:
            subprocess.run([sys.executable, "-m", "deploy.lambda_package", "--out", str(package)], check=True, cwd=ROOT)
        files = served_files(store)
        peer = peer_model(files, Path(scratch) / "peer")
        s3.put(files)
        s3.put(
            {
                f"peer/{path.relative_to(Path(scratch) / 'peer')}": path.read_bytes()
                for path in (Path(scratch) / "peer").rglob("*")
                if path.is_file()
            }
        )
        shutil.copytree(ROOT / "benchmarks" / "peer_route", Path(scratch) / "route")
        common = {"MILK_S3_ENDPOINT": s3.endpoint, "MILK_ENV": "prod", "MILK_ARTEFACTS": f"s3://{s3.bucket}"}
        events = store.events()
        through = store.manifest["facts"]["trained_through"]
        print(f"model {store.manifest['bundle'][:12]}, trained through {through}; Python {sys.version.split()[0]}")
        variants = [
            Variant(
                "mlflow.pyfunc + boto3",
                (Path(scratch) / "route", asked.ric, site),
                "handler.handler",
                {**common, "PEER_BUCKET": s3.bucket, "PEER_FOLDER": str(Path(scratch) / "fetched")},
                {"one row": peer},
            ),
            Variant("the endpoint", (package, asked.ric), "lambda_service.handler.handler", common, events),
            Variant(
                "the endpoint by `import xgboost`",
                (ROOT, asked.ric, site),
                "lambda_service.handler.handler",
                common,
                events,
                FULL,
            ),
            Variant("nothing", (Path(scratch) / "route", asked.ric), "nothing.handler", {}, {"200": peer}),
        ]
        measure(variants, asked.rie, asked.rounds, asked.requests)


if __name__ == "__main__":
    main()
