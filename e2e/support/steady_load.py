"""Runs in a pod: asks a served model for the whole time, like a client with a few workers, and says each second how it went.

Each worker opens a new connection every twenty requests, so that all pods behind the Service get their share. Of every tenth image it tells the true
label afterwards: that it was what was answered. A line is JSON: requests so far, those that failed with the first words of why, and how often each
version answered in the last second.
"""

import base64
import io
import json
import os
import threading
import time
from collections import Counter
from typing import Any

import httpx
import numpy as np
from PIL import Image

URL, WORKERS, PAUSE, LEARNT = os.environ["URL"], 3, 0.03, 10
FEEDBACK = URL.partition("/v2/")[0] + "/feedback"
lock = threading.Lock()
total: Counter[str] = Counter()
failures: list[str] = []
versions: Counter[str] = Counter()


def body(seed: int) -> dict[str, object]:
    """A request about an image of noise: versions that learnt otherwise answer otherwise."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8)).astype(np.uint8)).save(file, "PNG")
    return {"inputs": [{"name": "item", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(file.getvalue()).decode()]}]}


BODIES = [body(seed) for seed in range(200)]


def truth(answer: dict[str, Any]) -> dict[str, object]:
    """What a caller tells of an answer that was right."""
    (labels,) = (output["data"] for output in answer["outputs"] if output["name"] == "label")
    return {"id": answer["parameters"]["feedback_id"], "labels": labels}


def work(worker: int) -> None:
    """Ask for ever."""
    number = worker
    while True:
        with httpx.Client(timeout=30) as client:
            for _ in range(20):
                number += WORKERS
                learns = {"id": "load"} if number % LEARNT == 0 else {}
                try:
                    answer = client.post(URL, json=BODIES[number % len(BODIES)] | learns)
                    said = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"
                    version = answer.json()["model_version"] if not said else ""
                    if learns and not said:
                        client.post(FEEDBACK, json=truth(answer.json())).raise_for_status()
                except (httpx.HTTPError, LookupError, ValueError) as error:  # an answer without what it must have is a failure too
                    said, version = f"{type(error).__name__} {error}", ""
                with lock:
                    total["requests"] += 1
                    versions[version] += 1
                    if said:
                        failures.append(said)
                time.sleep(PAUSE)


for index in range(WORKERS):
    threading.Thread(target=work, args=(index,), daemon=True).start()
while True:
    time.sleep(1)
    with lock:
        line = {"requests": total["requests"], "failed": len(failures), "first": failures[:3], "versions": dict(versions)}
        versions.clear()
    print(json.dumps(line), flush=True)
