"""Runs in a pod: asks a served model for the whole time, like a client with a few workers, and says each second how it went.

Each worker opens a new connection every twenty requests, so that all pods behind the Service get their share. A line is JSON: requests so far, those
that failed with the first words of why, and how often each version answered in the last second.
"""

import base64
import io
import json
import os
import threading
import time
from collections import Counter

import httpx
import numpy as np
from PIL import Image

URL, WORKERS, PAUSE = os.environ["URL"], 3, 0.03
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


def work(worker: int) -> None:
    """Ask for ever."""
    number = worker
    while True:
        with httpx.Client(timeout=30) as client:
            for _ in range(20):
                number += WORKERS
                try:
                    answer = client.post(URL, json=BODIES[number % len(BODIES)])
                    said = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"
                    version = answer.json()["model_version"] if not said else ""
                except httpx.HTTPError as error:
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
