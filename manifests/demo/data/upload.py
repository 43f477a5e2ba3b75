"""Put the images to be labelled into the object store, and make the buckets that the demo uses. Run it as often as you like."""

import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from manifests.demo.data.digits import items

RAW, DATASETS = "digits-raw", "digits-datasets"
PREFIX = "items/"
PATIENCE = 120  # seconds until the store must have answered


def main() -> None:
    """Upload what is not there yet."""
    store = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT"],
        region_name="us-east-1",
        config=Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3}, s3={"addressing_style": "path"}),
    )
    deadline = time.monotonic() + PATIENCE
    for bucket in (RAW, DATASETS):
        while not _made(store, bucket):
            if time.monotonic() > deadline:
                raise SystemExit(f"the object store at {os.environ['S3_ENDPOINT']} did not answer in {PATIENCE} s")
            time.sleep(1)
    there = {
        entry["Key"] for page in store.get_paginator("list_objects_v2").paginate(Bucket=RAW, Prefix=PREFIX) for entry in page.get("Contents", ())
    }
    missing = [(PREFIX + name, png) for name, png in items() if PREFIX + name not in there]
    for key, png in missing:
        store.put_object(Bucket=RAW, Key=key, Body=png, ContentType="image/png")
    print(f"{len(missing)} images uploaded to s3://{RAW}/{PREFIX}, {len(there)} were there")


def _made(store, bucket: str) -> bool:
    try:
        store.create_bucket(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
    except BotoCoreError as error:
        print(f"waiting for the object store: {error}")
        return False
    return True


if __name__ == "__main__":
    main()
