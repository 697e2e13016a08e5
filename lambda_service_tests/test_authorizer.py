"""The key authorizer: callers with a valid key pass, all others do not, and no secret is revealed."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lambda_service import authorizer
from lambda_service.api.api_keys import hash_of, is_valid_key, parse_hashes

KEY, OTHER = "a-key-of-an-integrator", "another-key"


@pytest.fixture(autouse=True)
def fresh_authorizer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (authorizer.HASHES_VARIABLE, authorizer.SECRET_VARIABLE, authorizer.PARAMETER_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(authorizer, "key_hashes", authorizer.KeyHashCache())


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"AWS_ENDPOINT_URL": emulator, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**settings, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)


def request(key: str | None, header: str = "x-api-key") -> dict[str, object]:
    headers = {} if key is None else {header: key}
    return {"version": "2.0", "type": "REQUEST", "routeKey": "GET /v1/model", "headers": headers, "identitySource": [key]}


@pytest.mark.parametrize("key", [KEY, OTHER, "clave-con-ñ"])
def test_a_valid_key_is_authorized(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(authorizer.HASHES_VARIABLE, f"{hash_of(KEY)}, {hash_of(OTHER).upper()}\n{hash_of('clave-con-ñ')}")
    assert authorizer.handler(request(key)) == {"isAuthorized": True}
    assert authorizer.handler(request(key, header="X-Api-Key")) == {"isAuthorized": True}


@pytest.mark.parametrize(
    "key", [None, "", "a-key-of-an-integrato", KEY + " ", KEY.upper(), hash_of(KEY), "\udcff", "x" * 1_000_000]
)
def test_any_other_key_is_not_authorized(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(authorizer.HASHES_VARIABLE, hash_of(KEY))
    assert authorizer.handler(request(key)) == {"isAuthorized": False}


def test_a_request_without_headers_is_not_authorized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(authorizer.HASHES_VARIABLE, hash_of(KEY))
    assert authorizer.handler({"version": "2.0"}) == {"isAuthorized": False}
    assert authorizer.handler({"version": "2.0", "headers": None}) == {"isAuthorized": False}


def test_a_key_is_compared_with_every_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    monkeypatch.setattr(
        "lambda_service.api.api_keys.hmac.compare_digest", lambda one, other: bool(compared.append(other)) or one == other
    )
    hashes = [hash_of(KEY), hash_of(OTHER), hash_of("third")]
    assert is_valid_key(KEY, hashes)
    assert compared == hashes


def test_without_hashes_no_key_is_valid() -> None:
    assert not is_valid_key(KEY, [])
    assert not is_valid_key("", [hash_of("")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one API key hash"),
        (" ,\n", "at least one API key hash"),
        (f"{'0' * 64},{KEY}", "hash 2 of 2 has 22 characters"),
        (f'{{"dairy": "{KEY}"}}', "hash 1 of 1"),
        (f'{{"dairy": {KEY}', "JSON object"),
    ],
)
def test_text_that_is_not_a_hash_is_rejected_and_not_repeated(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        parse_hashes(text)
    assert KEY not in str(raised.value)


def test_hashes_can_be_a_json_object_by_key_holder() -> None:
    assert parse_hashes(f'{{"a dairy": "{hash_of(KEY)}", "a buyer": "{hash_of(OTHER)}"}}') == {hash_of(KEY), hash_of(OTHER)}


def test_hashes_are_read_from_a_secret_and_from_a_parameter(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("secretsmanager").create_secret(Name="milk/keys", SecretString=hash_of(KEY))
    boto3.client("ssm").put_parameter(Name="/milk/keys", Value=f"{hash_of(OTHER)}", Type="SecureString")
    monkeypatch.setenv(authorizer.PARAMETER_VARIABLE, "/milk/keys")
    assert [authorizer.handler(request(key))["isAuthorized"] for key in (KEY, OTHER)] == [False, True]
    monkeypatch.setattr(authorizer, "key_hashes", authorizer.KeyHashCache())
    monkeypatch.setenv(authorizer.SECRET_VARIABLE, "milk/keys")
    assert [authorizer.handler(request(key))["isAuthorized"] for key in (KEY, OTHER)] == [True, False]


def test_the_store_is_read_once_per_cache_time_and_a_revoked_key_expires_then(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    answers = iter([hash_of(KEY), hash_of(OTHER)])

    def read_hashes() -> str:
        reads.append("once")
        return next(answers)

    monkeypatch.setattr(authorizer, "_read_hashes", read_hashes)
    hashes = authorizer.KeyHashCache()
    assert hashes.current(0.0) == hashes.current(authorizer.CACHE_SECONDS - 1) == {hash_of(KEY)}
    assert len(reads) == 1
    assert hashes.current(authorizer.CACHE_SECONDS) == {hash_of(OTHER)}


def test_the_last_hashes_stay_valid_while_the_store_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = authorizer.KeyHashCache()
    monkeypatch.setenv(authorizer.HASHES_VARIABLE, hash_of(KEY))
    hashes.current(0.0)
    monkeypatch.setenv(authorizer.HASHES_VARIABLE, "a-secret-put-in-the-wrong-place")
    with caplog.at_level(logging.ERROR):
        assert hashes.current(authorizer.CACHE_SECONDS) == {hash_of(KEY)}
    assert "the last ones stay valid" in caplog.text
    assert "a-secret" not in caplog.text


def test_without_settings_the_error_lists_the_variables_to_set() -> None:
    with pytest.raises(RuntimeError, match="cannot be read: .*MILK_API_KEY_HASHES_SECRET"):
        authorizer.handler(request(KEY))


def test_a_missing_or_malformed_secret_is_an_error_that_reveals_nothing(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(authorizer.SECRET_VARIABLE, "milk/none")
    with pytest.raises(RuntimeError, match="cannot be read: ResourceNotFoundException"):
        authorizer.handler(request(KEY))
    boto3.client("secretsmanager").create_secret(Name="milk/plain", SecretString=KEY)
    monkeypatch.setenv(authorizer.SECRET_VARIABLE, "milk/plain")
    with pytest.raises(RuntimeError, match="hash 1 of 1") as raised:
        authorizer.handler(request(KEY))
    assert KEY not in str(raised.value)


def test_hashes_in_the_environment_need_no_boto3() -> None:
    code = "import sys, lambda_service.authorizer as a; a.handler({}); sys.exit('boto3' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=30, env={authorizer.HASHES_VARIABLE: hash_of(KEY)}, cwd=_ROOT
    )


def test_the_command_prints_a_key_and_its_hash() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lambda_service.api.api_keys"], check=True, timeout=30, capture_output=True, text=True, cwd=_ROOT
    )
    key, digest = (line.split()[-1] for line in run.stdout.splitlines())
    assert len(key) == 43
    assert hash_of(key) == digest


_ROOT = Path(__file__).parents[1]
