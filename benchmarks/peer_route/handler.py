"""Peer route: a handler as tutorials write it, with a model packaged by MLflow, downloaded by boto3 and loaded at import.

Belongs here: the handler that `benchmarks/serving.py` compares the endpoint with. It scores one booster on ready-made features, which is
less work than the endpoint does.
"""

import json
import os
from pathlib import Path

import boto3
import mlflow.pyfunc
import pandas as pd

FOLDER = Path(os.environ["PEER_FOLDER"])


def _download() -> Path:
    s3 = boto3.client("s3", endpoint_url=os.environ["MILK_S3_ENDPOINT"])
    bucket = os.environ["PEER_BUCKET"]
    for file in s3.list_objects_v2(Bucket=bucket, Prefix="peer/")["Contents"]:
        path = FOLDER / file["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, file["Key"], str(path))
    return FOLDER / "peer"


MODEL = mlflow.pyfunc.load_model(str(_download()))


def handler(event: dict, context: object) -> dict:
    """Probabilities of the bins for each row of features in the body."""
    rows = pd.DataFrame(json.loads(event["body"])).astype("float32")
    chances = MODEL.predict(rows)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"chances": chances.tolist()})}
