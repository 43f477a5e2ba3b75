"""People who use the served model: they send digits from another scanner, all the time, and tell a moment later which digits these were.

Each second a line of JSON says how it goes: requests so far, those that failed with the first words of why, and of each version that answered in
that second how many answers it gave and how many were right.
"""

import base64
import itertools
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import httpx

from manifests.demo.data.digits import scanned

VISITORS = 2
PAUSE = 0.06  # seconds between two requests of one visitor
PER_CONNECTION = 20  # requests, so that every pod behind the Service gets its share


class Visits:
    """What all visitors met, together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._failures: list[str] = []
        self._answers: Counter[str] = Counter()
        self._right: Counter[str] = Counter()

    def answered(self, version: str, right: bool) -> None:
        """A request was answered."""
        with self._lock:
            self._requests += 1
            self._answers[version] += 1
            self._right[version] += right

    def failed(self, why: str) -> None:
        """A request was not answered as the protocol says."""
        with self._lock:
            self._requests += 1
            self._failures.append(why)

    def line(self) -> str:
        """How it goes; versions are counted anew afterwards."""
        with self._lock:
            versions = {version: {"answers": count, "right": self._right[version]} for version, count in sorted(self._answers.items())}
            told = {"requests": self._requests, "failed": len(self._failures), "first": self._failures[:3], "versions": versions}
            self._answers.clear()
            self._right.clear()
        return json.dumps(told)


def visit(url: str, model: str, digits: Iterator[tuple[str, bytes]], visits: Visits) -> None:
    """Ask and tell, for ever."""
    for number in itertools.count():
        with httpx.Client(base_url=url, timeout=30) as client:
            for truth, png in itertools.islice(digits, PER_CONNECTION):
                try:
                    ask(client, model, f"{number}", truth, png, visits)
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    visits.failed(f"{type(error).__name__} {error}"[:300])
                time.sleep(PAUSE)


def ask(client: httpx.Client, model: str, request: str, truth: str, png: bytes, visits: Visits) -> None:
    """One request, and the true label of its answer."""
    tensor = {"name": "item", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(png).decode()]}
    reply = client.post(f"/v2/models/{model}/infer", json={"id": request, "inputs": [tensor]}).raise_for_status().json()
    label = next(output["data"][0] for output in reply["outputs"] if output["name"] == "label")
    client.post("/feedback", json={"id": reply["parameters"]["feedback_id"], "labels": [truth]}).raise_for_status()
    visits.answered(reply["model_version"], label == truth)


def main() -> int:
    """Let visitors come for as long as MINUTES says; 1 when a request failed."""
    url, model, minutes = os.environ["URL"], os.environ["MODEL"], float(os.environ["MINUTES"])
    visits, digits = Visits(), list(scanned())
    for first in range(VISITORS):
        own = itertools.cycle(digits[first::VISITORS])
        threading.Thread(target=visit, args=(url, model, own, visits), daemon=True).start()
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        time.sleep(1)
        line = visits.line()
        print(line, flush=True)
    return 1 if json.loads(line)["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
