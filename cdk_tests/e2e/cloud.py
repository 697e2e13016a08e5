"""An AWS on this machine: MiniStack as a process of its own, what the CDK deployed to it, and HTTP to the APIs.

Belongs here: starting, deploying, asking. What is asked is the tests'.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from cdk_tests.conftest import ROOT

ACCOUNT, REGION = "000000000000", "us-east-1"  # the emulator's own
START_WITHIN = 60.0  # seconds
PATIENCE = 30.0  # seconds for an answer: the emulator starts a process for a function's first
BIN = Path(sys.executable).parent


@dataclass
class Cloud:
    """A running emulator. folder: everything it and the CDK write. outputs: stack → output → value, once deployed."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    outputs: dict[str, dict[str, str]]

    @property
    def url(self) -> str:
        """The emulator's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a process that works against the emulator."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "of-a-test",
            "AWS_SECRET_ACCESS_KEY": "of-a-test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CI": "true",
        }

    def stop(self) -> None:
        """End the emulator; one that is still at work is not waited for."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        keys = {"aws_access_key_id": "of-a-test", "aws_secret_access_key": "of-a-test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def cdk(self, *words: str) -> None:
        """Run the real CDK command; what it says when it fails is raised."""
        command = [ROOT / "cdk" / "node_modules" / ".bin" / "cdk", *words, "--output", self.folder / "cdk.out"]
        told = {**self.settings, "PYTHONPATH": str(ROOT), "CDK_DISABLE_VERSION_CHECK": "1"}
        inside = ROOT if "--app" in words else self.folder
        done = subprocess.run(command, env=told, cwd=inside, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"cdk {words[0]} failed\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")

    def deploy(self, *stacks: str, **context: str) -> None:
        """Deploy stacks and those they stand on, and read what they say of themselves."""
        said = self.folder / "outputs.json"
        given = [word for name, value in context.items() for word in ("--context", f"{name}={value}")]
        app = ["--app", f"{sys.executable} -m cdk.app", "--require-approval", "never", "--outputs-file", str(said)]
        self.cdk("deploy", *stacks, *app, *given)
        self.outputs = json.loads(said.read_text())

    def token(self, scope: str | None = "milk/forecasts.read") -> str:
        """A token of the deployed pool's client, as an integrator gets one."""
        stack = self.outputs["milk-staging-identity"]
        (pool,) = [value for name, value in stack.items() if "RefPool" in name and value.startswith(f"{REGION}_")]
        client = self.client("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=stack["ClientId"])[
            "UserPoolClient"
        ]
        secret = base64.b64encode(f"{client['ClientId']}:{client['ClientSecret']}".encode()).decode()
        form = urllib.parse.urlencode({"grant_type": "client_credentials", **({"scope": scope} if scope else {})})
        headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/x-www-form-urlencoded"}
        asked = urllib.request.Request(f"{self.url}/oauth2/token", data=form.encode(), headers=headers)
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return str(json.load(answer)["access_token"])

    def ask(self, way_in: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask a deployed API over HTTP: GET, or POST with a body. way_in: `Tokens`, `Keys` or `Internal`. Returns status and document."""
        api = self.outputs["milk-staging-api"][f"{way_in}Url"].split("//")[1].split(".")[0]
        # the emulator tells APIs apart by the host that is asked for
        told = {"Host": f"{api}.execute-api.localhost:{self.port}", "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data=data, headers=told)
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
            return error.code, json.loads(content) if content else None


def start(folder: Path) -> Cloud:
    """Start an emulator on a free port of loopback and wait until it answers. Raises RuntimeError with its log where it does not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "TMPDIR": str(folder)}
    log = folder / "emulator.log"
    with log.open("wb") as said:
        process = subprocess.Popen([BIN / "ministack"], env=told, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return Cloud(port, folder, process, {})
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise RuntimeError(f"the emulator does not answer\n{log.read_text()[-4000:]}")


def pack(folder: Path, python: str) -> Path:
    """The endpoint's folder as a zip function has it: its code, and its dependencies from their lock, nothing else of this machine."""
    lock = ROOT / "requirements" / "serving.txt"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--no-compile"]
    subprocess.run([python, *install, "--target", folder, "-r", lock], check=True, timeout=300)
    for package in ("milk_model", "lambda_service"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "Dockerfile*"))
    return folder
