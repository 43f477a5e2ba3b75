"""Runs in a pod: puts digits into the object store, and a file with what two people said of each. One picture is black."""

import io
import json
import os

import boto3
from botocore.config import Config
from PIL import Image

from manifests.demo.data.digits import items, read

BUCKET, PREFIX, COUNT = os.environ["BUCKET"], os.environ["PREFIX"], int(os.environ["COUNT"])

store = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_ENDPOINT"],
    region_name="us-east-1",
    config=Config(connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"}),
)
black = io.BytesIO()
Image.new("L", (64, 64)).save(black, "PNG")
pictures = {"black.png": ("0", black.getvalue())} | {name: (read(png), png) for name, png in list(items())[:COUNT]}
for name, (_, png) in pictures.items():
    store.put_object(Bucket=BUCKET, Key=f"{PREFIX}items/{name}", Body=png, ContentType="image/png")
lines = [{"uri": f"items/{name}", "label": label, "annotator": person} for name, (label, _) in pictures.items() for person in "12"]
store.put_object(Bucket=BUCKET, Key=f"{PREFIX}labels.jsonl", Body="".join(json.dumps(line) + "\n" for line in lines).encode())
