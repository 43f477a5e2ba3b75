"""What the world holds, told so that it is equal from life to life: without names, ids and times."""

import asyncio
import json
import re
from collections import Counter
from typing import Any

from tests.crash.calls import KIND_OF, nameless
from tests.crash.room import Room
from treadle.plan import Object

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.]*(Z|\+00:00)?")
ID = re.compile(r'("(?:id|experimentId|url|project)": |labelling project |mlflow-artifacts:/)("http[^"]*"|"\d+"|\d+(?![0-9a-z]))')
HEX = re.compile(r"(?<![0-9a-z])[0-9a-f]{6,64}(?![0-9a-z])")


async def made(room: Room) -> str:
    """Every object that an operator ever made, and how often, as the API server recorded it."""
    return await asyncio.to_thread(_counted, room, 201, ("create", "patch"))


async def deleted(room: Room) -> str:
    """Every object that an operator ever deleted."""
    return await asyncio.to_thread(_counted, room, 200, ("delete",))


def nameless_status(this: Object, room: Room) -> str:
    """The status as text."""
    status: dict[str, Any] = {name: value for name, value in this["status"].items() if name not in ("ranSeconds",)}
    text = ID.sub(r"\1ID", json.dumps(status, sort_keys=True))
    return HEX.sub("DIGEST", TIME.sub("TIME", text.replace(room.namespace, "NAMESPACE")))


def _counted(room: Room, code: int, verbs: tuple[str, ...]) -> str:
    found: Counter[str] = Counter()
    for event in room.audited():
        ref = event["objectRef"]
        if event["verb"] in verbs and event["responseStatus"]["code"] == code and "subresource" not in ref and ref["resource"] in KIND_OF:
            name = ref.get("name") or (event.get("requestObject") or {}).get("metadata", {}).get("name", "")
            found[f"{KIND_OF[ref['resource']]} {nameless(name)}"] += 1
    return ", ".join(f"{name}" if count == 1 else f"{count} x {name}" for name, count in sorted(found.items())) or "nothing"
