"""What the synthesized policies permit, enforced by an emulated IAM."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from milk_assets_tests.cloud.conftest import REGION, policy_of

ARTEFACTS = "milk-staging-artefacts"
LAKE = "milk-staging-lake"
FILES = {
    ARTEFACTS: [
        "serving/manifest.json",
        "serving/data/0123.json",
        "models/0123/manifest.json",
        "ledger/000001.json",
        "mlflow/1/a",
    ],
    LAKE: ["prices/2025-03-31/prices.parquet", "compute_logs/run/1.out"],
}
# Number of calls before moto starts to enforce policies: the role, its policy, two buckets, the files, and assuming the role.
SETUP_CALLS = 2 + 2 + sum(map(len, FILES.values())) + 1


@pytest.fixture
def act_as(aws: None) -> Iterator[Any]:
    """Return a function that creates an S3 client with the permissions of a synthesized role; enforcement starts after it."""

    def client(stack: str, role: str) -> Any:
        iam = boto3.client("iam", region_name=REGION)
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
        }
        arn = iam.create_role(RoleName="synthesized", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", **policy_of(stack, role)})
        iam.put_role_policy(RoleName="synthesized", PolicyName="synthesized", PolicyDocument=document)
        s3 = boto3.client("s3", region_name=REGION)
        for bucket, paths in FILES.items():
            s3.create_bucket(Bucket=bucket)
            for path in paths:
                s3.put_object(Bucket=bucket, Key=path, Body=path.encode())
        keys = boto3.client("sts", region_name=REGION).assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.client(
            "s3",
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    with mock_aws():
        yield client


def is_permitted(call: Any, **arguments: Any) -> bool:
    """Return whether a call is permitted. Errors other than a refusal are raised."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"AccessDenied", "403"}:
            return False
        raise
    return True


@set_initial_no_auth_action_count(SETUP_CALLS)
def test_the_endpoint_reads_its_two_prefixes_and_nothing_else(act_as: Any) -> None:
    s3 = act_as("milk-staging-api", "FunctionRole")
    readable = {path for bucket, paths in FILES.items() for path in paths if is_permitted(s3.get_object, Bucket=bucket, Key=path)}
    assert readable == {"serving/manifest.json", "serving/data/0123.json", "models/0123/manifest.json"}
    assert not is_permitted(s3.put_object, Bucket=ARTEFACTS, Key="serving/manifest.json", Body=b"{}")
    assert not is_permitted(s3.delete_object, Bucket=ARTEFACTS, Key="serving/manifest.json")
    assert not is_permitted(s3.list_objects_v2, Bucket=ARTEFACTS)


@set_initial_no_auth_action_count(SETUP_CALLS)
def test_a_run_reads_and_writes_both_buckets_and_deletes_nothing(act_as: Any) -> None:
    s3 = act_as("milk-staging-platform", "RunRole")
    for bucket, paths in FILES.items():
        assert all(is_permitted(s3.get_object, Bucket=bucket, Key=path) for path in paths)
        assert all(is_permitted(s3.put_object, Bucket=bucket, Key=path, Body=b"new") for path in paths)
        assert is_permitted(s3.list_objects_v2, Bucket=bucket)
        assert not any(is_permitted(s3.delete_object, Bucket=bucket, Key=path) for path in paths)


@set_initial_no_auth_action_count(SETUP_CALLS)
def test_the_batch_scorer_reads_the_served_model_and_writes_nothing(act_as: Any) -> None:
    s3 = act_as("milk-staging-batch", "ScoreRole")
    readable = {path for bucket, paths in FILES.items() for path in paths if is_permitted(s3.get_object, Bucket=bucket, Key=path)}
    assert readable == {"serving/manifest.json", "serving/data/0123.json", "models/0123/manifest.json"}
    assert not is_permitted(s3.put_object, Bucket=ARTEFACTS, Key="batch/1/series.json", Body=b"[]")


@set_initial_no_auth_action_count(SETUP_CALLS)
def test_the_batch_plan_writes_only_to_its_folder(act_as: Any) -> None:
    s3 = act_as("milk-staging-batch", "PlanRole")
    assert is_permitted(s3.put_object, Bucket=ARTEFACTS, Key="batch/1/series.json", Body=b"[]")
    assert not is_permitted(s3.put_object, Bucket=ARTEFACTS, Key="serving/manifest.json", Body=b"{}")
