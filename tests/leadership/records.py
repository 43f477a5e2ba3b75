"""What really happened, read afterwards from the API server's audit log and from MLflow."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx

from tests.integration.control_plane import Place

WRITING = ("create", "update", "patch", "delete", "deletecollection")
ORDER = ("Pending", "Queued", "Starting", "Running", "Finishing", "Succeeded")
"""Phases in the order in which a run that ends well may go through them."""


class Records:
    """The audit log of one namespace, from some place on."""

    def __init__(self, place: Place, since: int) -> None:
        self._events = [event for event in place.cluster.audit_events(offset=since) if event.get("objectRef", {}).get("namespace") == place.namespace]
        self._namespace = place.namespace

    def writes(self, name: str, *, resource: str = "") -> list[dict[str, Any]]:
        """The writing requests of a replica, on one resource when named, in the order in which they were answered."""
        user = f"{name}-{self._namespace}"
        mine = (event for event in self._events if event["user"]["username"] == user and event["verb"] in WRITING)
        return [event for event in mine if not resource or event["objectRef"]["resource"] == resource]

    def taken(self, name: str) -> datetime:
        """When a replica held the Lease for the first time."""
        return answered(next(event for event in self.writes(name, resource="leases") if done(event)))

    def renewed(self, name: str, before: datetime) -> datetime:
        """When a replica wrote the Lease for the last time before then."""
        *_, last = (answered(event) for event in self.writes(name, resource="leases") if done(event) and answered(event) < before)
        return last

    def acted(self, name: str, after: datetime | None = None) -> list[datetime]:
        """When a replica wrote anything but its Lease and Events."""
        times = (answered(e) for e in self.writes(name) if done(e) and e["objectRef"]["resource"] not in ("leases", "events"))
        return [time for time in times if after is None or time > after]

    def late(self, name: str, after: datetime) -> tuple[Counter[str], Counter[str]]:
        """What a replica still wanted to write after then: what was refused, and what was carried out; by verb, resource and status code."""
        refused: Counter[str] = Counter()
        carried_out: Counter[str] = Counter()
        for event in self.writes(name):
            if answered(event) > after:
                ref = event["objectRef"]
                resource = "/".join(filter(None, (ref["resource"], ref.get("subresource"))))
                (carried_out if done(event) else refused)[f"{event['verb']} {resource}: {event['responseStatus']['code']}"] += 1
        return refused, carried_out

    def jobs(self) -> Counter[str]:
        """How often a Job was made, by name, by whomever."""
        made = (e for e in self._events if e["verb"] == "create" and e["objectRef"]["resource"] == "jobs" and done(e))
        return Counter(event["objectRef"].get("name") or event["requestObject"]["metadata"]["name"] for event in made)

    def waits(self) -> dict[str, float]:
        """How long each run that was applied waited for its first Job, in seconds."""
        applied: dict[str, datetime] = {}
        waited: dict[str, float] = {}
        for event in sorted((e for e in self._events if e["verb"] == "create" and done(e)), key=answered):
            resource = event["objectRef"]["resource"]
            if resource == "trainingruns":
                applied[event["responseObject"]["metadata"]["name"]] = answered(event)
            elif resource == "jobs" and (owner := event["requestObject"]["metadata"]["ownerReferences"][0]["name"]) in applied:
                waited.setdefault(owner, (answered(event) - applied[owner]).total_seconds())
        return waited

    def backwards(self) -> list[str]:
        """Status writes after which a run stood before where it was, or had forgotten an attempt."""
        told: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for event in self._events:
            if event["objectRef"].get("subresource") == "status" and event["objectRef"]["resource"] == "trainingruns" and done(event):
                this = event["responseObject"]
                status = this["status"]
                version, attempt = int(this["metadata"]["resourceVersion"]), int(status.get("attempt") or 0)
                told[this["metadata"]["name"]].append((version, ORDER.index(status["phase"]), attempt))
        found = []
        for name, states in told.items():
            states.sort()
            found += [f"{name}: {ORDER[b[1]]} to {ORDER[a[1]]}" for b, a in pairwise(states) if a[1] < b[1] or a[2] < b[2]]
        return found


async def tracked(mlflow: str, experiment: str) -> Mapping[str, Sequence[str]]:
    """The status of each tracking run, by the uid of the TrainingRun that claimed it."""
    async with httpx.AsyncClient(base_url=f"http://{mlflow}/api/2.0/mlflow", timeout=20, trust_env=False) as http:
        found = (await http.get("/experiments/get-by-name", params={"experiment_name": experiment})).raise_for_status().json()["experiment"]
        query: dict[str, Any] = {"experiment_ids": [found["experiment_id"]], "max_results": 1000}
        runs = (await http.post("/runs/search", json=query)).raise_for_status().json()["runs"]
    by_owner: defaultdict[str, list[str]] = defaultdict(list)
    for each in runs:
        tags = {tag["key"]: tag["value"] for tag in each["data"]["tags"]}
        by_owner[tags["treadle.claim"]].append(each["info"]["status"])
    return {owner: sorted(states) for owner, states in by_owner.items()}


def done(event: Mapping[str, Any]) -> bool:
    """Whether a request was carried out."""
    return int(event["responseStatus"]["code"]) < 300


def answered(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["stageTimestamp"])
