"""Emulated cloud: MiniStack in its own process, the stacks that the CDK deployed to it, and HTTP requests to their APIs.

Belongs here: start, deployment and requests. Not here: assertions (`test_end_to_end.py`).
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

ACCOUNT, REGION = "000000000000", "us-east-1"  # defaults of the emulator
START_TIMEOUT = 60.0  # seconds
RESPONSE_TIMEOUT = 30.0  # seconds; on the first call of a function, the emulator starts a process
BIN = Path(sys.executable).parent


@dataclass
class Cloud:
    """A running emulator.

    Attributes:
        port: Its port on loopback.
        folder: Where the emulator and the CDK write all their files.
        process: The emulator's process.
        outputs: Stack → output → value, filled by `deploy`.
    """

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    outputs: dict[str, dict[str, str]]

    @property
    def url(self) -> str:
        """URL of the emulator."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of a process that uses the emulator."""
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
        """Stop the emulator; kill it after 20 seconds."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service of the emulator."""
        keys = {"aws_access_key_id": "of-a-test", "aws_secret_access_key": "of-a-test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def cdk(self, *arguments: str) -> None:
        """Run the real CDK command. Raises RuntimeError with its output if it fails."""
        command = [ROOT / "cdk" / "node_modules" / ".bin" / "cdk", *arguments, "--output", self.folder / "cdk.out"]
        environment = {**self.environment, "PYTHONPATH": str(ROOT), "CDK_DISABLE_VERSION_CHECK": "1"}
        folder = ROOT if "--app" in arguments else self.folder
        result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
        if result.returncode:
            raise RuntimeError(f"cdk {arguments[0]} failed\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")

    def deploy(self, *stacks: str, **context: str) -> None:
        """Deploy stacks and their dependencies, and read their outputs."""
        outputs_file = self.folder / "outputs.json"
        context_options = [word for name, value in context.items() for word in ("--context", f"{name}={value}")]
        app = ["--app", f"{sys.executable} -m cdk.app", "--require-approval", "never", "--outputs-file", str(outputs_file)]
        self.cdk("deploy", *stacks, *app, *context_options)
        self.outputs = json.loads(outputs_file.read_text())

    def token(self, scope: str | None = "milk/forecasts.read") -> str:
        """Fetch a token with the client of the deployed pool, as an integrator does."""
        stack = self.outputs["milk-staging-identity"]
        (pool,) = [value for name, value in stack.items() if "RefPool" in name and value.startswith(f"{REGION}_")]
        client = self.client("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=stack["ClientId"])[
            "UserPoolClient"
        ]
        secret = base64.b64encode(f"{client['ClientId']}:{client['ClientSecret']}".encode()).decode()
        form = urllib.parse.urlencode({"grant_type": "client_credentials", **({"scope": scope} if scope else {})})
        headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(f"{self.url}/oauth2/token", data=form.encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=RESPONSE_TIMEOUT) as response:
            return str(json.load(response)["access_token"])

    def request(self, api: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send an HTTP request to a deployed API.

        Args:
            api: `Tokens`, `Keys` or `Internal`.
            path: Path and query.
            body: JSON document for a POST; None for a GET.
            headers: Additional headers.

        Returns:
            Status code and JSON document.
        """
        api_id = self.outputs["milk-staging-api"][f"{api}Url"].split("//")[1].split(".")[0]
        # the emulator distinguishes APIs by the Host header
        all_headers = {"Host": f"{api_id}.execute-api.localhost:{self.port}", "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=all_headers)
        try:
            with urllib.request.urlopen(request, timeout=RESPONSE_TIMEOUT) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
            return error.code, json.loads(content) if content else None


def start(folder: Path) -> Cloud:
    """Start an emulator on a free loopback port and wait until it answers.

    Raises:
        RuntimeError: It does not answer within START_TIMEOUT; the message holds the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(folder),
    }
    log = folder / "emulator.log"
    with log.open("wb") as log_file:
        process = subprocess.Popen([BIN / "ministack"], env=environment, cwd=folder, stdout=log_file, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return Cloud(port, folder, process, {})
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise RuntimeError(f"the emulator did not answer within {START_TIMEOUT:g} s; its log ends with:\n{log.read_text()[-4000:]}")


def pack(folder: Path, python: str) -> Path:
    """Write the folder of a zip function: the endpoint's code and its locked dependencies."""
    lock = ROOT / "requirements" / "serving.txt"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--no-compile"]
    subprocess.run([python, *install, "--target", folder, "-r", lock], check=True, timeout=300)
    for package in ("milk_model", "lambda_service"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "Dockerfile*"))
    return folder
