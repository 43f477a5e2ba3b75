"""Asking the served model: a port-forward to its Service, and one Open Inference Protocol request per image."""

import base64
import io
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from PIL import Image

from e2e.cluster import Problem, tool
from e2e.environment.target import Target


@dataclass(frozen=True)
class Answers:
    """What the model answered: how many it was asked, how many were right, and the first of them."""

    asked: int
    right: int
    first_truth: str
    first_label: str
    first_score: float
    port_forward: str

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.asked


@contextmanager
def port_forward(target: Target, namespace: str, service: str, port: int = 80) -> Iterator[str]:
    """A loopback URL for a Service, as long as the block lasts.

    Raises:
        Problem: the forward does not come up within 20 s.
    """
    command = [
        str(tool("kubectl")),
        f"--kubeconfig={target.kubeconfig}",
        "port-forward",
        f"--namespace={namespace}",
        f"service/{service}",
        f":{port}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if (found := re.search(r"127\.0\.0\.1:(\d+)", line)) is None:
                raise Problem(f"port-forward to service/{service} failed: {line}")
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def ask(target: Target, namespace: str, deployment: str, images: Iterable[tuple[str, bytes]]) -> Answers:
    """Send images, each given with its truth.

    Raises:
        Problem: the model does not answer as the protocol says.
    """
    labels: list[tuple[str, str, float]] = []
    with port_forward(target, namespace, deployment) as url, httpx.Client(base_url=url, timeout=10) as client:
        for truth, pixels in images:
            labels.append((truth, *_infer(client, deployment, pixels)))
    right = sum(truth == label for truth, label, _ in labels)
    truth, label, score = labels[0]
    forward = f"kubectl -n {namespace} port-forward service/{deployment} 8080:80"
    return Answers(len(labels), right, truth, label, score, forward)


def _infer(client: httpx.Client, model: str, png: bytes) -> tuple[str, float]:
    Image.open(io.BytesIO(png)).verify()
    tensor = {"name": "item", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(png).decode()]}
    for attempt in range(5):
        reply = client.post(f"/v2/models/{model}/infer", json={"inputs": [tensor]})
        if reply.status_code == 200:
            outputs = {output["name"]: output["data"][0] for output in reply.json()["outputs"]}
            return str(outputs["label"]), float(outputs["score"])
        if reply.status_code not in (429, 503):
            break
        time.sleep(0.2 * (attempt + 1))
    raise Problem(f"the model answered {reply.status_code}: {reply.text[:300]}")
