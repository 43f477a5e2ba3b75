"""The floor: an application that reads a tensor, asks the model and answers its labels; no routes, no checks, no metrics."""

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from skops import io as skops_io

MODEL = skops_io.load(os.environ["MODEL_FILE"], trusted=[])
HEADERS = [(b"content-type", b"application/json")]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer whatever is asked, on whatever path."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = b"{}"
    if body:
        tensor = json.loads(body)["inputs"][0]
        labels = MODEL.predict(np.asarray(tensor["data"]).reshape(tensor["shape"]))
        outputs = [{"name": "label", "shape": [len(labels)], "datatype": "INT64", "data": labels.tolist()}]
        answer = json.dumps({"model_name": "iris", "outputs": outputs}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, (b"content-length", str(len(answer)).encode())]})
    await send({"type": "http.response.body", "body": answer})
